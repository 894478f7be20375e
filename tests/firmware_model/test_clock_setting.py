"""Setting the clock: schedule and pending program follow; nothing that protects the patient does."""

import pytest
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    MONDAY_UTC_S,
    active_program,
    ask,
    caller,
    commit,
    log_of,
    new_pump,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.controller.clock import ClockSetting
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import ClockSetEvent, read_payload
from protocol.messages.clock import GetClockRequest, GetClockResponse, SetClockRequest, SetClockResponse
from protocol.request_words import ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import ClockState, DeliveryState, ErrorCode, Role

OPERATOR = ClockSource.OPERATOR
YEAR_S = 365 * 86_400
U32_MAX = 0xFFFF_FFFF


def set_clock(
    pump: Pump, utc_s: int, offset_min: int = 0, source: ClockSource = OPERATOR, role: Role = Role.CLINICIAN
) -> SetClockResponse | Refusal:
    answer: SetClockResponse | Refusal = ask(
        pump, SetClockRequest(utc_s, offset_min, source), caller(slot=2, role=role)
    )
    return answer


def clock(pump: Pump) -> GetClockResponse:
    answer: GetClockResponse = ask(pump, GetClockRequest())
    return answer


def told(pump: Pump) -> list[tuple[object, int]]:
    events = [(read_payload(record), record.actor_slot) for record in log_of(pump)]
    return [(event, actor) for event, actor in events if isinstance(event, ClockSetEvent)]


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.SERVICE])
def test_the_clock_follows_and_the_step_is_told(role: Role) -> None:
    pump = pump_at_work()
    pump.advance_to(10_500)
    last = pump.controller.log.last_seq
    answer = set_clock(pump, MONDAY_UTC_S + 100, role=role)
    assert answer == SetClockResponse(90, 2, last + 1)
    assert told(pump) == [(ClockSetEvent(MONDAY_UTC_S + 10, MONDAY_UTC_S + 100, 2, OPERATOR), 2)]
    pump.advance_to(11_499)
    assert clock(pump).utc_s == MONDAY_UTC_S + 100
    pump.advance_to(11_500)
    assert clock(pump).utc_s == MONDAY_UTC_S + 101


def test_a_clock_that_was_never_set_has_no_step() -> None:
    pump = new_pump(utc_s=0)
    last = pump.controller.log.last_seq
    assert set_clock(pump, MONDAY_UTC_S, 60) == SetClockResponse(0, 1, last + 1)
    assert (clock(pump).state, clock(pump).utc_s) == (ClockState.SET, MONDAY_UTC_S)
    assert told(pump) == [(ClockSetEvent(0, MONDAY_UTC_S, 1, OPERATOR), 2)]


def test_uptime_does_not_notice() -> None:
    pump = pump_at_work()
    pump.advance_to(5_000)
    before = clock(pump).uptime_ms
    set_clock(pump, MONDAY_UTC_S + YEAR_S)
    assert clock(pump).uptime_ms == before
    pump.advance_to(6_000)
    assert clock(pump).uptime_ms == before + 1_000


def test_the_setting_survives_a_reset() -> None:
    pump = pump_at_work()
    set_clock(pump, MONDAY_UTC_S + 500, -300)
    pump.reset()
    pump.advance_to(HOUR_MS)
    assert clock(pump).utc_s == MONDAY_UTC_S + 500 + 3_600
    assert (clock(pump).time_base, clock(pump).boot_count) == (2, 2)
    assert len(told(pump)) == 1


def test_a_step_beyond_32_bits_is_told_as_far_as_it_can_be() -> None:
    pump = new_pump()
    up = set_clock(pump, U32_MAX)
    assert isinstance(up, SetClockResponse)
    assert up.step_s == 0x7FFF_FFFF
    down = set_clock(pump, 1)
    assert isinstance(down, SetClockResponse)
    assert down.step_s == -0x8000_0000


def test_no_time_before_the_pump_was_made_can_be_set() -> None:
    pump = pump_at_work()
    age_s = 35 * 86_400
    before = pump.storage.image()
    assert set_clock(pump, age_s - 1) == Refusal(ErrorCode.OUT_OF_RANGE, 0, age_s)
    assert pump.storage.image() == before
    assert isinstance(set_clock(pump, age_s), SetClockResponse)


def test_the_number_of_the_setting_never_says_not_set() -> None:
    pump = new_pump()
    pump.controller.clock.set(ClockSetting(MONDAY_UTC_S * 1_000, 0xFFFF))
    answer = set_clock(pump, MONDAY_UTC_S)
    assert isinstance(answer, SetClockResponse)
    assert answer.time_base == 1


# --- what follows -----------------------------------------------------------------------------------------


def test_the_schedule_follows_at_once() -> None:
    """The demo clinic is at UTC+1, so its midnight is 23:00 UTC; the second step begins at noon."""
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000), (720, 12_000)))
    assert (status(pump).rate_nl_h, status(pump).next_change_s) == (8_000, 11 * 3_600)
    set_clock(pump, MONDAY_UTC_S + 11 * 3_600 - 1)
    assert (status(pump).rate_nl_h, status(pump).next_change_s) == (8_000, 1)
    set_clock(pump, MONDAY_UTC_S + 11 * 3_600)
    assert (status(pump).rate_nl_h, status(pump).active_step) == (12_000, 1)
    set_clock(pump, MONDAY_UTC_S + 24 * 3_600)
    assert status(pump).rate_nl_h == 8_000


def test_what_was_delivered_before_stays_delivered() -> None:
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000), (720, 12_000)))
    before = pump.belief().delivered_units
    pump.advance_to(2 * HOUR_MS)
    set_clock(pump, MONDAY_UTC_S + 12 * 3_600)
    pump.advance_to(5 * HOUR_MS)
    delivered = pump.belief().delivered_units - before
    assert delivered == (2 * 8_000 + 3 * 12_000) * HOUR_MS
    assert pump.truth().delivered_units == pump.belief().delivered_units


@pytest.mark.parametrize("hours", [5, 6])
def test_a_pending_program_follows_civil_time(hours: int) -> None:
    pump = pump_at_work()
    program = with_steps(active_program(pump), (0, 8_000))
    commit(pump, program, effective_utc_s=MONDAY_UTC_S + 6 * 3_600)
    set_clock(pump, MONDAY_UTC_S + hours * 3_600)
    assert status(pump).program_version == (2 if hours == 6 else 1)
    pump.advance_to(HOUR_MS)
    assert (status(pump).program_version, status(pump).rate_nl_h) == (2, 8_000)


def test_a_pending_program_that_lies_further_off_now_waits_longer() -> None:
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000)), effective_utc_s=MONDAY_UTC_S + 6 * 3_600)
    set_clock(pump, MONDAY_UTC_S - 86_400)
    pump.advance_to(29 * HOUR_MS)
    assert status(pump).program_version == 1
    pump.advance_to(30 * HOUR_MS)
    assert status(pump).program_version == 2


def test_the_offset_counts_for_a_pump_without_a_program_only() -> None:
    pump = new_pump()
    set_clock(pump, MONDAY_UTC_S, -300)
    assert clock(pump).utc_offset_min == -300
    pump = pump_at_work()
    set_clock(pump, MONDAY_UTC_S, -300)
    assert clock(pump).utc_offset_min == 60


# --- what does not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [YEAR_S, -20 * YEAR_S])
def test_p21_a_clock_step_neither_ends_nor_prolongs_a_stop(step_s: int) -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 60)
    set_clock(pump, MONDAY_UTC_S + step_s)
    pump.advance_to(HOUR_MS - 1)
    assert status(pump).delivery_state is DeliveryState.STOPPED
    pump.advance_to(HOUR_MS)
    assert status(pump).delivery_state is DeliveryState.RUNNING


def test_steps_back_and_forth_deliver_what_the_counter_says() -> None:
    """A single rate: however civil time jumps, a day of the counter is a day of drug."""
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 10_000)))
    before = pump.belief().delivered_units
    for hour in range(1, 24):
        pump.advance_to(hour * HOUR_MS)
        set_clock(pump, MONDAY_UTC_S + (hour * 7_919) % 20_000 * 60)
    pump.advance_to(DAY_MS)
    assert pump.belief().delivered_units - before == 24 * 10_000 * HOUR_MS


# --- power ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [0, 7, 20])
@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("again", range(1, 6))
def test_power_that_fails_at_any_write_leaves_the_old_or_the_new_time_and_it_is_told(
    nth: int, torn: int, again: int
) -> None:
    pump = pump_at_work()
    pump.storage.cut_power_at(nth, torn=torn)
    try:
        set_clock(pump, MONDAY_UTC_S + 1_000)
    except PowerCut:
        pump.storage.cut_power_at(again, torn=torn)
        try:
            pump.reset()
        except PowerCut:
            pump.reset()
    pump.storage.cut_power_at(0)
    after = clock(pump)
    is_new = after.time_base == 2
    assert after.utc_s == MONDAY_UTC_S + (1_000 if is_new else 0)
    assert told(pump) == ([(ClockSetEvent(MONDAY_UTC_S, MONDAY_UTC_S + 1_000, 2, OPERATOR), 2)] * is_new)
    assert is_new or nth == 1


def test_a_snapshot_carries_the_setting() -> None:
    pump = pump_at_work()
    set_clock(pump, MONDAY_UTC_S + 1_000, 120)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    assert clock(copy) == clock(pump)
    assert copy.snapshot() == pump.snapshot()
