"""Group 6: the pump's clocks."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import i16, i32, u16, u32, u64, word8
from protocol.request_words import ClockSource
from protocol.vocabulary import ClockState


@dataclass(frozen=True, slots=True)
class GetClockRequest:
    """Asks for the clocks."""


@dataclass(frozen=True, slots=True)
class GetClockResponse:
    """Uptime never steps; civil time is what the programmer set."""

    uptime_ms: Annotated[int, u64("ms", "time since start, monotonic")]
    utc_s: Annotated[int, u32("s", "civil time, 0 where not set")]
    utc_offset_min: Annotated[int, i16("min", "offset of the schedule's local time", -840, 840)]
    boot_count: Annotated[int, u32("", "starts of the firmware")]
    time_base: Annotated[int, u16("", "grows by one each time the clock is set")]
    state: Annotated[ClockState, word8(ClockState, "whether civil time is known")]


@dataclass(frozen=True, slots=True)
class SetClockRequest:
    """Sets civil time; uptime, lockouts and dose windows do not follow it."""

    utc_s: Annotated[int, u32("s", "civil time, Unix seconds", 1)]
    utc_offset_min: Annotated[int, i16("min", "offset of the programmer's local time", -840, 840)]
    source: Annotated[ClockSource, word8(ClockSource, "where the time comes from")]


@dataclass(frozen=True, slots=True)
class SetClockResponse:
    """The clock is set, durably."""

    step_s: Annotated[int, i32("s", "new minus old civil time, 0 where it was not set, at most +-2^31")]
    time_base: Annotated[int, u16("", "number of this setting")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]
