"""The programming head: what its absence costs a session, and how long the emergency key must keep it on."""

import hashlib

import pytest
from support.device import HANDLE, TOKEN, CountingDevice
from support.protocol_pair import CONFIRM, ConnectionPair
from support.raw_programmer import RawProgrammer

from protocol.coupling import CLOSE_MS, SUSPEND_MS, Coupling
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import AnswerReceived, LinkRefused, RequestReceived, SessionClosed
from protocol.link_control import LinkClass, LinkError, LinkErrorCode
from protocol.messages.delivery import SetDeliveryRequest
from protocol.messages.program import (
    GetReceiptRequest,
    ProgBeginRequest,
    ProgCommitRequest,
    ProgStageRequest,
    ProgVerifyRequest,
)
from protocol.messages.session import KeepaliveRequest
from protocol.messages.status import GetStatusRequest
from protocol.pump_link import HandshakeFault
from protocol.request_words import DeliveryReason
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import (
    CloseReason,
    DeliveryState,
    ErrorCode,
    OverrideReason,
    ReceiptState,
    Role,
    SoftLimit,
)

INTENT = b"intent 123456789"
IMAGE = b"\x01" * 10
COMMIT = ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
SLOW_DOWN = SetDeliveryRequest(DeliveryState.MIN_RATE, 60, DeliveryReason.EMERGENCY, 0)


def answer(pair: ConnectionPair, body: object) -> AnswerReceived:
    told = pair.ask(body)
    assert isinstance(told, AnswerReceived)
    return told


def refusal(pair: ConnectionPair, body: object) -> tuple[ErrorCode, int]:
    error = answer(pair, body).body
    return error.code, error.detail


# --- the coupling by itself ---------------------------------------------------------------------------------


def test_the_times_are_those_published() -> None:
    assert (SUSPEND_MS, CLOSE_MS) == (5_000, 60_000)


def test_a_head_that_is_off_is_suspended_and_then_gone() -> None:
    head = Coupling()
    assert (head.on, head.lost, head.deadline()) == (True, False, None)
    head.set(False, 100)
    assert (head.on, head.lost, head.deadline()) == (True, True, 5_100)
    assert [head.expire(at) for at in (5_099, 5_100)] == [False, False]
    assert (head.on, head.lost, head.deadline()) == (False, True, 60_100)
    assert [head.expire(at) for at in (60_099, 60_100, 60_101)] == [False, True, False]
    assert head.deadline() is None
    head.set(True, 70_000)
    assert (head.on, head.lost, head.deadline()) == (True, False, None)


def test_a_pump_that_looks_late_finds_the_head_gone() -> None:
    head = Coupling()
    head.set(False, 0)
    assert head.expire(60_000)
    assert not head.on


def test_saying_it_twice_does_not_begin_anew() -> None:
    head = Coupling()
    head.set(True, 50)
    assert head.on_for_ms(0, 100) == 100
    head.set(False, 1_000)
    head.set(False, 4_000)
    assert head.deadline() == 6_000
    head.set(True, 4_500)
    head.set(True, 4_900)
    assert head.on_for_ms(0, 5_000) == 500


def test_time_on_the_pump_counts_without_a_break_and_from_the_session_on() -> None:
    head = Coupling()
    assert head.on_for_ms(1_000, 31_000) == 30_000
    assert head.on_for_ms(1_000, 900) == 0
    head.set(False, 5_000)
    assert head.on_for_ms(1_000, 6_000) == 0
    head.set(True, 7_000)
    assert head.on_for_ms(1_000, 9_000) == 2_000
    assert head.on_for_ms(8_500, 9_000) == 500


# --- a session without the head -----------------------------------------------------------------------------


def test_a_short_absence_costs_nothing() -> None:
    pair = ConnectionPair().open()
    pair.set_head(False)
    pair.run_for(4_999)
    assert answer(pair, COMMIT).spec.name == "PROG_COMMIT"
    assert pair.device.commits == 1


def test_after_five_seconds_therapy_waits_for_the_head_and_reading_goes_on() -> None:
    pair = ConnectionPair().open()
    pair.set_head(False)
    pair.run_for(5_000)
    assert refusal(pair, COMMIT) == (ErrorCode.PROXIMITY_REQUIRED, 0)
    assert pair.device.commits == 0
    assert answer(pair, GetStatusRequest()).body.uptime_s
    pair.set_head(True)
    assert answer(pair, COMMIT).body.version == 1


def test_after_sixty_seconds_the_session_is_closed_however_busy() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    pair.set_head(False)
    for _ in range(5):
        pair.run_for(10_000)
        answer(pair, KeepaliveRequest())
    assert pair.pump.next_deadline() == 60_000
    pair.run_for(9_999)
    assert pair.pump.session is session
    pair.run_for(1)
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.HEAD_LOST)
    assert pair.device.closed == [(session.session_id, CloseReason.HEAD_LOST)]


def test_a_head_that_comes_back_in_time_keeps_the_session() -> None:
    pair = ConnectionPair().open()
    for _ in range(3):
        pair.set_head(False)
        pair.run_for(59_000)
        pair.set_head(True)
        answer(pair, KeepaliveRequest())
    pair.run_for(60_000)
    assert pair.pump.session is not None


def test_a_device_is_told_whether_the_head_is_on() -> None:
    pair = ConnectionPair().open()
    callers = []
    for body, head in ((CONFIRM, True), (CONFIRM, False), (CONFIRM, True)):
        pair.set_head(head)
        pair.run_for(6_000)
        pair.programmer.request(body, pair.now_ms)
        (event,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
        assert isinstance(event, RequestReceived)
        callers.append(event.request.caller.near)
        pair.pump.respond(event, pair.device.handle(event.request))
        pair.programmer.receive(pair.pump.data_to_send(), pair.now_ms)
    assert callers == [True, False, True]


def test_a_far_link_has_no_head_to_lose() -> None:
    pair = ConnectionPair(link_class=LinkClass.FAR).open()
    pair.set_head(False)
    pair.run_for(60_000)
    assert answer(pair, GetStatusRequest()).body.uptime_s
    pair.set_head(True)
    assert refusal(pair, COMMIT)[0] is ErrorCode.PROXIMITY_REQUIRED


# --- in the middle of a programming transaction -------------------------------------------------------------


def stage(pair: ConnectionPair) -> None:
    digest = hashlib.sha256(IMAGE).digest()
    for body in (
        ProgBeginRequest(0, len(IMAGE), INTENT),
        ProgStageRequest(HANDLE, 0, IMAGE),
        ProgVerifyRequest(HANDLE, digest),
    ):
        assert answer(pair, body).body


def test_a_commit_without_the_head_changes_nothing_and_may_be_made_when_it_is_back() -> None:
    pair = ConnectionPair().open()
    stage(pair)
    pair.set_head(False)
    pair.run_for(30_000)
    assert refusal(pair, COMMIT) == (ErrorCode.PROXIMITY_REQUIRED, 0)
    assert answer(pair, GetReceiptRequest(INTENT)).body.state is ReceiptState.UNKNOWN
    pair.set_head(True)
    assert answer(pair, COMMIT).body.state is ReceiptState.COMMITTED
    assert pair.device.commits == 1


def test_a_commit_that_runs_when_the_head_is_lost_is_answered() -> None:
    """The pump has taken it; a slow device must not make its answer uncertain."""
    pair = ConnectionPair().open()
    stage(pair)
    pair.programmer.request(COMMIT, pair.now_ms)
    (event,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(event, RequestReceived)
    pair.set_head(False)
    pair.pump.handle_timeout(pair.now_ms + 5_000)
    pair.pump.respond(event, pair.device.handle(event.request))
    (told,) = pair.programmer.receive(pair.pump.data_to_send(), pair.now_ms)
    assert isinstance(told, AnswerReceived)
    assert told.body.state is ReceiptState.COMMITTED


def test_a_commit_whose_session_closed_under_it_is_found_by_its_receipt() -> None:
    pair = ConnectionPair().open()
    stage(pair)
    pair.programmer.request(COMMIT, pair.now_ms)
    (event,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(event, RequestReceived)
    pair.set_head(False)
    pair.line.clock.advance_to(pair.now_ms + 60_000)
    pair.host.serve(b"", pair.now_ms)
    assert pair.device.closed[-1][1] is CloseReason.HEAD_LOST
    assert pair.pump.respond(event, pair.device.handle(event.request)) == []
    assert pair.pump.data_to_send() == b""
    pair.set_head(True)
    pair.open()
    assert answer(pair, GetReceiptRequest(INTENT)).body.state is ReceiptState.COMMITTED
    assert pair.device.commits == 1


# --- the published emergency key ----------------------------------------------------------------------------


def emergency(link_class: LinkClass = LinkClass.NEAR) -> ConnectionPair:
    device = CountingDevice()
    device.add_bond(EMERGENCY_SLOT, Role.EMERGENCY)
    return ConnectionPair(device=device, link_class=link_class)


@pytest.mark.parametrize(
    ("after_ms", "left_s"), [(0, 30), (1, 30), (999, 30), (1_000, 29), (29_000, 1), (29_999, 1)]
)
def test_the_emergency_key_is_told_how_long_it_must_wait(after_ms: int, left_s: int) -> None:
    pair = emergency().open(EMERGENCY_SLOT)
    pair.run_for(after_ms)
    assert refusal(pair, SLOW_DOWN) == (ErrorCode.PROXIMITY_REQUIRED, left_s)
    pair.run_for(30_000 - after_ms)
    assert answer(pair, SLOW_DOWN).body.delivery_state


def test_taking_the_head_off_begins_the_wait_anew() -> None:
    pair = emergency().open(EMERGENCY_SLOT)
    pair.run_for(29_000)
    pair.set_head(False)
    assert refusal(pair, GetStatusRequest()) == (ErrorCode.PROXIMITY_REQUIRED, 30)
    pair.run_for(1_000)
    pair.set_head(True)
    pair.run_for(1_000)
    assert refusal(pair, GetStatusRequest()) == (ErrorCode.PROXIMITY_REQUIRED, 29)
    assert answer(pair, KeepaliveRequest()).body.delivery_state
    pair.run_for(29_000)
    assert answer(pair, GetStatusRequest()).body.uptime_s


def test_time_on_the_pump_before_the_session_does_not_count() -> None:
    pair = emergency()
    pair.run_for(100_000)
    pair.open(EMERGENCY_SLOT)
    assert refusal(pair, SLOW_DOWN) == (ErrorCode.PROXIMITY_REQUIRED, 30)


def test_the_emergency_key_is_not_taken_over_the_far_link() -> None:
    pair = emergency(LinkClass.FAR)
    pair.discover()
    refused = pair.shake_hands(EMERGENCY_SLOT)
    assert refused == LinkRefused(LinkErrorCode.HANDSHAKE_MALFORMED, HandshakeFault.PROXIMITY)
    assert (pair.device.failures, pair.device.guesses.total()) == ([EMERGENCY_SLOT], 0)


def test_a_pump_whose_policy_forbids_it_knows_no_emergency_key() -> None:
    raw = RawProgrammer(ConnectionPair(device=CountingDevice()).host)
    raw.hello()
    raw.begin(EMERGENCY_SLOT)
    unknown = LinkError(LinkErrorCode.HANDSHAKE_MALFORMED, HandshakeFault.UNKNOWN_SLOT)
    assert raw.refused(raw.opening) == unknown


@pytest.mark.parametrize("role", [Role.EMERGENCY, Role.ENROL], ids=lambda role: role.name.lower())
def test_lab_plaintext_cannot_have_a_role_that_proves_something(role: Role) -> None:
    with pytest.raises(ValueError, match=f"lab plaintext cannot have the role {role.name}"):
        PumpEndpoint(CountingDevice(), bytes, lab_role=role)


def test_without_the_head_nobody_wakes_the_pump() -> None:
    """The head may be off for a moment; then a handshake needs it back, and costs no key operation before."""
    pair = ConnectionPair()
    pair.discover()
    pair.set_head(False)
    pair.run_for(SUSPEND_MS)
    assert pair.shake_hands() == LinkRefused(LinkErrorCode.HANDSHAKE_MALFORMED, HandshakeFault.PROXIMITY)
    assert pair.device.admitted.total() == 0
    pair.set_head(True)
    pair.run_for(1_000)
    assert pair.open().pump.session is not None
