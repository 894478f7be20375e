"""A tube full of fluid: what is pushed in at one end comes out at the other, later.

Two models of what happens on the way. *Plug flow*: nothing mixes; the tube is a row of pieces, each of one
concentration. *Dispersion*: the tube is a row of equal, well-stirred tanks (tanks-in-series model of
chemical reactor engineering); whenever `STEPS_PER_TANK` parts of a tank have flowed in, that part of each
tank moves on to the next. Both are exact in integers whatever portions the flow comes in, and cost nothing
while what comes in is what is there.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.plant.fluid import NO_DRUG, Conc, Mass, Piece, add, mass_of, mix, total

STEPS_PER_TANK: Final = 16
"""Steps in which one tank volume flows; the spread of one tank is 1/16 below that of infinitely many."""

MOST_PIECES: Final = 64
"""Pieces a tube in plug flow can tell apart; the two smallest neighbours beyond that are mixed."""


def whole_steps(units: int, tanks: int) -> int:
    """Return ``units`` rounded up so that both models can fill it: a multiple of the step of each tank."""
    grain = tanks * STEPS_PER_TANK
    return -(-units // grain) * grain


def joined(pieces: list[Piece]) -> list[Piece]:
    """Return pieces with empty ones left out and equal neighbours made one."""
    result: list[Piece] = []
    for units, conc in pieces:
        if result and result[-1][1] == conc:
            result[-1] = (result[-1][0] + units, conc)
        elif units:
            result.append((units, conc))
    return result


@dataclass(slots=True)
class Line:
    """A tube that is always full.

    Attributes:
        capacity_units: its volume, a multiple of the steps of its tanks.
        pieces: plug flow: what is in it, outlet end first.
        tanks: dispersion: masses in each tank, inlet end first; empty in plug flow.
        waiting_units: dispersion: what flowed in and makes no whole step yet.
        waiting_mass: the masses in that.
        rest: mass that rounding left when pieces were mixed; it stays.
    """

    capacity_units: int
    pieces: tuple[Piece, ...] = ()
    tanks: tuple[Mass, ...] = ()
    waiting_units: int = 0
    waiting_mass: Mass = NO_DRUG
    rest: Mass = NO_DRUG

    @classmethod
    def filled(cls, capacity_units: int, conc: Conc = NO_DRUG) -> "Line":
        """Return a tube in plug flow, full of one fluid."""
        return cls(capacity_units, ((capacity_units, conc),))

    @property
    def mass(self) -> Mass:
        """Mass in it."""
        held = (mass_of(units, conc) for units, conc in self.pieces)
        return total((self.rest, self.waiting_mass, *held, *self.tanks))

    @property
    def outlet_conc(self) -> Conc:
        """Concentration of what comes out next, ng/mL."""
        if self.tanks:
            return mix(self.capacity_units // len(self.tanks), self.tanks[-1])[0]
        return self.pieces[0][1]

    def push(self, units: int, conc: Conc) -> tuple[Piece, ...]:
        """Push fluid in and return what comes out, in order."""
        if self.tanks:
            return self._push_tanks(units, conc)
        if len(self.pieces) == 1 and self.pieces[0][1] == conc:
            return ((units, conc),)
        row = joined([*self.pieces, (units, conc)])
        return self._keep(row)

    def unstir(self) -> tuple[Piece, ...]:
        """Go over to plug flow and return what is in the tube, outlet end first.

        Flow that made no whole step yet comes on top of what the tube holds: `load` what is returned.
        """
        if not self.tanks:
            return self.pieces
        volume = self.capacity_units // len(self.tanks)
        row = [self._as_piece(volume, mass) for mass in reversed(self.tanks)]
        if self.waiting_units:
            row.append(self._as_piece(self.waiting_units, self.waiting_mass))
        self.waiting_units, self.waiting_mass, self.tanks = 0, NO_DRUG, ()
        self.pieces = tuple(joined(row))
        return self.pieces

    def load(self, row: list[Piece], tanks: int) -> tuple[Piece, ...]:
        """Hold ``row`` (outlet end first) instead, and return what is too much, from the outlet end.

        Args:
            row: fluid, at least as much as the tube holds.
            tanks: number of stirred tanks, 0 for plug flow.

        Raises:
            ValueError: the fluid does not fill the tube.
        """
        if sum(units for units, _ in row) < self.capacity_units:
            raise ValueError("the fluid does not fill the tube")
        self.tanks, self.waiting_units, self.waiting_mass = (), 0, NO_DRUG
        spilled = self._keep(joined(row))
        if tanks:
            self._stir(tanks)
        return spilled

    # --- plug flow ----------------------------------------------------------------------------------------

    def _keep(self, row: list[Piece]) -> tuple[Piece, ...]:
        over = sum(units for units, _ in row) - self.capacity_units
        out: list[Piece] = []
        while over > 0:
            units, conc = row.pop(0)
            gone = min(units, over)
            out.append((gone, conc))
            over -= gone
            if gone < units:
                row.insert(0, (units - gone, conc))
        while len(row) > MOST_PIECES:
            self._mix_two(row)
        self.pieces = tuple(row)
        return tuple(out)

    def _mix_two(self, row: list[Piece]) -> None:
        at = min(range(len(row) - 1), key=lambda each: row[each][0] + row[each + 1][0])
        one, other = row[at], row[at + 1]
        row[at : at + 2] = [self._as_piece(one[0] + other[0], add(mass_of(*one), mass_of(*other)))]

    def _as_piece(self, units: int, mass: Mass) -> Piece:
        conc, rest = mix(units, mass)
        self.rest = add(self.rest, rest)
        return (units, conc)

    # --- dispersion ---------------------------------------------------------------------------------------

    def _stir(self, tanks: int) -> None:
        """Make tanks of the pieces."""
        volume = self.capacity_units // tanks
        row = list(self.pieces)
        masses: list[Mass] = []
        for _ in range(tanks):
            room, mass = volume, NO_DRUG
            while room:
                units, conc = row.pop(0)
                part = min(units, room)
                mass = add(mass, mass_of(part, conc))
                room -= part
                if part < units:
                    row.insert(0, (units - part, conc))
            masses.append(mass)
        self.pieces, self.tanks = (), tuple(reversed(masses))

    def _push_tanks(self, units: int, conc: Conc) -> tuple[Piece, ...]:
        step = self.capacity_units // (len(self.tanks) * STEPS_PER_TANK)
        out: list[Piece] = []
        if self.waiting_units:
            part = min(units, step - self.waiting_units)
            self._wait(part, conc)
            units -= part
            if self.waiting_units == step:
                inflow, self.waiting_units, self.waiting_mass = self.waiting_mass, 0, NO_DRUG
                rows = [list(masses) for masses in zip(*self.tanks, strict=True)]
                out.append((step, self._move(rows, step, inflow)))
                self.tanks = tuple(zip(*rows, strict=True))
        steps, units = divmod(units, step)
        if steps:
            out += self._move_steps(steps, step, conc)
        self._wait(units, conc)
        return tuple(joined(out))

    def _wait(self, units: int, conc: Conc) -> None:
        self.waiting_units += units
        self.waiting_mass = add(self.waiting_mass, mass_of(units, conc))

    def _move_steps(self, steps: int, step: int, conc: Conc) -> list[Piece]:
        """Let ``steps`` whole steps of one concentration flow; once nothing changes any more, all at once."""
        volume, inflow = step * STEPS_PER_TANK, mass_of(step, conc)
        rows = [list(masses) for masses in zip(*self.tanks, strict=True)]
        out: list[Piece] = []
        while steps and not all(
            mass // volume == level for row, level in zip(rows, conc, strict=True) for mass in row
        ):
            out.append((step, self._move(rows, step, inflow)))
            steps -= 1
        self.tanks = tuple(zip(*rows, strict=True))
        return [*out, (steps * step, conc)]

    @staticmethod
    def _move(rows: list[list[int]], step: int, inflow: Mass) -> Conc:
        """Move one step on in every tank, drug by drug; return the concentration that comes out."""
        volume, levels = step * STEPS_PER_TANK, [0, 0, 0, 0]
        for drug, row in enumerate(rows):
            flow = inflow[drug]
            if not flow and not any(row):
                continue
            level = 0
            for tank, mass in enumerate(row):
                level = mass // volume
                row[tank] = mass + flow - level * step
                flow = level * step
            levels[drug] = level
        return (levels[0], levels[1], levels[2], levels[3])
