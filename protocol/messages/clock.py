"""Group 6: the pump's clocks."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import i16, u16, u32, u64, word8
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
