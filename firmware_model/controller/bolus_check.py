"""What the pump checks of a bolus before it grants it, and what it computes of it on its own.

The checks run in one order, the first that fails decides: the dose as both sides computed it, the volume,
the rate, the dose windows, the reservoir. The same checks run when a bolus is armed, when it is started, when
a patient asks, and once more for the rest of a running bolus when program or clock change underneath it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

from firmware_model.controller.bolus import S_PER_HOUR, bolus_rate_nl_h
from firmware_model.controller.dose_window import DAY_MS, HOUR_MS, BolusRun, DeliveryTrace, RateChange
from firmware_model.profiles import Profile
from protocol.messages.delivery import MAX_BOLUS_S, MIN_BOLUS_S
from protocol.program import Limits
from protocol.quantities import dose_ng_per_day, dose_tolerance_ng, nl_to_units
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode, LimitField, SoftLimit

_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True)
class BolusPlan:
    """What is asked for.

    Attributes:
        volume_nl: volume.
        duration_s: time it takes.
        declared_ng: dose by the programmer's own arithmetic, None where nobody declared one.
    """

    volume_nl: int
    duration_s: int
    declared_ng: int | None = None


@dataclass(frozen=True, slots=True)
class BolusSituation:
    """What the pump knows beside the plan.

    Attributes:
        profile: limits of this kind of pump.
        limits: limits of the program; of two programs that come one after the other, the lower each time.
        conc_ng_ml: concentration of the primary drug.
        content_units: computed content of the reservoir.
        now_ms: the counter now.
        basal: basal rate of the last 24 h and as far ahead as any window reaches that the bolus is part of.
        runs: boluses of the last 24 h.
    """

    profile: Profile
    limits: Limits
    conc_ng_ml: int
    content_units: int
    now_ms: int
    basal: tuple[RateChange, ...]
    runs: tuple[BolusRun, ...]


@dataclass(frozen=True, slots=True)
class BolusSummary:
    """The pump's own arithmetic on a bolus."""

    rate_nl_h: int
    dose_ng: int
    soft_flags: SoftLimit


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the checks compare, computed once; ``hour_units`` and ``day_units`` are the worst windows."""

    plan: BolusPlan
    situation: BolusSituation
    dose_ng: int
    highest_basal_nl_h: int
    basal_units: int
    day_basal_units: int
    hour_units: int
    day_units: int

    def passes_rate(self, bound_nl_h: int) -> bool:
        """Tell whether basal and bolus together are faster than a bound; exact, without rounding."""
        room = (bound_nl_h - self.highest_basal_nl_h) * self.plan.duration_s
        return self.plan.volume_nl * S_PER_HOUR > room


def ahead_ms(duration_s: int) -> int:
    """Return how far ahead the basal rate must be known to judge a bolus of this duration."""
    return duration_s * _MS_PER_S + DAY_MS


def examine_bolus(plan: BolusPlan, situation: BolusSituation) -> BolusSummary | Refusal:
    """Check a bolus that would begin now; return the summary a person compares, or why it is refused."""
    most_s = min(max(plan.duration_s, MIN_BOLUS_S), MAX_BOLUS_S)
    if plan.duration_s != most_s:
        return _hard(LimitField.FACTORY_LIMITS, most_s)
    figures = _figures(plan, situation)
    for check in CHECKS:
        refusal = check(figures)
        if refusal is not None:
            return refusal
    return BolusSummary(
        bolus_rate_nl_h(plan.volume_nl, plan.duration_s), figures.dose_ng, _soft_flags(figures)
    )


def _figures(plan: BolusPlan, situation: BolusSituation) -> _Figures:
    start = situation.now_ms
    end = start + plan.duration_s * _MS_PER_S
    run = BolusRun(start, end, plan.volume_nl, plan.duration_s, nl_to_units(plan.volume_nl))
    trace = DeliveryTrace(situation.basal, (*situation.runs, run), end + DAY_MS)
    bare = DeliveryTrace(situation.basal, (), end + DAY_MS)
    return _Figures(
        plan,
        situation,
        dose_ng_per_day(plan.volume_nl, situation.conc_ng_ml),
        bare.highest_rate(start, end),
        bare.window_units(start, end - start),
        bare.window_units(start, DAY_MS),
        trace.largest_units(HOUR_MS, start, end),
        trace.largest_units(DAY_MS, start, end),
    )


# --- checks -----------------------------------------------------------------------------------------------


def _dose(figures: _Figures) -> Refusal | None:
    """The declared dose agrees with the pump's own (double entry). Detail: the pump's, ng."""
    declared = figures.plan.declared_ng
    if declared is None or abs(declared - figures.dose_ng) <= dose_tolerance_ng(figures.dose_ng):
        return None
    return Refusal(ErrorCode.DOSE_MISMATCH, 3, figures.dose_ng)


def _volume(figures: _Figures) -> Refusal | None:
    """It is no larger than pump and program allow. Detail: the bound."""
    most_nl = min(figures.situation.profile.bolus_max_nl, figures.situation.limits.hard_bolus_nl)
    return _hard(LimitField.BOLUS_VOLUME, most_nl) if figures.plan.volume_nl > most_nl else None


def _rate(figures: _Figures) -> Refusal | None:
    """Basal and bolus together are never faster than pump and program allow. Detail: the bound."""
    most_nl_h = min(figures.situation.profile.rate_max_nl_h, figures.situation.limits.hard_rate_nl_h)
    return _hard(LimitField.RATE, most_nl_h) if figures.passes_rate(most_nl_h) else None


def _windows(figures: _Figures) -> Refusal | None:
    """No hour and no 24 h that it is part of pass their hard limit. Detail: the limit."""
    limits = figures.situation.limits
    if figures.hour_units > nl_to_units(limits.hard_hour_nl):
        return _hard(LimitField.HOUR_VOLUME, limits.hard_hour_nl)
    if figures.day_units > nl_to_units(limits.hard_day_nl):
        return _hard(LimitField.DAY_VOLUME, limits.hard_day_nl)
    return None


def _reservoir(figures: _Figures) -> Refusal | None:
    """There is enough for it and for the basal rate underneath. Detail: the computed content, nL."""
    needed = nl_to_units(figures.plan.volume_nl) + figures.basal_units
    content = figures.situation.content_units
    return (
        Refusal(ErrorCode.RESERVOIR_INSUFFICIENT, detail=content // nl_to_units(1))
        if needed > content
        else None
    )


CHECKS: Final[tuple[Callable[[_Figures], Refusal | None], ...]] = (
    _dose,
    _volume,
    _rate,
    _windows,
    _reservoir,
)
"""What is checked of a bolus, in this order."""


def _hard(field: LimitField, bound: int) -> Refusal:
    return Refusal(ErrorCode.HARD_LIMIT, field, bound)


def _soft_flags(figures: _Figures) -> SoftLimit:
    limits, volume_nl = figures.situation.limits, figures.plan.volume_nl
    left = figures.situation.content_units - nl_to_units(volume_nl)
    passed = {
        SoftLimit.RATE: figures.passes_rate(limits.soft_rate_nl_h),
        SoftLimit.HOUR_VOLUME: figures.hour_units > nl_to_units(limits.soft_hour_nl),
        SoftLimit.DAY_VOLUME: figures.day_units > nl_to_units(limits.soft_day_nl),
        SoftLimit.BOLUS_VOLUME: volume_nl > limits.soft_bolus_nl,
        SoftLimit.RESERVOIR_UNDER_ONE_DAY: left < figures.day_basal_units,
    }
    return SoftLimit(sum(flag for flag, is_passed in passed.items() if is_passed))


# --- a bolus that runs --------------------------------------------------------------------------------------


def still_fits(run: BolusRun, situation: BolusSituation) -> bool:
    """Tell whether the rest of a running bolus keeps within hard rate and windows.

    Args:
        run: the bolus; it is one of ``situation.runs``.
        situation: as it is after program or clock were changed.
    """
    trace = DeliveryTrace(situation.basal, situation.runs, run.to_ms + DAY_MS)
    limits = situation.limits
    highest = trace.highest_rate(situation.now_ms, run.to_ms)
    most_nl_h = min(situation.profile.rate_max_nl_h, limits.hard_rate_nl_h)
    windows = ((HOUR_MS, limits.hard_hour_nl), (DAY_MS, limits.hard_day_nl))
    return run.volume_nl * S_PER_HOUR <= (most_nl_h - highest) * run.duration_s and all(
        trace.largest_units(window_ms, situation.now_ms, run.to_ms) <= nl_to_units(limit_nl)
        for window_ms, limit_nl in windows
    )


def lower_limits(one: Limits, other: Limits) -> Limits:
    """Return the lower of two programs' limits, each for itself."""
    return Limits(*(min(getattr(one, each.name), getattr(other, each.name)) for each in fields(Limits)))
