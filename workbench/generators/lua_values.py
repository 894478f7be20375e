"""Python values written as Lua: numbers, texts, lists and tables with keys."""

import re
from dataclasses import dataclass
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KEYWORDS: Final = frozenset((
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
))  # fmt: skip
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Raw:
    """Lua that is written as it stands."""

    text: str


def lua_value(value: Any) -> str:  # noqa: ANN401 - plain data of any shape
    """Return ``value`` in one line.

    Raises:
        TypeError: Lua has nothing like it.
    """
    match value:
        case Raw():
            return value.text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case list() | tuple():
            return _braces([lua_value(item) for item in value])
        case dict():
            return _braces([f"{_key(key)} = {lua_value(item)}" for key, item in value.items()])
    raise TypeError(f"{value!r} cannot be written as Lua")


def lua_table(value: Any, depth: int = 0) -> str:  # noqa: ANN401
    """Return a list or table with its members in lines of their own; what is inside those is in one line.

    A member that holds lists of tables is broken up in its turn, so that each field has its line.
    """
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    inner = _INDENT * (depth + 1)
    lines = [
        f"{inner}{'' if key is None else f'{_key(key)} = '}"
        f"{lua_table(item, depth + 1) if _deep(item) else lua_value(item)},"
        for key, item in pairs
    ]
    return "\n".join(["{", *lines, f"{_INDENT * depth}}}"]) if lines else "{}"


def _deep(value: Any) -> bool:  # noqa: ANN401
    """Tell whether a line would be too much for ``value``: tables inside it, or many members."""
    if not isinstance(value, dict | list | tuple):
        return False
    items = list(value.values() if isinstance(value, dict) else value)
    return len(items) > 12 or any(isinstance(item, dict | list | tuple) and item for item in items)


def _braces(items: list[str]) -> str:
    return f"{{ {', '.join(items)} }}" if items else "{}"


def _key(key: object) -> str:
    if isinstance(key, int):
        return f"[0x{key:02X}]" if key > 9 else f"[{key}]"
    text = str(key)
    return text if _NAME.match(text) and text not in _KEYWORDS else f"[{_text(text)}]"


def _text(value: str) -> str:
    """Return a quoted text; whatever is not plain ASCII is written octet by octet."""
    plain = {0x22: '\\"', 0x5C: "\\\\"}
    octets = value.encode("utf-8")
    return '"' + "".join(plain.get(o, chr(o) if 0x20 <= o < 0x7F else f"\\{o:03d}") for o in octets) + '"'
