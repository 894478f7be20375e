"""What a screen or a dialog may ask of the app that shows it: the app knows its screens, not they it."""

from typing import Protocol

from textual import events
from textual.screen import Screen

from programmer_tui.desk import Desk
from programmer_tui.editing import Editing


class ProgrammerPort(Protocol):
    """The app as its screens see it."""

    desk: Desk
    editing: Editing

    def repaint(self) -> None:
        """Paint what changed."""

    def notice_words(self) -> str:
        """Return the line above the keys."""

    def key_time_ms(self, event: events.Event | None) -> int:
        """Return when a key was pressed, in ms of a steady clock."""

    def perform(self, action_id: str) -> None:
        """Do an action of the action table, or say why it cannot be done."""

    def open_dialog(self, dialog: Screen[None]) -> None:
        """Show a dialog over the screen."""
