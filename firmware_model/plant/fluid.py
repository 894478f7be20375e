"""Fluid with up to four dissolved drugs, in integers.

A concentration is whole ng/mL of each drug, a volume whole units of nL*ms/h, so a mass - their product - is
a whole number of units*ng/mL, and moving fluid about loses nothing. Where fluids mix, the mean concentration
is rounded down to whole ng/mL and what the rounding leaves is kept beside it as a rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.quantities import NL_PER_ML, UNITS_PER_NL

DRUGS: Final = 4
"""Drugs that a reservoir may hold, as many as a program names."""

Conc = tuple[int, int, int, int]
"""Concentrations of the four drugs a reservoir may hold, ng/mL."""

Mass = tuple[int, int, int, int]
"""Masses of the four drugs, units*ng/mL."""

Piece = tuple[int, Conc]
"""A volume of fluid of one concentration: units and ng/mL."""

NO_DRUG: Final[Conc] = (0, 0, 0, 0)

MASS_PER_NG: Final = UNITS_PER_NL * NL_PER_ML
"""Mass units (units*ng/mL) in one nanogram."""


def mass_of(units: int, conc: Conc) -> Mass:
    """Return the masses in ``units`` of fluid."""
    return (units * conc[0], units * conc[1], units * conc[2], units * conc[3])


def add(one: Mass, other: Mass) -> Mass:
    """Return the sum of two masses."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])


def subtract(one: Mass, other: Mass) -> Mass:
    """Return ``one`` less ``other``."""
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3])


def total(masses: Iterable[Mass]) -> Mass:
    """Return the sum of any number of masses."""
    result = NO_DRUG
    for each in masses:
        result = add(result, each)
    return result


def mix(units: int, mass: Mass) -> tuple[Conc, Mass]:
    """Return the concentration of ``mass`` in ``units`` > 0 of fluid, and the rest that rounding leaves."""
    conc = (mass[0] // units, mass[1] // units, mass[2] // units, mass[3] // units)
    return conc, subtract(mass, mass_of(units, conc))


def to_ng(mass: Mass) -> tuple[int, int, int, int]:
    """Return masses in whole ng, rounded down."""
    return (
        mass[0] // MASS_PER_NG,
        mass[1] // MASS_PER_NG,
        mass[2] // MASS_PER_NG,
        mass[3] // MASS_PER_NG,
    )


@dataclass(slots=True)
class Tally:
    """What has come to a place since manufacture.

    Attributes:
        units: volume, nL*ms/h.
        mass: masses of the four drugs, units*ng/mL.
    """

    units: int = 0
    mass: Mass = NO_DRUG

    def take(self, units: int, conc: Conc) -> None:
        """Count ``units`` of fluid in."""
        self.units += units
        if conc is not NO_DRUG:
            self.mass = add(self.mass, mass_of(units, conc))
