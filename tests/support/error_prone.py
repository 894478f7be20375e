"""Finds error-prone ways to write a quantity in any text: screen dumps, reports, command output, logs."""

import re

_UNITS = r"(?:mg|mcg|mL|ng|nL|mm)"
RULES = {
    "N1 trailing zero": re.compile(r"(?<![\d.])\d[\d,]*\.\d*0(?![\d.])"),
    "N2 no zero before the point": re.compile(r"(?<![\d.])\.\d"),
    "N3 no space before the unit": re.compile(rf"\d{_UNITS}\b"),
    "N4 microgram sign or ug": re.compile(r"[µμ]g|\bug\b"),
    "N4 ml, ML or cc": re.compile(r"\bml\b|\bML\b|\bcc\b"),
    "N4 U or IU": re.compile(r"\bIU\b|\d\s*U\b"),
    "N5 no comma from 1,000": re.compile(rf"(?<![\d.,-])\d{{4,}}(?=(?:\.\d+)? {_UNITS}\b)"),
    "N12 Latin abbreviation": re.compile(r"\bQD\b|\bHS\b|\bqd\b"),
}


def error_prone(text: str) -> list[str]:
    """Each rule that `text` breaks, with the place."""
    return [f"{rule}: {found.group()!r}" for rule, regex in RULES.items() for found in regex.finditer(text)]
