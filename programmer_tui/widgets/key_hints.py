"""The last two rows of every screen: what to say to the clinician, and what the keys do here."""

from textual.content import Content

from programmer_tui.actions import Action, hints
from programmer_tui.desk import Desk
from programmer_tui.widgets.panel import TextArea

_GAP = "  "


def hint_line(desk: Desk, width: int) -> Content:
    """Return the key hints that fit; what is not possible now stands in brackets (F1 and ^P say why)."""
    parts = [_hint(action, possible=possible) for action, possible in hints(desk)]
    used = 1
    shown = []
    for part in parts:
        if used + len(part) + len(_GAP) > width:
            break
        shown.append(part)
        used += len(part) + len(_GAP)
    return Content.assemble(" ", Content(_GAP).join(shown))


def _hint(action: Action, *, possible: bool) -> Content:
    if possible:
        return Content.assemble((action.shown, "bold"), f" {action.label}")
    return Content.styled(f"({action.shown} {action.label})", "$dim")


class KeyHints(TextArea):
    """The last row."""


class NoticeRow(TextArea):
    """The row above the key hints: why something is not possible, what is going on, what went wrong."""
