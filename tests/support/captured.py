"""The clinic in memory with a capture on the pump's end of the line."""

from pathlib import Path

import pytest
from support.rig import Rig, counting_entropy, raised_dose

from emulator.capture_file import CaptureFile, Recording
from protocol.capture.recorder import Recorder
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import Direction
from protocol.memory_link import MemoryPeer
from protocol.program import encode_program
from protocol.vocabulary import OverrideReason


class RecordedRig(Rig):
    """A rig whose pump records what goes over each of its lines into ``tmp_path/session.pcapng``."""

    def __init__(self, tmp_path: Path, *, bodies: bool) -> None:
        super().__init__(tmp_path)
        self.path = tmp_path / "session.pcapng"
        recorder = Recorder(bodies=bodies, endpoint=Direction.TO_PUMP)
        self.endpoint = PumpEndpoint(
            self.pump, counting_entropy("pump"), plaintext_tap=recorder.plaintext_tap
        )
        self.recording = Recording(recorder, CaptureFile(self.path, pytest.fail))

    def attach(self, peer: MemoryPeer) -> None:
        """As `Rig.attach`, and record."""
        super().attach(peer)
        assert self.host is not None
        self.host.record(self.recording)

    def dose_change(self) -> tuple[bytes, bytes]:
        """Enrol, interrogate, raise the dose, commit, and close; the program images before and after."""
        service = self.enrolled()
        before = service.view.belief
        assert before is not None
        program = raised_dose(before)
        proposal = service.propose(program)
        assert service.commit(proposal.summary.soft_flags, OverrideReason.NONE).verified
        service.close()
        self.recording.close()
        return before.image, encode_program(program)

    def octets(self) -> bytes:
        """Return the capture."""
        return self.path.read_bytes()
