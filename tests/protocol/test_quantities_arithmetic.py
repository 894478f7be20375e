"""Dose arithmetic is exact: one rounding, half up, at the end, and integers large enough for any pump."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.quantities import (
    MINUTES_PER_DAY,
    UNITS_PER_NL,
    day_volume_nl,
    dose_ng_per_day,
    dose_tolerance_ng,
    nl_to_units,
    round_half_up,
    units_to_nl,
)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@given(st.integers(0, 10**24), st.integers(1, 10**12))
def test_rounding_is_half_up(numerator: int, denominator: int) -> None:
    assert round_half_up(numerator, denominator) == half_up(Fraction(numerator, denominator))


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 2), (1, 0), (1, -2)])
def test_what_cannot_be_rounded_is_refused(numerator: int, denominator: int) -> None:
    with pytest.raises(ValueError, match=f"cannot round {numerator}/{denominator}"):
        round_half_up(numerator, denominator)


@given(st.integers(0, 10**9), st.integers(0, UNITS_PER_NL - 1))
def test_volume_units_hold_whole_nanolitres_exactly(volume_nl: int, part: int) -> None:
    assert units_to_nl(nl_to_units(volume_nl) + part) == volume_nl


def test_a_rate_times_milliseconds_is_exact_in_volume_units() -> None:
    """2000 nL/h for a day is 48 000 nL, to the last unit."""
    assert nl_to_units(48_000) == 2_000 * MINUTES_PER_DAY * 60_000


@given(st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(1, MINUTES_PER_DAY)), max_size=48))
def test_the_volume_of_a_day_is_rounded_once(steps: list[tuple[int, int]]) -> None:
    exact = sum((Fraction(rate * minutes, 60) for rate, minutes in steps), Fraction(0))
    assert day_volume_nl(steps) == half_up(exact)


@given(st.integers(0, 24_000_000), st.integers(1_000, 100_000_000))
def test_the_dose_of_a_day_is_rounded_once_and_fits_its_field(volume_nl: int, conc_ng_ml: int) -> None:
    dose = dose_ng_per_day(volume_nl, conc_ng_ml)
    assert dose == half_up(Fraction(volume_nl * conc_ng_ml, 1_000_000))
    assert dose < 1 << 32


def test_published_examples_hold() -> None:
    assert day_volume_nl([(2_000, MINUTES_PER_DAY)]) == 48_000
    assert day_volume_nl([(1_000_000, MINUTES_PER_DAY)]) == 24_000_000
    assert dose_ng_per_day(240_000, 20_000_000) == 4_800_000
    assert dose_ng_per_day(24_000_000, 40_000_000) == 960_000_000


@pytest.mark.parametrize(
    ("computed_ng", "tolerance"), [(0, 1), (999, 1), (1_999, 1), (2_000, 2), (960_000_000, 960_000)]
)
def test_declared_and_computed_dose_may_differ_by_one_or_one_per_mille(
    computed_ng: int, tolerance: int
) -> None:
    assert dose_tolerance_ng(computed_ng) == tolerance
