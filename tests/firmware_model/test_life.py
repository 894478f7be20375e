"""Battery and age: the estimate, the replacement indicator, the end of service, and low-battery resets."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.long_lives import drain, live, standing_alarm, told
from support.power_cuts import cut_at_each_write, resets_cut_at_each_write
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    MONDAY_UTC_S,
    active_program,
    ask,
    commit,
    intent,
    new_pump,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.controller.battery import SAMPLES, charge_left_uah, charge_permille, sample_instants
from firmware_model.controller.storage import PowerCut
from firmware_model.profiles import load_profile, profile_names
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.messages.clock import SetClockRequest
from protocol.request_words import ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, DeliveryState, OpState, Priority

LIFE_DAYS = 2_556
IMPLANTED_DAYS = 35
END_MS = (LIFE_DAYS - IMPLANTED_DAYS) * DAY_MS
YEAR_S = 365 * 86_400


def replace_by(pump: Pump) -> int:
    """Return the pump time by which the pump has to be replaced."""
    at = pump.controller.life.replace_by_ms
    assert at is not None
    return at - IMPLANTED_DAYS * DAY_MS


def set_clock(pump: Pump, utc_s: int) -> None:
    assert not isinstance(ask(pump, SetClockRequest(utc_s, 0, ClockSource.OPERATOR)), Refusal)


# --- the estimate -----------------------------------------------------------------------------------------


def test_sr_18_the_estimate_is_the_mean_of_the_last_ten_hourly_samples() -> None:
    pump = pump_at_work()
    pump.advance_to(100 * HOUR_MS)
    before = pump.controller.life.mean_mv
    pump.plant.state.cell.adc_offset_mv = 100
    for hour in range(1, 2 * SAMPLES):
        pump.advance_to((100 + hour) * HOUR_MS)
        assert abs(pump.controller.life.mean_mv - before - min(hour, SAMPLES) * 10) <= 1


def test_sr_18_one_wild_sample_moves_the_estimate_by_a_tenth() -> None:
    pump = pump_at_work()
    pump.advance_to(100 * HOUR_MS - 1)
    before = status(pump).battery_permille
    pump.plant.state.cell.adc_offset_mv = -400
    pump.advance_to(100 * HOUR_MS)
    assert status(pump).battery_mv < 2_700
    assert before - 51 <= status(pump).battery_permille <= before - 45


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_samples_are_the_last_full_hours_however_long_it_was(sampled_hours: int, later_ms: int) -> None:
    sampled_ms = sampled_hours * HOUR_MS
    now_ms = sampled_ms + later_ms
    instants = list(sample_instants(sampled_ms, now_ms))
    every = range(sampled_ms + HOUR_MS, now_ms + 1, HOUR_MS)
    assert instants == list(every[-SAMPLES:])


@pytest.mark.parametrize("name", profile_names())
def test_the_estimate_follows_the_discharge_curve_of_each_profile(name: str) -> None:
    profile = load_profile(name)
    levels = [charge_left_uah(profile, mv) for mv in range(2_000, 3_300)]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (0, profile.battery_capacity_uah)
    assert charge_permille(profile, profile.battery_knee_mv) == profile.battery_knee_permille


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40 * DAY_MS), min_size=1, max_size=6))
def test_any_way_to_cut_the_time_gives_the_same_samples_and_forecast(spans: list[int]) -> None:
    watched, alone = pump_at_work(), pump_at_work()
    for span in spans:
        watched.advance_to(watched.now_ms + span)
        status(watched)
    alone.advance_to(sum(spans))
    assert watched.snapshot().registers == alone.snapshot().registers
    assert watched.snapshot().plant.cell == alone.snapshot().plant.cell


# --- the calendar's end -----------------------------------------------------------------------------------


def test_sr_18_the_indicator_comes_a_notice_before_the_end_and_the_end_stops_delivery() -> None:
    pump = pump_at_work()
    first = live(pump, LIFE_DAYS)
    assert first[AlarmCode.ERI] == END_MS - 90 * DAY_MS
    assert first[AlarmCode.EOS] == END_MS
    assert told(pump, AlarmCode.ERI) == (Priority.MEDIUM, 90)
    assert told(pump, AlarmCode.EOS) == (Priority.HIGH, 90)
    seen = status(pump)
    assert (seen.op_state, seen.delivery_state, seen.rate_nl_h) == (OpState.EOS, DeliveryState.STOPPED, 0)


def test_between_indicator_and_end_therapy_goes_on() -> None:
    pump = pump_at_work()
    live(pump, LIFE_DAYS - IMPLANTED_DAYS - 90)
    seen = status(pump)
    assert (seen.op_state, seen.delivery_state, seen.eri_days) == (OpState.ERI, DeliveryState.RUNNING, 0)
    pump.reset()
    assert status(pump).op_state is OpState.ERI


def test_a_pump_on_the_shelf_does_not_age() -> None:
    pump = new_pump()
    pump.advance_to(4_000 * DAY_MS)
    assert (status(pump).op_state, status(pump).eri_days) == (OpState.SHELF, 65_535)
    assert pump.controller.life.replace_by_utc_s == 0


def test_sr_19_no_clock_lengthens_a_life_or_ends_it() -> None:
    """A date of implantation is worth what the clock was when it was told; then the counter decides."""
    for utc_s in (MONDAY_UTC_S - 3 * YEAR_S, MONDAY_UTC_S + 20 * YEAR_S):
        pump = pump_at_work()
        pump.advance_to(DAY_MS)
        before = replace_by(pump)
        set_clock(pump, utc_s)
        commit(pump, with_steps(active_program(pump), (0, 9_000)), intent(5))
        assert status(pump).delivery_state is DeliveryState.RUNNING
        assert replace_by(pump) <= before
        assert replace_by(pump) == END_MS


def test_sr_19_the_replacement_date_is_a_date() -> None:
    pump = pump_at_work()
    end_utc_s = MONDAY_UTC_S + END_MS // 1_000
    assert pump.controller.life.replace_by_utc_s == end_utc_s
    live(pump, LIFE_DAYS)
    assert pump.controller.life.replace_by_utc_s == end_utc_s


# --- the cell's end ---------------------------------------------------------------------------------------


def test_a_cell_that_runs_down_brings_the_indicator_before_the_calendar() -> None:
    """A quarter of the notice is kept in reserve: 112 days at 25 uA and 10 uA are about 95 mAh of 3.2 Ah."""
    pump = pump_at_work()
    drain(pump, 40)
    first = live(pump, 140)
    days = first[AlarmCode.ERI] // DAY_MS
    assert 25 <= days <= 45
    assert first[AlarmCode.EOS] - first[AlarmCode.ERI] == 90 * DAY_MS


def test_sr_18_an_early_end_is_reported_with_the_days_there_were() -> None:
    pump = pump_at_work()
    pump.apply_fault("feedthrough_leak", leak_na=400_000, days=30)
    first = live(pump, 420)
    given_ms = first[AlarmCode.EOS] - first[AlarmCode.ERI]
    assert given_ms < 90 * DAY_MS
    assert told(pump, AlarmCode.EOS) == (Priority.HIGH, given_ms // DAY_MS)
    assert status(pump).delivery_state is DeliveryState.STOPPED


def test_rs_06_a_resistive_film_resets_the_pump_to_its_minimum_rate() -> None:
    pump = pump_at_work()
    pump.apply_fault("cell_film", ohm_per_month=20)
    first = live(pump, 215)
    low = told(pump, AlarmCode.BATTERY_LOW)
    assert low is not None
    assert low[0] is Priority.HIGH
    assert low[1] < pump.profile.battery_empty_mv
    assert AlarmCode.PUMP_RESET in first
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h) == (DeliveryState.SAFE_STATE, 250)
    live(pump, 60)
    eos = told(pump, AlarmCode.EOS)
    assert eos is not None
    assert eos[1] < 90


def test_a_low_battery_reset_holds_until_a_clinician_commits_a_program() -> None:
    pump = pump_at_work()
    pump.plant.state.cell.brown_outs += 1
    with pytest.raises(PowerCut, match="pulse"):
        pump.advance_to(1)
    assert pump.storage.dark
    for _ in range(2):
        pump.reset()
        pump.advance_to(pump.now_ms + HOUR_MS)
        assert status(pump).delivery_state is DeliveryState.SAFE_STATE
    assert status(pump).op_state is OpState.FAULT
    commit(pump, with_steps(active_program(pump), (0, 9_000)), intent(1))
    assert (status(pump).delivery_state, status(pump).rate_nl_h) == (DeliveryState.RUNNING, 9_000)
    assert standing_alarm(pump, AlarmCode.BATTERY_LOW) is None


def test_low_battery_after_the_program_of_a_later_day_was_committed_holds_too() -> None:
    """A program that waits was committed by somebody who knew nothing of the reset."""
    pump = pump_at_work()
    program = with_steps(active_program(pump), (0, 9_000))
    commit(pump, program, intent(1), effective_utc_s=MONDAY_UTC_S + 86_400)
    pump.plant.state.cell.brown_outs += 1
    with pytest.raises(PowerCut):
        pump.advance_to(1)
    pump.reset()
    pump.advance_to(2 * DAY_MS)
    assert status(pump).delivery_state is DeliveryState.SAFE_STATE


FAULTS = st.sampled_from(
    (
        ("cell_film", {"ohm_per_month": 30}),
        ("feedthrough_leak", {"leak_na": 150_000, "days": 60}),
        ("battery_adc_offset", {"offset_mv": -60}),
        ("battery_adc_offset", {"offset_mv": 60}),
        ("temperature", {"temperature_cdeg": 3_450}),
    )
)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 700), FAULTS), max_size=4))
def test_sr_19_the_replacement_date_never_moves_back_or_past_the_end(
    story: list[tuple[int, tuple[str, dict[str, int]]]],
) -> None:
    """RS-08: whatever happens to the cell, the date is real, only becomes earlier, and ERI is before EOS."""
    pump = pump_at_work()
    latest = replace_by(pump)
    assert latest <= END_MS
    for days, (name, values) in [*story, (900, ("temperature", {"temperature_cdeg": 3_700}))]:
        first = live(pump, days)
        assert replace_by(pump) <= latest
        latest = replace_by(pump)
        pump.apply_fault(name, **values)
        life = pump.controller.life
        assert life.replace_by_utc_s == MONDAY_UTC_S + latest // 1_000
        if AlarmCode.EOS in first:
            assert life.record.eri_ms <= life.record.eos_ms


# --- power and snapshots ----------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [0, 17, 100_000])
def test_a_cut_of_power_at_the_indicator_or_the_end_loses_neither(torn: int) -> None:
    pump = pump_at_work()
    for days, code in ((LIFE_DAYS - IMPLANTED_DAYS - 90, AlarmCode.ERI), (90, AlarmCode.EOS)):
        live(pump, days - 1)
        due_ms = pump.now_ms + DAY_MS
        live_on = partial(Pump.advance_to, t_ms=due_ms)
        for _nth, dark in cut_at_each_write(pump.snapshot(), torn, live_on):
            for each in resets_cut_at_each_write(dark, torn):
                each.advance_to(due_ms + HOUR_MS)
                assert standing_alarm(each, code) is not None
                assert each.controller.life.has_eri
                assert each.controller.life.is_over is (code is AlarmCode.EOS)
        live(pump, 1)


@pytest.mark.parametrize("torn", [0, 17])
def test_a_cut_of_power_in_a_low_battery_reset_still_ends_at_the_minimum_rate(torn: int) -> None:
    pump = pump_at_work()
    pump.plant.state.cell.brown_outs += 1
    with pytest.raises(PowerCut):
        pump.advance_to(1)
    for each in resets_cut_at_each_write(pump, torn):
        assert status(each).delivery_state is DeliveryState.SAFE_STATE
        assert standing_alarm(each, AlarmCode.BATTERY_LOW) is not None


def test_a_snapshot_carries_samples_forecast_and_ends() -> None:
    pump = pump_at_work()
    pump.apply_fault("feedthrough_leak")
    live(pump, 300)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    for each in (pump, copy):
        live(each, 330)
    assert copy.snapshot() == pump.snapshot()
    assert copy.controller.life.is_over


def test_a_faster_program_brings_the_forecast_forward_and_a_slower_one_back() -> None:
    pump = pump_at_work()
    drain(pump, 300)
    pump.advance_to(DAY_MS)
    slow = replace_by(pump)
    program = active_program(pump)
    commit(pump, with_steps(program, (0, 30_000)), intent(1))
    fast = replace_by(pump)
    assert fast < slow < END_MS
    commit(pump, replace(program, schedule=program.schedule), intent(2))
    assert abs(replace_by(pump) - slow) < 10 * DAY_MS
