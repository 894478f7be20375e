"""The pump's end of an in-process null modem: a link for tests and deterministic runs."""

from emulator.links.base import Connected, Disconnected, LinkEvent, Received
from protocol.memory_link import MemoryPeer

_PEER = "memory"


class MemoryPumpLink:
    """A `PumpLink` over `protocol.memory_link.MemoryPeer`."""

    def __init__(self, peer: MemoryPeer) -> None:
        self._peer = peer
        self._connected = False
        self.discarded_bytes = 0
        self.poll_interval_ms: int | None = None

    @property
    def address(self) -> str:
        """The text that names the link."""
        return "memory"

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Nothing to wait on: whoever reads the other end serves this one."""
        return (), ()

    def start(self) -> None:
        """As `PumpLink.start`."""

    def poll(self) -> list[LinkEvent]:
        """As `PumpLink.poll`."""
        events: list[LinkEvent] = []
        if self._peer.connected and not self._connected:
            events.append(Connected(_PEER))
        if data := self._peer.read():
            events.append(Received(data))
        if self._connected and not self._peer.connected:
            events.append(Disconnected(_PEER))
        self._connected = self._peer.connected
        return events

    def write(self, data: bytes) -> None:
        """As `PumpLink.write`."""
        if not self._peer.connected:
            self.discarded_bytes += len(data)
        self._peer.write(data)

    def close(self) -> None:
        """As `PumpLink.close`: the programmer's end fails from now on."""
        self._peer.close()
