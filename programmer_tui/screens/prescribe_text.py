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
    format_rate_ml_h,
    format_signed,
    format_strength,
    format_volume_per_day,
)
from programmer_tui.clinic.entry_state import EntrySpec, EntryState
from programmer_tui.clinic.limits import LimitFinding, LimitKind
from programmer_tui.clinic.prescription import (
    Prescription,
    PrescriptionError,
)
from programmer_tui.clinic.review import MODE_WORDS, rounding_note
from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.dose_rows import DoseRow, with_dose
from programmer_tui.draft import Draft
from programmer_tui.editing import Editing
from programmer_tui.widgets.step_chart import chart_lines
from protocol.quantities import NL_PER_ML
from protocol.vocabulary import ScheduleMode

_MODES: Final = (ScheduleMode.SIMPLE, ScheduleMode.DAILY)


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
        ("now", format_daily_dose(now.delivered_ng_per_day, unit).text, _volume(now).text),
        ("new", format_daily_dose(new.delivered_ng_per_day, unit).text, _volume(new).text),
        ("change", _dose_change(draft), format_signed(_ml(new) - _ml(now), "mL/day").text),
    ]
    cells = max(len(dose) for _, dose, _ in rows)
    lines = [f" {label:<8}{dose:<{cells}}  {volume}" for label, dose, volume in rows]
    before, after = _flow(now), _flow(new)
    flow = str(after) if before == after else f"{before.number} -> {after}"
    note = rounding_note(new)
    return "\n".join([*lines, f" flow    {flow}", *([f" {note}"] if note else [])])


def _dose_change(draft: Draft) -> str:
    return format_change(draft.current.delivered_ng_per_day, draft.new.delivered_ng_per_day)


def _volume(held: Prescription) -> Shown:
    return format_volume_per_day(held.day_volume_nl)


def _ml(held: Prescription) -> Fraction:
    return Fraction(held.day_volume_nl, NL_PER_ML)


def _flow(held: Prescription) -> Shown:
    """The flow, or from the lowest to the highest one."""
    rates = [rate for _, rate in held.rate_table]
    low, high = format_rate_ml_h(min(rates)), format_rate_ml_h(max(rates))
    return low if min(rates) == max(rates) else Shown(f"{low.number} to {high.number}", high.unit, high.exact)


def outcome_text(candidate: Prescription) -> str:
    """Return what the prescription gives, for the lines under a value that is being typed."""
    dose = format_daily_dose(candidate.delivered_ng_per_day, candidate.unit)
    return f"= {dose} = {_volume(candidate)}\n = {_flow(candidate)}"


def limits_text(draft: Draft, editing: Editing, findings: Sequence[LimitFinding]) -> str:
    """Return the limits of the field under the cursor, and what is wrong with the whole prescription."""
    if editing.row is None:
        return ""
    spec = editing.row.spec
    kinds = {kind: sum(finding.kind is kind for finding in findings) for kind in LimitKind}
    lines = [
        f" {spec.label}, {spec.unit}",
        f" allowed {_range(spec, spec.limits.hard_min, spec.limits.hard_max)}",
        f" usual   {_range(spec, spec.limits.soft_min, spec.limits.soft_max)}",
        f" step    {spec.shown(spec.resolution)}",
        *_typed_lines(editing.row, editing.entry),
        f" [soft] {kinds[LimitKind.SOFT] or 'none'}   [hard] {kinds[LimitKind.HARD] or 'none'}",
        *(f" {finding.text}" for finding in findings),
    ]
    if not draft.drug.daily_dose.verified:
        lines.append(" Limits not verified: see library")
    return "\n".join(lines)


def _typed_lines(row: DoseRow, entry: EntryState | None) -> Iterable[str]:
    if entry is None:
        return
    yield f" was     {row.spec.shown(row.was)}"
    if entry.change:
        yield f" change  {entry.change}"


def _range(spec: EntrySpec, low: Exact | None, high: Exact | None) -> str:
    """Write a range; a limit too small to be written stands for no limit on that side."""
    bottom = None if low is None else spec.shown(low)
    if bottom is not None and bottom.number[0].isdigit():
        return f"from {bottom}" if high is None else f"{bottom.number} to {spec.shown(high)}"
    return "no limit" if high is None else f"up to {spec.shown(high)}"


def preview_text(draft: Draft, editing: Editing, width: int, height: int) -> str:
    """Return the chart of the prescription as it would be with what is typed."""
    return "\n".join(chart_lines(_candidate(draft, editing), width, height))


def _candidate(draft: Draft, editing: Editing) -> Prescription:
    typed = None if editing.entry is None else editing.entry.typed
    if typed is None:
        return draft.new
    try:
        return with_dose(draft.new, editing.cursor, typed)
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
