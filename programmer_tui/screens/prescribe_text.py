"""What the prescribe screen says: rows, totals, limits, preview; text from a draft, no terminal in it."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from programmer_tui.clinic.clinical_format import (
    Exact,
    Shown,
    drug_name,
    format_change,
    format_daily_dose,
    format_dose_rate,
    format_mass,
    format_rate_ml_h,
    format_signed,
    format_strength,
    format_volume_per_day,
)
from programmer_tui.clinic.clinical_time import format_interval
from programmer_tui.clinic.entry_fields import daily_dose_field, step_rate_field
from programmer_tui.clinic.entry_state import EntrySpec
from programmer_tui.clinic.limits import LimitFinding, LimitKind
from programmer_tui.clinic.prescription import (
    Prescription,
    PrescriptionError,
    with_daily_dose,
    with_step_rate,
)
from programmer_tui.clinic.review import MODE_WORDS, rounding_note
from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.draft import Draft
from programmer_tui.widgets.dose_entry import DoseEntry, RowFace
from programmer_tui.widgets.step_chart import chart_lines
from protocol.quantities import NL_PER_ML, round_half_up
from protocol.vocabulary import ScheduleMode

TOTAL: Final = 0
"""Index of the row of the daily dose; step n has row n + 1."""
_PREFIX_CELLS: Final = 16
_MODES: Final = (ScheduleMode.SIMPLE, ScheduleMode.DAILY)


def with_dose(held: Prescription, index: int, value: int) -> Prescription:
    """Return the prescription with the value of one row changed: ng/day in the first, ng/h in the others.

    Raises:
        PrescriptionError: the edit makes no prescription.
    """
    return with_daily_dose(held, value) if index == TOTAL else with_step_rate(held, index - 1, value)


def faces(draft: Draft) -> list[RowFace]:
    """Return the rows: the daily dose, and for a pattern one for each step."""
    total = _total_face(draft)
    if draft.new.mode is ScheduleMode.SIMPLE:
        return [total]
    return [total, *(_step_face(draft, place) for place in range(len(draft.new.steps)))]


def _total_face(draft: Draft) -> RowFace:
    spec = daily_dose_field(draft.drug, draft.new.conc_ng_ml)
    dose = draft.new.daily_dose_ng
    suffix = "" if draft.new.mode is ScheduleMode.SIMPLE else "whole pattern"
    return RowFace(
        f"{' Daily dose':<{_PREFIX_CELLS}}",
        format_daily_dose(dose, draft.new.unit),
        suffix,
        spec,
        _whole(dose),
        "Daily dose",
    )


def _step_face(draft: Draft, place: int) -> RowFace:
    held = draft.new
    step, minutes = held.steps[place], held.step_minutes[place]
    interval = format_interval(step.start_min, step.start_min + minutes)
    changed = step.start_min not in {old.start_min for old in draft.current.steps} or (
        draft.current.dose_rate_at(step.start_min) != step.dose_rate_ng_h
    )
    prefix = f"{place + 1:>2}{'*' if changed else ' '} {interval}"
    dose = format_mass(held.step_doses_ng[place], held.unit)
    return RowFace(
        f"{prefix:<{_PREFIX_CELLS}}",
        format_dose_rate(step.dose_rate_ng_h, held.unit),
        dose.text,
        step_rate_field(draft.drug, held.conc_ng_ml),
        _whole(Fraction(step.dose_rate_ng_h)),
        f"Step {place + 1} rate",
    )


def _whole(value: Fraction) -> int:
    return round_half_up(value.numerator, value.denominator)


def head_text(draft: Draft) -> str:
    """Return the drug and the mode."""
    modes = "  ".join(f"({'o' if draft.new.mode is mode else ' '}) {MODE_WORDS[mode]}" for mode in _MODES)
    drug = f"{drug_name(draft.new.drug)} {format_strength(draft.new.conc_ng_ml, draft.new.unit)}"
    return f" Drug   {drug}\n Mode   {modes}\n"


def totals_text(draft: Draft) -> str:
    """Return now, new and change: dose, volume of the day and flow together, as they depend on each other."""
    now, new = draft.current, draft.new
    unit = new.unit
    rows = [
        ("now", format_daily_dose(now.delivered_ng_per_day, unit).text, _volume(now).text, _flow(now)),
        ("new", format_daily_dose(new.delivered_ng_per_day, unit).text, _volume(new).text, _flow(new)),
        ("", _dose_change(draft), format_signed(_ml(new) - _ml(now), "mL/day").text, ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(1, 4)]
    lines = [
        f" {label:<4}"
        + "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for label, *cells in rows
    ]
    note = rounding_note(new)
    return "\n".join([*lines, *([f" {note}"] if note else [])])


def _dose_change(draft: Draft) -> str:
    return format_change(draft.current.delivered_ng_per_day, draft.new.delivered_ng_per_day)


def _volume(held: Prescription) -> Shown:
    return format_volume_per_day(held.day_volume_nl)


def _ml(held: Prescription) -> Fraction:
    return Fraction(held.day_volume_nl, NL_PER_ML)


def _flow(held: Prescription) -> str:
    rates = [rate for _, rate in held.rate_table]
    low, high = format_rate_ml_h(min(rates)), format_rate_ml_h(max(rates))
    return low.text if min(rates) == max(rates) else f"{low.number} to {high}"


def outcome_text(candidate: Prescription) -> str:
    """Return what the prescription gives, for the line under a value that is being typed."""
    dose = format_daily_dose(candidate.delivered_ng_per_day, candidate.unit)
    return f"= {dose} = {_volume(candidate)}, {_flow(candidate)}"


def limits_text(draft: Draft, row: DoseEntry | None, findings: Sequence[LimitFinding]) -> str:
    """Return the limits of the field the keys go to, and what is wrong with the whole prescription."""
    spec = daily_dose_field(draft.drug, draft.new.conc_ng_ml) if row is None else row.face.spec
    kinds = {kind: sum(finding.kind is kind for finding in findings) for kind in LimitKind}
    lines = [
        f" {spec.label}, {spec.unit}",
        f" allowed {_range(spec, spec.limits.hard_min, spec.limits.hard_max)}",
        f" usual   {_range(spec, spec.limits.soft_min, spec.limits.soft_max)}",
        f" step    {spec.shown(spec.resolution)}",
        *_typed_lines(row),
        f" [soft] {kinds[LimitKind.SOFT] or 'none'}   [hard] {kinds[LimitKind.HARD] or 'none'}",
        *(f" {finding.text}" for finding in findings),
    ]
    if not draft.drug.daily_dose.verified:
        lines.append(" Limits not verified: see library")
    return "\n".join(lines)


def _typed_lines(row: DoseEntry | None) -> Iterable[str]:
    if row is None or row.entry is None:
        return
    was = "--" if row.face.was is None else row.face.spec.shown(row.face.was).text
    yield f" was     {was}"
    if row.entry.change:
        yield f" change  {row.entry.change}"


def _range(spec: EntrySpec, low: Exact | None, high: Exact | None) -> str:
    """Write a range; a limit too small to write stands for no limit on that side."""
    low_shown = None if low is None else spec.shown(low)
    known_low = low_shown is not None and low_shown.number[0].isdigit()
    if known_low and low_shown is not None:
        return f"{low_shown.number} to {spec.shown(high)}" if high is not None else f"from {low_shown}"
    return "no limit" if high is None else f"up to {spec.shown(high)}"


def preview_text(draft: Draft, row: DoseEntry | None, width: int, height: int) -> str:
    """Return the chart of the prescription as it would be with what is typed."""
    return "\n".join(chart_lines(_candidate(draft, row), width, height))


def _candidate(draft: Draft, row: DoseEntry | None) -> Prescription:
    if row is None or row.entry is None or row.entry.typed is None:
        return draft.new
    try:
        return with_dose(draft.new, row.index, row.entry.typed)
    except PrescriptionError:
        return draft.new


def hint_text(desk: Desk) -> str:
    """Return what the pump refused, what is going on, or the rule of the keys."""
    if desk.stage is Stage.VERIFYING:
        return " The pump checks the new program. Nothing is programmed before you confirm it."
    if desk.problem is not None:
        return f" NOT PROGRAMMED: {desk.problem.text}\n {desk.problem.advice}".rstrip()
    return (
        " Numbers: digits and one '.' only. A wrong key marks the field and locks it\n"
        " until you press Backspace or Del. Nothing is dropped in silence."
    )
