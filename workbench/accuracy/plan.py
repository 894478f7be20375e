"""What an accuracy report measures: at which rates and with which boluses, for each kind of pump."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import isqrt
from typing import Final

from firmware_model.profiles import Profile
from protocol.messages.delivery import MIN_BOLUS_S
from protocol.quantities import NL_PER_ML, round_half_up

HOURS_PER_DAY: Final = 24
_S_PER_HOUR: Final = 3_600
_DECIMALS: Final = 6
_GOLDEN_PERMILLE: Final = 382


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate to measure: what it is called, and the programmed nL/h."""

    name: str
    rate_nl_h: int


@dataclass(frozen=True, slots=True)
class BolusSize:
    """A bolus to measure; ``duration_s`` is the shortest that the pump allows over its lowest rate."""

    name: str
    volume_nl: int
    duration_s: int


def usual_rates(profile: Profile) -> tuple[Rate, ...]:
    """Return the lowest and the highest programmable rate, and one in the middle.

    The middle is the geometric mean, for the range spans two to three powers of ten. It is moved by less than
    a stroke an hour to whole strokes and 0.382 of one, so that no window holds whole strokes only: such
    windows are exact, and show nothing of the strokes.
    """
    low, high, stroke_nl = profile.rate_min_nl_h, profile.rate_max_nl_h, profile.stroke_nl
    middle = isqrt(low * high) // stroke_nl * stroke_nl + stroke_nl * _GOLDEN_PERMILLE // 1_000
    return Rate("lowest", low), Rate("middle", middle), Rate("highest", high)


def parse_rate(text: str, profile: Profile) -> Rate:
    """Return the rate that ``text`` says in mL/day, to the next whole nL/h.

    Raises:
        ValueError: it is no number, or no rate that this kind of pump has.
    """
    try:
        per_day = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"'{text}' is no number; write mL/day as in 0.5") from None
    low, high = profile.rate_min_nl_h, profile.rate_max_nl_h
    per_hour = Fraction(per_day) * NL_PER_ML / HOURS_PER_DAY if per_day.is_finite() else Fraction(-1)
    if not low <= per_hour <= high:
        raise ValueError(f"{text} mL/day is outside {ml_per_day(low)} to {ml_per_day(high)} mL/day, "
                         f"the rates of {profile.name}")  # fmt: skip
    return Rate("chosen", round_half_up(per_hour.numerator, per_hour.denominator))


def bolus_sizes(profile: Profile) -> tuple[BolusSize, ...]:
    """Return the smallest bolus (one stroke: nothing less can be metered), the largest, and a middle one.

    The middle one is the geometric mean. They run over the lowest rate, as fast as the pump allows.
    """
    small, large = profile.stroke_nl, profile.bolus_max_nl
    room_nl_h = profile.rate_max_nl_h - profile.rate_min_nl_h
    return tuple(
        BolusSize(name, volume_nl, max(MIN_BOLUS_S, -(-volume_nl * _S_PER_HOUR // room_nl_h)))
        for name, volume_nl in (("smallest", small), ("middle", isqrt(small * large)), ("largest", large))
    )


def ml_per_day(rate_nl_h: int) -> str:
    """Return a rate in mL/day, exact to six decimals, without trailing zeros."""
    return decimals(rate_nl_h * HOURS_PER_DAY, _DECIMALS)


def decimals(value: int, places: int) -> str:
    """Return a non-negative ``value`` of 10 to the minus ``places`` as a decimal without trailing zeros."""
    whole, rest = divmod(value, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
