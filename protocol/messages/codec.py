"""Bodies to octets and back, fast, from the same field annotations that give the `construct` definition.

The `construct` layout is the definition of the wire; interpreting it costs about twenty times a
``struct`` call, so the fixed part of a body is derived from it here as one `struct.Struct`. A
differential test holds the two together, truncations and trailing octets included.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache
from typing import Any, Final, cast

import construct

from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.text import read_text, write_text
from protocol.vocabulary import NO_FIELD, ErrorCode


class BodyError(ValueError):
    """A body that does not fit its definition.

    Attributes:
        code: the ERROR code the pump answers with.
        field: index of the offending field, or 0xFF where no single field is to blame.
    """

    def __init__(self, code: ErrorCode, field: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def _struct_code(layout: Any) -> str:
    """Return the ``struct`` code of one fixed `construct` layout."""
    if isinstance(layout, construct.FormatField):
        return str(layout.fmtstr).lstrip("<>=")
    if isinstance(layout, construct.Bytes) and isinstance(layout.length, int):
        return f"{layout.length}s"
    raise TypeError(f"{layout!r} has no fixed struct code")


def _check_integer(name: str, index: int, field: Field) -> Callable[[Any], Any] | None:
    low, high = field.low, field.high
    bits = 8 * field.size
    full = (0, (1 << bits) - 1) if low >= 0 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    if (low, high) == full:
        return None

    def check(value: int) -> int:
        if not low <= value <= high:
            raise BodyError(
                ErrorCode.OUT_OF_RANGE,
                index,
                f"{name} = {value} is outside {low}..{high} {field.unit}".rstrip(),
            )
        return value

    return check


def _check_word(name: str, index: int, field: Field) -> Callable[[Any], Any]:
    members = cast(type[IntEnum], field.members)
    table = {int(member): member for member in members}

    def check(value: int) -> IntEnum:
        member = table.get(value)
        if member is None:
            raise BodyError(
                ErrorCode.BAD_ENUM, index, f"{name} = 0x{value:0{2 * field.size}X} is no {members.__name__}"
            )
        return member

    return check


def _check_flags(name: str, index: int, field: Field) -> Callable[[Any], Any]:
    members = cast(type[IntFlag], field.members)
    known = sum(int(member) for member in members)

    def check(value: int) -> IntFlag:
        if value & ~known:
            raise BodyError(
                ErrorCode.RESERVED_NONZERO, index, f"{name} has unknown bits 0x{value & ~known:X} set"
            )
        return members(value)

    return check


def _check_octets(name: str, index: int, field: Field) -> Callable[[Any], Any] | None:
    if not field.nonzero:
        return None

    def check(value: bytes) -> bytes:
        if not any(value):
            raise BodyError(ErrorCode.OUT_OF_RANGE, index, f"{name} must not be all zeros")
        return value

    return check


def _check_reserved(name: str, index: int, _field: Field) -> Callable[[Any], Any]:
    def check(value: bytes) -> bytes:
        if any(value):
            raise BodyError(ErrorCode.RESERVED_NONZERO, index, f"{name} is reserved and must be zero")
        return value

    return check


def _check_text(name: str, index: int, _field: Field) -> Callable[[Any], Any]:
    def check(value: bytes) -> str:
        try:
            return read_text(value)
        except ValueError as error:
            raise BodyError(ErrorCode.BAD_TEXT, index, f"{name}: {error}") from None

    return check


_CHECKS: Final[dict[FieldKind, Callable[[str, int, Field], Callable[[Any], Any] | None]]] = {
    FieldKind.INTEGER: _check_integer,
    FieldKind.WORD: _check_word,
    FieldKind.FLAGS: _check_flags,
    FieldKind.OCTETS: _check_octets,
    FieldKind.TEXT: _check_text,
    FieldKind.RESERVED: _check_reserved,
}


@dataclass(frozen=True, slots=True)
class _Tail:
    """The one variable field a body may end with."""

    name: str
    field: Field
    item: "BodyCodec | None"
    item_size: int


class BodyCodec:
    """Codec of one body class.

    Attributes:
        body: the dataclass.
        fixed_size: octets before the variable field (the whole body where there is none).
        max_size: octets of the largest body.
    """

    def __init__(self, body: type) -> None:
        self.body = body
        all_fields = fields_of(body)
        tails = [name for name, f in all_fields.items() if f.kind in (FieldKind.BLOCK, FieldKind.RECORDS)]
        if tails and (len(tails) > 1 or tails[0] != list(all_fields)[-1]):
            raise TypeError(f"{body.__name__}: only the last field may vary in size")
        fixed = {name: f for name, f in all_fields.items() if name not in tails}
        self._struct = struct.Struct("<" + "".join(_struct_code(f.layout) for f in fixed.values()))
        self._checks = tuple(
            (index, check)
            for index, (name, f) in enumerate(fixed.items())
            if (check := _CHECKS[f.kind](name, index, f)) is not None
        )
        self._texts = tuple((i, f.size) for i, f in enumerate(fixed.values()) if f.kind is FieldKind.TEXT)
        self._raws = tuple(
            (i, f.size)
            for i, f in enumerate(fixed.values())
            if f.kind in (FieldKind.OCTETS, FieldKind.RESERVED)
        )
        self._get = _getter(tuple(fixed))
        self._tail = self._make_tail(tails, all_fields)
        self._count = len(fixed)
        self.fixed_size = self._struct.size
        self.max_size = self.fixed_size + self._tail_max()

    @staticmethod
    def _make_tail(tails: list[str], all_fields: dict[str, Field]) -> _Tail | None:
        if not tails:
            return None
        field = all_fields[tails[0]]
        item = BodyCodec(field.item) if field.item else None
        return _Tail(tails[0], field, item, item.fixed_size if item else 1)

    def _tail_max(self) -> int:
        return 0 if self._tail is None else 1 + self._tail.field.limit * self._tail.item_size

    def decode(self, data: bytes) -> Any:
        """Return the body that ``data`` holds.

        Raises:
            BodyError: wrong length, unknown word or bit, value out of range, bad text.
        """
        self.check_length(data)
        values = self._checked(list(self._struct.unpack_from(data)))
        if self._tail is None:
            return self.body(*values)
        return self.body(*values, self._decode_tail(data))

    def check_length(self, data: bytes) -> None:
        """Check only that ``data`` has as many octets as a body can and as its own count says.

        Raises:
            BodyError: BAD_LENGTH.
        """
        needed = self.fixed_size
        if self._tail is not None:
            # A body that ends before its count is measured against an empty list.
            count = data[needed] if len(data) > needed else 0
            needed += 1 + count * self._tail.item_size
        if len(data) != needed:
            raise BodyError(ErrorCode.BAD_LENGTH, NO_FIELD, f"body has {len(data)} octets, needs {needed}")

    def _checked(self, values: list[Any]) -> list[Any]:
        for index, check in self._checks:
            values[index] = check(values[index])
        return values

    def _decode_tail(self, data: bytes) -> bytes | tuple[Any, ...]:
        tail = cast(_Tail, self._tail)
        count, start = data[self.fixed_size], self.fixed_size + 1
        if count > tail.field.limit:
            raise BodyError(
                ErrorCode.TOO_LARGE, self._count, f"{tail.name} has {count}, at most {tail.field.limit}"
            )
        if tail.item is None:
            return data[start:]
        each = tail.item_size
        try:
            return tuple(tail.item.decode(data[at : at + each]) for at in range(start, len(data), each))
        except BodyError as error:
            # The index that counts is that of the list in the body, not that of the field in the item.
            raise BodyError(error.code, self._count, f"{tail.name}: {error}") from None

    def encode(self, body: Any) -> bytes:
        """Return the octets of ``body``.

        Raises:
            ValueError: a value does not fit its field. Ranges and words are left to the side that decodes.
        """
        values = self._get(body)
        # `struct` would cut octets that are too long and fill up those that are too short.
        for index, size in self._raws:
            if len(values[index]) != size:
                raise ValueError(f"{self.body.__name__}: {len(values[index])} octets where {size} belong")
        if self._texts:
            values = list(values)
            for index, size in self._texts:
                values[index] = write_text(values[index], size)
        try:
            head = self._struct.pack(*values)
        except struct.error as error:
            raise ValueError(f"{self.body.__name__}: {error}") from None
        return head if self._tail is None else head + self._encode_tail(getattr(body, self._tail.name))

    def _encode_tail(self, value: Any) -> bytes:
        tail = cast(_Tail, self._tail)
        if len(value) > tail.field.limit:
            raise ValueError(f"{self.body.__name__}.{tail.name} has {len(value)}, at most {tail.field.limit}")
        if tail.item is None:
            return bytes((len(value),)) + bytes(value)
        return bytes((len(value),)) + b"".join(map(tail.item.encode, value))


def _getter(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """Return a function that reads the attributes ``names`` as one tuple.

    Compiled once from the names of our own dataclass fields, as a dataclass makes its ``__init__``: for a
    body of twenty fields `operator.attrgetter` takes four times as long.
    """
    read = "".join(f"body.{name}, " for name in names)
    getter: Callable[[Any], Any] = eval(f"lambda body: ({read})")  # noqa: S307 - no text from outside
    return getter


@cache
def codec_of(body: type) -> BodyCodec:
    """Return the codec of ``body``, made once."""
    return BodyCodec(body)
