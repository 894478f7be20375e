"""The scan that guards every screen finds what it is there to find."""

import pytest
from support.error_prone import RULES, error_prone

BAD = {
    "N1 trailing zero": ["5.0 mg", "0.50 mg/day", "12.0"],
    "N2 no zero before the point": [".5 mg", "dose .25"],
    "N3 no space before the unit": ["5mg", "0.27mL/day"],
    "N4 microgram sign or ug": ["5 µg", "5 μg/day", "5 ug"],
    "N4 ml, ML or cc": ["5 ml", "5 cc", "5 ML"],
    "N4 U or IU": ["100 U", "100U", "100 IU"],
    "N5 no comma from 1,000": ["1000 mcg", "20000.5 mcg/day"],
    "N12 Latin abbreviation": ["5 mg QD", "HS"],
}
GOOD = [
    "5 mg",
    "0.5 mg/day",
    "1,000 mcg",
    "10.05 mL",
    "2026-03-02 10:40:07",
    "20 mg/mL",
    "v1.4.0",
    "VP20-004711",
]


def test_every_rule_has_examples() -> None:
    assert set(BAD) == set(RULES)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BAD.items() for text in texts])
def test_an_error_prone_text_is_found_under_its_rule(rule: str, text: str) -> None:
    assert any(found.startswith(rule) for found in error_prone(text))


@pytest.mark.parametrize("text", GOOD)
def test_a_safe_text_passes(text: str) -> None:
    assert error_prone(text) == []
