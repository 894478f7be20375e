"""A TCP port: the pump's end of a link for tools that speak sockets and for other systems."""

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import READ_SIZE, Connected, Disconnected, LinkEvent, OutputBuffer, Received

_BY_ERRNO: Final[Mapping[int, tuple[EmulatorFailure, str]]] = {
    errno.EADDRINUSE: (EmulatorFailure.LINK_BUSY, "give another port, or 0 for any free one"),
    errno.EACCES: (EmulatorFailure.LINK_DENIED, "give a port above 1023"),
    errno.EADDRNOTAVAIL: (EmulatorFailure.LINK_MISSING, "give an address of this machine, such as 127.0.0.1"),
}
_OTHERWISE: Final = (EmulatorFailure.LINK_MISSING, "give an address of this machine, such as 127.0.0.1")


class TcpLink:
    """A `PumpLink` over one TCP connection at a time.

    Args:
        host: address to listen on.
        port: 0..65535, 0 for any free one.
        allow_remote: listen on an address that other machines can reach.
        busy_notice: octets sent to a second client before its connection is closed.
    """

    def __init__(self, host: str, port: int, *, allow_remote: bool = False, busy_notice: bytes = b"") -> None:
        self._host = host
        self._port = port
        self._allow_remote = allow_remote
        self._busy_notice = busy_notice
        self._output = OutputBuffer()
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._peer = ""
        self.poll_interval_ms: int | None = None
        self.refused_clients = 0

    @property
    def address(self) -> str:
        """``tcp:HOST:PORT`` with the real port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"tcp:{host}:{self._port}"

    @property
    def discarded_bytes(self) -> int:
        """As `PumpLink.discarded_bytes`."""
        return self._output.discarded_bytes

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """As `PumpLink.wait_on`."""
        readers = tuple(sock.fileno() for sock in (self._listener, self._client) if sock is not None)
        writers = (self._client.fileno(),) if self._client is not None and self._output else ()
        return readers, writers

    def start(self) -> None:
        """As `PumpLink.start`; also REMOTE_REFUSED for an address that other machines can reach."""
        try:
            family, host = self._resolve()
            self._listener = socket.create_server((host, self._port), family=family)
        except OSError as failure:
            reason, advice = _BY_ERRNO.get(failure.errno or 0, _OTHERWISE)
            raise EmulatorError(
                reason, f"{self.address} cannot be listened on ({failure.strerror}); {advice}"
            ) from None
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]

    def poll(self) -> list[LinkEvent]:
        """As `PumpLink.poll`."""
        events: list[LinkEvent] = []
        if self._client is not None:
            self._serve(self._client, events)  # first: who has left makes room for who waits
        if self._listener is not None:
            self._accept(self._listener, events)
        return events

    def write(self, data: bytes) -> None:
        """As `PumpLink.write`; without a client the octets are lost, as on any line with nobody there."""
        if self._client is not None:
            with suppress(ConnectionError):  # the next poll tells of it, in order
                self._output.write(data, self._client.send)

    def close(self) -> None:
        """As `PumpLink.close`."""
        for sock in (self._client, self._listener):
            if sock is not None:
                sock.close()
        self._client = self._listener = None

    def _resolve(self) -> tuple[socket.AddressFamily, str]:
        family, _, _, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0]
        host = str(address[0])
        if not self._allow_remote and not ip_address(host.partition("%")[0]).is_loopback:
            raise EmulatorError(
                EmulatorFailure.REMOTE_REFUSED,
                f"{self.address} would open the pump to other machines; listen on 127.0.0.1, "
                "or allow remote programmers explicitly",
            )
        return family, host

    def _serve(self, client: socket.socket, events: list[LinkEvent]) -> None:
        data, ended = _drain(client)
        if data:
            events.append(Received(data))
        if not ended:
            try:
                self._output.flush(client.send)
            except ConnectionError:
                ended = True
        if ended:
            events.append(Disconnected(self._peer))
            client.close()
            self._client = None
            self._output.clear()

    def _accept(self, listener: socket.socket, events: list[LinkEvent]) -> None:
        while True:
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            if self._client is None:
                self._admit(client, f"{address[0]}:{address[1]}", events)
            else:
                self._turn_away(client)

    def _admit(self, client: socket.socket, peer: str, events: list[LinkEvent]) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._client, self._peer = client, peer
        events.append(Connected(peer))

    def _turn_away(self, client: socket.socket) -> None:
        self.refused_clients += 1
        client.setblocking(False)
        with suppress(OSError):
            client.send(self._busy_notice)
            client.shutdown(socket.SHUT_WR)
        client.close()


def _drain(client: socket.socket) -> tuple[bytes, bool]:
    """Return what has come in, at most `READ_SIZE` octets, and whether the client has left after it."""
    data = bytearray()
    try:
        while len(data) < READ_SIZE:
            chunk = client.recv(READ_SIZE - len(data))
            if not chunk:
                return bytes(data), True
            data += chunk
    except BlockingIOError:
        return bytes(data), False
    except OSError:
        return bytes(data), True
    return bytes(data), False
