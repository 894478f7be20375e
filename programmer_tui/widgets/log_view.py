"""The event log as a virtual list: only the lines in the window are drawn, however long the log is."""

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.clinical_time import format_date_time
from programmer_tui.clinic.log_words import is_high, record_actor, record_title, record_words
from protocol.messages.log import LogRecord

_TITLE_CELLS: Final = 20
_CUT: Final = " ..."


def log_line(record: LogRecord, unit: MassUnit, offset_min: int) -> str:
    """Return one record as one line: number, pump's local time, kind, details, who."""
    when = format_date_time(record.utc_s, offset_min)
    title = f"{'!! ' if is_high(record) else ''}{record_title(record)}"
    words = " ".join(part for part in (record_words(record, unit), f"({record_actor(record)})") if part)
    return f"{record.seq:>6}  {when:<19}  {title:<{_TITLE_CELLS}} {words}"


def fitted(line: str, width: int) -> str:
    """Return a line that fits, cut between two words and marked so: half a number would be another number."""
    if len(line) <= width:
        return line
    return f"{line[: max(0, width - len(_CUT)) + 1].rpartition(' ')[0]}{_CUT}"


class LogView(ScrollView, can_focus=True):
    """Newest record first; the marked one is told about in full by whoever listens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "end(-1)", show=False),
        Binding("end", "end(1)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--cursor"}

    cursor: reactive[int] = reactive(0)

    class Marked(Message):
        """Another record is marked."""

        def __init__(self, record: LogRecord | None) -> None:
            super().__init__()
            self.record = record

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._records: tuple[LogRecord, ...] = ()
        self._unit = MassUnit.MG
        self._offset_min = 0

    @property
    def marked(self) -> LogRecord | None:
        """The record under the cursor."""
        return self._records[self.cursor] if self.cursor < len(self._records) else None

    def show_records(self, records: Sequence[LogRecord], unit: MassUnit, offset_min: int) -> None:
        """Show ``records`` (in any order) newest first; the marked record stays marked."""
        newest_first = tuple(sorted(records, key=lambda record: -record.seq))
        if (newest_first, unit, offset_min) == (self._records, self._unit, self._offset_min):
            return
        marked = self.marked
        self._records, self._unit, self._offset_min = newest_first, unit, offset_min
        # One window wide: what does not fit is read in full below the list.
        self.virtual_size = Size(0, len(newest_first))
        self.cursor = newest_first.index(marked) if marked in newest_first and self.cursor else 0
        self.post_message(self.Marked(self.marked))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        place = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if place >= len(self._records):
            return Strip.blank(width, self.rich_style)
        marked = place == self.cursor
        style = self.get_component_rich_style("log-view--cursor") if marked else self.rich_style
        line = log_line(self._records[place], self._unit, self._offset_min)
        text = fitted(f"{'>' if marked else ' '}{line}", width)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def watch_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.post_message(self.Marked(self.marked))
        self.refresh()

    def _go(self, place: int) -> None:
        self.cursor = min(max(place, 0), max(0, len(self._records) - 1))

    def action_move(self, by: int) -> None:
        """Mark the record above (-1) or below (1)."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move by one window."""
        self._go(self.cursor + by * max(1, self.size.height - 1))

    def action_end(self, by: int) -> None:
        """Go to the newest (-1) or the oldest record (1)."""
        self._go(0 if by < 0 else len(self._records) - 1)
