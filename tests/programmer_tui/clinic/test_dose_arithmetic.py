"""Doses, rates and volumes: exact, rounded once, and the same as the pump computes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmer_tui.clinic import dose
from programmer_tui.clinic.clinical_format import MassUnit
from protocol.quantities import MINUTES_PER_DAY

concentrations = st.integers(1_000, 100_000_000)
rates = st.integers(0, 1_000_000)


@st.composite
def tables(draw: st.DrawFn) -> dose.RateTable:
    """A rate table of 1..48 steps from minute 0."""
    starts = sorted(draw(st.sets(st.integers(1, MINUTES_PER_DAY - 1), max_size=47)) | {0})
    return tuple((start, draw(rates)) for start in starts)


def test_twelve_mg_a_day_of_25_mg_per_ml_is_0_48_ml() -> None:
    """Worked example D1, the day as a whole and its 24, 12, 6 and 3 hour shares."""
    rate = dose.rate_for_daily_dose(12_000_000, 25_000_000)
    table = ((0, rate),)
    assert rate == 20_000
    assert dose.table_day_volume_nl(table) == 480_000
    for hours, share_nl in ((24, 480_000), (12, 240_000), (6, 120_000), (3, 60_000)):
        assert rate * hours == share_nl
        assert dose.dose_rate_ng_h(rate, 25_000_000) * hours == 12_000_000 * hours // 24


def test_flex_22_h_at_10_and_2_h_at_25_mcg_per_hour_is_270_mcg_a_day() -> None:
    """Worked example D16, at 500 mcg/mL."""
    conc = 500_000
    low, high = (dose.rate_for_dose_rate(mcg * 1_000, conc) for mcg in (10, 25))
    table = ((0, low), (600, high), (720, low))
    assert dose.table_dose_ng_per_day(table, conc) == 270_000


@pytest.mark.parametrize(
    ("conc", "dose_ng"), [(500_000, 24_000), (2_000_000, 96_000), (25_000_000, 1_200_000)]
)
def test_the_smallest_dose_at_0_048_ml_a_day(conc: int, dose_ng: int) -> None:
    """Worked example D17."""
    assert dose.table_dose_ng_per_day(((0, 2_000),), conc) == dose_ng
    assert dose.rate_for_daily_dose(dose_ng, conc) == 2_000


@given(rates, concentrations)
def test_a_dose_the_pump_gives_asks_for_the_same_rate(rate: int, conc: int) -> None:
    assert dose.rate_for_dose_rate(dose.dose_rate_ng_h(rate, conc), conc) == rate


@given(st.integers(0, 10**9), concentrations)
def test_rounding_costs_less_than_half_a_rate_step(daily_ng: int, conc: int) -> None:
    rate = dose.rate_for_daily_dose(daily_ng, conc)
    off_by = abs(dose.dose_rate_ng_h(rate, conc) * 24 - daily_ng)
    assert off_by <= 12 * dose.dose_rate_ng_h(1, conc)


@given(tables(), concentrations)
def test_the_steps_add_up_to_the_day(table: dose.RateTable, conc: int) -> None:
    assert sum(dose.step_minutes(tuple(start for start, _ in table))) == MINUTES_PER_DAY
    minutes = dose.step_minutes(tuple(start for start, _ in table))
    total = sum(
        (
            dose.dose_rate_ng_h(rate, conc) * length / 60
            for (_, rate), length in zip(table, minutes, strict=True)
        ),
        Fraction(0),
    )
    rounding = Fraction(conc, 2_000_000) + Fraction(1, 2)
    assert abs(dose.table_dose_ng_per_day(table, conc) - total) <= rounding


@given(tables())
def test_the_largest_hour_is_the_largest_of_all_1440(table: dose.RateTable) -> None:
    """The closed form agrees with trying every minute of the day."""
    starts = [start for start, _ in table]
    by_minute = [
        rate
        for (_, rate), length in zip(table, dose.step_minutes(tuple(starts)), strict=True)
        for _ in range(length)
    ]
    twice = by_minute + by_minute
    window = sum(twice[:60])
    largest = window
    for first in range(MINUTES_PER_DAY):
        window += twice[first + 60] - twice[first]
        largest = max(largest, window)
    assert dose.table_max_hour_nl(table) == (largest + 30) // 60


@pytest.mark.parametrize(
    ("old", "new", "alarm"),
    [
        (100, 500, True),
        (100, 499, False),
        (100, 20, True),
        (100, 21, False),
        (0, 1, True),
        (0, 0, False),
        (5, 0, True),
    ],
)
def test_the_out_by_ten_detector(old: int, new: int, alarm: bool) -> None:
    assert dose.is_out_by_ten(old, new) is alarm


@pytest.mark.parametrize(
    ("conc", "unit", "per_day", "per_hour"),
    [
        (20_000_000, MassUnit.MG, 3, 3),
        (2_000_000, MassUnit.MCG, 1, 2),
        (500_000, MassUnit.MCG, 1, 3),
        (25_000, MassUnit.MCG, 3, 3),
        (100_000_000, MassUnit.MCG, 0, 1),
    ],
)
def test_only_decimals_the_pump_can_deliver_are_offered(
    conc: int, unit: MassUnit, per_day: int, per_hour: int
) -> None:
    assert dose.daily_dose_decimals(conc, unit) == per_day
    assert dose.dose_rate_decimals(conc, unit) == per_hour


@given(concentrations, st.sampled_from(MassUnit))
def test_two_neighbouring_entries_are_never_the_same_rate(conc: int, unit: MassUnit) -> None:
    """N10: the last decimal that can be typed makes a difference at the pump."""
    places = dose.daily_dose_decimals(conc, unit)
    if places == 0:
        return
    step = unit.ng // 10**places
    assert dose.rate_for_daily_dose(8 * step, conc) != dose.rate_for_daily_dose(7 * step, conc)


@pytest.mark.parametrize("conc", [0, -1])
def test_a_strength_of_nothing_is_refused(conc: int) -> None:
    with pytest.raises(ValueError, match="concentration"):
        dose.rate_for_daily_dose(1, conc)
