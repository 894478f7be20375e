"""A tap: it stands between a programmer and a pump, passes every octet on unchanged, and records it.

It holds no key and no endpoint. What it says of a frame is what any receiver must make of it.
"""

import logging
import threading
from collections import deque
from contextlib import suppress
from typing import Final

from emulator.capture_file import Recording
from emulator.links import Connected, Disconnected, LinkEvent, PumpLink, Received
from emulator.waiting import Waker, wait_for
from protocol.frame import Direction
from protocol.link import Link, monotonic_ms
from protocol.link_error import LinkError

_log = logging.getLogger(__name__)

_SLICE_MS: Final = 200
"""How long one read of the pump's link may wait, and so how long an end may take."""
_TICK_MS: Final = 500
"""How long the tap sleeps at most, so that a broken frame is in the capture soon after its gap."""


class Relay:
    """Passes octets between the link to a pump and the link that a programmer opens.

    The pump's link is read in a thread of its own, since not every kind of link can be waited for together
    with others; everything else happens in the thread that calls `run`.

    Args:
        pump: an open link to the pump; the caller closes it.
        programmer: the end a programmer connects to, started by the caller.
        recording: what is recorded into; the caller closes it.
    """

    def __init__(self, pump: Link, programmer: PumpLink, recording: Recording) -> None:
        self._pump = pump
        self._programmer = programmer
        self.recording = recording
        self._recorder = recording.recorder
        self._connected = False
        self._stopping = False
        self._from_pump: deque[tuple[int, bytes]] = deque()
        self._pump_failure: LinkError | None = None
        self._waker: Waker | None = None

    def run(self) -> None:
        """Relay until `stop`.

        Raises:
            LinkError: the pump's link failed.
            EmulatorError: the programmer's link failed.
        """
        with Waker() as waker:
            self._waker = waker
            reader = threading.Thread(target=self._read_pump, args=(waker,), daemon=True)
            reader.start()
            try:
                while not self._stopping:
                    self._step()
                    self._wait(waker)
            finally:
                self._stopping = True
                reader.join()
                self._waker = None
                self._step_pump(forward=False)
                self.recording.flush()

    def stop(self) -> None:
        """End `run` soon; from any thread and from a signal handler."""
        self._stopping = True
        waker = self._waker
        if waker is not None:
            waker.wake()

    # --- the pump's side ----------------------------------------------------------------------------------

    def _read_pump(self, waker: Waker) -> None:
        try:
            while not self._stopping:
                data = self._pump.read(_SLICE_MS)
                if data:
                    self._from_pump.append((monotonic_ms(), data))
                    waker.wake()
        except LinkError as error:
            self._pump_failure = error
            waker.wake()

    def _step_pump(self, *, forward: bool = True) -> None:
        with suppress(IndexError):  # empty
            while True:
                at_ms, data = self._from_pump.popleft()
                self._recorder.at(at_ms)
                self._recorder.octets(Direction.TO_PROGRAMMER, data)
                # With nobody there, the octets would wait for the next client, who did not ask for them.
                if self._connected and forward:
                    self._programmer.write(data)

    # --- one step -----------------------------------------------------------------------------------------

    def _step(self) -> None:
        failure = self._pump_failure
        self._step_pump()
        self._recorder.at(monotonic_ms())
        for event in self._programmer.poll():
            self._take(event)
        self.recording.flush()
        if failure is not None:
            raise failure

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Received(data):
                self._connected = True
                self._recorder.octets(Direction.TO_PUMP, data)
                self._pump.write(data)
            case Connected(peer):
                self._connected = True
                _log.info("programmer connected: %s", peer)
                self._recorder.note(f"programmer connected: {peer}")
            case Disconnected(peer):
                self._connected = False
                _log.info("programmer left: %s", peer)
                self._recorder.note(f"programmer left: {peer}")

    def _wait(self, waker: Waker) -> None:
        if self._from_pump or self._pump_failure or self._stopping:
            return
        readers, writers = self._programmer.wait_on()
        interval_ms = self._programmer.poll_interval_ms
        timeout_ms = _TICK_MS if interval_ms is None else min(_TICK_MS, interval_ms)
        ear = waker.fileno()
        if ear in wait_for((*readers, ear), writers, timeout_ms):
            waker.clear()
