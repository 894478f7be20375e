"""Time-outs of OITP/1 section 9, to the millisecond: nothing ends early, and nothing waits for ever."""

from dataclasses import replace

import pytest
from support.faulty_line import GOOD, Channel, Fault, Mishap, split_frames
from support.protocol_pair import CONFIRM, ConnectionPair, SeededEntropy
from support.raw_programmer import RawProgrammer
from support.sessions import PROGRAMMER_STATIC, PUMP_PUBLIC
from support.wire import flip

from protocol.application import build_request
from protocol.drops import DropReason
from protocol.endpoint_programmer import ProgrammerEndpoint, Stage
from protocol.events import (
    AnswerReceived,
    FrameDropped,
    HandshakeUnanswered,
    LinkRefused,
    NoPump,
    PumpFound,
    RequestLost,
    SessionClosed,
    SessionReady,
)
from protocol.frame import Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.handshake import Credentials, Suite
from protocol.link_control import LinkErrorCode
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import CloseReason

LOST = Mishap(Fault.DROP)
HOUR_MS = 3_600_000


def frames_of(data: bytes, direction: Direction = Direction.TO_PUMP) -> list[Frame]:
    frames = [decode_piece(wire[1:-1], direction) for wire in split_frames(data)]
    return [frame for frame in frames if isinstance(frame, Frame)]


# --- discovery and handshake --------------------------------------------------------------------------------


def test_hello_is_said_three_times_a_second_apart_and_then_there_is_no_pump() -> None:
    programmer = ProgrammerEndpoint(SeededEntropy())
    programmer.discover(10)
    hellos = frames_of(programmer.data_to_send())
    for deadline in (1_010, 2_010):
        assert programmer.next_deadline() == deadline
        assert programmer.handle_timeout(deadline - 1) == []
        assert programmer.data_to_send() == b""
        assert programmer.handle_timeout(deadline) == []
        hellos += frames_of(programmer.data_to_send())
    assert [hello.payload for hello in hellos] == [hellos[0].payload] * 3
    assert programmer.handle_timeout(3_009) == []
    assert programmer.handle_timeout(3_010) == [NoPump(3)]
    assert programmer.data_to_send() == b""
    assert programmer.stage is Stage.IDLE
    assert programmer.next_deadline() is None


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_pump_that_misses_hello_is_found_by_the_next(lost: int) -> None:
    pair = ConnectionPair(to_pump=[LOST] * lost)
    assert isinstance(pair.discover(), PumpFound)
    assert pair.now_ms == lost * 1_000


def test_hello_again_gets_the_same_answer() -> None:
    """The programmer may have taken either answer, so both must name the same link."""
    pair = ConnectionPair(to_programmer=[Mishap(Fault.DELAY, 1_500)])
    assert isinstance(pair.discover(), PumpFound)
    answers = [frames_of(wire, Direction.TO_PROGRAMMER)[0] for wire in pair.line.to_programmer.frames]
    assert len(answers) == 2
    assert answers[0].payload == answers[1].payload
    assert isinstance(pair.shake_hands(), SessionReady)


@pytest.mark.parametrize("way", ["out", "back"])
@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_a_handshake_message_that_is_lost_is_said_again(way: str, lost: int) -> None:
    plan = [GOOD] + [LOST] * lost
    pair = ConnectionPair(to_pump=plan if way == "out" else [], to_programmer=plan if way == "back" else [])
    pair.discover()
    assert isinstance(pair.shake_hands(), SessionReady)
    assert pair.now_ms == lost * 1_000
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)


def test_the_same_first_message_gets_the_same_answer_and_no_second_session() -> None:
    pair = ConnectionPair(to_programmer=[GOOD, LOST, LOST])
    pair.discover()
    ready = pair.shake_hands()
    assert isinstance(ready, SessionReady)
    answers = [frames_of(wire, Direction.TO_PROGRAMMER)[0] for wire in pair.line.to_programmer.frames[1:]]
    openings = [frames_of(wire)[0] for wire in pair.line.to_pump.frames[1:]]
    assert [frame.kind for frame in answers + openings] == [FrameKind.HANDSHAKE] * 6
    assert len({frame.payload for frame in answers}) == len({frame.payload for frame in openings}) == 1
    pair.ask(CONFIRM)
    assert [caller.session_id for caller in pair.device.opened] == [ready.grant.session_id]


def test_a_handshake_without_an_answer_ends_after_five_seconds() -> None:
    pair = ConnectionPair(to_programmer=[GOOD] + [LOST] * 9)
    pair.discover()
    assert pair.shake_hands() == HandshakeUnanswered("no answer")
    assert pair.now_ms == 5_000
    assert pair.programmer.stage is Stage.FOUND
    assert len(pair.line.to_pump.frames) == 1 + 5


def damaged_answer(pair: ConnectionPair) -> tuple[bytes, bytes]:
    """Let the programmer open a session; the pump's answer, damaged behind a right CRC, and as it was."""
    pair.discover()
    keys = Credentials(static=PROGRAMMER_STATIC, remote_static=PUMP_PUBLIC)
    pair.programmer.open_session(Suite.KK, 0, keys, pair.now_ms)
    right = pair.host.serve(pair.programmer.data_to_send(), pair.now_ms)
    (frame,) = frames_of(right, Direction.TO_PROGRAMMER)
    return to_wire(replace(frame, payload=flip(frame.payload, 100))), right


def test_an_answer_made_with_other_keys_is_told_when_the_time_is_over() -> None:
    pair = ConnectionPair()
    wrong, _ = damaged_answer(pair)
    (dropped,) = pair.programmer.receive(wrong, pair.now_ms)
    assert isinstance(dropped, FrameDropped)
    assert dropped.drop.reason is DropReason.HANDSHAKE
    assert pair.programmer.handle_timeout(5_000) == [HandshakeUnanswered(dropped.drop.received)]


def test_a_wrong_answer_does_not_spoil_the_right_one() -> None:
    pair = ConnectionPair()
    wrong, right = damaged_answer(pair)
    events = pair.programmer.receive(wrong + right, pair.now_ms)
    assert [type(event) for event in events] == [FrameDropped, SessionReady]


# --- the session at the pump --------------------------------------------------------------------------------


def test_a_half_open_session_is_dropped_after_five_seconds() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello(now_ms=100)
    handshake = raw.begin()
    (answer,) = raw.send(FrameKind.HANDSHAKE, raw.opening, 100)
    session = raw.finish(handshake, answer)
    assert pair.pump.next_deadline() == 5_100
    pair.pump.handle_timeout(5_100)
    assert pair.pump.next_deadline() is None
    assert raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1), 5_100) == []
    assert pair.device.executed.total() == 0
    # Neither does the opening bring it back: that would make keys for whoever replays it.
    assert raw.send(FrameKind.HANDSHAKE, raw.opening, 5_200) == []


def test_a_half_open_session_takes_a_record_until_its_last_millisecond() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    session = raw.session()
    assert len(raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1), 4_999)) == 1


def session_open(pair: ConnectionPair) -> bool:
    return pair.pump.session is not None


def end_of(pair: ConnectionPair) -> SessionClosed | None:
    last = pair.host.events[-1]
    return last if isinstance(last, SessionClosed) else None


@pytest.mark.parametrize("idle_timeout_s", [30, 120, 600])
def test_a_silent_session_closes_at_its_idle_time_out(idle_timeout_s: int) -> None:
    pair = ConnectionPair(idle_timeout_s=idle_timeout_s).open()
    end = pair.now_ms + idle_timeout_s * 1_000
    assert pair.pump.next_deadline() == end
    pair.run_for(end - 1 - pair.now_ms)
    assert session_open(pair)
    pair.run_for(1)
    closed = end_of(pair)
    assert closed is not None
    assert closed.reason is CloseReason.IDLE
    assert pair.device.closed == [(closed.session_id, CloseReason.IDLE)]
    assert not session_open(pair)
    assert pair.pump.next_deadline() is None


@pytest.mark.parametrize("idle_timeout_s", [0, 29, 601])
def test_idle_time_outs_outside_their_range_are_refused(idle_timeout_s: int) -> None:
    with pytest.raises(ValueError, match=r"outside 30\.\.600 s"):
        ConnectionPair(idle_timeout_s=idle_timeout_s)


def test_keepalive_keeps_a_session() -> None:
    pair = ConnectionPair().open()
    for _ in range(12):
        pair.run_for(40_000)
        assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    assert session_open(pair)
    pair.run_for(120_000)
    assert not session_open(pair)


def test_only_valid_records_keep_a_session() -> None:
    pair = ConnectionPair().open()
    record = pair.line.to_pump.frames[-1]
    pair.run_for(119_000)
    for data in (record, b"\0noise\0", flip(record, 200)):
        pair.line.to_pump.put(data, pair.now_ms)
        pair.run_for(1)
    pair.run_for(1_000)
    assert not session_open(pair)


def test_a_record_at_the_very_end_finds_the_session_closed() -> None:
    pair = ConnectionPair().open()
    pair.line.clock.advance_to(120_000)
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    refused = pair.wait(LinkRefused)
    assert refused.code is LinkErrorCode.NO_SESSION
    assert [type(event) for event in pair.host.events[-2:]] == [SessionClosed, FrameDropped]


def test_a_session_ends_after_eight_hours_however_busy() -> None:
    pair = ConnectionPair(idle_timeout_s=600).open()
    opened = pair.now_ms
    while pair.now_ms < opened + 8 * HOUR_MS - 500_000:
        pair.run_for(500_000)
        pair.ask(KeepaliveRequest())
    pair.run_for(opened + 8 * HOUR_MS - 1 - pair.now_ms)
    assert session_open(pair)
    pair.run_for(1)
    closed = end_of(pair)
    assert closed is not None
    assert closed.reason is CloseReason.EXPIRED


@pytest.mark.parametrize(
    ("silent_from_ms", "reason"),
    [(8 * HOUR_MS - 600_001, CloseReason.IDLE), (8 * HOUR_MS - 599_999, CloseReason.EXPIRED)],
)
def test_of_two_ends_the_earlier_is_the_reason(silent_from_ms: int, reason: CloseReason) -> None:
    """A pump that looks late, after both, still tells which came first."""
    pair = ConnectionPair(idle_timeout_s=600).open()
    while pair.now_ms < silent_from_ms:
        pair.run_for(min(590_000, silent_from_ms - pair.now_ms))
        pair.ask(KeepaliveRequest())
    pair.line.clock.advance_to(9 * HOUR_MS)
    pair.line.serve()
    closed = end_of(pair)
    assert closed is not None
    assert closed.reason is reason


# --- requests -----------------------------------------------------------------------------------------------


def test_a_request_that_finds_no_answer_is_lost_and_the_session_with_it() -> None:
    pair = ConnectionPair().open()
    sent = len(pair.line.to_pump.frames)
    pair.line.to_programmer = Channel([LOST] * 5)
    lost = pair.ask(GetStatusRequest())
    assert isinstance(lost, RequestLost)
    assert (lost.spec.name, lost.txn) == ("GET_STATUS", 2)
    assert len(pair.line.to_pump.frames) - sent == 5
    assert pair.programmer.stage is Stage.FOUND
    assert pair.programmer.next_deadline() is None
    with pytest.raises(RuntimeError, match="no session is open"):
        pair.programmer.request(GetStatusRequest(), pair.now_ms)


def test_after_a_loss_a_new_session_opens_on_the_same_discovery() -> None:
    pair = ConnectionPair(to_pump=[GOOD] * 3 + [LOST] * 5).open()
    assert isinstance(pair.ask(GetStatusRequest()), RequestLost)
    assert isinstance(pair.shake_hands(), SessionReady)
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)
    assert pair.device.closed == [(pair.device.opened[0].session_id, CloseReason.REPLACED)]
