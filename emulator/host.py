"""The loop that gives a pump its life: one thread, one link, two clocks.

`Host.step` does everything once, at a link time that is handed in, and says when it wants to be called again:
with an in-memory link and a virtual clock the whole device runs in a test without a thread or a wait.
`Host.run` calls it for ever on a real clock, asleep in between.
"""

import logging
from collections.abc import Callable

from emulator.capture_file import Recording
from emulator.clock import TimeDriver
from emulator.dispatch import Dispatcher, HostedEndpoint, HostedPump
from emulator.links import Connected, Disconnected, LinkEvent, PumpLink, Received
from emulator.waiting import Waker, wait_for
from protocol.capture.recorder import Recorder
from protocol.frame import Direction

_log = logging.getLogger(__name__)


class Host:
    """One pump on one link.

    Args:
        pump: the device.
        endpoint: its end of the protocol.
        link: its end of the line, started by the caller.
        clock: what turns link time into pump time.
    """

    def __init__(self, pump: HostedPump, endpoint: HostedEndpoint, link: PumpLink, clock: TimeDriver) -> None:
        self._pump = pump
        self._endpoint = endpoint
        self._link = link
        self._clock = clock
        self._dispatcher = Dispatcher(pump, endpoint)
        self._recording: Recording | None = None
        self._recorder: Recorder | None = None
        self._waker: Waker | None = None
        self._stopping = False

    @property
    def requests(self) -> int:
        """Requests executed."""
        return self._dispatcher.requests

    @property
    def internal_errors(self) -> int:
        """Requests and session events on which the device failed."""
        return self._dispatcher.internal_errors

    @property
    def power_cycles(self) -> int:
        """Times the device lost power and was started again."""
        return self._dispatcher.power_cycles

    def record(self, recording: Recording) -> None:
        """Let `recording` capture what goes over the link from now on; the caller closes it."""
        self._recording = recording
        self._recorder = self._dispatcher.recorder = recording.recorder

    def step(self, link_ms: int) -> int | None:
        """Let the device live up to `link_ms`: its own events, what came in, what is overdue, what goes out.

        Returns the link time at which something will be due without anything coming in, None for never.

        Raises:
            EmulatorError: LINK_LOST, or PUMP_FAILED when the model cannot go on.
        """
        pump_ms = self._clock.pump_now(link_ms, self._pump.next_event_ms())
        if self._recorder is not None:
            self._recorder.at(link_ms, pump_ms)
        self._dispatcher.live(pump_ms, link_ms)
        for event in self._link.poll():
            self._take(event)
        deadline_ms = self._endpoint.next_deadline()
        if deadline_ms is not None and deadline_ms <= link_ms:
            self._dispatcher.handle_timeout()
        data = self._endpoint.data_to_send()
        if data:
            if self._recorder is not None:
                self._recorder.octets(Direction.TO_PROGRAMMER, data)
            self._link.write(data)
        if self._recording is not None:
            self._recording.flush()
        return self._next_ms(link_ms)

    def run(self, now_ms: Callable[[], int]) -> None:
        """Live until `stop`, on the link clock `now_ms`.

        Raises:
            EmulatorError: as for `step`.
        """
        with Waker() as waker:
            self._waker = waker
            try:
                while not self._stopping:
                    next_ms = self.step(now_ms())
                    self._wait(waker, None if next_ms is None else next_ms - now_ms())
            finally:
                self._waker = None

    def set_head(self, on: bool) -> None:
        """Put the programming head on the pump or take it off, at the link time of the last `step`."""
        self._dispatcher.set_head(on)

    def stop(self) -> None:
        """End `run` soon, or before it begins; may be called from any thread and from a signal handler."""
        self._stopping = True
        waker = self._waker
        if waker is not None:
            waker.wake()

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Received(data):
                if self._recorder is not None:
                    self._recorder.octets(Direction.TO_PUMP, data)
                self._dispatcher.receive(data)
            case Disconnected(peer):
                _log.info("programmer left: %s", peer)
                self._dispatcher.disconnected()
                self._note(f"programmer left: {peer}")
            case Connected(peer):
                _log.info("programmer connected: %s", peer)
                self._note(f"programmer connected: {peer}")

    def _note(self, text: str) -> None:
        if self._recorder is not None:
            self._recorder.note(text)

    def _wait(self, waker: Waker, timeout_ms: int | None) -> None:
        readers, writers = self._link.wait_on()
        interval_ms = self._link.poll_interval_ms
        if interval_ms is not None:
            timeout_ms = interval_ms if timeout_ms is None else min(timeout_ms, interval_ms)
        ear = waker.fileno()
        if ear in wait_for((*readers, ear), writers, timeout_ms):
            waker.clear()

    def _next_ms(self, link_ms: int) -> int | None:
        due = (
            self._endpoint.next_deadline(),
            self._clock.wall_deadline(link_ms, self._pump.next_event_ms()),
        )
        return min((ms for ms in due if ms is not None), default=None)
