"""The middle layer of limits: a whole prescription against the drug library and the pump's reach."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.beliefs import FLEX_5_4_MG, a_device, a_program
from support.error_prone import error_prone

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.drug_library import DrugLibraryError, shipped_library
from programmer_tui.clinic.limits import (
    MIN_RATE_NL_H,
    LimitFinding,
    LimitKind,
    PumpReach,
    hard_findings,
    judge_prescription,
    soft_findings,
)
from programmer_tui.clinic.prescription import (
    Prescription,
    prescription_of_program,
    simple_prescription,
    with_step_rate,
)
from protocol.vocabulary import DrugCode

REACH = PumpReach.of_device(a_device())
PEAK = "Rate 06:00-09:00 0.5 mg/h is above the usual range; the limit is 0.417 mg/h. A reason is needed."
FLEX = prescription_of_program(a_program(FLEX_5_4_MG))


def morphine(daily_ng: int, conc: int = 20_000_000) -> Prescription:
    return simple_prescription(DrugCode.MORPHINE, conc, MassUnit.MG, daily_ng)


def judge(new: Prescription, old: Prescription | None = None) -> tuple[LimitFinding, ...]:
    return judge_prescription(new, shipped_library(), REACH, old)


def test_a_usual_prescription_has_no_findings() -> None:
    assert judge(morphine(4_800_000)) == ()
    assert judge(FLEX, morphine(4_800_000)) == ()


@pytest.mark.parametrize(
    ("new", "kind", "text"),
    [
        (
            morphine(12_000_000),
            LimitKind.SOFT,
            "Daily dose 12 mg/day is above the usual range; the limit is 10 mg/day. A reason is needed.",
        ),
        (
            morphine(20_000_001),
            LimitKind.HARD,
            "Daily dose about 20 mg/day is above the hard limit 20 mg/day. It cannot be programmed.",
        ),
        (
            morphine(4_800_000, conc=30_000_000),
            LimitKind.HARD,
            "Strength 30 mg/mL is above the hard limit 25 mg/mL. It cannot be programmed.",
        ),
        (
            morphine(4_800_000, conc=5_000_000),
            LimitKind.SOFT,
            "Strength 5 mg/mL is below the usual range; the limit is 10 mg/mL. A reason is needed.",
        ),
        (
            with_step_rate(FLEX, 1, 500_000),
            LimitKind.SOFT,
            PEAK,
        ),
        (
            morphine(500_000, conc=25_000_000),
            LimitKind.HARD,
            "Rate 00:00-24:00 needs a flow of 0.02 mL/day; this pump gives 0.048 mL/day to 24 mL/day.",
        ),
    ],
)
def test_a_value_outside_is_named_with_its_limit(new: Prescription, kind: LimitKind, text: str) -> None:
    assert [(finding.kind, finding.text) for finding in judge(new)] == [(kind, text)]


@pytest.mark.parametrize("rate", [MIN_RATE_NL_H, 2_000, 1_000_000])
def test_the_pump_reaches_its_minimum_rate_and_its_range(rate: int) -> None:
    findings = judge(prescription_of_program(a_program(((0, rate),))))
    assert not [finding for finding in findings if "flow" in finding.text]


@pytest.mark.parametrize("rate", [0, 249, 251, 1_999, 1_000_001])
def test_no_other_rate_is_within_reach(rate: int) -> None:
    findings = judge(prescription_of_program(a_program(((0, rate),))))
    assert [finding for finding in hard_findings(findings) if "needs a flow" in finding.text]


def test_more_steps_than_the_pump_holds_are_refused() -> None:
    small = PumpReach.of_device(a_device(max_steps=2))
    findings = judge_prescription(FLEX, shipped_library(), small)
    assert [finding.text for finding in findings] == ["The pattern has 3 steps; this pump holds 2."]


def test_a_tenfold_dose_asks_even_within_the_limits() -> None:
    """E10 for the whole prescription, and the sentence shows both doses."""
    (finding,) = judge(morphine(4_800_000), morphine(480_000))
    assert finding.kind is LimitKind.SOFT
    assert finding.text == (
        "Daily dose 4.8 mg/day is x10 the 0.48 mg/day in the pump now. Check the decimal point."
    )


def test_a_drug_that_is_not_in_the_library_is_not_judged() -> None:
    with pytest.raises(DrugLibraryError, match="saline"):
        judge(replace(morphine(1), drug=DrugCode.SALINE))


@given(st.integers(0, 10**9), st.integers(1_000, 10**8), st.integers(1, 10**9))
def test_hard_findings_come_first_and_every_text_is_safe(daily_ng: int, conc: int, old_ng: int) -> None:
    findings = judge(morphine(daily_ng, conc), morphine(old_ng))
    assert findings == hard_findings(findings) + soft_findings(findings)
    for finding in findings:
        assert error_prone(finding.text) == []
        assert finding.what in finding.text or finding.what in {"Steps", "Daily dose change"}
