"""Secure records: opened once, in order, by the peer alone, and refused for the right reason otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import LINK_ID, open_session
from support.wire import flip, receive_all

from protocol import records
from protocol.framing import MAX_PAYLOAD, Direction, Drop, DropReason, Frame, FrameKind, to_wire
from protocol.noise import CipherState
from protocol.records import (
    MAX_PLAINTEXT,
    MAX_RECORDS,
    OVERHEAD,
    RECORD_LAYOUT,
    RecordReceiver,
    RecordSender,
    RecordsExhausted,
)

KEY = bytes(range(32))


def pair() -> tuple[RecordSender, RecordReceiver]:
    return RecordSender(CipherState(KEY), Direction.TO_PUMP, LINK_ID), RecordReceiver(CipherState(KEY))


def reason_of(result: bytes | Drop) -> DropReason | None:
    return result.reason if isinstance(result, Drop) else None


@given(st.lists(st.binary(max_size=MAX_PLAINTEXT), max_size=5))
def test_records_of_both_directions_arrive_over_the_wire(texts: list[bytes]) -> None:
    programmer, pump = open_session()
    for seq, text in enumerate(texts):
        for sender, receiver, way in (
            (programmer.sender, pump.receiver, Direction.TO_PUMP),
            (pump.sender, programmer.receiver, Direction.TO_PROGRAMMER),
        ):
            (frame,) = receive_all(to_wire(sender.seal(seq, text)), way)
            assert isinstance(frame, Frame)
            assert receiver.open(frame) == text


@given(st.binary(max_size=MAX_PLAINTEXT), st.integers(0, 9))
def test_record_has_the_layout_of_its_definition(text: bytes, earlier: int) -> None:
    """Counter, ciphertext, tag; sealed under number = counter with header and counter as data."""
    sender, _ = pair()
    for _ in range(earlier):
        sender.seal(0, b"")
    frame = sender.seal(5, text)
    record = RECORD_LAYOUT.parse(frame.payload, plaintext_size=len(text))
    assert record.counter == earlier
    assert RECORD_LAYOUT.build(record, plaintext_size=len(text)) == frame.payload
    data = frame.header() + frame.payload[:4]
    assert CipherState(KEY).open(earlier, data, record.ciphertext + record.tag) == text
    assert (frame.kind, frame.direction, frame.seq, frame.link_id) == (
        FrameKind.SECURE,
        Direction.TO_PUMP,
        5,
        LINK_ID,
    )


def test_the_longest_plaintext_fills_the_frame() -> None:
    sender, receiver = pair()
    frame = sender.seal(0, b"x" * MAX_PLAINTEXT)
    assert (MAX_PLAINTEXT, len(frame.payload)) == (222, MAX_PAYLOAD)
    assert receiver.open(frame) == b"x" * 222
    with pytest.raises(ValueError, match="223 octets; at most 222"):
        sender.seal(0, b"x" * 223)


def test_a_replayed_record_is_refused() -> None:
    sender, receiver = pair()
    first, second = sender.seal(0, b"one"), sender.seal(1, b"two")
    assert receiver.open(first) == b"one"
    assert reason_of(receiver.open(first)) is DropReason.REPLAY
    assert receiver.open(second) == b"two"
    assert reason_of(receiver.open(first)) is DropReason.REPLAY


def test_a_reordered_record_is_refused_and_a_lost_one_is_not_missed() -> None:
    sender, receiver = pair()
    _lost, late, early = (sender.seal(seq, bytes([seq])) for seq in range(3))
    assert receiver.open(early) == b"\x02"
    drop = receiver.open(late)
    assert isinstance(drop, Drop)
    assert str(drop) == "The record counter was used before. Expected a counter above 2, received 1."
    assert receiver.open(sender.seal(3, b"\x03")) == b"\x03"


def test_a_retransmission_is_a_new_record() -> None:
    sender, receiver = pair()
    first, again = sender.seal(0, b"same"), sender.seal(0, b"same")
    assert first.payload != again.payload
    assert receiver.open(first) == receiver.open(again) == b"same"


def test_a_forged_counter_does_not_shut_out_genuine_records() -> None:
    """The highest counter moves only after the tag was verified."""
    sender, receiver = pair()
    frame = sender.seal(0, b"text")
    far = (1000).to_bytes(4, "little") + frame.payload[4:]
    assert reason_of(receiver.open(replaced(frame, payload=far))) is DropReason.AUTH
    assert receiver.open(frame) == b"text"


def replaced(frame: Frame, **changes: object) -> Frame:
    fields = {name: getattr(frame, name) for name in ("kind", "direction", "seq", "link_id", "payload")}
    return Frame(**{**fields, **changes})


def test_every_flipped_bit_of_a_record_is_refused() -> None:
    sender, receiver = pair()
    frame = sender.seal(0, b"set the rate")
    for bit in range(len(frame.payload) * 8):
        result = receiver.open(replaced(frame, payload=flip(frame.payload, bit)))
        high_counter_bit = 20 <= bit < 32
        assert reason_of(result) is (DropReason.EXHAUSTED if high_counter_bit else DropReason.AUTH)
    assert receiver.open(frame) == b"set the rate"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": FrameKind.CLEAR},
        {"direction": Direction.TO_PROGRAMMER},
        {"seq": 1},
        {"link_id": LINK_ID + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_of_the_link_header_is_authenticated(change: dict[str, object]) -> None:
    sender, receiver = pair()
    frame = sender.seal(0, b"text")
    assert reason_of(receiver.open(replaced(frame, **change))) is DropReason.AUTH
    assert receiver.open(frame) == b"text"


def test_a_truncated_or_extended_record_is_refused() -> None:
    sender, receiver = pair()
    frame = sender.seal(0, b"text")
    for size in range(len(frame.payload)):
        wanted = DropReason.RECORD_SHORT if size < OVERHEAD else DropReason.AUTH
        assert reason_of(receiver.open(replaced(frame, payload=frame.payload[:size]))) is wanted
    assert reason_of(receiver.open(replaced(frame, payload=frame.payload + b"\x00"))) is DropReason.AUTH


def test_our_own_record_reflected_does_not_open() -> None:
    """Even with the direction bit turned, the other direction has another key."""
    programmer, _pump = open_session()
    frame = programmer.sender.seal(0, b"text")
    turned = replaced(frame, direction=Direction.TO_PROGRAMMER)
    assert reason_of(programmer.receiver.open(turned)) is DropReason.AUTH


def test_a_record_of_another_session_does_not_open() -> None:
    _, receiver = pair()
    other, _ = open_session()
    assert reason_of(receiver.open(other.sender.seal(0, b"text"))) is DropReason.AUTH


def test_a_session_ends_with_its_last_record(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_RECORDS == 1 << 20
    monkeypatch.setattr(records, "MAX_RECORDS", 2)
    sender, receiver = pair()
    for left, text in ((2, b"a"), (1, b"b")):
        assert sender.remaining == left
        assert receiver.open(sender.seal(0, text)) == text
    assert sender.remaining == 0
    with pytest.raises(RecordsExhausted, match="all its 2 records"):
        sender.seal(0, b"c")


def test_a_counter_past_the_last_record_is_refused_even_with_a_good_tag() -> None:
    _, receiver = pair()
    for number, expected in ((MAX_RECORDS - 1, None), (MAX_RECORDS, DropReason.EXHAUSTED)):
        counter = number.to_bytes(4, "little")
        blank = Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, LINK_ID, bytes(OVERHEAD))
        sealed = CipherState(KEY).seal(number, blank.header() + counter, b"")
        assert reason_of(receiver.open(replaced(blank, payload=counter + sealed))) is expected


@given(st.binary(max_size=MAX_PAYLOAD))
def test_any_payload_is_dropped_without_an_exception(payload: bytes) -> None:
    _, receiver = pair()
    result = receiver.open(Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, LINK_ID, payload))
    assert isinstance(result, Drop)
    assert result.octets
