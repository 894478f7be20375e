"""The program that a golden session commits."""

from dataclasses import replace

from support.strategies import example_of

from protocol.program import (
    EVERY_DAY,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    Step,
    encode_program,
)
from protocol.vocabulary import DrugCode, ScheduleMode


def golden_image() -> bytes:
    """A small program: morphine 20 mg/mL, a flex pattern."""
    steps = (Step(EVERY_DAY, 0, 10_000), Step(EVERY_DAY, 360, 20_000), Step(EVERY_DAY, 540, 10_000))
    drug = replace(
        example_of(Drug), drug_code=DrugCode.MORPHINE, name="morphine", conc_ng_ml=20_000_000, primary=1
    )
    program = Program(
        drugs=(drug,),
        schedule=Schedule(ScheduleMode.DAILY, steps),
        dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, 5_400_000),),
        patient_bolus=example_of(PatientBolus),
        limits=Limits(1_000_000, 1_000_000, 24_000_000, 500_000, 400_000, 400_000, 1_000_000, 100_000),
        alarms=example_of(AlarmSettings),
        emergency=example_of(Emergency),
        implant=replace(example_of(Implant), patient_ref="TRAIN-07"),
        clock=ScheduleClock(60),
    )
    return encode_program(program)
