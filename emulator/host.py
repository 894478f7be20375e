"""The loop that gives a pump its life: one thread, one pump on one or several links, two clocks.

`Host.step` does everything once, at a link time that is handed in, and says when it wants to be called again:
with an in-memory link and a virtual clock the whole device runs in a test without a thread or a wait.
`Host.run` calls it for ever on a real clock, asleep in between.
"""

import logging
from collections.abc import Callable

from emulator.capture_file import Recording
from emulator.clock import TimeDriver
from emulator.dispatch import HostedEndpoint
from emulator.life import HostedPump, Life
from emulator.links import PumpLink
from emulator.port import Port
from emulator.waiting import Waker, Watched
from protocol.capture.recorder import Recorder
from protocol.link import LOOK_OUT_US

_log = logging.getLogger(__name__)


class Host:
    """One pump, on one link to begin with.

    Args:
        pump: the device.
        endpoint: its end of the protocol on that link.
        link: its end of the line, started by the caller.
        clock: what turns link time into pump time.
    """

    def __init__(self, pump: HostedPump, endpoint: HostedEndpoint, link: PumpLink, clock: TimeDriver) -> None:
        self._pump = pump
        self._clock = clock
        self._life = Life(pump)
        self._ports: list[Port] = []
        self._recorders: list[Recorder] = []
        self._event_ms = pump.next_event_ms()
        self._head_on = True
        self._head_wanted: bool | None = None
        self._waker: Waker | None = None
        self._watched: Watched | None = None
        self._stopping = False
        self.add_link(endpoint, link)

    def add_link(self, endpoint: HostedEndpoint, link: PumpLink) -> int:
        """Put the pump on a further link, before the first `step`; return the number of its port."""
        self._ports.append(Port(self._life, endpoint, link))
        return len(self._ports) - 1

    @property
    def requests(self) -> int:
        """Requests executed."""
        return sum(port.dispatcher.requests for port in self._ports)

    @property
    def internal_errors(self) -> int:
        """Requests and session events on which the device failed."""
        return sum(port.dispatcher.internal_errors for port in self._ports)

    @property
    def power_cycles(self) -> int:
        """Times the device lost power and was started again."""
        return self._life.power_cycles

    @property
    def head_on(self) -> bool:
        """Whether the programming head lies on the pump."""
        return self._head_on

    def record(self, recording: Recording, port: int = 0) -> None:
        """Let `recording` capture what goes over a port's link from now on; the caller closes it."""
        self._ports[port].record(recording)
        self._recorders.append(recording.recorder)

    def step(self, link_ms: int) -> int | None:
        """Let the device live up to `link_ms`: its own events, what came in, what is overdue, what goes out.

        Returns the link time at which something will be due without anything coming in, None for never.

        Raises:
            EmulatorError: LINK_LOST, or PUMP_FAILED when the model cannot go on.
        """
        # Nothing in the pump changes between two steps, so the event found by the last one still stands.
        pump_ms = self._clock.pump_now(link_ms, self._event_ms)
        for recorder in self._recorders:
            recorder.at(link_ms, pump_ms)
        self._life.live(pump_ms, link_ms)
        if self._head_wanted is not None:
            wanted, self._head_wanted = self._head_wanted, None
            self.set_head(wanted)
        for port in self._ports:
            port.step()
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
        moved, self._head_on = on is not self._head_on, on
        if moved:
            _log.info("programming head %s", "put on the pump" if on else "taken off the pump")
        for port in self._ports:
            port.note(f"programming head {'on' if on else 'off'}")
            port.dispatcher.set_head(on)

    def toggle_head(self) -> None:
        """Move the programming head at the next `step`; from any thread or signal handler."""
        now_on = self._head_on if self._head_wanted is None else self._head_wanted
        self._head_wanted = not now_on
        self._wake()

    def stop(self) -> None:
        """End `run` soon, or before it begins; may be called from any thread and from a signal handler."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        waker = self._waker
        if waker is not None:
            waker.wake()

    def _wait(self, waker: Waker, timeout_ms: int | None) -> None:
        readers: list[int] = []
        writers: list[int] = []
        for port in self._ports:
            reading, writing = port.link.wait_on()
            readers += reading
            writers += writing
            interval_ms = port.link.poll_interval_ms
            if interval_ms is not None:
                timeout_ms = interval_ms if timeout_ms is None else min(timeout_ms, interval_ms)
        ear = waker.fileno()
        descriptors = ((*readers, ear), tuple(writers))
        if self._watched is None or self._watched.descriptors != descriptors:
            self._watched = Watched(*descriptors)
        ready = self._watched.look_out(LOOK_OUT_US) if any(port.answered for port in self._ports) else []
        if ear in (ready or self._watched.wait(timeout_ms)):
            waker.clear()

    def _next_ms(self, link_ms: int) -> int | None:
        self._event_ms = self._pump.next_event_ms()
        due_ms = self._clock.wall_deadline(link_ms, self._event_ms)
        for port in self._ports:
            port_ms = port.endpoint.next_deadline()
            if port_ms is not None and (due_ms is None or port_ms < due_ms):
                due_ms = port_ms
        return due_ms
