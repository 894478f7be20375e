"""Standing alarms: raised once, cleared with their cause, sorted by priority, kept over every reset."""

import pytest
from support.pump_bench import DAY_MS, active_program, ask, caller, commit, log_of, pump_at_work, status

from firmware_model.controller.conditions import CONDITIONS, UNTIL_SEEN
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import AlarmAckEvent, AlarmClearedEvent, AlarmRaisedEvent, read_payload
from protocol.messages.alarms import (
    MAX_ALARMS,
    MAX_HIGH_SILENCE_S,
    MAX_SILENCE_S,
    Alarm,
    AlarmAckRequest,
    AlarmAckResponse,
    AlarmSilenceRequest,
    AlarmSilenceResponse,
    GetAlarmsRequest,
)
from protocol.request_words import SelfTest
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, AlarmState, ErrorCode, Priority, Role

SOME = (
    AlarmCode.RESERVOIR_EMPTY, AlarmCode.PROGRAM_CORRUPT, AlarmCode.EOS,
    AlarmCode.SECURITY_LOCKOUT, AlarmCode.SELF_TEST_FAIL, AlarmCode.MEMORY_FAULT, AlarmCode.PUMP_RESET,
    AlarmCode.STALL_RECOVERED, AlarmCode.RESERVOIR_LOW, AlarmCode.TELEMETRY_ABUSE,
    AlarmCode.PATIENT_BOLUS_DENIED,
)  # fmt: skip
"""As many as the table of standing alarms holds, of every priority."""


def standing(pump: Pump) -> tuple[Alarm, ...]:
    alarms: tuple[Alarm, ...] = ask(pump, GetAlarmsRequest()).alarms
    return alarms


def raise_all(pump: Pump) -> None:
    for number, code in enumerate(SOME):
        pump.advance_to(pump.now_ms + 1_000)
        pump.controller.alarms.raise_alarm(code, number)


def test_a_healthy_pump_has_no_alarm() -> None:
    pump = pump_at_work()
    assert standing(pump) == ()
    assert status(pump).alarm_max_prio is Priority.NONE


def test_alarms_are_told_highest_priority_first() -> None:
    pump = pump_at_work()
    raise_all(pump)
    alarms = standing(pump)
    assert len(alarms) == len(SOME) == MAX_ALARMS
    priorities = [alarm.prio for alarm in alarms]
    assert priorities == sorted(priorities, reverse=True)
    assert {alarm.code: alarm.prio for alarm in alarms} == {code: CONDITIONS[code].prio for code in SOME}
    assert (status(pump).alarm_count, status(pump).alarm_max_prio) == (len(SOME), Priority.HIGH)


def test_conditions_have_a_text_and_a_priority() -> None:
    for code, condition in CONDITIONS.items():
        assert condition.code is code
        assert condition.prio is not Priority.NONE
        assert condition.text.endswith(".")


def test_an_alarm_is_stamped_at_its_onset() -> None:
    pump = pump_at_work()
    at = pump.next_event_ms()
    assert at is not None
    pump.advance_to(60 * DAY_MS)
    (low,) = [alarm for alarm in standing(pump) if alarm.code is AlarmCode.RESERVOIR_LOW]
    assert low.onset_uptime_s == (at + 35 * DAY_MS) // 1_000
    assert low.onset_utc_s == 1_772_409_600 + at // 1_000
    assert low.state is AlarmState.ACTIVE
    assert low.detail in (1_999_999, 2_000_000)


def test_an_alarm_that_stands_is_not_raised_again() -> None:
    pump = pump_at_work()
    alarms = pump.controller.alarms
    alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 1)
    pump.advance_to(5_000)
    pump.controller.alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 2)
    (alarm,) = standing(pump)
    assert (alarm.detail, alarm.instance) == (1, 1)
    assert sum(isinstance(read_payload(record), AlarmRaisedEvent) for record in log_of(pump)) == 1


def test_each_occurrence_has_a_number_of_its_own() -> None:
    pump = pump_at_work()
    alarms = pump.controller.alarms
    for _ in range(3):
        alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 0)
        alarms.clear(AlarmCode.MEMORY_FAULT)
    alarms.clear(AlarmCode.MEMORY_FAULT)
    events = [read_payload(record) for record in log_of(pump)]
    assert [event.instance for event in events if isinstance(event, AlarmRaisedEvent)] == [1, 2, 3]
    assert [event.instance for event in events if isinstance(event, AlarmClearedEvent)] == [1, 2, 3]


def test_no_alarm_is_lost_over_a_reset() -> None:
    """Those that follow a cause are judged anew; the others stand as they stood."""
    pump = pump_at_work()
    pump.controller.alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 3)
    pump.advance_to(50 * DAY_MS)
    before = standing(pump)
    pump.reset()
    after = standing(pump)
    assert set(before) < set(after)
    assert {alarm.code for alarm in after} - {alarm.code for alarm in before} == {AlarmCode.PUMP_RESET}


@pytest.mark.parametrize("nth", range(1, 4))
@pytest.mark.parametrize("torn", [0, 5])
def test_an_alarm_comes_though_power_fails_while_it_is_raised(nth: int, torn: int) -> None:
    pump = pump_at_work()
    at = pump.next_event_ms()
    assert at is not None
    pump.storage.cut_power_at(nth, torn=torn)
    with pytest.raises(PowerCut):
        pump.advance_to(at)
    pump.reset()
    codes = [alarm.code for alarm in standing(pump)]
    assert sorted(codes) == [AlarmCode.RESERVOIR_LOW, AlarmCode.PUMP_RESET]


# --- seen -------------------------------------------------------------------------------------------------

HIGH = AlarmCode.RESERVOIR_EMPTY
MEDIUM = AlarmCode.SELF_TEST_FAIL
LOW = AlarmCode.TELEMETRY_ABUSE
INFO = AlarmCode.PATIENT_BOLUS_DENIED


def with_alarm(code: AlarmCode) -> tuple[Pump, int]:
    """Return a pump on which one alarm stands, and the number of the occurrence."""
    pump = pump_at_work()
    if code is HIGH:
        # This one follows its cause, so it needs one.
        pump.refill(0)
    else:
        pump.controller.alarms.raise_alarm(code, SelfTest.MOTOR)
    return pump, next(alarm.instance for alarm in standing(pump) if alarm.code is code)


def state(pump: Pump, code: AlarmCode) -> AlarmState:
    """Return where an alarm stands, CLEARED where it does not."""
    return next((alarm.state for alarm in standing(pump) if alarm.code is code), AlarmState.CLEARED)


def ack(pump: Pump, instance: int, role: Role = Role.CLINICIAN) -> AlarmAckResponse | Refusal:
    answer: AlarmAckResponse | Refusal = ask(pump, AlarmAckRequest(instance), caller(slot=3, role=role))
    return answer


def silence(
    pump: Pump, instance: int, seconds: int, role: Role = Role.CLINICIAN
) -> AlarmSilenceResponse | Refusal:
    answer: AlarmSilenceResponse | Refusal = ask(
        pump, AlarmSilenceRequest(instance, seconds), caller(slot=3, role=role)
    )
    return answer


def said(pump: Pump) -> list[tuple[object, int]]:
    """Return what the log tells of people and alarms, with their slots."""
    events = [(read_payload(record), record.actor_slot) for record in log_of(pump)]
    return [(event, actor) for event, actor in events if isinstance(event, AlarmAckEvent)]


@pytest.mark.parametrize("code", [HIGH, MEDIUM, LOW])
def test_an_acknowledged_alarm_stands_as_seen_until_its_cause_is_gone(code: AlarmCode) -> None:
    pump, instance = with_alarm(code)
    assert ack(pump, instance) == AlarmAckResponse(instance, AlarmState.ACKED)
    assert state(pump, code) is AlarmState.ACKED
    assert said(pump) == [(AlarmAckEvent(instance, code, AlarmState.ACKED, 0), 3)]
    pump.controller.alarms.raise_alarm(code, 9)
    assert state(pump, code) is AlarmState.ACKED
    pump.controller.alarms.clear(code)
    assert not pump.controller.alarms.stands(code)


def test_an_acknowledgement_survives_a_reset() -> None:
    pump, instance = with_alarm(MEDIUM)
    ack(pump, instance)
    pump.reset()
    assert state(pump, MEDIUM) is AlarmState.ACKED


def test_an_alarm_is_acknowledged_once() -> None:
    pump, instance = with_alarm(MEDIUM)
    ack(pump, instance)
    before = pump.storage.image()
    assert ack(pump, instance) == AlarmAckResponse(instance, AlarmState.ACKED)
    assert pump.storage.image() == before


@pytest.mark.parametrize("code", UNTIL_SEEN)
def test_what_has_only_happened_is_over_when_a_clinician_has_seen_it(code: AlarmCode) -> None:
    pump, instance = with_alarm(code)
    assert ack(pump, instance) == AlarmAckResponse(instance, AlarmState.CLEARED)
    assert standing(pump) == ()
    assert said(pump) == [(AlarmAckEvent(instance, code, AlarmState.ACKED, 0), 3)]
    *_, record = log_of(pump)
    assert read_payload(record) == AlarmClearedEvent(instance, code)


def test_a_lost_program_is_not_mended_by_looking_at_it() -> None:
    pump = pump_at_work()
    for copy in "ab":
        pump.storage.flip_bit(f"bank.0.{copy}", 40)
    pump.reset()
    for alarm in standing(pump):
        ack(pump, alarm.instance)
    assert [alarm.code for alarm in standing(pump)] == [AlarmCode.PROGRAM_CORRUPT]
    commit(pump, active_program(pump_at_work()))
    assert standing(pump) == ()


def test_a_reset_after_one_that_was_silenced_sounds_again() -> None:
    pump = pump_at_work()
    pump.reset()
    (first,) = standing(pump)
    silence(pump, first.instance, 600)
    pump.reset()
    (second,) = standing(pump)
    assert (second.code, second.state, second.detail) == (AlarmCode.PUMP_RESET, AlarmState.ACTIVE, 3)
    assert second.instance > first.instance


@pytest.mark.parametrize(
    ("code", "may"),
    [(INFO, True), (LOW, True), (MEDIUM, False), (HIGH, False), (AlarmCode.PUMP_RESET, False)],
)
def test_p17_the_patient_has_a_say_over_low_alarms_only(code: AlarmCode, may: bool) -> None:
    pump, instance = with_alarm(code)
    before = pump.storage.image()
    forbidden = Refusal(ErrorCode.ROLE_FORBIDDEN, 0)
    silenced = silence(pump, instance, 60, Role.PATIENT)
    assert (silenced == forbidden) is not may
    acknowledged = ack(pump, instance, Role.PATIENT)
    assert (acknowledged == forbidden) is not may
    assert (pump.storage.image() == before) is not may


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.PATIENT])
def test_an_alarm_that_does_not_stand_is_neither_acknowledged_nor_silenced(role: Role) -> None:
    pump, instance = with_alarm(MEDIUM)
    pump.controller.alarms.clear(MEDIUM)
    for unknown in (instance, 0, 0xFFFF):
        assert ack(pump, unknown, role) == Refusal(ErrorCode.OUT_OF_RANGE, 0)
        assert silence(pump, unknown, 10, role) == Refusal(ErrorCode.OUT_OF_RANGE, 0)


# --- silence ----------------------------------------------------------------------------------------------


def test_a_silenced_alarm_is_what_it_was_after_its_time() -> None:
    pump, instance = with_alarm(MEDIUM)
    pump.advance_to(1_500)
    assert silence(pump, instance, 60) == AlarmSilenceResponse(
        instance, AlarmState.SILENCED, 35 * 86_400 + 61
    )
    assert said(pump) == [(AlarmAckEvent(instance, MEDIUM, AlarmState.SILENCED, 60), 3)]
    assert pump.next_event_ms() == 61_500
    pump.advance_to(61_499)
    assert state(pump, MEDIUM) is AlarmState.SILENCED
    pump.advance_to(61_500)
    assert state(pump, MEDIUM) is AlarmState.ACTIVE
    assert pump.observe().alarms == standing(pump)
    assert pump.next_event_ms() != 61_500


def test_an_acknowledged_alarm_is_acknowledged_again_after_its_silence() -> None:
    pump, instance = with_alarm(HIGH)
    ack(pump, instance)
    silence(pump, instance, 60)
    assert state(pump, HIGH) is AlarmState.SILENCED
    pump.advance_to(60_000)
    assert state(pump, HIGH) is AlarmState.ACKED


def test_an_acknowledgement_ends_a_silence() -> None:
    pump, instance = with_alarm(HIGH)
    quiet = pump.next_event_ms()
    silence(pump, instance, 60)
    assert ack(pump, instance) == AlarmAckResponse(instance, AlarmState.ACKED)
    assert pump.next_event_ms() == quiet


def test_a_high_alarm_is_never_silent_for_longer_than_five_minutes() -> None:
    pump, instance = with_alarm(HIGH)
    before = pump.storage.image()
    for seconds in (301, MAX_SILENCE_S):
        assert silence(pump, instance, seconds) == Refusal(ErrorCode.OUT_OF_RANGE, 1, MAX_HIGH_SILENCE_S)
    assert pump.storage.image() == before
    assert isinstance(silence(pump, instance, 300), AlarmSilenceResponse)
    assert isinstance(silence(*with_alarm(MEDIUM), MAX_SILENCE_S), AlarmSilenceResponse)


def test_a_reset_neither_ends_nor_prolongs_a_silence() -> None:
    pump, instance = with_alarm(MEDIUM)
    silence(pump, instance, 60)
    pump.advance_to(20_000)
    pump.reset()
    assert state(pump, MEDIUM) is AlarmState.SILENCED
    pump.advance_to(60_000)
    assert state(pump, MEDIUM) is AlarmState.ACTIVE


def test_a_snapshot_carries_a_silence() -> None:
    pump, instance = with_alarm(MEDIUM)
    silence(pump, instance, 60)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    assert copy.next_event_ms() == pump.next_event_ms() == 60_000
    for each in (pump, copy):
        each.advance_to(DAY_MS)
        assert state(each, MEDIUM) is AlarmState.ACTIVE
    assert copy.snapshot() == pump.snapshot()


# --- a full table -----------------------------------------------------------------------------------------


@pytest.fixture
def crowded() -> Pump:
    """A pump on which as many alarms stand as its table holds."""
    pump = pump_at_work()
    raise_all(pump)
    assert pump.controller.alarms.count == MAX_ALARMS
    return pump


def test_a_full_table_gives_the_lowest_and_oldest_up_for_a_higher_one(crowded: Pump) -> None:
    alarms = crowded.controller.alarms
    alarms.raise_alarm(AlarmCode.ERI, 0)
    assert not alarms.stands(INFO)
    alarms.raise_alarm(AlarmCode.MOTOR_STALL, 0)
    assert not alarms.stands(AlarmCode.RESERVOIR_LOW)
    assert alarms.stands(AlarmCode.TELEMETRY_ABUSE)
    assert alarms.count == MAX_ALARMS
    cleared = [
        event.code for event in map(read_payload, log_of(crowded)) if isinstance(event, AlarmClearedEvent)
    ]
    assert cleared == [INFO, AlarmCode.RESERVOIR_LOW]


def test_a_full_table_has_no_room_for_one_of_its_lowest_priority(crowded: Pump) -> None:
    alarms = crowded.controller.alarms
    alarms.raise_alarm(AlarmCode.ERI, 0)
    before = alarms.standing
    alarms.raise_alarm(AlarmCode.REFILL_DUE, 0)
    alarms.raise_alarm(INFO, 0)
    assert alarms.standing == before
    alarms.clear(MEDIUM)
    alarms.raise_alarm(AlarmCode.REFILL_DUE, 0)
    assert alarms.stands(AlarmCode.REFILL_DUE)


def test_no_high_alarm_is_ever_lost_to_another(crowded: Pump) -> None:
    """Every critical condition has its place, whatever else is wrong."""
    alarms = crowded.controller.alarms
    for code in CONDITIONS:
        alarms.raise_alarm(code, 0)
    high = {code for code, condition in CONDITIONS.items() if condition.is_critical}
    assert len(high) <= MAX_ALARMS
    assert {alarm.code for alarm in alarms.standing if alarm.prio is Priority.HIGH} == high


def test_every_code_of_the_protocol_is_a_condition_of_this_firmware() -> None:
    assert set(CONDITIONS) == set(AlarmCode)


# --- power ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [0, 5, 30])
@pytest.mark.parametrize("nth", range(1, 8))
@pytest.mark.parametrize("code", [MEDIUM, AlarmCode.MEMORY_FAULT])
def test_power_that_fails_while_an_alarm_is_acknowledged_leaves_it_seen_or_not_and_that_is_told(
    code: AlarmCode, nth: int, torn: int
) -> None:
    pump, instance = with_alarm(code)
    pump.storage.cut_power_at(nth, torn=torn)
    try:
        ack(pump, instance)
    except PowerCut:
        pump.reset()
    pump.storage.cut_power_at(0)
    seen = state(pump, code) is not AlarmState.ACTIVE
    assert [event for event, _ in said(pump)] == [AlarmAckEvent(instance, code, AlarmState.ACKED, 0)] * seen
    assert seen or nth == 1
    cleared = AlarmClearedEvent(instance, code) in map(read_payload, log_of(pump))
    assert cleared is (state(pump, code) is AlarmState.CLEARED)


@pytest.mark.parametrize("torn", [0, 5])
@pytest.mark.parametrize("nth", range(1, 5))
def test_every_alarm_that_stands_after_a_cut_was_told_as_raised(nth: int, torn: int) -> None:
    pump = pump_at_work()
    pump.storage.cut_power_at(nth, torn=torn)
    try:
        pump.controller.alarms.raise_alarm(MEDIUM, SelfTest.MOTOR)
    except PowerCut:
        pump.reset()
    raised = [event for event in map(read_payload, log_of(pump)) if isinstance(event, AlarmRaisedEvent)]
    assert sorted(event.instance for event in raised) == sorted(alarm.instance for alarm in standing(pump))
