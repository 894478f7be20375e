r"""What a typed number may look like, and what is wrong with one that does not.

The grammar is ``0|[1-9]\d*`` with an optional point and 1..n ASCII digits behind it; no sign, exponent,
comma, space or other script. A fault names the first character that breaks it, so that it can be shown
under the caret instead of being dropped or repaired.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_DIGITS: Final = frozenset("0123456789")
_POINT: Final = "."

NOT_A_NUMBER: Final = "NOT A NUMBER"
TOO_MANY_DIGITS: Final = "TOO MANY DIGITS"
TOO_MANY_DECIMALS: Final = "TOO MANY DECIMALS"


class Reading(Enum):
    """How a typed text reads so far."""

    EMPTY = auto()
    INCOMPLETE = auto()
    NUMBER = auto()
    FAULT = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong in a text: a short badge, the place (index into the text) and a sentence."""

    badge: str
    place: int
    message: str


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How long a number may be: digits before the point (>= 1) and after it (>= 0)."""

    digits: int
    decimals: int


def read_number(text: str, form: NumberFormat) -> tuple[Reading, Fault | None]:
    """Return how ``text`` reads, and its first fault where it has one."""
    fault = _first_fault(text, form)
    if fault is not None:
        return Reading.FAULT, fault
    if not text:
        return Reading.EMPTY, None
    return (Reading.INCOMPLETE if text.endswith(_POINT) else Reading.NUMBER), None


def _first_fault(text: str, form: NumberFormat) -> Fault | None:
    seen_point = False
    decimals = 0
    for place, key in enumerate(text):
        if key == _POINT:
            fault = _point_fault(place, seen_point=seen_point, form=form)
            seen_point = True
        elif key not in _DIGITS:
            fault = Fault(NOT_A_NUMBER, place, _illegal(key))
        elif seen_point:
            decimals += 1
            fault = _too_many_decimals(place, form) if decimals > form.decimals else None
        else:
            fault = _digit_fault(text, place, form)
        if fault is not None:
            return fault
    return None


def _point_fault(place: int, *, seen_point: bool, form: NumberFormat) -> Fault | None:
    if seen_point:
        return Fault(NOT_A_NUMBER, place, "A number has one '.' only.")
    if place == 0:
        return Fault(NOT_A_NUMBER, place, "Type a 0 before the point, as in 0.5.")
    if form.decimals == 0:
        return Fault(TOO_MANY_DECIMALS, place, "Whole numbers only here: no '.'.")
    return None


def _too_many_decimals(place: int, form: NumberFormat) -> Fault:
    plural = "" if form.decimals == 1 else "s"
    return Fault(TOO_MANY_DECIMALS, place, f"At most {form.decimals} decimal{plural} here.")


def _digit_fault(text: str, place: int, form: NumberFormat) -> Fault | None:
    if place == 1 and text[0] == "0":
        return Fault(NOT_A_NUMBER, place, "After a leading 0 comes '.', as in 0.5.")
    if place >= form.digits:
        plural = "" if form.digits == 1 else "s"
        return Fault(TOO_MANY_DIGITS, place, f"At most {form.digits} digit{plural} before the point here.")
    return None


def _illegal(key: str) -> str:
    if key == ",":
        return "',' is not accepted. Use '.' as decimal point."
    if key in "+-":
        return f"'{key}' is not accepted. A dose has no sign."
    if key == " ":
        return "A space is not accepted. Digits and one '.' only."
    return f"'{key}' is not accepted. Digits and one '.' only."


def number_to_base(text: str, scale: int) -> int:
    """Return a text that reads as NUMBER in base units, ``scale`` of them in one; exact.

    Raises:
        ValueError: ``scale`` does not resolve the last decimal.
    """
    whole, _, decimals = text.partition(_POINT)
    shift: int = 10 ** len(decimals)
    value, rest = divmod(int(whole + decimals) * scale, shift)
    if rest:
        raise ValueError(f"{text} is finer than one part in {scale}")
    return value


def parse_number(text: str, form: NumberFormat, scale: int) -> int:
    """Return a whole text (a command-line argument, say) in base units, by the same grammar as typed keys.

    Raises:
        ValueError: the text is no number of this form; the message says what and where.
    """
    reading, fault = read_number(text, form)
    if fault is not None:
        raise ValueError(f"'{text}', character {fault.place + 1}: {fault.message}")
    if reading is not Reading.NUMBER:
        raise ValueError(f"'{text}' is not finished; write digits, as in 5 or 5.4")
    return number_to_base(text, scale)


def base_to_number(value: int, scale: int) -> str:
    """Return a value in base units as it would be typed: no commas, no trailing zero, exact.

    Raises:
        ValueError: the value has no finite decimal text at this scale.
    """
    whole, rest = divmod(value, scale)
    decimals = ""
    while rest:
        digit, rest = divmod(rest * 10, scale)
        decimals += str(digit)
        if len(decimals) > len(str(scale)):
            raise ValueError(f"{value}/{scale} cannot be typed as a decimal number")
    return f"{whole}.{decimals}" if decimals else str(whole)
