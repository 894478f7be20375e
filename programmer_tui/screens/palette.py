"""Ctrl+P: what can be done now, each with its key; and why the rest is not possible."""

from collections.abc import Callable
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


class PaletteDialog(FrameDialog):
    """Hands the id of the chosen action to ``then``."""

    KEYS = "type to search   Up/Down choose   Enter do   Esc close"

    def __init__(self, then: Callable[[str], None]) -> None:
        super().__init__("Commands")
        self._then = then
        self.wanted = ""
        self.place = 0

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(id="palette-wanted")
        yield TextArea(id="palette-lines")

    def paint_dialog(self) -> None:
        lines = palette_lines(self.desk, self.wanted)
        self.place = min(max(self.place, 0), max(0, len(lines) - 1))
        self.query_one("#palette-wanted", TextArea).show(f" Search  {self.wanted}_")
        shown = [_content(line, marked=place == self.place) for place, line in enumerate(lines)]
        text = Content("\n").join(shown or [Content(" nothing found")])
        self.query_one("#palette-lines", TextArea).show(text)

    def take_key(self, event: events.Key) -> bool:
        if event.key == "escape":
            self.finish()
        elif event.key == "enter":
            self._take()
        elif event.key in ("up", "down"):
            last = len(palette_lines(self.desk, self.wanted)) - 1
            self.place = min(max(self.place + (1 if event.key == "down" else -1), 0), max(0, last))
        elif event.key == "backspace":
            self._search(self.wanted[:-1])
        elif event.character is not None and event.character.isprintable():
            self._search(self.wanted + event.character)
        return True

    def _search(self, wanted: str) -> None:
        self.wanted, self.place = wanted, 0

    def _take(self) -> None:
        lines = palette_lines(self.desk, self.wanted)
        if lines and not lines[self.place].why_not:
            action_id = lines[self.place].action.id
            self.finish(lambda: self._then(action_id))


def _content(line: PaletteLine, *, marked: bool) -> Content:
    head = f" {'>' if marked else ' '} {line.action.shown:<6} "
    if line.why_not:
        text = hanging(head, f"{line.action.label} - not now: {' '.join(line.why_not)}", TEXT_CELLS)
        return Content.styled(text, "$dim reverse" if marked else "$dim")
    return Content.styled(f"{head}{line.action.label}", "bold reverse" if marked else "bold")
