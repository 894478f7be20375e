"""What the clinician edits goes to the pump and comes back unharmed, and impossible edits say why."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.beliefs import FLEX_5_4_MG, a_program

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.prescription import (
    DoseStep,
    Prescription,
    PrescriptionError,
    as_daily,
    as_simple,
    prescription_of_program,
    program_with,
    schedule_of,
    simple_prescription,
    with_daily_dose,
    with_step,
    with_step_rate,
    with_step_start,
    without_step,
)
from protocol.program import DoseDeclaration, Drug, Step, check_program, decode_program, encode_program
from protocol.quantities import MINUTES_PER_DAY, dose_ng_per_day
from protocol.vocabulary import DisplayUnit, DrugCode, ScheduleMode

MORPHINE_20 = 20_000_000
SIMPLE = simple_prescription(DrugCode.MORPHINE, MORPHINE_20, MassUnit.MG, 4_800_000)
FLEX = prescription_of_program(a_program(FLEX_5_4_MG))


@st.composite
def rate_tables(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """A table in the image's one form: neighbours differ."""
    starts = sorted(draw(st.sets(st.integers(1, MINUTES_PER_DAY - 1), max_size=47)) | {0})
    rates: list[int] = []
    for _ in starts:
        rates.append(draw(st.integers(2_000, 1_000_000).filter(lambda rate: not rates or rate != rates[-1])))
    return tuple(zip(starts, rates, strict=True))


@st.composite
def patterns(draw: st.DrawFn) -> Prescription:
    """Any daily pattern of doses, equal neighbours included."""
    starts = sorted(draw(st.sets(st.integers(1, MINUTES_PER_DAY - 1), max_size=12)) | {0})
    steps = tuple(DoseStep(start, draw(st.integers(100_000, 500_000))) for start in starts)
    return Prescription(DrugCode.MORPHINE, MORPHINE_20, MassUnit.MG, ScheduleMode.DAILY, steps)


def test_the_mock_up_pattern_gives_5_4_mg_in_0_27_ml() -> None:
    assert FLEX.daily_dose_ng == FLEX.delivered_ng_per_day == 5_400_000
    assert FLEX.day_volume_nl == 270_000
    assert list(FLEX.step_doses_ng) == [1_200_000, 1_200_000, 3_000_000]
    assert FLEX.step_minutes == (360, 180, 900)
    assert [FLEX.dose_rate_at(minute) for minute in (0, 359, 360, 539, 540, 1_439)] == [
        200_000, 200_000, 400_000, 400_000, 200_000, 200_000,
    ]  # fmt: skip


@given(rate_tables(), st.integers(1_000, 100_000_000))
def test_a_program_of_the_pump_comes_back_as_it_was(table: tuple[tuple[int, int], ...], conc: int) -> None:
    """Read, leave alone, send: the image is the same to the octet."""
    program = a_program(table, conc)
    assert encode_program(program_with(program, prescription_of_program(program))) == encode_program(program)


@given(patterns())
def test_any_pattern_makes_a_valid_image_that_gives_its_dose(pattern: Prescription) -> None:
    """The image holds the delivered dose as declared, and reads back as the rates that were sent."""
    program = program_with(a_program(), pattern)
    check_program(program)
    assert program.dose_declarations == (DoseDeclaration(DrugCode.MORPHINE, pattern.delivered_ng_per_day),)
    back = prescription_of_program(decode_program(encode_program(program)))
    assert back.delivered_ng_per_day == pattern.delivered_ng_per_day
    sent = dict(pattern.rate_table)
    assert all(sent[start] == rate for start, rate in back.rate_table)


def test_a_flat_pattern_is_sent_as_a_simple_dose() -> None:
    flat = with_step(as_daily(SIMPLE), 600, SIMPLE.steps[0].dose_rate_ng_h)
    schedule = schedule_of(flat)
    assert (schedule.mode, len(schedule.steps)) == (ScheduleMode.SIMPLE, 1)


def test_every_drug_in_the_reservoir_is_declared_at_the_new_volume() -> None:
    second = Drug(DrugCode.BUPIVACAINE, "bupivacaine", 10_000_000, DisplayUnit.MG, 0, 0)
    program = a_program()
    mixed = replace(
        program,
        drugs=(*program.drugs, second),
        dose_declarations=(*program.dose_declarations, DoseDeclaration(DrugCode.BUPIVACAINE, 2_400_000)),
    )
    changed = program_with(mixed, with_daily_dose(SIMPLE, 5_400_000))
    assert [declared.dose_ng_per_day for declared in changed.dose_declarations] == [5_400_000, 2_700_000]
    assert changed.drugs == mixed.drugs


def test_everything_else_in_the_program_stays() -> None:
    program = a_program()
    changed = program_with(program, FLEX)
    assert replace(changed, schedule=program.schedule, dose_declarations=program.dose_declarations) == program


def test_a_new_strength_changes_rate_and_strength_together() -> None:
    """Half the strength, the same dose: twice the rate."""
    changed = program_with(a_program(), replace(SIMPLE, conc_ng_ml=MORPHINE_20 // 2))
    assert changed.primary_drug.conc_ng_ml == MORPHINE_20 // 2
    assert changed.schedule.steps == (Step(0x7F, 0, 20_000),)
    assert (
        changed.dose_declarations[0].dose_ng_per_day
        == dose_ng_per_day(480_000, MORPHINE_20 // 2)
        == 4_800_000
    )


def test_another_drug_needs_a_refill() -> None:
    with pytest.raises(PrescriptionError, match="holds morphine; to give baclofen it must be refilled"):
        program_with(a_program(), replace(SIMPLE, drug=DrugCode.BACLOFEN))


@given(patterns(), st.integers(100_000, 20_000_000))
def test_a_new_daily_dose_keeps_the_shape(pattern: Prescription, daily_ng: int) -> None:
    scaled = with_daily_dose(pattern, daily_ng)
    assert scaled.daily_dose_ng == daily_ng
    factor = Fraction(daily_ng) / pattern.daily_dose_ng
    for old, new in zip(pattern.steps, scaled.steps, strict=True):
        assert (new.start_min, new.dose_rate_ng_h) == (old.start_min, old.dose_rate_ng_h * factor)


def test_a_pattern_of_nothing_has_no_shape_to_keep() -> None:
    with pytest.raises(PrescriptionError, match="cannot be scaled"):
        with_daily_dose(as_daily(replace(SIMPLE, steps=(DoseStep(0, 0),))), 5)


@given(patterns())
def test_the_total_survives_a_change_of_mode(pattern: Prescription) -> None:
    simple = as_simple(pattern)
    assert simple.mode is ScheduleMode.SIMPLE
    assert simple.daily_dose_ng == as_daily(simple).daily_dose_ng == pattern.daily_dose_ng


@given(patterns(), st.integers(0, MINUTES_PER_DAY - 1), st.integers(0, 500_000))
def test_a_step_added_and_removed_leaves_the_pattern_as_it_was(
    pattern: Prescription, start_min: int, rate: int
) -> None:
    if any(step.start_min == start_min for step in pattern.steps):
        with pytest.raises(PrescriptionError, match="There is a step at"):
            with_step(pattern, start_min, rate)
        return
    longer = with_step(pattern, start_min, rate)
    assert longer.dose_rate_at(start_min) == rate
    place = longer.steps.index(DoseStep(start_min, rate))
    assert without_step(longer, place) == pattern


def test_a_step_can_change_its_rate_and_its_time() -> None:
    assert with_step_rate(FLEX, 1, 300_000).daily_dose_ng == 5_100_000
    assert with_step_start(FLEX, 1, 420).step_minutes == (420, 120, 900)


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda: with_step(SIMPLE, 60, 1), "choose the daily pattern first"),
        (lambda: with_step(FLEX, 1_440, 1), "between 00:00 and 23:59"),
        (lambda: with_step(FLEX, 360, 1), "There is a step at 06:00"),
        (lambda: with_step(FLEX, 60, 1, max_steps=3), "holds 3 steps a day"),
        (lambda: with_step(FLEX, 60, -1), "never negative"),
        (lambda: without_step(FLEX, 0), "00:00 cannot be removed"),
        (lambda: without_step(FLEX, 3), "no step 4; the pattern has 3"),
        (lambda: without_step(SIMPLE, 0), "choose the daily pattern first"),
        (lambda: with_step_rate(FLEX, -1, 5), "no step 0"),
        (lambda: with_step_rate(FLEX, 1, -5), "never negative"),
        (lambda: with_step_start(FLEX, 0, 5), "starts at 00:00"),
        (lambda: with_step_start(FLEX, 1, 540), "after 00:00 and before 09:00"),
        (lambda: with_step_start(FLEX, 2, 1_440), "after 06:00 and before 24:00"),
        (lambda: replace(FLEX, mode=ScheduleMode.SIMPLE), "one rate"),
        (lambda: replace(FLEX, mode=ScheduleMode.WEEKLY), "Weekly patterns cannot be edited"),
        (lambda: replace(FLEX, steps=FLEX.steps[1:]), "starts at 00:00"),
        (lambda: replace(FLEX, steps=()), "starts at 00:00"),
        (lambda: replace(FLEX, steps=(FLEX.steps[0], FLEX.steps[2], FLEX.steps[1])), "in order"),
        (lambda: replace(FLEX, conc_ng_ml=0), "more than 0"),
    ],
)
def test_an_impossible_edit_says_what_would_be_right(edit: type, word: str) -> None:
    with pytest.raises(PrescriptionError, match=word):
        edit()
