"""The frame every screen and dialog has: status rows, alarm row, banner on top; notice and key hints below.

The alarm row belongs to the dialogs too, so that nothing ever lies over it. Keys come from the app one after
the other, each wholly before the next; no key is handed around between widgets.
"""

from collections.abc import Callable
from typing import Final, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.screen import ModalScreen, Screen

from programmer_tui.desk import Desk
from programmer_tui.screens.programmer_port import ProgrammerPort
from programmer_tui.widgets.alarm_row import AlarmRow, Beat, UnknownBanner, alarm_line
from programmer_tui.widgets.key_hints import KeyHints, NoticeRow, hint_line
from programmer_tui.widgets.panel import TextArea
from programmer_tui.widgets.rail import WorkflowRail, rail_text
from programmer_tui.widgets.status_rows import StatusRows

MIN_WIDTH: Final = 80
MIN_HEIGHT: Final = 24


def too_small(width: int, height: int) -> bool:
    """Return whether a window is smaller than the screens are drawn for."""
    return width < MIN_WIDTH or height < MIN_HEIGHT


class Framed(Screen[None]):
    """What screens and dialogs share: the frame, and painting it from the desk."""

    @property
    def programmer(self) -> ProgrammerPort:
        """The app, with its own type."""
        return cast(ProgrammerPort, self.app)

    @property
    def desk(self) -> Desk:
        """What the screen draws."""
        return self.programmer.desk

    def on_mount(self) -> None:
        """Paint as soon as there is something to paint on, not at the next beat."""
        self.call_after_refresh(self.programmer.repaint)

    def frame_top(self) -> ComposeResult:
        """Yield the rows above the screen's own."""
        with Vertical(classes="frame-top"):
            yield StatusRows()
            yield AlarmRow(id="alarm-row")
            yield UnknownBanner(id="banner")

    def take_key(self, event: events.Key) -> bool:
        """Take a key; return whether that was all there is to do about it."""
        return False

    def take_paste(self, event: events.Paste) -> None:
        """Take a paste; nothing may be pasted anywhere in this program."""

    def paint(self, beat: Beat) -> None:
        """Paint the rows above from the desk."""
        self.query_one(StatusRows).paint(self.desk.view)
        self.query_one(AlarmRow).paint(alarm_line, self.desk, beat, self.app.size.width)
        self.query_one(UnknownBanner).show_outcome(self.desk.view)


class FrameScreen(Framed):
    """A screen of the workflow."""

    HELP_PAGE = "overview"

    def compose(self) -> ComposeResult:
        yield from self.frame_top()
        with Horizontal(id="middle"):
            yield WorkflowRail(id="rail")
            with Container(id="body"):
                yield from self.compose_body()
        yield TextArea(id="too-small")
        yield TextArea(id="notice-room")
        yield NoticeRow(id="notice")
        yield KeyHints(id="key-hints")

    def compose_body(self) -> ComposeResult:
        """Yield the screen's own widgets."""
        yield from ()

    def paint_body(self) -> None:
        """Paint the screen's own widgets."""

    def leave(self, why: str) -> None:
        """Close what is half typed; it is never accepted."""

    @property
    def open_entry(self) -> str:
        """What is typed and not accepted, in a sentence; empty where nothing is."""
        return ""

    def paint(self, beat: Beat) -> None:
        """Paint frame and body; a window that is too small keeps the rows above and says what is missing."""
        super().paint(beat)
        width, height = self.app.size
        small = too_small(width, height)
        self.set_class(small, "-too-small")
        wanted = f"{MIN_WIDTH}x{MIN_HEIGHT}"
        words = f" Enlarge this window to {wanted} or more (now {width}x{height}). Nothing can be changed."
        self.query_one("#too-small", TextArea).show(words)
        if not small:
            self.query_one(WorkflowRail).paint(rail_text, self.desk)
            self.paint_body()
        self.query_one(NoticeRow).show(f" {self.programmer.notice_words()}")
        self.query_one(KeyHints).paint(hint_line, self.desk, width)


class FrameDialog(ModalScreen[None], Framed):
    """A dialog below the frame. It has no default "yes": Esc and the first choice change nothing."""

    KEYS = "Esc close"

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title_words = title

    def compose(self) -> ComposeResult:
        yield from self.frame_top()
        with Container(id="dialog-room"), Vertical(id="dialog") as box:
            box.border_title = self.title_words
            box.border_subtitle = self.KEYS
            yield from self.compose_dialog()

    def compose_dialog(self) -> ComposeResult:
        """Yield the dialog's own widgets."""
        yield from ()

    def paint_dialog(self) -> None:
        """Paint the dialog's own widgets."""

    def paint(self, beat: Beat) -> None:
        """Paint frame and dialog."""
        super().paint(beat)
        self.paint_dialog()

    def finish(self, then: Callable[[], None] | None = None) -> None:
        """Close the dialog, then do what was chosen, both before the next key is looked at."""
        self.app.pop_screen()
        if then is not None:
            then()
