"""The controller's clocks: uptime never steps, civil time is what somebody set.

Both come from one free-running counter that the cell keeps alive, so that civil time survives a reset. It
counts ms of pump time since manufacture.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.log_debt import NO_DEBT, LogDebt, split_debt, with_debt
from protocol.messages.codec import codec_of
from protocol.messages.fields import i16, u16, u64, word8
from protocol.quantities import MS_PER_MINUTE
from protocol.vocabulary import ClockState, Switch

_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """What the pump knows of civil time; stored durably.

    ``time_base`` is 0 where it was never set. ``utc_offset_min`` is where whoever set it lives; the schedule
    of a program brings its own. A lost setting says nothing of civil time any more; the schedule goes on
    by it.
    """

    utc_at_zero_ms: Annotated[int, u64("ms", "civil time at counter 0")]
    time_base: Annotated[int, u16("", "grows by one each time the clock is set")]
    utc_offset_min: Annotated[int, i16("min", "offset of local time without a program", -840, 840)] = 0
    lost: Annotated[Switch, word8(Switch, "whether the cell was interrupted since")] = Switch.OFF

    @property
    def is_lost(self) -> bool:
        """Whether civil time was known and is not any more."""
        return self.lost is Switch.ON

    @classmethod
    def from_stored(cls, stored: bytes) -> "ClockSetting":
        """Read the stored setting; an empty one is a clock never set."""
        payload, _debt = split_debt(stored)
        setting: ClockSetting = codec_of(ClockSetting).decode(payload) if payload else cls(0, 0)
        return setting

    def stored(self, debt: LogDebt = NO_DEBT) -> bytes:
        """Return the octets to store, with what they owe the log."""
        return with_debt(codec_of(ClockSetting).encode(self), debt)


class PumpClock:
    """Now, for everything inside the controller.

    Attributes:
        now_ms: the counter.
        boot_ms: the counter at the last start of the firmware.
        boot_count: starts of the firmware.
    """

    def __init__(self, now_ms: int, boot_ms: int, boot_count: int, setting: ClockSetting) -> None:
        self.now_ms = now_ms
        self.boot_ms = boot_ms
        self.boot_count = boot_count
        self._setting = setting

    @property
    def setting(self) -> ClockSetting:
        """What is known of civil time."""
        return self._setting

    def set(self, setting: ClockSetting) -> None:
        """Take over a setting that is stored."""
        self._setting = setting

    @property
    def is_set(self) -> bool:
        """Whether civil time is known."""
        return self._setting.time_base > 0 and not self._setting.is_lost

    @property
    def state(self) -> ClockState:
        """Whether civil time is known, as the protocol says it."""
        return ClockState.SET if self.is_set else ClockState.NOT_SET

    @property
    def uptime_ms(self) -> int:
        """Milliseconds since the firmware started."""
        return self.now_ms - self.boot_ms

    @property
    def uptime_s(self) -> int:
        """Whole seconds since the firmware started, at most 2^32 - 1."""
        return self.uptime_at(self.now_ms)

    def uptime_at(self, counter_ms: int) -> int:
        """Return the uptime in whole seconds at a counter value, at most 2^32 - 1."""
        return min((counter_ms - self.boot_ms) // 1_000, _U32)

    @property
    def utc_s(self) -> int:
        """Civil time in Unix seconds, 0 where not set."""
        return self.utc_at(self.now_ms)

    def utc_at(self, counter_ms: int) -> int:
        """Return civil time (Unix seconds, at most 2^32 - 1) at a counter value, 0 where not set."""
        if not self.is_set:
            return 0
        return min((self._setting.utc_at_zero_ms + counter_ms) // 1_000, _U32)

    def counter_at(self, utc_s: int) -> int:
        """Return the counter value at a civil time."""
        return utc_s * 1_000 - self._setting.utc_at_zero_ms

    def local_shift_ms(self, utc_offset_min: int) -> int:
        """Return what added to the counter gives local time; local time counts from 0 where not set."""
        return self._setting.utc_at_zero_ms + utc_offset_min * MS_PER_MINUTE
