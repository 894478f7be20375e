"""The schema is the registry in plain data; its check value moves with all that a peer must agree on."""

import json
from dataclasses import dataclass
from typing import Annotated

from support.wire import slow_crc32c

from protocol.messages.fields import Field, fields_of, octets, u8, u16, word8
from protocol.messages.registry import MESSAGES, iter_bodies
from protocol.messages.schema import canonical_schema, describe_body, describe_field, schema, schema_crc
from protocol.vocabulary import Role


def test_the_schema_names_every_message_field_and_role() -> None:
    described = {message["name"]: message for message in schema()["messages"]}
    assert list(described) == [spec.name for spec in MESSAGES]
    for spec in MESSAGES:
        message = described[spec.name]
        assert [entry["name"] for entry in message["request"]["fields"]] == list(fields_of(spec.request))
        assert [entry["name"] for entry in message["response"]["fields"]] == list(fields_of(spec.response))
        assert message["request"]["opcode"] == spec.request_opcode
        assert {Role[name] for name in message["roles"]} == spec.roles


def test_the_check_value_is_the_crc_of_the_canonical_text() -> None:
    text = canonical_schema()
    assert json.loads(text) == schema()
    assert schema_crc() == slow_crc32c(text)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()


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
    }
    assert role["members"]["CLINICIAN"] == 0x33


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
    assert all(entry["item"] and entry["limit"] for entry in entries)
