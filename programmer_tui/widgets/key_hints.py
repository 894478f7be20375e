"""The last two rows of every screen: what to say to the clinician, and what the keys do here."""

from textual.content import Content

from programmer_tui.actions import Action, hints
from programmer_tui.desk import Desk
from programmer_tui.widgets.panel import TextArea

_GAP = "  "


def hint_line(desk: Desk, width: int) -> Content:
    """Return the key hints that fit; what is not possible now stands in brackets (F1 and ^P say why)."""
    parts = [(_hint(action, possible=possible), possible) for action, possible in hints(desk)]
    if _cells([part for part, _ in parts]) > width:
        parts = [(part, possible) for part, possible in parts if possible]
    shown = [part for part, _ in parts]
    while shown and _cells(shown) > width:
        shown.pop()
    return Content.assemble(" ", Content(_GAP).join(shown))


def _cells(parts: list[Content]) -> int:
    return 1 + sum(len(part) + len(_GAP) for part in parts)


def _hint(action: Action, *, possible: bool) -> Content:
    if possible:
        return Content.assemble((action.shown, "bold"), f" {action.label}")
    return Content.styled(f"({action.shown} {action.label})", "$dim")


class KeyHints(TextArea):
    """The last row."""


class NoticeRow(TextArea):
    """The row above the key hints: why something is not possible, what is going on, what went wrong."""
