"""The picture of one dose row: at rest its value, under edit the state of the entry automaton."""

from collections.abc import Callable
from typing import Final

from textual import events
from textual.content import Content
from textual.message import Message

from programmer_tui.clinic.entry_state import EntryState, Key
from programmer_tui.dose_rows import DoseRow
from programmer_tui.widgets.panel import TextArea

FIELD_CELLS: Final = 9
_NAMED: Final = frozenset(key.value for key in Key)


def entry_key(event: events.Key) -> str:
    """Return the key as the automata name it: a character, or the name of the key."""
    if event.key in _NAMED:
        return event.key
    character = event.character
    is_text = character is not None and len(character) == 1 and character.isprintable()
    return character if is_text and character is not None else event.key


Outcome = Callable[[int], str]
"""Says what the whole prescription would give with a typed value in base units."""


def row_content(row: DoseRow, entry: EntryState | None, outcome: Outcome, *, current: bool) -> Content:
    """Return the lines of a row: one at rest, more while something must be said about what is typed."""
    before = f"{'>' if current else ' '}{row.prefix}"
    if entry is None:
        return Content(f"{before}{row.value.number:>{FIELD_CELLS}} {row.value.unit}  {row.suffix}")
    field = f"{entry.text + '_':>{FIELD_CELLS}}"
    head = Content.assemble(
        before, (field, "bold $field-ink on $field"), f" {row.spec.unit}  ", _beside(row, entry)
    )
    return Content("\n").join([head, *_below(entry, len(before), outcome)])


def _beside(row: DoseRow, entry: EntryState) -> Content:
    """What stands beside the typed value: that it is wrong, or how it compares with the value before."""
    if entry.badge:
        return Content.styled("!!", "bold $fault-ink")
    if entry.typed is None:
        return Content("not finished" if entry.text else f"was {row.spec.shown(row.was)}")
    return Content(entry.change)


def _below(entry: EntryState, indent: int, outcome: Outcome) -> list[Content]:
    """What stands under the typed value: a caret under the wrong key, a sentence, what it would give."""
    lines = []
    if entry.badge:
        start = indent + FIELD_CELLS - len(entry.text) - 1
        caret = " " * indent if entry.caret is None else f"{' ' * (start + entry.caret)}^ "
        lines.append(Content.styled(f"{caret}{entry.badge}", "bold $fault-ink"))
    if entry.message:
        lines.append(Content.styled(f" {entry.message}", "$fault-ink" if entry.badge else "$change-ink"))
    elif entry.typed is not None:
        lines.append(Content(f" {outcome(entry.typed)}"))
    return lines


class DoseEntry(TextArea):
    """One row. It takes no keys and no focus: the screen hands keys to `Editing` in the order they come."""

    class Clicked(Message):
        """The row was clicked on."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, index: int) -> None:
        super().__init__(classes="dose-row")
        self.index = index

    def on_click(self) -> None:
        self.post_message(self.Clicked(self.index))
