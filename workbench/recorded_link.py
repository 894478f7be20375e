"""The programmer's link with a capture on it: the octets pass unchanged, and are recorded on their way."""

from collections.abc import Callable, Sequence

from emulator.capture_file import CaptureFile, Recording
from protocol.capture.recorder import Recorder
from protocol.events import FrameDropped, ProgrammerEvent
from protocol.frame import Direction
from protocol.link import Link


class ProgrammerCapture:
    """The capture of everything a programmer says and hears, over however many links.

    Args:
        path: where it goes, ``-`` for standard output.
        bodies: put decrypted messages into it, which are patient data.
        on_failure: told once, in words, when the file cannot be written any more.

    Raises:
        CaptureFileError: the file cannot be made.
    """

    def __init__(self, path: str, bodies: bool, on_failure: Callable[[str], None]) -> None:
        self.recorder = Recorder(bodies=bodies, endpoint=Direction.TO_PROGRAMMER)
        self._recording = Recording(self.recorder, CaptureFile(path, on_failure))

    def link(self, link: Link) -> Link:
        """Return ``link`` with the capture on it."""
        self.recorder.restarted()
        return _RecordedLink(link, self._recording)

    def observe(self, events: Sequence[ProgrammerEvent]) -> None:
        """Mark what the endpoint has just refused; what it has judged is written."""
        for event in events:
            if isinstance(event, FrameDropped):
                self.recorder.dropped(event.drop)
        self._recording.flush()

    def close(self) -> None:
        """Write what is left and close the file; may be called again."""
        self._recording.close()


class _RecordedLink:
    """A `Link` that records; `ProgrammerCapture.observe` writes what was read, once it is judged."""

    def __init__(self, link: Link, recording: Recording) -> None:
        self._link = link
        self._recording = recording

    @property
    def description(self) -> str:
        return self._link.description

    def read(self, timeout_ms: int) -> bytes:
        data = self._link.read(timeout_ms)
        self._recording.recorder.at(self._link.now_ms())
        self._recording.recorder.octets(Direction.TO_PROGRAMMER, data)
        return data

    def write(self, data: bytes) -> None:
        self._recording.recorder.at(self._link.now_ms())
        self._recording.recorder.octets(Direction.TO_PUMP, data)
        self._recording.flush()
        self._link.write(data)

    def close(self) -> None:
        self._recording.flush()
        self._link.close()

    def now_ms(self) -> int:
        return self._link.now_ms()
