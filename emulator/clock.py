"""Drives pump time: real, accelerated, stepped, or as fast as possible (law 9: pump time is not link time).

A driver answers two questions of the host loop: what pump time it is at a given wall time, and at which wall
time the pump's next event falls. The wall clock is handed in; nothing here reads a clock of its own.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Final, Protocol

from emulator.errors import EmulatorError, EmulatorFailure

Speed = int | Fraction
MAX_SPEED: Final = 1_000_000
"""Pump ms per wall ms. At the limit a second is eleven and a half days."""
# Short numbers only: an exponent would let a few octets ask for a gigabyte of digits.
_SPEED: Final = re.compile(r"[x×]?([0-9]{1,9}(?:\.[0-9]{1,9}|/0*[1-9][0-9]{0,8})?)")


class TimeDriver(Protocol):
    """What the host loop asks of a clock. All times are integer ms."""

    def pump_now(self, wall_ms: int, next_event_ms: int | None, /) -> int:
        """Return the pump time at `wall_ms`; it never goes back."""

    def wall_deadline(self, wall_ms: int, next_event_ms: int | None, /) -> int | None:
        """Return the wall time at which the pump's next event falls, None when time alone brings none."""


def parse_speed(text: str) -> Fraction:
    """Return the speed that ``60``, ``0.5`` or ``1/2`` means, above 0 and at most `MAX_SPEED`.

    Raises:
        EmulatorError: BAD_SPEED.
    """
    number = _SPEED.fullmatch(text.strip())
    if number is None:
        raise _bad_speed(text)
    return check_speed(Fraction(number[1]))


def check_speed(speed: Speed) -> Fraction:
    """Return `speed` as a fraction.

    Raises:
        EmulatorError: BAD_SPEED.
    """
    if not 0 < speed <= MAX_SPEED:
        raise _bad_speed(str(speed))
    return Fraction(speed)


def _bad_speed(text: str) -> EmulatorError:
    return EmulatorError(
        EmulatorFailure.BAD_SPEED,
        f"speed {text!r} is not possible; give a number above 0 and up to {MAX_SPEED}: 1, 60, 0.5 or 1/2",
    )


class PumpClock:
    """Pump time that runs at `speed` times wall time, may pause, and may jump forward.

    Speed 1 is the real clock, speed N the accelerated one; paused and moved by `jump` it is the stepped one.
    Every change keeps the pump time of that moment, to the last fraction of a millisecond.
    """

    def __init__(self, wall: Callable[[], int], *, start_ms: int = 0, speed: Speed = 1) -> None:
        self._wall = wall
        self._running = True
        self._anchor_wall_ms = wall()
        self._anchor_units = start_ms
        self._units_per_ms = 1
        self._run_at(check_speed(speed))

    @property
    def speed(self) -> Fraction:
        """Pump ms per wall ms while the clock runs."""
        return self._speed

    @property
    def running(self) -> bool:
        """False while paused."""
        return self._running

    def now_ms(self) -> int:
        """Return the pump time of this moment."""
        return self.at(self._wall())

    def at(self, wall_ms: int) -> int:
        """Return the pump time at `wall_ms`, which counts from the last change of the clock on."""
        return self._units_at(wall_ms) // self._units_per_ms

    def pump_now(self, wall_ms: int, _next_event_ms: int | None, /) -> int:
        """As `TimeDriver.pump_now`."""
        return self.at(wall_ms)

    def wall_deadline(self, wall_ms: int, next_event_ms: int | None, /) -> int | None:
        """As `TimeDriver.wall_deadline`: the first wall ms whose pump time reaches the event."""
        if next_event_ms is None or not self._running:
            return None
        ahead = next_event_ms * self._units_per_ms - self._anchor_units
        return max(wall_ms, self._anchor_wall_ms - (-ahead // self._units_per_wall_ms))

    def set_speed(self, speed: Speed) -> None:
        """Run at another speed from now on.

        Raises:
            EmulatorError: BAD_SPEED.
        """
        checked = check_speed(speed)
        self._anchor()
        self._run_at(checked)

    def pause(self) -> None:
        """Stop pump time; the link goes on."""
        self._anchor()
        self._running = False

    def resume(self) -> None:
        """Let pump time run again."""
        self._anchor()
        self._running = True

    def jump(self, by_ms: int) -> None:
        """Move pump time forward at once.

        Raises:
            ValueError: `by_ms` is negative; pump time never goes back.
        """
        if by_ms < 0:
            raise ValueError(f"pump time cannot jump by {by_ms} ms: it never goes back")
        self._anchor()
        self._anchor_units += by_ms * self._units_per_ms

    def _units_at(self, wall_ms: int) -> int:
        elapsed_ms = max(0, wall_ms - self._anchor_wall_ms) if self._running else 0
        return self._anchor_units + elapsed_ms * self._units_per_wall_ms

    def _anchor(self) -> None:
        wall_ms = self._wall()
        self._anchor_units = self._units_at(wall_ms)
        self._anchor_wall_ms = max(wall_ms, self._anchor_wall_ms)

    def _run_at(self, speed: Fraction) -> None:
        # A unit is the part of a pump ms in which both the time so far and the new speed are whole numbers.
        so_far = Fraction(self._anchor_units, self._units_per_ms)
        self._units_per_ms = lcm(so_far.denominator, speed.denominator)
        self._anchor_units = int(so_far * self._units_per_ms)
        self._units_per_wall_ms = int(speed * self._units_per_ms)
        self._speed = speed


class FastClock:
    """Pump time as fast as possible: it goes from event to event without waiting, up to `until_ms`."""

    def __init__(self, *, start_ms: int = 0, until_ms: int) -> None:
        self._now_ms = start_ms
        self._until_ms = max(start_ms, until_ms)

    @property
    def finished(self) -> bool:
        """True once `until_ms` is reached; from then on pump time stands."""
        return self._now_ms >= self._until_ms

    def pump_now(self, _wall_ms: int, next_event_ms: int | None, /) -> int:
        """As `TimeDriver.pump_now`: each call moves to the next event, or to the end when there is none."""
        goal_ms = self._until_ms if next_event_ms is None else min(next_event_ms, self._until_ms)
        self._now_ms = max(self._now_ms, goal_ms)
        return self._now_ms

    def wall_deadline(self, wall_ms: int, _next_event_ms: int | None, /) -> int | None:
        """As `TimeDriver.wall_deadline`: at once, until the end is reached."""
        return None if self.finished else wall_ms
