"""One row with a dose that can be edited: at rest it shows the value, under edit the entry automaton's state.

The row never judges a key itself: characters, Enter, Esc, Backspace, Del and the step keys go to the
automaton with their time, everything else bubbles on to the screen and the app.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.content import Content
from textual.message import Message

from programmer_tui.clinic.clinical_format import Shown
from programmer_tui.clinic.entry import give_reason, leave, paste, press, start_entry
from programmer_tui.clinic.entry_state import EntrySpec, EntryState, Key, Phase
from programmer_tui.widgets.panel import TextArea

KeyTime = Callable[[events.Event], int]
"""Returns when a key was pressed, in ms of one steady clock."""

FIELD_CELLS: Final = 9
_STARTS: Final = frozenset("0123456789.,")
_REOPEN_MS: Final = 500
"""An Enter this soon after an accepting one is its bounce and does not open the field again."""
_NAMED: Final = frozenset(key.value for key in Key)


def entry_key(event: events.Key) -> str:
    """Return the key as the automaton names it: a character, or the name of the key."""
    if event.key in _NAMED:
        return event.key
    character = event.character
    return (
        character if character is not None and len(character) == 1 and character.isprintable() else event.key
    )


@dataclass(frozen=True, slots=True)
class RowFace:
    """What the row shows at rest: text before the value, the value, text behind it, and what is edited."""

    prefix: str
    value: Shown
    suffix: str
    spec: EntrySpec
    was: int | None
    name: str


class DoseEntry(TextArea, can_focus=True):
    """A row with one editable dose.

    ``outcome`` returns, for a typed value in base units, what the whole prescription would then give. A row
    that is ``locked`` takes no key: its prescription is being checked by the pump.
    """

    class Accepted(Message):
        """A value was accepted, in base units."""

        def __init__(self, row: "DoseEntry", value: int) -> None:
            super().__init__()
            self.row = row
            self.value = value

    class ReasonWanted(Message):
        """The value is outside a soft limit and waits for a reason."""

        def __init__(self, row: "DoseEntry") -> None:
            super().__init__()
            self.row = row

    class Moved(Message):
        """Another row is wanted: -1 is the one above, 1 the one below."""

        def __init__(self, row: "DoseEntry", by: int) -> None:
            super().__init__()
            self.row = row
            self.by = by

    def __init__(self, index: int, face: RowFace, key_time: KeyTime, outcome: Callable[[int], str]) -> None:
        super().__init__(classes="dose-row")
        self.index = index
        self.locked = False
        self.face = face
        self.entry: EntryState | None = None
        self._key_time = key_time
        self._outcome = outcome
        self._closed_at_ms = -_REOPEN_MS

    def wear(self, face: RowFace) -> None:
        """Show another value at rest; an open entry stays."""
        self.face = face
        self.repaint()

    def repaint(self) -> None:
        """Paint the row as it is now."""
        self.set_class(self.entry is not None, "-editing")
        self.set_class(self.entry is not None and self.entry.phase is Phase.ERROR, "-error")
        self.paint(self._line)

    # --- keys ---------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        key = entry_key(event)
        at_ms = self._key_time(event)
        if self.locked:
            return
        if self.entry is None:
            self._at_rest(key, at_ms, event)
        elif len(key) == 1 or key in _NAMED:
            event.stop()
            event.prevent_default()
            self._press(key, at_ms)

    def _at_rest(self, key: str, at_ms: int, event: events.Key) -> None:
        if key in (Key.UP, Key.DOWN):
            event.stop()
            self.post_message(self.Moved(self, -1 if key == Key.UP else 1))
        elif key == Key.ENTER or key in _STARTS:
            event.stop()
            if key != Key.ENTER:
                self.open()
                self._press(key, at_ms)
            elif at_ms - self._closed_at_ms >= _REOPEN_MS:
                self.open()

    def _press(self, key: str, at_ms: int) -> None:
        if self.entry is None:
            return
        if key == Key.ESCAPE and self.entry.phase is Phase.EMPTY:
            self.close(at_ms)
            return
        pressed = press(self.entry, key, at_ms)
        self._take(pressed, at_ms)
        if key == Key.ENTER and pressed.needs_reason:
            self.post_message(self.ReasonWanted(self))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        at_ms = self._key_time(event)
        if self.entry is None:
            self.open()
        if self.entry is not None:
            self._take(paste(self.entry, at_ms), at_ms)

    # --- the entry ----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the field: blank, beside the old value."""
        self.entry = start_entry(self.face.spec, self.face.was)
        self.repaint()

    def close(self, at_ms: int) -> None:
        """Close the field; what was not accepted is gone, the old value stands."""
        self.entry = None
        self._closed_at_ms = at_ms
        self.repaint()

    def give_reason(self, words: str, at_ms: int) -> None:
        """Hand the automaton a reason for the value that waits."""
        if self.entry is not None:
            self._take(give_reason(self.entry, words, at_ms), at_ms)

    def leave(self, why: str, at_ms: int) -> None:
        """Keep what is half typed as not accepted, because the screen is left."""
        if self.entry is None:
            return
        if self.entry.text:
            self.entry = leave(self.entry, why, at_ms)
            self.repaint()
        else:
            self.close(at_ms)

    def _take(self, entry: EntryState, at_ms: int) -> None:
        self.entry = entry
        accepted = entry.accepted
        if accepted is None:
            self.repaint()
            return
        self.close(at_ms)
        self.post_message(self.Accepted(self, accepted))

    # --- the picture --------------------------------------------------------------------------------------

    def _line(self) -> Content:
        if self.entry is None:
            mark = ">" if self.has_focus else " "
            value = f"{self.face.value.number:>{FIELD_CELLS}} {self.face.value.unit}"
            return Content(f"{mark}{self.face.prefix}{value}  {self.face.suffix}")
        before = f">{self.face.prefix}"
        field = f"{self.entry.text + '_':>{FIELD_CELLS}}"
        head = Content.assemble(
            before,
            (field, "bold $field-ink on $field"),
            f" {self.face.spec.unit}  ",
            self._verdict(self.entry),
        )
        return Content("\n").join([head, *self._below(self.entry, len(before))])

    def _verdict(self, entry: EntryState) -> Content:
        """What stands beside the typed value: that it is wrong, or how it compares with the value before."""
        if entry.badge:
            return Content.styled("!!", "bold $fault-ink")
        if entry.typed is None:
            return Content(self._was() if not entry.text else "not finished")
        return Content(entry.change)

    def _below(self, entry: EntryState, indent: int) -> list[Content]:
        """What stands under the typed value: a caret under the wrong key, a sentence, what it would give."""
        lines = []
        if entry.badge:
            start = indent + FIELD_CELLS - len(entry.text) - 1
            caret = " " * indent if entry.caret is None else f"{' ' * (start + entry.caret)}^ "
            lines.append(Content.styled(f"{caret}{entry.badge}", "bold $fault-ink"))
        if entry.message:
            lines.append(Content.styled(f" {entry.message}", "$fault-ink" if entry.badge else "$change-ink"))
        elif entry.typed is not None:
            lines.append(Content(f" {self._outcome(entry.typed)}"))
        return lines

    def _was(self) -> str:
        return "" if self.face.was is None else f"was {self.face.spec.shown(self.face.was)}"

    def on_focus(self) -> None:
        self.call_later(self.repaint)

    def on_blur(self) -> None:
        self.call_later(self.repaint)
