"""A bystander's verdict on a frame is that of the real endpoint, wherever it can be known from outside."""

from collections.abc import Callable

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st
from support.protocol_pair import ConnectionPair
from support.sessions import PROGRAMMER_STATIC, PUMP_PUBLIC
from support.wire import flip, frames, with_crc

from protocol.capture.verdict import Knowledge, Outcome, Verdict, judge_frame, judge_piece
from protocol.capture.witness import Witness
from protocol.drops import Drop, DropReason
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import FrameDropped
from protocol.frame import (
    CRC_SIZE,
    NO_LINK_ID,
    Direction,
    Frame,
    FrameKind,
    decode_piece,
    encode_frame,
    to_wire,
)
from protocol.handshake import Credentials, Suite
from protocol.link_control import Hello, LinkError, LinkErrorCode, Ping, SuiteBit, encode_link
from protocol.messages.status import GetStatusRequest

TO_PUMP = Knowledge(Direction.TO_PUMP)


def framed(wire: bytes) -> bytes:
    """Return the link frame that one transmission carries."""
    found = decode_piece(wire.strip(b"\0"), Direction.TO_PUMP)
    assert isinstance(found, Frame)
    return encode_frame(found)


def wire_of(octets: bytes) -> bytes:
    """Return any octets as they go over the wire, good frame or not."""
    coded: bytes = cobs.encode(octets)
    return b"\0" + coded + b"\0"


def hello_case() -> tuple[PumpEndpoint, bytes, Knowledge]:
    pair = ConnectionPair()
    pair.programmer.discover(0)
    return pair.pump, framed(pair.programmer.data_to_send()), Knowledge(Direction.TO_PUMP)


def handshake_case() -> tuple[PumpEndpoint, bytes, Knowledge]:
    pair = ConnectionPair()
    pair.discover()
    keys = Credentials(static=PROGRAMMER_STATIC, remote_static=PUMP_PUBLIC)
    pair.programmer.open_session(Suite.KK, 0, keys, pair.now_ms)
    octets = framed(pair.programmer.data_to_send())
    return pair.pump, octets, Knowledge(Direction.TO_PUMP, (int.from_bytes(octets[4:6], "little"),))


def record_case() -> tuple[PumpEndpoint, bytes, Knowledge]:
    pair = ConnectionPair().open()
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    octets = framed(pair.programmer.data_to_send())
    return pair.pump, octets, Knowledge(Direction.TO_PUMP, (int.from_bytes(octets[4:6], "little"),), 0)


CASES: dict[str, Callable[[], tuple[PumpEndpoint, bytes, Knowledge]]] = {
    "hello": hello_case,
    "handshake": handshake_case,
    "record": record_case,
}


def endpoint_says(pump: PumpEndpoint, wire: bytes) -> DropReason | None:
    """Return why the endpoint drops what came over the wire, None where it takes it."""
    drops = [event.drop for event in pump.receive(wire, 0) if isinstance(event, FrameDropped)]
    return drops[0].reason if drops else None


def agrees(verdict: Verdict, reason: DropReason | None) -> bool:
    """Whether a verdict is the endpoint's: the same drop, or one that only the endpoint can know."""
    if verdict.drop is not None:
        return verdict.drop.reason is reason
    unknown = {step.reason for step in verdict.steps if step.outcome is Outcome.UNKNOWN}
    return reason is None or reason in unknown


@pytest.mark.parametrize("name", CASES)
def test_every_single_bit_flip_on_the_wire_is_judged_as_the_endpoint_judges_it(name: str) -> None:
    """The octets between the delimiters, each bit turned over once."""
    pump, octets, known = CASES[name]()
    piece = wire_of(octets).strip(b"\0")
    for bit in range(8 * len(piece)):
        damaged = flip(piece, bit)
        if 0 in damaged:
            continue  # a delimiter in the middle makes two pieces of it
        verdict = judge_piece(damaged, known)
        assert verdict.drop is not None
        assert verdict.drop.reason is endpoint_says(pump, b"\0" + damaged + b"\0")


@pytest.mark.parametrize("name", CASES)
def test_every_single_bit_flip_under_a_right_crc_is_judged_as_the_endpoint_judges_it(name: str) -> None:
    """An attacker mends the CRC; the later steps have to find it."""
    pump, octets, known = CASES[name]()
    checked = octets[:-CRC_SIZE]
    seen = set()
    for bit in range(8 * len(checked)):
        if name != "record":  # each may change what the pump expects next
            pump, _, _ = CASES[name]()
        forged = with_crc(flip(checked, bit))
        verdict = judge_frame(forged, known)
        reason = endpoint_says(pump, wire_of(forged))
        assert agrees(verdict, reason), (bit, verdict.drop, reason)
        seen.add(reason)
    assert {DropReason.PROTO, DropReason.KIND, DropReason.FLAGS, DropReason.LENGTH} <= seen


def test_a_replayed_record_is_seen_by_its_counter() -> None:
    pump, octets, known = record_case()
    assert judge_frame(octets, known).drop is None
    assert endpoint_says(pump, wire_of(octets)) is None
    again = judge_frame(octets, Knowledge(known.direction, known.link_ids, 1))
    assert again.drop is not None
    assert again.drop.reason is endpoint_says(pump, wire_of(octets)) is DropReason.REPLAY
    assert again.drop.expected == "a counter above 1"


@given(frames())
def test_link_layer_steps_are_those_of_the_deframer(frame: Frame) -> None:
    for way in Direction:
        found = decode_piece(to_wire(frame).strip(b"\0"), way)
        verdict = judge_piece(to_wire(frame).strip(b"\0"), Knowledge(way))
        if isinstance(found, Drop):
            assert verdict.drop == found
        else:
            assert verdict.frame == frame


@given(st.binary(min_size=1, max_size=300).filter(lambda piece: 0 not in piece))
def test_any_piece_gets_one_failed_step_and_it_is_the_drop(piece: bytes) -> None:
    verdict = judge_piece(piece, TO_PUMP)
    failed = [step.reason for step in verdict.steps if step.outcome is Outcome.FAILED]
    assert failed == ([verdict.drop.reason] if verdict.drop else [])
    found = decode_piece(piece, Direction.TO_PUMP)
    if isinstance(found, Drop):
        assert verdict.drop == found
    after = [step.outcome for step in verdict.steps]
    if failed:
        at = after.index(Outcome.FAILED)
        assert set(after[:at]) <= {Outcome.PASSED, Outcome.UNKNOWN}
        assert set(after[at + 1 :]) <= {Outcome.NOT_REACHED}


def link_frame(message: object, way: Direction, link_id: int = NO_LINK_ID) -> bytes:
    payload = encode_link(message)  # type: ignore[arg-type]
    return encode_frame(Frame(FrameKind.LINK, way, 0, link_id, payload))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (link_frame(Hello(2, 3, SuiteBit.KK, b"nonsense"), Direction.TO_PUMP), DropReason.STATE),
        (link_frame(Hello(1, 1, SuiteBit.KK, b"nonsense"), Direction.TO_PUMP, 7), DropReason.LINK_ID),
        (link_frame(LinkError(LinkErrorCode.BUSY, 0), Direction.TO_PUMP), DropReason.STATE),
        (link_frame(Ping(b"x"), Direction.TO_PROGRAMMER), DropReason.STATE),
        (encode_frame(Frame(FrameKind.LINK, Direction.TO_PUMP, 0, NO_LINK_ID, b"")), DropReason.LINK_MESSAGE),
        (encode_frame(Frame(FrameKind.HANDSHAKE, Direction.TO_PUMP, 0, 9, b"abc")), DropReason.HANDSHAKE),
        (encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, 9, b"short")), DropReason.RECORD_SHORT),
        (
            encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, 9, b"\xff" * 30)),
            DropReason.EXHAUSTED,
        ),
        (encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, 0xFFFF, bytes(30))), DropReason.LINK_ID),
        (encode_frame(Frame(FrameKind.CLEAR, Direction.TO_PUMP, 0, 9, bytes(8))), DropReason.HEADER),
        (encode_frame(Frame(FrameKind.CLEAR, Direction.TO_PUMP, 0, 9, bytes(230))), DropReason.LENGTH),
    ],
)
def test_what_no_receiver_can_accept_is_told_without_any_state(octets: bytes, reason: DropReason) -> None:
    verdict = judge_frame(octets)
    assert verdict.drop is not None
    assert verdict.drop.reason is reason


def test_a_witness_learns_the_link_and_its_counters() -> None:
    """He hears a session, and knows afterwards which frames cannot belong to it."""
    pair = ConnectionPair()
    witness = Witness()
    pair.discover()
    hello_rsp = b"\x33\x01\x34\x12\x33\x03" + b"nonsense" + b"pumpnons" + b"hint" + b"\0\0\xfd"
    witness.judge(
        encode_frame(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, NO_LINK_ID, hello_rsp)),
        Direction.TO_PROGRAMMER,
    )

    def record(link_id: int, counter: int) -> Drop | None:
        payload = counter.to_bytes(4, "little") + bytes(20)
        frame = Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, link_id, payload)
        return witness.judge(encode_frame(frame), Direction.TO_PUMP).drop

    assert record(0x1234, 5) is None
    stale, replayed = record(0x4321, 6), record(0x1234, 5)
    assert stale is not None
    assert stale.reason is DropReason.LINK_ID
    assert replayed is not None
    assert replayed.reason is DropReason.REPLAY
    answer = Frame(FrameKind.HANDSHAKE, Direction.TO_PROGRAMMER, 0, 0x1234, b"\x0f\x33\0\0" + bytes(64))
    assert witness.judge(encode_frame(answer), Direction.TO_PROGRAMMER).drop is None
    assert record(0x1234, 0) is None, "a new session counts from 0"


def test_a_witness_who_came_late_refuses_nothing_by_link_id() -> None:
    witness = Witness()
    frame = encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, 0x4321, bytes(24)))
    assert witness.judge(frame, Direction.TO_PUMP).drop is None
