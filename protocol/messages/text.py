"""Text on the wire: UTF-8 in fields of fixed size, padded with 0x00, and nothing in it that cannot be seen.

Which characters those are is fixed here, not taken from Unicode's tables: these grow with every version of
Python, and a name that one end sends must be a name to the other.
"""

from bisect import bisect_right
from typing import Final

UNPRINTABLE: Final = (
    (0x0000, 0x001F),  # control characters
    (0x007F, 0x00A0),  # delete, more control characters, the no-break space
    (0x00AD, 0x00AD),  # soft hyphen
    (0x061C, 0x061C),  # changes the direction of text
    (0x1680, 0x1680),  # spaces other than the plain one
    (0x180E, 0x180E),
    (0x2000, 0x200F),
    (0x2028, 0x202F),  # ends of lines, changes of direction
    (0x205F, 0x206F),
    (0x3000, 0x3000),
    (0xD800, 0xF8FF),  # halves of characters, private use
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFF0, 0xFFFB),  # interlinear marks
    (0xFFFE, 0xFFFF),
    (0xE0000, 0x10FFFF),  # tags, private use
)
"""Characters that a text field must not hold, as ranges of code points, ascending."""

_STARTS: Final = tuple(low for low, _ in UNPRINTABLE)


def first_unprintable(text: str) -> str | None:
    """Return the first character of ``text`` that a text field must not hold, or None."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        code = ord(character)
        at = bisect_right(_STARTS, code) - 1
        if at >= 0 and code <= UNPRINTABLE[at][1]:
            return character
    return None


def read_text(padded: bytes) -> str:
    """Return the text of a fixed-size field.

    Raises:
        ValueError: not UTF-8, octets after the first 0x00, or a character that cannot be seen.
    """
    raw = padded.rstrip(b"\0")
    if b"\0" in raw:
        raise ValueError("text continues after its padding")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("text is not UTF-8") from None
    _check(text, "text")
    return text


def write_text(text: str, size: int) -> bytes:
    """Return ``text`` as ``size`` octets, padded with 0x00.

    Raises:
        ValueError: the text does not fit, or holds a character that cannot be seen.
    """
    raw = text.encode("utf-8")
    if len(raw) > size:
        raise ValueError(f"text {text!r} takes {len(raw)} octets, at most {size} fit")
    _check(text, f"text {text!r}")
    return raw.ljust(size, b"\0")


def _check(text: str, what: str) -> None:
    bad = first_unprintable(text)
    if bad is not None:
        raise ValueError(f"{what} holds a control character or one that cannot be seen: U+{ord(bad):04X}")
