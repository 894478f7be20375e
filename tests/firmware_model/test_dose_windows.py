"""Rolling dose windows against a slow oracle: no row of grants passes a limit in any window of the truth."""

from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bolus_bench import (
    WIDE,
    arm_request,
    ask_for_bolus,
    bolus_pump,
    cancel,
    give,
    set_delivery,
    start_request,
)
from support.pump_bench import DAY_MS, HOUR_MS, active_program, ask, commit, intent, status, with_steps

from firmware_model.controller.bolus_check import BolusPlan, examine_bolus
from firmware_model.controller.dose_window import MAX_CHANGES, BolusRun, DeliveryTrace, RateChange, remember
from firmware_model.pump import Pump
from protocol.messages.clock import SetClockRequest
from protocol.messages.delivery import BolusArmResponse
from protocol.program import Limits
from protocol.quantities import UNITS_PER_NL
from protocol.request_words import ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import DeliveryState, ErrorCode, LimitField, SoftLimit

MINUTE_MS = 60_000

# --- the trace --------------------------------------------------------------------------------------------

rates = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 40)), min_size=1, max_size=5, unique_by=lambda pair: pair[0]
).map(sorted)
bolus_spans = st.lists(st.integers(1, 7), max_size=6)


def slow_units(changes: list[tuple[int, int]], runs: list[BolusRun], at: int) -> Fraction:
    """Add up millisecond by millisecond, in fractions."""
    total = Fraction(0)
    for ms in range(at):
        total += next((rate for start, rate in reversed(changes) if start <= ms), 0)
        for run in runs:
            if run.from_ms <= ms < run.to_ms:
                total += Fraction(run.volume_nl * 3_600, run.duration_s)
    return total


@settings(max_examples=60, deadline=None)
@given(rates, bolus_spans, st.integers(1, 12), st.data())
def test_the_largest_window_is_the_largest_of_all_windows(
    changes: list[tuple[int, int]], spans: list[int], window_ms: int, data: st.DataObject
) -> None:
    runs, at = [], 5
    for span in spans:
        at += span
        volume, seconds = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 900))
        length = data.draw(st.integers(1, 6))
        runs.append(BolusRun(at, at + length, volume, seconds, volume * 3_600 * length // seconds))
        at += length
    from_ms = data.draw(st.integers(15, 40))
    to_ms = from_ms + data.draw(st.integers(1, 12))
    trace = DeliveryTrace([RateChange(*pair) for pair in changes], runs, 90)
    cumulative = [slow_units(changes, runs, ms) for ms in range(90)]
    starts = range(from_ms - window_ms, to_ms + 1)
    oracle = max(cumulative[start + window_ms] - cumulative[start] for start in starts)
    found = trace.largest_units(window_ms, from_ms, to_ms)
    # The runs of a trace end on whole units, so that each of them may lie a unit off the fraction.
    assert oracle - len(runs) <= found <= oracle + len(runs) + 2


def test_changes_older_than_a_day_are_forgotten_but_for_the_last() -> None:
    changes = [RateChange(hour * HOUR_MS, hour) for hour in range(30)]
    kept = remember(changes, (), 30 * HOUR_MS)
    assert kept == tuple(changes[6:])
    assert remember(kept, [RateChange(31 * HOUR_MS, 29)], 31 * HOUR_MS) == tuple(changes[7:])


def test_too_many_changes_are_remembered_as_more_than_was_delivered() -> None:
    changes = [RateChange(second * 1_000, second % 7) for second in range(2 * MAX_CHANGES)]
    kept = remember((), changes, DAY_MS)
    assert len(kept) == MAX_CHANGES
    until = 3 * MAX_CHANGES * 1_000
    true, remembered = (DeliveryTrace(each, (), until) for each in (changes, kept))
    for start in range(0, 2 * MAX_CHANGES * 1_000, 33_333):
        assert remembered.window_units(start, 50_000) >= true.window_units(start, 50_000)


# --- grants -----------------------------------------------------------------------------------------------


def refused(
    pump: Pump, volume_nl: int, duration_s: int, number: int = 99
) -> tuple[ErrorCode, int, int] | None:
    """Say why a bolus would not be armed, None where it would; the pump itself stays as it is."""
    answer = ask(Pump.restore(pump.snapshot()), arm_request(volume_nl, duration_s, number=number))
    return (answer.code, answer.field, answer.detail) if isinstance(answer, Refusal) else None


def limits(**changes: int) -> Limits:
    return replace(WIDE, **changes)


def flat_pump(rate_nl_h: int = 10_000, **changes: int) -> Pump:
    """A pump whose basal rate never changes, a day into it."""
    pump = bolus_pump()
    program = with_steps(active_program(pump), (0, rate_nl_h))
    commit(pump, replace(program, limits=limits(**changes)), intent(0xF1A7))
    pump.advance_to(30 * HOUR_MS)
    return pump


@pytest.mark.parametrize(("volume_nl", "fits"), [(40_000, True), (40_001, False)])
def test_an_hour_holds_the_bolus_and_its_basal_to_the_nanolitre(volume_nl: int, fits: bool) -> None:
    pump = flat_pump(hard_hour_nl=50_000, soft_hour_nl=50_000)
    expected = None if fits else (ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 50_000)
    assert refused(pump, volume_nl, 600) == expected


@pytest.mark.parametrize(("volume_nl", "fits"), [(60_000, True), (60_001, False)])
def test_a_day_holds_the_bolus_and_its_basal_to_the_nanolitre(volume_nl: int, fits: bool) -> None:
    pump = flat_pump(hard_day_nl=300_000, soft_day_nl=300_000)
    expected = None if fits else (ErrorCode.HARD_LIMIT, LimitField.DAY_VOLUME, 300_000)
    assert refused(pump, volume_nl, 600) == expected


def test_a_stop_before_a_bolus_leaves_no_room_for_more() -> None:
    """What counts only what was delivered would grant what the basal rate then passes the limit with."""
    pump = flat_pump(hard_hour_nl=50_000, soft_hour_nl=50_000)
    set_delivery(pump, DeliveryState.STOPPED, 60)
    pump.advance_to(pump.now_ms + 60 * MINUTE_MS)
    assert status(pump).delivery_state is DeliveryState.RUNNING
    assert refused(pump, 40_001, 600) == (ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 50_000)
    assert refused(pump, 40_000, 600) is None


def test_a_long_bolus_counts_in_each_hour_with_its_part() -> None:
    pump = flat_pump(hard_hour_nl=50_000, soft_hour_nl=50_000)
    assert refused(pump, 160_000, 4 * 3_600) is None
    assert refused(pump, 160_001, 4 * 3_600) == (ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 50_000)


def test_a_higher_step_after_the_bolus_is_reserved_for() -> None:
    pump = bolus_pump()
    program = with_steps(active_program(pump), (0, 10_000), (14 * 60 + 30, 45_000))
    commit(pump, replace(program, limits=limits(hard_hour_nl=50_000, soft_hour_nl=50_000)), intent(3))
    pump.advance_to(13 * HOUR_MS)  # 14:00 local: half an hour at 10, half an hour at 45
    assert refused(pump, 22_501, 600) == (ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 50_000)
    assert refused(pump, 22_500, 600) is None


def test_a_program_that_waits_is_reserved_for() -> None:
    pump = flat_pump(hard_hour_nl=50_000, soft_hour_nl=50_000)
    utc_s = status(pump).utc_s
    later = with_steps(active_program(pump), (0, 30_000))
    commit(pump, later, intent(4), effective_utc_s=utc_s + 1_800)
    # Half an hour of 10 and half an hour of 30 uL/h.
    assert refused(pump, 30_001, 600) == (ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 50_000)
    assert refused(pump, 30_000, 600) is None


def test_the_limits_of_a_program_that_waits_count_too() -> None:
    pump = flat_pump(hard_hour_nl=50_000, soft_hour_nl=50_000)
    utc_s = status(pump).utc_s
    later = replace(active_program(pump), limits=limits(hard_bolus_nl=7_000, soft_bolus_nl=7_000))
    commit(pump, later, intent(4), effective_utc_s=utc_s + 1_800)
    assert refused(pump, 7_001, 60) == (ErrorCode.HARD_LIMIT, LimitField.BOLUS_VOLUME, 7_000)


def test_boluses_of_the_last_day_count_over_resets_and_clock_changes() -> None:
    pump = flat_pump(hard_day_nl=300_000, soft_day_nl=300_000)
    give(pump, 35_000, 600, number=1)
    pump.advance_to(pump.now_ms + 600_000)
    assert refused(pump, 25_001, 600) == (ErrorCode.HARD_LIMIT, LimitField.DAY_VOLUME, 300_000)
    pump.reset()
    ask(pump, SetClockRequest(status(pump).utc_s + 40 * 86_400, 0, ClockSource.NETWORK))
    assert refused(pump, 25_001, 600) == (ErrorCode.HARD_LIMIT, LimitField.DAY_VOLUME, 300_000)
    assert refused(pump, 25_000, 600) is None
    pump.advance_to(pump.now_ms + 24 * HOUR_MS)
    assert refused(pump, 60_000, 600) is None


def test_what_a_cancelled_bolus_did_not_deliver_is_free_again() -> None:
    pump = flat_pump(hard_day_nl=300_000, soft_day_nl=300_000)
    started = give(pump, 60_000, 600)
    pump.advance_to(pump.now_ms + 100_000)
    cancel(pump, started.bolus_id)
    assert refused(pump, 50_001, 600) == (ErrorCode.HARD_LIMIT, LimitField.DAY_VOLUME, 300_000)
    assert refused(pump, 50_000, 600) is None


def test_a_lost_book_lets_no_bolus_through_for_a_day() -> None:
    pump = flat_pump()
    for copy in ("a", "b"):
        pump.storage.flip_bit(f"bolus.{copy}", 5)
    pump.reset()
    assert refused(pump, 1_000, 600) == (ErrorCode.LOCKOUT, 0xFF, 86_400)
    pump.reset()
    assert ask_for_bolus(pump, 5) == Refusal(ErrorCode.LOCKOUT, detail=86_400)
    pump.advance_to(pump.now_ms + DAY_MS - 1)
    assert refused(pump, 1_000, 600) == (ErrorCode.LOCKOUT, 0xFF, 1)
    pump.advance_to(pump.now_ms + 1)
    assert refused(pump, 1_000, 600) is None


def test_soft_limits_of_windows_are_flagged() -> None:
    pump = flat_pump(soft_hour_nl=30_000, soft_day_nl=255_000)
    for volume_nl, flags in ((10_000, 0), (16_000, 4), (20_001, 6)):
        armed = ask(pump, arm_request(volume_nl, 600, number=volume_nl))
        assert isinstance(armed, BolusArmResponse)
        assert armed.soft_flags == SoftLimit(flags)


# --- any row of requests ----------------------------------------------------------------------------------

HARD_HOUR_NL, HARD_DAY_NL = 40_000, 330_000
STORY_MS = 3 * DAY_MS


def story_pump() -> Pump:
    pump = bolus_pump()
    program = with_steps(active_program(pump), (0, 6_000), (300, 14_001), (750, 2_003), (1_111, 12_000))
    bound = limits(
        hard_hour_nl=HARD_HOUR_NL, hard_day_nl=HARD_DAY_NL, soft_hour_nl=HARD_HOUR_NL, soft_day_nl=HARD_DAY_NL
    )
    rules = replace(program.patient_bolus, lockout_min=5, max_per_24h=40, max_24h_nl=300_000)
    commit(pump, replace(program, limits=bound, patient_bolus=rules), intent(0x5107))
    pump.advance_to(30 * HOUR_MS)
    return pump


STORY = story_pump().snapshot()
acts = st.one_of(
    st.tuples(st.just("bolus"), st.integers(0, 1_000), st.sampled_from((60, 601, 3_601, 30_000, 86_400))),
    st.tuples(st.just("patient"), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(("stop", "slow")), st.integers(1, 300), st.just(0)),
    st.tuples(st.sampled_from(("cancel", "reset", "resume")), st.just(0), st.just(0)),
)
stories = st.lists(st.tuples(st.integers(0, 4 * HOUR_MS), acts), min_size=3, max_size=25)


class Watched:
    """A pump, and what it has delivered at every instant at which its flow may have changed."""

    def __init__(self) -> None:
        self.pump = Pump.restore(STORY)
        self.points: list[tuple[int, int]] = []
        self.grants: list[int] = []
        self.look()

    def look(self) -> None:
        # What the motor was told: drug moves in whole strokes, and a stop on command completes the last one.
        ahead_units = self.pump.truth().delivered_units - self.pump.plant.state.motor.commanded_units
        assert ahead_units < self.pump.plant.pathway.stroke_units
        self.points.append((self.pump.now_ms, self.pump.plant.state.motor.commanded_units))

    def advance_to(self, end_ms: int) -> None:
        """Look at each step of the table too, so that the trace is straight between two points."""
        while self.pump.now_ms < end_ms:
            change_ms = self.pump.controller.therapy.next_change_ms
            stop_ms = end_ms if change_ms is None else min(end_ms, self.pump.now_ms + max(1, change_ms))
            self.pump.advance_to(stop_ms)
            self.look()

    def do(self, act: tuple[str, int, int], number: int) -> None:
        name, first, second = act
        if name == "bolus":
            self.order_bolus(self.most_nl(second) - first, second, number)
        elif name == "patient":
            if not isinstance(ask_for_bolus(self.pump, number), Refusal):
                self.grants.append(self.pump.now_ms)
        elif name == "cancel":
            cancel(self.pump, status(self.pump).bolus_id)
        elif name == "reset":
            self.pump.reset()
        elif name == "resume":
            set_delivery(self.pump, DeliveryState.RUNNING)
        else:
            target = DeliveryState.STOPPED if name == "stop" else DeliveryState.MIN_RATE
            set_delivery(self.pump, target, first)
        self.look()

    def most_nl(self, duration_s: int) -> int:
        """Return the largest bolus that the pump would grant now, nL: what tries its limits hardest."""
        situation = self.pump.controller.therapy.bolus_situation(duration_s)
        assert situation is not None
        low, high = 0, 300_000
        while low < high:
            middle = (low + high + 1) // 2
            refused = isinstance(examine_bolus(BolusPlan(middle, duration_s), situation), Refusal)
            low, high = (low, middle - 1) if refused else (middle, high)
        return low

    def order_bolus(self, volume_nl: int, duration_s: int, number: int) -> None:
        armed = ask(self.pump, arm_request(max(1, volume_nl), duration_s, number=number))
        if isinstance(armed, BolusArmResponse):
            started = ask(self.pump, start_request(armed))
            if isinstance(started, Refusal):
                assert started.code is ErrorCode.BUSY
                return
            self.grants.append(self.pump.now_ms)

    def delivered(self, at_ms: int) -> Fraction:
        """Return what was delivered until an instant, between two points in proportion."""
        times = [time for time, _ in self.points]
        late = min(max(1, bisect_right(times, at_ms)), len(times) - 1)
        (t0, u0), (t1, u1) = self.points[late - 1], self.points[late]
        return Fraction(u0) if t1 == t0 else u0 + Fraction((u1 - u0) * (at_ms - t0), t1 - t0)

    def largest(self, window_ms: int) -> Fraction:
        first, last = self.points[0][0], self.points[-1][0]
        ends = {end for time, _ in self.points for end in (time, time + window_ms)}
        return max(
            self.delivered(end) - self.delivered(end - window_ms)
            for end in ends
            if first + window_ms <= end <= last
        )


@settings(max_examples=40, deadline=None)
@given(stories)
def test_no_row_of_grants_passes_a_limit_in_any_window_of_the_truth(
    story: list[tuple[int, tuple[str, int, int]]],
) -> None:
    live(story)


@pytest.mark.parametrize("seed", range(6))
def test_no_long_row_of_grants_passes_a_limit_either(seed: int) -> None:
    """Weeks of a clinician who always asks for as much as the pump would grant."""
    chance = Random(seed)
    seconds = (60, 601, 3_601, 7_200, 30_000, 86_400)
    story: list[tuple[int, tuple[str, int, int]]] = []
    for _ in range(60):
        name = chance.choice(("bolus",) * 5 + ("patient", "stop", "slow", "cancel", "reset", "resume"))
        first = chance.randrange(1, 300) if name in ("stop", "slow") else 0
        story.append((chance.randrange(4 * HOUR_MS), (name, first, chance.choice(seconds))))
    assert len(live(story).grants) > 5


def live(story: list[tuple[int, tuple[str, int, int]]]) -> "Watched":
    watched = Watched()
    for number, (pause_ms, act) in enumerate(story, start=1):
        watched.do(act, number)
        watched.advance_to(watched.pump.now_ms + pause_ms)
    watched.advance_to(watched.pump.now_ms + 25 * HOUR_MS)
    # The truth is floored to whole units at each point: a window may seem a unit larger than it is.
    assert watched.largest(HOUR_MS) <= HARD_HOUR_NL * UNITS_PER_NL + 1
    assert watched.largest(DAY_MS) <= HARD_DAY_NL * UNITS_PER_NL + 1
    return watched


def test_the_story_reaches_its_limits() -> None:
    """Guards the test above: boluses as large as they may be fill the windows."""
    watched = Watched()
    for number in range(1, 80):
        watched.order_bolus(watched.most_nl(600), 600, number)
        watched.advance_to(watched.pump.now_ms + 35 * MINUTE_MS)
    assert len(watched.grants) >= 10
    assert watched.largest(HOUR_MS) > HARD_HOUR_NL * UNITS_PER_NL * 999 // 1_000
    assert watched.largest(DAY_MS) > HARD_DAY_NL * UNITS_PER_NL * 999 // 1_000
    assert watched.largest(DAY_MS) <= HARD_DAY_NL * UNITS_PER_NL + 1
