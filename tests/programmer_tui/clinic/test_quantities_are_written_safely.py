"""Rules N1 to N14: how numbers, units, names and changes stand on a screen."""

import locale
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_prone import error_prone

from programmer_tui.clinic import clinical_format as cf
from programmer_tui.clinic.clinical_format import MassUnit
from protocol.vocabulary import DisplayUnit, DrugCode

exact_numbers = st.one_of(
    st.integers(0, 10**12),
    st.fractions(min_value=0, max_value=10**7),
    st.decimals(min_value=0, max_value=10**7, allow_nan=False, allow_infinity=False, places=6),
)
doses_ng = st.integers(0, 2**32 - 1)


@given(exact_numbers, st.integers(0, 3))
def test_a_number_has_no_trailing_zero_a_leading_one_and_commas(
    value: int | Fraction | Decimal, decimals: int
) -> None:
    shown = cf.format_number(value, decimals)
    digits = shown.number.removeprefix("below ")
    assert re.fullmatch(r"(0|[1-9]\d{0,2}(,\d{3})*)(\.\d{0,2}[1-9])?", digits)
    assert len(digits.partition(".")[2]) <= decimals


@given(exact_numbers, st.integers(0, 3))
def test_what_is_shown_is_the_value_or_says_that_it_is_not(
    value: int | Fraction | Decimal, decimals: int
) -> None:
    shown = cf.format_number(value, decimals)
    if shown.number.startswith("below"):
        assert not shown.exact
        assert 0 < Fraction(value) < Fraction(shown.number.removeprefix("below "))
        return
    read = Fraction(shown.number.replace(",", ""))
    assert shown.exact == (read == Fraction(value))
    assert abs(read - Fraction(value)) <= Fraction(1, 2 * 10**decimals)


@given(doses_ng, st.sampled_from(MassUnit))
def test_no_quantity_is_written_in_an_error_prone_way(amount: int, unit: MassUnit) -> None:
    for shown in (
        cf.format_mass(amount, unit),
        cf.format_daily_dose(amount, unit),
        cf.format_dose_rate(amount, unit),
        cf.format_strength(amount, unit),
        cf.format_volume_ml(amount),
        cf.format_volume_per_day(amount),
        cf.format_rate_ml_day(amount),
        cf.format_rate_ml_h(amount),
    ):
        assert error_prone(shown.text) == []
        assert error_prone(cf.spoken(shown)) == []
        assert shown.unit
        assert " " in shown.text


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (cf.format_mass(3_000_000, MassUnit.MG), "3 mg"),
        (cf.format_daily_dose(4_800_000, MassUnit.MG), "4.8 mg/day"),
        (cf.format_daily_dose(270_000, MassUnit.MCG), "270 mcg/day"),
        (cf.format_dose_rate(200_000, MassUnit.MG), "0.2 mg/h"),
        (cf.format_strength(20_000_000, MassUnit.MG), "20 mg/mL"),
        (cf.format_strength(2_000_000, MassUnit.MCG), "2,000 mcg/mL"),
        (cf.format_volume_ml(13_200_000), "13.2 mL"),
        (cf.format_rate_ml_day(10_000), "0.24 mL/day"),
        (cf.format_rate_ml_h(10_000), "0.01 mL/h"),
        (cf.format_rate_ml_day(250), "0.006 mL/day"),
        (cf.format_percent_change(4_800_000, 5_400_000), "+12.5 %"),
        (cf.format_percent_change(5_400_000, 4_800_000), "-11.1 %"),
        (cf.format_percent_change(1, 1), "0 %"),
        (cf.format_signed(Fraction(3, 100), "mL/day"), "+0.03 mL/day"),
        (cf.format_signed(Fraction(-18, 10), "mL"), "-1.8 mL"),
        (cf.format_signed(0, "mL"), "0 mL"),
    ],
)
def test_the_texts_of_the_mock_ups(shown: cf.Shown, text: str) -> None:
    assert str(shown) == text


@pytest.mark.parametrize(
    ("value", "text", "exact"),
    [
        (Fraction(1, 3), "0.333", False),
        (Decimal("0.0005"), "0.001", False),
        (Decimal("1.0005"), "1.001", False),
    ],
)
def test_rounding_is_half_up_and_known_to_the_caller(value: Fraction, text: str, exact: bool) -> None:
    assert cf.format_number(value) == cf.Shown(text, "", exact)


def test_a_value_too_small_to_show_is_not_called_zero() -> None:
    assert cf.format_rate_ml_h(250).text == "below 0.001 mL/h"
    assert cf.format_number(0).text == "0"


def test_a_rounded_value_can_be_marked_as_such() -> None:
    assert cf.format_rate_ml_h(11_250).qualified == "about 0.011 mL/h"
    assert cf.format_rate_ml_h(10_000).qualified == "0.01 mL/h"
    assert cf.format_rate_ml_h(250).qualified == "below 0.001 mL/h"


def test_rounding_by_the_pump_is_said_openly() -> None:
    asked, given_ = (cf.format_daily_dose(dose, MassUnit.MG) for dose in (5_430_000, 5_400_000))
    assert cf.format_rounding(asked, given_) == "You asked for 5.43 mg/day; the pump will give 5.4 mg/day."
    assert "rounds" in cf.format_rounding(asked, asked)


@pytest.mark.parametrize("bad", [-1, Fraction(-1, 2)])
def test_a_negative_quantity_is_refused(bad: Fraction) -> None:
    with pytest.raises(ValueError, match="never negative"):
        cf.format_number(bad)


def test_more_than_three_decimals_are_refused() -> None:
    with pytest.raises(ValueError, match="not 4"):
        cf.format_number(1, 4)


@given(st.integers(1, 10**10), st.integers(0, 10**10))
def test_a_change_says_its_direction(old: int, new: int) -> None:
    text = cf.format_change(old, new)
    assert error_prone(text) == []
    if new == old:
        assert text == "no change"
    elif new >= 2 * old:
        assert text.startswith("x")
    elif new > old:
        assert text.startswith(("+", "up "))
    else:
        assert text.startswith(("-", "down "))


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (200_000, 400_000, "x2"),
        (48, 480, "x10"),
        (100, 99, "-1 %"),
        (480, 48, "-90 %"),
        (100_000, 100_001, "up less than 0.1 %"),
        (0, 5, "from 0"),
    ],
)
def test_examples_of_changes(old: int, new: int, text: str) -> None:
    assert cf.format_change(old, new) == text


@pytest.mark.parametrize(("new", "text"), [(48, "x0.1"), (24_000, "x50"), (1, "less than x0.01")])
def test_ratios(new: int, text: str) -> None:
    assert cf.format_ratio(480, new) == text


def test_per_is_written_out_in_sentences() -> None:
    assert cf.spoken_daily_dose(5_400_000, MassUnit.MG) == "5.4 mg per day"
    assert cf.spoken(cf.format_rate_ml_h(10_000)) == "0.01 mL per hour"
    assert cf.spoken(cf.format_strength(20_000_000, MassUnit.MG)) == "20 mg per mL"


def test_an_unknown_value_is_no_zero() -> None:
    assert cf.unknown().text == "--  not read"
    assert cf.unknown("link lost").text == "--  link lost"


@pytest.mark.parametrize(
    ("drug", "written"),
    [
        (DrugCode.HYDROMORPHONE, "HYDROmorphone"),
        (DrugCode.FENTANYL, "fentaNYL"),
        (DrugCode.SUFENTANIL, "SUFentanil"),
        (DrugCode.CLONIDINE, "cloNIDine"),
        (DrugCode.BUPIVACAINE, "BUPivacaine"),
        (DrugCode.MORPHINE, "morphine"),
        (DrugCode.BACLOFEN, "baclofen"),
        (DrugCode.ZICONOTIDE, "ziconotide"),
        ("Morphine sulfate", "morphine"),
        ("ROPIVACAINE HCl", "ROPivacaine"),
    ],
)
def test_drug_names_are_generic_with_tall_man_parts_from_the_list_only(
    drug: DrugCode | str, written: str
) -> None:
    assert cf.drug_name(drug) == written


@pytest.mark.parametrize("code", DrugCode)
def test_no_letter_of_a_drug_name_is_lost(code: DrugCode) -> None:
    assert cf.drug_name(code).lower() == code.name.lower()


def test_points_of_a_column_line_up_with_blanks_not_zeros() -> None:
    rows = [cf.format_volume_ml(volume) for volume in (13_200_000, 2_000_000, 6_800_000)]
    rows.append(cf.unknown())
    assert cf.align_decimal(rows) == ("13.2 mL", " 2   mL", " 6.8 mL", "--    not read")


@given(st.lists(st.integers(0, 10**11).map(cf.format_volume_ml), min_size=1))
def test_units_of_a_column_start_in_one_place(rows: list[cf.Shown]) -> None:
    aligned = cf.align_decimal(rows)
    assert len({line.index(" mL") for line in aligned}) == 1
    points = [line.index(".") for line in aligned if "." in line]
    assert len(set(points)) <= 1
    assert cf.align_decimal([]) == ()


@pytest.mark.parametrize("unit", MassUnit)
def test_the_unit_of_the_program_image_and_back(unit: MassUnit) -> None:
    assert MassUnit.of_display(unit.display) is unit
    assert {each.display for each in MassUnit} == set(DisplayUnit)


@pytest.mark.parametrize("name", ["de_DE.UTF-8", "ar_EG.UTF-8", "C"])
def test_the_locale_changes_nothing(name: str) -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        pytest.skip(f"this machine has no locale {name}")
    try:
        assert cf.format_daily_dose(1_234_500_000, MassUnit.MG).text == "1,234.5 mg/day"
    finally:
        locale.setlocale(locale.LC_ALL, before)
