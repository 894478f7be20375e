"""What the prescription allows the patient: lockout, and count and volume in any 24 h.

All of it runs on the counter, so that neither a reset nor a new time of day grants a dose early. A bolus
counts from its start, whatever became of it; its volume counts as far as it was delivered, for 24 h from
its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from firmware_model.controller.bolus import PastBolus
from firmware_model.controller.dose_window import DAY_MS
from protocol.program import PatientBolus
from protocol.quantities import MS_PER_MINUTE, UNITS_PER_NL
from protocol.request_words import BolusKind
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode

_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to the patient once the bolus asked for is given.

    Attributes:
        left: boluses left of the present 24 h.
        lockout_s: time until the next may be asked for.
    """

    left: int
    lockout_s: int


def judge_request(rules: PatientBolus, past: Sequence[PastBolus], now_ms: int) -> Allowance | Refusal:
    """Check a request against lockout and daily maximum.

    Args:
        rules: the prescription.
        past: boluses that ended, of any kind.
        now_ms: the counter now.

    Returns:
        What is left after it, or LOCKOUT or DAILY_MAX with the seconds until it may be asked for.
    """
    own = [one for one in past if one.kind is BolusKind.PATIENT]
    free_ms = max((one.started_ms for one in own), default=None)
    if free_ms is not None and now_ms < free_ms + rules.lockout_min * MS_PER_MINUTE:
        return Refusal(
            ErrorCode.LOCKOUT, detail=_seconds(free_ms + rules.lockout_min * MS_PER_MINUTE - now_ms)
        )
    today = [one for one in own if one.started_ms > now_ms - DAY_MS]
    if len(today) >= rules.max_per_24h:
        return Refusal(ErrorCode.DAILY_MAX, detail=_until(today, len(today) - rules.max_per_24h, now_ms))
    used_nl = sum(-(-one.delivered_units // UNITS_PER_NL) for one in own if one.ended_ms > now_ms - DAY_MS)
    if used_nl + rules.volume_nl > rules.max_24h_nl:
        return Refusal(ErrorCode.DAILY_MAX, detail=_until_volume(rules, own, used_nl, now_ms))
    left = (rules.max_24h_nl - used_nl) // max(1, rules.volume_nl)
    return Allowance(
        min(rules.max_per_24h - len(today), left) - 1,
        max(rules.lockout_min * MS_PER_MINUTE // _MS_PER_S, rules.duration_s),
    )


def _until(today: Sequence[PastBolus], index: int, now_ms: int) -> int:
    """Return the seconds until one more leaves the 24 h; 86400 where the count never lets one be given."""
    if index >= len(today):
        return DAY_MS // _MS_PER_S
    return _seconds(today[index].started_ms + DAY_MS - now_ms)


def _until_volume(rules: PatientBolus, own: Sequence[PastBolus], used_nl: int, now_ms: int) -> int:
    for one in own:
        if one.ended_ms > now_ms - DAY_MS:
            used_nl -= -(-one.delivered_units // UNITS_PER_NL)
            if used_nl + rules.volume_nl <= rules.max_24h_nl:
                return _seconds(one.ended_ms + DAY_MS - now_ms)
    return DAY_MS // _MS_PER_S


def _seconds(left_ms: int) -> int:
    return -(-left_ms // _MS_PER_S)
