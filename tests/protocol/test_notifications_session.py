"""Notifications inside a session: never between a request and its response, and nothing without a session."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from support.device import QUIET
from support.faulty_line import GOOD, Channel, Fault, Mishap
from support.protocol_pair import CONFIRM, ConnectionPair, spend_records
from support.strategies import example_of

from protocol.application import build_message
from protocol.drops import DropReason
from protocol.events import (
    AnswerReceived,
    FrameDropped,
    NotificationReceived,
    ProgrammerEvent,
    RequestReceived,
    SessionClosed,
)
from protocol.frame import to_wire
from protocol.messages.alarms import Alarm, AlarmEvent
from protocol.messages.errors import ErrorBody
from protocol.messages.log import LogAppended
from protocol.messages.session import (
    KeepaliveRequest,
    NotifyAckRequest,
    NotifyAckResponse,
    SessionCloseRequest,
    SessionEnding,
    SubscribeRequest,
    SubscribeResponse,
)
from protocol.messages.status import GetStatusRequest, StatusPush
from protocol.records import MAX_RECORDS
from protocol.request_words import EventMask
from protocol.vocabulary import CloseReason, ErrorCode

EVERYTHING = EventMask.STATUS | EventMask.BOLUS | EventMask.LOG | EventMask.ALARM | EventMask.SESSION
ALARMED = replace(QUIET, alarms=(example_of(Alarm),))
HOUR_MS = 3_600_000
LOST = Mishap(Fault.DROP)


def subscribed(mask: EventMask = EVERYTHING, period_s: int = 0) -> ConnectionPair:
    pair = ConnectionPair().open()
    answer = pair.ask(SubscribeRequest(mask, period_s))
    assert isinstance(answer, AnswerReceived)
    assert answer.body == SubscribeResponse(mask, period_s)
    return pair


def heard(events: Sequence[ProgrammerEvent]) -> list[NotificationReceived]:
    return [event for event in events if isinstance(event, NotificationReceived)]


def bodies(events: Sequence[ProgrammerEvent]) -> list[object]:
    return [event.body for event in heard(events)]


# --- when ---------------------------------------------------------------------------------------------------


def test_a_change_is_told_between_requests() -> None:
    pair = subscribed()
    pair.device.observation = ALARMED
    (event,) = heard(pair.run_for(1))
    assert (event.spec.name, event.body.alarm, event.repeated) == ("ALARM_EVENT", ALARMED.alarms[0], False)


@pytest.mark.parametrize("slow_ms", [0, 1, 2_500, 40_000])
def test_nothing_is_told_between_a_request_and_its_response(slow_ms: int) -> None:
    pair = subscribed(period_s=1)
    pair.programmer.request(GetStatusRequest(), 0)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), 0)
    assert isinstance(request, RequestReceived)
    for now_ms in range(0, slow_ms + 1, 500):
        pair.pump.observe(ALARMED, now_ms)
        pair.pump.handle_timeout(now_ms)
        pair.pump.set_head(True, now_ms)
        assert pair.pump.data_to_send() == b""
    pair.pump.respond(request, pair.device.handle(request.request))
    events = pair.programmer.receive(pair.pump.data_to_send(), slow_ms)
    assert isinstance(events[0], AnswerReceived)
    told = bodies(events[1:])
    assert isinstance(told[0], AlarmEvent)
    assert [type(body) for body in told[1:]] == [StatusPush] * (slow_ms >= 1_000)


def test_a_request_the_endpoint_answers_itself_holds_nothing_back() -> None:
    pair = subscribed()
    pair.pump.observe(ALARMED, 0)
    pair.pump.data_to_send()
    pair.programmer.request(NotifyAckRequest(0), 0)
    pair.pump.receive(pair.programmer.data_to_send(), 0)
    assert pair.pump.data_to_send() != b""


def test_a_repetition_of_a_request_gets_its_cached_answer_among_notifications() -> None:
    pair = subscribed()
    pair.line.to_programmer = Channel([LOST, GOOD])
    pair.device.observation = ALARMED
    executed = pair.device.executed.total()
    answer = pair.ask(GetStatusRequest())
    assert isinstance(answer, AnswerReceived)
    assert answer.cached
    assert pair.device.executed.total() == executed + 1


def test_a_lost_notification_comes_again_and_is_marked_where_it_came_before() -> None:
    pair = subscribed()
    pair.line.to_programmer = Channel([LOST, GOOD])
    pair.device.observation = ALARMED
    told = heard(pair.run_for(3_000))
    assert [event.repeated for event in told] == [False, True]
    assert told[0].body == told[1].body


def test_repetitions_keep_no_session_alive_and_end_by_themselves() -> None:
    pair = subscribed(EventMask.ALARM)
    pair.device.observation = ALARMED
    assert len(heard(pair.run_for(119_000))) == 6
    assert pair.pump.session is not None
    pair.run_for(1_000)
    assert pair.pump.session is None


def test_acknowledging_ends_the_repetition() -> None:
    pair = subscribed()
    pair.device.observation = ALARMED
    (event,) = heard(pair.run_for(500))
    answer = pair.ask(NotifyAckRequest(event.body.notify_seq))
    assert isinstance(answer, AnswerReceived)
    assert answer.body == NotifyAckResponse(0)
    assert heard(pair.run_for(40_000)) == []


def test_the_endpoint_tells_how_many_wait() -> None:
    pair = subscribed()
    alarms = tuple(replace(ALARMED.alarms[0], instance=number) for number in (1, 2, 3))
    pair.device.observation = replace(QUIET, alarms=alarms)
    told = heard(pair.run_for(1))
    answer = pair.ask(NotifyAckRequest(told[1].body.notify_seq))
    assert isinstance(answer, AnswerReceived)
    assert answer.body == NotifyAckResponse(1)


def test_the_pump_wakes_for_what_it_has_to_tell() -> None:
    """The next deadline is enough to drive it: repetitions, status lines and the warning of the end."""
    pair = subscribed(period_s=7)
    assert pair.pump.next_deadline() == 7_000
    pair.pump.observe(ALARMED, 0)
    assert pair.pump.next_deadline() == 1_000


# --- only where it belongs ----------------------------------------------------------------------------------


def test_nothing_is_told_to_whoever_has_not_subscribed() -> None:
    pair = ConnectionPair().open()
    assert not pair.pump.subscribed
    pair.pump.observe(ALARMED, 0)
    pair.run_for(115_000)
    assert heard(pair.events) == []


def test_nobody_subscribes_before_the_session_is_confirmed() -> None:
    pair = ConnectionPair().open(confirm=False)
    answer = pair.ask(SubscribeRequest(EVERYTHING, 1))
    assert isinstance(answer, AnswerReceived)
    assert isinstance(answer.body, ErrorBody)
    assert answer.body.code is ErrorCode.SESSION_NOT_CONFIRMED
    assert not pair.pump.subscribed


@pytest.mark.parametrize("period_s", [3_601, 0xFFFF])
def test_a_status_period_is_an_hour_at_most(period_s: int) -> None:
    answer = ConnectionPair().open().ask(SubscribeRequest(EventMask.STATUS, period_s))
    assert isinstance(answer, AnswerReceived)
    assert (answer.body.code, answer.body.field) == (ErrorCode.OUT_OF_RANGE, 1)


def test_a_subscription_ends_with_its_session() -> None:
    pair = subscribed()
    pair.ask(SessionCloseRequest(CloseReason.DONE))
    assert not pair.pump.subscribed
    pair.pump.observe(ALARMED, pair.now_ms)
    assert pair.pump.data_to_send() == b""
    pair.open()
    pair.device.observation = ALARMED
    assert heard(pair.run_for(10_000)) == []


def test_what_was_never_acknowledged_is_told_to_the_next_session() -> None:
    pair = subscribed()
    pair.device.observation = ALARMED
    pair.run_for(32_000)
    pair.open()
    before = len(pair.events)
    pair.ask(SubscribeRequest(EVERYTHING, 0))
    pair.run_for(500)
    told = heard(pair.events[before:])
    assert [(event.body.notify_seq, event.body.alarm, event.repeated) for event in told] == [
        (1, ALARMED.alarms[0], False)
    ]


def test_confirming_again_subscribes_to_nothing() -> None:
    pair = ConnectionPair().open()
    pair.ask(CONFIRM)
    assert not pair.pump.subscribed


# --- the end is told ----------------------------------------------------------------------------------------


def ends(events: Sequence[ProgrammerEvent]) -> list[SessionEnding]:
    return [
        event.body for event in heard(events) if isinstance(event.body, SessionEnding) and not event.repeated
    ]


def test_ten_seconds_before_an_idle_session_closes_its_programmer_is_told() -> None:
    pair = subscribed()
    idle_from = pair.now_ms
    assert pair.pump.next_deadline() == idle_from + 110_000
    assert ends(pair.run_for(109_999)) == []
    assert ends(pair.run_for(1)) == [SessionEnding(1, CloseReason.IDLE, 10)]
    assert ends(pair.run_for(9_999)) == []
    pair.run_for(1)
    assert isinstance(pair.host.events[-1], SessionClosed)


def test_each_silence_is_told_anew_and_not_repeated_once_it_is_over() -> None:
    """Driven by its own deadlines alone, the pump must not forget to warn a second time."""
    pair = subscribed()
    told = []
    for _ in range(3):
        told += ends(pair.run_for(111_000))
        assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
        last_heard = pair.now_ms
        assert pair.pump.next_deadline() == last_heard + 110_000
        assert heard(pair.run_for(40_000)) == []
        assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    assert told == [SessionEnding(number, CloseReason.IDLE, 10) for number in (1, 2, 3)]


def test_a_warning_is_due_again_right_after_the_record_that_took_it_back() -> None:
    """A host that only asks for the next deadline, and does not look in between, warns all the same."""
    pair = subscribed()
    pair.pump.handle_timeout(110_000)
    pair.pump.data_to_send()
    pair.programmer.request(KeepaliveRequest(), 111_000)
    pair.pump.receive(pair.programmer.data_to_send(), 111_000)
    assert pair.pump.next_deadline() == 111_000 + 110_000


def test_a_minute_before_eight_hours_are_over_the_programmer_is_told() -> None:
    pair = ConnectionPair(idle_timeout_s=600).open()
    opened = pair.now_ms
    pair.ask(SubscribeRequest(EventMask.SESSION, 0))
    while pair.now_ms < opened + 8 * HOUR_MS - 300_000:
        pair.run_for(300_000)
        pair.ask(KeepaliveRequest())
    assert ends(pair.run_for(opened + 8 * HOUR_MS - 60_001 - pair.now_ms)) == []
    assert ends(pair.run_for(1)) == [SessionEnding(1, CloseReason.EXPIRED, 60)]
    pair.ask(NotifyAckRequest(1))
    assert ends(pair.run_for(20_000)) == []
    before = len(pair.events)
    pair.ask(SubscribeRequest(EventMask.SESSION, 0))
    pair.run_for(500)
    assert ends(pair.events[before:]) == [SessionEnding(2, CloseReason.EXPIRED, 40)]


def test_the_last_records_are_told_once_and_not_spent_on_telling_it() -> None:
    pair = subscribed(EventMask.SESSION)
    session = pair.pump.session
    assert session is not None
    spend_records(session, MAX_RECORDS - 66)
    pair.ask(KeepaliveRequest())
    assert ends(pair.events) == []
    pair.ask(KeepaliveRequest())
    assert session.sender.remaining <= 64
    pair.run_for(40_000)
    told = [event for event in heard(pair.events) if isinstance(event.body, SessionEnding)]
    assert {event.body for event in told} == {SessionEnding(1, CloseReason.EXPIRED, 0)}
    assert len(told) == 6
    assert session.sender.remaining == 64 - 6
    assert pair.pump.session is session


def test_the_last_records_are_told_with_the_notification_that_brought_it_about() -> None:
    pair = subscribed(EventMask.LOG | EventMask.SESSION)
    session = pair.pump.session
    assert session is not None
    spend_records(session, MAX_RECORDS - 65)
    pair.pump.observe(replace(QUIET, log_last_seq=99), pair.now_ms)
    told = bodies(pair.programmer.receive(pair.pump.data_to_send(), pair.now_ms))
    assert told == [LogAppended(1, 99), SessionEnding(2, CloseReason.EXPIRED, 0)]


def test_what_is_due_when_the_head_moves_is_told_at_once() -> None:
    """A pump that only asks for the next deadline would otherwise say it when the session ends."""
    pair = subscribed()
    pair.pump.set_head(False, 110_000)
    told = bodies(pair.programmer.receive(pair.pump.data_to_send(), 110_000))
    assert told == [SessionEnding(1, CloseReason.IDLE, 10)]


def test_the_end_is_not_told_to_whoever_does_not_want_to_know() -> None:
    pair = subscribed(EventMask.ALARM)
    assert pair.pump.next_deadline() == pair.now_ms + 120_000
    assert heard(pair.run_for(119_999)) == []


def test_notifications_use_up_records_and_the_last_one_ends_the_session() -> None:
    pair = subscribed(EventMask.LOG)
    session = pair.pump.session
    assert session is not None
    spend_records(session, MAX_RECORDS - 1)
    pair.device.observation = replace(QUIET, log_last_seq=99)
    pair.run_for(10)
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.EXPIRED)


# --- the programmer's end -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plaintext",
    [
        build_message(0x9C0A, 1, bytes(8)),
        build_message(0x9C0A, 0, bytes(7)),
        build_message(0x9C0A, 0, bytes(8), mflags=1),
        build_message(0x9C0A, 0, bytes(8)) + b"\0",
        build_message(0x8124, 0, bytes(8)),
        build_message(0xA00A, 0, bytes(22)),
    ],
    ids=["transaction", "length", "flags", "longer than it says", "unknown", "word"],
)
def test_a_malformed_notification_is_dropped_and_counted(plaintext: bytes) -> None:
    pair = subscribed()
    session = pair.pump.session
    assert session is not None
    (event,) = pair.programmer.receive(to_wire(session.sender.seal(0, plaintext)), pair.now_ms)
    assert isinstance(event, FrameDropped)
    assert event.drop.reason is DropReason.HEADER
    assert pair.programmer.counters.drops[DropReason.HEADER] == 1


def test_a_notification_answers_no_request() -> None:
    pair = subscribed()
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    session = pair.pump.session
    assert session is not None
    told = to_wire(session.sender.seal(0, build_message(0x9C0A, 0, b"\x07\0\0\0\x09\0\0\0")))
    assert bodies(pair.programmer.receive(told, pair.now_ms)) == [LogAppended(7, 9)]
    assert pair.programmer.waiting
