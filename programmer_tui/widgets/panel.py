"""A framed area of text that paints only what changed and never shows a value it could not draw rightly."""

import logging
import textwrap
from collections.abc import Callable
from typing import Final

from textual.content import Content
from textual.widgets import Static

Text = Content | str
DISPLAY_FAULT: Final = "DISPLAY FAULT - values not trustworthy"
_LOG: Final = logging.getLogger(__name__)


def hanging(head: str, text: str, width: int) -> str:
    """Return ``text`` behind ``head``, wrapped at ``width`` cells, later lines under the first one."""
    room = max(1, width - len(head))
    lines = textwrap.wrap(text, room, break_long_words=False) or [""]
    return "\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])])


class TextArea(Static):
    """Plain text, never read as markup, repainted only when it changes."""

    def __init__(self, text: Text = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(text, markup=False, id=id, classes=classes)
        self._shown: Text = text

    @property
    def shown(self) -> str:
        """What stands here now, without styles."""
        return self._shown.plain if isinstance(self._shown, Content) else self._shown

    def show(self, text: Text) -> None:
        """Paint ``text``, where it is another one than before."""
        if isinstance(text, str) != isinstance(self._shown, str) or not _same(text, self._shown):
            self._shown = text
            self.update(text)

    def paint(self, draw: Callable[..., Text], *args: object) -> None:
        """Paint what ``draw`` returns; what it cannot draw is replaced by the words of a display fault."""
        try:
            text = draw(*args)
        except Exception:  # noqa: BLE001 - a wrong value on the screen is worse than none; it is logged
            if not self.has_class("-fault"):
                _LOG.exception("cannot draw %s", self.id)
            text = DISPLAY_FAULT
        self.set_class(text is DISPLAY_FAULT, "-fault")
        self.show(text)


class Panel(TextArea):
    """A text area with a frame and a title."""

    def __init__(self, title: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.border_title = title

    def mark_old(self, words: str) -> None:
        """Say in the frame, in words, that the values are old; an empty text says that they are not."""
        self.set_class(bool(words), "-old")
        if self.border_subtitle != words:
            self.border_subtitle = words


def _same(one: Text, other: Text) -> bool:
    if isinstance(one, Content) and isinstance(other, Content):
        return one.is_same(other)
    return one == other
