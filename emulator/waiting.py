"""Waits for descriptors, for a time, or for somebody who wakes the waiter."""

import select
import socket
import time
from contextlib import suppress
from typing import Final, Self

from protocol.link import yield_processor

_LONGEST_MS: Final = 3_600_000
"""A longer wait is cut in pieces: the system takes no time-out above some 24 days."""


class Watched:
    """A set of descriptors to wait on; good for as long as the same ones are waited on."""

    def __init__(self, readers: tuple[int, ...], writers: tuple[int, ...]) -> None:
        self.descriptors = (readers, writers)
        self._poller = select.poll() if hasattr(select, "poll") else None
        if self._poller is not None:
            for fd in readers:
                self._poller.register(fd, select.POLLIN | (select.POLLOUT if fd in writers else 0))
            for fd in writers:
                if fd not in readers:
                    self._poller.register(fd, select.POLLOUT)

    def wait(self, timeout_ms: int | None) -> list[int]:
        """Wait until one is ready or `timeout_ms` (None: no time-out) is over; return the ready ones.

        A very long wait ends early.
        """
        timeout_ms = _LONGEST_MS if timeout_ms is None else max(0, min(timeout_ms, _LONGEST_MS))
        if self._poller is None:
            ready_readers, ready_writers, _ = select.select(*self.descriptors, [], timeout_ms / 1000)
            return [*ready_readers, *ready_writers]
        return [fd for fd, _ in self._poller.poll(timeout_ms)]

    def look_out(self, for_us: int) -> list[int]:
        """Look for a ready descriptor for a moment, without sleeping (ADR 0010)."""
        until_ns = time.perf_counter_ns() + for_us * 1_000
        ready = self.wait(0)
        while not ready and time.perf_counter_ns() < until_ns:
            yield_processor()
            ready = self.wait(0)
        return ready


def wait_for(readers: tuple[int, ...], writers: tuple[int, ...], timeout_ms: int | None) -> list[int]:
    """Wait once, as `Watched.wait`."""
    return Watched(readers, writers).wait(timeout_ms)


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
