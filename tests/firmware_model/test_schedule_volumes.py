"""The closed form of the rate table against a clock that goes minute by minute."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from firmware_model.controller.schedule import NO_STEP, RateTable, local_midnight_before
from protocol.program import EVERY_DAY, Schedule, Step
from protocol.quantities import day_volume_nl, round_half_up
from protocol.vocabulary import ScheduleMode

MINUTE = 60_000
DAY = 1_440
THURSDAY = 3
"""1970-01-01, local minute 0, was a Thursday; Monday is 0."""

rates = st.sampled_from([250, 2_000, 2_001, 9_000, 10_500, 123_457, 1_000_000])


@st.composite
def day_steps(draw: st.DrawFn, days: int, limit: int) -> list[Step]:
    starts = [0, *sorted(draw(st.sets(st.integers(1, DAY - 1), max_size=limit - 1)))]
    return [Step(days, start, draw(rates)) for start in starts]


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    mode = draw(st.sampled_from(list(ScheduleMode)))
    if mode is ScheduleMode.SIMPLE:
        return Schedule(mode, (Step(EVERY_DAY, 0, draw(rates)),))
    if mode is ScheduleMode.DAILY:
        return Schedule(mode, tuple(draw(day_steps(EVERY_DAY, 12))))
    group_of = draw(st.lists(st.integers(0, 2), min_size=7, max_size=7))
    masks = {g: sum(1 << day for day in range(7) if group_of[day] == g) for g in set(group_of)}
    steps = [step for mask in sorted(masks.values()) for step in draw(day_steps(mask, 8))]
    return Schedule(mode, tuple(steps))


def rate_in_minute(schedule: Schedule, minute: int) -> int:
    """Ask the schedule itself what flows in a local minute: no table, no sums."""
    weekday = (minute // DAY + THURSDAY) % 7
    today = [step for step in schedule.steps if step.days >> weekday & 1]
    return [step for step in today if step.start_min <= minute % DAY][-1].rate_nl_h


def volume_minute_by_minute(schedule: Schedule, from_ms: int, to_ms: int) -> Fraction:
    """Add up nL minute by minute, with the parts of the first and the last."""
    total = Fraction(0)
    at = from_ms
    while at < to_ms:
        minute = at // MINUTE
        end = min(to_ms, (minute + 1) * MINUTE)
        total += Fraction(rate_in_minute(schedule, minute) * (end - at), 3_600_000)
        at = end
    return total


instants = st.integers(-3 * 7 * DAY * MINUTE, 3 * 7 * DAY * MINUTE)
spans = st.integers(0, 9 * DAY * MINUTE)


@given(schedules(), instants, spans)
def test_volume_between_two_instants_is_that_of_the_minutes_between(
    schedule: Schedule, start: int, span: int
) -> None:
    table = RateTable.from_schedule(schedule)
    units = table.volume_units(start, start + span)
    assert Fraction(units, 3_600_000) == volume_minute_by_minute(schedule, start, start + span)


@given(schedules(), instants, spans, spans)
def test_volume_does_not_depend_on_how_time_is_cut(
    schedule: Schedule, start: int, first: int, second: int
) -> None:
    table = RateTable.from_schedule(schedule)
    middle = start + first
    whole = table.volume_units(start, middle + second)
    assert whole == table.volume_units(start, middle) + table.volume_units(middle, middle + second)


@given(schedules(), instants, st.integers(1, 5 * 10**12))
def test_a_volume_has_passed_at_its_instant_and_not_a_millisecond_before(
    schedule: Schedule, start: int, units: int
) -> None:
    table = RateTable.from_schedule(schedule)
    at = table.passed_at(start, units)
    assert at is not None
    assert at > start
    assert table.volume_units(start, at - 1) < units <= table.volume_units(start, at)


@given(schedules(), instants)
def test_no_volume_has_passed_at_once(schedule: Schedule, start: int) -> None:
    assert RateTable.from_schedule(schedule).passed_at(start, 0) == start


@given(schedules(), instants)
def test_rate_and_step_are_those_of_the_minute(schedule: Schedule, at: int) -> None:
    table = RateTable.from_schedule(schedule)
    assert table.rate_at(at) == rate_in_minute(schedule, at // MINUTE)
    assert schedule.steps[table.step_at(at)].rate_nl_h == table.rate_at(at)


@given(schedules(), instants)
def test_next_change_is_the_first_minute_with_another_rate(schedule: Schedule, at: int) -> None:
    now = rate_in_minute(schedule, at // MINUTE)
    ahead = range(at // MINUTE + 1, at // MINUTE + 7 * DAY + 1)
    expected = next((minute for minute in ahead if rate_in_minute(schedule, minute) != now), None)
    found = RateTable.from_schedule(schedule).next_change(at)
    assert found == (None if expected is None else expected * MINUTE)


@given(schedules())
def test_worst_hour_is_the_largest_of_all_sliding_hours(schedule: Schedule) -> None:
    monday = -THURSDAY * DAY
    per_minute = [rate_in_minute(schedule, monday + minute) for minute in range(7 * DAY + 60)]
    window = sum(per_minute[:60])
    worst = window
    for minute in range(7 * DAY):
        window += per_minute[minute + 60] - per_minute[minute]
        worst = max(worst, window)
    assert RateTable.from_schedule(schedule).worst_hour_units() == worst * MINUTE


@given(schedules())
def test_largest_day_rounds_to_the_volume_the_protocol_prescribes(schedule: Schedule) -> None:
    days = []
    for weekday in range(7):
        today = [step for step in schedule.steps if step.days >> weekday & 1]
        ends = [*(step.start_min for step in today[1:]), DAY]
        days.append(
            day_volume_nl(
                (step.rate_nl_h, end - step.start_min) for step, end in zip(today, ends, strict=True)
            )
        )
    units = RateTable.from_schedule(schedule).largest_day_units()
    assert round_half_up(units, 3_600_000) == max(days)


@given(st.integers(0, 1_000_000), instants)
def test_a_constant_rate_belongs_to_no_step_and_never_changes(rate: int, at: int) -> None:
    table = RateTable.constant(rate)
    assert (table.rate_at(at), table.step_at(at), table.next_change(at)) == (rate, NO_STEP, None)


@given(instants, st.integers(1, 10**9))
def test_without_flow_no_volume_ever_passes(at: int, units: int) -> None:
    assert RateTable.constant(0).passed_at(at, units) is None


@given(instants, instants)
def test_midnight_is_the_last_one_before(at: int, other: int) -> None:
    assume(at - DAY * MINUTE < other <= at)
    midnight = local_midnight_before(at)
    assert midnight % (DAY * MINUTE) == 0
    assert midnight <= at < midnight + DAY * MINUTE


def test_a_year_costs_no_more_than_a_day() -> None:
    """The table of 24 steps is asked a hundred thousand years ahead, which no loop would survive."""
    steps = tuple(Step(EVERY_DAY, hour * 60, 2_000 + hour) for hour in range(24))
    table = RateTable.from_schedule(Schedule(ScheduleMode.DAILY, steps))
    years = 100_000 * 365 * DAY * MINUTE
    per_day = sum(2_000 + hour for hour in range(24)) * 60 * MINUTE
    assert table.volume_units(0, years) == 100_000 * 365 * per_day
