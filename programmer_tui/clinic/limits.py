"""Whether a proposed prescription lies within the drug library's limits and within the pump's reach.

This is the middle one of three layers: the entry field judges a number, this judges the whole prescription,
and the pump judges the program again by its own limits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from programmer_tui.clinic.clinical_format import (
    Shown,
    format_daily_dose,
    format_dose_rate,
    format_number,
    format_rate_ml_day,
    format_ratio,
    format_strength,
)
from programmer_tui.clinic.clinical_time import format_interval
from programmer_tui.clinic.dose import is_out_by_ten
from programmer_tui.clinic.drug_library import DrugLibrary
from programmer_tui.clinic.entry_fields import step_rate_limits
from programmer_tui.clinic.limit_range import LimitRange, Verdict
from programmer_tui.clinic.prescription import Prescription
from protocol.messages.device import GetDeviceInfoResponse
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import ScheduleMode

MIN_RATE_NL_H: Final = 250
"""The pump's minimum rate, 0.006 mL/day, allowed below its lowest therapy rate (OITP/1 section 23 a)."""


class LimitKind(StrEnum):
    """What a finding asks for: a reason, or another value."""

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class LimitFinding:
    """One value outside one limit: what it is, how it compares, and a sentence for the clinician."""

    kind: LimitKind
    what: str
    value: Shown
    limit: Shown
    text: str


@dataclass(frozen=True, slots=True)
class PumpReach:
    """What the pump can be asked for: rates in nL/h and steps a day."""

    rate_min_nl_h: int
    rate_max_nl_h: int
    max_steps: int
    min_rate_nl_h: int = MIN_RATE_NL_H

    @classmethod
    def of_device(cls, device: GetDeviceInfoResponse) -> "PumpReach":
        """Return the reach a pump states about itself."""
        return cls(device.rate_min_nl_h, device.rate_max_nl_h, device.max_steps)


def judge_prescription(
    new: Prescription, library: DrugLibrary, reach: PumpReach, old: Prescription | None = None
) -> tuple[LimitFinding, ...]:
    """Return everything about ``new`` that needs a reason or another value, hard findings first.

    ``old`` is the prescription in the pump; without it the out-by-ten check is left out.

    Raises:
        DrugLibraryError: the drug is not in the library.
    """
    findings = [*_library_findings(new, library), *_reach_findings(new, reach)]
    if old is not None:
        findings.extend(_out_by_ten(old, new))
    return tuple(sorted(findings, key=lambda finding: finding.kind is LimitKind.SOFT))


def hard_findings(findings: tuple[LimitFinding, ...]) -> tuple[LimitFinding, ...]:
    """Return the findings that stop a prescription."""
    return tuple(finding for finding in findings if finding.kind is LimitKind.HARD)


def soft_findings(findings: tuple[LimitFinding, ...]) -> tuple[LimitFinding, ...]:
    """Return the findings that need a reason."""
    return tuple(finding for finding in findings if finding.kind is LimitKind.SOFT)


def _library_findings(new: Prescription, library: DrugLibrary) -> Iterator[LimitFinding]:
    drug = library.entry(new.drug)
    limits = drug.concentration.limits
    verdict = limits.judge(new.conc_ng_ml)
    if verdict is not Verdict.WITHIN:
        limit = format_strength(limits.limit_of(verdict), new.unit)
        yield _finding("Strength", verdict, format_strength(new.conc_ng_ml, new.unit), limit)
    limits = drug.daily_dose.limits
    verdict = limits.judge(new.daily_dose_ng)
    if verdict is not Verdict.WITHIN:
        limit = format_daily_dose(limits.limit_of(verdict), new.unit)
        yield _finding("Daily dose", verdict, format_daily_dose(new.daily_dose_ng, new.unit), limit)
    if new.mode is ScheduleMode.DAILY:
        yield from _step_findings(new, step_rate_limits(drug))


def _step_findings(new: Prescription, limits: LimitRange) -> Iterator[LimitFinding]:
    for step, interval in zip(new.steps, _intervals(new), strict=True):
        verdict = limits.judge(step.dose_rate_ng_h)
        if verdict is not Verdict.WITHIN:
            limit = format_dose_rate(limits.limit_of(verdict), new.unit)
            shown = format_dose_rate(step.dose_rate_ng_h, new.unit)
            yield _finding(f"Rate {interval}", verdict, shown, limit)


def _reach_findings(new: Prescription, reach: PumpReach) -> Iterator[LimitFinding]:
    if len(new.steps) > reach.max_steps:
        value, limit = format_number(len(new.steps)), format_number(reach.max_steps)
        text = f"The pattern has {value} steps; this pump holds {limit}."
        yield LimitFinding(LimitKind.HARD, "Steps", value, limit, text)
    for (_, rate), interval in zip(new.rate_table, _intervals(new), strict=True):
        low, high = format_rate_ml_day(reach.rate_min_nl_h), format_rate_ml_day(reach.rate_max_nl_h)
        if rate != reach.min_rate_nl_h and not reach.rate_min_nl_h <= rate <= reach.rate_max_nl_h:
            shown = format_rate_ml_day(rate)
            text = f"Rate {interval} needs a flow of {shown}; this pump gives {low} to {high}."
            limit = low if rate < reach.rate_min_nl_h else high
            yield LimitFinding(LimitKind.HARD, f"Rate {interval}", shown, limit, text)


def _out_by_ten(old: Prescription, new: Prescription) -> Iterator[LimitFinding]:
    if is_out_by_ten(old.daily_dose_ng, new.daily_dose_ng):
        before = format_daily_dose(old.daily_dose_ng, new.unit)
        value = format_daily_dose(new.daily_dose_ng, new.unit)
        ratio = format_ratio(old.daily_dose_ng, new.daily_dose_ng)
        text = f"Daily dose {value} is {ratio} the {before} in the pump now. Check the decimal point."
        yield LimitFinding(LimitKind.SOFT, "Daily dose change", value, before, text)


def _intervals(new: Prescription) -> Iterator[str]:
    starts = (*(step.start_min for step in new.steps), MINUTES_PER_DAY)
    return (format_interval(start, end) for start, end in pairwise(starts))


def _finding(what: str, verdict: Verdict, value: Shown, limit: Shown) -> LimitFinding:
    if verdict.is_hard:
        text = f"{what} {value.qualified} is {verdict.value} {limit}. It cannot be programmed."
        return LimitFinding(LimitKind.HARD, what, value, limit, text)
    text = f"{what} {value.qualified} is {verdict.value}; the limit is {limit}. A reason is needed."
    return LimitFinding(LimitKind.SOFT, what, value, limit, text)
