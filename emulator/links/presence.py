"""Tells whether a client holds a pseudo-terminal.

The emulator keeps one slave descriptor open, so that a client that closes causes no endless EIO. The price is
that its leaving shows on neither descriptor. Where the system can watch a file (inotify on Linux), an open or
a close of the slave wakes the loop. Elsewhere a client is known by its first octet, and its leaving only by
the idle time-out of its session.
"""

import ctypes
import os
import struct
from enum import Enum, auto, unique
from typing import Final, Protocol, Self

_IN_CLOSE: Final = 0x0008 | 0x0010
_IN_OPEN: Final = 0x0020
_EVENT: Final = struct.Struct("iIII")


@unique
class Use(Enum):
    """What somebody did with the slave."""

    OPENED = auto()
    CLOSED = auto()


class Watch(Protocol):
    """A watch on the slave's name."""

    def fileno(self) -> int:
        """Descriptor that can be read when something happened."""

    def poll(self) -> list[Use]:
        """Return what happened since the last call, in order."""

    def close(self) -> None:
        """Stop watching."""


class InotifyWatch:
    """Opens and closes of one file, from Linux inotify."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def on(cls, path: str) -> Self | None:
        """Watch `path`, or return None where the system cannot."""
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return None
        fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            return None
        if libc.inotify_add_watch(fd, os.fsencode(path), _IN_OPEN | _IN_CLOSE) < 0:
            os.close(fd)
            return None
        return cls(fd)

    def fileno(self) -> int:
        """As `Watch.fileno`."""
        return self._fd

    def poll(self) -> list[Use]:
        """As `Watch.poll`; equal neighbours may be merged into one by the system."""
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return []
        uses: list[Use] = []
        offset = 0
        while offset < len(data):
            _, mask, _, name_size = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size + name_size
            if mask & (_IN_OPEN | _IN_CLOSE):
                uses.append(Use.OPENED if mask & _IN_OPEN else Use.CLOSED)
        return uses

    def close(self) -> None:
        """As `Watch.close`."""
        os.close(self._fd)


class Presence:
    """Counts who holds the slave, and says when the last of them has gone.

    The system merges equal events that wait together, so two clients that open (or close) in the same moment
    count as one. The worst that follows is a session dropped early, or one that ends by its idle time-out.
    """

    def __init__(self) -> None:
        self._holders = 0

    @property
    def somebody(self) -> bool:
        """Whether a client is there."""
        return self._holders > 0

    def note(self, uses: list[Use]) -> bool:
        """Take in what happened; True when at some moment the last client had gone."""
        everybody_left = False
        for use in uses:
            before = self._holders
            self._holders = max(0, before + (1 if use is Use.OPENED else -1))
            everybody_left |= before > 0 and self._holders == 0
        return everybody_left

    def heard(self) -> None:
        """Octets came in, so somebody is there."""
        self._holders = max(1, self._holders)
