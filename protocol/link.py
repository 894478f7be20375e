"""Opens a link: the one place of the protocol that touches the world.

A link is a pipe of bytes with a clock of its own. This module turns a link text (a pseudo-terminal path, a
serial device, ``tcp:HOST:PORT`` or any pySerial URL) into a `Link`, and turns every way in which an operating
system or pySerial can fail into one `LinkError` with an enumerated reason. Framing, retries and meaning live
elsewhere.

The in-process null modem for tests and deterministic runs is in `protocol.memory_link`.
"""

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import serial

from protocol.link_error import LinkError, LinkFailure, link_error
from protocol.link_text import serial_target, socket_address
from protocol.memory_link import memory_link_pair

try:
    import termios
except ImportError:  # a system without terminals cannot raise their error either
    _TERMINAL_ERRORS: tuple[type[Exception], ...] = ()
else:
    _TERMINAL_ERRORS = (termios.error,)

__all__ = [
    "DEFAULT_BAUD",
    "MAX_READ",
    "Link",
    "LinkError",
    "LinkFailure",
    "link_failures",
    "memory_link_pair",
    "monotonic_ms",
    "native_descriptor",
    "open_link",
    "open_serial_port",
    "system_entropy",
    "yield_processor",
]

DEFAULT_BAUD: Final = 115_200
MAX_READ: Final = 4096
"""Most octets one `Link.read` returns."""
WRITE_TIMEOUT_MS: Final = 1000
"""A pseudo-terminal with no reader takes about 20 kB, then blocks for ever; a frame is at most 256 octets."""
CONNECT_TIMEOUT_MS: Final = 5000
LOOK_OUT_US: Final = 200
"""How long a reader looks for an answer before it sleeps; see ADR 0010."""
_ZOO: Final[tuple[type[Exception], ...]] = (
    OSError,
    ValueError,
    TypeError,
    LookupError,  # raised by pySerial at an option that one of its handlers does not know
    NotImplementedError,
    *_TERMINAL_ERRORS,
)
"""All that the system and pySerial raise when a link fails."""
_URL_SLICE_S: Final = 0.02
"""How long one pySerial read may wait. Fixed: a changed time-out makes some handlers renegotiate the port."""


class Link(Protocol):
    """A pipe of bytes to a pump, with the clock that its deadlines are counted on."""

    @property
    def description(self) -> str:
        """The link as a person would name it."""

    def read(self, timeout_ms: int) -> bytes:
        """Wait up to `timeout_ms` for octets and return all that are there, at most `MAX_READ`.

        Returns an empty string when the time is over.

        Raises:
            LinkError: the link has vanished.
        """

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            LinkError: VANISHED, or TIMEOUT when the other side takes nothing for `WRITE_TIMEOUT_MS`; after a
                time-out nothing is known of how much went out.
        """

    def close(self) -> None:
        """Release the link. Never fails, and may be called again."""

    def now_ms(self) -> int:
        """Link time in ms: monotonic on a real link, virtual on an in-memory one."""


def system_entropy(count: int) -> bytes:
    """Return `count` octets from the operating system's random source."""
    return os.urandom(count)


def yield_processor() -> None:
    """Let another process or thread run, if one wants to."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()
    else:
        time.sleep(0)


def monotonic_ms() -> int:
    """Return the machine's monotonic time in ms: the link time of every real link."""
    return time.monotonic_ns() // 1_000_000


# --- opening ------------------------------------------------------------------------------------------------


def open_link(url: str, *, baud: int = DEFAULT_BAUD, exclusive: bool = True) -> Link:
    """Open the link that `url` names.

    Args:
        url: a path to a pseudo-terminal or a serial device (a symlink will do), ``pty:PATH``,
            ``serial:DEVICE``, ``COM3``, ``tcp:HOST:PORT``, or any pySerial URL (``socket://``, ``rfc2217://``,
            ``loop://``, ``spy://``).
        baud: line speed in bit/s for real serial lines; pseudo-terminals and sockets ignore it.
        exclusive: refuse a device that another program holds, and keep others off while it is open.

    Raises:
        LinkError: with the reason and with what would be right.
    """
    target = serial_target(url)
    address = socket_address(target)
    if address is not None:
        return _open_socket(*address)
    if "://" not in target:
        target = str(Path(target).expanduser())
    port = open_serial_port(target, baud=baud, exclusive=exclusive)
    fd = native_descriptor(port)
    if fd is None:
        return _UrlLink(target, port)
    return _DescriptorLink(target, fd, partial(os.read, fd), partial(os.write, fd), port.close)


def open_serial_port(target: str, *, baud: int = DEFAULT_BAUD, exclusive: bool = True) -> serial.Serial:
    """Open a serial device or pySerial URL: raw, without flow control, with bounded waits.

    Raises:
        LinkError: with the reason and with what would be right.
    """
    if baud <= 0:  # speed 0 would hang the line up
        raise link_error(LinkFailure.UNSUPPORTED, target, f"at {baud} bit/s; a line speed is above 0")
    # The RFC 2217 handler refuses a write time-out; its socket has one of its own.
    write_timeout_s = None if target.startswith("rfc2217://") else WRITE_TIMEOUT_MS / 1000
    with link_failures(target, opening=True):
        return serial.serial_for_url(
            target,
            baudrate=baud,
            timeout=_URL_SLICE_S,
            write_timeout=write_timeout_s,
            exclusive=True if exclusive else None,
            xonxoff=False,
            rtscts=False,
            dsrdtr=False,
        )


def native_descriptor(port: serial.Serial) -> int | None:
    """Return the descriptor to read and write `port` on directly, None when only pySerial can drive it."""
    return port.fileno() if os.name == "posix" and type(port) is serial.Serial else None


def _open_socket(host: str, port: int) -> Link:
    # Not pySerial's socket handler: that one reads octet by octet, leaves Nagle on and sleeps 0.3 s in close.
    where = f"tcp:{host}:{port}"
    with link_failures(where, opening=True):
        sock = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_MS / 1000)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _DescriptorLink(where, sock.fileno(), sock.recv, sock.send, sock.close)


# --- the two kinds of real link -----------------------------------------------------------------------------


class _RealLink:
    """What every link on the machine's own clock shares."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._closed = False

    @property
    def description(self) -> str:
        return self._description

    def now_ms(self) -> int:
        return monotonic_ms()

    def _check_open(self) -> None:
        if self._closed:
            raise link_error(LinkFailure.VANISHED, self._description, "closed on this side")


class _DescriptorLink(_RealLink):
    """A terminal or a socket, read and written on its descriptor: no detour through pySerial's loops."""

    def __init__(
        self,
        description: str,
        fd: int,
        receive: Callable[[int], bytes],
        send: Callable[[bytes], int],
        close: Callable[[], None],
    ) -> None:
        super().__init__(description)
        self._fd = fd
        self._receive = receive
        self._send = send
        self._close = close
        self._answer_due = False

    def read(self, timeout_ms: int) -> bytes:
        self._check_open()
        with link_failures(self._description):
            data = self._look_out() if self._answer_due else b""
            if data:
                return data
            if not _wait(self._fd, timeout_ms, for_write=False):
                return b""
            try:
                data = self._receive(MAX_READ)
            except BlockingIOError:
                return b""
        if not data:  # ready to read and nothing there is how a hang-up looks, on sockets and on terminals
            raise link_error(LinkFailure.VANISHED, self._description, "the other end closed it")
        return data

    def _look_out(self) -> bytes:
        """Look for the answer to what was just written, for a moment, without sleeping (ADR 0010)."""
        self._answer_due = False
        until_ns = time.perf_counter_ns() + LOOK_OUT_US * 1_000
        while time.perf_counter_ns() < until_ns:
            with suppress(BlockingIOError):
                data = self._receive(MAX_READ)
                if data:
                    return data
            yield_processor()
        return b""

    def write(self, data: bytes) -> None:
        self._check_open()
        self._answer_due = True
        deadline_ms = monotonic_ms() + WRITE_TIMEOUT_MS
        rest = memoryview(data)
        with link_failures(self._description):
            while rest:
                try:
                    rest = rest[self._send(bytes(rest)) :]
                except BlockingIOError:
                    if not _wait(self._fd, max(0, deadline_ms - monotonic_ms()), for_write=True):
                        stuck = "the other end takes no data"
                        raise link_error(LinkFailure.TIMEOUT, self._description, stuck) from None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            with suppress(*_ZOO):
                self._close()


class _UrlLink(_RealLink):
    """A port that only pySerial's methods can drive: ``rfc2217://``, ``loop://``, ``spy://``, ``COM3``."""

    def __init__(self, description: str, port: serial.Serial) -> None:
        super().__init__(description)
        self._port = port

    def read(self, timeout_ms: int) -> bytes:
        """As `Link.read`, but a wait may last up to 20 ms longer than asked."""
        self._check_open()
        deadline_ms = monotonic_ms() + timeout_ms
        with link_failures(self._description):
            while True:
                data = self._take() if self._port.in_waiting or monotonic_ms() < deadline_ms else b""
                if data or monotonic_ms() >= deadline_ms:
                    return data

    def _take(self) -> bytes:
        first = bytes(self._port.read(1))  # waits for one slice at most
        return first + bytes(self._port.read(min(self._port.in_waiting, MAX_READ - 1))) if first else b""

    def write(self, data: bytes) -> None:
        self._check_open()
        with link_failures(self._description):
            self._port.write(data)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            with suppress(*_ZOO):
                self._port.close()


def _wait(fd: int, timeout_ms: int, *, for_write: bool) -> bool:
    """Wait until `fd` can be read (or written); False when the time is over first."""
    if hasattr(select, "poll"):  # select() cannot take descriptors above 1023
        poller = select.poll()
        poller.register(fd, select.POLLOUT if for_write else select.POLLIN)
        return bool(poller.poll(timeout_ms))
    readers, writers = ([], [fd]) if for_write else ([fd], [])
    return any(select.select(readers, writers, [], timeout_ms / 1000)[:2])


# --- failures: the one place that knows the zoo -------------------------------------------------------------

_BY_ERRNO: Final[Mapping[int, LinkFailure]] = {
    errno.ENOENT: LinkFailure.MISSING,
    errno.ENOTDIR: LinkFailure.MISSING,
    errno.ELOOP: LinkFailure.MISSING,
    errno.ENXIO: LinkFailure.MISSING,
    errno.ENODEV: LinkFailure.MISSING,
    errno.EHOSTUNREACH: LinkFailure.MISSING,
    errno.ENETUNREACH: LinkFailure.MISSING,
    errno.EAGAIN: LinkFailure.BUSY,
    errno.EWOULDBLOCK: LinkFailure.BUSY,
    errno.EBUSY: LinkFailure.BUSY,
    errno.EACCES: LinkFailure.PERMISSION,
    errno.EPERM: LinkFailure.PERMISSION,
    errno.ECONNREFUSED: LinkFailure.REFUSED,
    errno.ETIMEDOUT: LinkFailure.TIMEOUT,
    errno.EIO: LinkFailure.VANISHED,
}


@contextmanager
def link_failures(where: str, *, opening: bool = False) -> Iterator[None]:
    """Turn whatever the system or pySerial raises inside the block into a `LinkError` about the link `where`.

    A terminal whose other side is gone shows itself as OSError 5 (``in_waiting``), as SerialException
    (``read``, ``write``) or as ``termios.error``, which is not even an OSError (``flush``), by the call.
    """
    try:
        yield
    except LinkError:
        raise
    except _ZOO as failure:
        chain = tuple(_chain(failure))
        reason = _reason_at_open(chain) if opening else _reason_in_use(chain)
        raise link_error(reason, where, _detail(reason, where, chain)) from failure


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """Walk from a failure to the ones it was made from: pySerial hides the errno in them."""
    link: BaseException | None = failure
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _errno(failure: BaseException) -> int | None:
    if isinstance(failure, OSError):
        return failure.errno
    if isinstance(failure, _TERMINAL_ERRORS) and failure.args:
        return int(failure.args[0])
    return None


def _reason_in_use(chain: tuple[BaseException, ...]) -> LinkFailure:
    # Once open, a link either takes data too slowly or is gone: nothing else can be told apart, or matters.
    slow = any(isinstance(failure, serial.SerialTimeoutException | TimeoutError) for failure in chain)
    return LinkFailure.TIMEOUT if slow else LinkFailure.VANISHED


def _reason_at_open(chain: tuple[BaseException, ...]) -> LinkFailure:
    for failure in chain:
        if isinstance(failure, TimeoutError):
            return LinkFailure.TIMEOUT
        if isinstance(failure, socket.gaierror):
            return LinkFailure.MISSING
        number = _errno(failure)
        if number is not None and number in _BY_ERRNO:
            return _BY_ERRNO[number]
    if any(isinstance(failure, ValueError | TypeError | LookupError) for failure in chain):
        return LinkFailure.BAD_URL
    return LinkFailure.UNSUPPORTED


def _detail(reason: LinkFailure, where: str, chain: tuple[BaseException, ...]) -> str:
    if reason is LinkFailure.MISSING and Path(where).is_symlink():
        return f"it points to {Path(where).readlink()}, which is gone: the pump that made it has ended"
    number = next((n for n in map(_errno, chain) if n is not None and n > 0), None)
    return os.strerror(number) if number else str(chain[-1])
