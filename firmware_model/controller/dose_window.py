"""Rolling dose windows: the largest volume of any 1 h or 24 h that a bolus would be part of.

A delivery trace is what was delivered and what is to come: the basal rate as its changes, the boluses as
runs. Before a bolus is granted it is laid into the trace, and every window that overlaps it is looked at:
what was delivered in the past part of the window, the bolus, and all basal that the program will deliver in
its future part. So a full window of future basal is reserved, wherever the window lies; a count of only what
was delivered already would let bolus and basal together pass the limit later (safety reference, section 0).

The volume of a window is piecewise linear in its start, so its maximum lies where one of its ends meets a
change of the trace. Times are ms of the counter, never civil time: setting the clock frees nothing.

Windows in drug mass follow from those in volume times the concentration as long as the reservoir keeps one
content, which this firmware sees to by refusing programs with another concentration (BRIDGE_REQUIRED). A
trace over a change of concentration would need the concentration beside each piece.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, UNITS_PER_NL

HOUR_MS: Final = MS_PER_HOUR
DAY_MS: Final = MS_PER_DAY
MAX_CHANGES: Final = 512
"""Changes of the basal rate that are kept of the last 24 h; a table has at most 48 a day."""

_UNITS_PER_NL_S: Final = UNITS_PER_NL // 1_000


@dataclass(frozen=True, slots=True)
class RateChange:
    """From ``at_ms`` on the basal rate is ``rate_nl_h``."""

    at_ms: int
    rate_nl_h: int


@dataclass(frozen=True, slots=True)
class BolusRun:
    """A bolus in the trace.

    Attributes:
        from_ms: its start.
        to_ms: its end, planned or real.
        volume_nl: with ``duration_s``, how fast it runs.
        duration_s: see there.
        units: delivered at its end.
    """

    from_ms: int
    to_ms: int
    volume_nl: int
    duration_s: int
    units: int

    def units_to(self, at_ms: int, *, upper: bool) -> int:
        """Return what is delivered until an instant, rounded down or (``upper``) up to a unit."""
        if at_ms >= self.to_ms:
            return self.units
        flow = self.volume_nl * _UNITS_PER_NL_S * max(0, at_ms - self.from_ms)
        return min(self.units, -(-flow // self.duration_s) if upper else flow // self.duration_s)


class DeliveryTrace:
    """What was delivered and what is to come.

    Args:
        changes: changes of the basal rate, ascending; the rate is 0 before the first.
        runs: boluses, one after the other, ascending.
        until_ms: nothing is asked for beyond this instant.
    """

    def __init__(self, changes: Sequence[RateChange], runs: Iterable[BolusRun], until_ms: int) -> None:
        self._runs = tuple(runs)
        self._changes = changes = tuple(changes) or (RateChange(until_ms, 0),)
        self._starts = [change.at_ms for change in changes]
        basal = (early.rate_nl_h * (late.at_ms - early.at_ms) for early, late in pairwise(changes))
        self._basal_before = list(accumulate(basal, initial=0))
        self._run_starts = [run.from_ms for run in self._runs]
        self._runs_before = list(accumulate((run.units for run in self._runs), initial=0))
        self._until_ms = until_ms

    def _units_to(self, at_ms: int, *, upper: bool) -> int:
        piece = bisect_right(self._starts, at_ms) - 1
        units = 0
        if piece >= 0:
            change = self._changes[piece]
            units = self._basal_before[piece] + change.rate_nl_h * (at_ms - change.at_ms)
        run = bisect_right(self._run_starts, at_ms) - 1
        if run >= 0:
            units += self._runs_before[run] + self._runs[run].units_to(at_ms, upper=upper)
        return units

    def window_units(self, from_ms: int, window_ms: int) -> int:
        """Return the volume of one window; at most two units too much where it cuts a bolus."""
        return self._units_to(from_ms + window_ms, upper=True) - self._units_to(from_ms, upper=False)

    def largest_units(self, window_ms: int, from_ms: int, to_ms: int) -> int:
        """Return the largest volume of any window that overlaps ``from_ms .. to_ms``."""
        earliest = from_ms - window_ms
        meets = {earliest, to_ms}
        for at in (*self._starts, *self._run_starts, *(run.to_ms for run in self._runs), self._until_ms):
            meets.update(start for start in (at, at - window_ms) if earliest <= start <= to_ms)
        return max(self.window_units(start, window_ms) for start in meets)

    def highest_rate(self, from_ms: int, to_ms: int) -> int:
        """Return the highest basal rate in a span, nL/h."""
        first = max(0, bisect_right(self._starts, from_ms) - 1)
        return max((change.rate_nl_h for change in self._changes[first:] if change.at_ms < to_ms), default=0)


def remember(
    changes: Sequence[RateChange], newer: Sequence[RateChange], now_ms: int
) -> tuple[RateChange, ...]:
    """Return the changes of the last 24 h: ``changes`` with ``newer`` after them.

    Where they are more than can be kept, the oldest become one with the higher rate: the pump then believes
    that it has delivered more than it has, never less.
    """
    all_of_them: list[RateChange] = list(changes)
    for change in newer:
        if not all_of_them or all_of_them[-1].rate_nl_h != change.rate_nl_h:
            all_of_them.append(change)
    first = max(0, bisect_right([change.at_ms for change in all_of_them], now_ms - DAY_MS) - 1)
    kept = all_of_them[first:]
    while len(kept) > MAX_CHANGES:
        kept[:2] = [RateChange(kept[0].at_ms, max(kept[0].rate_nl_h, kept[1].rate_nl_h))]
    return tuple(kept)
