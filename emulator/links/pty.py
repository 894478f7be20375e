"""A pseudo-terminal behind a stable symlink: the pump's end of a virtual serial line.

Both descriptors are raw before the name is known to anybody (a cooked terminal would echo, and would eat
0x03, 0x11 and 0x13). One slave descriptor stays open for as long as the link lives, so that the master gives
no EIO when a client closes.
"""

import os
import termios
import tty
from typing import Final

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import READ_SIZE, Connected, Disconnected, LinkEvent, OutputBuffer, Received
from emulator.links.link_file import LinkFile
from emulator.links.presence import InotifyWatch, Presence, Watch

_PEER: Final = "terminal client"


class PtyLink:
    """A `PumpLink` over a pseudo-terminal; `path` is where its symlink is published."""

    def __init__(self, path: str) -> None:
        self._file = LinkFile(path)
        self._output = OutputBuffer()
        self._presence = Presence()
        self._watch: Watch | None = None
        self._fds: tuple[int, int] | None = None
        self._slave_name = ""
        self.poll_interval_ms: int | None = None

    @property
    def address(self) -> str:
        """Path of the symlink."""
        return self._file.path

    @property
    def slave_name(self) -> str:
        """Name of the terminal behind the symlink."""
        return self._slave_name

    @property
    def discarded_bytes(self) -> int:
        """As `PumpLink.discarded_bytes`."""
        return self._output.discarded_bytes

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """As `PumpLink.wait_on`."""
        if self._fds is None:
            return (), ()
        master = self._fds[0]
        readers = (master, self._watch.fileno()) if self._watch else (master,)
        return readers, (master,) if self._output else ()

    def start(self) -> None:
        """As `PumpLink.start`."""
        self._file.reserve()
        try:
            self._open_terminal()
            self._file.publish(self._slave_name)
        except BaseException:
            self.close()
            raise

    def poll(self) -> list[LinkEvent]:
        """As `PumpLink.poll`."""
        was_there = self._presence.somebody
        everybody_left = self._presence.note(self._watch.poll()) if self._watch else False
        data = self._read()
        if data and not self._watch:
            self._presence.heard()
        is_there = self._presence.somebody
        if everybody_left:
            self._forget_client()
        self._output.flush(self._send)
        heard: list[LinkEvent] = [Received(data)] if data else []
        if was_there and everybody_left and is_there:
            # Whose octets these are cannot be told: they count as the newcomer's.
            return [Disconnected(_PEER), Connected(_PEER), *heard]
        come: list[LinkEvent] = [Connected(_PEER)] if not was_there and (is_there or everybody_left) else []
        gone: list[LinkEvent] = [Disconnected(_PEER)] if everybody_left and not is_there else []
        return come + heard + gone

    def write(self, data: bytes) -> None:
        """As `PumpLink.write`."""
        self._output.write(data, self._send)

    def close(self) -> None:
        """As `PumpLink.close`: the link goes first, so that nobody opens a terminal that is about to go."""
        self._file.release()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._fds is not None:
            for fd in self._fds:
                os.close(fd)
            self._fds = None

    def _open_terminal(self) -> None:
        try:
            self._fds = os.openpty()
        except OSError as failure:
            raise EmulatorError(
                EmulatorFailure.LINK_UNSUPPORTED,
                f"this machine gives no pseudo-terminal ({failure.strerror}); use tcp:127.0.0.1:0 instead",
            ) from None
        for fd in self._fds:
            tty.setraw(fd)
        os.set_blocking(self._fds[0], False)
        self._slave_name = os.ttyname(self._fds[1])
        self._watch = InotifyWatch.on(self._slave_name)

    def _read(self) -> bytes:
        if self._fds is None:
            return b""
        try:
            return os.read(self._fds[0], READ_SIZE)
        except BlockingIOError:
            return b""

    def _send(self, data: bytes) -> int:
        return os.write(self._fds[0], data) if self._fds is not None else len(data)

    def _forget_client(self) -> None:
        """Drop what the last client did not read and undo what it set: the next finds a clean line."""
        self._output.clear()
        if self._fds is not None:
            slave = self._fds[1]
            termios.tcflush(slave, termios.TCIFLUSH)
            tty.setraw(slave, termios.TCSANOW)  # the default waits for a line that may be stuck
