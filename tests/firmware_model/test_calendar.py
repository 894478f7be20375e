"""Weekly tables against a calendar that is not ours: leap days, daylight saving, steps of the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    active_program,
    ask,
    commit,
    intent,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.pump import Pump
from protocol.messages.clock import SetClockRequest
from protocol.program import Program, Schedule, Step
from protocol.quantities import NL_PER_ML, UNITS_PER_NL
from protocol.request_words import ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import DeliveryState, ScheduleMode

WORKDAYS, WEEKEND = 0b001_1111, 0b110_0000
WEEK = (
    Step(WORKDAYS, 0, 9_000),
    Step(WORKDAYS, 420, 12_000),
    Step(WEEKEND, 0, 8_000),
    Step(WEEKEND, 600, 10_000),
)
WORKDAY_NL, WEEKEND_DAY_NL = 9_000 * 7 + 12_000 * 17, 8_000 * 10 + 10_000 * 14


def utc(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def weekly(program: Program, offset_min: int) -> Program:
    """Return a program with the weekly table, at an offset from UTC."""
    declared = with_steps(program, (0, 9_000), (420, 12_000))
    clock = replace(program.clock, utc_offset_min=offset_min)
    return replace(declared, schedule=Schedule(ScheduleMode.WEEKLY, WEEK), clock=clock)


def rate_by_calendar(at_utc_s: int, offset_min: int) -> int:
    """Return the rate that the table means, as the standard library's calendar has it."""
    local = datetime.fromtimestamp(at_utc_s, UTC) + timedelta(minutes=offset_min)
    minute = local.hour * 60 + local.minute
    if local.weekday() < 5:
        return 9_000 if minute < 420 else 12_000
    return 8_000 if minute < 600 else 10_000


def pump_since(begin_utc_s: int, offset_min: int = 0) -> Pump:
    pump = pump_at_work(utc_s=begin_utc_s)
    pump.refill(20 * NL_PER_ML)
    commit(pump, weekly(active_program(pump), offset_min), intent(1))
    return pump


def follow(pump: Pump, begin_utc_s: int, hours: range, offset_min: int) -> None:
    for hour in hours:
        pump.advance_to(hour * HOUR_MS)
        assert status(pump).rate_nl_h == rate_by_calendar(begin_utc_s + hour * 3_600, offset_min), hour


@pytest.mark.parametrize(
    "begin",
    [(2028, 2, 26), (2026, 2, 26), (2026, 12, 29), (2027, 12, 30), (2032, 2, 27)],
    ids=["leap day", "no leap day", "new year", "new year into a leap year", "leap day on a Sunday"],
)
@pytest.mark.parametrize("offset_min", [0, 60, -570, 840])
def test_a_week_keeps_its_days_over_the_odd_days_of_the_calendar(
    begin: tuple[int, int, int], offset_min: int
) -> None:
    begin_utc_s = utc(*begin)
    follow(pump_since(begin_utc_s, offset_min), begin_utc_s, range(1, 9 * 24, 5), offset_min)


def test_the_volume_of_weeks_with_a_leap_day_is_that_of_their_days() -> None:
    begin_utc_s = utc(2028, 2, 14)
    pump = pump_since(begin_utc_s)
    before = pump.belief().delivered_units
    pump.advance_to(28 * DAY_MS)
    assert pump.belief().delivered_units - before == 4 * (5 * WORKDAY_NL + 2 * WEEKEND_DAY_NL) * UNITS_PER_NL


@pytest.mark.parametrize(
    ("night", "before_min", "after_min"),
    [((2026, 3, 29, 1), 60, 120), ((2026, 10, 25, 1), 120, 60)],
    ids=["spring forward", "fall back"],
)
def test_daylight_saving_comes_with_a_program_that_waits_for_it(
    night: tuple[int, int, int, int], before_min: int, after_min: int
) -> None:
    """The programmer commits the same table with the other offset for the night of the change."""
    change_utc_s = utc(*night)
    begin_utc_s = change_utc_s - 30 * 3_600
    pump = pump_since(begin_utc_s, before_min)
    commit(pump, weekly(active_program(pump), after_min), intent(2), effective_utc_s=change_utc_s)
    follow(pump, begin_utc_s, range(1, 30), before_min)
    pump.reset()
    follow(pump, begin_utc_s, range(30, 100), after_min)


def test_the_hour_of_the_change_is_delivered_once() -> None:
    """No local hour that happens twice doubles a dose, and none that is left out loses more than itself."""
    change_utc_s = utc(2026, 10, 25, 1)
    begin_utc_s = change_utc_s - 24 * 3_600
    pump = pump_since(begin_utc_s, 120)
    before = pump.belief().delivered_units
    commit(pump, weekly(active_program(pump), 60), intent(2), effective_utc_s=change_utc_s)
    pump.advance_to(48 * HOUR_MS)
    by_calendar = sum(
        rate_by_calendar(begin_utc_s + hour * 3_600, 120 if hour < 24 else 60) for hour in range(48)
    )
    assert pump.belief().delivered_units - before == by_calendar * UNITS_PER_NL


def test_a_clock_set_right_brings_the_week_right_at_once() -> None:
    begin_utc_s = utc(2026, 3, 2)
    pump = pump_since(begin_utc_s)
    for wrong_s in (-3 * 86_400, 5 * 86_400 + 7_200):
        for at_utc_s in (begin_utc_s + wrong_s, begin_utc_s):
            pump.advance_to(pump.now_ms + HOUR_MS)
            assert not isinstance(ask(pump, SetClockRequest(at_utc_s, 0, ClockSource.OPERATOR)), Refusal)
            assert status(pump).rate_nl_h == rate_by_calendar(at_utc_s, 0)
            assert status(pump).delivery_state is DeliveryState.RUNNING
