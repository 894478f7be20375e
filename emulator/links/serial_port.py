"""A real serial device, or any pySerial URL: the pump's end of a physical line."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import serial

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import READ_SIZE, Connected, LinkEvent, OutputBuffer, Received
from protocol.link import (
    DEFAULT_BAUD,
    LinkError,
    LinkFailure,
    link_failures,
    native_descriptor,
    open_serial_port,
)

_REASONS: Final[Mapping[LinkFailure, EmulatorFailure]] = {
    LinkFailure.MISSING: EmulatorFailure.LINK_MISSING,
    LinkFailure.REFUSED: EmulatorFailure.LINK_MISSING,
    LinkFailure.BUSY: EmulatorFailure.LINK_BUSY,
    LinkFailure.PERMISSION: EmulatorFailure.LINK_DENIED,
    LinkFailure.UNSUPPORTED: EmulatorFailure.LINK_UNSUPPORTED,
    LinkFailure.BAD_URL: EmulatorFailure.BAD_LINK,
    LinkFailure.VANISHED: EmulatorFailure.LINK_LOST,
    LinkFailure.TIMEOUT: EmulatorFailure.LINK_LOST,
}
_POLL_INTERVAL_MS: Final = 10


class SerialPortLink:
    """A `PumpLink` over a serial device.

    A serial line does not tell whether anybody is at its other end, so the client counts as connected from
    the start. When the device itself goes, the link is lost.

    Args:
        device: path of the device, or a pySerial URL.
        baud: line speed in bit/s.
    """

    def __init__(self, device: str, *, baud: int = DEFAULT_BAUD) -> None:
        self._device = device
        self._baud = baud
        self._output = OutputBuffer()
        self._port: serial.Serial | None = None
        self._fd: int | None = None
        self._announced = False
        self.poll_interval_ms: int | None = None

    @property
    def address(self) -> str:
        """``serial:DEVICE``, this end of the line; the programmer opens the other."""
        return f"serial:{self._device}"

    @property
    def discarded_bytes(self) -> int:
        """As `PumpLink.discarded_bytes`."""
        return self._output.discarded_bytes

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """As `PumpLink.wait_on`."""
        if self._fd is None:
            return (), ()
        return (self._fd,), (self._fd,) if self._output else ()

    def start(self) -> None:
        """As `PumpLink.start`."""
        with _as_emulator_error():
            self._port = open_serial_port(self._device, baud=self._baud)
        self._fd = native_descriptor(self._port)
        if self._fd is None:
            self.poll_interval_ms = _POLL_INTERVAL_MS

    def poll(self) -> list[LinkEvent]:
        """As `PumpLink.poll`."""
        events: list[LinkEvent] = []
        if not self._announced:
            self._announced = True
            events.append(Connected(self._device))
        with _as_emulator_error(), link_failures(self._device):
            if data := self._receive():
                events.append(Received(data))
            self._output.flush(self._send)
        return events

    def write(self, data: bytes) -> None:
        """As `PumpLink.write`."""
        with _as_emulator_error(), link_failures(self._device):
            self._output.write(data, self._send)

    def close(self) -> None:
        """As `PumpLink.close`."""
        port, self._port, self._fd = self._port, None, None
        if port is not None:
            with suppress(LinkError), link_failures(self._device):
                port.close()

    def _receive(self) -> bytes:
        # An empty read of a raw terminal is silence or a hang-up; asking for the count first tells which.
        waiting = self._port.in_waiting if self._port is not None else 0
        return bytes(self._port.read(min(waiting, READ_SIZE))) if self._port is not None and waiting else b""

    def _send(self, data: bytes) -> int:
        if self._fd is not None:
            return os.write(self._fd, data)
        if self._port is not None:
            with suppress(serial.SerialTimeoutException):  # how much went out is not known: it counts as sent
                self._port.write(data)
        return len(data)


@contextmanager
def _as_emulator_error() -> Iterator[None]:
    try:
        yield
    except LinkError as failure:
        raise EmulatorError(_REASONS[failure.reason], str(failure)) from failure
