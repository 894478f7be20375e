"""Bolus accuracy: the same bolus again and again, begun at instants that chance gives.

What is compared is all that left the reservoir while the bolus ran, the basal rate underneath included: the
motor knows only strokes, and no stroke belongs to the one or the other.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.streams import Stream
from protocol.quantities import MS_PER_MINUTE, nl_to_units
from workbench.accuracy.plan import BolusSize
from workbench.accuracy.stand import Stand

REPEATS: Final = 20
_MS_PER_S: Final = 1_000
_LONGEST_WAIT_MS: Final = 120 * MS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class BolusSamples:
    """One size, given a number of times.

    Attributes:
        size: the bolus.
        programmed_units: bolus and basal rate while it ran, nL*ms/h.
        delivered_units: what left the reservoir while it ran, each time.
        bound_units: one stroke, the most by which a perfect motor is off either way.
    """

    size: BolusSize
    programmed_units: int
    delivered_units: tuple[int, ...]
    bound_units: int


def sample_boluses(stand: Stand, size: BolusSize, seed: int, repeats: int = REPEATS) -> BolusSamples:
    """Give a bolus ``repeats`` times with up to two hours between them.

    Raises:
        StandError: the pump refused it, or stopped delivering.
    """
    waits = Stream(seed, f"accuracy.{size.name}")
    duration_ms = size.duration_s * _MS_PER_S
    delivered = []
    for _ in range(repeats):
        before = stand.advance_to(stand.now_ms + 1 + waits.below(_LONGEST_WAIT_MS))
        stand.give_bolus(size)
        delivered.append(stand.advance_to(stand.now_ms + duration_ms) - before)
    programmed = nl_to_units(size.volume_nl) + stand.rate_nl_h * duration_ms
    return BolusSamples(size, programmed, tuple(delivered), nl_to_units(stand.profile.stroke_nl))
