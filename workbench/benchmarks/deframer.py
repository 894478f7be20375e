"""The deframer on noise, beside a bare split of the same octets at the delimiter."""

import random
from collections.abc import Iterator
from typing import Final

from protocol.frame import DELIMITER, MAX_PIECE, Direction
from protocol.framing import Deframer
from protocol.link import MAX_READ
from workbench.benchmarks.measure import Effort, in_turns
from workbench.benchmarks.report import Row, Target, Unit

LEAST: Final = Target(50.0, least=True)
_SEED: Final = 20_260_101
_OCTETS: Final = 4 << 20


class NoiseAcceptedError(Exception):
    """The deframer took noise for a frame, or held more than a frame: a defect."""


def noise(size: int) -> list[bytes]:
    """Return ``size`` random octets, the same in every run, cut as a link's reads cut them."""
    octets = random.Random(_SEED).randbytes(size)  # noqa: S311 - noise, no secret
    return [octets[at : at + MAX_READ] for at in range(0, size, MAX_READ)]


def deframe(reads: list[bytes]) -> Deframer:
    """Return a deframer that has taken all ``reads``.

    Raises:
        NoiseAcceptedError: it accepted a frame, or holds more than one.
    """
    deframer = Deframer(Direction.TO_PUMP)
    for now_ms, octets in enumerate(reads):
        deframer.receive(octets, now_ms)
    if deframer.counters.frames or deframer.held > MAX_PIECE:
        raise NoiseAcceptedError(f"{deframer.counters.frames} frames accepted, {deframer.held} octets held")
    return deframer


def _split(reads: list[bytes]) -> None:
    for octets in reads:
        octets.split(DELIMITER)


def deframer_rows(effort: Effort) -> Iterator[Row]:
    """Measure the deframer on noise."""
    reads = noise(effort.calls(_OCTETS))
    size = sum(map(len, reads))
    pair = in_turns(lambda: deframe(reads), lambda: _split(reads), 1, 4, effort.repeats)
    yield Row(
        "deframer_noise",
        f"noise through the deframer, in reads of {MAX_READ} octets",
        Unit.MEGABYTES_PER_SECOND,
        size / pair.subject_us,
        size / pair.baseline_us,
        "bytes.split",
        pair.ratio,
        LEAST,
    )
