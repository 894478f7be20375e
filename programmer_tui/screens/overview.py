"""The overview: therapy, reservoir and device, the dose of the next 24 hours, the latest events."""

from fractions import Fraction
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal

from programmer_tui.clinic.clinical_format import (
    MassUnit,
    drug_name,
    format_daily_dose,
    format_quantity,
    format_rate_ml_h,
    format_strength,
    format_volume_ml,
    format_volume_per_day,
    unknown,
)
from programmer_tui.clinic.clinical_time import format_date, format_date_time, format_duration_words
from programmer_tui.clinic.prescription import Prescription, PrescriptionError, prescription_of_program
from programmer_tui.clinic.review import MODE_WORDS
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.views import Belief, LinkHealth, SessionView
from programmer_tui.widgets.bar import bar
from programmer_tui.widgets.clinical_value import ClinicalValue, Row, Words, value_lines
from programmer_tui.widgets.log_view import fitted, log_line
from programmer_tui.widgets.panel import Panel
from programmer_tui.widgets.status_rows import old_words
from programmer_tui.widgets.step_chart import chart_lines
from protocol.program import PatientBolus, Program
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import ClockState, ScheduleMode, Switch

_NOT_READ: Final = "--  not read"
_UNKNOWN_DAYS: Final = 0xFFFF
_BAR_CELLS: Final = 20


def therapy_lines(view: SessionView) -> tuple[str, ...]:
    """Return the panel of the program in the pump's memory."""
    if view.belief is None:
        return (_NOT_READ,)
    if view.belief.program is None:
        return value_lines([Words("Program", "none in the pump")])
    return value_lines(_program_rows(view.belief, view.belief.program, live=view.link is LinkHealth.OK))


def _program_rows(belief: Belief, program: Program, *, live: bool) -> list[Row]:
    drug = program.primary_drug
    unit = MassUnit.of_display(drug.display)
    others = len(program.drugs) - 1
    info = belief.program_info
    committed = format_date_time(info.committed_utc_s, belief.clock.utc_offset_min, seconds=False)
    rate = format_rate_ml_h(belief.status.rate_nl_h) if live else unknown("link lost")
    return [
        Words("Drug", drug_name(drug.drug_code) + (f" and {others} more" if others else "")),
        ClinicalValue("Strength", format_strength(drug.conc_ng_ml, unit)),
        Words("Mode", _mode(program)),
        *_dose_rows(program, unit),
        ClinicalValue("Flow now", rate),
        *_bolus_rows(program.patient_bolus),
        Words("Version", f"{info.version}, {committed}"),
    ]


def _mode(program: Program) -> str:
    steps = len(program.schedule.steps)
    words = MODE_WORDS[program.schedule.mode]
    return words if steps == 1 else f"{words}, {steps} steps"


def _dose_rows(program: Program, unit: MassUnit) -> list[Row]:
    if program.schedule.mode is ScheduleMode.WEEKLY:
        largest = program.dose_declarations[0].dose_ng_per_day
        return [ClinicalValue("Largest day", format_daily_dose(largest, unit))]
    held = prescription_of_program(program)
    return [
        ClinicalValue("Daily dose", format_daily_dose(held.delivered_ng_per_day, unit)),
        ClinicalValue("Volume", format_volume_per_day(held.day_volume_nl)),
    ]


def _bolus_rows(bolus: PatientBolus) -> list[Row]:
    if bolus.enable is Switch.OFF:
        return [Words("Patient bolus", "off")]
    lockout = format_duration_words(bolus.lockout_min * 60)
    return [
        ClinicalValue("Patient bolus", format_volume_ml(bolus.volume_nl)),
        Words("Bolus limits", f"{bolus.max_per_24h} per day, {lockout} apart"),
    ]


def device_lines(view: SessionView) -> tuple[str, ...]:
    """Return the panel of reservoir and device."""
    belief = view.belief
    if belief is None:
        return (_NOT_READ,)
    head = value_lines(_reservoir_rows(belief, live=view.link is LinkHealth.OK))
    return (head[0], _level(belief), *head[1:], *value_lines(_device_rows(belief)))


def _level(belief: Belief) -> str:
    capacity = belief.device.reservoir_capacity_nl
    if not capacity:
        return "--  capacity not read"
    return f"{bar(belief.status.reservoir_nl, capacity, _BAR_CELLS)} of {format_volume_ml(capacity)}"


def _reservoir_rows(belief: Belief, *, live: bool) -> list[Row]:
    """The content is computed from the commanded flow, not measured; that stands beside it, always."""
    status, program = belief.status, belief.program
    note = "(calculated)" if live else "(calc., when read)"
    rows: list[Row] = [ClinicalValue("Reservoir", format_volume_ml(status.reservoir_nl), note)]
    if program is not None:
        rows.append(ClinicalValue("Low alarm at", format_volume_ml(program.alarms.low_reservoir_nl)))
    rows.append(ClinicalValue("Given today", format_volume_ml(status.since_midnight_nl)))
    if program is not None:
        rows.append(ClinicalValue("Catheter", format_volume_ml(program.implant.catheter_nl)))
    return rows


def _device_rows(belief: Belief) -> list[Row]:
    version = belief.device.fw_version
    return [
        Words("Battery", _battery(belief)),
        Words("Pump clock", clock_words(belief)),
        Words("Firmware", f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"),
        Words("Implanted", _implanted(belief)),
    ]


def _battery(belief: Belief) -> str:
    charge = format_quantity(Fraction(belief.status.battery_permille, 10), "%", 0)
    days = belief.status.eri_days
    return f"{charge}" if days == _UNKNOWN_DAYS else f"{charge}, ERI in {days:,} days"


def clock_words(belief: Belief) -> str:
    """Return how the pump's clock stood to the programmer's when it was read."""
    if belief.clock.state is ClockState.NOT_SET:
        return "--  clock not set"
    ahead = belief.clock.utc_s - belief.read_at_utc_s
    if not ahead:
        return "as this programmer's"
    return f"{format_duration_words(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"


def _implanted(belief: Belief) -> str:
    made = belief.device.implanted_utc_s
    return format_date(made, belief.clock.utc_offset_min) if made else "--  not implanted"


def dose_chart(view: SessionView, width: int, height: int) -> str:
    """Return the programmed dose of the next 24 hours, from the pump's time on."""
    held = _held(view)
    if view.belief is None or held is None:
        return _NOT_READ if view.belief is None else "--  no pattern that can be drawn"
    now = view.belief.clock
    minute = (now.utc_s // 60 + now.utc_offset_min) % MINUTES_PER_DAY if now.state is ClockState.SET else 0
    return "\n".join(chart_lines(held, width, height, minute // 60 * 60))


def _held(view: SessionView) -> Prescription | None:
    if view.belief is None or view.belief.program is None:
        return None
    try:
        return prescription_of_program(view.belief.program)
    except PrescriptionError:
        return None


def chart_title(view: SessionView) -> str:
    """Return the title of the chart, with the unit of its axis."""
    held = _held(view)
    return (
        "Dose, next 24 h  (programmed)" if held is None else f"Dose, next 24 h   {held.unit}/h  (programmed)"
    )


def event_lines(view: SessionView, width: int, count: int) -> str:
    """Return the newest log records, one line each."""
    if view.belief is None or not view.log:
        return _NOT_READ
    program = view.belief.program
    unit = MassUnit.MG if program is None else MassUnit.of_display(program.primary_drug.display)
    newest = sorted(view.log, key=lambda record: -record.seq)[: max(1, count)]
    offset = view.belief.clock.utc_offset_min
    return "\n".join(fitted(log_line(record, unit, offset), width) for record in newest)


class OverviewScreen(FrameScreen):
    """What the pump is doing."""

    HELP_PAGE = "overview"

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="overview-top"):
            yield Panel("Therapy now  (pump memory)", id="therapy")
            yield Panel("Reservoir and device", id="device")
        yield Panel("Dose, next 24 h", id="chart")
        yield Panel("Latest events", id="events")

    def paint_body(self) -> None:
        view = self.desk.view
        old = old_words(view)
        therapy, device = self.query_one("#therapy", Panel), self.query_one("#device", Panel)
        therapy.paint(lambda: "\n".join(therapy_lines(view)))
        device.paint(lambda: "\n".join(device_lines(view)))
        for panel in (therapy, device):
            panel.mark_old(old)
        chart = self.query_one("#chart", Panel)
        chart.border_title = chart_title(view)
        chart.paint(dose_chart, view, chart.content_size.width, chart.content_size.height)
        events = self.query_one("#events", Panel)
        events.paint(event_lines, view, *events.content_size)
