"""Ctrl+P: what can be done now, each with its key; and why the rest is not possible."""

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.content import Content

from programmer_tui.actions import Action, offered
from programmer_tui.desk import Desk
from programmer_tui.screens.frame import FrameDialog
from programmer_tui.screens.help import TEXT_CELLS
from programmer_tui.widgets.panel import TextArea, hanging


@dataclass(frozen=True, slots=True)
class PaletteLine:
    """One action of the palette and why it is not possible now, empty where it is."""

    action: Action
    why_not: tuple[str, ...]


def palette_lines(desk: Desk, wanted: str) -> tuple[PaletteLine, ...]:
    """Return the actions whose words hold ``wanted``, the possible ones first."""
    facts = desk.facts()
    lines = [
        PaletteLine(action, action.why_not(desk, facts))
        for action in offered(desk.stage)
        if action.listed and wanted.lower() in f"{action.label} {action.sentence}".lower()
    ]
    return tuple(sorted(lines, key=lambda line: bool(line.why_not)))


class PaletteDialog(FrameDialog[str | None]):
    """Returns the id of the action to do, or None."""

    KEYS = "type to search   Up/Down choose   Enter do   Esc close"
    TITLE_WORDS = "Commands"

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""
        self.place = 0

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(id="palette-wanted")
        yield TextArea(id="palette-lines")

    def on_mount(self) -> None:
        super().on_mount()
        self._show()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.key == "enter":
            self._take()
        elif event.key in ("up", "down"):
            self.place += 1 if event.key == "down" else -1
            self._show()
        elif event.key == "backspace":
            self._search(self.wanted[:-1])
        elif event.character is not None and event.character.isprintable():
            self._search(self.wanted + event.character)

    def _search(self, wanted: str) -> None:
        self.wanted, self.place = wanted, 0
        self._show()

    def _take(self) -> None:
        lines = palette_lines(self.desk, self.wanted)
        if lines and not lines[self.place].why_not:
            self.dismiss(lines[self.place].action.id)

    def _show(self) -> None:
        lines = palette_lines(self.desk, self.wanted)
        self.place = min(max(self.place, 0), max(0, len(lines) - 1))
        self.query_one("#palette-wanted", TextArea).show(f" Search  {self.wanted}_")
        shown = [_content(line, marked=place == self.place) for place, line in enumerate(lines)]
        self.query_one("#palette-lines", TextArea).show(
            Content("\n").join(shown or [Content(" nothing found")])
        )


def _content(line: PaletteLine, *, marked: bool) -> Content:
    head = f" {'>' if marked else ' '} {line.action.shown:<6} "
    if line.why_not:
        text = hanging(head, f"{line.action.label} - not now: {' '.join(line.why_not)}", TEXT_CELLS)
        return Content.styled(text, "$dim reverse" if marked else "$dim")
    return Content.styled(f"{head}{line.action.label}", "bold reverse" if marked else "bold")
