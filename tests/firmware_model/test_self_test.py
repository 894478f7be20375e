"""Self-tests: each finds its defect, delivery does not notice, and a failure stands until mended."""

from collections.abc import Callable

import pytest
from support.pump_bench import (
    HOUR_MS,
    active_program,
    ask,
    caller,
    commit,
    intent,
    log_of,
    new_pump,
    pump_at_work,
    with_steps,
)

from firmware_model.controller.event_log import cell_of
from firmware_model.controller.self_test import DURATION_MS
from firmware_model.pump import Pump
from protocol.link_control import LinkClass
from protocol.log_record import SelfTestEvent, read_payload
from protocol.messages.codec import BodyError, codec_of
from protocol.messages.registry import VERIFY_MS
from protocol.messages.service import LinkStatsRequest, LinkStatsResponse, SelfTestRequest, SelfTestResponse
from protocol.request_words import SelfTest
from protocol.requests import Caller, LinkReport, Refusal
from protocol.vocabulary import AlarmCode, ErrorCode, Priority, Role

ALL = SelfTest(sum(SelfTest))
NONE = SelfTest(0)


def run(pump: Pump, tests: SelfTest = ALL) -> SelfTestResponse:
    answer = ask(pump, SelfTestRequest(tests), caller(slot=4, role=Role.SERVICE))
    assert isinstance(answer, SelfTestResponse), answer
    assert answer.results == tests
    return answer


def failing(pump: Pump) -> SelfTest | None:
    """Return the mask of the alarm, None where it does not stand."""
    alarms = [each for each in pump.controller.alarms.standing if each.code is AlarmCode.SELF_TEST_FAIL]
    assert all(alarm.prio is Priority.MEDIUM for alarm in alarms)
    return SelfTest(alarms[0].detail) if alarms else None


@pytest.mark.parametrize("make", [pump_at_work, new_pump])
def test_a_healthy_pump_passes_all(make: Callable[[], Pump]) -> None:
    pump = make()
    assert run(pump) == SelfTestResponse(ALL, NONE, sum(DURATION_MS.values()))
    assert failing(pump) is None


def test_a_pump_with_a_long_life_passes_all() -> None:
    pump = pump_at_work()
    for number in range(70):
        pump.advance_to(pump.now_ms + HOUR_MS)
        commit(pump, with_steps(active_program(pump), (0, 8_000 + number)), intent(number + 1))
        if number % 20 == 9:
            pump.reset()
    assert run(pump).failed == NONE


def test_the_time_they_take_is_what_a_programmer_waits_for() -> None:
    assert set(DURATION_MS) == set(SelfTest)
    assert all(each > 0 for each in DURATION_MS.values())
    assert run(pump_at_work(), SelfTest.CLOCK | SelfTest.MOTOR).duration_ms == 110
    assert run(pump_at_work()).duration_ms <= VERIFY_MS


def break_record(pump: Pump) -> None:
    pump.storage.flip_bit("hold.b", 3)


def break_bank(pump: Pump) -> None:
    pump.storage.flip_bit("bank.0.b", 100)


def break_log(pump: Pump) -> None:
    pump.storage.flip_bit(cell_of(3), 100)


def drain_cell(pump: Pump) -> None:
    cell = pump.plant.state.cell
    cell.idle_charge = pump.profile.battery_capacity_uah * 1_000 * HOUR_MS


def stall_motor(pump: Pump) -> None:
    pump.plant.state.motor.gain_ppm = 0


def break_buzzer(pump: Pump) -> None:
    pump.plant.state.buzzer.works = False


DEFECTS = [
    (SelfTest.MEMORY, break_record),
    (SelfTest.PROGRAM, break_bank),
    (SelfTest.LOG_CHAIN, break_log),
    (SelfTest.BATTERY, drain_cell),
    (SelfTest.MOTOR, stall_motor),
    (SelfTest.ALARM_TONE, break_buzzer),
]


@pytest.mark.parametrize(("test", "break_it"), DEFECTS)
def test_each_test_finds_its_defect_and_no_other(test: SelfTest, break_it: Callable[[Pump], None]) -> None:
    pump = pump_at_work()
    break_it(pump)
    assert run(pump, ALL & ~test).failed == NONE
    assert failing(pump) is None
    assert run(pump).failed == test
    assert failing(pump) == test


def test_a_clock_that_was_never_set_fails() -> None:
    pump = new_pump(utc_s=0)
    assert run(pump).failed == SelfTest.CLOCK


def test_a_copy_that_cannot_be_read_fails() -> None:
    pump = pump_at_work()
    pump.storage.fail_reads("bonds.a")
    pump.storage.fail_reads("bank.0.a")
    assert run(pump).failed == SelfTest.MEMORY | SelfTest.PROGRAM


def test_the_alarm_stands_until_each_test_that_failed_has_passed() -> None:
    pump = pump_at_work()
    stall_motor(pump)
    break_buzzer(pump)
    run(pump)
    assert failing(pump) == SelfTest.MOTOR | SelfTest.ALARM_TONE
    pump.plant.state.motor.gain_ppm = 1_000_000
    run(pump, SelfTest.CLOCK)
    assert failing(pump) == SelfTest.MOTOR | SelfTest.ALARM_TONE
    run(pump, SelfTest.MOTOR)
    assert failing(pump) == SelfTest.ALARM_TONE
    pump.reset()
    assert failing(pump) == SelfTest.ALARM_TONE
    pump.plant.state.buzzer.works = True
    run(pump)
    assert failing(pump) is None


def test_the_same_failure_is_one_alarm() -> None:
    pump = pump_at_work()
    stall_motor(pump)
    run(pump)
    before = pump.controller.alarms.standing
    run(pump)
    assert pump.controller.alarms.standing == before


def test_a_run_is_told() -> None:
    pump = pump_at_work()
    stall_motor(pump)
    run(pump, SelfTest.MOTOR | SelfTest.CLOCK)
    records = [record for record in log_of(pump) if isinstance(read_payload(record), SelfTestEvent)]
    assert [(read_payload(record), record.actor_slot) for record in records] == [
        (SelfTestEvent(SelfTest.MOTOR | SelfTest.CLOCK, SelfTest.MOTOR), 4)
    ]


def test_delivery_does_not_notice() -> None:
    pump, twin = pump_at_work(), pump_at_work()
    for hour in range(1, 5):
        pump.advance_to(hour * HOUR_MS)
        run(pump)
    twin.advance_to(4 * HOUR_MS)
    assert pump.belief() == twin.belief()
    assert pump.truth() == twin.truth()
    assert pump.next_event_ms() == twin.next_event_ms()


def test_a_run_of_no_test_is_refused() -> None:
    pump = pump_at_work()
    before = pump.storage.image()
    assert ask(pump, SelfTestRequest(NONE)) == Refusal(ErrorCode.OUT_OF_RANGE, 0)
    assert pump.storage.image() == before


def test_a_test_that_is_not_known_is_refused_by_the_codec() -> None:
    with pytest.raises(BodyError) as refused:
        codec_of(SelfTestRequest).decode((1 << 7).to_bytes(4, "little"))
    assert refused.value.code is ErrorCode.RESERVED_NONZERO


# --- link statistics --------------------------------------------------------------------------------------


def test_link_statistics_are_what_the_link_reports() -> None:
    report = LinkReport(LinkClass.NEAR, 1, 2, 3, 4, 5, 6, 7, (8 << 32) + 9)
    who = Caller(7, 0, Role.READER, near=True, link=report)
    assert ask(pump_at_work(), LinkStatsRequest(), who) == LinkStatsResponse(1, 2, 3, 4, 5, 6, 7, 9)
