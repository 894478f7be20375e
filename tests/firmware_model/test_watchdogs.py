"""Watchdogs and tests of the pump by itself: what hangs is restarted or given up, what rots is mended."""

import pytest
from support.bolus_bench import ask_for_bolus, bolus_pump, give, pass_power_on_test
from support.bolus_bench import told as events
from support.long_lives import told
from support.power_cuts import cut_at_each_write, resets_cut_at_each_write
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    active_program,
    begin,
    commit,
    intent,
    log_of,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.controller.storage import PowerCut
from firmware_model.controller.watchdog import ALARM_MS, WINDOW_MS, Task
from firmware_model.profiles import load_profile, profile_names
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import DataCorruptEvent, SelfTestEvent
from protocol.program import encode_program
from protocol.quantities import UNITS_PER_NL
from protocol.request_words import SelfTest
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, DeliveryState, ErrorCode, EventType, Priority


def advance(pump: Pump, ms: int) -> None:
    pump.advance_to(pump.now_ms + ms)


def wait_for_the_watchdog(pump: Pump) -> int:
    """Let the time pass until the watchdog bites; return how long that took, ms."""
    begin_ms = pump.now_ms
    with pytest.raises(PowerCut, match="watchdog"):
        advance(pump, HOUR_MS)
    assert pump.storage.dark
    return pump.now_ms - begin_ms


# --- watchdogs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", list(Task))
def test_sr_14_a_task_that_hangs_is_restarted_after_90_seconds(task: Task) -> None:
    pump = pump_at_work()
    pump.controller.hang(task)
    assert wait_for_the_watchdog(pump) == WINDOW_MS == 90_000
    pump.reset()
    assert status(pump).delivery_state is DeliveryState.RUNNING
    advance(pump, HOUR_MS)
    assert {alarm.code for alarm in pump.controller.alarms.standing} == {AlarmCode.PUMP_RESET}


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (Task.DELIVERY, DeliveryState.STOPPED),
        (Task.MEASURING, DeliveryState.SAFE_STATE),
        (Task.ALARMS, DeliveryState.SAFE_STATE),
        (Task.TELEMETRY, DeliveryState.RUNNING),
    ],
)
def test_sr_14_what_a_restart_does_not_mend_is_alarmed_after_three_minutes(
    task: Task, state: DeliveryState
) -> None:
    pump = pump_at_work()
    pump.controller.hang(task, stays=True)
    begin_ms = pump.now_ms
    wait_for_the_watchdog(pump)
    pump.reset()
    pump.advance_to(begin_ms + ALARM_MS - 1)
    assert told(pump, AlarmCode.WATCHDOG) is None
    advance(pump, 1)
    assert told(pump, AlarmCode.WATCHDOG) == (Priority.HIGH, task)
    assert status(pump).delivery_state is state
    pump.reset()
    assert status(pump).delivery_state is state
    pump.controller.hang(Task(0))
    commit(pump, with_steps(active_program(pump), (0, 9_000)), intent(1))
    assert (status(pump).delivery_state, status(pump).rate_nl_h) == (DeliveryState.RUNNING, 9_000)
    assert told(pump, AlarmCode.WATCHDOG) is None


def test_a_program_does_not_mend_what_hangs_on() -> None:
    pump = pump_at_work()
    pump.controller.hang(Task.DELIVERY, stays=True)
    wait_for_the_watchdog(pump)
    pump.reset()
    advance(pump, HOUR_MS)
    commit(pump, with_steps(active_program(pump), (0, 9_000)), intent(1))
    advance(pump, 1)
    assert status(pump).rate_nl_h == 0
    assert told(pump, AlarmCode.WATCHDOG) is not None


def test_sr_12_nothing_about_telemetry_holds_delivery() -> None:
    """RS-20: pulses wake the radio while an alarm sounds, a session is left open, the radio task hangs."""
    pump, twin = pump_at_work(), pump_at_work()
    begin(pump, encode_program(active_program(pump)))
    pump.controller.alarms.raise_alarm(AlarmCode.TELEMETRY_ABUSE, 0)
    pump.apply_fault("emi_pulses", pulses=1_000)
    pump.controller.hang(Task.TELEMETRY, stays=True)
    wait_for_the_watchdog(pump)
    pump.reset()
    for each in (pump, twin):
        each.advance_to(2 * DAY_MS)
    assert pump.belief().delivered_units == twin.belief().delivered_units
    assert pump.truth().delivered_units == twin.truth().delivered_units


def test_a_hung_delivery_task_delivers_nothing_until_it_is_restarted() -> None:
    pump = pump_at_work()
    before = pump.belief().delivered_units
    pump.controller.hang(Task.DELIVERY)
    wait_for_the_watchdog(pump)
    pump.reset()
    assert pump.belief().delivered_units == before
    advance(pump, HOUR_MS)
    assert pump.belief().delivered_units - before == 9_000 * UNITS_PER_NL


def test_a_snapshot_carries_a_hang() -> None:
    pump = pump_at_work()
    pump.controller.hang(Task.DELIVERY, stays=True)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    for each in (pump, copy):
        wait_for_the_watchdog(each)
        each.reset()
        advance(each, HOUR_MS)
    assert copy.snapshot() == pump.snapshot()


@pytest.mark.parametrize("torn", [0, 17])
def test_a_task_given_up_stays_given_up_whatever_the_power_does(torn: int) -> None:
    pump = pump_at_work()
    pump.controller.hang(Task.DELIVERY, stays=True)
    wait_for_the_watchdog(pump)
    pump.reset()
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lambda each: advance(each, HOUR_MS)):
        for each in resets_cut_at_each_write(dark, torn):
            advance(each, HOUR_MS)
            assert told(each, AlarmCode.WATCHDOG) == (Priority.HIGH, Task.DELIVERY)
            assert status(each).delivery_state is DeliveryState.STOPPED


# --- tests at a start -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", profile_names())
def test_sr_13_the_tests_of_a_start_take_70_seconds_at_most(name: str) -> None:
    assert 0 < load_profile(name).power_on_test_s <= 70


def test_sr_13_no_bolus_begins_during_the_tests_of_a_start_and_the_basal_rate_goes_on() -> None:
    pump = bolus_pump()
    pump.reset()
    assert ask_for_bolus(pump, 1) == Refusal(ErrorCode.BUSY, detail=10)
    assert status(pump).delivery_state is DeliveryState.RUNNING
    assert status(pump).rate_nl_h > 0
    advance(pump, 9_999)
    assert ask_for_bolus(pump, 2) == Refusal(ErrorCode.BUSY, detail=1)
    advance(pump, 1)
    assert not isinstance(ask_for_bolus(pump, 3), Refusal)


def test_a_clinicians_bolus_waits_for_the_tests_too() -> None:
    pump = bolus_pump()
    pump.reset()
    pass_power_on_test(pump)
    give(pump, 10_000, 1_800)


def test_sr_13_a_test_that_fails_at_a_start_is_alarmed_and_ends_the_rest() -> None:
    pump = pump_at_work()
    pump.apply_fault("tone_generator_dead")
    pump.reset()
    assert told(pump, AlarmCode.SELF_TEST_FAIL) == (Priority.MEDIUM, SelfTest.ALARM_TONE)
    pump.plant.state.cell.adc_offset_mv = -800
    pump.reset()
    assert events(pump, SelfTestEvent)[-1] == SelfTestEvent(SelfTest.BATTERY, SelfTest.BATTERY)
    pump.plant.state.cell.adc_offset_mv = 0
    pump.clear_fault("tone_generator_dead")
    advance(pump, HOUR_MS)
    pump.reset()
    assert told(pump, AlarmCode.SELF_TEST_FAIL) is None


# --- tests each hour --------------------------------------------------------------------------------------


@pytest.mark.parametrize("copy", ["a", "b"])
@pytest.mark.parametrize("name", ["alarms", "clock", "programs", "life", "receipts"])
def test_sr_13_a_flipped_bit_is_mended_within_the_hour_and_told_by_the_log_alone(
    name: str, copy: str
) -> None:
    pump = pump_at_work()
    pump.advance_to(HOUR_MS + 1)
    cell = f"{name}.{copy}"
    good = pump.storage.read(cell)
    pump.storage.flip_bit(cell, 3)
    pump.advance_to(2 * HOUR_MS - 1)
    assert pump.storage.read(cell) != good
    advance(pump, 1)
    assert pump.storage.read(cell) == good
    assert pump.controller.alarms.standing == ()
    assert events(pump, DataCorruptEvent)[-1].cell.rstrip(b"\0") == cell.encode()


def test_sr_15_both_copies_of_the_program_are_mended_from_the_one_that_runs() -> None:
    pump = pump_at_work()
    pump.advance_to(HOUR_MS + 1)
    for copy in "ab":
        pump.storage.flip_bit(f"bank.0.{copy}", 99)
    advance(pump, HOUR_MS)
    pump.reset()
    assert status(pump).delivery_state is DeliveryState.RUNNING
    assert told(pump, AlarmCode.PROGRAM_CORRUPT) is None
    told_cells = [event.cell.rstrip(b"\0") for event in events(pump, DataCorruptEvent)]
    assert told_cells == [b"bank.0.a", b"bank.0.b"]


def test_sr_13_what_cannot_be_mended_is_alarmed_until_it_can() -> None:
    pump = pump_at_work()
    pump.storage.fail_writes("clock.b")
    pump.storage.flip_bit("clock.b", 3)
    advance(pump, HOUR_MS)
    assert told(pump, AlarmCode.SELF_TEST_FAIL) == (Priority.MEDIUM, SelfTest.MEMORY)
    assert status(pump).delivery_state is DeliveryState.RUNNING
    pump.storage.fail_writes("clock.b", fail=False)
    advance(pump, HOUR_MS)
    assert told(pump, AlarmCode.SELF_TEST_FAIL) is None


def test_sound_storage_costs_no_look() -> None:
    pump = pump_at_work()
    writes, log_seq = pump.storage.writes, status(pump).log_last_seq
    pump.advance_to(10 * DAY_MS)
    assert (pump.storage.writes, status(pump).log_last_seq) == (writes, log_seq)
    assert EventType.DATA_CORRUPT not in {record.type for record in log_of(pump)}


@pytest.mark.parametrize("torn", [0, 17])
def test_mending_survives_a_cut_of_power(torn: int) -> None:
    pump = pump_at_work()
    for name in ("life.a", "programs.b", "bank.0.a"):
        pump.storage.flip_bit(name, 5)
    ready = pump.snapshot()
    assert ready.disturbed
    for _nth, dark in cut_at_each_write(ready, torn, lambda each: advance(each, HOUR_MS)):
        for each in resets_cut_at_each_write(dark, torn):
            advance(each, 2 * HOUR_MS)
            assert status(each).delivery_state is DeliveryState.RUNNING
            assert each.controller.alarms.highest in (Priority.NONE, Priority.MEDIUM)
