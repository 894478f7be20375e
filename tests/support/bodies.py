"""Every body class there is, and the same values as plain data, the way `construct` takes and gives them."""

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Any

from protocol.log_record import PAYLOADS
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.registry import iter_bodies
from protocol.program import SECTION_LAYOUTS

VARIABLE = (FieldKind.BLOCK, FieldKind.RECORDS)


def _with_items(body: type) -> Iterator[type]:
    yield body
    for field in fields_of(body).values():
        if field.item is not None:
            yield from _with_items(field.item)


def _every_body() -> Iterator[type]:
    sections = (body for layouts in SECTION_LAYOUTS.values() for body in layouts)
    for source in (iter_bodies(), sections, PAYLOADS.values()):
        for body in source:
            yield from _with_items(body)


EVERY_BODY = tuple(dict.fromkeys(_every_body()))
"""Bodies of messages, items of their lists, parts of the program image, payloads of log records."""


def fields_at(body: type) -> Iterator[tuple[int, int, str, Field]]:
    """Index, offset, name and definition of each field of ``body``."""
    offset = 0
    for index, (name, field) in enumerate(fields_of(body).items()):
        yield index, offset, name, field
        offset += field.size


def to_plain(body: object) -> dict[str, Any]:
    """The values of a body as `construct` builds them: integers, octets, lists of such."""
    return {name: _plain_value(getattr(body, name), field) for name, field in fields_of(type(body)).items()}


def _plain_value(value: Any, field: Field) -> Any:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, str):
        return value.encode().ljust(field.size, b"\0")
    if isinstance(value, IntEnum | IntFlag):
        return int(value)
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def plain_container(container: Any) -> dict[str, Any]:  # noqa: ANN401 - construct has no types
    """What `construct` parsed, as plain data without its own bookkeeping."""
    return {name: _plain_parsed(value) for name, value in container.items() if name != "_io"}


def _plain_parsed(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [plain_container(item) for item in value]
    return value
