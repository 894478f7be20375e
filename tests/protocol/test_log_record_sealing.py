"""Log records: sealed, damaged, and what their twelve octets of detail say."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bodies import fields_at
from support.strategies import bodies, example_of
from support.wire import flip, slow_crc32c

from protocol.log_record import (
    PAYLOAD_SIZE,
    PAYLOADS,
    RECORD_SIZE,
    BootEvent,
    open_record,
    payload_octets,
    read_payload,
    seal_record,
)
from protocol.messages.codec import codec_of
from protocol.messages.log import LogRecord
from protocol.vocabulary import EventType, LogRecordFlag

every_payload = pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: kind.name)


def record_of(kind: EventType, payload: bytes) -> LogRecord:
    return LogRecord(118, 1_000, 1_772_448_067, kind, 1, LogRecordFlag.FIRST_AFTER_BOOT, payload, 0)


@given(bodies(LogRecord))
def test_a_sealed_record_opens_as_it_was(record: LogRecord) -> None:
    sealed = seal_record(record)
    opened = open_record(sealed)
    assert opened is not None
    assert replace(opened, crc32c=record.crc32c) == record
    assert seal_record(opened) == sealed
    assert len(sealed) == RECORD_SIZE == 32


def test_a_record_lies_in_the_octets_published() -> None:
    sealed = seal_record(record_of(EventType.BOOT, bytes(range(12))))
    stated = "76000000e80300004369a5690609" + "01" + "02" + bytes(range(12)).hex()
    assert sealed[:-4].hex() == stated
    assert int.from_bytes(sealed[-4:], "little") == slow_crc32c(sealed[:-4])
    assert [offset for _, offset, _, _ in fields_at(LogRecord)] == [0, 4, 8, 12, 14, 15, 16, 28]


@settings(max_examples=10)
@given(bodies(LogRecord))
def test_every_flipped_bit_of_a_record_is_noticed(record: LogRecord) -> None:
    sealed = seal_record(record)
    assert not any(open_record(flip(sealed, bit)) for bit in range(8 * RECORD_SIZE))


@given(st.binary(max_size=2 * RECORD_SIZE))
def test_octets_that_are_no_record_are_refused(octets: bytes) -> None:
    assert open_record(octets) is None


def test_a_record_of_an_unknown_type_is_refused_even_with_a_right_crc() -> None:
    head = bytearray(seal_record(record_of(EventType.BOOT, bytes(12)))[:-4])
    head[12] ^= 0x07
    assert open_record(bytes(head) + slow_crc32c(bytes(head)).to_bytes(4, "little")) is None


@every_payload
@settings(max_examples=20)
@given(data=st.data())
def test_what_happened_survives_the_record(kind: EventType, data: st.DataObject) -> None:
    event = data.draw(bodies(PAYLOADS[kind]))
    payload = payload_octets(event)
    assert len(payload) == PAYLOAD_SIZE
    assert read_payload(record_of(kind, payload)) == event


@every_payload
def test_every_payload_layout_fits_the_record(kind: EventType) -> None:
    codec = codec_of(PAYLOADS[kind])
    assert codec.fixed_size == codec.max_size <= PAYLOAD_SIZE


@every_payload
def test_unused_octets_of_a_payload_are_zero(kind: EventType) -> None:
    size = codec_of(PAYLOADS[kind]).fixed_size
    payload = payload_octets(example_of(PAYLOADS[kind]))
    assert payload[size:] == bytes(PAYLOAD_SIZE - size)
    for at in range(size, PAYLOAD_SIZE):
        assert read_payload(record_of(kind, payload[:at] + b"\1" + payload[at + 1 :])) is None


def test_a_payload_is_not_guessed() -> None:
    """A type without a layout, or a word that is none, has no event."""
    assert EventType.DAY_TOTAL not in PAYLOADS
    assert read_payload(record_of(EventType.DAY_TOTAL, bytes(12))) is None
    assert read_payload(record_of(EventType.DELIVERY_STATE, bytes(12))) is None
    assert read_payload(record_of(EventType.BOOT, payload_octets(BootEvent(3)))) == BootEvent(3)
