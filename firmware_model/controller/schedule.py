"""The rate table in closed form: exact volume between two instants, and the instant a volume has passed.

The table is periodic (a day or a week) and piecewise constant. With the volumes before each piece summed
once, every question costs one bisection, however many days lie between: quiet years are not simulated,
they are computed. Volume is in units of nL*ms/h, in which rate [nL/h] times time [ms] is exact.

Local time is civil time plus the program's UTC offset, in ms since 1970-01-01 00:00 of that local time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from protocol.program import Schedule
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE
from protocol.vocabulary import ScheduleMode

_MONDAY_MS: Final = 3 * MS_PER_DAY
"""1970-01-01 was a Thursday: local time 0 lies three days into a week that starts on Monday."""

NO_STEP: Final = 0xFF
"""Step number of a rate that belongs to no step of a program."""


@dataclass(frozen=True, slots=True)
class RateTable:
    """A periodic, piecewise constant rate.

    Attributes:
        period_ms: length of the period.
        starts_ms: start of each piece within the period, ascending from 0.
        rates_nl_h: rate of each piece.
        steps: number of the program step each piece belongs to.
        before: volume units before each piece, and last the volume of a whole period.
    """

    period_ms: int
    starts_ms: tuple[int, ...]
    rates_nl_h: tuple[int, ...]
    steps: tuple[int, ...]
    before: tuple[int, ...]

    @classmethod
    def from_schedule(cls, schedule: Schedule) -> "RateTable":
        """Return the table of a program's schedule (checked by `protocol.program` before)."""
        days = range(7) if schedule.mode is ScheduleMode.WEEKLY else range(1)
        pieces = [
            (day * MS_PER_DAY + step.start_min * MS_PER_MINUTE, step.rate_nl_h, number)
            for day in days
            for number, step in enumerate(schedule.steps)
            if step.days >> day & 1
        ]
        return cls._from_pieces(len(days) * MS_PER_DAY, pieces)

    @classmethod
    def constant(cls, rate_nl_h: int) -> "RateTable":
        """Return the table of one rate that never changes."""
        return cls._from_pieces(MS_PER_DAY, [(0, rate_nl_h, NO_STEP)])

    @classmethod
    def _from_pieces(cls, period_ms: int, pieces: list[tuple[int, int, int]]) -> "RateTable":
        starts, rates, steps = zip(*pieces, strict=True)
        ends = (*starts[1:], period_ms)
        volumes = (rate * (end - start) for rate, start, end in zip(rates, starts, ends, strict=True))
        return cls(period_ms, starts, rates, steps, tuple(accumulate(volumes, initial=0)))

    # --- questions in local time --------------------------------------------------------------------------

    def _volume_to(self, local_ms: int) -> int:
        """Return the volume units since the start of the period that local time 0 lies in."""
        periods, within = divmod(local_ms + _MONDAY_MS, self.period_ms)
        piece = bisect_right(self.starts_ms, within) - 1
        volume = self.before[piece] + self.rates_nl_h[piece] * (within - self.starts_ms[piece])
        return periods * self.before[-1] + volume

    def volume_units(self, from_ms: int, to_ms: int) -> int:
        """Return the exact volume units between two instants."""
        return self._volume_to(to_ms) - self._volume_to(from_ms)

    def passed_at(self, from_ms: int, units: int) -> int | None:
        """Return the first instant (ms) at which at least ``units`` have passed since ``from_ms``.

        None where they never will, because every rate is 0.
        """
        if units <= 0:
            return from_ms
        a_period = self.before[-1]
        if a_period == 0:
            return None
        # The volume lies in (0, a_period] of its period, so that a flat end is not skipped over.
        periods, left = divmod(self._volume_to(from_ms) + units - 1, a_period)
        left += 1
        piece = bisect_left(self.before, left) - 1
        in_piece = -(-(left - self.before[piece]) // self.rates_nl_h[piece])
        return periods * self.period_ms + self.starts_ms[piece] + in_piece - _MONDAY_MS

    def rate_at(self, local_ms: int) -> int:
        """Return the rate (nL/h) at an instant."""
        return self.rates_nl_h[self._piece_at(local_ms)]

    def step_at(self, local_ms: int) -> int:
        """Return the number of the active step, or 255 where the rate belongs to none."""
        return self.steps[self._piece_at(local_ms)]

    def _piece_at(self, local_ms: int) -> int:
        return bisect_right(self.starts_ms, (local_ms + _MONDAY_MS) % self.period_ms) - 1

    def next_change(self, local_ms: int) -> int | None:
        """Return the first instant after ``local_ms`` at which the rate differs, or None."""
        within = (local_ms + _MONDAY_MS) % self.period_ms
        now = bisect_right(self.starts_ms, within) - 1
        count = len(self.starts_ms)
        for ahead in range(1, count):
            laps, piece = divmod(now + ahead, count)
            if self.rates_nl_h[piece] != self.rates_nl_h[now]:
                return local_ms - within + laps * self.period_ms + self.starts_ms[piece]
        return None

    def changes(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
        """Yield ``from_ms`` with its rate, then each change of the rate before ``to_ms``."""
        at: int | None = from_ms
        while at is not None and at < to_ms:
            yield at, self.rate_at(at)
            at = self.next_change(at)

    # --- summaries ----------------------------------------------------------------------------------------

    @property
    def lowest_rate_nl_h(self) -> int:
        """The lowest rate of the table, nL/h."""
        return min(self.rates_nl_h)

    @property
    def highest_rate_nl_h(self) -> int:
        """The highest rate of the table, nL/h."""
        return max(self.rates_nl_h)

    def largest_day_units(self) -> int:
        """Return the volume units of the largest calendar day."""
        days = range(0, self.period_ms, MS_PER_DAY)
        return max(self._window_units(start, MS_PER_DAY) for start in days)

    def worst_hour_units(self) -> int:
        """Return the largest volume units of any 60 minutes, wherever they start.

        The volume of a sliding window is piecewise linear in its start, so its maximum lies where one of
        its two ends meets a change of rate.
        """
        ends = (*self.starts_ms, *(start - MS_PER_HOUR for start in self.starts_ms))
        return max(self._window_units(start, MS_PER_HOUR) for start in ends)

    def _window_units(self, start_ms: int, length_ms: int) -> int:
        local_ms = start_ms - _MONDAY_MS
        return self.volume_units(local_ms, local_ms + length_ms)


def local_midnight_before(local_ms: int) -> int:
    """Return the last midnight at or before a local instant."""
    return local_ms - local_ms % MS_PER_DAY
