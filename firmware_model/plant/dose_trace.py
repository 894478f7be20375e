"""The record of what came out at the catheter tip, for plots and accuracy reports.

What has come out in all is known at every instant (`PlantState.tip`). The course of it is kept only on
demand, because every point of it is an event: fine points of the last 90 days or so, and a coarse one for
each day before.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.plant.fluid import Mass
from protocol.quantities import MS_PER_DAY

FINE_POINTS: Final = 90 * 24
"""Fine points that are kept: 90 days at one an hour."""

COARSE_POINTS: Final = 3_660
"""Daily points that are kept: ten years."""


@dataclass(frozen=True, slots=True)
class TracePoint:
    """What had happened up to an instant since manufacture.

    Attributes:
        at_ms: the instant.
        commanded_units: commanded, nL*ms/h.
        moved_units: moved by the motor.
        tip_units: out at the tip.
        tip_mass: masses out at the tip, units*ng/mL.
    """

    at_ms: int
    commanded_units: int
    moved_units: int
    tip_units: int
    tip_mass: Mass


@dataclass(slots=True)
class DoseTrace:
    """A bounded course of the dose at the tip.

    Attributes:
        every_ms: time between fine points, 0 where nothing is recorded.
        next_ms: when the next point is taken, None where none is.
        fine: the last points.
        coarse: points at whole days before them.
    """

    every_ms: int = 0
    next_ms: int | None = None
    fine: tuple[TracePoint, ...] = ()
    coarse: tuple[TracePoint, ...] = ()

    def record_every(self, every_ms: int, now: TracePoint) -> None:
        """Take a point at every multiple of ``every_ms``, the first now; none for 0. What is there stays.

        Raises:
            ValueError: ``every_ms`` is negative.
        """
        if every_ms < 0:
            raise ValueError(f"every_ms = {every_ms} must be 0 or more")
        self.every_ms, self.next_ms = every_ms, None
        if every_ms:
            self.take(now)

    def take(self, point: TracePoint) -> None:
        """Keep a point, unless there is one of that instant, and plan the next."""
        if not self.fine or self.fine[-1].at_ms != point.at_ms:
            self.fine = (*self.fine, point)
        self.next_ms = (point.at_ms // self.every_ms + 1) * self.every_ms if self.every_ms else None
        if len(self.fine) > FINE_POINTS:
            oldest, self.fine = self.fine[0], self.fine[1:]
            if oldest.at_ms % MS_PER_DAY == 0:
                self.coarse = (*self.coarse[-COARSE_POINTS + 1 :], oldest)

    @property
    def points(self) -> tuple[TracePoint, ...]:
        """All points, oldest first."""
        return self.coarse + self.fine
