"""Standing alarms: raised once, cleared with their cause, sorted by priority, kept over every reset."""

import pytest
from support.pump_bench import DAY_MS, ask, log_of, pump_at_work, status

from firmware_model.controller.alarms import CONDITIONS
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from protocol.log_record import AlarmClearedEvent, AlarmRaisedEvent, read_payload
from protocol.messages.alarms import MAX_ALARMS, Alarm, GetAlarmsRequest
from protocol.vocabulary import AlarmCode, AlarmState, Priority


def standing(pump: Pump) -> tuple[Alarm, ...]:
    alarms: tuple[Alarm, ...] = ask(pump, GetAlarmsRequest()).alarms
    return alarms


def raise_all(pump: Pump) -> None:
    for number, code in enumerate(CONDITIONS):
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
    assert len(alarms) == len(CONDITIONS) <= MAX_ALARMS
    priorities = [alarm.prio for alarm in alarms]
    assert priorities == sorted(priorities, reverse=True)
    assert {alarm.code: alarm.prio for alarm in alarms} == {
        code: condition.prio for code, condition in CONDITIONS.items()
    }
    assert (status(pump).alarm_count, status(pump).alarm_max_prio) == (len(CONDITIONS), Priority.HIGH)


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
