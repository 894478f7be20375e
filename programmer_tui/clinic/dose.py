"""Clinical arithmetic between dose, concentration, rate and volume: exact, in integers and fractions.

Rate = dose / concentration (the standard relation of intrathecal dosing); the dose of a 24-hour pattern is
the sum of rate x time over its steps. A rate is a whole number of nL/h, so a dose that was asked for is
rounded once, half up, on its way to the pump, and what the pump will really give is computed back from the
rounded rate with the rounding rules of OITP/1 section 12 (`protocol.quantities`).

A rate table here is a tuple of ``(start_min, rate_nl_h)`` in ascending order from minute 0.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Final

from programmer_tui.clinic.clinical_format import MAX_DECIMALS, Exact, MassUnit
from protocol.quantities import MINUTES_PER_DAY, NL_PER_ML, day_volume_nl, dose_ng_per_day, round_half_up

RateTable = tuple[tuple[int, int], ...]
"""``(start_min, rate_nl_h)`` of each step."""

_MINUTES_PER_HOUR: Final = 60
_HOURS_PER_DAY: Final = 24
_OUT_BY_TEN_HIGH: Final = 5
_OUT_BY_TEN_LOW: Final = Fraction(1, 5)


def rate_for_dose_rate(dose_ng_h: Exact, conc_ng_ml: int) -> int:
    """Return the rate in nL/h that gives ``dose_ng_h`` at ``conc_ng_ml``, rounded half up.

    Raises:
        ValueError: the concentration is not positive or the dose is negative.
    """
    _check_concentration(conc_ng_ml)
    rate = Fraction(dose_ng_h) * NL_PER_ML / conc_ng_ml
    return round_half_up(rate.numerator, rate.denominator)


def rate_for_daily_dose(daily_ng: Exact, conc_ng_ml: int) -> int:
    """Return the constant rate in nL/h that gives ``daily_ng`` in 24 h at ``conc_ng_ml``, rounded half up.

    Raises:
        ValueError: the concentration is not positive or the dose is negative.
    """
    return rate_for_dose_rate(Fraction(daily_ng) / _HOURS_PER_DAY, conc_ng_ml)


def dose_rate_ng_h(rate_nl_h: int, conc_ng_ml: int) -> Fraction:
    """Return exactly what a rate gives, in ng/h."""
    return Fraction(rate_nl_h * conc_ng_ml, NL_PER_ML)


def step_minutes(starts: tuple[int, ...]) -> tuple[int, ...]:
    """Return how long each step of a day lasts, from the minutes at which the steps start."""
    return tuple(end - start for start, end in pairwise((*starts, MINUTES_PER_DAY)))


def table_day_volume_nl(table: RateTable) -> int:
    """Return the volume a rate table gives in 24 h, in nL, as the pump computes it."""
    minutes = step_minutes(tuple(start for start, _ in table))
    return day_volume_nl((rate, length) for (_, rate), length in zip(table, minutes, strict=True))


def table_dose_ng_per_day(table: RateTable, conc_ng_ml: int) -> int:
    """Return the dose a rate table gives in 24 h, in ng, as the pump computes it."""
    return dose_ng_per_day(table_day_volume_nl(table), conc_ng_ml)


def table_max_hour_nl(table: RateTable) -> int:
    """Return the largest volume of any sliding hour of a rate table that repeats every day, in nL.

    The volume of a window changes most at the edges of steps, so only windows that start or end at one
    need a look. Rounded half up like the volume of the day.
    """
    starts = tuple(start for start, _ in table)
    edges = {start for edge in starts for start in (edge, (edge - _MINUTES_PER_HOUR) % MINUTES_PER_DAY)}
    return max(day_volume_nl(_hour_from(table, edge)) for edge in edges)


def _hour_from(table: RateTable, first: int) -> list[tuple[int, int]]:
    """Return ``(rate, minutes)`` of the hour from local minute ``first`` on, over midnight where need be."""
    minutes = step_minutes(tuple(start for start, _ in table))
    pieces = []
    for day in (0, MINUTES_PER_DAY):
        for (start, rate), length in zip(table, minutes, strict=True):
            begin, end = max(first, start + day), min(first + _MINUTES_PER_HOUR, start + day + length)
            if begin < end:
                pieces.append((rate, end - begin))
    return pieces


def is_out_by_ten(old: Exact, new: Exact) -> bool:
    """Return whether ``new`` is so far from ``old`` (5 times, or a fifth) that a point may be misplaced."""
    if old == 0:
        return new != 0
    ratio = Fraction(new) / Fraction(old)
    return ratio >= _OUT_BY_TEN_HIGH or ratio <= _OUT_BY_TEN_LOW


def daily_dose_decimals(conc_ng_ml: int, unit: MassUnit) -> int:
    """Return how many decimals (0..3) of a daily dose the pump can deliver: the rest would be pretence."""
    return _decimals(dose_rate_ng_h(1, conc_ng_ml) * _HOURS_PER_DAY, unit)


def dose_rate_decimals(conc_ng_ml: int, unit: MassUnit) -> int:
    """Return how many decimals (0..3) of a dose rate the pump can deliver."""
    return _decimals(dose_rate_ng_h(1, conc_ng_ml), unit)


def _decimals(smallest_ng: Fraction, unit: MassUnit) -> int:
    fitting = (
        places for places in range(MAX_DECIMALS, 0, -1) if Fraction(unit.ng, 10**places) >= smallest_ng
    )
    return next(fitting, 0)


def _check_concentration(conc_ng_ml: int) -> None:
    if conc_ng_ml <= 0:
        raise ValueError(f"a concentration is positive, got {conc_ng_ml} ng/mL")
