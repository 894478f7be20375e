"""Timing: repeated, interleaved with the baseline, medians.

What uses one core is timed in CPU time of this process, so that a busy machine does not spoil it; what waits
for another process is timed on the wall clock.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

Work = Callable[[], object]
NS_PER_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: repeats of the whole measurement, and a factor on its length in 1/8."""

    repeats: int
    eighths: int

    def calls(self, full: int) -> int:
        """Return how many calls one repeat makes where a full run makes ``full``."""
        return max(1, full * self.eighths // 8)


FULL: Final = Effort(7, 8)
QUICK: Final = Effort(3, 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Subject and baseline measured in turns: medians in us per call, and the median of the ratios."""

    subject_us: float
    baseline_us: float
    ratio: float


def cpu_us(work: Work, calls: int) -> float:
    """Return the CPU time of this process for one call of ``work``, in us, as the mean of ``calls`` calls."""
    start = time.process_time_ns()
    for _ in range(calls):
        work()
    return (time.process_time_ns() - start) / calls / NS_PER_US


def wall_us_of_each(work: Work, calls: int, *, rest_s: float = 0.0) -> list[float]:
    """Return the wall time of each of ``calls`` calls in us, without the ``rest_s`` slept before each."""
    times: list[float] = []
    for _ in range(calls):
        if rest_s:
            time.sleep(rest_s)
        start = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - start) / NS_PER_US)
    return times


def in_turns(subject: Work, baseline: Work, calls: int, baseline_calls: int, repeats: int) -> Pair:
    """Measure both in turns, ``repeats`` times, after one short run of each that does not count."""
    cpu_us(subject, max(1, calls // 10))
    cpu_us(baseline, max(1, baseline_calls // 10))
    pairs = [(cpu_us(subject, calls), cpu_us(baseline, baseline_calls)) for _ in range(repeats)]
    return Pair(
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
        median(ours / theirs for ours, theirs in pairs),
    )


def alone(work: Work, calls: int, repeats: int) -> float:
    """Return the median over ``repeats`` of the CPU time of one call, in us."""
    cpu_us(work, max(1, calls // 10))
    return median(cpu_us(work, calls) for _ in range(repeats))


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the value that ``percent`` of 100 of the times do not exceed.

    Raises:
        ValueError: there are no times.
    """
    if not times:
        raise ValueError("there are no times to take a percentile of")
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
