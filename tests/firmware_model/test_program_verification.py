"""What the pump checks of a program on its own, and the summary it computes for a person to compare."""

from dataclasses import replace

import pytest
from support.pump_bench import (
    DAY_MS,
    INTENT,
    MONDAY_UTC_S,
    active_program,
    begin,
    new_pump,
    pump_at_work,
    verified,
    verify,
    with_declared_doses,
    with_steps,
)

from firmware_model.pump import Pump
from protocol.messages.program import DoseSummary, ProgVerifyResponse
from protocol.program import DoseDeclaration, Drug, Program, Schedule, Step, encode_program
from protocol.quantities import dose_ng_per_day
from protocol.requests import Refusal
from protocol.vocabulary import (
    DisplayUnit,
    DrugCode,
    ErrorCode,
    LimitField,
    ScheduleMode,
    SoftLimit,
    Switch,
)


@pytest.fixture
def pump() -> Pump:
    return pump_at_work()


@pytest.fixture
def program(pump: Pump) -> Program:
    return active_program(pump)


def refused(pump: Pump, program: Program) -> Refusal:
    image = encode_program(program)
    answer = verify(pump, begin(pump, image), image)
    assert isinstance(answer, Refusal), answer
    return answer


def limited(program: Program, **limits: int) -> Program:
    return replace(program, limits=replace(program.limits, **limits))


def hard(field: LimitField, bound: int) -> Refusal:
    return Refusal(ErrorCode.HARD_LIMIT, field, bound)


# --- the summary ------------------------------------------------------------------------------------------


def test_the_summary_is_the_pumps_own_arithmetic(pump: Pump, program: Program) -> None:
    new = with_steps(program, (0, 9_000), (390, 14_000), (410, 8_000))
    summary = verified(pump, new)
    assert isinstance(summary, ProgVerifyResponse)
    # 6.5 h at 9 000, 20 min at 14 000, the rest at 8 000 nL/h.
    day_nl = (9_000 * 390 + 14_000 * 20 + 8_000 * 1_030 + 30) // 60
    assert summary.day_volume_nl == day_nl
    assert (summary.rate_min_nl_h, summary.rate_max_nl_h) == (8_000, 14_000)
    # The worst hour ends with the 20 minutes at 14 000.
    assert summary.max_hour_nl == (9_000 * 40 + 14_000 * 20 + 30) // 60
    assert summary.doses == (DoseSummary(DrugCode.MORPHINE, day_nl * 20),)
    assert summary.soft_flags == SoftLimit(0)


def test_refill_date_is_when_the_low_alarm_will_come(pump: Pump, program: Program) -> None:
    """What the summary promises is what happens after the commit."""
    summary = verified(pump, with_steps(program, (0, 10_000)))
    # 11.2 mL to go at 0.24 mL a day.
    assert summary.refill_by_utc_s == MONDAY_UTC_S + 11_200_000 * 3_600 // 10_000
    assert summary.reservoir_days_x10 == 13_200_000 * 10 // 240_000


def test_a_pump_without_clock_tells_no_refill_date(program: Program) -> None:
    pump = new_pump(utc_s=0)
    pump.refill(20_000_000)
    summary = verified(pump, with_steps(program, (0, 10_000)))
    assert summary.refill_by_utc_s == 0
    assert summary.reservoir_days_x10 == 833


def test_two_drugs_are_summed_each_with_its_concentration(program: Program) -> None:
    pump = new_pump()
    pump.refill(20_000_000)
    second = Drug(DrugCode.BUPIVACAINE, "Bupivacaine", 7_500_000, DisplayUnit.MG, 0, 0)
    mixed = with_declared_doses(replace(program, drugs=(*program.drugs, second)))
    summary = verified(pump, mixed)
    assert summary.doses == (
        DoseSummary(DrugCode.MORPHINE, 4_800_000),
        DoseSummary(DrugCode.BUPIVACAINE, 1_800_000),
    )


def test_a_weekly_pattern_is_summed_over_its_largest_day(pump: Pump, program: Program) -> None:
    steps = (Step(0b0011111, 0, 9_000), Step(0b1100000, 0, 8_000), Step(0b1100000, 600, 12_000))
    day_nl = (8_000 * 600 + 12_000 * 840) // 60
    weekly = replace(
        program,
        schedule=Schedule(ScheduleMode.WEEKLY, steps),
        dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, dose_ng_per_day(day_nl, 20_000_000)),),
    )
    assert verified(pump, weekly).day_volume_nl == day_nl


# --- refusals, in the order of the checks -----------------------------------------------------------------


@pytest.mark.parametrize("apart", [4_801, -4_801])
def test_a_declared_dose_that_differs_is_refused_with_the_drug(
    pump: Pump, program: Program, apart: int
) -> None:
    (declared,) = program.dose_declarations
    wrong = replace(declared, dose_ng_per_day=declared.dose_ng_per_day + apart)
    answer = refused(pump, replace(program, dose_declarations=(wrong,)))
    assert answer == Refusal(ErrorCode.DOSE_MISMATCH, detail=DrugCode.MORPHINE)


@pytest.mark.parametrize("apart", [4_800, -4_800, 1])
def test_a_declared_dose_within_one_per_mille_is_taken(pump: Pump, program: Program, apart: int) -> None:
    (declared,) = program.dose_declarations
    near = replace(declared, dose_ng_per_day=declared.dose_ng_per_day + apart)
    assert verified(pump, replace(program, dose_declarations=(near,))).doses[0].dose_ng_per_day == 4_800_000


@pytest.mark.parametrize(
    ("rate", "bound"), [(1_999, 2_000), (251, 2_000), (249, 2_000), (0, 2_000), (1_000_001, 1_000_000)]
)
def test_a_rate_the_pump_does_not_have_is_refused(
    pump: Pump, program: Program, rate: int, bound: int
) -> None:
    assert refused(pump, with_steps(program, (0, rate))) == hard(LimitField.RATE, bound)


def test_the_minimum_rate_is_a_rate_of_the_pump(pump: Pump, program: Program) -> None:
    assert verified(pump, with_steps(program, (0, 250), (60, 10_000))).rate_min_nl_h == 250


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        ("hard_rate_nl_h", 1_000_001, 1_000_000),
        ("hard_hour_nl", 1_000_001, 1_000_000),
        ("hard_day_nl", 24_000_001, 24_000_000),
        ("hard_bolus_nl", 1_000_001, 1_000_000),
        ("soft_rate_nl_h", 50_001, 50_000),
        ("soft_hour_nl", 50_001, 50_000),
        ("soft_day_nl", 750_001, 750_000),
        ("soft_bolus_nl", 50_001, 50_000),
    ],
)
def test_limits_outside_the_pumps_own_are_refused(
    pump: Pump, program: Program, field: str, value: int, bound: int
) -> None:
    answer = refused(pump, limited(program, **{field: value}))
    assert answer == hard(LimitField.FACTORY_LIMITS, bound)


def test_a_low_alarm_above_the_capacity_is_refused(pump: Pump, program: Program) -> None:
    alarms = replace(program.alarms, low_reservoir_nl=20_000_001)
    answer = refused(pump, replace(program, alarms=alarms))
    assert answer == hard(LimitField.FACTORY_LIMITS, 20_000_000)


def test_each_hard_limit_of_the_image_holds(pump: Pump, program: Program) -> None:
    rate = limited(program, hard_rate_nl_h=10_499, soft_rate_nl_h=10_000)
    hour = limited(program, hard_hour_nl=10_499, soft_hour_nl=10_000)
    day = limited(program, hard_day_nl=239_999, soft_day_nl=200_000)
    for number, (changed, field, bound) in enumerate(
        (
            (rate, LimitField.RATE, 10_499),
            (hour, LimitField.HOUR_VOLUME, 10_499),
            (day, LimitField.DAY_VOLUME, 239_999),
        ),
        start=1,
    ):
        image = encode_program(changed)
        pump = pump_at_work()
        assert verify(pump, begin(pump, image, bytes([number] * 16)), image) == hard(field, bound)


def with_patient_bolus(program: Program, volume_nl: int, duration_s: int) -> Program:
    bolus = replace(
        program.patient_bolus,
        enable=Switch.ON,
        volume_nl=volume_nl,
        duration_s=duration_s,
        lockout_min=60,
        max_per_24h=4,
        max_24h_nl=4 * volume_nl,
    )
    return replace(program, patient_bolus=bolus)


def test_a_patient_bolus_above_its_hard_limit_is_refused(pump: Pump, program: Program) -> None:
    answer = refused(pump, with_patient_bolus(program, 50_001, 600))
    assert answer == hard(LimitField.BOLUS_VOLUME, 50_000)


@pytest.mark.parametrize(("volume_nl", "duration_s", "most"), [(50_000, 179, 49_722), (0, 60, 16_666)])
def test_a_patient_bolus_must_have_a_volume_and_a_possible_rate(
    pump: Pump, program: Program, volume_nl: int, duration_s: int, most: int
) -> None:
    answer = refused(pump, with_patient_bolus(program, volume_nl, duration_s))
    assert answer == hard(LimitField.BOLUS_VOLUME, most)


def test_another_concentration_needs_a_bridge(pump: Pump, program: Program) -> None:
    (drug,) = program.drugs
    weaker = with_declared_doses(replace(program, drugs=(replace(drug, conc_ng_ml=10_000_000),)))
    assert refused(pump, weaker) == Refusal(ErrorCode.BRIDGE_REQUIRED, detail=DrugCode.MORPHINE)


def test_another_drug_needs_a_bridge(pump: Pump, program: Program) -> None:
    (drug,) = program.drugs
    other = replace(drug, drug_code=DrugCode.HYDROMORPHONE, name="HMorphone")
    changed = with_declared_doses(replace(program, drugs=(other,)))
    assert refused(pump, changed) == Refusal(ErrorCode.BRIDGE_REQUIRED, detail=DrugCode.HYDROMORPHONE)


def test_the_first_program_needs_no_bridge(program: Program) -> None:
    pump = new_pump()
    pump.refill(20_000_000)
    assert verified(pump, program).day_volume_nl == 240_000


def test_a_pattern_needs_a_clock_and_a_constant_rate_does_not(program: Program) -> None:
    pump = new_pump(utc_s=0)
    pump.refill(20_000_000)
    image = encode_program(program)
    handle = begin(pump, image)
    assert verify(pump, handle, image) == Refusal(ErrorCode.CLOCK_REQUIRED)


def test_an_empty_reservoir_is_insufficient(program: Program) -> None:
    assert refused(new_pump(), program) == Refusal(ErrorCode.RESERVOIR_INSUFFICIENT)


def test_the_first_check_that_fails_decides(pump: Pump, program: Program) -> None:
    """A wrong dose, an impossible rate, a passed limit and a missing bridge at once: the dose is told."""
    (drug,) = program.drugs
    worst = with_steps(program, (0, 1_000_001))
    worst = replace(worst, drugs=(replace(drug, conc_ng_ml=10_000_000),))
    assert refused(pump, worst).code is ErrorCode.DOSE_MISMATCH
    pump = pump_at_work()
    assert refused(pump, with_declared_doses(worst)) == hard(LimitField.RATE, 1_000_000)


# --- soft limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"soft_rate_nl_h": 10_499}, SoftLimit.RATE),
        ({"soft_hour_nl": 10_499}, SoftLimit.HOUR_VOLUME),
        ({"soft_day_nl": 239_999}, SoftLimit.DAY_VOLUME),
    ],
)
def test_each_soft_limit_has_its_flag(
    pump: Pump, program: Program, change: dict[str, int], flag: SoftLimit
) -> None:
    assert verified(pump, limited(program, **change)).soft_flags == flag


def test_a_value_at_its_soft_limit_does_not_pass_it(pump: Pump, program: Program) -> None:
    at_limits = limited(program, soft_rate_nl_h=10_500, soft_hour_nl=10_500, soft_day_nl=240_000)
    assert verified(pump, at_limits).soft_flags == SoftLimit(0)


def test_a_large_patient_bolus_has_its_flag(pump: Pump, program: Program) -> None:
    assert verified(pump, with_patient_bolus(program, 25_001, 600)).soft_flags == SoftLimit.BOLUS_VOLUME


def test_a_patient_bolus_that_is_off_passes_no_limit(pump: Pump, program: Program) -> None:
    bolus = replace(program.patient_bolus, volume_nl=1_000_000)
    assert verified(pump, replace(program, patient_bolus=bolus)).soft_flags == SoftLimit(0)


def test_less_than_a_day_in_the_reservoir_has_its_flag(pump: Pump, program: Program) -> None:
    last_day_ms = 13_200_000 * DAY_MS // 240_000 - DAY_MS
    pump.advance_to(last_day_ms)
    same = with_steps(program, (0, 10_000))
    assert verified(pump, same, INTENT).soft_flags == SoftLimit(0)
    pump = pump_at_work()
    pump.advance_to(last_day_ms + 1_000)
    assert verified(pump, same, INTENT).soft_flags == SoftLimit.RESERVOIR_UNDER_ONE_DAY
