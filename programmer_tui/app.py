"""The clinician programmer in the terminal: one app that draws the desk and hands it what is pressed.

The app pulls the service's view four times a second and paints what changed; nothing here waits for a link.
"""

import asyncio
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console
from textual import events
from textual.app import App
from textual.filter import LineFilter, NoColor
from textual.screen import ModalScreen

from programmer_tui.actions import BY_ID, action_for
from programmer_tui.clinic.drug_library import DrugLibrary
from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.editing import Editing
from programmer_tui.screens.dialogs import Choice, ChoiceDialog, InfoDialog, yes_dialog
from programmer_tui.screens.frame import Framed, FrameDialog, FrameScreen, too_small
from programmer_tui.screens.help import HelpDialog
from programmer_tui.screens.palette import PaletteDialog
from programmer_tui.screens.registry import SCREEN_OF, SCREENS
from programmer_tui.screens.result import outcome_words
from programmer_tui.service_port import ServicePort
from programmer_tui.widgets.alarm_row import Beat
from programmer_tui.widgets.themes import DARK, LIGHT, PLAIN, THEMES

BEAT_S: Final = 0.25
STOP_S: Final = 2.0
_WAITING: Final = {
    "connect": "Opening the link ...",
    "interrogate": "Reading the pump ...",
    "read_log": "Reading the log ...",
    "propose": "The pump checks the new program ...",
    "commit": "Programming ...",
    "resolve": "Asking the pump for the receipt ...",
}
_NEXT: Final = {
    Stage.OVERVIEW: "Next: [F3] Prescribe  [F7] Alarms  [F8] Log",
    Stage.PRESCRIBE: "Type a dose on its row. F9 lets the pump check it and opens the review.",
}
_END_REASONS: Final = ("resolved outside this programmer", "another clinician goes on", "training only")
_TOO_SMALL_OK: Final = frozenset({"quit", "help", "theme"})
_LOG: Final = logging.getLogger(__name__)
# Where nobody has set up logging, a fault must not fall onto the person's terminal.
logging.getLogger("programmer_tui").addHandler(logging.NullHandler())


class ProgrammerApp(App[int]):
    """The programmer.

    Args:
        thread: the service that owns the link.
        library: the drug library, the shipped one where none is given.
        key_clock: a steady clock in ms for the keys; where none is given, the time the terminal's driver
            stamped on the key is used, so that a busy screen does not stretch the time between two keys.
        bell: whether a new alarm also rings the terminal's bell.
        no_color: whether only the terminal's own two colours are used.
        flash: whether the marks of alarms flash.
    """

    TITLE = "cisterna programmer"
    CSS_PATH = "css/programmer.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    HORIZONTAL_BREAKPOINTS = [(0, "-std"), (110, "-wide")]  # noqa: RUF012 - the base class says no more
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-high")]  # noqa: RUF012 - the base class says no more

    def __init__(
        self,
        thread: ServicePort,
        *,
        library: DrugLibrary | None = None,
        key_clock: Callable[[], int] | None = None,
        bell: bool = False,
        no_color: bool = False,
        flash: bool = True,
    ) -> None:
        super().__init__(ansi_color=True if no_color else None)
        self.desk = Desk(thread, library)
        self.editing = Editing(self.desk)
        self._key_clock = key_clock
        self._bell = bell
        self._plain = no_color
        self._flash = flash
        self._beats = 0
        self._rung: frozenset[int] = frozenset()
        for theme in THEMES:
            self.register_theme(theme)
        self.no_color = no_color
        self.theme = PLAIN if no_color else DARK

    # --- start and beat -----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        for name, screen in SCREENS.items():
            self.install_screen(screen(), name)
        self.push_screen(SCREEN_OF[self.desk.stage])
        self.set_interval(BEAT_S, self.beat)
        self.desk.connect()
        if not self.is_headless:
            # The service is stopped and the terminal restored also when someone else ends this program.
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of each line; without colours, one that takes the last of them away."""
        filters = list(super().get_line_filters())
        return [*filters, NoColor()] if self._plain else filters

    def beat(self) -> None:
        """Take the newest view, follow the stage and paint; called four times a second."""
        self._beats += 1
        self.repaint()
        self._ring()

    def repaint(self) -> None:
        """Bring the screen in line with the desk, at once."""
        if not self.is_running or self.desk.stage is Stage.ENDED:
            return
        self.desk.pull()
        if self.desk.draft is None:
            self.editing.drop()
        self._follow_stage()
        self._tell_resolution()
        beat = Beat(self._beats, self._flash and self.animation_level != "none")
        for screen in self.screen_stack:
            if isinstance(screen, Framed) and screen.is_mounted:
                screen.paint(beat)
        self._close_small_windows_entry()

    @property
    def base(self) -> FrameScreen | None:
        """The screen of the workflow, below any dialog."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, FrameScreen)]
        return screens[-1] if screens else None

    def _follow_stage(self) -> None:
        wanted = SCREEN_OF[self.desk.stage]
        base = self.base
        if base is self.get_screen(wanted):
            return
        if base is not None:
            base.leave("the screen was left")
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        self.switch_screen(wanted)
        self.call_after_refresh(self.repaint)

    def _tell_resolution(self) -> None:
        """Show how an unknown outcome was resolved, where no result screen does."""
        resolution = self.desk.resolution
        settled = self.desk.stage in (Stage.OVERVIEW, Stage.PRESCRIBE, Stage.ALARMS, Stage.LOG)
        if resolution is None or not settled or isinstance(self.screen, ModalScreen):
            return
        self.desk.resolution_seen()
        text = f"{outcome_words(resolution)}\n\n{resolution.text}"
        self.open_dialog(InfoDialog("An earlier command is resolved", text))

    def _close_small_windows_entry(self) -> None:
        if too_small(*self.size) and self.base is not None:
            self.base.leave("the window became too small")

    def _ring(self) -> None:
        standing = frozenset(alarm.instance for alarm in self.desk.alarms)
        if self._bell and standing - self._rung:
            self.bell()
        self._rung = standing

    def notice_words(self) -> str:
        """Return what the row above the key hints says."""
        if self.desk.notice:
            return self.desk.notice
        waiting = next((_WAITING[name] for name in self.desk.outbox.waiting if name in _WAITING), "")
        if waiting:
            return waiting
        problem = self.desk.problem or self.desk.view.problem
        if problem is not None and self.desk.stage is not Stage.CONNECT:
            return str(problem)
        return _NEXT.get(self.desk.stage, "")

    # --- keys ---------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take keys and pastes here, one after the other; all else goes Textual's way.

        Handed from widget to widget, a key of a fast burst could reach the field that was left by the key
        before it.
        """
        if isinstance(event, events.Key) and not event.is_forwarded and self._take_key(event):
            return
        if isinstance(event, events.Paste) and not event.is_forwarded:
            self._take_paste(event)
            return
        await super().on_event(event)

    def _take_key(self, event: events.Key) -> bool:
        screen = self.screen
        if not isinstance(screen, Framed):
            return False
        # What is possible is judged by what is known now, not at the last beat.
        self.desk.pull()
        self.desk.notice = ""
        small = isinstance(screen, FrameScreen) and too_small(*self.size)
        taken = not small and screen.take_key(event)
        if not taken and isinstance(screen, FrameScreen):
            action = action_for(event.key, self.desk.stage)
            if action is not None and not action.in_entry:
                self.perform(action.id)
                taken = True
        self.repaint()
        return taken

    def _take_paste(self, event: events.Paste) -> None:
        if isinstance(self.screen, Framed) and not too_small(*self.size):
            self.screen.take_paste(event)
            self.repaint()

    def key_time_ms(self, event: events.Event | None) -> int:
        """Return when a key was pressed, or without one what time it is; ms of one steady clock."""
        if self._key_clock is not None:
            return self._key_clock()
        stamped = events.Event() if event is None else event
        return int(stamped.time * 1_000)

    def perform(self, action_id: str) -> None:
        """Do an action, or say why it is not possible now."""
        if too_small(*self.size) and action_id not in _TOO_SMALL_OK:
            self.desk.notice = "Enlarge the window first."
            return
        unfinished = self.base.open_entry if action_id == "review" and self.base is not None else ""
        why = (unfinished,) if unfinished else BY_ID[action_id].why_not(self.desk, self.desk.facts())
        if why:
            self.desk.notice = " ".join(why)
            return
        own = getattr(self.base, f"do_{action_id}", None)
        doing: Callable[[], None] = own if own is not None else getattr(self, f"do_{action_id}")
        doing()

    def open_dialog(self, dialog: FrameDialog) -> None:
        """Show a dialog over the screen."""
        self.push_screen(dialog)

    def action_help_quit(self) -> None:
        """Answer Ctrl+C, which neither copies nor quits here."""
        self.desk.notice = "Ctrl+C does nothing here. Ctrl+Q ends the session."
        self.repaint()

    # --- actions of every screen --------------------------------------------------------------------------

    def do_help(self) -> None:
        """Show the help page of this screen."""
        if self.base is not None:
            self.open_dialog(HelpDialog(self.base.HELP_PAGE))

    def do_interrogate(self) -> None:
        """Read the pump."""
        self.desk.interrogate()

    def do_prescribe(self) -> None:
        """Edit the prescription."""
        self.desk.prescribe()

    def do_alarms(self) -> None:
        """Show the alarms."""
        self.desk.open_alarms()

    def do_log(self) -> None:
        """Show the log."""
        self.desk.open_log()

    def do_older(self) -> None:
        """Read twice as many log records."""
        self.desk.read_log(2 * self.desk.log_wanted)

    def do_review(self) -> None:
        """Let the pump check the changes."""
        self.desk.ask_review()

    def do_back(self) -> None:
        """Go back one screen."""
        self.desk.back()

    def do_acknowledge(self) -> None:
        """Leave the result."""
        self.desk.acknowledge()

    def do_theme(self) -> None:
        """Switch between dark and light."""
        if self._plain:
            self.desk.notice = "Colours are off (NO_COLOR)."
        else:
            self.theme = LIGHT if self.theme == DARK else DARK

    def do_commands(self) -> None:
        """Show the command palette."""
        self.open_dialog(PaletteDialog(self.perform))

    def do_discard(self) -> None:
        """Ask, then drop all changes."""
        count = self.desk.pending
        text = f"{_changes(count)} not sent will be gone. The program in the pump stays as it is."
        keep, drop = "Keep the changes", "Discard all changes"
        self.open_dialog(yes_dialog("Discard all changes?", text, keep, drop, self._discarded))

    def _discarded(self, yes: bool | None) -> None:
        if yes:
            self.desk.discard()

    def do_quit(self) -> None:
        """End the session; ask where something is still open."""
        facts = self.desk.facts()
        still = [words for words, there in (
            ("An outcome is not known; the next session asks the pump for its receipt.", facts.uncertain),
            (f"{_changes(facts.pending)} not sent will be gone.", bool(facts.pending)),
            ("Some alarms were not read (F7).", bool(facts.unread_alarms)),
        ) if there]  # fmt: skip
        if not still:
            self._end("nothing open")
            return
        choices: list[Choice[str]] = [
            Choice("Stay", None),
            *(Choice(f"End: {why}", why) for why in _END_REASONS),
        ]
        self.open_dialog(ChoiceDialog("End the session?", "\n".join(still), choices, self._end))

    def _end(self, reason: str | None) -> None:
        if reason is not None and self.desk.end(reason):
            self.exit(0)


def _changes(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


def run_programmer(
    thread: ServicePort,
    *,
    library: DrugLibrary | None = None,
    no_color: bool | None = None,
    bell: bool = False,
    flash: bool = True,
) -> int:
    """Run the programmer in this terminal until it is quit, then stop the service; return an exit code.

    ``no_color`` None follows the environment variable NO_COLOR. On a terminal that cannot place a cursor
    (TERM=dumb, or output that is no terminal) nothing is drawn: a message names the headless commands.

    Returns:
        0 after a quit, 1 after a fault of this program (details go to the log), 2 without a usable terminal,
        128 and the number of the signal after SIGTERM or SIGHUP.
    """
    plain = bool(os.environ.get("NO_COLOR")) if no_color is None else no_color
    try:
        if os.environ.get("TERM", "dumb") == "dumb" or not _on_a_terminal():
            sys.stderr.write(
                "This terminal cannot show the programmer's screens (TERM=dumb or no terminal).\n"
                "Use the headless commands instead: cisterna pump LINK status | program | set-dose ...\n"
            )
            return 2
        app = ProgrammerApp(thread, library=library, no_color=plain, bell=bell, flash=flash)
        app.error_console = Console(file=io.StringIO())
        result = app.run()
        if app.return_code:
            _LOG.error("the programmer stopped by a fault:\n%s", _fault_text(app))
            sys.stderr.write(
                "The programmer stopped because of a fault of its own. The pump was not touched by that;\n"
                "start it again and interrogate. An outcome that is not known is resolved first.\n"
            )
            return 1
        return result or 0
    finally:
        thread.stop(STOP_S)


def _on_a_terminal() -> bool:
    """Whether keys can be read, and the screen written where the toolkit writes it: to standard error."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__))


def _fault_text(app: ProgrammerApp) -> str:
    console = app.error_console
    return console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
