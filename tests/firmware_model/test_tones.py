"""Tones: how often what is heard, counted in closed form, exact over cuts of the time and resets."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.long_lives import live, standing_alarm
from support.pump_bench import DAY_MS, HOUR_MS, active_program, ask, commit, intent, pump_at_work, status

from firmware_model.controller.tone_pattern import ToneBook, TonePattern
from firmware_model.controller.tones import CRITICAL_TONE_MS, NON_CRITICAL_TONE_MS
from firmware_model.pump import Pump
from protocol.messages.alarms import AlarmAckRequest, AlarmSilenceRequest
from protocol.program import AlarmSettings
from protocol.quantities import MS_PER_MINUTE
from protocol.request_words import SelfTest
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, Switch

HIGH, MEDIUM, LOW, INFO = (
    AlarmCode.MOTOR_STALL,
    AlarmCode.PUMP_RESET,
    AlarmCode.REFILL_DUE,
    AlarmCode.PATIENT_BOLUS_DENIED,
)
CRITICAL_MS, NON_CRITICAL_MS = 600_000, 3_600_000
"""Intervals of the demo patient's program."""


def stalled_pump() -> Pump:
    """Return a pump with a critical alarm since 00:20."""
    pump = pump_at_work()
    pump.apply_fault("motor_seized")
    pump.advance_to(20 * MS_PER_MINUTE)
    assert standing_alarm(pump, HIGH) is not None
    return pump


def book(pump: Pump) -> ToneBook:
    return pump.controller.tones.book


def act(pump: Pump, code: AlarmCode, request: type, *rest: int) -> None:
    alarm = standing_alarm(pump, code)
    assert alarm is not None
    assert not isinstance(ask(pump, request(alarm.instance, *rest)), Refusal)


# --- the pattern ------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_pattern_counts_the_tones_that_begin_in_a_span(
    first_ms: int, interval_ms: int, from_ms: int, span_ms: int
) -> None:
    pattern = TonePattern(True, first_ms, interval_ms)
    begins = range(first_ms, from_ms + span_ms + interval_ms, interval_ms)
    inside = [at for at in begins if from_ms <= at < from_ms + span_ms]
    assert pattern.tones_between(from_ms, from_ms + span_ms) == len(inside)
    assert pattern.next_tone(from_ms) == next(
        at for at in range(first_ms, from_ms + first_ms + interval_ms + 1, interval_ms) if at >= from_ms
    )


def test_sr_16_a_critical_tone_is_longer_than_a_non_critical_one() -> None:
    assert (CRITICAL_TONE_MS, NON_CRITICAL_TONE_MS) == (3_000, 1_000)


# --- what is heard ----------------------------------------------------------------------------------------


def test_a_healthy_pump_is_silent_for_years() -> None:
    pump = pump_at_work()
    pump.refill(20_000_000)
    pump.advance_to(60 * DAY_MS)
    assert (book(pump).critical, book(pump).non_critical) == (0, 0)
    assert pump.plant.state.buzzer.tones == 0


def test_sr_16_critical_tones_sound_at_the_interval_of_the_program() -> None:
    pump = stalled_pump()
    pump.advance_to(20 * MS_PER_MINUTE + 1)
    status(pump)
    assert book(pump).critical == 1
    pump.advance_to(20 * MS_PER_MINUTE + DAY_MS)
    status(pump)
    assert (book(pump).critical, book(pump).non_critical) == (DAY_MS // CRITICAL_MS, 0)
    assert pump.plant.state.buzzer.tones == DAY_MS // CRITICAL_MS


def test_sr_16_years_of_tones_cost_no_events() -> None:
    pump = stalled_pump()
    events = 0
    while (at := pump.next_event_ms()) is not None and at <= 40 * DAY_MS:
        pump.advance_to(at)
        events += 1
    pump.advance_to(40 * DAY_MS)
    status(pump)
    assert book(pump).critical == 40 * 144 - 2
    assert events < 30


def test_sr_16_non_critical_tones_may_be_switched_off_and_critical_ones_may_not() -> None:
    for code, expected in ((MEDIUM, (0, 0)), (HIGH, (144, 0))):
        pump = pump_at_work()
        program = active_program(pump)
        commit(pump, replace(program, alarms=replace(program.alarms, audible=Switch.OFF)), intent(1))
        pump.controller.alarms.raise_alarm(code, 0)
        if code is HIGH:
            pump.plant.state.motor.seized = True
            pump.controller.life.put(replace(pump.controller.life.record, stalled_ms=1))
        pump.advance_to(DAY_MS)
        status(pump)
        assert (book(pump).critical, book(pump).non_critical) == expected


@pytest.mark.parametrize("critical_s", [60, 600, 7_200])
def test_sr_16_no_interval_of_a_program_silences_a_critical_alarm_for_good(critical_s: int) -> None:
    pump = stalled_pump()
    program = active_program(pump)
    wanted: AlarmSettings = replace(program.alarms, critical_interval_s=critical_s)
    commit(pump, replace(program, alarms=wanted), intent(1))
    pump.belief()
    before, now_ms = book(pump).critical, pump.now_ms
    pump.advance_to(now_ms + 5 * HOUR_MS)
    status(pump)
    assert book(pump).critical - before in range(18_000 // critical_s, 18_000 // critical_s + 2)


def test_inv_12_the_highest_priority_is_the_one_that_sounds() -> None:
    pump = pump_at_work()
    alarms = pump.controller.alarms
    for code in (INFO, LOW, MEDIUM, HIGH):
        alarms.raise_alarm(code, 0)
        sounding = alarms.sounding
        assert (None if sounding is None else sounding.code) == (None if code is INFO else code)


def test_two_alarms_of_one_kind_keep_one_rhythm() -> None:
    pump = pump_at_work()
    alarms = pump.controller.alarms
    alarms.raise_alarm(AlarmCode.TELEMETRY_ABUSE, 0)
    pump.advance_to(NON_CRITICAL_MS // 2)
    pump.belief()
    alarms.raise_alarm(MEDIUM, 0)
    pump.advance_to(NON_CRITICAL_MS)
    pump.belief()
    assert book(pump).non_critical == 1
    pump.advance_to(NON_CRITICAL_MS + 1)
    pump.belief()
    assert book(pump).non_critical == 2


# --- people -----------------------------------------------------------------------------------------------


def test_a_silence_is_silent_and_then_it_sounds_at_once() -> None:
    pump = stalled_pump()
    begin_ms = pump.now_ms
    act(pump, HIGH, AlarmSilenceRequest, 300)
    pump.advance_to(begin_ms + 300_000)
    status(pump)
    assert book(pump).critical == 0
    pump.advance_to(begin_ms + 300_001)
    status(pump)
    assert book(pump).critical == 1


def test_an_acknowledged_alarm_is_heard_on_only_if_it_is_critical() -> None:
    pump = stalled_pump()
    act(pump, HIGH, AlarmAckRequest)
    pump.advance_to(pump.now_ms + 2 * HOUR_MS)
    status(pump)
    assert book(pump).critical == 12
    other = pump_at_work()
    other.apply_fault("temperature", temperature_cdeg=4_100)
    other.advance_to(HOUR_MS)
    act(other, AlarmCode.TEMP_RANGE, AlarmAckRequest)
    other.advance_to(5 * HOUR_MS)
    status(other)
    assert book(other).non_critical == 0


# --- nothing is lost --------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8 * HOUR_MS), st.booleans()), min_size=1, max_size=12))
def test_inv_12_tones_are_the_same_however_time_is_cut_and_with_resets(spans: list[tuple[int, bool]]) -> None:
    """A reset raises a non-critical alarm beside the stall, and tries the tone: no rhythm changes."""
    cut, whole = stalled_pump(), stalled_pump()
    for span_ms, reset in spans:
        cut.advance_to(cut.now_ms + span_ms)
        if reset:
            cut.reset()
            whole.controller.self_test(SelfTest.ALARM_TONE, 4)
    whole.advance_to(cut.now_ms)
    for each in (cut, whole):
        status(each)
    assert book(cut).critical == book(whole).critical
    assert cut.plant.state.buzzer.tones == whole.plant.state.buzzer.tones
    assert cut.plant.state.cell.tone_charge == whole.plant.state.cell.tone_charge > 0


def test_tones_take_their_energy_from_the_cell() -> None:
    loud, quiet = stalled_pump(), stalled_pump()
    program = active_program(quiet)
    rare = replace(program.alarms, critical_interval_s=7_200)
    commit(quiet, replace(program, alarms=rare), intent(1))
    for each in (loud, quiet):
        live(each, 30)
    per_tone = loud.profile.tone_charge_nah * HOUR_MS
    for each in (loud, quiet):
        assert each.plant.state.cell.tone_charge == each.plant.state.buzzer.tones * per_tone
    assert loud.plant.state.buzzer.tones > 10 * quiet.plant.state.buzzer.tones
    assert loud.plant.battery_mv() <= quiet.plant.battery_mv()


def test_a_dead_tone_generator_takes_none_and_the_firmware_counts_on() -> None:
    pump = stalled_pump()
    pump.apply_fault("tone_generator_dead")
    pump.advance_to(DAY_MS)
    status(pump)
    assert pump.plant.state.buzzer.tones == 0
    assert book(pump).critical > 100
