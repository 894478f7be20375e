"""The review: current, new and pump-computed side by side, and nothing hidden by rounding."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.beliefs import FLEX_5_4_MG, a_program
from support.error_prone import error_prone

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.dose import table_max_hour_nl
from programmer_tui.clinic.drug_library import shipped_library
from programmer_tui.clinic.limits import PumpReach, judge_prescription
from programmer_tui.clinic.prescription import (
    Prescription,
    prescription_of_program,
    simple_prescription,
    with_daily_dose,
)
from programmer_tui.clinic.review import (
    SOFT_LIMIT_WORDS,
    ReviewRow,
    build_review,
    final_sentence,
    reentry_value_ng,
    rounding_note,
)
from protocol.messages.program import DoseSummary, ProgVerifyResponse
from protocol.vocabulary import DrugCode, SoftLimit

APRIL_17, APRIL_12 = 1_776_384_000, 1_775_952_000
SIMPLE = prescription_of_program(a_program())
FLEX = prescription_of_program(a_program(FLEX_5_4_MG))
BACLOFEN = simple_prescription(DrugCode.BACLOFEN, 2_000_000, MassUnit.MCG, 301_000)


def summary_of(new: Prescription, **changed: object) -> ProgVerifyResponse:
    """What an honest pump computes from `new`."""
    rates = [rate for _, rate in new.rate_table]
    summary = ProgVerifyResponse(
        handle=1,
        token=bytes(8),
        rate_min_nl_h=min(rates),
        rate_max_nl_h=max(rates),
        day_volume_nl=new.day_volume_nl,
        max_hour_nl=table_max_hour_nl(new.rate_table),
        reservoir_days_x10=410,
        refill_by_utc_s=APRIL_12,
        soft_flags=SoftLimit(0),
        doses=(DoseSummary(new.drug, new.delivered_ng_per_day),),
    )
    return replace(summary, **changed)  # type: ignore[arg-type]


def rows_of(old: Prescription, new: Prescription, **changed: object) -> dict[str, ReviewRow]:
    return {row.label: row for row in build_review(old, new, summary_of(new, **changed)).rows}


def test_the_review_of_the_mock_up() -> None:
    review = build_review(SIMPLE, FLEX, summary_of(FLEX), (), APRIL_17)
    assert [
        (row.label, row.current, row.new, row.computed, row.unit, row.change_text) for row in review.rows
    ] == [
        ("Drug", "morphine", "morphine", "", "", ""),
        ("Strength", "20", "20", "", "mg/mL", ""),
        ("Mode", "simple continuous", "flexible 24 h", "", "", "changed"),
        ("Daily dose", "4.8", "5.4", "5.4", "mg/day", "+12.5 %"),
        ("Volume", "0.24", "0.27", "0.27", "mL/day", "+12.5 %"),
        ("Lowest flow", "0.01", "0.01", "0.01", "mL/h", ""),
        ("Highest flow", "0.01", "0.02", "0.02", "mL/h", "x2"),
        ("Largest hour", "0.01", "0.02", "0.02", "mL", "x2"),
        ("Rate, 00:00-06:00", "0.2", "0.2", "", "mg/h", ""),
        ("Rate, 06:00-09:00", "0.2", "0.4", "", "mg/h", "x2"),
        ("Rate, 09:00-24:00", "0.2", "0.2", "", "mg/h", ""),
        ("Refill by", "2026-04-17", "", "2026-04-12", "", "-5 days"),
    ]
    assert review.changed_count == 6
    assert not any((review.disagreements, review.hard, review.reasons_needed))
    assert review.rounding == ""


def test_parts_of_the_day_without_a_difference_are_one_row() -> None:
    assert "Rate, all day" in rows_of(SIMPLE, with_daily_dose(SIMPLE, 5_000_000))
    assert len([label for label in rows_of(FLEX, FLEX) if label.startswith("Rate")]) == 3


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ({"rate_min_nl_h": 9_999}, "Lowest flow"),
        ({"rate_max_nl_h": 20_001}, "Highest flow"),
        ({"day_volume_nl": 270_001}, "Volume"),
        ({"max_hour_nl": 19_999}, "Largest hour"),
        ({"doses": (DoseSummary(DrugCode.MORPHINE, 5_400_001),)}, "Daily dose"),
        ({"doses": (DoseSummary(DrugCode.BACLOFEN, 5_400_000),)}, "Daily dose"),
        ({"doses": ()}, "Daily dose"),
    ],
)
def test_a_pump_that_computes_something_else_is_found_even_by_one_unit(
    changed: dict[str, object], label: str
) -> None:
    """OITP/1 section 11, step 6: equal, not nearly equal, and a missing value is no agreement."""
    review = build_review(SIMPLE, FLEX, summary_of(FLEX, **changed))
    assert [row.label for row in review.disagreements] == [label]


def test_a_change_too_small_to_show_is_still_a_change() -> None:
    new = prescription_of_program(a_program(((0, 10_001),)))
    row = rows_of(SIMPLE, new)["Lowest flow"]
    assert (row.current, row.new, row.changed, row.change_text) == (
        "0.01",
        "0.01",
        True,
        "up less than 0.1 %",
    )


def test_rounding_by_the_pump_is_said() -> None:
    """N10: 301 mcg/day at 2,000 mcg/mL is not a whole number of nL/h."""
    assert rounding_note(BACLOFEN) == "You asked for 301 mcg/day; the pump will give 301.008 mcg/day."
    assert rows_of(BACLOFEN, BACLOFEN)["Daily dose"].new == "301.008"
    assert rounding_note(SIMPLE) == ""


def test_soft_limits_of_library_and_pump_both_need_a_reason() -> None:
    new = with_daily_dose(SIMPLE, 12_000_000)
    findings = judge_prescription(new, shipped_library(), PumpReach(2_000, 1_000_000, 48), SIMPLE)
    summary = summary_of(new, soft_flags=SoftLimit.RATE | SoftLimit.DAY_VOLUME)
    review = build_review(SIMPLE, new, summary, findings)
    assert len(review.reasons_needed) == 3
    assert "12 mg/day" in review.reasons_needed[0]
    assert review.reasons_needed[1] == "The pump says: a rate is above the pump's soft limit."
    assert review.hard == ()


def test_every_soft_limit_of_the_protocol_has_words() -> None:
    assert set(SOFT_LIMIT_WORDS) == set(SoftLimit)


def test_the_final_sentence_names_patient_pump_drug_and_dose() -> None:
    """C6, with "per" written out."""
    sentence = final_sentence("DOE, Jane", "VP20-004711", FLEX)
    assert sentence == "Will program: DOE, Jane - VP20-004711 - morphine 5.4 mg per day"


@given(st.integers(1_000, 20_000_000), st.sampled_from(MassUnit))
def test_the_dose_to_type_again_is_the_dose_in_the_sentence(daily_ng: int, unit: MassUnit) -> None:
    new = simple_prescription(DrugCode.MORPHINE, 20_000_000, unit, daily_ng)
    shown = re.search(r"([\d,.]+) m", final_sentence("P", "S", new))
    assert shown is not None
    whole, _, decimals = shown.group(1).replace(",", "").partition(".")
    assert int(whole + decimals.ljust(3, "0")) * unit.ng // 1_000 == reentry_value_ng(new)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.sampled_from(MassUnit))
def test_no_row_mixes_units_or_is_written_in_an_error_prone_way(
    old_ng: int, new_ng: int, unit: MassUnit
) -> None:
    """N6, N7: one unit for the whole row, never mg beside mcg."""
    old, new = (simple_prescription(DrugCode.FENTANYL, 5_000_000, unit, dose) for dose in (old_ng, new_ng))
    review = build_review(old, new, summary_of(new))
    units = {row.unit for row in review.rows}
    assert not ({"mg/day", "mg/h", "mg/mL"} & units and {"mcg/day", "mcg/h", "mcg/mL"} & units)
    for row in review.rows:
        for value in (row.current, row.new, row.computed):
            assert error_prone(f"{value} {row.unit}") == []
            assert row.unit or not re.fullmatch(r"[\d,.]+", value)
        assert error_prone(row.change_text) == []


def test_an_unknown_refill_date_is_no_date() -> None:
    row = rows_of(SIMPLE, FLEX, refill_by_utc_s=0)["Refill by"]
    assert (row.current, row.computed, row.change_text) == ("--  not read", "--  clock not set", "")
