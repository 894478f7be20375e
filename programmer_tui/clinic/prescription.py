"""What the clinician edits: a drug, its strength, a dose per day or per step; its way to the pump and back.

Doses are kept exactly as they were asked for, or exactly as the pump's rates give them; nothing is rounded
before `rate_table`. A prescription read from the pump and sent back unchanged is the same rate table again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from programmer_tui.clinic.clinical_format import Exact, MassUnit
from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.dose import (
    RateTable,
    dose_rate_ng_h,
    rate_for_dose_rate,
    step_minutes,
    table_day_volume_nl,
    table_dose_ng_per_day,
)
from protocol.program import EVERY_DAY, MAX_STEPS, DoseDeclaration, Drug, Program, Schedule, Step
from protocol.quantities import MINUTES_PER_DAY, dose_ng_per_day
from protocol.vocabulary import DrugCode, ScheduleMode


class PrescriptionError(ValueError):
    """An edit or a program that makes no prescription; the message is meant for the clinician."""


@dataclass(frozen=True, slots=True)
class DoseStep:
    """One step of the day: from local minute ``start_min`` (0..1439) on, ``dose_rate_ng_h`` in ng/h."""

    start_min: int
    dose_rate_ng_h: Exact


@dataclass(frozen=True, slots=True)
class Prescription:
    """A dose pattern for one drug; the same every day.

    Attributes:
        drug: the drug doses are given by.
        conc_ng_ml: its concentration in the reservoir, ng/mL.
        unit: the mass unit it is written in.
        mode: SIMPLE (one step) or DAILY.
        steps: ascending from minute 0.

    Raises:
        PrescriptionError: weekly mode, no step at 00:00, steps out of order, several simple steps.
    """

    drug: DrugCode
    conc_ng_ml: int
    unit: MassUnit
    mode: ScheduleMode
    steps: tuple[DoseStep, ...]

    def __post_init__(self) -> None:
        if self.mode is ScheduleMode.WEEKLY:
            raise PrescriptionError("Weekly patterns cannot be edited here; simple and daily ones can.")
        starts = [step.start_min for step in self.steps]
        if not starts or starts[0] != 0:
            raise PrescriptionError("The first step of a day starts at 00:00.")
        if starts != sorted(set(starts)) or starts[-1] >= MINUTES_PER_DAY:
            raise PrescriptionError("Steps start at different times, in order, from 00:00 to 23:59.")
        if any(step.dose_rate_ng_h < 0 for step in self.steps):
            raise PrescriptionError("A dose is never negative.")
        if self.conc_ng_ml <= 0:
            raise PrescriptionError("A strength is more than 0.")
        if self.mode is ScheduleMode.SIMPLE and len(starts) != 1:
            raise PrescriptionError("A simple continuous dose has one rate; use the daily pattern for steps.")

    @property
    def step_minutes(self) -> tuple[int, ...]:
        """How long each step lasts, in minutes."""
        return step_minutes(tuple(step.start_min for step in self.steps))

    @property
    def step_doses_ng(self) -> tuple[Fraction, ...]:
        """The exact dose of each step, in ng."""
        return tuple(
            Fraction(step.dose_rate_ng_h) * minutes / 60
            for step, minutes in zip(self.steps, self.step_minutes, strict=True)
        )

    @property
    def daily_dose_ng(self) -> Fraction:
        """The exact dose of 24 h as it was asked for, in ng."""
        return sum(self.step_doses_ng, Fraction(0))

    @property
    def rate_table(self) -> RateTable:
        """The rates that come closest, step by step: ``(start_min, rate_nl_h)``."""
        return tuple(
            (step.start_min, rate_for_dose_rate(step.dose_rate_ng_h, self.conc_ng_ml)) for step in self.steps
        )

    @property
    def day_volume_nl(self) -> int:
        """The volume of 24 h in nL, as the pump will compute it."""
        return table_day_volume_nl(self.rate_table)

    @property
    def delivered_ng_per_day(self) -> int:
        """The dose the pump will really give in 24 h, in ng, as the pump will compute it."""
        return table_dose_ng_per_day(self.rate_table, self.conc_ng_ml)

    def dose_rate_at(self, minute: int) -> Exact:
        """Return the dose rate in ng/h that holds at a local minute of the day (0..1439)."""
        return next(step.dose_rate_ng_h for step in reversed(self.steps) if step.start_min <= minute)


# --- making and editing -------------------------------------------------------------------------------------


def simple_prescription(drug: DrugCode, conc_ng_ml: int, unit: MassUnit, daily_ng: Exact) -> Prescription:
    """Return a constant dose of ``daily_ng`` ng in 24 h.

    Raises:
        PrescriptionError: the strength or the dose makes no sense.
    """
    steps = (DoseStep(0, Fraction(daily_ng) / 24),)
    return Prescription(drug, conc_ng_ml, unit, ScheduleMode.SIMPLE, steps)


def with_daily_dose(prescription: Prescription, daily_ng: Exact) -> Prescription:
    """Return the prescription with a new 24-hour dose; the shape of a daily pattern is kept.

    Raises:
        PrescriptionError: a pattern that gives nothing cannot be scaled.
    """
    old = prescription.daily_dose_ng
    if prescription.mode is ScheduleMode.SIMPLE:
        return replace(prescription, steps=(DoseStep(0, Fraction(daily_ng) / 24),))
    if old == 0:
        raise PrescriptionError("A pattern that gives no dose cannot be scaled; set its steps instead.")
    factor = Fraction(daily_ng) / old
    return replace(prescription, steps=tuple(_scaled(step, factor) for step in prescription.steps))


def _scaled(step: DoseStep, factor: Fraction) -> DoseStep:
    return DoseStep(step.start_min, step.dose_rate_ng_h * factor)


def as_simple(prescription: Prescription) -> Prescription:
    """Return a constant dose with the same total in 24 h."""
    steps = (DoseStep(0, prescription.daily_dose_ng / 24),)
    return replace(prescription, mode=ScheduleMode.SIMPLE, steps=steps)


def as_daily(prescription: Prescription) -> Prescription:
    """Return the prescription as a daily pattern, ready for more steps."""
    return replace(prescription, mode=ScheduleMode.DAILY)


def with_step(
    prescription: Prescription, start_min: int, dose_rate: Exact, max_steps: int = MAX_STEPS
) -> Prescription:
    """Return the daily pattern with one more step; ``dose_rate`` in ng/h holds until the next one.

    Raises:
        PrescriptionError: not a daily pattern, the time is taken or outside the day, or no step is left.
    """
    _require_daily(prescription)
    if not 0 <= start_min < MINUTES_PER_DAY:
        raise PrescriptionError("A step starts between 00:00 and 23:59.")
    if any(step.start_min == start_min for step in prescription.steps):
        raise PrescriptionError(f"There is a step at {format_minute_of_day(start_min)}; change its rate.")
    if len(prescription.steps) >= max_steps:
        raise PrescriptionError(f"This pump holds {max_steps} steps a day; remove one first.")
    steps = sorted((*prescription.steps, DoseStep(start_min, dose_rate)), key=lambda step: step.start_min)
    return replace(prescription, steps=tuple(steps))


def without_step(prescription: Prescription, index: int) -> Prescription:
    """Return the daily pattern without one step; the step before it lasts longer.

    Raises:
        PrescriptionError: not a daily pattern, no such step, or the one at 00:00.
    """
    _require_daily(prescription)
    _require_step(prescription, index)
    if index == 0:
        raise PrescriptionError("The step at 00:00 cannot be removed; change its rate.")
    return replace(prescription, steps=prescription.steps[:index] + prescription.steps[index + 1 :])


def with_step_rate(prescription: Prescription, index: int, dose_rate: Exact) -> Prescription:
    """Return the prescription with the dose rate (ng/h) of one step changed.

    Raises:
        PrescriptionError: no such step, or a negative rate.
    """
    _require_step(prescription, index)
    changed = replace(prescription.steps[index], dose_rate_ng_h=dose_rate)
    return _with_changed(prescription, index, changed)


def with_step_start(prescription: Prescription, index: int, start_min: int) -> Prescription:
    """Return the daily pattern with one step moved to another local minute, between its neighbours.

    Raises:
        PrescriptionError: not a daily pattern, no such step, the one at 00:00, or past a neighbour.
    """
    _require_daily(prescription)
    _require_step(prescription, index)
    if index == 0:
        raise PrescriptionError("The first step of a day starts at 00:00.")
    after = (
        prescription.steps[index + 1].start_min if index + 1 < len(prescription.steps) else MINUTES_PER_DAY
    )
    before = prescription.steps[index - 1].start_min
    if not before < start_min < after:
        raise PrescriptionError(
            f"This step starts after {format_minute_of_day(before)} and before {format_minute_of_day(after)}."
        )
    return _with_changed(prescription, index, replace(prescription.steps[index], start_min=start_min))


def _with_changed(prescription: Prescription, index: int, step: DoseStep) -> Prescription:
    steps = (*prescription.steps[:index], step, *prescription.steps[index + 1 :])
    return replace(prescription, steps=steps)


def _require_daily(prescription: Prescription) -> None:
    if prescription.mode is not ScheduleMode.DAILY:
        raise PrescriptionError("A simple continuous dose has no steps; choose the daily pattern first.")


def _require_step(prescription: Prescription, index: int) -> None:
    if not 0 <= index < len(prescription.steps):
        raise PrescriptionError(f"There is no step {index + 1}; the pattern has {len(prescription.steps)}.")


# --- to and from the program image --------------------------------------------------------------------------


def prescription_of_program(program: Program) -> Prescription:
    """Return the prescription a program of the pump makes, exactly.

    Raises:
        PrescriptionError: the program follows a weekly pattern.
    """
    drug = program.primary_drug
    steps = tuple(
        DoseStep(step.start_min, dose_rate_ng_h(step.rate_nl_h, drug.conc_ng_ml))
        for step in program.schedule.steps
    )
    unit = MassUnit.of_display(drug.display)
    return Prescription(drug.drug_code, drug.conc_ng_ml, unit, program.schedule.mode, steps)


def schedule_of(prescription: Prescription) -> Schedule:
    """Return the schedule in the image's one form: neighbours of equal rate joined, flat patterns simple."""
    joined: list[tuple[int, int]] = []
    for start, rate in prescription.rate_table:
        if not joined or joined[-1][1] != rate:
            joined.append((start, rate))
    mode = ScheduleMode.DAILY if len(joined) > 1 else ScheduleMode.SIMPLE
    return Schedule(mode, tuple(Step(EVERY_DAY, start, rate) for start, rate in joined))


def program_with(program: Program, prescription: Prescription) -> Program:
    """Return ``program`` with a new rate table, strength and declared doses; everything else stays.

    The declared doses are this programmer's own arithmetic (double entry): every drug in the reservoir
    follows the volume of the day at its own concentration.

    Raises:
        PrescriptionError: the prescription is for another drug than the program's primary one.
    """
    primary = program.primary_drug
    if primary.drug_code != prescription.drug:
        held, wanted = primary.drug_code.name.lower(), prescription.drug.name.lower()
        raise PrescriptionError(f"The pump holds {held}; to give {wanted} it must be refilled first.")
    drugs = tuple(_with_strength(drug, prescription.conc_ng_ml) for drug in program.drugs)
    return replace(
        program,
        drugs=drugs,
        schedule=schedule_of(prescription),
        dose_declarations=tuple(_declarations(drugs, prescription.day_volume_nl)),
    )


def _with_strength(drug: Drug, conc_ng_ml: int) -> Drug:
    return replace(drug, conc_ng_ml=conc_ng_ml) if drug.primary else drug


def _declarations(drugs: Iterable[Drug], volume_nl: int) -> Iterable[DoseDeclaration]:
    for drug in drugs:
        yield DoseDeclaration(drug.drug_code, dose_ng_per_day(volume_nl, drug.conc_ng_ml))
