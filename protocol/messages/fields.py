"""Field types: how one value of a message body lies on the wire, its unit, its range and its meaning.

A body is a frozen dataclass whose attributes are annotated ``Annotated[int, u32("nL", "...")]``; the
annotation is the single source for the codec, the reference page, the schema and the test strategies.
"""

from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, IntEnum, IntFlag, auto, unique
from typing import Any, get_type_hints

import construct


@unique
class FieldKind(Enum):
    """How the octets of a field are understood."""

    INTEGER = auto()
    WORD = auto()
    FLAGS = auto()
    OCTETS = auto()
    TEXT = auto()
    RESERVED = auto()
    BLOCK = auto()
    RECORDS = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body.

    ``layout`` is the `construct` definition (of one item for RECORDS); ``low`` and ``high`` bound an
    INTEGER inclusively; ``limit`` bounds the count of RECORDS or the octets of a BLOCK.
    """

    kind: FieldKind
    layout: Any
    size: int
    unit: str = ""
    text: str = ""
    low: int = 0
    high: int = 0
    members: type[IntEnum] | type[IntFlag] | None = None
    item: type | None = None
    limit: int = 0
    nonzero: bool = False


def _integer(layout: Any, size: int, unit: str, text: str, low: int, high: int) -> Field:
    return Field(FieldKind.INTEGER, layout, size, unit, text, low, high)


def u8(unit: str = "", text: str = "", low: int = 0, high: int = 0xFF) -> Field:
    """Unsigned octet in ``low..high``."""
    return _integer(construct.Int8ul, 1, unit, text, low, high)


def u16(unit: str = "", text: str = "", low: int = 0, high: int = 0xFFFF) -> Field:
    """Unsigned 16-bit little-endian integer in ``low..high``."""
    return _integer(construct.Int16ul, 2, unit, text, low, high)


def u32(unit: str = "", text: str = "", low: int = 0, high: int = 0xFFFF_FFFF) -> Field:
    """Unsigned 32-bit little-endian integer in ``low..high``."""
    return _integer(construct.Int32ul, 4, unit, text, low, high)


def u64(unit: str = "", text: str = "", low: int = 0, high: int = (1 << 64) - 1) -> Field:
    """Unsigned 64-bit little-endian integer in ``low..high``."""
    return _integer(construct.Int64ul, 8, unit, text, low, high)


def i16(unit: str = "", text: str = "", low: int = -0x8000, high: int = 0x7FFF) -> Field:
    """Signed 16-bit little-endian integer in ``low..high``."""
    return _integer(construct.Int16sl, 2, unit, text, low, high)


def i32(unit: str = "", text: str = "", low: int = -0x8000_0000, high: int = 0x7FFF_FFFF) -> Field:
    """Signed 32-bit little-endian integer in ``low..high``."""
    return _integer(construct.Int32sl, 4, unit, text, low, high)


def word8(members: type[IntEnum], text: str = "") -> Field:
    """One octet that must be a member of ``members`` (8-bit codewords)."""
    return Field(FieldKind.WORD, construct.Int8ul, 1, "", text, members=members)


def word16(members: type[IntEnum], text: str = "") -> Field:
    """Two octets that must be a member of ``members`` (16-bit codewords)."""
    return Field(FieldKind.WORD, construct.Int16ul, 2, "", text, members=members)


def flags8(members: type[IntFlag], text: str = "") -> Field:
    """One octet of named bits; a bit without a name is refused."""
    return Field(FieldKind.FLAGS, construct.Int8ul, 1, "", text, members=members)


def flags32(members: type[IntFlag], text: str = "") -> Field:
    """Four octets of named bits; a bit without a name is refused."""
    return Field(FieldKind.FLAGS, construct.Int32ul, 4, "", text, members=members)


def octets(size: int, text: str = "", *, nonzero: bool = False) -> Field:
    """Exactly ``size`` octets, opaque; ``nonzero`` refuses all zeros."""
    return Field(FieldKind.OCTETS, construct.Bytes(size), size, "", text, nonzero=nonzero)


def label(size: int, text: str = "") -> Field:
    """UTF-8 text of at most ``size`` octets, padded with 0x00."""
    return Field(FieldKind.TEXT, construct.Bytes(size), size, "", text)


def reserved(size: int) -> Field:
    """``size`` octets that must be zero."""
    return Field(FieldKind.RESERVED, construct.Bytes(size), size, "", "reserved, zero")


def block(limit: int, text: str = "") -> Field:
    """``blk8``: a length octet and up to ``limit`` octets; last field of a body only."""
    layout = construct.Prefixed(construct.Int8ul, construct.GreedyBytes)
    return Field(FieldKind.BLOCK, layout, 1, "", text, limit=limit)


def records(item: type, limit: int, text: str = "") -> Field:
    """``list8``: a count octet and up to ``limit`` fixed-size items; last field of a body only."""
    layout = construct.PrefixedArray(construct.Int8ul, layout_of(item))
    return Field(FieldKind.RECORDS, layout, 1, "", text, item=item, limit=limit)


def fields_of(body: type) -> dict[str, Field]:
    """Return the wire fields of ``body`` in wire order.

    Raises:
        TypeError: ``body`` is no dataclass, or an attribute carries no single `Field`.
    """
    if not is_dataclass(body):
        raise TypeError(f"{body!r} is not a message body")
    hints = get_type_hints(body, include_extras=True)
    found: dict[str, Field] = {}
    for attribute in fields(body):
        marks = [
            mark for mark in getattr(hints[attribute.name], "__metadata__", ()) if isinstance(mark, Field)
        ]
        if len(marks) != 1:
            raise TypeError(f"{body.__name__}.{attribute.name} carries {len(marks)} wire fields, not one")
        found[attribute.name] = marks[0]
    return found


def layout_of(body: type) -> Any:
    """Return the `construct.Struct` that defines the octets of ``body``."""
    return construct.Struct(*(name / field.layout for name, field in fields_of(body).items()))
