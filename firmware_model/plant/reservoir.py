"""The reservoir as it really is; the controller only computes it."""

from dataclasses import dataclass

from firmware_model.plant.fluid import NO_DRUG, Conc, Mass, add, mass_of, mix


@dataclass(slots=True)
class Reservoir:
    """True volumes in exact units of nL*ms/h, and true masses in units*ng/mL.

    ``filled == delivered + content + wasted`` holds at every instant.

    Attributes:
        capacity_units: what it can hold.
        content_units: what is in it.
        delivered_units: what has left it towards the patient since manufacture.
        filled_units: what was filled in since manufacture.
        wasted_units: what was withdrawn since manufacture.
        dry_units: what the motor would have moved, had there been drug.
        conc: concentrations of what is in it, ng/mL.
        gas_ppm: share of gas in what is drawn.
        rest: mass beyond content times concentration, left by mixing; it joins the next mixture.
        filled_mass: mass filled in since manufacture.
        wasted_mass: mass withdrawn since manufacture.
    """

    capacity_units: int
    content_units: int = 0
    delivered_units: int = 0
    filled_units: int = 0
    wasted_units: int = 0
    dry_units: int = 0
    gas_ppm: int = 0
    conc: Conc = NO_DRUG
    rest: Mass = NO_DRUG
    filled_mass: Mass = NO_DRUG
    wasted_mass: Mass = NO_DRUG

    @property
    def mass(self) -> Mass:
        """Mass in it."""
        return add(mass_of(self.content_units, self.conc), self.rest)

    def draw(self, units: int) -> int:
        """Take up to ``units`` towards the patient and return how much there was."""
        drawn = min(units, self.content_units)
        self.content_units -= drawn
        self.delivered_units += drawn
        self.dry_units += units - drawn
        return drawn

    def withdraw(self, units: int) -> None:
        """Draw ``units`` out with a syringe.

        Raises:
            ValueError: there is not that much.
        """
        if not 0 <= units <= self.content_units:
            raise ValueError(f"cannot withdraw {units} units, the reservoir holds {self.content_units}")
        self.content_units -= units
        self.wasted_units += units
        self.wasted_mass = add(self.wasted_mass, mass_of(units, self.conc))

    def fill(self, units: int, conc: Conc = NO_DRUG) -> None:
        """Fill ``units`` of a concentration in; it mixes with the residual.

        Raises:
            ValueError: they do not fit.
        """
        room = self.capacity_units - self.content_units
        if not 0 <= units <= room:
            raise ValueError(f"cannot fill {units} units in, there is room for {room}")
        added = mass_of(units, conc)
        mass = add(self.mass, added)
        self.content_units += units
        self.filled_units += units
        self.filled_mass = add(self.filled_mass, added)
        if self.content_units:
            self.conc, self.rest = mix(self.content_units, mass)
