"""Octets explained: which run of them is which field, and what it says.

The runs come from the same field annotations as the codec, so that a page and the wire cannot differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Any

import construct

from protocol.messages.codec import codec_of
from protocol.messages.fields import Field, FieldKind, fields_of
from workbench.generators.markdown import code, link

WIDTH = 16
"""Octets shown in one line of a run."""


@dataclass(frozen=True, slots=True)
class Run:
    """Some octets that belong together: their offset, name and meaning, and what the field is for."""

    offset: int
    octets: bytes
    name: str
    meaning: str
    text: str = ""


def type_name(field: Field) -> str:
    """Return the short type of a field: ``u32``, ``word8``, ``b16``, ``blk8`` and so on."""
    match field.kind:
        case FieldKind.INTEGER:
            return f"{'i' if field.low < 0 else 'u'}{8 * field.size}"
        case FieldKind.WORD:
            return f"word{8 * field.size}"
        case FieldKind.FLAGS:
            return f"flags{8 * field.size}"
        case FieldKind.OCTETS | FieldKind.RESERVED:
            return f"b{field.size}"
        case FieldKind.TEXT:
            return f"text{field.size}"
        case FieldKind.BLOCK:
            return "blk8"
        case FieldKind.RECORDS:
            return "list8"


def range_text(field: Field, enumerations: str) -> str:
    """Return what values a field takes; ``enumerations`` is the page that lists the words."""
    match field.kind:
        case FieldKind.INTEGER:
            return f"{field.low} to {field.high}"
        case FieldKind.WORD | FieldKind.FLAGS:
            members = field.members.__name__ if field.members else ""
            return link(members, enumerations, members)
        case FieldKind.OCTETS:
            return "not all zeros" if field.nonzero else "any octets"
        case FieldKind.TEXT:
            return f"text, up to {field.size} octets, padded with 0x00"
        case FieldKind.RESERVED:
            return "zeros"
        case FieldKind.BLOCK:
            return f"length octet, then 0 to {field.limit} octets"
        case FieldKind.RECORDS:
            size = codec_of(field.item).fixed_size if field.item else 0
            name = field.item.__name__ if field.item else ""
            return f"count octet, then 0 to {field.limit} `{name}` of {size} octets"


def size_text(field: Field) -> str:
    """Return how many octets a field takes."""
    if field.kind is FieldKind.BLOCK:
        return f"1 to {1 + field.limit}"
    if field.kind is FieldKind.RECORDS and field.item is not None:
        return f"1 to {1 + field.limit * codec_of(field.item).fixed_size}"
    return str(field.size)


def field_rows(body: type, enumerations: str) -> list[tuple[str, ...]]:
    """Return offset, size, name, type, unit, range and text of every field of ``body``, in wire order."""
    rows: list[tuple[str, ...]] = []
    offset = 0
    for name, field in fields_of(body).items():
        rows.append(
            (
                str(offset),
                size_text(field),
                f"`{name}`",
                type_name(field),
                field.unit,
                range_text(field, enumerations),
                field.text,
            )
        )
        offset += field.size
    return rows


def explain_value(field: Field, value: object) -> str:
    """Return a decoded value in words."""
    match value:
        case IntFlag():
            return flag_names(value)
        case IntEnum():
            return value.name
        case int():
            return f"{value} {field.unit}".rstrip()
        case str():
            return f'"{value}"'
        case tuple():
            return f"{len(value)} of them"
        case bytes() if field.kind is FieldKind.BLOCK:
            return f"{len(value)} octets follow"
        case _:
            return field.text


def flag_names(value: IntFlag) -> str:
    """Return the names of the bits that are set."""
    return ", ".join(member.name or "" for member in type(value) if member in value) or "none"


def body_runs(body: object, octets: bytes, at: int = 0, prefix: str = "") -> Iterator[Run]:
    """Yield the runs of the encoded ``body``, whose first octet stands at offset ``at``."""
    here = 0
    for name, field in fields_of(type(body)).items():
        value = getattr(body, name)
        label = f"{prefix}{name}"
        if field.kind in (FieldKind.BLOCK, FieldKind.RECORDS):
            yield from _tail_runs(label, field, value, octets[here:], at + here)
            return
        run = octets[here : here + field.size]
        yield Run(at + here, run, label, explain_value(field, value), field.text)
        here += field.size


def _tail_runs(label: str, field: Field, value: Sequence[Any], octets: bytes, at: int) -> Iterator[Run]:
    yield Run(at, octets[:1], label, explain_value(field, value), field.text if field.item else "")
    if field.item is None:
        if value:
            yield Run(at + 1, octets[1:], "", field.text, field.text)
        return
    each = codec_of(field.item).fixed_size
    for number, item in enumerate(value):
        start = 1 + number * each
        yield from body_runs(item, octets[start : start + each], at + start, f"{label}[{number}].")


def layout_rows(layout: construct.Struct) -> list[tuple[str, str, str]]:
    """Return offset, size and name of the fields of a `construct.Struct`; a size that varies is a dash."""
    rows: list[tuple[str, str, str]] = []
    offset: int | None = 0
    for subcon in layout.subcons:
        size = _fixed_size(subcon)
        rows.append(
            (
                "-" if offset is None else str(offset),
                "varies" if size is None else str(size),
                f"`{subcon.name}`",
            )
        )
        offset = None if offset is None or size is None else offset + size
    return rows


def layout_sizes(layout: construct.Struct) -> Iterator[tuple[str, int]]:
    """Yield name and size of the fields of a fixed `construct.Struct`; 0 for a size that varies."""
    for subcon in layout.subcons:
        yield str(subcon.name), _fixed_size(subcon) or 0


def layout_runs(
    layout: construct.Struct,
    octets: bytes,
    meanings: Mapping[str, str],
    at: int = 0,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> list[Run]:
    """Return the runs of a fixed `construct.Struct`, each with its meaning and text by field name."""
    runs: list[Run] = []
    here = 0
    for subcon in layout.subcons:
        size = _fixed_size(subcon) or 0
        name = str(subcon.name)
        run = octets[here : here + size]
        runs.append(Run(at + here, run, name, meanings.get(name, ""), texts.get(name, "")))
        here += size
    return runs


def _fixed_size(subcon: construct.Construct) -> int | None:
    try:
        return int(subcon.sizeof())
    except construct.SizeofError:
        return None


def run_block(runs: Iterable[Run]) -> str:
    """Return the runs as an aligned code block: offset, octets, name, value, and what the field is for."""
    listed = list(runs)
    widths = (
        3 * min(WIDTH, max((len(run.octets) for run in listed), default=0)),
        max((len(run.name) for run in listed), default=0),
        max((len(_value(run)) for run in listed), default=0),
    )
    return code("\n".join(line for run in listed for line in _run_lines(run, *widths)))


def _run_lines(run: Run, octets_width: int, name_width: int, value_width: int) -> Iterator[str]:
    for start in range(0, max(1, len(run.octets)), WIDTH):
        piece = run.octets[start : start + WIDTH].hex(" ")
        text = f"{run.name:<{name_width}}  {_value(run):<{value_width}}  {run.text}" if start == 0 else ""
        yield f"{run.offset + start:4d}  {piece:<{octets_width}} {text}".rstrip()


def _value(run: Run) -> str:
    """Return what the octets say, without repeating what the field is for."""
    return "" if run.meaning == run.text else run.meaning
