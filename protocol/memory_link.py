"""An in-process null modem on a virtual clock: a `Link` for tests and for deterministic runs.

Nothing waits here. When the programmer's end reads, the pump's end is served; when both have nothing to do,
the virtual clock moves to whatever comes first: the reader's time-out or the moment the pump's end asked for.
"""

from collections.abc import Callable
from typing import Final

from protocol.link_error import LinkError, LinkFailure

_MAX_READ: Final = 4096

Service = Callable[[int], int | None]
"""Serves the pump's end at a link time in ms, and returns the link time at which it wants service next."""


class VirtualClock:
    """Link time in ms that moves only when told to."""

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return the time in ms."""
        return self._now_ms

    def advance_to(self, time_ms: int) -> None:
        """Move to `time_ms`; a time that is already past changes nothing."""
        self._now_ms = max(self._now_ms, time_ms)


class MemoryPeer:
    """The pump's end of the null modem."""

    def __init__(self) -> None:
        self._to_pump = bytearray()
        self._to_programmer = bytearray()
        self._service: Service | None = None
        self.connected = True
        """False once either end has closed."""

    def attach(self, service: Service) -> None:
        """Let `service` be called whenever the programmer's end waits or closes."""
        self._service = service

    def read(self) -> bytes:
        """Take all that the programmer has sent."""
        data = bytes(self._to_pump)
        self._to_pump.clear()
        return data

    def write(self, data: bytes) -> None:
        """Send to the programmer; lost when the link is closed, as on a line with nobody there."""
        if self.connected:
            self._to_programmer += data

    def close(self) -> None:
        """Vanish: the programmer's end fails from now on."""
        self.connected = False

    def serve(self, now_ms: int) -> int | None:
        """Run the attached service once."""
        return self._service(now_ms) if self._service else None

    def put(self, data: bytes) -> None:
        """Accept octets from the programmer's end."""
        self._to_pump += data

    def take(self, count: int) -> bytes:
        """Hand at most `count` octets to the programmer's end."""
        data = bytes(self._to_programmer[:count])
        del self._to_programmer[:count]
        return data


class MemoryLink:
    """The programmer's end of the null modem; a `protocol.link.Link`."""

    def __init__(self, peer: MemoryPeer, clock: VirtualClock) -> None:
        self._peer = peer
        self._clock = clock
        self._closed = False

    @property
    def description(self) -> str:
        """The link as a person would name it."""
        return "memory"

    def read(self, timeout_ms: int) -> bytes:
        """As `Link.read`; time that nobody needs is skipped."""
        deadline_ms = self._clock.now_ms() + timeout_ms
        while True:
            now_ms = self._clock.now_ms()
            wake_ms = self._peer.serve(now_ms)
            data = self._peer.take(_MAX_READ)
            if data:
                return data
            self._check_connected()
            if now_ms >= deadline_ms:
                return b""
            next_ms = deadline_ms if wake_ms is None else max(now_ms + 1, wake_ms)
            self._clock.advance_to(min(deadline_ms, next_ms))

    def write(self, data: bytes) -> None:
        """As `Link.write`; never blocks."""
        self._check_connected()
        self._peer.put(data)

    def close(self) -> None:
        """As `Link.close`; the pump's end is served once, so that it learns of it."""
        if not self._closed:
            self._closed = True
            self._peer.connected = False
            self._peer.serve(self._clock.now_ms())

    def now_ms(self) -> int:
        """Virtual time in ms."""
        return self._clock.now_ms()

    def _check_connected(self) -> None:
        if self._closed or not self._peer.connected:
            raise LinkError(LinkFailure.VANISHED, "link memory is gone (an end closed it); make a new pair")


def memory_link_pair(clock: VirtualClock | None = None) -> tuple[MemoryLink, MemoryPeer]:
    """Return the programmer's and the pump's end of a null modem on `clock` (a new one when not given)."""
    peer = MemoryPeer()
    return MemoryLink(peer, clock or VirtualClock()), peer
