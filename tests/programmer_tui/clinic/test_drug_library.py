"""The shipped drug library is complete and sourced; a broken one is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.drug_library import DrugEntry, DrugLibraryError, parse_library, shipped_library
from programmer_tui.clinic.entry_fields import (
    daily_dose_field,
    reentry_field,
    step_rate_field,
    strength_field,
)
from programmer_tui.clinic.limit_range import LimitRange, Verdict
from protocol.vocabulary import DrugCode

ENTRIES = list(shipped_library().entries.values())
WITH_DOSE = sorted(set(DrugCode) - {DrugCode.SALINE})
ONE = """
[morphine]
unit = "mg"
daily_dose = { soft_min = 0.2, soft_max = 10, hard_max = 20, source = "label", verified = true }
concentration = { hard_max = 25, source = "label", verified = true }
"""


def test_every_drug_with_a_dose_has_an_entry() -> None:
    assert sorted(shipped_library().entries) == WITH_DOSE


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_range_has_a_source_and_a_hard_maximum(entry: DrugEntry) -> None:
    for sourced in (entry.daily_dose, entry.concentration):
        assert sourced.source
        assert sourced.limits.hard_max is not None
        assert sourced.limits.hard_min is not None
        assert sourced.limits.hard_min > 0
        assert sourced.verified or "confirm before use" in sourced.source


def test_only_drugs_whose_label_was_read_are_verified() -> None:
    verified = {entry.code for entry in ENTRIES if entry.verified}
    assert verified == {DrugCode.MORPHINE, DrugCode.BACLOFEN, DrugCode.ZICONOTIDE}


@pytest.mark.parametrize(
    ("code", "unit", "hard_max_ng", "verdict_of_ng"),
    [
        (
            DrugCode.MORPHINE,
            MassUnit.MG,
            20_000_000,
            {5_400_000: Verdict.WITHIN, 100_000: Verdict.BELOW_SOFT},
        ),
        (
            DrugCode.BACLOFEN,
            MassUnit.MCG,
            2_003_000,
            {1_200_000: Verdict.ABOVE_SOFT, 300_000: Verdict.WITHIN},
        ),
        (DrugCode.ZICONOTIDE, MassUnit.MCG, 19_200, {19_200: Verdict.WITHIN, 19_201: Verdict.ABOVE_HARD}),
    ],
)
def test_published_limits(
    code: DrugCode, unit: MassUnit, hard_max_ng: int, verdict_of_ng: dict[int, Verdict]
) -> None:
    entry = shipped_library().entry(code)
    assert (entry.unit, entry.daily_dose.limits.hard_max) == (unit, hard_max_ng)
    for dose_ng, verdict in verdict_of_ng.items():
        assert entry.daily_dose.limits.judge(dose_ng) is verdict


def test_a_drug_without_dose_is_refused_with_what_there_is() -> None:
    with pytest.raises(DrugLibraryError, match="saline is not in the drug library, which has baclofen"):
        shipped_library().entry(DrugCode.SALINE)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[morphine]", "[morfine]", "unknown drug 'morfine'"),
        ('"mg"', '"ug"', "morphine.*unit"),
        ("hard_max = 20,", "hard_max = '20,5',", "morphine.*hard_max"),
        ("hard_max = 20,", "", "daily_dose.*hard_max is missing"),
        ("hard_max = 20,", "hard_max = 5,", "daily_dose.*ascend"),
        ("hard_max = 20,", "hard_max = true,", "hard_max"),
        ("hard_max = 20,", "hard_max = nan,", "hard_max.*whole number"),
        ("hard_max = 20,", "hard_max = 1e999999999,", "hard_max.*whole number"),
        ("hard_max = 20,", "hard_max = 9999,", "hard limits lie within"),
        ("hard_max = 25", "hard_min = 0.0005, hard_max = 25", "concentration.*hard limits lie within"),
        ("soft_min = 0.2", "soft_min = 0.0000001", "soft_min.*whole number of ng"),
        ("soft_min = 0.2", "soft_least = 0.2", "soft_least"),
        ("verified = true }", "verified = 'yes' }", "verified"),
        ('source = "label"', 'source = " "', "source is empty"),
        ("unit =", "unit", "not TOML"),
    ],
)
def test_a_broken_library_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    with pytest.raises(DrugLibraryError, match=f"(?s)clinic.toml.*{message}"):
        parse_library(ONE.replace(old, new), "clinic.toml")


def test_an_empty_library_is_refused() -> None:
    with pytest.raises(DrugLibraryError, match="names no drug"):
        parse_library("", "clinic.toml")


def test_hard_limits_left_out_are_those_of_the_program_image() -> None:
    entry = parse_library(ONE, "clinic.toml").entry(DrugCode.MORPHINE)
    assert entry.daily_dose.limits == LimitRange(1, 200_000, 10_000_000, 20_000_000)
    assert entry.concentration.limits == LimitRange(hard_min=1_000, hard_max=25_000_000)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_fields_are_typed_in_the_unit_of_the_drug(entry: DrugEntry) -> None:
    unit, conc = entry.unit, entry.concentration.limits.hard_max
    assert isinstance(conc, int)
    fields = (
        daily_dose_field(entry, conc),
        step_rate_field(entry, conc),
        strength_field(entry),
        reentry_field(unit),
    )
    assert [field.unit for field in fields] == [f"{unit}/day", f"{unit}/h", f"{unit}/mL", f"{unit}/day"]
    assert fields[0].limits == entry.daily_dose.limits
    assert fields[2].limits == entry.concentration.limits


@given(st.integers(0, 10**8))
def test_a_step_is_judged_by_the_dose_it_would_give_all_day(rate_ng_h: int) -> None:
    entry = shipped_library().entry(DrugCode.MORPHINE)
    field = step_rate_field(entry, 20_000_000)
    assert field.limits.judge(rate_ng_h) is entry.daily_dose.limits.judge(24 * rate_ng_h)


@given(st.tuples(*[st.one_of(st.none(), st.integers(0, 100))] * 4), st.integers(-10, 110))
def test_a_range_judges_by_its_fences(fences: tuple[int | None, ...], value: int) -> None:
    known = [fence for fence in fences if fence is not None]
    if known != sorted(known):
        with pytest.raises(ValueError, match="ascend"):
            LimitRange(*fences)
        return
    limits = LimitRange(*fences)
    verdict = limits.judge(value)
    if verdict is Verdict.WITHIN:
        with pytest.raises(ValueError, match="no limit"):
            limits.limit_of(verdict)
        assert all(low is None or low <= value for low in fences[:2])
        assert all(high is None or value <= high for high in fences[2:])
        return
    assert (value < limits.limit_of(verdict)) == (verdict in {Verdict.BELOW_HARD, Verdict.BELOW_SOFT})
    assert verdict.is_hard != verdict.is_soft
