"""The rows of the prescribe screen: daily dose and steps of the pattern, and what may be typed in each."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from programmer_tui.clinic.clinical_format import Shown, format_daily_dose, format_dose_rate, format_mass
from programmer_tui.clinic.clinical_time import format_interval
from programmer_tui.clinic.entry_fields import daily_dose_field, step_rate_field
from programmer_tui.clinic.entry_state import EntrySpec
from programmer_tui.clinic.prescription import Prescription, with_daily_dose, with_step_rate
from programmer_tui.draft import Draft
from protocol.quantities import round_half_up
from protocol.vocabulary import ScheduleMode

TOTAL: Final = 0
"""Index of the row of the daily dose; step n has row n + 1."""
_PREFIX_CELLS: Final = 15


@dataclass(frozen=True, slots=True)
class DoseRow:
    """One row with a dose.

    Attributes:
        prefix: text before the value, in a column of its own.
        value: the value at rest; ``suffix`` is the text behind it.
        spec: what may be typed here.
        was: the value in base units of ``spec``.
        name: what the value is, for sentences.
    """

    prefix: str
    value: Shown
    suffix: str
    spec: EntrySpec
    was: int
    name: str


def dose_rows(draft: Draft) -> list[DoseRow]:
    """Return the row of the daily dose and, for a pattern, one row for each step."""
    total = _total_row(draft)
    if draft.new.mode is ScheduleMode.SIMPLE:
        return [total]
    return [total, *(_step_row(draft, place) for place in range(len(draft.new.steps)))]


def with_dose(held: Prescription, row: int, value: int) -> Prescription:
    """Return the prescription with the value of one row changed: ng/day in the first, ng/h in the others.

    Raises:
        PrescriptionError: the edit makes no prescription.
    """
    return with_daily_dose(held, value) if row == TOTAL else with_step_rate(held, row - 1, value)


def _total_row(draft: Draft) -> DoseRow:
    dose = draft.new.daily_dose_ng
    return DoseRow(
        prefix=f"{' Daily dose':<{_PREFIX_CELLS}}",
        value=format_daily_dose(dose, draft.new.unit),
        suffix="" if draft.new.mode is ScheduleMode.SIMPLE else "whole pattern",
        spec=daily_dose_field(draft.drug, draft.new.conc_ng_ml),
        was=_whole(dose),
        name="Daily dose",
    )


def _step_row(draft: Draft, place: int) -> DoseRow:
    held = draft.new
    step = held.steps[place]
    interval = format_interval(step.start_min, step.start_min + held.step_minutes[place])
    prefix = f"{place + 1:>2}{'*' if _is_changed(draft, place) else ' '} {interval}"
    return DoseRow(
        prefix=f"{prefix:<{_PREFIX_CELLS}}",
        value=format_dose_rate(step.dose_rate_ng_h, held.unit),
        suffix=format_mass(held.step_doses_ng[place], held.unit).text,
        spec=step_rate_field(draft.drug, held.conc_ng_ml),
        was=_whole(Fraction(step.dose_rate_ng_h)),
        name=f"Step {place + 1} rate",
    )


def _is_changed(draft: Draft, place: int) -> bool:
    step = draft.new.steps[place]
    starts = {old.start_min for old in draft.current.steps}
    return step.start_min not in starts or draft.current.dose_rate_at(step.start_min) != step.dose_rate_ng_h


def _whole(value: Fraction) -> int:
    return round_half_up(value.numerator, value.denominator)
