"""What each observer could see of a failure: where its course differs from that of the healthy twin.

Nothing here knows what was meant to fail. The log, the alarms, the status that programmers read, the volume
drawn out at a refill and the dose of the patient are compared with those of a pump of the same seed that
lived the same days without the failure.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from protocol.log_record import AlarmRaisedEvent, DeliveryStateEvent, read_payload
from protocol.messages.status import GetStatusResponse
from protocol.vocabulary import AlarmCode, EventType
from workbench.recalls.runner import Course, Run
from workbench.recalls.sighting import Visit

HIGH: Final = "high"
LOW: Final = "low"
SLIGHTLY_HIGH: Final = "slightly high"
SLIGHTLY_LOW: Final = "slightly low"
NORMAL: Final = "normal"
TOO_LITTLE: Final = "too little"
TOO_MUCH: Final = "too much"
BESIDE: Final = "beside the pump"

SLIGHT_NL: Final = 20_000
PLAIN_NL: Final = 1_000_000
_MANY_S: Final = 3_600
_LESS_PERMILLE: Final = 900
_MORE_PERMILLE: Final = 1_100
_PERMILLE: Final = 1_000
_UNTOLD: Final = (EventType.SESSION_OPEN, EventType.SESSION_CLOSE, EventType.CHAIN_CHECKPOINT)
_SUSPECT: Final = (AlarmCode.OVERINFUSION_SUSPECT.name, AlarmCode.OCCLUSION_SUSPECT.name)
_PASSING: Final = frozenset(
    ("uptime_s", "utc_s", "battery_mv", "log_last_seq", "last_txn_id", "next_change_s", "temp_cdeg")
)
"""Fields of the status that differ from visit to visit without a meaning here."""
_SLIGHT: Final[Mapping[str, int]] = {
    "reservoir_nl": SLIGHT_NL,
    "since_midnight_nl": SLIGHT_NL,
    "lifetime_nl": SLIGHT_NL,
    "bolus_delivered_nl": SLIGHT_NL,
    "battery_permille": 5,
    "eri_days": 5,
}
"""Differences up to these tell a person nothing."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What could be seen of a failure; empty, or ``normal``, where nothing could.

    Attributes:
        log: kinds of record that the log has more or fewer of.
        alarms: alarms that were raised and would not have been.
        missed: alarms that would have been raised and were not, or at another time.
        status: fields of the status that differed at a visit.
        gap_nl: how far the last status was from the true content of the reservoir, nL.
        residual: the last volume drawn out, beside that of the twin.
        suspicion: alarms that the pump raised for its judgement of a residual; they are part of no other.
        patient: what the patient got too little or too much of, in order.
    """

    log: tuple[str, ...]
    alarms: tuple[str, ...]
    missed: tuple[str, ...]
    status: tuple[str, ...]
    gap_nl: int
    residual: str
    suspicion: tuple[str, ...]
    patient: tuple[str, ...]


def observe(run: Run) -> Observed:
    """Tell what each observer could see of the failure of a run."""
    course, healthy = run.course, run.healthy
    onset, twin_onset = _onsets(course), _onsets(healthy)
    gap = course.end.value("belief.gap_nl")
    return Observed(
        log=_more_or_fewer(course, healthy),
        alarms=tuple(sorted(name for name in onset if name not in twin_onset and name not in _SUSPECT)),
        missed=tuple(sorted(name for name, at in twin_onset.items() if _moved(onset.get(name), at))),
        status=_status(course.visits, healthy.visits),
        gap_nl=gap if isinstance(gap, int) else 0,
        residual=_residual(course.refills, healthy.refills),
        suspicion=tuple(sorted(name for name in onset if name in _SUSPECT)),
        patient=_patient(course, healthy),
    )


def _moved(at_s: int | None, twin_s: int) -> bool:
    return at_s is None or abs(at_s - twin_s) > _MANY_S


def _counts(course: Course) -> Counter[str]:
    told: Counter[str] = Counter()
    for record in course.records:
        if record.type in _UNTOLD:
            continue
        event, name = read_payload(record), record.type.name
        if isinstance(event, AlarmRaisedEvent):
            if event.code.name in _SUSPECT:
                continue
            name = f"{name} {event.code.name}"
        elif isinstance(event, DeliveryStateEvent):
            name = f"{name} {event.after.name}"
        told[name] += 1
    return told


def _more_or_fewer(course: Course, healthy: Course) -> tuple[str, ...]:
    here, there = _counts(course), _counts(healthy)
    return tuple(sorted(name for name in {*here, *there} if here[name] != there[name]))


def _onsets(course: Course) -> dict[str, int]:
    """Return when each alarm was raised first, s of the pump's civil time."""
    onset: dict[str, int] = {}
    for record in course.records:
        event = read_payload(record)
        if isinstance(event, AlarmRaisedEvent):
            onset.setdefault(event.code.name, record.utc_s)
    return onset


def _status(visits: tuple[Visit, ...], twins: tuple[Visit, ...]) -> tuple[str, ...]:
    found: set[str] = set()
    for visit, twin in zip(visits, twins, strict=False):
        if visit.program != twin.program:
            found.add("program")
        if visit.status is None or twin.status is None:
            found |= {"no answer"} if visit.status is not twin.status else set()
            continue
        for each in fields(GetStatusResponse):
            one, other = getattr(visit.status, each.name), getattr(twin.status, each.name)
            slight = each.name in _SLIGHT and abs(one - other) <= _SLIGHT[each.name]
            if one != other and each.name not in _PASSING and not slight:
                found.add(each.name)
    return tuple(sorted(found))


def _residual(refills: tuple[int, ...], twins: tuple[int, ...]) -> str:
    if not refills or len(refills) != len(twins):
        return "no refill"
    more_nl = refills[-1] - twins[-1]
    if abs(more_nl) <= SLIGHT_NL:
        return NORMAL
    if abs(more_nl) <= PLAIN_NL:
        return SLIGHTLY_HIGH if more_nl > 0 else SLIGHTLY_LOW
    return HIGH if more_nl > 0 else LOW


def _patient(course: Course, healthy: Course) -> tuple[str, ...]:
    """Return what windows of the dose at the tip were like, beside those of the twin; then the pocket."""
    words: list[str] = []
    twin_at = {point.at_ms: point.tip_mass[0] for point in healthy.trace}
    before: tuple[int, int] | None = None
    for point in course.trace:
        if point.at_ms not in twin_at:
            continue
        now = (point.tip_mass[0], twin_at[point.at_ms])
        if before is not None:
            words.append(_dose_word(now[0] - before[0], now[1] - before[1]))
        before = now
    told = [word for number, word in enumerate(words) if word and word not in words[:number]]
    pocket = course.end.value("truth.pocket_ng") != healthy.end.value("truth.pocket_ng")
    return (*told, *([BESIDE] if pocket else []))


def _dose_word(mass: int, twin_mass: int) -> str:
    if mass * _PERMILLE < twin_mass * _LESS_PERMILLE:
        return TOO_LITTLE
    return TOO_MUCH if mass * _PERMILLE > twin_mass * _MORE_PERMILLE else ""
