"""Strategies for what the line does to the next frames, and for time."""

from dataclasses import dataclass

from hypothesis import strategies as st
from support.faulty_line import DELAYS_MS, GOOD, POWER, Fault, Mishap, Wild

FRAMES = 6
"""Frames of one step that may be damaged, in each direction; all later ones arrive."""


@dataclass(frozen=True)
class Weather:
    """What happens to the next frames in each direction."""

    to_pump: tuple[Mishap, ...] = ()
    to_programmer: tuple[Mishap, ...] = ()


_HOW = st.integers(0, 4_000)
_MILD = st.builds(Mishap, st.sampled_from((Fault.DROP, Fault.DUPLICATE, Fault.HOLD)))
_LATE = st.builds(Mishap, st.just(Fault.DELAY), st.sampled_from(DELAYS_MS))
_HARSH = st.builds(Mishap, st.sampled_from((Fault.CUT, Fault.FLIP, Fault.REPLAY)), _HOW)
_WILD = st.builds(Mishap, st.sampled_from((Wild.INSERT, Wild.STALE, Wild.REFLECT)), _HOW)
_POWER = st.builds(Mishap, st.sampled_from(sorted(POWER, key=lambda fault: fault.name)), st.integers(0, 40))

_BACK = st.lists(st.one_of(st.just(GOOD), _MILD, _LATE, _HARSH, _WILD), max_size=FRAMES).map(tuple)
_OUT = st.lists(st.one_of(st.just(GOOD), _MILD, _LATE, _HARSH, _WILD, _POWER), max_size=FRAMES).map(tuple)

FAIR = st.just(Weather())
FOUL = st.builds(Weather, _OUT, _BACK)
ANY = FAIR | FOUL

SHORT_MS = st.sampled_from((1, 100, 999, 5_000, 30_000, 61_000))
LONG_MS = st.sampled_from((0, 0, 1_000, 60_000, 600_000, 3_600_000, 6 * 3_600_000, 25 * 3_600_000))
