"""The machine-readable schema of the protocol and its check value.

Everything that two ends must agree on stands in it: the messages with their opcodes, fields, ranges and
units, the records inside lists, the words and bits of every enumeration, what the payloads of log records
and the sections of a program image are made of. ``schema_crc`` is the CRC-32C of its canonical form: JSON
with sorted keys, no spaces, ASCII, and without the members called ``text``, which are for people only. Two
ends that disagree on it do not speak the same revision of the catalogue.
"""

import json
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from functools import cache
from typing import Any, Final

import google_crc32c

from protocol.frame import FrameKind
from protocol.handshake import HandshakeStep, Suite
from protocol.link_control import LinkClass, LinkErrorCode, LinkOp, SuiteBit
from protocol.log_record import PAYLOADS
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.registry import (
    ERROR_OPCODE,
    MESSAGES,
    NOTIFICATIONS,
    MessageSpec,
    NotificationSpec,
    iter_bodies,
)
from protocol.program import SECTION_LAYOUTS, SECTION_NAMES
from protocol.vocabulary import ErrorCode, Role

SCHEMA_VERSION: Final = 2
FOR_PEOPLE: Final = "text"
"""Name of the members that the canonical form leaves out."""

Words = type[IntEnum] | type[IntFlag]

_LINK_WORDS: Final[tuple[Words, ...]] = (
    FrameKind, LinkOp, LinkClass, SuiteBit, LinkErrorCode, Suite, HandshakeStep, Role, ErrorCode,
)  # fmt: skip


def describe_field(name: str, field: Field) -> dict[str, Any]:
    """Return one field as plain data; ``enumeration`` and ``item`` name entries of the schema."""
    entry: dict[str, Any] = {"name": name, "kind": field.kind.name.lower(), "size": field.size}
    if field.kind is FieldKind.INTEGER:
        entry["range"] = [field.low, field.high]
        entry["signed"] = field.low < 0
    if field.members is not None:
        entry["enumeration"] = field.members.__name__
    if field.item is not None:
        entry["item"] = field.item.__name__
    optional = {"unit": field.unit, FOR_PEOPLE: field.text, "nonzero": field.nonzero, "limit": field.limit}
    return entry | {key: value for key, value in optional.items() if value}


def describe_body(body: type) -> list[dict[str, Any]]:
    """Return the fields of a body as plain data, in wire order."""
    return [describe_field(name, field) for name, field in fields_of(body).items()]


def describe_words(members: Words) -> dict[str, Any]:
    """Return an enumeration as plain data: its words, or its bits."""
    kind = "flags" if issubclass(members, IntFlag) else "words"
    return {"kind": kind, "members": {member.name: int(member) for member in members if member.name}}


def _octets(body: type) -> dict[str, Any]:
    codec = codec_of(body)
    least = codec.fixed_size + (codec.max_size > codec.fixed_size)
    return {"octets": [least, codec.max_size], "fields": describe_body(body)}


def _describe_message(spec: MessageSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "group": spec.group,
        "index": spec.index,
        "class": spec.access.value,
        "roles": sorted(role.name for role in spec.roles),
        "head_only": spec.head_only,
        "bound_ms": spec.bound_ms,
        FOR_PEOPLE: spec.text,
        "request": {"opcode": spec.request_opcode, **_octets(spec.request)},
        "response": {"opcode": spec.response_opcode, **_octets(spec.response)},
    }


def _describe_notification(spec: NotificationSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "group": spec.group,
        "index": spec.index,
        "acknowledged": spec.acknowledged,
        FOR_PEOPLE: spec.text,
        "opcode": spec.opcode,
        **_octets(spec.body),
    }


def iter_layouts() -> Iterator[type]:
    """Yield every body there is, each once: messages, items of lists, log payloads, parts of the image."""
    parts = (part for section in SECTION_LAYOUTS.values() for part in section)
    seen: dict[type, None] = {}
    for body in (*iter_bodies(), *PAYLOADS.values(), *parts):
        for item in _items_of(body):
            seen.setdefault(item)
        seen.setdefault(body)
    yield from seen


def _items_of(body: type) -> list[type]:
    return [field.item for field in fields_of(body).values() if field.item is not None]


def iter_words() -> Iterator[Words]:
    """Yield every enumeration that stands on the wire, each once, by name."""
    used = {field.members for body in iter_layouts() for field in fields_of(body).values() if field.members}
    yield from sorted(used | set(_LINK_WORDS), key=lambda members: members.__name__)


@cache
def schema() -> dict[str, Any]:
    """Return the whole schema as plain data."""
    items = dict.fromkeys(item for body in iter_bodies() for item in _items_of(body))
    return {
        "protocol": "OITP/1",
        "schema_version": SCHEMA_VERSION,
        "roles": {role.name: int(role) for role in Role},
        "errors": {code.name: int(code) for code in ErrorCode},
        "enumerations": {members.__name__: describe_words(members) for members in iter_words()},
        "messages": [_describe_message(spec) for spec in MESSAGES],
        "notifications": [_describe_notification(spec) for spec in NOTIFICATIONS],
        "error": {"opcode": ERROR_OPCODE, **_octets(ErrorBody)},
        "records": {item.__name__: _octets(item) for item in items},
        "log_payloads": {kind.name: _octets(body) for kind, body in PAYLOADS.items()},
        "image_sections": [
            {"id": number, "name": SECTION_NAMES[number], "parts": [_octets(part) for part in parts]}
            for number, parts in SECTION_LAYOUTS.items()
        ],
    }


def _without_texts(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_texts(item) for key, item in value.items() if key != FOR_PEOPLE}
        case list():
            return [_without_texts(item) for item in value]
        case _:
            return value


def canonical_schema() -> bytes:
    """Return the canonical JSON that ``schema_crc`` is computed over."""
    plain = _without_texts(schema())
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


@cache
def schema_crc() -> int:
    """Return the CRC-32C of the canonical schema."""
    crc: int = google_crc32c.value(canonical_schema())
    return crc
