"""Dialogs: a choice, a time of day, something to read. The first choice always changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content

from programmer_tui.clinic.entry_state import Key
from programmer_tui.clinic.log_words import REASON_WORDS
from programmer_tui.clinic.time_entry import TimeEntry, TimePhase, paste_time, press_time
from programmer_tui.screens.frame import FrameDialog
from programmer_tui.widgets.dose_entry import entry_key
from programmer_tui.widgets.panel import TextArea
from protocol.vocabulary import OverrideReason

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """One line of a choice dialog; a value of None leaves everything as it is."""

    words: str
    value: Value | None


class ChoiceDialog(FrameDialog[Value | None]):
    """A question with answers in lines: Up and Down move, Enter takes, Esc takes nothing.

    The first answer must be the safe one: it is marked when the dialog opens, so that a bounced Enter
    changes nothing.
    """

    KEYS = "Up/Down choose   Enter take   Esc change nothing"

    def __init__(self, title: str, text: str, choices: Sequence[Choice[Value]]) -> None:
        if choices[0].value is not None:
            raise ValueError(f"{title}: the first choice must change nothing")
        super().__init__()
        self.TITLE_WORDS = title
        self._text = text
        self.choices = tuple(choices)
        self.place = 0

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")
        yield TextArea(self._lines(), id="dialog-choices")

    def _lines(self) -> Content:
        return Content("\n").join(
            [
                Content.styled(f" > {choice.words}", "bold reverse")
                if place == self.place
                else f"   {choice.words}"
                for place, choice in enumerate(self.choices)
            ]
        )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in ("up", "down"):
            self.place = min(max(self.place + (1 if event.key == "down" else -1), 0), len(self.choices) - 1)
            self.query_one("#dialog-choices", TextArea).show(self._lines())
        elif event.key == "enter":
            self.dismiss(self.choices[self.place].value)
        elif event.key == "escape":
            self.dismiss(None)


class InfoDialog(FrameDialog[None]):
    """Something that must be read; Enter or Esc closes it."""

    KEYS = "Enter or Esc close"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.TITLE_WORDS = title
        self._text = text

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in ("enter", "escape"):
            self.dismiss(None)


class TimeDialog(FrameDialog[int | None]):
    """Asks for a time of day; returns the local minute, or None."""

    KEYS = "HH:MM   Enter accept   Esc change nothing"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.TITLE_WORDS = title
        self._text = text
        self.entry = TimeEntry()

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")
        yield TextArea(self._field(), id="dialog-field")

    def _field(self) -> Content:
        return Content.assemble(
            " Time  ",
            (f" {self.entry.text + '_':<7}", "bold $field-ink on $field"),
            "  HH:MM\n\n",
            (f" {self.entry.message}", "$fault-ink" if self.entry.phase is TimePhase.ERROR else ""),
        )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key = entry_key(event)
        if key == Key.ESCAPE:
            self.dismiss(None)
            return
        self._take(press_time(self.entry, key))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._take(paste_time(self.entry))

    def _take(self, entry: TimeEntry) -> None:
        self.entry = entry
        self.query_one("#dialog-field", TextArea).show(self._field())
        if entry.minute is not None:
            self.dismiss(entry.minute)


def reason_dialog(sentences: Sequence[str]) -> ChoiceDialog[OverrideReason]:
    """Return the dialog that asks why a soft limit is passed."""
    choices: list[Choice[OverrideReason]] = [Choice("No reason: go back and correct the value", None)]
    choices += [
        Choice(words, reason) for reason, words in REASON_WORDS.items() if reason is not OverrideReason.NONE
    ]
    return ChoiceDialog("A reason is needed", "\n".join(sentences), choices)


def yes_dialog(title: str, text: str, no: str, yes: str) -> ChoiceDialog[bool]:
    """Return a question whose safe answer stands first."""
    return ChoiceDialog(title, text, (Choice(no, None), Choice(yes, value=True)))
