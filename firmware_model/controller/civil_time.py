"""Setting the clock: civil time follows, everything that protects the patient does not.

Uptime, dose windows, bolus lockouts, holds and handshake lockouts count ms of the pump's counter or link
time, so no civil time frees them. The schedule and a program that waits for its time follow at once.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.controller.clock import ClockSetting
from firmware_model.controller.log_debt import split_debt
from firmware_model.controller.parts import Parts
from firmware_model.controller.records import RecordName
from protocol.log_record import ClockSetEvent
from protocol.request_words import ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode

_UTC_FIELD: Final = 0
_TIME_BASES: Final = 0xFFFF
_I32: Final = 0x7FFF_FFFF


@dataclass(frozen=True, slots=True)
class ClockStep:
    """What setting the clock did.

    Attributes:
        step_s: new minus old civil time within i32, 0 where it was not set.
        time_base: number of the setting; after 65535 comes 1, since 0 says *never set*.
        log_seq: log record that tells of it.
    """

    step_s: int
    time_base: int
    log_seq: int


def set_clock(
    parts: Parts, utc_s: int, utc_offset_min: int, source: ClockSource, actor: int
) -> ClockStep | Refusal:
    """Set civil time, durably; the caller lets the therapy follow.

    Args:
        parts: memory, clock and log.
        utc_s: civil time now, Unix seconds; not before the pump's counter began, which no clock can show.
        utc_offset_min: offset of whoever sets it.
        source: where the time comes from.
        actor: bond slot of whoever sets it.

    Raises:
        PowerCut: power failed; the old or the new setting stands after the reset.
    """
    clock = parts.clock
    utc_at_zero_ms = utc_s * 1_000 - clock.now_ms
    if utc_at_zero_ms < 0:
        return Refusal(ErrorCode.OUT_OF_RANGE, _UTC_FIELD, -(-clock.now_ms // 1_000))
    before_utc_s = clock.utc_s
    setting = ClockSetting(utc_at_zero_ms, clock.setting.time_base % _TIME_BASES + 1, utc_offset_min)
    debt = parts.log.owe(ClockSetEvent(before_utc_s, utc_s, setting.time_base, source), actor)
    step_s = utc_s - before_utc_s if clock.is_set else 0
    parts.records.put(RecordName.CLOCK, setting.stored(debt))
    clock.set(setting)
    seq = parts.log.settle(debt)
    return ClockStep(max(-_I32 - 1, min(_I32, step_s)), setting.time_base, seq)


def recover_clock(parts: Parts) -> None:
    """Tell what a cut of power left untold.

    Raises:
        PowerCut: power failed again.
    """
    _payload, debt = split_debt(parts.records.get(RecordName.CLOCK))
    parts.log.settle(debt)
