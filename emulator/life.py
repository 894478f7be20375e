"""The life of the one pump behind all of its links: its time, its power, and what a failure of either costs.

A cut of power is answered by nothing: the device starts again, and every session over every link is gone. A
model whose time cannot go on ends the emulator, since it would lie about what it delivers.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from emulator.errors import EmulatorError, EmulatorFailure
from firmware_model.controller.storage import PowerCut
from protocol.requests import Device

_log = logging.getLogger(__name__)

_STARTS: Final = 16
"""How often power may fail again while the pump starts before that counts as a defect."""


class HostedPump(Device, Protocol):
    """A device that lives on pump time; `firmware_model.pump.Pump` in life."""

    def next_event_ms(self) -> int | None:
        """Return the pump time of the next thing that will happen by itself, None when nothing will."""

    def advance_to(self, t_ms: int, /) -> None:
        """Let pump time pass to `t_ms`."""

    def set_link_time(self, link_ms: int) -> None:
        """Tell link time, on which what people do grows old."""

    def reset(self) -> None:
        """Start the firmware again."""


class Life:
    """One device, alive; all times are integer ms."""

    def __init__(self, pump: HostedPump) -> None:
        self.pump = pump
        self.link_ms = 0
        self.pump_ms = 0
        self.power_cycles = 0
        """Times the device lost power and was started again."""
        self._at_restart: list[Callable[[], None]] = []

    def at_restart(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever the device has lost power, before it starts again."""
        self._at_restart.append(tell)

    def live(self, pump_ms: int, link_ms: int) -> None:
        """Bring the device to the present.

        Raises:
            EmulatorError: PUMP_FAILED.
        """
        self.pump_ms, self.link_ms = pump_ms, link_ms
        self.powered(self._live)

    def powered(self, act: Callable[[], None]) -> None:
        """Do something that may cost the device its power; it is started again then."""
        try:
            act()
        except PowerCut as cut:
            _log.warning("the pump lost power (%s) and starts again", cut)
            self._start_again()

    def _live(self) -> None:
        try:
            self.pump.set_link_time(self.link_ms)
            self.pump.advance_to(self.pump_ms)
        except PowerCut:
            raise
        except Exception as failure:
            raise self._defect(failure) from failure

    def _start_again(self) -> None:
        """Start the firmware; its session keys were in RAM, so the clients have to come anew."""
        for tell in self._at_restart:
            tell()
        for _ in range(_STARTS):
            self.power_cycles += 1
            try:
                self.pump.reset()
                self._live()
            except PowerCut:
                continue
            return
        raise EmulatorError(
            EmulatorFailure.PUMP_FAILED, f"power failed at {_STARTS} starts of the pump in a row; allow one"
        )

    def _defect(self, failure: Exception) -> EmulatorError:
        _log.debug("the pump model failed", exc_info=failure)
        return EmulatorError(
            EmulatorFailure.PUMP_FAILED,
            f"the pump model failed at pump time {self.pump_ms} ms ({type(failure).__name__}: {failure}); "
            "this is a defect of the simulator: please report it with the profile and the seed",
        )
