"""Exact integer arithmetic for volume, rate, concentration and dose.

Every quantity is an integer with its unit in the name: nL, nL/h, ng/mL, ng, ng/day, ms. Divisions
round half up once, at the end, as OITP/1 section 12 prescribes, so that both ends of the link compute
the same number or disagree for a reason.
"""

from collections.abc import Iterable
from typing import Final

MS_PER_HOUR: Final = 3_600_000
MS_PER_MINUTE: Final = 60_000
MINUTES_PER_DAY: Final = 1_440
MINUTES_PER_WEEK: Final = 7 * MINUTES_PER_DAY
MS_PER_DAY: Final = MINUTES_PER_DAY * MS_PER_MINUTE

UNITS_PER_NL: Final = MS_PER_HOUR
"""Volume units (nL*ms/h) in one nanolitre: rate [nL/h] x time [ms] is exact in them."""

NL_PER_ML: Final = 1_000_000
NG_PER_MG: Final = 1_000_000
NG_PER_MCG: Final = 1_000


def round_half_up(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` (both non-negative) rounded half up.

    Raises:
        ValueError: ``denominator`` is not positive or ``numerator`` is negative.
    """
    if denominator <= 0 or numerator < 0:
        raise ValueError(f"cannot round {numerator}/{denominator}: needs numerator >= 0, denominator > 0")
    return (2 * numerator + denominator) // (2 * denominator)


def nl_to_units(volume_nl: int) -> int:
    """Return ``volume_nl`` in exact volume units (nL*ms/h)."""
    return volume_nl * UNITS_PER_NL


def units_to_nl(volume_units: int) -> int:
    """Return exact volume units as whole nL, rounded down (what has completely passed)."""
    return volume_units // UNITS_PER_NL


def day_volume_nl(rate_minutes: Iterable[tuple[int, int]]) -> int:
    """Return the volume of one day in nL from ``(rate_nl_h, minutes)`` pairs (OITP/1 section 12)."""
    return (sum(rate * minutes for rate, minutes in rate_minutes) + 30) // 60


def dose_ng_per_day(volume_nl: int, conc_ng_ml: int) -> int:
    """Return the drug mass in ng that ``volume_nl`` holds at ``conc_ng_ml`` (OITP/1 section 12)."""
    return (volume_nl * conc_ng_ml + 500_000) // NL_PER_ML


def dose_tolerance_ng(computed_ng: int) -> int:
    """Return how far a declared dose may be from ``computed_ng``: 1 ng or one per mille, the larger."""
    return max(1, computed_ng // 1_000)
