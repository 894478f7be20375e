"""The motor: what it is told to move, and what it moves.

It moves in whole strokes (the profile's quantum): a commanded volume adds up until it makes one. Gain and
slip are integers in ppm with the remainder carried on, so that no cut of the time loses a unit.
"""

from dataclasses import dataclass
from typing import Final

PPM: Final = 1_000_000


@dataclass(slots=True)
class Motor:
    """A drive that delivers strokes; 1 000 000 ppm of gain is exact.

    Attributes:
        gain_ppm: moved volume per stroke volume, 0 or more.
        carry: stroke units times gain that did not make a whole unit yet.
        commanded_units: commanded since manufacture, nL*ms/h.
        moved_units: moved since manufacture.
        strokes: strokes begun by the electronics since manufacture.
        encoder_strokes: strokes that the encoder saw.
        missed_strokes: strokes in which nothing turned.
        slip_ppm: share of the strokes that turn but move nothing.
        slip_carry: strokes times slip that did not make a whole one yet.
        slipped_strokes: strokes that slipped.
        reversed_strokes: strokes that a field turned the rotor back.
        encoder_lies: the encoder counts every stroke, whether anything turns or not.
        seized: it will never turn again.
        jammed_until_ms: it is stuck until then, None where it is not.
        held: a magnetic field holds the rotor.
        recovers_ms: the rotor comes free then, after a field held it; None where it is free.
        starved: the cell cannot drive it.
    """

    gain_ppm: int = PPM
    carry: int = 0
    commanded_units: int = 0
    moved_units: int = 0
    strokes: int = 0
    encoder_strokes: int = 0
    missed_strokes: int = 0
    slip_ppm: int = 0
    slip_carry: int = 0
    slipped_strokes: int = 0
    reversed_strokes: int = 0
    encoder_lies: bool = False
    seized: bool = False
    jammed_until_ms: int | None = None
    held: bool = False
    recovers_ms: int | None = None
    starved: bool = False

    @property
    def is_stalled(self) -> bool:
        """Whether a stroke would turn nothing."""
        return (
            self.seized
            or self.held
            or self.starved
            or self.jammed_until_ms is not None
            or self.recovers_ms is not None
        )

    def turn(self, units: int, stroke_units: int = 1, flow_ppm: int = PPM) -> int:
        """Command ``units`` more, turn as many strokes as are due, and return the volume moved.

        Args:
            units: commanded volume, nL*ms/h.
            stroke_units: volume of one stroke.
            flow_ppm: what a stroke moves for reasons outside of the motor (pressure, gas).

        Raises:
            ValueError: ``units`` is negative: the motor never turns back.
        """
        if units < 0:
            raise ValueError(f"the motor cannot deliver {units} units")
        self.commanded_units += units
        due = self.commanded_units // stroke_units - self.strokes
        return self._stroke(due, stroke_units, flow_ppm) if due > 0 else 0

    def complete_stroke(self, stroke_units: int, flow_ppm: int = PPM) -> int:
        """Finish the stroke that is under way, if one is, and return the volume moved.

        What is moved early is not moved again: the next command pays it back first.
        """
        under_way = self.commanded_units > self.strokes * stroke_units
        return self._stroke(1, stroke_units, flow_ppm) if under_way else 0

    def _stroke(self, count: int, stroke_units: int, flow_ppm: int) -> int:
        self.strokes += count
        if self.is_stalled:
            self.missed_strokes += count
            self.encoder_strokes += count * self.encoder_lies
            return 0
        self.encoder_strokes += count
        if self.slip_ppm:
            slipped, self.slip_carry = divmod(count * self.slip_ppm + self.slip_carry, PPM)
            self.slipped_strokes += slipped
            count -= slipped
        gain_ppm = self.gain_ppm if flow_ppm == PPM else self.gain_ppm * flow_ppm // PPM
        moved, self.carry = divmod(count * stroke_units * gain_ppm + self.carry, PPM)
        self.moved_units += moved
        return moved
