"""Dialogs: a choice, a time of day, something to read. The first choice always changes nothing."""

from collections.abc import Callable, Sequence
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


class ChoiceDialog(FrameDialog, Generic[Value]):
    """A question with answers in lines: Up and Down move, Enter takes, Esc takes nothing.

    The first answer must be the safe one: it is marked when the dialog opens, so that a bounced Enter
    changes nothing. ``then`` is called with the value of the answer, None where nothing is to change.
    """

    KEYS = "Up/Down choose   Enter take   Esc change nothing"

    def __init__(
        self, title: str, text: str, choices: Sequence[Choice[Value]], then: Callable[[Value | None], None]
    ) -> None:
        if choices[0].value is not None:
            raise ValueError(f"{title}: the first choice must change nothing")
        super().__init__(title)
        self._text = text
        self._then = then
        self.choices = tuple(choices)
        self.place = 0

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")
        yield TextArea(id="dialog-choices")

    def paint_dialog(self) -> None:
        lines = [
            Content.styled(f" > {choice.words}", "bold reverse")
            if place == self.place
            else Content(f"   {choice.words}")
            for place, choice in enumerate(self.choices)
        ]
        self.query_one("#dialog-choices", TextArea).show(Content("\n").join(lines))

    def take_key(self, event: events.Key) -> bool:
        if event.key in ("up", "down"):
            by = 1 if event.key == "down" else -1
            self.place = min(max(self.place + by, 0), len(self.choices) - 1)
        elif event.key == "enter":
            self.finish(lambda: self._then(self.choices[self.place].value))
        elif event.key == "escape":
            self.finish(lambda: self._then(None))
        return True


class InfoDialog(FrameDialog):
    """Something that must be read; Enter or Esc closes it."""

    KEYS = "Enter or Esc close"

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title)
        self._text = text

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")

    def take_key(self, event: events.Key) -> bool:
        if event.key in ("enter", "escape"):
            self.finish()
        return True


class TimeDialog(FrameDialog):
    """Asks for a time of day; ``then`` is called with the local minute, or with None."""

    KEYS = "HH:MM   Enter accept   Esc change nothing"

    def __init__(self, title: str, text: str, then: Callable[[int | None], None]) -> None:
        super().__init__(title)
        self._text = text
        self._then = then
        self.entry = TimeEntry()

    def compose_dialog(self) -> ComposeResult:
        yield TextArea(self._text, id="dialog-text")
        yield TextArea(id="dialog-field")

    def paint_dialog(self) -> None:
        field = Content.assemble(
            " Time  ",
            (f" {self.entry.text + '_':<7}", "bold $field-ink on $field"),
            "  HH:MM\n\n",
            (f" {self.entry.message}", "$fault-ink" if self.entry.phase is TimePhase.ERROR else ""),
        )
        self.query_one("#dialog-field", TextArea).show(field)

    def take_key(self, event: events.Key) -> bool:
        key = entry_key(event)
        if key == Key.ESCAPE:
            self.finish(lambda: self._then(None))
            return True
        self.entry = press_time(self.entry, key)
        if self.entry.minute is not None:
            self.finish(lambda: self._then(self.entry.minute))
        return True

    def take_paste(self, event: events.Paste) -> None:
        self.entry = paste_time(self.entry)


def reason_dialog(
    sentences: Sequence[str], then: Callable[[OverrideReason | None], None]
) -> ChoiceDialog[OverrideReason]:
    """Return the dialog that asks why a soft limit is passed."""
    choices: list[Choice[OverrideReason]] = [Choice("No reason: go back and correct the value", None)]
    choices += [
        Choice(words, reason) for reason, words in REASON_WORDS.items() if reason is not OverrideReason.NONE
    ]
    return ChoiceDialog("A reason is needed", "\n".join(sentences), choices, then)


def yes_dialog(
    title: str, text: str, no: str, yes: str, then: Callable[[bool | None], None]
) -> ChoiceDialog[bool]:
    """Return a question whose safe answer stands first."""
    return ChoiceDialog(title, text, (Choice(no, None), Choice(yes, value=True)), then)
