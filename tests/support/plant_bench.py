"""A plant without a controller: a constant commanded rate, and time that stops at what happens by itself."""

from collections.abc import Iterable

from firmware_model.plant.fluid import Conc
from firmware_model.plant.plant import Plant
from firmware_model.profiles import load_profile
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, UNITS_PER_NL

MORPHINE: Conc = (20_000_000, 0, 0, 0)
"""20 mg/mL of the first drug."""

ML = 1_000_000


class Lab:
    """A plant that is driven at ``rate_nl_h``."""

    def __init__(self, profile: str = "peristaltic-20", rate_nl_h: int = 10_000, seed: int = 1) -> None:
        self.plant = Plant.new(load_profile(profile), 0, seed)
        self.rate_nl_h = rate_nl_h

    @classmethod
    def filled(
        cls, profile: str = "peristaltic-20", rate_nl_h: int = 10_000, conc: Conc = MORPHINE, seed: int = 1
    ) -> "Lab":
        """Return a plant with 19 mL of a drug in it."""
        lab = cls(profile, rate_nl_h, seed)
        lab.plant.refill(19 * ML, conc=conc)
        return lab

    def advance_to(self, end_ms: int) -> None:
        """Drive on, stopping at every event of the plant."""
        while (at := self.plant.next_event_ms()) is not None and at <= end_ms:
            self._settle(at)
        self._settle(end_ms)

    def _settle(self, at_ms: int) -> None:
        self.plant.run_motor(self.rate_nl_h * (at_ms - self.plant.now_ms))
        self.plant.advance_to(at_ms)

    def hours(self, hours: int) -> None:
        """Drive on for some hours."""
        self.advance_to(self.plant.now_ms + hours * MS_PER_HOUR)

    def days(self, days: int) -> None:
        """Drive on for some days."""
        self.advance_to(self.plant.now_ms + days * MS_PER_DAY)

    def visit(self, stops_ms: Iterable[int]) -> None:
        """Drive on from stop to stop."""
        for stop_ms in stops_ms:
            self.advance_to(stop_ms)

    @property
    def moved_nl(self) -> int:
        """Moved by the motor since manufacture, nL."""
        return self.plant.state.motor.moved_units // UNITS_PER_NL

    @property
    def tip_nl(self) -> int:
        """Come out at the tip since manufacture, nL."""
        return self.plant.state.tip.units // UNITS_PER_NL

    @property
    def pocket_nl(self) -> int:
        """Run into the pocket since manufacture, nL."""
        return self.plant.state.pocket.units // UNITS_PER_NL
