"""What raises each alarm and what ends it: real causes, in simulated time."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bolus_bench import ask_for_bolus, bolus_pump, give
from support.bolus_bench import told as events
from support.long_lives import standing_alarm, told
from support.power_cuts import cut_at_each_write, resets_cut_at_each_write
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    MONDAY_UTC_S,
    active_program,
    ask,
    commit,
    intent,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import AlarmClearedEvent, AlarmRaisedEvent, BolusEndEvent
from protocol.messages.alarms import AlarmAckRequest
from protocol.messages.clock import SetClockRequest
from protocol.quantities import MS_PER_MINUTE, NL_PER_ML
from protocol.request_words import ClockSource, DeliveryReason
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, BolusState, DeliveryState, ErrorCode, OpState, Priority

DETECT_MS = 20 * MS_PER_MINUTE
RECOVER_MS = 90 * MS_PER_MINUTE
OVER, OCCLUSION = AlarmCode.OVERINFUSION_SUSPECT, AlarmCode.OCCLUSION_SUSPECT


def advance(pump: Pump, ms: int) -> None:
    pump.advance_to(pump.now_ms + ms)


def acknowledge(pump: Pump, code: AlarmCode) -> None:
    alarm = standing_alarm(pump, code)
    assert alarm is not None
    assert not isinstance(ask(pump, AlarmAckRequest(alarm.instance)), Refusal)


# --- motor ------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5 * HOUR_MS), st.integers(21, 600))
def test_sr_10_a_stall_and_its_end_are_found_within_their_bounds(begins_ms: int, minutes: int) -> None:
    pump = pump_at_work()
    pump.advance_to(begins_ms)
    pump.apply_fault("motor_stall", minutes=minutes)
    pump.advance_to(begins_ms + DETECT_MS)
    assert told(pump, AlarmCode.MOTOR_STALL) == (Priority.HIGH, 20)
    assert status(pump).delivery_state is DeliveryState.RUNNING
    pump.advance_to(max(pump.now_ms, begins_ms + minutes * MS_PER_MINUTE + RECOVER_MS))
    assert told(pump, AlarmCode.MOTOR_STALL) is None
    recovered = told(pump, AlarmCode.STALL_RECOVERED)
    assert recovered is not None
    stalled_s = minutes * 60
    assert stalled_s - DETECT_MS // 1_000 <= recovered[1] <= stalled_s + RECOVER_MS // 1_000


def test_sr_10_the_log_tells_of_stall_and_recovery_with_the_duration() -> None:
    pump = pump_at_work()
    pump.apply_fault("motor_stall", minutes=60)
    advance(pump, DAY_MS)
    raised = [(event.code, event.detail) for event in events(pump, AlarmRaisedEvent)]
    # Found at 00:20 by the grid of 20 min, its end at 01:30 by that of 90 min.
    assert raised == [(AlarmCode.MOTOR_STALL, 20), (AlarmCode.STALL_RECOVERED, 70 * 60)]
    assert [event.code for event in events(pump, AlarmClearedEvent)] == [AlarmCode.MOTOR_STALL]
    acknowledge(pump, AlarmCode.STALL_RECOVERED)
    assert pump.controller.alarms.standing == ()


def test_a_stall_shorter_than_the_detection_may_pass_unseen() -> None:
    pump = pump_at_work()
    advance(pump, MS_PER_MINUTE)
    pump.apply_fault("motor_stall", minutes=10)
    advance(pump, DAY_MS)
    assert pump.controller.alarms.standing == ()
    assert pump.plant.state.motor.missed_strokes > 0


def test_rs_05_a_stop_before_the_scan_hides_the_stall_until_the_pump_runs_again() -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 60, reason=DeliveryReason.PROCEDURE)
    pump.apply_fault("motor_seized")
    advance(pump, 59 * MS_PER_MINUTE)
    assert told(pump, AlarmCode.MOTOR_STALL) is None
    advance(pump, MS_PER_MINUTE + DETECT_MS)
    assert told(pump, AlarmCode.MOTOR_STALL) is not None


def test_a_stall_is_remembered_over_a_reset() -> None:
    pump = pump_at_work()
    pump.apply_fault("motor_stall", minutes=120)
    advance(pump, HOUR_MS)
    pump.reset()
    assert told(pump, AlarmCode.MOTOR_STALL) is not None
    advance(pump, 3 * HOUR_MS)
    assert told(pump, AlarmCode.STALL_RECOVERED) == (Priority.MEDIUM, 160 * 60)


def test_a_stall_ends_a_bolus_and_lets_none_begin() -> None:
    pump = bolus_pump()
    give(pump, 20_000, 7_200)
    pump.apply_fault("motor_seized")
    advance(pump, DETECT_MS)
    assert events(pump, BolusEndEvent)[-1].state is BolusState.FAULTED
    with pytest.raises(AssertionError, match=ErrorCode.MOTOR.name):
        give(pump, 20_000, 7_200, number=2)


def test_sr_07_a_stop_on_command_completes_the_stroke_and_one_by_a_fault_does_not() -> None:
    for ordered in (True, False):
        pump = pump_at_work()
        advance(pump, 12_345)
        pump.belief()
        motor = pump.plant.state.motor
        commanded, moved = motor.commanded_units, motor.moved_units
        assert moved < commanded
        if ordered:
            pump.controller.therapy.order_hold(DeliveryState.STOPPED, 60)
        else:
            pump.controller.life.put(replace(pump.controller.life.record, eri_ms=1, eos_ms=2))
            pump.controller.therapy.review()
        assert status(pump).delivery_state is DeliveryState.STOPPED
        stroke = pump.plant.pathway.stroke_units
        expected = -(-commanded // stroke) if ordered else commanded // stroke
        assert pump.plant.state.motor.moved_units == expected * stroke


# --- stops ------------------------------------------------------------------------------------------------


def test_sr_09_a_pump_stopped_for_48_hours_says_so_until_it_runs_again() -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, pump.profile.stop_max_min)
    advance(pump, 48 * HOUR_MS - 1)
    assert told(pump, AlarmCode.LONG_STOP) is None
    pump.reset()
    advance(pump, 1)
    assert told(pump, AlarmCode.LONG_STOP) == (Priority.HIGH, 48 * 60)
    advance(pump, 24 * HOUR_MS)
    assert told(pump, AlarmCode.LONG_STOP) is None
    assert status(pump).delivery_state is DeliveryState.RUNNING


def test_sr_27_three_restarts_in_ten_minutes_end_in_the_minimum_rate() -> None:
    pump = pump_at_work()
    for number in range(3):
        assert status(pump).delivery_state is DeliveryState.RUNNING
        advance(pump, (3 + number) * MS_PER_MINUTE)
        pump.reset()
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.op_state) == (
        DeliveryState.SAFE_STATE,
        250,
        OpState.FAULT,
    )
    assert told(pump, AlarmCode.RESTART_LOOP) == (Priority.HIGH, 3)
    pump.reset()
    advance(pump, DAY_MS)
    assert status(pump).delivery_state is DeliveryState.SAFE_STATE
    commit(pump, with_steps(active_program(pump), (0, 9_000)), intent(1))
    assert status(pump).delivery_state is DeliveryState.RUNNING
    assert told(pump, AlarmCode.RESTART_LOOP) is None


def test_sr_27_restarts_further_apart_are_no_loop() -> None:
    pump = pump_at_work()
    for _ in range(6):
        advance(pump, 5 * MS_PER_MINUTE + 1)
        pump.reset()
        assert status(pump).delivery_state is DeliveryState.RUNNING


def test_sr_27_stopping_and_resuming_by_hand_is_no_loop_without_a_critical_alarm() -> None:
    for is_stalled in (False, True):
        pump = pump_at_work()
        if is_stalled:
            pump.apply_fault("motor_seized")
            advance(pump, HOUR_MS)
        for _ in range(3):
            advance(pump, MS_PER_MINUTE)
            pump.controller.therapy.order_hold(DeliveryState.STOPPED, 60)
            pump.controller.therapy.release_hold()
        wanted = DeliveryState.SAFE_STATE if is_stalled else DeliveryState.RUNNING
        assert status(pump).delivery_state is wanted


# --- reservoir --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra_nl", "code"),
    [(0, None), (1_000_000, None), (-1_000_000, None), (1_000_001, OCCLUSION), (-1_000_001, OVER)],
)
def test_sr_11_a_residual_beyond_accuracy_and_a_millilitre_is_suspect(
    extra_nl: int, code: AlarmCode | None
) -> None:
    """4 days at 0.24 mL: 14.5 % of what was delivered since the last refill is less than the 1 mL."""
    pump = pump_at_work()
    pump.refill(18 * NL_PER_ML)
    advance(pump, 4 * DAY_MS)
    expected_nl = pump.controller.therapy.registers.content_nl
    pump.controller.therapy.record_refill(expected_nl + extra_nl, 18 * NL_PER_ML)
    standing = {alarm.code: alarm.detail for alarm in pump.controller.alarms.standing}
    assert standing == ({} if code is None else {code: abs(extra_nl)})


def test_sr_11_the_tolerance_grows_with_what_was_delivered_since_the_last_refill() -> None:
    pump = pump_at_work()
    pump.refill(20 * NL_PER_ML)
    advance(pump, 60 * DAY_MS)
    expected_nl = pump.controller.therapy.registers.content_nl
    allowed_nl = 60 * 240_000 * 145 // 1_000
    for missing_nl, is_suspect in ((allowed_nl, False), (allowed_nl + 1, True)):
        copy = Pump.restore(pump.snapshot())
        copy.controller.therapy.record_refill(expected_nl - missing_nl, 20 * NL_PER_ML)
        assert (standing_alarm(copy, OVER) is not None) is is_suspect


def test_rs_12_over_infusion_shows_at_the_refill_and_nowhere_before() -> None:
    pump = pump_at_work()
    pump.refill(20 * NL_PER_ML)
    pump.apply_fault("motor_gain", gain_ppm=1_300_000)
    advance(pump, 50 * DAY_MS)
    assert pump.controller.alarms.standing == ()
    pump.refill(20 * NL_PER_ML)
    over = told(pump, OVER)
    assert over is not None
    assert over[0] is Priority.MEDIUM
    assert abs(over[1] - 3_600_000) < 10_000
    pump.clear_fault("motor_gain")
    advance(pump, 50 * DAY_MS)
    pump.refill(20 * NL_PER_ML)
    assert standing_alarm(pump, OVER) is None


def test_a_suspicion_is_over_when_a_clinician_has_seen_it() -> None:
    pump = pump_at_work()
    pump.controller.therapy.record_refill(0, 20 * NL_PER_ML)
    acknowledge(pump, OVER)
    advance(pump, DAY_MS)
    pump.reset()
    assert standing_alarm(pump, OVER) is None


@pytest.mark.parametrize("torn", [0, 17, 100_000])
def test_a_suspect_refill_is_told_whatever_the_power_does(torn: int) -> None:
    pump = pump_at_work()
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, _suspect_refill):
        for each in resets_cut_at_each_write(dark, torn):
            refilled = each.controller.therapy.registers.content_nl == 20 * NL_PER_ML
            assert (standing_alarm(each, OVER) is not None) is refilled


def _suspect_refill(pump: Pump) -> None:
    pump.controller.therapy.record_refill(0, 20 * NL_PER_ML)


def test_a_refill_is_due_when_the_drug_is_too_old() -> None:
    """The demo patient's drug keeps 90 days from the filling, 28 days ago."""
    pump = pump_at_work()
    pump.refill(20 * NL_PER_ML)
    due_utc_s = MONDAY_UTC_S + 62 * 86_400
    pump.advance_to(62 * DAY_MS - 1)
    assert told(pump, AlarmCode.REFILL_DUE) is None
    advance(pump, 1)
    assert told(pump, AlarmCode.REFILL_DUE) == (Priority.LOW, due_utc_s)
    pump.refill(20 * NL_PER_ML)
    assert told(pump, AlarmCode.REFILL_DUE) is None


# --- temperature ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cdeg", "is_alarmed"), [(3_499, True), (3_500, False), (4_000, False), (4_001, True)]
)
def test_a_temperature_outside_35_to_40_degrees_is_found_within_the_hour(cdeg: int, is_alarmed: bool) -> None:
    pump = pump_at_work()
    advance(pump, 600_000)
    pump.apply_fault("temperature", temperature_cdeg=cdeg)
    pump.advance_to(HOUR_MS - 1)
    assert told(pump, AlarmCode.TEMP_RANGE) is None
    advance(pump, 1)
    assert told(pump, AlarmCode.TEMP_RANGE) == ((Priority.MEDIUM, cdeg) if is_alarmed else None)
    pump.clear_fault("temperature")
    advance(pump, HOUR_MS)
    assert told(pump, AlarmCode.TEMP_RANGE) is None


# --- clock ------------------------------------------------------------------------------------------------


def test_an_interrupted_cell_loses_the_clock_and_the_schedule_goes_on() -> None:
    pump, twin = pump_at_work(), pump_at_work()
    for each in (pump, twin):
        each.advance_to(HOUR_MS)
    pump.reset(cell_interrupted=True)
    twin.reset()
    assert told(pump, AlarmCode.CLOCK_LOST) == (Priority.MEDIUM, 1)
    assert (status(pump).utc_s, status(twin).utc_s) == (0, MONDAY_UTC_S + 3_600)
    for hour in range(2, 60):
        pump.advance_to(hour * HOUR_MS)
        twin.advance_to(hour * HOUR_MS)
        assert status(pump).rate_nl_h == status(twin).rate_nl_h
    pump.reset()
    assert told(pump, AlarmCode.CLOCK_LOST) is not None
    assert not isinstance(ask(pump, SetClockRequest(MONDAY_UTC_S, 60, ClockSource.OPERATOR)), Refusal)
    assert told(pump, AlarmCode.CLOCK_LOST) is None
    assert status(pump).utc_s == MONDAY_UTC_S


def test_uptime_never_steps_with_the_clock() -> None:
    pump = pump_at_work()
    pump.reset(cell_interrupted=True)
    advance(pump, 10_000)
    for utc_s in (MONDAY_UTC_S + 10**8, MONDAY_UTC_S - 10**6):
        ask(pump, SetClockRequest(utc_s, 60, ClockSource.OPERATOR))
        assert status(pump).uptime_s == 10


@pytest.mark.parametrize("torn", [0, 17])
def test_a_lost_clock_stays_lost_whatever_the_power_does(torn: int) -> None:
    pump = pump_at_work()
    lose = partial(Pump.reset, cell_interrupted=True)
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lose):
        for each in resets_cut_at_each_write(dark, torn):
            assert told(each, AlarmCode.CLOCK_LOST) is not None
            assert status(each).utc_s == 0


# --- together ---------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 10 * HOUR_MS), min_size=1, max_size=12))
def test_any_way_to_cut_the_time_finds_the_same_alarms(spans: list[int]) -> None:
    watched, alone = pump_at_work(), pump_at_work()
    for each in (watched, alone):
        each.plant.schedule_fault(each.plant.now_ms + HOUR_MS + 7, "motor_stall", minutes=180)
        each.plant.schedule_fault(each.plant.now_ms + 2 * HOUR_MS + 1, "temperature", temperature_cdeg=4_100)
        each.plant.schedule_clear(each.plant.now_ms + 9 * HOUR_MS, "temperature")
    for span in spans:
        watched.advance_to(watched.now_ms + span)
        status(watched)
        watched = Pump.restore(decode_snapshot(encode_snapshot(watched.snapshot())))
    alone.advance_to(sum(spans))
    assert watched.snapshot() == alone.snapshot()


def test_no_patient_bolus_while_a_critical_alarm_stands() -> None:
    pump = bolus_pump()
    pump.apply_fault("motor_seized")
    advance(pump, HOUR_MS)
    assert pump.controller.alarms.highest is Priority.HIGH
    refused = ask_for_bolus(pump, 1)
    assert isinstance(refused, Refusal)
    assert refused.code in (ErrorCode.MOTOR, ErrorCode.NOT_APPLICABLE)
