"""Waits for descriptors, for a time, or for somebody who wakes the waiter."""

import select
import socket
from contextlib import suppress
from typing import Final, Self

_LONGEST_MS: Final = 3_600_000
"""A longer wait is cut in pieces: the system takes no time-out above some 24 days."""


def wait_for(readers: tuple[int, ...], writers: tuple[int, ...], timeout_ms: int | None) -> list[int]:
    """Wait until a descriptor is ready or `timeout_ms` (None: no time-out) is over; return the ready ones.

    A very long wait ends early.
    """
    timeout_ms = _LONGEST_MS if timeout_ms is None else max(0, min(timeout_ms, _LONGEST_MS))
    if not hasattr(select, "poll"):
        ready_readers, ready_writers, _ = select.select(readers, writers, [], timeout_ms / 1000)
        return [*ready_readers, *ready_writers]
    # Made anew each time: a lasting registration would miss a new client that got the number of the last one.
    poller = select.poll()
    for fd in readers:
        poller.register(fd, select.POLLIN | (select.POLLOUT if fd in writers else 0))
    for fd in writers:
        if fd not in readers:
            poller.register(fd, select.POLLOUT)
    return [fd for fd, _ in poller.poll(timeout_ms)]


class Waker:
    """Wakes a waiting loop from another thread or from a signal handler."""

    def __init__(self) -> None:
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)

    def fileno(self) -> int:
        """Descriptor that becomes readable at `wake`."""
        return self._ear.fileno()

    def wake(self) -> None:
        """Wake the loop; never blocks and never fails."""
        with suppress(OSError):  # full: it is being woken already; closed: it waits no more
            self._mouth.send(b"\0")

    def clear(self) -> None:
        """Forget all wakes so far."""
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ear.close()
        self._mouth.close()
