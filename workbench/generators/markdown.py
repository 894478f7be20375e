"""The little Markdown that the generated pages need: headings, tables, code blocks and links."""

import inspect
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

GENERATED: Final = (
    "<!-- Generated from the code by `make generated`. Edits here are lost; change the code instead. -->"
)

Rows = Iterable[Sequence[object]]


def page(title: str, *parts: str) -> str:
    """Return a whole generated page: its mark, its title and its parts, one empty line between them."""
    return "\n\n".join((GENERATED, f"# {title}", *(part.strip("\n") for part in parts))) + "\n"


def join(*parts: str) -> str:
    """Return parts of a page as one, with an empty line between them; empty parts vanish."""
    return "\n\n".join(part.strip("\n") for part in parts if part)


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a table; a bar in a cell is escaped, a line break becomes a space."""
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"


def code(text: str, language: str = "") -> str:
    """Return a code block."""
    return f"```{language}\n{text}\n```"


def bullets(items: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(f"* {item}" for item in items)


def anchor(heading: str) -> str:
    """Return the anchor that a Markdown viewer gives to ``heading``."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(text: str, target: str, heading: str = "") -> str:
    """Return a link to another page, or with ``heading`` to a place in it ('' is the same page)."""
    return f"[{text}]({target}{f'#{anchor(heading)}' if heading else ''})"


def hex8(value: int) -> str:
    """Return an octet as ``0x0F``."""
    return f"0x{value:02X}"


def hex16(value: int) -> str:
    """Return a 16-bit word as ``0x0F0F``."""
    return f"0x{value:04X}"


def spaced(octets: bytes) -> str:
    """Return octets as ``a1 3c 00``."""
    return octets.hex(" ")


def summary(documented: object) -> str:
    """Return the docstring of a class up to its first section, as one paragraph of Markdown."""
    text = inspect.getdoc(documented) or ""
    kept: list[str] = []
    for line in text.splitlines():
        if line in ("Raises:", "Attributes:", "Args:", "Returns:"):
            break
        kept.append(line)
    return re.sub(r"``(.+?)``", r"`\1`", "\n".join(kept)).strip()


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return summary(documented).partition("\n")[0]


def names(members: Iterable[Enum]) -> str:
    """Return the names of enumeration members in lower case, as the documents write roles."""
    return ", ".join(member.name.lower() for member in members)
