"""The motor: what it is told to move, and what it moves.

The gain is an integer in ppm with the remainder carried on, so that no cut of the time loses a unit.
"""

from dataclasses import dataclass
from typing import Final

PPM: Final = 1_000_000


@dataclass(slots=True)
class Motor:
    """A peristaltic motor; 1 000 000 ppm of gain is exact.

    Attributes:
        gain_ppm: moved volume per commanded volume, 0 or more.
        carry: commanded units times gain that did not make a whole unit yet.
        commanded_units: commanded since manufacture, nL*ms/h.
        moved_units: moved since manufacture.
    """

    gain_ppm: int = PPM
    carry: int = 0
    commanded_units: int = 0
    moved_units: int = 0

    def turn(self, units: int) -> int:
        """Turn as commanded and return the volume moved.

        Raises:
            ValueError: ``units`` is negative: the motor never turns back.
        """
        if units < 0:
            raise ValueError(f"the motor cannot deliver {units} units")
        moved, self.carry = divmod(units * self.gain_ppm + self.carry, PPM)
        self.commanded_units += units
        self.moved_units += moved
        return moved
