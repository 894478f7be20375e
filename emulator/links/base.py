"""What every link of the emulator offers to the host loop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

READ_SIZE: Final = 65_536
"""Most octets taken from a link at once; what is left is taken at the next poll."""
EMULATED_GAP_MS: Final = 500
"""Longest silence inside a frame on an emulated link, whose host may be busy (OITP/1 section 9)."""
OUTPUT_LIMIT: Final = 65_536
"""Octets kept for a client that does not read: some 250 of the largest frames."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A client is there; `peer` is its name as far as the link can tell."""

    peer: str


@dataclass(frozen=True, slots=True)
class Received:
    """Octets came in."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The client is gone; what was sent to it and not read is lost."""

    peer: str


LinkEvent = Connected | Received | Disconnected


class PumpLink(Protocol):
    """The pump's end of a link. Nothing in it blocks; one thread uses it."""

    @property
    def address(self) -> str:
        """The text that a programmer opens this link with; valid after `start`."""

    @property
    def discarded_bytes(self) -> int:
        """Octets thrown away because a client did not read."""

    @property
    def poll_interval_ms(self) -> int | None:
        """How often to poll a link that has no descriptor to wait on; None when `wait_on` tells."""

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the descriptors to wait on, for reading and for writing."""

    def start(self) -> None:
        """Open the link and let clients in.

        Raises:
            EmulatorError: the link is busy, denied, missing or of a kind this machine lacks.
        """

    def poll(self) -> list[LinkEvent]:
        """Return what has happened since the last call, in order, and send what is still waiting to go out.

        Raises:
            EmulatorError: LINK_LOST.
        """

    def write(self, data: bytes) -> None:
        """Send `data` now, or keep it for later; a write that does not fit the buffer is discarded whole.

        Raises:
            EmulatorError: LINK_LOST.
        """

    def close(self) -> None:
        """Release everything. Never fails, and may be called again, or before `start`."""


class OutputBuffer:
    """Octets that wait for a client to read, bounded; a write that does not fit is discarded whole."""

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()
        self.discarded_bytes = 0

    def __len__(self) -> int:
        return len(self._pending)

    def write(self, data: bytes, send: Callable[[bytes], int]) -> None:
        """Send `data` behind what waits; `send` returns how much it took, or raises BlockingIOError."""
        if self._pending:
            self.flush(send)
        if len(self._pending) + len(data) > self._limit:
            self.discarded_bytes += len(data)
            return
        sent = 0 if self._pending else _try(send, data)
        self._pending += data[sent:]

    def flush(self, send: Callable[[bytes], int]) -> None:
        """Send as much of what waits as `send` takes."""
        while self._pending:
            sent = _try(send, bytes(self._pending))
            if not sent:
                return
            del self._pending[:sent]

    def clear(self) -> None:
        """Forget what waits: its reader is gone."""
        self.discarded_bytes += len(self._pending)
        self._pending.clear()


def _try(send: Callable[[bytes], int], data: bytes) -> int:
    try:
        return send(data)
    except BlockingIOError:
        return 0
