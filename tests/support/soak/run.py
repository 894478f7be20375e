"""Runs the soak: episode after episode, each a new victim in one state, all from one seed."""

import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Final

from support.soak import programmer_target, pump_target
from support.soak.corpus import golden_frames
from support.soak.programmer_target import ProgrammerTarget
from support.soak.pump_target import PumpTarget, SoakError

EPISODE: Final = 20_000
REFRESH: Final = 400
"""Frames between two appearances of the genuine peer, which must find its state as it was."""

WATCHED: Final = 2_000
"""Frames at the end of some episodes during which memory is traced; tracing is slow."""

WATCH_EVERY: Final = 10
GROWTH_LIMIT: Final = 96 * 1024
"""Octets that may stay after `WATCHED` frames: a victim holds one partial frame, counters and a log head."""

STEPS_MS: Final = (0, 0, 0, 1, 1, 1, 2, 2, 5, 20, 150)
PUMP, PROGRAMMER = "pump", "programmer"
SCENES: Final = tuple(
    [(PUMP, state) for state in pump_target.STATES]
    + [(PROGRAMMER, state) for state in programmer_target.STATES]
)

Target = PumpTarget | ProgrammerTarget


@dataclass
class Report:
    """What a soak has seen."""

    frames: int = 0
    seconds: float = 0.0
    octets_in: int = 0
    octets_out: int = 0
    answered_peers: int = 0
    growth: int = 0
    by_scene: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        """Return the report for a person."""
        speed = self.frames / max(self.seconds, 1e-9)
        lines = [
            f"{self.frames:,} frames in {self.seconds:.0f} s ({speed:,.0f}/s)",
            f"{self.octets_in:,} octets in, {self.octets_out:,} octets out",
            f"{self.answered_peers:,} requests of the genuine peer in between, all answered",
            f"memory kept after {WATCHED:,} frames: at most {self.growth:,} octets",
            "frames by state: " + ", ".join(f"{name} {count:,}" for name, count in self.by_scene.items()),
            "dropped by reason: "
            + ", ".join(f"{name} {count:,}" for name, count in self.drops.most_common()),
        ]
        return "\n".join(lines)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def soak(frames: int, seed: int, progress: Callable[[Report], None] | None = None) -> Report:
    """Feed ``frames`` frames; the same seed feeds the same ones.

    Raises:
        SoakError: an endpoint or the firmware did what no frame may make it do; the text says how to
            come there again.
        Exception: whatever an endpoint raised, which is a defect by itself.
    """
    report, started = Report(), perf_counter()
    number = 0
    while report.frames < frames:
        count = min(EPISODE, frames - report.frames)
        _episode(number, seed, count, report)
        number += 1
        report.seconds = perf_counter() - started
        if progress is not None:
            progress(report)
    return report


def _episode(number: int, seed: int, count: int, report: Report) -> None:
    side, state = SCENES[number % len(SCENES)]
    random = Random(f"soak {seed} {number}")
    kind = PumpTarget if side == PUMP else ProgrammerTarget
    target: Target = kind(state, random, golden_frames(), f"{seed} {number}")
    watched = WATCHED if number % WATCH_EVERY == number // len(SCENES) % WATCH_EVERY else 0
    fed = 0
    try:
        fed = _feed(target, random, max(0, count - watched))
        if watched:
            report.growth = max(report.growth, _watch(target, random, min(watched, count)))
        target.refresh()
        target.check()
    except Exception as error:
        error.add_note(f"in episode {number} ({side}, {state}) of seed {seed}, after {fed} frames or more")
        raise
    report.frames += count
    report.by_scene[f"{side} {state}"] += count
    report.answered_peers += target.keepalives
    _add(target, report)


def _feed(target: Target, random: Random, count: int) -> int:
    choice, steps = random.choice, STEPS_MS
    for number in range(count):
        if number % REFRESH == REFRESH - 1:
            target.refresh()
        target.feed(target.next(), choice(steps))
        if number % 5_000 == 4_999:
            target.check()
    return count


def _watch(target: Target, random: Random, count: int) -> int:
    """Feed while memory is traced; return how much of it stays."""
    target.refresh()
    gc.collect()
    tracemalloc.start()
    try:
        _feed(target, random, count)
        target.refresh()
        gc.collect()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if kept > GROWTH_LIMIT:
        raise SoakError(f"{kept} octets stayed in memory after {count} frames")
    return kept


def _add(target: Target, report: Report) -> None:
    for reason, drops in target.endpoint.counters.drops.items():
        report.drops[reason.value] += drops
    if isinstance(target, PumpTarget):
        report.octets_in += target.ration.octets_in
        report.octets_out += target.ration.octets_out
    else:
        report.octets_in += target.octets_in
        report.octets_out += target.octets_out
