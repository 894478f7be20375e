"""Quantities with their unit in one text: exact, by the grammar of the fields, and never without a unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.entry_grammar import base_to_number
from programmer_tui.clinic.quantity_entry import parse_duration_s, parse_mass_ng, parse_volume_nl
from protocol.quantities import NL_PER_ML


@given(micro_litres=st.integers(0, 999_999))
def test_a_volume_is_read_as_it_is_written(micro_litres: int) -> None:
    text = base_to_number(micro_litres * 1_000, NL_PER_ML)
    assert parse_volume_nl(f"{text}mL") == parse_volume_nl(f"{text} mL") == micro_litres * 1_000


@given(thousandths=st.integers(0, 99_999_999), unit=st.sampled_from(MassUnit))
def test_a_mass_is_read_in_its_unit(thousandths: int, unit: MassUnit) -> None:
    text = base_to_number(thousandths, 1_000)
    assert parse_mass_ng(f"{text}{unit}") == (thousandths * unit.ng // 1_000, unit)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10 min", 600), ("24h", 86_400)])
def test_a_time_is_read_in_its_unit(text: str, seconds: int) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.25", "names no unit; write 0.25mL"),
        ("0.25ml", "names no unit"),
        ("0.25L", "names no unit"),
        (".5mL", "Type a 0 before the point"),
        ("0,5mL", "',' is not accepted"),
        ("-1mL", "'-' is not accepted"),
        ("1e1mL", "'e' is not accepted"),
        ("05mL", "After a leading 0"),
        ("0.0001mL", "At most 3 decimals"),
        ("1000mL", "At most 3 digits"),
        ("5.mL", "not finished"),
        ("mL", "not finished"),
        ("1  mL", "A space is not accepted"),
        ("1\N{ARABIC-INDIC DIGIT FIVE}mL", "is not accepted"),
    ],
)
def test_what_is_no_volume_is_told_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_volume_nl(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["5", "5g", "5ug", "5 \N{MICRO SIGN}g"])
def test_a_mass_is_in_mg_or_mcg_only(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 0\.5mg or 300mcg"):
        parse_mass_ng(text)


@pytest.mark.parametrize("text", ["10", "1.5h", "10m", "1h30min"])
def test_a_time_is_whole_and_has_one_unit(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration_s(text)
