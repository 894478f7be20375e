"""The schema is the registry in plain data; its check value moves with all that a peer must agree on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Annotated, Any

import pytest
from support.bodies import EVERY_BODY
from support.published import CATALOGUE, HEAD_ONLY, NOTIFICATIONS
from support.wire import slow_crc32c

from protocol.log_record import PAYLOADS
from protocol.messages.codec import codec_of
from protocol.messages.fields import Field, fields_of, octets, u8, u16, word8
from protocol.messages.registry import MESSAGES, iter_bodies
from protocol.messages.schema import (
    canonical_schema,
    describe_body,
    describe_field,
    describe_words,
    iter_layouts,
    schema,
    schema_crc,
)
from protocol.program import SECTION_LAYOUTS
from protocol.vocabulary import Role


def test_the_schema_names_every_message_field_and_role() -> None:
    described = {message["name"]: message for message in schema()["messages"]}
    assert list(described) == [spec.name for spec in MESSAGES]
    for spec in MESSAGES:
        message = described[spec.name]
        assert [entry["name"] for entry in message["request"]["fields"]] == list(fields_of(spec.request))
        assert [entry["name"] for entry in message["response"]["fields"]] == list(fields_of(spec.response))
        assert {Role[name] for name in message["roles"]} == spec.roles


def test_the_schema_says_what_the_catalogue_prints() -> None:
    for message in schema()["messages"]:
        line = CATALOGUE[message["name"]]
        assert (message["group"], message["index"], message["class"]) == (line.group, line.index, line.access)
        assert (message["request"]["opcode"], message["response"]["opcode"]) == line.opcodes
        assert (message["request"]["octets"][0], message["response"]["octets"][0]) == line.sizes
        assert {Role[name] for name in message["roles"]} == line.roles
        assert message["head_only"] == (line.name in HEAD_ONLY)
    told = {each["name"]: (each["opcode"], each["octets"][1]) for each in schema()["notifications"]}
    assert told == NOTIFICATIONS


def test_every_body_stands_in_the_schema_with_its_octets() -> None:
    assert set(iter_layouts()) == set(EVERY_BODY)
    assert {name: entry["octets"][1] for name, entry in schema()["log_payloads"].items()} == {
        kind.name: codec_of(body).max_size for kind, body in PAYLOADS.items()
    }
    assert [section["id"] for section in schema()["image_sections"]] == list(SECTION_LAYOUTS)


def without_texts(value: Any) -> Any:  # noqa: ANN401 - any plain data
    if isinstance(value, dict):
        return {key: without_texts(item) for key, item in value.items() if key != "text"}
    return [without_texts(item) for item in value] if isinstance(value, list) else value


def test_the_check_value_is_the_crc_of_the_canonical_text() -> None:
    """Canonical: sorted, without spaces, ASCII, and without what only people read."""
    text = canonical_schema()
    plain = json.loads(text)
    assert plain == without_texts(schema())
    assert schema_crc() == slow_crc32c(text)
    assert text == json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def every_entry(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any plain data
    """Every member of the schema that is an object, at any depth."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from every_entry(item)


def test_what_is_named_is_there() -> None:
    """Enumerations and items are told by name; every name leads somewhere."""
    entries = list(every_entry(schema()))
    assert {e["enumeration"] for e in entries if "enumeration" in e} <= schema()["enumerations"].keys()
    assert {e["item"] for e in entries if "item" in e} == schema()["records"].keys()


def test_people_and_machines_are_told_apart() -> None:
    texts = [entry["text"] for entry in every_entry(schema()) if "text" in entry]
    assert len(texts) > 300
    canonical = canonical_schema().decode()
    assert not any(text in canonical for text in texts if len(text.split()) > 2)


@dataclass(frozen=True)
class Sample:
    """Two fields."""

    count: Annotated[int, u8("nL", "how much", 1, 6)]
    role: Annotated[Role, word8(Role, "who")]


def test_a_field_is_described_with_unit_range_and_words() -> None:
    count, role = describe_body(Sample)
    assert count == {
        "name": "count",
        "kind": "integer",
        "size": 1,
        "unit": "nL",
        "text": "how much",
        "range": [1, 6],
        "signed": False,
    }
    assert role == {"name": "role", "kind": "word", "size": 1, "enumeration": "Role", "text": "who"}


class Words(IntEnum):
    """Words."""

    ONE = 0x33


class Bits(IntFlag):
    """Bits."""

    LOW = 1
    HIGH = 2


@pytest.mark.parametrize(
    ("members", "described"),
    [
        (Words, {"kind": "words", "members": {"ONE": 0x33}}),
        (Bits, {"kind": "flags", "members": {"LOW": 1, "HIGH": 2}}),
    ],
)
def test_an_enumeration_is_described_by_its_words_or_bits(
    members: type[IntEnum] | type[IntFlag], described: dict[str, object]
) -> None:
    assert describe_words(members) == described


def test_whatever_decides_about_a_value_is_in_the_description() -> None:
    pairs: tuple[tuple[Field, Field], ...] = (
        (u8(), u16()),
        (u8(high=1), u8(high=2)),
        (octets(4), octets(4, nonzero=True)),
        (octets(4), octets(5)),
    )
    for one, other in pairs:
        assert describe_field("x", one) != describe_field("x", other)


def test_lists_are_described_down_to_their_items() -> None:
    entries = [entry for body in iter_bodies() for entry in describe_body(body) if entry["kind"] == "records"]
    assert entries
    assert all(entry["item"] in schema()["records"] and entry["limit"] for entry in entries)
