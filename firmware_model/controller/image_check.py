"""What the pump checks of a staged program, and the clinical summary it computes on its own.

The checks run in the order of OITP/1 section 12: encoding, schedule, double-entry doses, rates and limits,
bridge; then what the pump knows beyond the image: its clock and its reservoir. The first that fails decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_model.controller.schedule import RateTable
from firmware_model.profiles import Profile
from protocol.messages.delivery import MAX_BOLUS_S, MIN_BOLUS_S
from protocol.messages.program import DoseSummary
from protocol.program import Limits, Program, ProgramImageError, decode_program
from protocol.quantities import (
    MS_PER_DAY,
    MS_PER_HOUR,
    UNITS_PER_NL,
    dose_ng_per_day,
    dose_tolerance_ng,
    nl_to_units,
    round_half_up,
)
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode, LimitField, ScheduleMode, SoftLimit, Switch

_U16: Final = 0xFFFF
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class PumpSituation:
    """What the pump knows beside the image.

    Attributes:
        profile: limits of this kind of pump.
        active: the active program, None where there is none or it cannot be read.
        content_units: computed content of the reservoir, in volume units.
        counter_ms: the counter now.
        utc_at_zero_ms: civil time at counter 0.
        clock_set: whether civil time is known.
    """

    profile: Profile
    active: Program | None
    content_units: int
    counter_ms: int
    utc_at_zero_ms: int
    clock_set: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """The pump's own arithmetic on a program; rates, volumes and doses are those of PROG_VERIFY."""

    program: Program
    rate_min_nl_h: int
    rate_max_nl_h: int
    day_volume_nl: int
    max_hour_nl: int
    reservoir_days_x10: int
    refill_by_utc_s: int
    soft_flags: SoftLimit
    doses: tuple[DoseSummary, ...]

    @property
    def primary_dose_ng_per_day(self) -> int:
        """Dose of the drug that doses are given by."""
        primary = self.program.primary_drug.drug_code
        return next(dose.dose_ng_per_day for dose in self.doses if dose.drug_code is primary)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the checks compare, computed once."""

    program: Program
    table: RateTable
    day_nl: int
    hour_nl: int
    situation: PumpSituation

    @property
    def bolus_nl(self) -> int:
        """Volume of the patient bolus, 0 where it is not allowed."""
        bolus = self.program.patient_bolus
        return bolus.volume_nl if bolus.enable is Switch.ON else 0

    def doses(self) -> tuple[DoseSummary, ...]:
        return tuple(
            DoseSummary(drug.drug_code, min(dose_ng_per_day(self.day_nl, drug.conc_ng_ml), _U32))
            for drug in self.program.drugs
        )


def examine(image: bytes, situation: PumpSituation) -> Summary | Refusal:
    """Check an image; return the summary a person compares, or why the pump refuses it."""
    try:
        program = decode_program(image)
    except ProgramImageError as error:
        return Refusal(error.code, detail=error.section)
    table = RateTable.from_schedule(program.schedule)
    day_nl = round_half_up(table.largest_day_units(), UNITS_PER_NL)
    hour_nl = round_half_up(table.worst_hour_units(), UNITS_PER_NL)
    figures = _Figures(program, table, day_nl, hour_nl, situation)
    for check in CHECKS:
        refusal = check(figures)
        if refusal is not None:
            return refusal
    return _summary(figures)


# --- checks -----------------------------------------------------------------------------------------------


def _doses(figures: _Figures) -> Refusal | None:
    """Declared doses agree with the pump's own (double entry). Detail: the drug."""
    for declared, computed in zip(figures.program.dose_declarations, figures.doses(), strict=True):
        apart = abs(declared.dose_ng_per_day - computed.dose_ng_per_day)
        if apart > dose_tolerance_ng(computed.dose_ng_per_day):
            return Refusal(ErrorCode.DOSE_MISMATCH, detail=computed.drug_code)
    return None


def _pump_rates(figures: _Figures) -> Refusal | None:
    """Every rate is one this kind of pump has. Detail: the bound that was passed."""
    profile = figures.situation.profile
    for rate in figures.table.rates_nl_h:
        if rate > profile.rate_max_nl_h:
            return _hard(LimitField.RATE, profile.rate_max_nl_h)
        if rate < profile.rate_min_nl_h and rate != profile.minimum_rate_nl_h:
            return _hard(LimitField.RATE, profile.rate_min_nl_h)
    return None


def _factory_limits(figures: _Figures) -> Refusal | None:
    """The image's limits lie inside those of the pump, soft ones inside hard ones. Detail: the bound."""
    profile, limits = figures.situation.profile, figures.program.limits
    most_a_day = profile.rate_max_nl_h * MS_PER_DAY // MS_PER_HOUR
    bounds = (
        (limits.hard_rate_nl_h, profile.rate_max_nl_h),
        (limits.hard_hour_nl, profile.rate_max_nl_h),
        (limits.hard_day_nl, most_a_day),
        (limits.hard_bolus_nl, profile.bolus_max_nl),
        (limits.soft_rate_nl_h, limits.hard_rate_nl_h),
        (limits.soft_hour_nl, limits.hard_hour_nl),
        (limits.soft_day_nl, limits.hard_day_nl),
        (limits.soft_bolus_nl, limits.hard_bolus_nl),
        (figures.program.alarms.low_reservoir_nl, profile.reservoir_capacity_nl),
    )
    passed = next((bound for value, bound in bounds if value > bound), None)
    return None if passed is None else _hard(LimitField.FACTORY_LIMITS, passed)


def _hard_limits(figures: _Figures) -> Refusal | None:
    """Nothing passes a hard limit of the image. Detail: the limit."""
    limits = figures.program.limits
    values = (
        (LimitField.RATE, figures.table.highest_rate_nl_h, limits.hard_rate_nl_h),
        (LimitField.HOUR_VOLUME, figures.hour_nl, limits.hard_hour_nl),
        (LimitField.DAY_VOLUME, figures.day_nl, limits.hard_day_nl),
        (LimitField.BOLUS_VOLUME, figures.bolus_nl, limits.hard_bolus_nl),
    )
    return next((_hard(field, limit) for field, value, limit in values if value > limit), None)


def _patient_bolus_rate(figures: _Figures) -> Refusal | None:
    """A patient bolus takes as long as a bolus may, and its rate is one the pump has. Detail: the bound."""
    bolus, highest = figures.program.patient_bolus, figures.situation.profile.rate_max_nl_h
    bound_s = min(max(bolus.duration_s, MIN_BOLUS_S), MAX_BOLUS_S)
    if bolus.enable is Switch.ON and bolus.duration_s != bound_s:
        return _hard(LimitField.FACTORY_LIMITS, bound_s)
    most_nl = highest * bolus.duration_s // 3_600
    if bolus.enable is Switch.ON and not 1 <= bolus.volume_nl <= most_nl:
        return _hard(LimitField.BOLUS_VOLUME, min(most_nl, _U32))
    return None


def _bridge(figures: _Figures) -> Refusal | None:
    """Drugs and concentrations are those in the reservoir, since there is no bridge bolus. Detail: drug.

    A pump that has lost its program does not know what is in it, and asks for no bridge.
    """
    active = figures.situation.active
    if active is None:
        return None
    before = {drug.drug_code: drug.conc_ng_ml for drug in active.drugs}
    after = {drug.drug_code: drug.conc_ng_ml for drug in figures.program.drugs}
    changed = [code for code in (*after, *before) if before.get(code) != after.get(code)]
    return Refusal(ErrorCode.BRIDGE_REQUIRED, detail=changed[0]) if changed else None


def _clock(figures: _Figures) -> Refusal | None:
    """A pattern over the day needs the time of day."""
    simple = figures.program.schedule.mode is ScheduleMode.SIMPLE
    return None if simple or figures.situation.clock_set else Refusal(ErrorCode.CLOCK_REQUIRED)


def _reservoir(figures: _Figures) -> Refusal | None:
    """There is something to deliver. Detail: the computed content in nL, which is 0."""
    if figures.situation.content_units <= 0:
        return Refusal(ErrorCode.RESERVOIR_INSUFFICIENT, detail=0)
    return None


CHECKS: Final[tuple[Callable[[_Figures], Refusal | None], ...]] = (
    _doses,
    _pump_rates,
    _factory_limits,
    _hard_limits,
    _patient_bolus_rate,
    _bridge,
    _clock,
    _reservoir,
)
"""What is checked of a well-formed image, in this order."""


def _hard(field: LimitField, bound: int) -> Refusal:
    return Refusal(ErrorCode.HARD_LIMIT, field, bound)


# --- summary ----------------------------------------------------------------------------------------------


def _summary(figures: _Figures) -> Summary:
    empty_in = _time_until(figures, 0)
    low_in = _time_until(figures, figures.program.alarms.low_reservoir_nl)
    situation = figures.situation
    refill_ms = situation.utc_at_zero_ms + situation.counter_ms + low_in
    return Summary(
        program=figures.program,
        rate_min_nl_h=figures.table.lowest_rate_nl_h,
        rate_max_nl_h=figures.table.highest_rate_nl_h,
        day_volume_nl=figures.day_nl,
        max_hour_nl=figures.hour_nl,
        reservoir_days_x10=min(empty_in * 10 // MS_PER_DAY, _U16),
        refill_by_utc_s=min(refill_ms // 1_000, _U32) if situation.clock_set else 0,
        soft_flags=_soft_flags(figures, empty_in),
        doses=figures.doses(),
    )


def _time_until(figures: _Figures, left_nl: int) -> int:
    """Return the ms until the program leaves ``left_nl`` in the reservoir."""
    situation = figures.situation
    offset_ms = figures.program.clock.utc_offset_min * 60_000
    local_ms = situation.utc_at_zero_ms + offset_ms + situation.counter_ms
    to_go = situation.content_units - nl_to_units(left_nl)
    at = figures.table.passed_at(local_ms, to_go)
    assert at is not None  # noqa: S101 - no checked rate is 0
    return at - local_ms


def _soft_flags(figures: _Figures, empty_in_ms: int) -> SoftLimit:
    limits: Limits = figures.program.limits
    passed = {
        SoftLimit.RATE: figures.table.highest_rate_nl_h > limits.soft_rate_nl_h,
        SoftLimit.HOUR_VOLUME: figures.hour_nl > limits.soft_hour_nl,
        SoftLimit.DAY_VOLUME: figures.day_nl > limits.soft_day_nl,
        SoftLimit.BOLUS_VOLUME: figures.bolus_nl > limits.soft_bolus_nl,
        SoftLimit.RESERVOIR_UNDER_ONE_DAY: empty_in_ms < MS_PER_DAY,
    }
    return SoftLimit(sum(flag for flag, is_passed in passed.items() if is_passed))


__all__ = ["CHECKS", "PumpSituation", "Summary", "examine"]
