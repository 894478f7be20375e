"""The entry fields of the programmer: what may be typed for each quantity, from drug library and strength.

A field offers only as many decimals as the pump can deliver at this strength, and its limits are those of
the drug library. A step's rate is judged by the daily dose it would give if it ran all day.
"""

from fractions import Fraction
from typing import Final

from programmer_tui.clinic.clinical_format import MAX_DECIMALS, MassUnit
from programmer_tui.clinic.dose import daily_dose_decimals, dose_rate_decimals
from programmer_tui.clinic.drug_library import DrugEntry
from programmer_tui.clinic.entry_grammar import NumberFormat
from programmer_tui.clinic.entry_state import EntrySpec
from programmer_tui.clinic.limit_range import LimitRange

DOSE_DIGITS: Final = 4
STRENGTH_DIGITS: Final = 5
_REENTRY_DIGITS: Final = 7
PER_HOUR: Final = Fraction(1, 24)
"""Factor from limits of a daily dose to limits of a dose rate."""


def daily_dose_field(drug: DrugEntry, conc_ng_ml: int) -> EntrySpec:
    """Return the field for a dose in 24 h; values are ng/day."""
    form = NumberFormat(DOSE_DIGITS, daily_dose_decimals(conc_ng_ml, drug.unit))
    return EntrySpec("Daily dose", f"{drug.unit.value}/day", drug.unit.ng, form, drug.daily_dose.limits)


def step_rate_field(drug: DrugEntry, conc_ng_ml: int) -> EntrySpec:
    """Return the field for the dose rate of one step; values are ng/h."""
    form = NumberFormat(DOSE_DIGITS, dose_rate_decimals(conc_ng_ml, drug.unit))
    return EntrySpec("Step rate", f"{drug.unit.value}/h", drug.unit.ng, form, step_rate_limits(drug))


def step_rate_limits(drug: DrugEntry) -> LimitRange:
    """Return the limits of a step's dose rate in ng/h: those of the daily dose, spread over 24 h."""
    return drug.daily_dose.limits.scaled(PER_HOUR)


def strength_field(drug: DrugEntry) -> EntrySpec:
    """Return the field for the concentration in the reservoir; values are ng/mL."""
    form = NumberFormat(STRENGTH_DIGITS, MAX_DECIMALS)
    return EntrySpec("Strength", f"{drug.unit.value}/mL", drug.unit.ng, form, drug.concentration.limits)


def reentry_field(unit: MassUnit) -> EntrySpec:
    """Return the field in which the new daily dose is typed again before programming; values are ng/day."""
    form = NumberFormat(_REENTRY_DIGITS, MAX_DECIMALS)
    return EntrySpec("New daily dose", f"{unit.value}/day", unit.ng, form)
