"""One session at a time: who may replace it, what cannot end it, and how it ends."""

from dataclasses import replace

import pytest
from support.protocol_pair import CONFIRM, ConnectionPair
from support.raw_programmer import RawProgrammer, RawSession
from support.sessions import secret

from protocol.application import build_request
from protocol.drops import DropReason
from protocol.events import (
    AnswerReceived,
    LinkRefused,
    RequestReceived,
    SessionClosed,
    SessionReady,
)
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.handshake import Suite
from protocol.link_control import Close, LinkError, LinkErrorCode, Ping, Pong, decode_link, encode_link
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest, SessionCloseRequest
from protocol.messages.status import GetStatusRequest
from protocol.noise import public_key
from protocol.requests import Refusal
from protocol.states import LinkState, SessionState
from protocol.vocabulary import CloseReason, ErrorCode

CONFIRM_SPEC, STATUS = by_name("SESSION_CONFIRM"), by_name("GET_STATUS")
OTHER_STATIC = secret("other programmer")


def confirm(raw: RawProgrammer, session: RawSession, now_ms: int = 0) -> None:
    (answer,) = raw.record(session, build_request(CONFIRM_SPEC, CONFIRM, 1), now_ms)
    assert answer.header.opcode == CONFIRM_SPEC.response_opcode


def second_programmer(pair: ConnectionPair, slot: int = 1) -> RawProgrammer:
    """Another programmer at the same pipe, bonded in ``slot``."""
    if slot:
        pair.device.add_bond(slot, public=public_key(OTHER_STATIC))
    raw = RawProgrammer(pair.host)
    raw.hello(now_ms=pair.now_ms)
    return raw


def still_works(pair: ConnectionPair) -> bool:
    """Whether the programmer's session is the one it was."""
    answer = pair.ask(GetStatusRequest())
    return isinstance(answer, AnswerReceived) and len(pair.device.opened) == 1


# --- replacing ----------------------------------------------------------------------------------------------


def test_the_same_programmer_replaces_its_session_with_the_first_record_and_not_before() -> None:
    pair = ConnectionPair().open()
    first = pair.pump.session
    assert first is not None
    raw = second_programmer(pair, slot=0)
    session = raw.session(0)
    assert pair.pump.session is first
    assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)
    confirm(raw, session)
    assert pair.pump.session is not first
    assert pair.device.closed == [(first.session_id, CloseReason.REPLACED)]
    assert first.state is SessionState.NONE
    assert [caller.session_id for caller in pair.device.opened] == [
        first.session_id,
        session.grant.session_id,
    ]


def test_a_handshake_on_the_link_of_the_session_does_not_disturb_it_before_its_first_record() -> None:
    """Both sessions share one link id, so only the keys tell their records apart."""
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    old = raw.session(ephemeral="old")
    confirm(raw, old)
    new = raw.session(ephemeral="new")
    (answer,) = raw.record(old, build_request(STATUS, GetStatusRequest(), 2))
    assert answer.header.opcode == STATUS.response_opcode
    confirm(raw, new)
    assert raw.record(old, build_request(STATUS, GetStatusRequest(), 3)) == []
    assert pair.pump.counters.drops[DropReason.AUTH] == 1


def test_a_copy_of_a_record_counts_as_replayed_beside_a_half_open_session_too() -> None:
    """The half-open session has other keys; that they do not fit is not what is wrong with the copy."""
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    session = raw.session(ephemeral="old")
    confirm(raw, session)
    copy = raw.sent[-1]
    raw.session(ephemeral="new")
    assert raw.put(copy) == []
    drops = pair.pump.counters.drops
    assert (drops[DropReason.REPLAY], drops[DropReason.AUTH]) == (1, 0)


def test_what_an_earlier_session_asked_is_not_answered_in_the_next() -> None:
    """A slow device may answer after its caller has come back; the new session counts from 1 again."""
    pair = ConnectionPair().open()
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    raw = second_programmer(pair, slot=0)
    confirm(raw, raw.session(0))
    assert pair.pump.respond(request, pair.device.handle(request.request)) == []
    assert pair.pump.data_to_send() == b""


def test_another_programmer_is_told_busy_and_displaces_nobody() -> None:
    pair = ConnectionPair().open()
    raw = second_programmer(pair)
    raw.begin(1, static=OTHER_STATIC)
    assert raw.refused(raw.opening) == LinkError(LinkErrorCode.BUSY, 0)
    assert still_works(pair)
    assert pair.device.failures == []


def test_an_enrolment_is_told_busy_while_a_session_is_open() -> None:
    pair = ConnectionPair().open()
    raw = second_programmer(pair, slot=0)
    raw.begin(suite=Suite.NNPSK0)
    assert raw.refused(raw.opening).code is LinkErrorCode.BUSY
    assert still_works(pair)


def test_another_programmer_may_come_when_the_session_is_over() -> None:
    pair = ConnectionPair().open()
    pair.ask(SessionCloseRequest(CloseReason.DONE))
    pair.device.add_bond(1, public=public_key(OTHER_STATIC))
    pair.open(1, OTHER_STATIC)
    assert [caller.slot for caller in pair.device.opened] == [0, 1]


def test_an_unconfirmed_session_is_the_programmers_too() -> None:
    """Its first record proved the keys; it is only not executed."""
    pair = ConnectionPair().open(confirm=False)
    answer = pair.ask(GetStatusRequest())
    assert isinstance(answer, AnswerReceived)
    assert answer.body.code is ErrorCode.SESSION_NOT_CONFIRMED
    assert pair.device.opened == []
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)
    assert len(pair.device.opened) == 1


def test_a_confirmation_that_comes_again_opens_nothing_new() -> None:
    pair = ConnectionPair().open()
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)
    assert len(pair.device.opened) == 1


# --- what cannot end a session ------------------------------------------------------------------------------


def test_a_close_in_plaintext_ends_no_session() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    raw = RawProgrammer(pair.host)
    for link_id in (session.link_id, NO_LINK_ID):
        assert raw.control(Close(CloseReason.DONE), link_id=link_id) == []
    assert still_works(pair)


@pytest.mark.parametrize("code", LinkErrorCode, ids=lambda code: code.name)
def test_a_link_error_is_a_hint_and_ends_no_session(code: LinkErrorCode) -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    for link_id in (session.link_id, NO_LINK_ID):
        payload = encode_link(LinkError(code, 0))
        forged = to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, link_id, payload))
        assert pair.programmer.receive(forged, pair.now_ms) == [LinkRefused(code, 0)]
    assert isinstance(pair.wait(AnswerReceived), AnswerReceived)


def test_a_stranger_who_says_hello_does_not_disturb_a_session() -> None:
    pair = ConnectionPair().open()
    raw = RawProgrammer(pair.host)
    links = {raw.hello(bytes([number]) * 8).link_id for number in range(5)}
    assert len(links) == 5
    assert still_works(pair)


def test_a_close_of_an_earlier_link_or_of_none_does_not_end_the_present_discovery() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    old = raw.hello(b"one hell").link_id
    raw.hello(b"two hell")
    for link_id in (old, NO_LINK_ID):
        assert raw.control(Close(CloseReason.DONE), link_id=link_id) == []
    assert pair.pump.counters.drops[DropReason.LINK_ID] == 2
    confirm(raw, raw.session())


def test_a_close_of_the_present_link_ends_the_discovery() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    raw.begin()
    raw.control(Close(CloseReason.DONE))
    assert raw.send(FrameKind.HANDSHAKE, raw.opening) == []
    assert pair.pump.counters.drops[DropReason.LINK_ID] == 1


def test_records_of_another_session_are_dropped_and_not_answered() -> None:
    pair, other = ConnectionPair().open(), ConnectionPair(seed=4)
    raw = RawProgrammer(other.host)
    raw.hello()
    foreign = raw.session()
    live = pair.pump.session
    assert live is not None
    frames = [foreign.sender.seal(0, build_request(STATUS, GetStatusRequest(), 2)) for _ in range(3)]
    answered = pair.host.serve(to_wire(replace(frames[-1], link_id=live.link_id)), pair.now_ms)
    assert answered == b""
    assert pair.pump.counters.drops[DropReason.AUTH] == 1
    assert still_works(pair)


# --- what the pump says in plaintext ------------------------------------------------------------------------


def test_link_errors_are_at_most_one_a_second() -> None:
    pair = ConnectionPair().open()
    raw = second_programmer(pair)
    raw.begin(1, static=OTHER_STATIC)
    told = [at for at in range(0, 5_000, 50) if raw.send(FrameKind.HANDSHAKE, raw.opening, pair.now_ms + at)]
    assert told == [0, 1_000, 2_000, 3_000, 4_000]


def test_echoes_are_at_most_ten_a_second() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    told = [at for at in range(0, 2_000, 20) if raw.control(Ping(b"hear me"), at)]
    assert told == [*range(0, 200, 20), *range(1_000, 1_200, 20)]


def test_an_echo_gives_back_what_was_said_on_the_same_link() -> None:
    raw = RawProgrammer(ConnectionPair().host)
    assert raw.control(Ping(bytes(range(32)))) == [Pong(bytes(range(32)))]
    raw.hello()
    (frame,) = raw.send(FrameKind.LINK, encode_link(Ping(b"")))
    assert (frame.link_id, decode_link(frame.payload)) == (raw.link_id, Pong(b""))
    assert raw.control(Ping(b""), link_id=raw.link_id ^ 1) == []


def test_a_record_without_a_session_is_told_so() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    (frame,) = raw.send(FrameKind.SECURE, bytes(40))
    assert decode_link(frame.payload) == LinkError(LinkErrorCode.NO_SESSION, 0)


@pytest.mark.parametrize("kind", [FrameKind.HANDSHAKE, FrameKind.SECURE])
def test_frames_of_another_link_are_not_answered(kind: FrameKind) -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    assert raw.send(kind, bytes(52), link_id=raw.link_id ^ 1) == []
    assert pair.pump.counters.drops[DropReason.LINK_ID] == 1


def test_laboratory_plaintext_is_not_spoken() -> None:
    pair = ConnectionPair().open()
    assert pair.pump.session is not None
    raw = RawProgrammer(pair.host)
    plaintext = bytes(4) + build_request(STATUS, GetStatusRequest(), 2)
    assert raw.send(FrameKind.CLEAR, plaintext, link_id=pair.pump.session.link_id) == []
    assert pair.pump.counters.drops[DropReason.STATE] == 1


# --- endings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", CloseReason, ids=lambda reason: reason.name)
def test_a_session_closed_in_order_is_answered_and_tells_the_reason(reason: CloseReason) -> None:
    pair = ConnectionPair().open()
    assert isinstance(pair.ask(SessionCloseRequest(reason)), AnswerReceived)
    assert [closed for _, closed in pair.device.closed] == [reason]
    assert pair.pump.session is None


def test_a_close_that_the_device_refuses_leaves_the_session_open() -> None:
    pair = ConnectionPair().open()
    pair.programmer.request(SessionCloseRequest(CloseReason.DONE), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    assert pair.pump.respond(request, Refusal(ErrorCode.BUSY)) == []
    assert pair.pump.session is not None


def test_a_device_that_fails_is_told_to_the_programmer_as_internal() -> None:
    pair = ConnectionPair().open()
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    pair.pump.respond_internal_error(request)
    (answer,) = pair.programmer.receive(pair.pump.data_to_send(), pair.now_ms)
    assert isinstance(answer, AnswerReceived)
    assert answer.body.code is ErrorCode.INTERNAL


def test_an_answer_that_comes_after_the_session_is_not_sent() -> None:
    pair = ConnectionPair().open()
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    pair.pump.disconnected(pair.now_ms)
    assert pair.pump.respond(request, pair.device.handle(request.request)) == []
    assert pair.pump.data_to_send() == b""


def test_a_broken_pipe_ends_session_and_discovery() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    pair.pump.respond(request, pair.device.handle(request.request))
    closed = SessionClosed(session.session_id, CloseReason.LINK_LOST)
    assert pair.pump.disconnected(pair.now_ms) == [closed]
    assert pair.pump.data_to_send() == b""
    assert pair.pump.next_deadline() is None
    assert pair.pump.disconnected(pair.now_ms) == []
    assert isinstance(ConnectionPair(device=pair.device).open().ask(GetStatusRequest()), AnswerReceived)


def test_a_broken_pipe_ends_a_half_open_session() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    session = raw.session()
    assert pair.pump.disconnected(0) == []
    assert raw.record(session, build_request(CONFIRM_SPEC, CONFIRM, 1)) == []
    assert pair.device.opened == []


def link_state(pair: ConnectionPair) -> LinkState:
    return pair.pump._link.state


def test_a_programmer_that_leaves_tells_the_pump_and_forgets_the_session() -> None:
    pair = ConnectionPair().open()
    link_id = pair.line.to_pump.frames[-1]
    pair.programmer.leave()
    frame = decode_piece(pair.programmer.data_to_send()[1:-1], Direction.TO_PUMP)
    assert isinstance(frame, Frame)
    assert decode_link(frame.payload) == Close(CloseReason.DONE)
    last = decode_piece(link_id[1:-1], Direction.TO_PUMP)
    assert isinstance(last, Frame)
    assert frame.link_id == last.link_id
    assert link_state(pair) is LinkState.OPEN
    pair.host.serve(to_wire(frame), pair.now_ms)
    assert link_state(pair) is LinkState.LISTENING
    with pytest.raises(RuntimeError, match="no session is open"):
        pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    with pytest.raises(RuntimeError, match="discover one first"):
        pair.shake_hands()


def test_a_new_handshake_forgets_the_old_session_of_the_programmer() -> None:
    """Even one that was waiting for an answer: its deadline must not hold up the handshake."""
    pair = ConnectionPair().open()
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    assert isinstance(pair.shake_hands(), SessionReady)
    assert not pair.programmer.waiting
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)
