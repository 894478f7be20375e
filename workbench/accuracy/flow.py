"""Flow accuracy: what left the reservoir, sampled, and the worst windows in it.

With samples every S, programmed rate r and cumulative volume V(t), a window of length P that begins at j has
the error ``E(P, j) = 100 * (V(j + P) - V(j) - r * P) / (r * P)`` in percent. The trumpet curve is its largest
and smallest value over all j, for each P. Adapted from the test of IEC 60601-2-24, which excludes implantable
pumps: the windows are hours to a week instead of minutes, because a pump that moves whole strokes of volume q
cannot promise better than ``|E| <= 100 * q / (r * P)``.
Everything is in exact volume units (nL*ms/h), in which rate times time has no remainder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, nl_to_units
from workbench.accuracy.stand import Stand

WINDOWS_H: Final = (1, 6, 24, 72, 168)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a flow is sampled: ``settle_ms`` are left out first, then one sample each ``every_ms``."""

    every_ms: int = MS_PER_MINUTE
    settle_ms: int = MS_PER_DAY
    length_ms: int = 14 * MS_PER_DAY


@dataclass(frozen=True, slots=True)
class FlowSamples:
    """Cumulative volumes of one run, nL*ms/h, and how they came about."""

    rate_nl_h: int
    every_ms: int
    volumes: tuple[int, ...]
    refills: int = 0

    @property
    def length_ms(self) -> int:
        """From the first sample to the last."""
        return (len(self.volumes) - 1) * self.every_ms


@dataclass(frozen=True, slots=True)
class Excess:
    """The worst windows of one length: delivered less programmed, nL*ms/h.

    Attributes:
        length_ms: length of the window.
        starts: windows that were looked at.
        programmed_units: what each of them should have held.
        lowest_units: excess of the one that held least.
        highest_units: excess of the one that held most.
        bound_units: one stroke, the most by which a perfect motor is off either way.
    """

    length_ms: int
    starts: int
    programmed_units: int
    lowest_units: int
    highest_units: int
    bound_units: int

    @property
    def holds_whole_strokes(self) -> bool:
        """Whether the programmed volume is a whole number of strokes: a perfect motor is exact then."""
        return self.programmed_units % self.bound_units == 0

    @property
    def is_within_bound(self) -> bool:
        """Whether strokes alone account for it."""
        return -self.bound_units <= self.lowest_units and self.highest_units <= self.bound_units


def sample_flow(stand: Stand, sampling: Sampling) -> FlowSamples:
    """Let the pump deliver, and sample it.

    Raises:
        StandError: the pump stopped delivering.
    """
    end_ms = stand.now_ms + sampling.settle_ms
    for now_ms in (*range(stand.now_ms, end_ms, sampling.every_ms), end_ms):
        stand.advance_to(now_ms)
    instants = range(end_ms, end_ms + sampling.length_ms + 1, sampling.every_ms)
    return FlowSamples(
        stand.rate_nl_h, sampling.every_ms, tuple(map(stand.advance_to, instants)), stand.refills
    )


def worst_windows(samples: FlowSamples, length_ms: int, stroke_nl: int) -> Excess:
    """Return the worst windows of one length.

    Raises:
        ValueError: the window is no multiple of the sampling interval, or longer than the run.
    """
    steps, rest = divmod(length_ms, samples.every_ms)
    if rest or not 0 < steps < len(samples.volumes):
        raise ValueError(
            f"a window of {length_ms} ms must be a multiple of {samples.every_ms} ms "
            f"and at most {samples.length_ms} ms long"
        )
    held = _differences(samples.volumes, steps)
    programmed = samples.rate_nl_h * length_ms
    return Excess(
        length_ms,
        len(held),
        programmed,
        min(held) - programmed,
        max(held) - programmed,
        nl_to_units(stroke_nl),
    )


def all_windows(samples: FlowSamples, stroke_nl: int) -> tuple[Excess, ...]:
    """Return the worst windows of every length of `WINDOWS_H`."""
    return tuple(worst_windows(samples, hours * MS_PER_HOUR, stroke_nl) for hours in WINDOWS_H)


def _differences(volumes: Sequence[int], steps: int) -> list[int]:
    return [after - before for before, after in zip(volumes, volumes[steps:], strict=False)]
