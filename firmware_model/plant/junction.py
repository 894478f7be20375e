"""Where the tubing meets the catheter: leaks, disconnection, and what an occlusion holds back."""

from dataclasses import dataclass

from firmware_model.plant.fluid import Mass, Piece, mass_of, total
from firmware_model.plant.line import joined
from firmware_model.plant.motor import PPM


@dataclass(slots=True)
class Junction:
    """The connector between pump and catheter, and the pressure behind it.

    Attributes:
        connected: whether the catheter is on; all runs into the pocket where it is not.
        leak_ppm: share of the flow that runs into the pocket.
        leak_carry: flow times leak that did not make a whole unit yet.
        occluded: whether nothing gets through the catheter.
        held: fluid that stretched the tubing behind the occlusion, first come first.
        blocked_units: volume that the pump could not get rid of since manufacture.
        released_units: volume that occlusions let go at once when they cleared, since manufacture.
        reflux_units: volume that the rotor took back and has to move again before any drug moves.
    """

    connected: bool = True
    leak_ppm: int = 0
    leak_carry: int = 0
    occluded: bool = False
    held: tuple[Piece, ...] = ()
    blocked_units: int = 0
    released_units: int = 0
    reflux_units: int = 0

    @property
    def held_units(self) -> int:
        """Volume behind the occlusion, nL*ms/h."""
        return sum(units for units, _ in self.held)

    @property
    def held_mass(self) -> Mass:
        """Mass behind the occlusion."""
        return total(mass_of(units, conc) for units, conc in self.held)

    @property
    def is_shut(self) -> bool:
        """Whether what flows on has nowhere to go but into the stretch of the tubing."""
        return self.occluded and self.connected and not self.leak_ppm

    def pay_back(self, units: int) -> int:
        """Move what the rotor took back first; return what is left of the flow."""
        if not self.reflux_units:
            return units
        back = min(units, self.reflux_units)
        self.reflux_units -= back
        return units - back

    def lose(self, units: int) -> int:
        """Return how much of a flow runs into the pocket."""
        if not self.connected or (self.occluded and self.leak_ppm):
            return units
        if not self.leak_ppm:
            return 0
        lost, self.leak_carry = divmod(units * self.leak_ppm + self.leak_carry, PPM)
        return lost

    def hold(self, piece: Piece) -> None:
        """Take a piece into the stretch of the tubing."""
        self.held = tuple(joined([*self.held, piece]))

    def release(self) -> tuple[Piece, ...]:
        """Let go what was held."""
        self.released_units += self.held_units
        pieces, self.held = self.held, ()
        return pieces
