"""What is under the cursor of the prescribe screen, and the field that is open there.

Keys are taken one after the other, each wholly before the next: a burst of keys can never put a digit into
another row than the one the cursor was moved to. The entry automaton judges every key, nothing here does.
"""

from typing import Final

from programmer_tui.clinic.entry import give_reason, leave, paste, press, start_entry
from programmer_tui.clinic.entry_state import EntryState, Key, Phase
from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.dose_rows import DoseRow, dose_rows, with_dose

REOPEN_MS: Final = 500
"""An Enter this soon after an accepting one is its bounce and does not open the field again."""
_STARTS: Final = frozenset("0123456789.,")
_NAMED: Final = frozenset(key.value for key in Key)


class Editing:
    """The cursor of the prescribe screen and its open field."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._cursor = 0
        self.entry: EntryState | None = None
        self._closed_at_ms = -REOPEN_MS

    @property
    def rows(self) -> list[DoseRow]:
        """The rows of the draft, none where there is no draft."""
        return [] if self._desk.draft is None else dose_rows(self._desk.draft)

    @property
    def cursor(self) -> int:
        """The row the keys go to."""
        return min(self._cursor, max(0, len(self.rows) - 1))

    @property
    def row(self) -> DoseRow | None:
        """The row under the cursor."""
        rows = self.rows
        return rows[self.cursor] if rows else None

    @property
    def unfinished(self) -> str:
        """What is typed and not accepted, in a sentence; empty where no field is open."""
        if self.entry is None or self.row is None:
            return ""
        typed = f"{self.row.name} '{self.entry.text}'"
        return f"{typed} is not accepted yet. Enter accepts it, Esc discards it."

    def go(self, row: int) -> None:
        """Move the cursor, which an open field holds where it is."""
        if self.entry is None:
            self._cursor = min(max(row, 0), max(0, len(self.rows) - 1))

    def press(self, key: str, at_ms: int) -> bool:
        """Take a key; return whether it was for a row (a key of the screen or the app is not)."""
        if self._desk.stage is not Stage.PRESCRIBE or self.row is None:
            return False
        if self.entry is None:
            return self._at_rest(key, at_ms)
        if len(key) > 1 and key not in _NAMED:
            return False
        if key == Key.ESCAPE and self.entry.phase is Phase.EMPTY:
            self._close(at_ms)
        else:
            self._take(press(self.entry, key, at_ms), at_ms)
        return True

    def _at_rest(self, key: str, at_ms: int) -> bool:
        if key in (Key.UP, Key.DOWN):
            self.go(self.cursor + (1 if key == Key.DOWN else -1))
        elif key == Key.ENTER:
            if at_ms - self._closed_at_ms >= REOPEN_MS:
                self._open()
        elif key in _STARTS:
            self._take(press(self._open(), key, at_ms), at_ms)
        else:
            return False
        return True

    def paste(self, at_ms: int) -> None:
        """Refuse a paste, with a word beside the field."""
        if self._desk.stage is Stage.PRESCRIBE and self.row is not None:
            self._take(paste(self.entry or self._open(), at_ms), at_ms)

    def give_reason(self, words: str, at_ms: int) -> None:
        """Hand the automaton a reason for the value that waits for one."""
        if self.entry is not None:
            self._take(give_reason(self.entry, words, at_ms), at_ms)

    def leave(self, why: str, at_ms: int) -> None:
        """Keep what is half typed as not accepted, because the screen is left."""
        if self.entry is None:
            return
        if self.entry.text:
            self.entry = leave(self.entry, why, at_ms)
        else:
            self._close(at_ms)

    def drop(self) -> None:
        """Forget field and cursor, with the draft they belonged to."""
        self.entry = None
        self._cursor = 0

    def _open(self) -> EntryState:
        row = self.rows[self.cursor]
        self._cursor = self.cursor
        self.entry = start_entry(row.spec, row.was)
        return self.entry

    def _close(self, at_ms: int) -> None:
        self.entry = None
        self._closed_at_ms = at_ms

    def _take(self, entry: EntryState, at_ms: int) -> None:
        self.entry = entry
        accepted = entry.accepted
        if accepted is None:
            return
        cursor, row = self.cursor, self.rows[self.cursor]
        self._close(at_ms)
        if self._desk.edit(lambda held: with_dose(held, cursor, accepted)):
            shown = entry.spec.shown(accepted)
            self._desk.notice = f"{row.name} {shown} accepted. Nothing was sent to the pump."
