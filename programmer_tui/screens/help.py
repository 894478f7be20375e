"""F1: the help page of the screen, and what each key does there now or why it does nothing."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from programmer_tui.actions import offered
from programmer_tui.desk import Desk
from programmer_tui.screens.frame import FrameDialog
from programmer_tui.widgets.panel import TextArea, hanging

TEXT_CELLS: Final = 68
"""Width of the text in a dialog."""
SCROLL_KEYS: Final = frozenset({"up", "down", "pageup", "pagedown", "home", "end"})
_HEAD: Final = "#"
_ITEM: Final = re.compile(r"\n(?=\d  )")
"""Where a block of numbered items is cut."""


def page_text(page: str) -> str:
    """Return the help page of a screen as it is written."""
    return files("programmer_tui.help").joinpath(f"{page}.md").read_text("utf-8")


def page_content(text: str) -> Content:
    """Return a page with its headings in bold and its paragraphs wrapped to the dialog."""
    return Content("\n").join(list(_page_lines(text)))


def _page_lines(text: str) -> Iterator[Content]:
    for block in text.strip().split("\n\n"):
        if block.startswith(_HEAD):
            yield Content.styled(block.lstrip(_HEAD).strip(), "bold $accent-ink")
            continue
        for item in _ITEM.split(block):
            number, _, words = item.partition("  ") if item[:1].isdigit() else ("", "", item)
            head = f"{number}  " if number else ""
            yield Content(hanging(head, " ".join(words.split()), TEXT_CELLS))
        yield Content("")


def key_table(desk: Desk) -> Content:
    """Return every key of this stage: what it does, and why it is not possible now where it is not."""
    return Content("\n").join(list(_key_lines(desk)))


def _key_lines(desk: Desk) -> Iterator[Content]:
    facts = desk.facts()
    yield Content.styled("Keys here", "bold $accent-ink")
    for action in offered(desk.stage):
        yield Content(hanging(f"{action.shown:>6}  ", action.sentence, TEXT_CELLS))
        for why in action.why_not(desk, facts):
            yield Content.styled(hanging("        Not now: ", why, TEXT_CELLS), "$dim")


class HelpDialog(FrameDialog):
    """The help page of one screen."""

    KEYS = "Up/Down PgUp/PgDn read   Esc close"

    def __init__(self, page: str) -> None:
        super().__init__(f"Help: {page}")
        self.page = page

    def compose_dialog(self) -> ComposeResult:
        with VerticalScroll(id="help-scroll"):
            yield TextArea(page_content(page_text(self.page)), id="help-page")
            yield TextArea(id="help-keys")

    def paint_dialog(self) -> None:
        self.query_one("#help-keys", TextArea).paint(key_table, self.desk)

    def take_key(self, event: events.Key) -> bool:
        if event.key in ("escape", "enter", "f1"):
            self.finish()
            return True
        return event.key not in SCROLL_KEYS
