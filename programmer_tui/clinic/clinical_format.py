"""How clinical quantities are written: one pure function per kind, free of locale and of floats.

The rules are those of safe medication displays: no trailing zero, always a zero before the point, a space
between number and unit, ``mcg`` and ``mL`` spelled so, commas from 1,000, at most three decimals, and no
bare zero for what is not known. Values come in as exact numbers in the project's base units (ng, nL, nL/h,
ng/mL); text goes out. Rounding is half up and is always visible to the caller in `Shown.exact`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from protocol.quantities import NG_PER_MCG, NG_PER_MG, NL_PER_ML, round_half_up
from protocol.vocabulary import DisplayUnit, DrugCode

Exact = int | Fraction
"""An exact number: what all clinical arithmetic here is done in."""

MAX_DECIMALS: Final = 3
HOURS_PER_DAY: Final = 24
UNKNOWN: Final = "--"
"""Stands where a number would, when it is not known."""


class MassUnit(StrEnum):
    """The mass unit a drug is written in everywhere; the two are never mixed in one comparison."""

    MG = "mg"
    MCG = "mcg"

    @property
    def ng(self) -> int:
        """Nanograms in one unit."""
        return NG_PER_MG if self is MassUnit.MG else NG_PER_MCG

    @property
    def display(self) -> DisplayUnit:
        """The word the program image has for this unit."""
        return DisplayUnit.MG if self is MassUnit.MG else DisplayUnit.MCG

    @classmethod
    def of_display(cls, display: DisplayUnit) -> "MassUnit":
        """Return the unit a drug of the program image is shown in."""
        return cls.MG if display is DisplayUnit.MG else cls.MCG


@dataclass(frozen=True, slots=True)
class Shown:
    """A written quantity: the digits, the unit, and whether the digits are the whole truth.

    ``str()`` gives number and unit with one space between them. ``exact`` is false where decimals were
    rounded away, so that a screen can say so.
    """

    number: str
    unit: str
    exact: bool

    @property
    def text(self) -> str:
        """Number, space, unit."""
        return f"{self.number} {self.unit}" if self.unit else self.number

    @property
    def qualified(self) -> str:
        """The text, with "about" before it where it was rounded."""
        return self.text if self.exact or not self.number[0].isdigit() else f"about {self.text}"

    def __str__(self) -> str:
        return self.text


def format_number(value: Exact | Decimal, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a non-negative number without unit, rounded half up to at most ``max_decimals`` (0..3).

    A value that is not zero but would round to it is written ``below 0.001``, never ``0``.

    Raises:
        ValueError: the value is negative or ``max_decimals`` is outside 0..3.
    """
    return format_quantity(value, "", max_decimals)


def format_quantity(value: Exact | Decimal, unit: str, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a non-negative ``value`` with its ``unit``; the rules are those of `format_number`.

    Raises:
        ValueError: the value is negative or ``max_decimals`` is outside 0..3.
    """
    exact_value = Fraction(value)
    if exact_value < 0:
        raise ValueError(f"a shown quantity is never negative, got {value}; see format_signed")
    if not 0 <= max_decimals <= MAX_DECIMALS:
        raise ValueError(f"0..{MAX_DECIMALS} decimals can be shown, not {max_decimals}")
    scaled = exact_value * 10**max_decimals
    rounded = round_half_up(scaled.numerator, scaled.denominator)
    if rounded == 0 and exact_value:
        return Shown(f"below {_digits(1, max_decimals)}", unit, exact=False)
    return Shown(_digits(rounded, max_decimals), unit, exact=scaled == rounded)


def _digits(scaled: int, decimals: int) -> str:
    whole, rest = divmod(scaled, 10**decimals)
    tail = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole:,}.{tail}" if tail else f"{whole:,}"


def format_signed(value: Exact | Decimal, unit: str, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a difference with its sign, as ``+0.03 mL/day``; ``0`` carries none."""
    exact_value = Fraction(value)
    size = format_quantity(abs(exact_value), unit, max_decimals)
    if exact_value == 0:
        return size
    if not size.number[0].isdigit():
        word = "up" if exact_value > 0 else "down"
        return Shown(f"{word} less than {_digits(1, max_decimals)}", unit, exact=False)
    return Shown(("+" if exact_value > 0 else "-") + size.number, unit, size.exact)


# --- quantities of the therapy --------------------------------------------------------------------


def format_mass(mass_ng: Exact, unit: MassUnit, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a drug mass, as ``1.2 mg``."""
    return format_quantity(Fraction(mass_ng) / unit.ng, unit.value, max_decimals)


def format_daily_dose(dose_ng_per_day: Exact, unit: MassUnit, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a daily dose, as ``5.4 mg/day``."""
    return format_quantity(Fraction(dose_ng_per_day) / unit.ng, f"{unit.value}/day", max_decimals)


def format_dose_rate(dose_ng_h: Exact, unit: MassUnit, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a dose rate, as ``0.2 mg/h``."""
    return format_quantity(Fraction(dose_ng_h) / unit.ng, f"{unit.value}/h", max_decimals)


def format_strength(conc_ng_ml: Exact, unit: MassUnit) -> Shown:
    """Return a concentration, as ``20 mg/mL``."""
    return format_quantity(Fraction(conc_ng_ml) / unit.ng, f"{unit.value}/mL")


def format_volume_ml(volume_nl: Exact, max_decimals: int = MAX_DECIMALS) -> Shown:
    """Return a volume, as ``13.2 mL``."""
    return format_quantity(Fraction(volume_nl) / NL_PER_ML, "mL", max_decimals)


def format_volume_per_day(volume_nl: Exact) -> Shown:
    """Return the volume of one day, as ``0.27 mL/day``."""
    return format_quantity(Fraction(volume_nl) / NL_PER_ML, "mL/day")


def format_rate_ml_day(rate_nl_h: Exact) -> Shown:
    """Return a flow per day, as ``0.24 mL/day``."""
    return format_volume_per_day(Fraction(rate_nl_h) * HOURS_PER_DAY)


def format_rate_ml_h(rate_nl_h: Exact) -> Shown:
    """Return a flow per hour, as ``0.01 mL/h``."""
    return format_quantity(Fraction(rate_nl_h) / NL_PER_ML, "mL/h")


# --- changes --------------------------------------------------------------------------------------


def format_percent_change(old: Exact, new: Exact) -> Shown:
    """Return the change from ``old`` to ``new``, as ``+12.5 %``; from nothing there is no percentage."""
    if old == new:
        return Shown("0", "%", exact=True)
    if old == 0:
        return Shown("from 0", "", exact=True)
    return format_signed(100 * (Fraction(new) / Fraction(old) - 1), "%", max_decimals=1)


def format_ratio(old: Exact, new: Exact) -> str:
    """Return how many times ``old`` the ``new`` value is, as ``x2`` or ``x0.1``; at most two decimals."""
    if old == 0:
        return "from 0"
    number = format_number(Fraction(new) / Fraction(old), max_decimals=2).number
    return f"x{number}" if number[0].isdigit() else "less than x0.01"


def format_change(old: Exact, new: Exact) -> str:
    """Return a change in the way that is easiest to judge: ``x2`` from a doubling on, else per cent."""
    if old == new:
        return "no change"
    if old and Fraction(new) >= 2 * Fraction(old):
        return format_ratio(old, new)
    return format_percent_change(old, new).text


def format_rounding(asked: Shown, given: Shown) -> str:
    """Return the sentence that shows rounding openly: what was asked and what the pump will give."""
    if asked.text == given.text:
        return f"You asked for {asked}; the pump rounds it to its smallest rate step."
    return f"You asked for {asked}; the pump will give {given}."


# --- words ----------------------------------------------------------------------------------------


def unknown(what: str = "not read") -> Shown:
    """Return what stands for a value that is not known: ``--  not read``, never a zero."""
    return Shown(UNKNOWN, f" {what}", exact=False)


def spoken(shown: Shown) -> str:
    """Return a quantity with ``per`` written out, as ``5.4 mg per day``, for sentences and reports."""
    unit = shown.unit
    for short, word in (("/day", " per day"), ("/h", " per hour"), ("/mL", " per mL")):
        unit = unit.removesuffix(short) + word if unit.endswith(short) else unit
    return Shown(shown.number, unit, shown.exact).text


def spoken_daily_dose(dose_ng_per_day: Exact, unit: MassUnit) -> str:
    """Return a daily dose for a sentence, as ``5.4 mg per day``."""
    return spoken(format_daily_dose(dose_ng_per_day, unit))


_TALL_MAN: Final = {
    name.lower(): name
    for name in ("HYDROmorphone", "fentaNYL", "SUFentanil", "cloNIDine", "BUPivacaine", "ROPivacaine")
}
_SALTS: Final = frozenset({"acetate", "citrate", "hcl", "hydrochloride", "sulfate", "sulphate"})


def drug_name(drug: DrugCode | str) -> str:
    """Return a generic name: lower case, salt left out, capitals only where the tall-man lists put them."""
    generic = drug.name if isinstance(drug, DrugCode) else drug
    words = [word for word in generic.lower().split() if word not in _SALTS]
    return " ".join(_TALL_MAN.get(word, word) for word in words)


def align_decimal(rows: Sequence[Shown]) -> tuple[str, ...]:
    """Return the rows of one column with their points in line: blanks fill up, zeros never do."""
    parts = [row.number.partition(".") for row in rows]
    before = max((len(whole) for whole, _, _ in parts), default=0)
    after = max((len(point + rest) for _, point, rest in parts), default=0)
    return tuple(
        f"{whole:>{before}}{point + rest:<{after}} {row.unit}".rstrip()
        for row, (whole, point, rest) in zip(rows, parts, strict=True)
    )
