"""What is told unasked, when, and how often: OITP/1 sections 9 and 17 without a session around."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.device import QUIET
from support.published import ACKNOWLEDGED, NOTIFICATIONS
from support.strategies import example_of

from protocol.messages.alarms import Alarm, AlarmEvent
from protocol.messages.delivery import BolusProgress
from protocol.messages.log import LogAppended
from protocol.messages.registry import NOTIFICATIONS as SPECS
from protocol.messages.registry import by_notification
from protocol.messages.session import SessionEnding
from protocol.messages.status import StatusPush
from protocol.notifications import Notifier
from protocol.request_words import EventMask
from protocol.requests import Observation
from protocol.vocabulary import AlarmState, BolusState, CloseReason

EVERYTHING = EventMask.STATUS | EventMask.BOLUS | EventMask.LOG | EventMask.ALARM | EventMask.SESSION
ALARM = example_of(Alarm)
BUSY = replace(
    QUIET, alarms=(ALARM,), bolus_id=4, bolus_state=BolusState.DELIVERING, bolus_total_nl=900, log_last_seq=41
)
"""An alarm stands, a bolus runs, and the log has grown."""


def subscribed(mask: EventMask = EVERYTHING, period_s: int = 0, look: Observation | None = QUIET) -> Notifier:
    """A notifier that somebody subscribed to at time 0, with a first look at the pump."""
    notifier = Notifier()
    notifier.subscribe(mask, period_s, 0)
    if look is not None:
        notifier.observe(look, 0)
        notifier.take(0)
    return notifier


def told(notifier: Notifier, now_ms: int = 0) -> list[Any]:
    """The bodies that go out now, each under its own message."""
    sent = notifier.take(now_ms)
    assert all(by_notification(body) is spec for spec, body in sent)
    return [body for _, body in sent]


def kinds(bodies: list[Any]) -> list[type]:
    return [type(body) for body in bodies]


def alarm(instance: int, state: AlarmState = AlarmState.ACTIVE) -> Alarm:
    return replace(ALARM, instance=instance, state=state)


def test_the_notifications_acknowledged_are_those_published() -> None:
    assert {spec.name for spec in SPECS} == NOTIFICATIONS.keys()
    assert {spec.name for spec in SPECS if spec.acknowledged} == ACKNOWLEDGED


# --- what is told -------------------------------------------------------------------------------------------


def test_nothing_is_told_before_somebody_subscribes() -> None:
    notifier = Notifier()
    notifier.observe(QUIET, 0)
    notifier.observe(BUSY, 100_000)
    notifier.ending(CloseReason.IDLE, 10)
    assert told(notifier, 200_000) == []
    assert notifier.deadline() is None
    assert notifier.pending == 0


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        (EventMask.STATUS, StatusPush),
        (EventMask.BOLUS, BolusProgress),
        (EventMask.LOG, LogAppended),
        (EventMask.ALARM, AlarmEvent),
        (EventMask.SESSION, SessionEnding),
    ],
)
def test_each_bit_of_the_mask_brings_its_kind_and_no_other(mask: EventMask, kind: type) -> None:
    notifier = subscribed(mask, period_s=1)
    notifier.observe(BUSY, 1_000)
    notifier.ending(CloseReason.IDLE, 10)
    assert kinds(told(notifier, 1_000)) == [kind]


def test_at_the_first_look_alarms_that_nobody_saw_and_a_bolus_that_runs_are_told() -> None:
    states = [alarm(number, state) for number, state in enumerate(AlarmState)]
    notifier = subscribed(look=None)
    notifier.observe(replace(BUSY, alarms=tuple(states)), 0)
    first, second = told(notifier)
    assert first.alarm == alarm(0, AlarmState.ACTIVE)
    assert (second.bolus_id, second.state) == (4, BolusState.DELIVERING)


@pytest.mark.parametrize(
    ("state", "is_told"),
    [(state, state in (BolusState.ARMED, BolusState.DELIVERING)) for state in BolusState],
)
def test_at_the_first_look_a_bolus_of_the_past_is_not_told(state: BolusState, is_told: bool) -> None:
    notifier = subscribed(look=None)
    notifier.observe(replace(QUIET, bolus_id=3, bolus_state=state), 0)
    assert len(told(notifier)) == is_told


def test_an_alarm_is_told_when_it_is_raised_changes_and_clears() -> None:
    notifier = subscribed()
    stories = [(alarm(1),), (alarm(1),), (alarm(1, AlarmState.SILENCED),), (), ()]
    heard = []
    for story in stories:
        notifier.observe(replace(QUIET, alarms=story), 0)
        heard.append([body.alarm for body in told(notifier)])
    cleared = alarm(1, AlarmState.CLEARED)
    assert heard == [[alarm(1)], [], [alarm(1, AlarmState.SILENCED)], [cleared], []]


def test_two_alarms_at_once_are_told_one_by_one() -> None:
    notifier = subscribed()
    notifier.observe(replace(QUIET, alarms=(alarm(1), alarm(2))), 0)
    assert [(body.notify_seq, body.instance) for body in told(notifier)] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "later",
    [
        {"bolus_state": BolusState.CANCELLED},
        {"bolus_id": 5},
        {"bolus_id": 5, "bolus_state": BolusState.ARMED},
    ],
)
def test_a_bolus_is_told_when_it_changes(later: dict[str, Any]) -> None:
    notifier = subscribed(look=BUSY)
    now = replace(BUSY, bolus_delivered_nl=7, **later)
    notifier.observe(now, 1)
    (body,) = told(notifier, 1)
    assert body == BolusProgress(body.notify_seq, now.bolus_id, now.bolus_state, 7, 900)


def test_a_bolus_that_goes_on_is_told_every_five_seconds() -> None:
    notifier = subscribed(EventMask.BOLUS, look=BUSY)
    heard = []
    for now_ms in range(0, 16_000, 250):
        notifier.observe(BUSY, now_ms)
        heard += [now_ms for _ in told(notifier, now_ms)]
        if now_ms == 250:
            assert notifier.deadline() == 5_000
    assert heard == [5_000, 10_000, 15_000]
    notifier.observe(replace(BUSY, bolus_state=BolusState.DONE), 16_000)
    assert len(told(notifier, 16_000)) == 1
    assert notifier.deadline() is None


def test_the_log_is_told_once_for_each_growth() -> None:
    notifier = subscribed(EventMask.LOG)
    heard = []
    for seq in (40, 41, 41, 57):
        notifier.observe(replace(QUIET, log_last_seq=seq), 0)
        heard += told(notifier)
    assert heard == [LogAppended(1, 41), LogAppended(2, 57)]


def test_a_status_line_comes_each_period_and_late_ones_do_not_pile_up() -> None:
    notifier = subscribed(EventMask.STATUS, period_s=10)
    heard = []
    for now_ms in (0, 9_999, 10_000, 10_001, 19_999, 20_000, 55_000, 55_001, 64_999, 65_000):
        notifier.observe(QUIET, now_ms)
        heard += [now_ms for _ in told(notifier, now_ms)]
        assert notifier.deadline() is not None
    assert heard == [10_000, 20_000, 55_000, 65_000]
    assert notifier.deadline() == 75_000


def test_a_status_line_says_what_the_pump_believes() -> None:
    notifier = subscribed(EventMask.STATUS, period_s=1)
    notifier.observe(BUSY, 1_000)
    (body,) = told(notifier, 1_000)
    fields = ("uptime_s", "delivery_state", "rate_nl_h", "reservoir_nl", "alarm_max_prio", "log_last_seq")
    assert [getattr(body, name) for name in fields] == [getattr(BUSY, name) for name in fields]


@pytest.mark.parametrize(("mask", "period_s"), [(EventMask.STATUS, 0), (EventMask.LOG, 10)])
def test_without_a_period_or_without_its_bit_there_is_no_status_line(mask: EventMask, period_s: int) -> None:
    notifier = subscribed(mask, period_s)
    notifier.observe(QUIET, 1_000_000)
    assert told(notifier, 1_000_000) == []
    assert notifier.deadline() is None


# --- how often ----------------------------------------------------------------------------------------------


def repetitions(notifier: Notifier) -> list[int]:
    """When something goes out by itself, until it is silent."""
    times = []
    while (deadline := notifier.deadline()) is not None:
        assert told(notifier, deadline - 1) == []
        times += [deadline] * len(told(notifier, deadline))
    return times


def test_an_alarm_is_repeated_five_times_with_growing_pauses_and_then_no_more() -> None:
    notifier = subscribed()
    notifier.observe(replace(QUIET, alarms=(alarm(1),)), 0)
    (first,) = told(notifier)
    assert notifier.pending == 1
    assert repetitions(notifier) == [1_000, 3_000, 7_000, 15_000, 31_000]
    assert notifier.pending == 0
    notifier.subscribe(EVERYTHING, 0, 40_000)
    notifier.observe(replace(QUIET, alarms=(alarm(1),)), 40_000)
    (again,) = told(notifier, 40_000)
    assert (again.alarm, again.notify_seq) == (first.alarm, first.notify_seq + 1)


def test_a_repetition_is_the_same_message() -> None:
    notifier = subscribed()
    notifier.observe(replace(QUIET, alarms=(alarm(1),)), 0)
    first = told(notifier)
    assert told(notifier, 1_000) == first


def test_what_is_best_effort_is_told_once() -> None:
    notifier = subscribed(EventMask.BOLUS | EventMask.LOG)
    notifier.observe(replace(BUSY, bolus_state=BolusState.DONE), 0)
    assert len(told(notifier)) == 2
    assert notifier.pending == 0
    assert notifier.deadline() is None


@pytest.mark.parametrize(("acknowledged", "left"), [(0, 3), (1, 2), (2, 1), (3, 0), (99, 0)])
def test_an_acknowledgement_counts_for_all_before_it(acknowledged: int, left: int) -> None:
    notifier = subscribed()
    notifier.observe(replace(QUIET, alarms=(alarm(1), alarm(2), alarm(3))), 0)
    told(notifier)
    assert notifier.acknowledge(acknowledged) == notifier.pending == left
    assert [body.notify_seq for body in told(notifier, 1_000)] == list(range(4 - left, 4))


def test_the_newest_word_about_an_alarm_replaces_the_older_ones() -> None:
    notifier = subscribed()
    for state in (AlarmState.ACTIVE, AlarmState.SILENCED, AlarmState.ACKED):
        notifier.observe(replace(QUIET, alarms=(alarm(1, state), alarm(2))), 0)
        told(notifier)
    assert notifier.pending == 2
    repeated = {body.instance: body.state for body in told(notifier, 1_000)}
    assert repeated == {1: AlarmState.ACKED, 2: AlarmState.ACTIVE}


def test_an_alarm_storm_while_nothing_can_be_sent_leaves_one_word_for_each() -> None:
    notifier = subscribed()
    for number in range(1_000):
        state = (AlarmState.ACTIVE, AlarmState.SILENCED)[number % 2]
        notifier.observe(replace(QUIET, alarms=(alarm(1, state), alarm(2))), number)
    assert [(body.instance, body.state) for body in told(notifier, 1_000)] == [
        (2, AlarmState.ACTIVE),
        (1, AlarmState.SILENCED),
    ]


def test_however_much_happens_while_nothing_can_be_sent_what_waits_is_bounded() -> None:
    """GET_ALARMS tells the truth, so of many occurrences the newest are enough."""
    notifier = subscribed(period_s=1)
    for number in range(1, 1_000):
        now = replace(
            QUIET,
            alarms=(alarm(number),),
            log_last_seq=number,
            bolus_id=number,
            bolus_state=BolusState.DELIVERING,
        )
        notifier.observe(now, number * 1_000)
    sent = told(notifier, 1_000_000)
    assert len(sent) <= 32 + 3
    assert [kinds(sent).count(kind) for kind in (LogAppended, BolusProgress, StatusPush)] == [1, 1, 1]
    assert [body.log_last_seq for body in sent if isinstance(body, LogAppended)] == [999]
    assert alarm(999) in [body.alarm for body in sent if isinstance(body, AlarmEvent)]
    numbers = [body.notify_seq for body in sent]
    assert numbers == sorted(set(numbers))


def test_an_alarm_storm_that_nobody_acknowledges_keeps_thirty_two_in_mind() -> None:
    notifier = subscribed()
    for number in range(1, 200):
        notifier.observe(replace(QUIET, alarms=(alarm(number),)), 0)
        told(notifier)
    assert notifier.pending == 32


# --- subscribing anew, and the end --------------------------------------------------------------------------


def test_subscribing_anew_begins_anew_and_counts_on() -> None:
    notifier = subscribed(look=BUSY)
    assert notifier.pending == 1
    notifier.subscribe(EventMask.LOG, 0, 100)
    assert (notifier.mask, notifier.pending) == (EventMask.LOG, 0)
    notifier.observe(BUSY, 100)
    notifier.observe(replace(BUSY, alarms=(alarm(9),), log_last_seq=42), 200)
    assert told(notifier, 5_000) == [LogAppended(3, 42)]


def test_subscribing_to_nothing_ends_it() -> None:
    notifier = subscribed(period_s=1, look=BUSY)
    notifier.subscribe(EventMask(0), 1, 100)
    notifier.observe(replace(BUSY, log_last_seq=50), 60_000)
    assert told(notifier, 60_000) == []
    assert notifier.deadline() is None


def test_the_end_of_the_session_is_told_once_for_each_reason() -> None:
    notifier = subscribed()
    for _ in range(3):
        notifier.ending(CloseReason.IDLE, 10)
        notifier.ending(CloseReason.EXPIRED, 60)
    assert told(notifier) == [
        SessionEnding(1, CloseReason.IDLE, 10),
        SessionEnding(2, CloseReason.EXPIRED, 60),
    ]
    assert [notifier.told_ending(reason) for reason in (CloseReason.IDLE, CloseReason.DONE)] == [True, False]
    assert len(told(notifier, 1_000)) == 2


def test_an_end_that_was_taken_back_may_be_told_again() -> None:
    notifier = subscribed()
    notifier.ending(CloseReason.IDLE, 10)
    told(notifier)
    notifier.stays(CloseReason.EXPIRED)
    assert notifier.pending == 1
    notifier.stays(CloseReason.IDLE)
    assert not notifier.told_ending(CloseReason.IDLE)
    notifier.ending(CloseReason.IDLE, 9)
    assert notifier.pending == 0
    assert told(notifier, 5_000) == [SessionEnding(2, CloseReason.IDLE, 9)]


def test_an_end_is_told_to_whoever_subscribes_anew() -> None:
    notifier = subscribed()
    notifier.ending(CloseReason.EXPIRED, 60)
    notifier.subscribe(EVERYTHING, 0, 100)
    notifier.ending(CloseReason.EXPIRED, 59)
    assert told(notifier, 100) == [SessionEnding(2, CloseReason.EXPIRED, 59)]


def test_the_seconds_of_an_end_fit_their_field() -> None:
    notifier = subscribed()
    notifier.ending(CloseReason.EXPIRED, 100_000)
    (body,) = told(notifier)
    assert body.seconds == 0xFFFF


# --- whatever happens ---------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("look", "take", "ack", "subscribe", "ending")),
        st.integers(0, 9),
        st.integers(0, 20_000),
    ),
    max_size=40,
)


@given(STEPS)
def test_numbers_rise_and_nothing_is_said_more_than_six_times(
    steps: list[tuple[str, int, int]],
) -> None:
    notifier = subscribed(period_s=3)
    now_ms, sent = 0, list[Any]()
    for what, number, later_ms in steps:
        now_ms += later_ms
        if what == "look":
            alarms = tuple(
                alarm(n, AlarmState.ACTIVE if n < 5 else AlarmState.SILENCED) for n in range(number)
            )
            notifier.observe(replace(BUSY, alarms=alarms, log_last_seq=number), now_ms)
        elif what == "take":
            sent += told(notifier, now_ms)
        elif what == "ack":
            notifier.acknowledge(number * 5)
        elif what == "subscribe":
            notifier.subscribe(EventMask(number), 2, now_ms)
        else:
            notifier.ending(CloseReason.IDLE, number)
    by_number: dict[int, list[Any]] = {}
    for body in sent:
        by_number.setdefault(body.notify_seq, []).append(body)
    assert list(by_number) == sorted(by_number)
    for same in by_number.values():
        once = not by_notification(same[0]).acknowledged
        assert len(same) <= (1 if once else 6)
        assert all(body == same[0] for body in same)
    assert notifier.pending <= 32
