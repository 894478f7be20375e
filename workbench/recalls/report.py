"""A run of a scenario for people and for programs: truth beside belief, and what each observer could see."""

from collections.abc import Iterator
from textwrap import fill
from typing import Final

from firmware_model.defects import announcement, find_defects
from protocol.quantities import MS_PER_MINUTE
from protocol.vocabulary import AlarmCode
from workbench.recalls.model import Expectation, Scenario, Variant
from workbench.recalls.observers import Observed, observe
from workbench.recalls.runner import Course, Moment, Outcome, Run, values_of
from workbench.recalls.sighting import Sighting, Value
from workbench.recalls.steps import kind_of

_WIDTH: Final = 100
_NL_PER_ML: Final = 1_000_000
_NG_PER_MG: Final = 1_000_000
_MINUTES_PER_DAY: Final = 1_440
_HEAD: Final = (
    f"{'time':>12}  {'step':18} {'TRUTH left':>11} {'at tip':>11} | {'BELIEF left':>11} {'state':10} "
    f"{'nL/h':>7} | {'ANSWER':14} ALARMS"
)


def time_words(at_ms: int) -> str:
    """Return a time since the hand-over: days, hours and minutes."""
    minutes = at_ms // MS_PER_MINUTE
    days, rest = divmod(minutes, _MINUTES_PER_DAY)
    return f"{days} d {rest // 60:02}:{rest % 60:02}"


def banner(scenario: Scenario, variant: Variant) -> str:
    """Return one line that says which course is run, and every defect in it."""
    if variant is Variant.RECALLED:
        defects = announcement(find_defects(scenario.defects))
        return f"Course: as recalled. {defects or 'THE LIMITS THAT WOULD HAVE STOPPED IT ARE TAKEN AWAY'}"
    return "Course: as built, no defect in the firmware"


def run_text(run: Run) -> str:
    """Return a run as a page of text."""
    scenario = run.scenario
    parts = [
        f"{scenario.id}  {scenario.title}",
        f"{scenario.device}. {scenario.source}.",
        fill(scenario.story, _WIDTH),
        "",
        banner(scenario, run.course.variant),
        f"Profile {scenario.profile}, setup {scenario.setup}, seed {scenario.seed}. Time from the hand-over.",
        "",
        _HEAD,
        *(_moment_line(moment, run.course.start) for moment in run.course.moments),
        "",
        "What could be seen, beside a pump of the same seed in which nothing failed:",
        *_observed_lines(observe(run)),
        "",
        "Oracle:",
        *(f"  {outcome_words(outcome)}" for outcome in run.outcomes),
        "",
        verdict(run),
    ]
    return "\n".join(parts)


def verdict(run: Run) -> str:
    """Return one line that tells whether the oracle holds."""
    name = f"{run.scenario.id} {run.course.variant.value}"
    if run.holds:
        return f"{name}: all {len(run.outcomes)} expectations hold."
    awaits = "; ".join(sorted({each.expectation.awaits for each in run.awaited}))
    if run.failed:
        return f"{name}: {len(run.failed)} of {len(run.outcomes)} expectations do NOT hold."
    return f"{name}: does not hold yet; the firmware lacks: {awaits}."


def _number(sighting: Sighting, seen: str) -> int:
    value = sighting.value(seen)
    return value if isinstance(value, int) else 0


def _moment_line(moment: Moment, start: Sighting) -> str:
    now, step = moment.sighting, moment.step
    left_ml = _number(now, "truth.reservoir_nl") / _NL_PER_ML
    tip_mg = (_number(now, "truth.tip_ng") - _number(start, "truth.tip_ng")) / _NG_PER_MG
    believed_ml = _number(now, "belief.reservoir_nl") / _NL_PER_ML
    alarms = ", ".join(code.name for code in AlarmCode if now.value(f"alarm.{code.name}")) or "-"
    told = now.value("answer.outcome")
    answer = "-" if told == "nothing" else str(told)
    words = f"\n{'':14}{step.note}" if step.note else ""
    return (
        f"{time_words(now.at_ms):>12}  {kind_of(step):18} {left_ml:8.3f} mL {tip_mg:8.3f} mg | "
        f"{believed_ml:8.3f} mL {now.value('belief.delivery_state')!s:10} "
        f"{_number(now, 'belief.rate_nl_h'):7} | {answer:14} {alarms}{words}"
    )


def _observed_lines(seen: Observed) -> Iterator[str]:
    rows = (
        ("pump log", ", ".join(seen.log) or "nothing"),
        ("pump alarm", _alarm_words(seen)),
        ("programmer", ", ".join(seen.status) or "nothing"),
        ("residual", seen.residual + (f" ({', '.join(seen.suspicion)})" if seen.suspicion else "")),
        ("patient", ", then ".join(seen.patient) or "nothing"),
    )
    for name, words in rows:
        yield f"  {name:11} {words}"
    if abs(seen.gap_nl) > _NL_PER_ML:
        yield f"  {'':11} the pump believes in {seen.gap_nl / _NL_PER_ML:+.2f} mL that are not there"


def _alarm_words(seen: Observed) -> str:
    missed = f"not when due: {', '.join(seen.missed)}" if seen.missed else ""
    return "; ".join(words for words in (", ".join(seen.alarms), missed) if words) or "nothing"


def expectation_words(wanted: Expectation) -> str:
    """Return an expectation in one line."""
    unit = " ".join(
        word for word in (wanted.unit, "of the healthy twin" if wanted.of_healthy else "") if word
    )
    since = f", counted from {wanted.since!r}" if wanted.since else ""
    at = f" at {wanted.at!r}" if wanted.at else " at the end"
    return f"{wanted.seen} {wanted.must.value} {wanted.value}{' ' if unit else ''}{unit}{at}{since}"


def outcome_words(outcome: Outcome) -> str:
    """Return what became of an expectation in one line."""
    mark = "ok  " if outcome.holds else ("wait" if outcome.expectation.awaits else "NOT ")
    wanted = expectation_words(outcome.expectation)
    return f"{mark} {wanted}: {outcome.measured} ({outcome.expectation.why})"


def run_json(run: Run) -> dict[str, object]:
    """Return a run as JSON values; every key carries its unit."""
    seen = observe(run)
    return {
        "id": run.scenario.id,
        "title": run.scenario.title,
        "course": run.course.variant.value,
        "banner": banner(run.scenario, run.course.variant),
        "seed": run.scenario.seed,
        "holds": run.holds,
        "steps": _steps_json(run.course),
        "observed": {
            "log": seen.log,
            "alarms": seen.alarms,
            "alarms_not_when_due": seen.missed,
            "status": seen.status,
            "belief_gap_nl": seen.gap_nl,
            "residual": seen.residual,
            "residual_alarms": seen.suspicion,
            "patient": seen.patient,
        },
        "expectations": [_outcome_json(each) for each in run.outcomes],
    }


def _steps_json(course: Course) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for moment in course.moments:
        observers: dict[str, dict[str, Value]] = {
            name: dict(values_of(moment.sighting, name))
            for name in ("truth", "belief", "log", "alarm", "status", "residual", "answer")
        }
        step = {"do": kind_of(moment.step), "note": moment.step.note, "mark": moment.step.mark}
        found.append({"at_ms": moment.sighting.at_ms, **step, **observers})
    return found


def _outcome_json(outcome: Outcome) -> dict[str, object]:
    wanted = outcome.expectation
    return {
        "seen": wanted.seen,
        "must": wanted.must.value,
        "value": wanted.value,
        "unit": wanted.unit,
        "of_healthy": wanted.of_healthy,
        "at": wanted.at,
        "since": wanted.since,
        "why": wanted.why,
        "awaits": wanted.awaits,
        "measured": outcome.measured,
        "holds": outcome.holds,
    }
