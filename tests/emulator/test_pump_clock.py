"""Pump time: real, accelerated, paused, stepped, or as fast as possible, on a wall clock handed in."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.clock import MAX_SPEED, FastClock, PumpClock, parse_speed
from emulator.errors import EmulatorError, EmulatorFailure
from protocol.memory_link import VirtualClock

speeds = st.integers(1, MAX_SPEED) | st.fractions(Fraction(1, 997), 1000, max_denominator=997)
waits = st.integers(0, 10_000_000)


def clock_at(start_ms: int = 0, speed: int | Fraction = 1) -> tuple[VirtualClock, PumpClock]:
    wall = VirtualClock(5_000)
    return wall, PumpClock(wall.now_ms, start_ms=start_ms, speed=speed)


def wait(wall: VirtualClock, by_ms: int) -> None:
    wall.advance_to(wall.now_ms() + by_ms)


def test_real_time_passes_one_for_one() -> None:
    wall, clock = clock_at(start_ms=700)
    wait(wall, 1_234)
    assert clock.now_ms() == 1_934


def test_accelerated_time_passes_many_for_one() -> None:
    wall, clock = clock_at(speed=3_600)
    wait(wall, 24_000)
    assert clock.now_ms() == 86_400_000


def test_slow_motion_rounds_down_and_loses_nothing() -> None:
    wall, clock = clock_at(speed=Fraction(1, 3))
    times = []
    for _ in range(6):
        wait(wall, 1)
        times.append(clock.now_ms())
    assert times == [0, 0, 1, 1, 1, 2]


@given(st.lists(st.tuples(speeds, waits)))
def test_a_change_of_speed_neither_skips_nor_repeats_time(changes: list[tuple[int | Fraction, int]]) -> None:
    wall, clock = clock_at()
    exact = Fraction(0)
    for speed, by_ms in changes:
        before = clock.now_ms()
        clock.set_speed(speed)
        assert clock.now_ms() == before
        wait(wall, by_ms)
        exact += by_ms * Fraction(speed)
        assert clock.now_ms() == exact.__floor__()


@given(speeds, waits, waits)
def test_two_waits_are_as_good_as_one(speed: int | Fraction, first_ms: int, second_ms: int) -> None:
    (wall_a, clock_a), (wall_b, clock_b) = clock_at(speed=speed), clock_at(speed=speed)
    wait(wall_a, first_ms)
    clock_a.set_speed(speed)
    wait(wall_a, second_ms)
    wait(wall_b, first_ms + second_ms)
    assert clock_a.now_ms() == clock_b.now_ms()


@given(speeds, waits, waits)
def test_the_wall_deadline_is_the_first_moment_at_which_the_event_is_due(
    speed: int | Fraction, passed_ms: int, ahead_ms: int
) -> None:
    wall, clock = clock_at(speed=speed)
    wait(wall, passed_ms)
    event_ms = clock.now_ms() + ahead_ms
    deadline = clock.wall_deadline(wall.now_ms(), event_ms)
    assert deadline is not None
    assert clock.at(deadline) >= event_ms
    assert deadline == wall.now_ms() or clock.at(deadline - 1) < event_ms


def test_without_an_event_there_is_no_deadline() -> None:
    wall, clock = clock_at()
    assert clock.wall_deadline(wall.now_ms(), None) is None


def test_a_paused_clock_stands_while_the_wall_goes_on() -> None:
    wall, clock = clock_at(speed=60)
    wait(wall, 10)
    clock.pause()
    wait(wall, 1_000)
    assert clock.now_ms() == 600
    assert not clock.running
    assert clock.wall_deadline(wall.now_ms(), 601) is None
    clock.resume()
    wait(wall, 1)
    assert clock.now_ms() == 660


def test_a_paused_clock_is_stepped_by_jumps() -> None:
    wall, clock = clock_at()
    clock.pause()
    steps = []
    for _ in range(3):
        clock.jump(1_000)
        wait(wall, 77)
        steps.append(clock.now_ms())
    assert steps == [1_000, 2_000, 3_000]


def test_a_running_clock_may_jump_ninety_days() -> None:
    wall, clock = clock_at(speed=2)
    wait(wall, 5)
    clock.jump(90 * 86_400_000)
    wait(wall, 5)
    assert clock.now_ms() == 90 * 86_400_000 + 20


def test_pump_time_never_goes_back() -> None:
    wall, clock = clock_at()
    wait(wall, 100)
    with pytest.raises(ValueError, match="never goes back"):
        clock.jump(-1)
    clock.set_speed(5)
    assert clock.at(wall.now_ms() - 50) == 100, "a wall time from before the change counts as the change"


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("1", 1),
        ("60", 60),
        ("x3600", 3600),
        ("0.5", Fraction(1, 2)),
        ("1/2", Fraction(1, 2)),
        ("1000000", MAX_SPEED),
    ],
)
def test_a_speed_is_a_whole_number_a_decimal_or_a_fraction(text: str, speed: int | Fraction) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "fast", "1e3", "1e999999999", "nan", "inf", "1000001", "1/0", "0.0", "٣", "1/2/3", "xx2"],
)
def test_any_other_speed_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(EmulatorError, match="above 0 and up to 1000000") as caught:
        parse_speed(text)
    assert caught.value.reason is EmulatorFailure.BAD_SPEED


@pytest.mark.parametrize("speed", [0, -1, MAX_SPEED + 1, Fraction(-1, 2)])
def test_a_clock_refuses_an_impossible_speed_and_keeps_the_old_one(speed: int | Fraction) -> None:
    _, clock = clock_at(speed=7)
    with pytest.raises(EmulatorError):
        clock.set_speed(speed)
    assert clock.speed == 7
    with pytest.raises(EmulatorError):
        clock_at(speed=speed)


def test_as_fast_as_possible_goes_from_event_to_event_and_ends() -> None:
    clock = FastClock(start_ms=10, until_ms=100)
    assert clock.wall_deadline(0, 40) == 0, "no waiting"
    assert [clock.pump_now(0, event) for event in (40, 90)] == [40, 90]
    assert (clock.finished, clock.pump_now(0, 120), clock.finished) == (False, 100, True)
    assert clock.wall_deadline(0, 120) is None


def test_as_fast_as_possible_without_events_is_at_the_end_at_once() -> None:
    assert FastClock(until_ms=100).pump_now(0, None) == 100
