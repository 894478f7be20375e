"""Onset times drawn by the thousand give the published shares again, within their confidence intervals."""

from fractions import Fraction
from hashlib import shake_256
from io import BytesIO
from itertools import pairwise
from math import sqrt

import pytest

from firmware_model.plant.failure_rates import HAZARDS, MS_PER_MONTH, Hazard
from firmware_model.plant.faults import FAULTS

Z_99_9 = 3.29
"""Two-sided normal quantile of 99.9 %."""


def onsets(hazard: Hazard, pumps: int) -> list[int]:
    """Draw for ``pumps`` pumps; a fixed seed, eight octets a pump."""
    read = BytesIO(shake_256(hazard.name.encode()).digest(8 * pumps)).read
    drawn = (hazard.onset_ms(read) for _ in range(pumps))
    return [onset for onset in drawn if onset is not None]


def onset_of(hazard: Hazard, draw: int) -> int | None:
    return hazard.onset_ms(BytesIO(draw.to_bytes(8, "big")).read)


def within_interval(failed: int, pumps: int, share: Fraction) -> bool:
    """Tell whether a count agrees with a share: Wilson's interval of 99.9 % round the count holds it."""
    p, z2 = failed / pumps, Z_99_9**2
    centre = (p + z2 / (2 * pumps)) / (1 + z2 / pumps)
    half = Z_99_9 / (1 + z2 / pumps) * sqrt(p * (1 - p) / pumps + z2 / (4 * pumps**2))
    return centre - half <= share <= centre + half


@pytest.mark.parametrize("name", HAZARDS)
def test_the_published_share_is_reproduced(name: str) -> None:
    hazard, pumps = HAZARDS[name], 140_000
    failed = onsets(hazard, pumps)
    assert within_interval(len(failed), pumps, Fraction(hazard.failed, hazard.of))
    for onset_ms in failed:
        assert hazard.from_month * MS_PER_MONTH <= onset_ms <= hazard.at_month * MS_PER_MONTH


def test_rs09_drugs_that_are_not_approved_fail_about_three_times_as_often() -> None:
    """2.4 % and 7.0 % at 78 months: the intervals are so narrow that they cannot be taken for each other."""
    pumps = 40_000
    approved, off_label = (len(onsets(HAZARDS[name], pumps)) for name in ("corrosion", "corrosion_off_label"))
    assert within_interval(approved, pumps, Fraction(24, 1_000))
    assert within_interval(off_label, pumps, Fraction(70, 1_000))
    assert not within_interval(approved, pumps, Fraction(28, 1_000))
    assert not within_interval(off_label, pumps, Fraction(65, 1_000))


def test_rs06_the_film_shows_between_the_months_45_and_78() -> None:
    onset_months = sorted(onset / MS_PER_MONTH for onset in onsets(HAZARDS["battery_film"], 1_400_000))
    assert 450 < len(onset_months) < 650
    assert 45 <= onset_months[0] < 46
    assert 77 < onset_months[-1] <= 78


def test_a_constant_hazard_takes_the_same_share_of_those_that_are_left_each_half() -> None:
    """The share at half the time follows from 1 - sqrt(1 - share at the end)."""
    hazard = HAZARDS["corrosion_off_label"]
    half_ms = hazard.at_month * MS_PER_MONTH // 2
    onset_ms = onset_of(hazard, int((1 - sqrt(0.93)) * 2**64))
    assert onset_ms is not None
    assert abs(onset_ms - half_ms) < 1_000
    early = sum(onset < half_ms for onset in onsets(hazard, 100_000))
    assert within_interval(early, 100_000, Fraction(1 - sqrt(0.93)))


def test_a_larger_draw_is_a_later_failure() -> None:
    hazard = HAZARDS["corrosion"]
    draws = [at * (1 << 64) // 1_000 for at in range(24)]
    times = [onset_of(hazard, draw) for draw in draws]
    assert times[0] == 0
    assert all(one is not None and other is not None and one < other for one, other in pairwise(times))
    assert onset_of(hazard, 24 * (1 << 64) // 1_000 + 1) is None


@pytest.mark.parametrize("hazard", HAZARDS.values(), ids=HAZARDS)
def test_every_hazard_is_a_fault_and_names_its_source(hazard: Hazard) -> None:
    assert hazard.fault in FAULTS
    assert len(hazard.source) > 20
    assert 0 <= hazard.from_month < hazard.at_month
