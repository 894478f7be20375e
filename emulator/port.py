"""One link of a pump with the protocol's end behind it: what comes in, what is due, what goes out."""

import logging

from emulator.capture_file import Recording
from emulator.dispatch import Dispatcher, HostedEndpoint
from emulator.life import Life
from emulator.links import Connected, Disconnected, LinkEvent, PumpLink, Received
from protocol.frame import Direction

_log = logging.getLogger(__name__)


class Port:
    """One link of a pump.

    Args:
        life: the device behind it.
        endpoint: its end of the protocol.
        link: its end of the line, started by the caller.
    """

    def __init__(self, life: Life, endpoint: HostedEndpoint, link: PumpLink) -> None:
        self._life = life
        self.endpoint = endpoint
        self.link = link
        self.dispatcher = Dispatcher(life, endpoint)
        self.recording: Recording | None = None
        self.answered = False
        """Whether the last step sent something: the next request may follow at once."""

    def record(self, recording: Recording) -> None:
        """Let `recording` capture what goes over the link from now on; the caller closes it."""
        self.recording = recording
        self.dispatcher.recorder = recording.recorder

    def step(self) -> None:
        """Take what came in, do what is overdue, send what waits; the device has lived up to now.

        Raises:
            EmulatorError: LINK_LOST, or PUMP_FAILED when the model cannot go on.
        """
        endpoint, dispatcher, recording = self.endpoint, self.dispatcher, self.recording
        dispatcher.tick()
        for event in self.link.poll():
            self._take(event)
        deadline_ms = endpoint.next_deadline()
        if deadline_ms is not None and deadline_ms <= self._life.link_ms:
            dispatcher.handle_timeout()
        dispatcher.tell_subscriber()
        data = endpoint.data_to_send()
        self.answered = bool(data)
        if data:
            if recording is not None:
                recording.recorder.octets(Direction.TO_PROGRAMMER, data)
            self.link.write(data)
        if recording is not None:
            recording.flush()

    def note(self, text: str) -> None:
        """Say `text` in the capture, where there is one."""
        if self.recording is not None:
            self.recording.recorder.note(text)

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Received(data):
                if self.recording is not None:
                    self.recording.recorder.octets(Direction.TO_PUMP, data)
                self.dispatcher.receive(data)
            case Disconnected(peer):
                _log.info("programmer left: %s", peer)
                self.dispatcher.disconnected()
                self.note(f"programmer left: {peer}")
            case Connected(peer):
                _log.info("programmer connected: %s", peer)
                self.note(f"programmer connected: {peer}")
