"""The review before programming: what is in the pump, what will be sent, and what the pump computed from it.

Every row carries its unit; a changed row says so in words; a row the pump computed itself says whether the
pump agrees. Nothing may be programmed while one row disagrees (OITP/1 section 11, step 6).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from programmer_tui.clinic.clinical_format import (
    MAX_DECIMALS,
    UNKNOWN,
    Exact,
    Shown,
    drug_name,
    format_change,
    format_daily_dose,
    format_dose_rate,
    format_rate_ml_h,
    format_rounding,
    format_strength,
    format_volume_ml,
    format_volume_per_day,
    spoken_daily_dose,
    unknown,
)
from programmer_tui.clinic.clinical_time import format_date, format_days_between, format_interval
from programmer_tui.clinic.dose import dose_rate_ng_h, table_max_hour_nl
from programmer_tui.clinic.limits import LimitFinding, hard_findings, soft_findings
from programmer_tui.clinic.prescription import Prescription
from protocol.messages.program import ProgVerifyResponse
from protocol.quantities import MINUTES_PER_DAY, round_half_up
from protocol.vocabulary import ScheduleMode, SoftLimit

MODE_WORDS: Final = {
    ScheduleMode.SIMPLE: "simple continuous",
    ScheduleMode.DAILY: "flexible 24 h",
    ScheduleMode.WEEKLY: "weekly",
}
SOFT_LIMIT_WORDS: Final = {
    SoftLimit.RATE: "a rate is above the pump's soft limit",
    SoftLimit.HOUR_VOLUME: "the largest hour is above the pump's soft limit",
    SoftLimit.DAY_VOLUME: "the volume of the day is above the pump's soft limit",
    SoftLimit.BOLUS_VOLUME: "the patient bolus is above the pump's soft limit",
    SoftLimit.RESERVOIR_UNDER_ONE_DAY: "the reservoir lasts less than one day",
}


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One line of the review.

    Attributes:
        label, unit: what it is; the unit stands behind every value of the row and is empty for words.
        current, new: in the pump now, and will be sent.
        computed: what the pump computed, empty where it computes nothing.
        change_text: the change in words, empty where there is none.
        changed: whether the values differ, also where rounding hides it.
        agrees: whether the pump computed exactly what this programmer did.
    """

    label: str
    unit: str
    current: str
    new: str
    computed: str
    change_text: str
    changed: bool
    agrees: bool


@dataclass(frozen=True, slots=True)
class Review:
    """All that stands on the review screen, ready to be drawn."""

    rows: tuple[ReviewRow, ...]
    findings: tuple[LimitFinding, ...]
    pump_soft: SoftLimit
    rounding: str

    @property
    def changed_count(self) -> int:
        """How many rows changed."""
        return sum(row.changed for row in self.rows)

    @property
    def disagreements(self) -> tuple[ReviewRow, ...]:
        """Rows in which the pump computed something else; any of them blocks programming."""
        return tuple(row for row in self.rows if not row.agrees)

    @property
    def hard(self) -> tuple[LimitFinding, ...]:
        """Findings that block programming."""
        return hard_findings(self.findings)

    @property
    def reasons_needed(self) -> tuple[str, ...]:
        """One sentence for each soft limit, of the library or of the pump, that needs a reason."""
        by_pump = tuple(
            f"The pump says: {word}." for flag, word in SOFT_LIMIT_WORDS.items() if flag in self.pump_soft
        )
        return tuple(finding.text for finding in soft_findings(self.findings)) + by_pump


def build_review(
    current: Prescription,
    new: Prescription,
    summary: ProgVerifyResponse,
    findings: tuple[LimitFinding, ...] = (),
    current_refill_by_utc_s: int = 0,
    utc_offset_min: int = 0,
) -> Review:
    """Return the review of ``new`` against ``current`` and the pump's own summary of the staged program.

    ``findings`` come from `judge_prescription`; a refill date of 0 means that it is not known.
    """
    rows = (
        _words("Drug", drug_name(current.drug), drug_name(new.drug)),
        _number("Strength", current.conc_ng_ml, new.conc_ng_ml, partial(format_strength, unit=new.unit)),
        _words("Mode", MODE_WORDS[current.mode], MODE_WORDS[new.mode]),
        *_totals(current, new, summary),
        *_step_rows(current, new),
        _refill_row(current_refill_by_utc_s, summary.refill_by_utc_s, utc_offset_min),
    )
    return Review(rows, findings, summary.soft_flags, rounding_note(new))


def rounding_note(prescription: Prescription) -> str:
    """Return the sentence about rounding, empty where the pump gives exactly what was asked for."""
    asked, given = prescription.daily_dose_ng, prescription.delivered_ng_per_day
    if asked == given:
        return ""
    return format_rounding(
        format_daily_dose(asked, prescription.unit), format_daily_dose(given, prescription.unit)
    )


def final_sentence(patient: str, serial: str, prescription: Prescription) -> str:
    """Return the sentence a person confirms: patient, pump, drug and dose, with every unit written out."""
    dose = spoken_daily_dose(prescription.daily_dose_ng, prescription.unit)
    return f"Will program: {patient} - {serial} - {drug_name(prescription.drug)} {dose}"


def reentry_value_ng(prescription: Prescription) -> int:
    """Return the daily dose that must be typed again, in ng: the one shown, at most three decimals."""
    grid = prescription.unit.ng // 10**MAX_DECIMALS
    shown = prescription.daily_dose_ng / grid
    return round_half_up(shown.numerator, shown.denominator) * grid


# --- rows -------------------------------------------------------------------------------------------------

_Writer = Callable[[Exact], Shown]


def _words(label: str, current: str, new: str) -> ReviewRow:
    changed = current != new
    return ReviewRow(label, "", current, new, "", "changed" if changed else "", changed, agrees=True)


def _number(label: str, current: Exact, new: Exact, write: _Writer) -> ReviewRow:
    changed = current != new
    change = format_change(current, new) if changed else ""
    shown = write(new)
    return ReviewRow(label, shown.unit, write(current).number, shown.number, "", change, changed, agrees=True)


def _checked(label: str, values: tuple[Exact, Exact], computed: Exact | None, write: _Writer) -> ReviewRow:
    """Return the row of ``values`` (current, new) beside what the pump computed; silence is no agreement."""
    current, new = values
    by_pump = UNKNOWN if computed is None else write(computed).number
    return replace(_number(label, current, new, write), computed=by_pump, agrees=computed == new)


def _totals(current: Prescription, new: Prescription, summary: ProgVerifyResponse) -> Iterator[ReviewRow]:
    dose = next((each.dose_ng_per_day for each in summary.doses if each.drug_code == new.drug), None)
    doses = (current.delivered_ng_per_day, new.delivered_ng_per_day)
    yield _checked("Daily dose", doses, dose, partial(format_daily_dose, unit=new.unit))
    volumes = (current.day_volume_nl, new.day_volume_nl)
    yield _checked("Volume", volumes, summary.day_volume_nl, format_volume_per_day)
    old, will = [rate for _, rate in current.rate_table], [rate for _, rate in new.rate_table]
    yield _checked("Lowest flow", (min(old), min(will)), summary.rate_min_nl_h, format_rate_ml_h)
    yield _checked("Highest flow", (max(old), max(will)), summary.rate_max_nl_h, format_rate_ml_h)
    hours = (table_max_hour_nl(current.rate_table), table_max_hour_nl(new.rate_table))
    yield _checked("Largest hour", hours, summary.max_hour_nl, format_volume_ml)


def _step_rows(current: Prescription, new: Prescription) -> Iterator[ReviewRow]:
    """Yield the dose rate of each part of the day; neighbouring parts with the same two rates are one."""
    parts: list[tuple[int, Exact, Exact]] = []
    starts = {step.start_min for prescription in (current, new) for step in prescription.steps}
    for start in sorted(starts):
        rates = _delivered_at(current, start), _delivered_at(new, start)
        if not parts or parts[-1][1:] != rates:
            parts.append((start, *rates))
    write = partial(format_dose_rate, unit=new.unit)
    if len(parts) == 1:
        yield _number("Rate, all day", *parts[0][1:], write)
        return
    for (start, old, will), end in zip(
        parts, [*(part[0] for part in parts[1:]), MINUTES_PER_DAY], strict=True
    ):
        yield _number(f"Rate, {format_interval(start, end)}", old, will, write)


def _delivered_at(prescription: Prescription, minute: int) -> Exact:
    rate = next(rate for start, rate in reversed(prescription.rate_table) if start <= minute)
    return dose_rate_ng_h(rate, prescription.conc_ng_ml)


def _refill_row(current_utc_s: int, new_utc_s: int, offset_min: int) -> ReviewRow:
    before = format_date(current_utc_s, offset_min) if current_utc_s else unknown().text
    moved = format_days_between(current_utc_s, new_utc_s, offset_min)
    by_pump = format_date(new_utc_s, offset_min)
    return ReviewRow("Refill by", "", before, "", by_pump, moved, changed=False, agrees=True)
