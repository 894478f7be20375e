"""When pumps fail: published failure shares as hazards, and onset times drawn from them.

A hazard is constant from the month it begins; it is set by the share of pumps that have failed at a published
month. Draws are closed form and exact on every machine: whole numbers, and the one logarithm in correctly
rounded decimals, taken only for the few pumps that do fail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from protocol.quantities import MS_PER_DAY

DAYS_PER_400_YEARS: Final = 146_097
MS_PER_MONTH: Final = DAYS_PER_400_YEARS * MS_PER_DAY // 4_800
"""A mean calendar month, ms."""

_DRAW_OCTETS: Final = 8
_DRAWS: Final = 1 << 8 * _DRAW_OCTETS
_EXACT: Final = Context(prec=30)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A way to fail.

    Attributes:
        name: as it is looked up.
        fault: the fault that it is, one of `firmware_model.plant.faults.FAULTS`.
        failed: pumps that had failed by month ``at_month`` ...
        of: ... of that many.
        from_month: month in which the first fail.
        at_month: the published month.
        source: where the numbers come from.
    """

    name: str
    fault: str
    failed: int
    of: int
    from_month: int
    at_month: int
    source: str

    def onset_ms(self, entropy: Callable[[int], bytes]) -> int | None:
        """Draw when one pump fails, ms after its implantation; None where not until ``at_month``.

        Args:
            entropy: gives the eight octets that one draw takes.
        """
        drawn = int.from_bytes(entropy(_DRAW_OCTETS), "big")
        if drawn * self.of >= self.failed * _DRAWS:
            return None
        # The share that has failed grows as 1 - exp(-rate * t): solved for t, the rate cancels out.
        share = _survival_ln(drawn, _DRAWS) / _survival_ln(self.failed, self.of)
        span_ms = (self.at_month - self.from_month) * MS_PER_MONTH
        return self.from_month * MS_PER_MONTH + int(_EXACT.multiply(share, Decimal(span_ms)))


def _survival_ln(failed: int, of: int) -> Decimal:
    return _EXACT.ln(_EXACT.divide(Decimal(of - failed), Decimal(of)))


def _by_name(*hazards: Hazard) -> Mapping[str, Hazard]:
    return {hazard.name: hazard for hazard in hazards}


HAZARDS: Final[Mapping[str, Hazard]] = _by_name(
    Hazard(
        "corrosion",
        "motor_seized",
        24,
        1_000,
        0,
        78,
        "2.4 % failed at 78 months with approved drugs, public safety notice of 2012",
    ),
    Hazard(
        "corrosion_off_label",
        "motor_seized",
        70,
        1_000,
        0,
        78,
        "7.0 % failed at 78 months with formulations that are not approved, public safety notice of 2012",
    ),
    Hazard(
        "battery_film",
        "cell_film",
        55,
        140_000,
        45,
        78,
        "55 of about 140 000 pumps, 45 to 78 months after implantation, public safety notices of 2011",
    ),
    Hazard(
        "feedthrough",
        "feedthrough_leak",
        380,
        181_400,
        0,
        84,
        "380 events in about 181 400 pumps, public recall notice of 2013; spread over the service life",
    ),
    Hazard(
        "foreign_particle",
        "motor_seized",
        6,
        11_000,
        0,
        24,
        "5 confirmed and 1 found of about 11 000 pumps, public recall notice of 2019; within 24 months",
    ),
    Hazard(
        "over_infusion",
        "motor_gain_drift",
        16,
        10_000,
        5,
        84,
        "below 0.16 % of a registry, from 5 months after implantation to the end of life, notice of 2014",
    ),
)
"""Published failure shares, by name."""
