"""The event log: a virtual list of records and, below it, the marked one in full."""

from textual.app import ComposeResult

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.clinical_time import format_date_time, format_duration_words
from programmer_tui.clinic.log_words import record_actor, record_title, record_words
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.screens.overview import clock_words
from programmer_tui.views import SessionView
from programmer_tui.widgets.log_view import LogView
from programmer_tui.widgets.panel import Panel, TextArea
from protocol.messages.log import LogRecord


def head_words(view: SessionView) -> str:
    """Return the line above the list: which records these are, and how far the pump's clock is off."""
    if view.belief is None:
        return " --  not read"
    info = view.belief.log_info
    held = f"Records {info.first_seq:,} to {info.last_seq:,} in the pump, {len(view.log):,} read."
    return f" {held}  Pump clock {clock_words(view.belief)}."


def detail_words(record: LogRecord | None, unit: MassUnit, offset_min: int) -> str:
    """Return one record in full."""
    if record is None:
        return "--  no record"
    when = format_date_time(record.utc_s, offset_min, weekday=True)
    lines = [
        f"Record    {record.seq:,}   {record_title(record)}   by {record_actor(record)}",
        f"Time      {when} (pump)   {format_duration_words(record.uptime_s)} after start",
        f"Details   {record_words(record, unit) or 'none'}",
    ]
    return "\n".join(lines)


class LogScreen(FrameScreen):
    """The pump's event log."""

    HELP_PAGE = "log"

    def compose_body(self) -> ComposeResult:
        yield TextArea(id="log-head")
        yield LogView(id="log-view")
        yield Panel("Marked record", id="log-detail")

    def on_screen_resume(self) -> None:
        self.query_one(LogView).focus()

    def on_log_view_marked(self, message: LogView.Marked) -> None:
        self._paint_detail(message.record)

    def paint_body(self) -> None:
        view = self.desk.view
        self.query_one("#log-head", TextArea).paint(head_words, view)
        log = self.query_one(LogView)
        log.show_records(view.log, self._unit(), self._offset_min())
        self._paint_detail(log.marked)

    def _paint_detail(self, record: LogRecord | None) -> None:
        self.query_one("#log-detail", Panel).paint(detail_words, record, self._unit(), self._offset_min())

    def _unit(self) -> MassUnit:
        belief = self.desk.view.belief
        if belief is None or belief.program is None:
            return MassUnit.MG
        return MassUnit.of_display(belief.program.primary_drug.display)

    def _offset_min(self) -> int:
        belief = self.desk.view.belief
        return 0 if belief is None else belief.clock.utc_offset_min
