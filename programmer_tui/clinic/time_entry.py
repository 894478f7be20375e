"""The entry of a time of day, as strict as that of a number: ``HH:MM``, nothing dropped, nothing repaired.

A wrong key is shown and locks the field until Backspace, Del or Esc. Enter accepts a whole time only.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from programmer_tui.clinic.clinical_time import parse_minute_of_day
from programmer_tui.clinic.entry_state import Key

_FORM: Final = "00:00"
_DIGITS: Final = frozenset("0123456789")
_LOCKED: Final = "Backspace removes the last key, Del clears the field."


class TimePhase(Enum):
    """Where the entry stands."""

    TYPING = "typing"
    ERROR = "error"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """One time under edit; ``minute`` is the accepted local minute of the day, None before Enter."""

    text: str = ""
    phase: TimePhase = TimePhase.TYPING
    message: str = "Type the time as HH:MM, for example 06:00."
    minute: int | None = None


def press_time(entry: TimeEntry, key: str) -> TimeEntry:
    """Return the entry after a key (a single character or a `Key`); other keys leave it as it is."""
    if key == Key.DELETE:
        return TimeEntry()
    if key == Key.BACKSPACE:
        return _read(entry.text[:-1])
    if entry.phase is TimePhase.ERROR:
        return entry
    if key == Key.ENTER:
        return _accept(entry)
    return _read(entry.text + key) if len(key) == 1 else entry


def paste_time(entry: TimeEntry) -> TimeEntry:
    """Return the entry after a paste: nothing goes in."""
    return replace(entry, message="Paste is refused here. Type the time.")


def _accept(entry: TimeEntry) -> TimeEntry:
    try:
        minute = parse_minute_of_day(entry.text)
    except ValueError as error:
        return replace(entry, message=str(error))
    return replace(entry, phase=TimePhase.ACCEPTED, message="", minute=minute)


def _read(text: str) -> TimeEntry:
    wrong = next((place for place, key in enumerate(text) if not _fits(place, key)), None)
    if wrong is None:
        return replace(TimeEntry(), text=text) if text else TimeEntry()
    message = f"'{text[wrong]}' is not accepted here; a time is HH:MM, 00:00 to 23:59. {_LOCKED}"
    return TimeEntry(text, TimePhase.ERROR, message)


def _fits(place: int, key: str) -> bool:
    if place >= len(_FORM):
        return False
    return key in _DIGITS if _FORM[place] == "0" else key == _FORM[place]
