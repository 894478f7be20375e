"""Who is not let in, and what either end does with a message it did not ask for."""

from itertools import pairwise

import pytest
from support.device import CountingDevice
from support.protocol_pair import CONFIRM, ConnectionPair, PumpHost, SeededEntropy, whole
from support.raw_programmer import RawProgrammer
from support.sessions import CARD_SECRET, PUMP_PUBLIC, secret

from protocol.application import build_message, build_request
from protocol.drops import DropReason
from protocol.endpoint_programmer import ProgrammerEndpoint, Stage
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import (
    AnswerReceived,
    FrameDropped,
    HandshakeFailed,
    LinkRefused,
    PumpFound,
    RequestReceived,
)
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.handshake import HandshakeHeader, HandshakeStep, Suite
from protocol.link_control import (
    Close,
    Hello,
    HelloResponse,
    LinkClass,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    Ping,
    Pong,
    SuiteBit,
    encode_link,
    key_hint,
)
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest
from protocol.messages.status import GetStatusRequest
from protocol.pump_link import SUITES, HandshakeFault
from protocol.requests import ENROL_SLOT, Refusal
from protocol.vocabulary import BondState, CloseReason, ErrorCode

MALFORMED = LinkErrorCode.HANDSHAKE_MALFORMED


def found_by_raw(state: BondState = BondState.CONFIRMED) -> tuple[ConnectionPair, RawProgrammer]:
    pair = ConnectionPair(state=state)
    raw = RawProgrammer(pair.host)
    raw.hello()
    return pair, raw


def refused(pair: ConnectionPair, raw: RawProgrammer, fault: HandshakeFault, slot: int) -> None:
    """The opening is refused for ``fault``, in plaintext and to the device, and leaves nothing behind."""
    assert raw.refused(raw.opening) == LinkError(MALFORMED, fault)
    failed = [event for event in pair.host.events if isinstance(event, HandshakeFailed)]
    assert [event.slot for event in failed] == pair.device.failures == [slot]
    assert failed[0].drop.reason is DropReason.HANDSHAKE
    assert pair.pump.counters.drops[DropReason.HANDSHAKE] == 1
    assert pair.pump.next_deadline() is None


# --- handshakes ---------------------------------------------------------------------------------------------


def test_an_unknown_slot_is_refused() -> None:
    pair, raw = found_by_raw()
    raw.begin(5)
    refused(pair, raw, HandshakeFault.UNKNOWN_SLOT, 5)


def test_a_revoked_bond_is_refused() -> None:
    pair, raw = found_by_raw(state=BondState.REVOKED)
    raw.begin(0)
    refused(pair, raw, HandshakeFault.REVOKED, 0)


def test_another_key_than_the_bonds_is_refused() -> None:
    pair, raw = found_by_raw()
    raw.begin(0, static=secret("somebody else"))
    refused(pair, raw, HandshakeFault.WRONG_KEYS, 0)


def test_a_handshake_meant_for_another_pump_is_refused() -> None:
    pair, raw = found_by_raw()
    raw.begin(0, pump_public=secret("another pump"))
    refused(pair, raw, HandshakeFault.WRONG_KEYS, 0)


def test_another_card_secret_is_refused() -> None:
    pair, raw = found_by_raw()
    raw.begin(suite=Suite.NNPSK0, card_secret=b"\x01" + CARD_SECRET[1:])
    refused(pair, raw, HandshakeFault.WRONG_KEYS, ENROL_SLOT)


def test_a_handshake_after_an_edited_hello_is_refused() -> None:
    """Version and suites are in the prologue: who edits them on the way makes the handshake fail."""
    pair, raw = found_by_raw()
    assert raw.discovery is not None
    edited = Hello(1, 1, SuiteBit.KK, b"raw nonc")
    raw.discovery = type(raw.discovery)(encode_link(edited), raw.discovery.hello_rsp)
    raw.begin(0)
    refused(pair, raw, HandshakeFault.WRONG_KEYS, 0)


def test_a_suite_that_is_not_offered_is_refused() -> None:
    pair, raw = found_by_raw()
    assert not SUITES & SuiteBit.KKPSK2
    raw.opening = HandshakeHeader(Suite.KKPSK2, HandshakeStep.FIRST, 0).encode() + bytes(48)
    refused(pair, raw, HandshakeFault.SUITE, 0)


@pytest.mark.parametrize(
    ("opening", "slot"),
    [
        (b"\x0f\x0f\x00", 0),
        (b"\x00\x0f\x00\x00" + bytes(48), 0),
        (b"\x0f\x00\x00\x00" + bytes(48), 0),
        (b"\x33\x0f\x01\x00" + bytes(48), 0),
        (HandshakeHeader(Suite.KK, HandshakeStep.FIRST, 0).encode() + bytes(47), 0),
        (HandshakeHeader(Suite.KK, HandshakeStep.FIRST, 0).encode() + bytes(49), 0),
        (HandshakeHeader(Suite.KK, HandshakeStep.SECOND, 0).encode() + bytes(64), 0),
    ],
    ids=["too short", "suite", "step", "slot with NNpsk0", "one octet less", "one more", "second message"],
)
def test_a_malformed_handshake_is_refused(opening: bytes, slot: int) -> None:
    pair, raw = found_by_raw()
    raw.opening = opening
    refused(pair, raw, HandshakeFault.MALFORMED, slot)


def test_a_bond_with_a_degenerate_key_is_refused_and_nothing_worse() -> None:
    """A key of small order passes as 32 octets; whoever enrolled it must not bring the pump down."""
    pair, raw = found_by_raw()
    pair.device.add_bond(0, public=b"\x01" + bytes(31))
    raw.begin(0)
    refused(pair, raw, HandshakeFault.WRONG_KEYS, 0)


def test_an_ephemeral_key_of_small_order_is_refused_and_nothing_worse() -> None:
    pair, raw = found_by_raw()
    for suite in (Suite.KK, Suite.NNPSK0):
        raw.begin(0, suite=suite)
        opening = raw.opening[:4] + b"\x01" + bytes(31) + raw.opening[36:]
        raw.send(FrameKind.HANDSHAKE, opening)
    assert pair.device.failures == [0, ENROL_SLOT]


def test_a_refused_handshake_does_not_end_a_half_open_session() -> None:
    _, raw = found_by_raw()
    session = raw.session()
    raw.begin(0, static=secret("somebody else"))
    raw.refused(raw.opening)
    assert len(raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))) == 1


def test_a_handshake_before_hello_is_not_answered() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    assert raw.send(FrameKind.HANDSHAKE, bytes(52)) == []
    assert pair.pump.counters.drops[DropReason.STATE] == 1
    assert pair.device.failures == []


# --- discovery at the pump ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("ver_min", "ver_max"), [(2, 2), (2, 255)])
def test_a_programmer_of_another_version_is_told_the_pumps(ver_min: int, ver_max: int) -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello(b"another!")
    (frame,) = raw.send(
        FrameKind.LINK, encode_link(Hello(ver_min, ver_max, SUITES, b"somebody")), link_id=NO_LINK_ID
    )
    # It has no link yet and listens to none: the refusal must not go out on another programmer's.
    assert (frame.link_id, frame.payload) == (
        NO_LINK_ID,
        encode_link(LinkError(LinkErrorCode.VERSION, 0x0101)),
    )


@pytest.mark.parametrize(("ver_min", "ver_max"), [(1, 1), (1, 7)])
def test_a_range_with_our_version_is_answered_with_it(ver_min: int, ver_max: int) -> None:
    raw = RawProgrammer(ConnectionPair().host)
    (answer,) = raw.control(Hello(ver_min, ver_max, SUITES, b"somebody"))
    assert isinstance(answer, HelloResponse)
    assert answer.ver == 1


@pytest.mark.parametrize("link_class", LinkClass)
def test_hello_is_answered_with_what_a_programmer_must_know(link_class: LinkClass) -> None:
    pair = ConnectionPair(link_class=link_class)
    response = RawProgrammer(pair.host).hello(b"a nonce!")
    assert response.link_class is link_class
    assert response.suites == SuiteBit.KK | SuiteBit.NNPSK0
    assert (response.echo, response.key_hint) == (b"a nonce!", key_hint(PUMP_PUBLIC, b"a nonce!"))
    assert (response.lockout_s, response.max_frame) == (0, 253)


def test_each_hello_gets_a_link_and_a_hint_of_its_own() -> None:
    """So that neither old frames nor an observer can follow a pump."""
    raw = RawProgrammer(ConnectionPair().host)
    responses = [raw.hello(bytes([number]) * 8) for number in range(50)]
    assert len({response.link_id for response in responses}) > 45
    assert len({response.key_hint for response in responses}) == 50
    assert len({response.pump_nonce for response in responses}) == 50
    assert all(one.link_id != other.link_id for one, other in pairwise(responses))


def test_a_link_id_is_never_the_one_that_means_none() -> None:
    drawn = iter([b"\xff\xff", b"\xff\xff", b"\x34\x12", b"pumpnonc"])
    device = CountingDevice()
    pump = PumpEndpoint(device, lambda _count: next(drawn))
    assert RawProgrammer(PumpHost(pump, device, whole)).hello().link_id == 0x1234


@pytest.mark.parametrize(
    "message",
    [
        Pong(b""),
        LinkError(LinkErrorCode.BUSY, 0),
        HelloResponse(1, 1, LinkClass.NEAR, SUITES, bytes(8), bytes(8), bytes(4), 0, 253),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_only_a_pump_may_say_is_not_answered(message: LinkMessage) -> None:
    pair = ConnectionPair()
    assert RawProgrammer(pair.host).control(message) == []
    assert pair.pump.counters.drops[DropReason.STATE] == 1


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x0f\x01\x01", b"\x5a\x00", b"\x3c" + bytes(33)])
def test_a_malformed_link_message_is_not_answered(payload: bytes) -> None:
    pair = ConnectionPair()
    assert RawProgrammer(pair.host).send(FrameKind.LINK, payload) == []
    assert pair.pump.counters.drops[DropReason.LINK_MESSAGE] == 1


def test_hello_on_a_link_is_not_answered() -> None:
    pair, raw = found_by_raw()
    assert raw.control(Hello(1, 1, SUITES, b"somebody")) == []
    assert pair.pump.counters.drops[DropReason.LINK_ID] == 1


# --- the programmer's end -----------------------------------------------------------------------------------


def said(message: LinkMessage, link_id: int = NO_LINK_ID) -> bytes:
    """What a pump says in plaintext, as on the wire."""
    return to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, link_id, encode_link(message)))


def discovering() -> tuple[ProgrammerEndpoint, HelloResponse]:
    """A programmer that has said HELLO, and the right answer to it."""
    programmer = ProgrammerEndpoint(SeededEntropy())
    programmer.discover(0)
    frame = decode_piece(programmer.data_to_send()[1:-1], Direction.TO_PUMP)
    assert isinstance(frame, Frame)
    nonce = frame.payload[-8:]
    hint = key_hint(PUMP_PUBLIC, nonce)
    return programmer, HelloResponse(1, 77, LinkClass.NEAR, SUITES, nonce, bytes(8), hint, 0, 253)


def dropped(programmer: ProgrammerEndpoint, data: bytes) -> DropReason:
    (event,) = programmer.receive(data, 0)
    assert isinstance(event, FrameDropped)
    assert programmer.counters.drops[event.drop.reason] == 1
    return event.drop.reason


def test_the_answer_to_hello_is_taken_once() -> None:
    programmer, right = discovering()
    assert programmer.receive(said(right), 0) == [PumpFound(right)]
    assert dropped(programmer, said(right)) is DropReason.STATE


@pytest.mark.parametrize(("name", "value"), [("echo", b"another."), ("ver", 2)])
def test_an_answer_to_another_hello_or_of_another_version_is_not_taken(name: str, value: object) -> None:
    programmer, right = discovering()
    values = {field: getattr(right, field) for field in right.__dataclass_fields__} | {name: value}
    assert dropped(programmer, said(HelloResponse(**values))) is DropReason.STATE
    assert programmer.stage is Stage.DISCOVERING


@pytest.mark.parametrize(
    "message",
    [Pong(b""), Ping(b""), Close(CloseReason.DONE), Hello(1, 1, SUITES, bytes(8))],
    ids=lambda message: type(message).__name__,
)
def test_a_programmer_answers_nobody(message: LinkMessage) -> None:
    programmer, _ = discovering()
    assert dropped(programmer, said(message)) is DropReason.STATE
    assert programmer.data_to_send() == b""


def test_a_programmer_believes_no_frame_of_another_link() -> None:
    programmer, right = discovering()
    assert dropped(programmer, said(LinkError(LinkErrorCode.BUSY, 0), 76)) is DropReason.LINK_ID
    programmer.receive(said(right), 0)
    assert programmer.receive(said(LinkError(LinkErrorCode.BUSY, 0), 77), 0) == [
        LinkRefused(LinkErrorCode.BUSY, 0)
    ]


@pytest.mark.parametrize("kind", [FrameKind.HANDSHAKE, FrameKind.SECURE, FrameKind.CLEAR])
def test_a_frame_nobody_asked_for_is_dropped(kind: FrameKind) -> None:
    programmer, right = discovering()
    programmer.receive(said(right), 0)
    frame = to_wire(Frame(kind, Direction.TO_PROGRAMMER, 0, 77, bytes(68)))
    assert dropped(programmer, frame) is DropReason.STATE


def test_a_malformed_link_message_is_dropped() -> None:
    programmer, _ = discovering()
    frame = Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, NO_LINK_ID, b"\x66\x00")
    assert dropped(programmer, to_wire(frame)) is DropReason.LINK_MESSAGE


def test_nothing_can_be_asked_without_a_session() -> None:
    programmer, right = discovering()
    with pytest.raises(RuntimeError, match="no session is open"):
        programmer.request(GetStatusRequest(), 0)
    programmer.receive(said(right), 0)
    with pytest.raises(RuntimeError, match="no session is open"):
        programmer.request(GetStatusRequest(), 0)


def test_requests_go_one_at_a_time() -> None:
    pair = ConnectionPair().open()
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    with pytest.raises(RuntimeError, match="GET_STATUS has no answer yet"):
        pair.programmer.request(KeepaliveRequest(), pair.now_ms)


def test_an_answer_that_is_none_is_dropped_and_the_request_goes_on_waiting() -> None:
    """A pump that answers another message, or nothing that can be read, is asked again."""
    pair = ConnectionPair().open()
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    session = pair.pump.session
    assert session is not None
    for plaintext, reason in (
        (build_message(0x4127, 2, bytes(10)), DropReason.HEADER),
        (build_message(0x481D, 2, bytes(67)), DropReason.HEADER),
        (build_message(0x481D, 1, bytes(68)), DropReason.STATE),
        (b"short", DropReason.HEADER),
    ):
        (event,) = pair.programmer.receive(to_wire(session.sender.seal(0, plaintext)), pair.now_ms)
        assert isinstance(event, FrameDropped)
        assert event.drop.reason is reason
    assert isinstance(pair.wait(AnswerReceived), AnswerReceived)


def test_a_refusal_of_the_device_is_an_error_with_its_field_and_detail() -> None:
    pair = ConnectionPair().open()
    pair.programmer.request(GetStatusRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    pair.pump.respond(request, Refusal(ErrorCode.HARD_LIMIT, 2, 1_000_000))
    (answer,) = pair.programmer.receive(pair.pump.data_to_send(), pair.now_ms)
    assert isinstance(answer, AnswerReceived)
    assert (answer.body.code, answer.body.field, answer.body.detail) == (ErrorCode.HARD_LIMIT, 2, 1_000_000)
