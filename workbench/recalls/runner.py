"""Runs a scenario on virtual time, beside its healthy twin, and judges what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from firmware_model.defects import NO_DEFECTS, find_defects
from firmware_model.plant.dose_trace import TracePoint
from firmware_model.setups import load_setup
from protocol.messages.log import LogRecord
from protocol.quantities import MS_PER_HOUR
from workbench.recalls.bench import Bench, changed_setup
from workbench.recalls.deeds import Story, do
from workbench.recalls.model import Expectation, Scenario, Variant
from workbench.recalls.sighting import Sighting, Value, Visit, see
from workbench.recalls.steps import Step

_PERMILLE: Final = 1_000
_PAGE: Final = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """One step that was done, and what could be seen after it."""

    step: Step
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Course:
    """One course of a scenario.

    Attributes:
        variant: which.
        start: what could be seen at the hand-over.
        moments: every step with what could be seen after it.
        visits: what programmers read, in order.
        refills: volumes withdrawn at refills, nL.
        records: the log since the hand-over.
        trace: course of the dose at the tip.
    """

    variant: Variant
    start: Sighting
    moments: tuple[Moment, ...]
    visits: tuple[Visit, ...]
    refills: tuple[int, ...]
    records: tuple[LogRecord, ...]
    trace: tuple[TracePoint, ...]

    @property
    def end(self) -> Sighting:
        """What could be seen at the end."""
        return self.moments[-1].sighting

    def at(self, mark: str) -> Sighting | None:
        """Return what could be seen after the step with a mark, the last one for none; None if not done."""
        if not mark:
            return self.end
        return next((each.sighting for each in self.moments if each.step.mark == mark), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one expectation; ``measured`` is ``nothing`` where it could not be looked at."""

    expectation: Expectation
    measured: Value
    holds: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that was run.

    Attributes:
        scenario: the scenario.
        course: the course that was asked for.
        healthy: its twin in which nothing fails.
        outcomes: what became of the expectations.
    """

    scenario: Scenario
    course: Course
    healthy: Course
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Expectations that do not hold though nothing is missing for them."""
        return tuple(each for each in self.outcomes if not each.holds and not each.expectation.awaits)

    @property
    def awaited(self) -> tuple[Outcome, ...]:
        """Expectations that do not hold, and of which the scenario says what is missing."""
        return tuple(each for each in self.outcomes if not each.holds and each.expectation.awaits)

    @property
    def holds(self) -> bool:
        """Whether all was seen as it has to be; what is awaited counts as not seen."""
        return all(each.holds for each in self.outcomes)


def run_scenario(scenario: Scenario, variant: Variant = Variant.BUILT) -> Run:
    """Run a scenario and its healthy twin.

    Raises:
        StepError: a step cannot be done.
        SetupError, ProfileError: the situation cannot be.
    """
    healthy = run_course(scenario, Variant.HEALTHY)
    course = run_course(scenario, variant)
    outcomes = tuple(judge(each, course, healthy) for each in scenario.expected_of(variant))
    return Run(scenario, course, healthy, outcomes)


def run_course(scenario: Scenario, variant: Variant) -> Course:
    """Run one course of a scenario; raises as `run_scenario`."""
    change = scenario.change
    values = {
        name: getattr(change, name) for name in ("implanted_days_ago", "therapy_days", "reservoir_left_nl")
    }
    setup = changed_setup(load_setup(scenario.setup), values, dict(change.limits))
    defects = find_defects(scenario.defects) if variant is Variant.RECALLED else NO_DEFECTS
    bench = Bench(
        scenario.profile, setup, scenario.setup, seed=scenario.seed, utc_s=scenario.utc_s, defects=defects
    )
    bench.pump.plant.set_dispersion(mixes=scenario.mixes)
    bench.pump.plant.record_every(scenario.window_h * MS_PER_HOUR)
    first_seq, story = bench.pump.controller.log.last_seq + 1, Story(bench)
    if defects:
        first_seq = _announced(bench, first_seq)
    start, moments = see(bench.pump, (), {}), []
    for step in scenario.steps_of(variant):
        do(step, story)
        moments.append(Moment(step, see(bench.pump, _records(bench, first_seq), story.told)))
    return Course(
        variant,
        start,
        tuple(moments),
        tuple(story.visits),
        tuple(story.refills),
        _records(bench, first_seq),
        bench.pump.plant.state.trace.points,
    )


def _announced(bench: Bench, first_seq: int) -> int:
    """Return the number of the record that announces the defects: the first one of the story."""
    log = bench.pump.controller.log
    page = log.page(max(1, first_seq - _PAGE), _PAGE)
    return next((each.seq for each in page.records if each.type.name == "FAULT"), first_seq)


def _records(bench: Bench, first_seq: int) -> tuple[LogRecord, ...]:
    log, found = bench.pump.controller.log, list[LogRecord]()
    seq = max(first_seq, log.first_seq)
    while seq <= log.last_seq:
        page = log.page(seq, _PAGE).records
        if not page:
            break
        found += page
        seq = page[-1].seq + 1
    return tuple(found)


def judge(expectation: Expectation, course: Course, healthy: Course) -> Outcome:
    """Tell whether an expectation holds."""
    measured = _measured(expectation, course)
    if expectation.of_healthy:
        measured = _share(measured, _measured(expectation, healthy))
    try:
        holds = expectation.must.holds(measured, expectation.value)
    except TypeError:
        holds = False
    return Outcome(expectation, measured, holds)


def _measured(expectation: Expectation, course: Course) -> Value:
    at, since = course.at(expectation.at), course.start
    if expectation.since:
        found = course.at(expectation.since)
        if found is None:
            return "nothing"
        since = found
    if at is None:
        return "nothing"
    value = at.value(expectation.seen)
    counts = expectation.since or expectation.of_healthy
    before = since.value(expectation.seen) if counts else 0
    return value - before if isinstance(value, int) and isinstance(before, int) else value


def _share(measured: Value, twin: Value) -> Value:
    if not isinstance(measured, int) or not isinstance(twin, int) or not twin:
        return "nothing"
    return measured * _PERMILLE // twin


def values_of(sighting: Sighting, observer: str) -> Mapping[str, Value]:
    """Return what one observer sees, without its name."""
    return {
        name.partition(".")[2]: value
        for name, value in sighting.values.items()
        if name.startswith(f"{observer}.")
    }
