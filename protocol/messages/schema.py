"""The machine-readable schema of the messages and its check value.

``schema_crc`` is the CRC-32C of the canonical JSON (sorted keys, no spaces, ASCII): two ends that
disagree on it do not speak the same revision of the catalogue.
"""

import json
from functools import cache
from typing import Any, Final

import google_crc32c

from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, MessageSpec
from protocol.vocabulary import ErrorCode, Role

SCHEMA_VERSION: Final = 1


def describe_field(name: str, field: Field) -> dict[str, Any]:
    """Return one field as plain data."""
    entry: dict[str, Any] = {"name": name, "kind": field.kind.name.lower(), "size": field.size}
    if field.unit:
        entry["unit"] = field.unit
    if field.text:
        entry["text"] = field.text
    if field.kind is FieldKind.INTEGER:
        entry["range"] = [field.low, field.high]
    if field.members is not None:
        entry["members"] = {member.name: int(member) for member in field.members if member.name}
    if field.nonzero:
        entry["nonzero"] = True
    if field.limit:
        entry["limit"] = field.limit
    if field.item is not None:
        entry["item"] = describe_body(field.item)
    return entry


def describe_body(body: type) -> list[dict[str, Any]]:
    """Return the fields of a body as plain data, in wire order."""
    return [describe_field(name, field) for name, field in fields_of(body).items()]


def _describe_message(spec: MessageSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "group": spec.group,
        "index": spec.index,
        "class": spec.access.value,
        "roles": sorted(role.name for role in spec.roles),
        "bound_ms": spec.bound_ms,
        "text": spec.text,
        "request": {"opcode": spec.request_opcode, "fields": describe_body(spec.request)},
        "response": {"opcode": spec.response_opcode, "fields": describe_body(spec.response)},
    }


@cache
def schema() -> dict[str, Any]:
    """Return the whole schema as plain data."""
    return {
        "protocol": "OITP/1",
        "schema_version": SCHEMA_VERSION,
        "roles": {role.name: int(role) for role in Role},
        "errors": {code.name: int(code) for code in ErrorCode},
        "messages": [_describe_message(spec) for spec in MESSAGES],
        "error": {"opcode": ERROR_OPCODE, "fields": describe_body(ErrorBody)},
    }


def canonical_schema() -> bytes:
    """Return the canonical JSON that ``schema_crc`` is computed over."""
    return json.dumps(schema(), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


@cache
def schema_crc() -> int:
    """Return the CRC-32C of the canonical schema."""
    crc: int = google_crc32c.value(canonical_schema())
    return crc
