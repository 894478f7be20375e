"""A capture is private, is written as things happen, and ends without taking the pump with it."""

import os
import stat
from pathlib import Path

import pytest

from emulator.capture_file import CaptureFile, CaptureFileError, Recording
from protocol.capture.pcapng import read_pcapng
from protocol.capture.recorder import Recorder
from protocol.frame import Direction, Frame, FrameKind, encode_frame, to_wire

FRAME = Frame(FrameKind.LINK, Direction.TO_PUMP, 0, 0xFFFF, b"\x3c")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_read_it_even_where_an_open_file_was_there(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_bytes(b"longer than nothing")
    old.chmod(0o644)
    for path in (new, old):
        CaptureFile(path, pytest.fail).close()
        assert mode_of(path) == 0o600
        assert path.read_bytes() == b""


def test_packets_are_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    recording = Recording(Recorder(), CaptureFile(tmp_path / "c", pytest.fail))
    recording.recorder.at(0)
    recording.recorder.octets(Direction.TO_PUMP, to_wire(FRAME))
    recording.flush()
    _, packets = read_pcapng((tmp_path / "c").read_bytes())
    assert [packet.octets for packet in packets] == [encode_frame(FRAME)]
    recording.close()
    recording.close()


def test_a_full_disk_ends_the_capture_with_one_message_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was whole before stays; of the packet that did not fit, nothing does."""
    told: list[str] = []
    recording = Recording(Recorder(), CaptureFile(tmp_path / "c", told.append))
    recorder = recording.recorder
    recorder.at(0)
    recorder.octets(Direction.TO_PUMP, to_wire(FRAME))
    recording.flush()
    good = (tmp_path / "c").read_bytes()
    real = os.write

    def half(fd: int, data: bytes) -> int:
        if len(data) <= 20:
            raise OSError(28, "No space left on device")
        return real(fd, bytes(data[:20]))

    monkeypatch.setattr(os, "write", half)
    for _ in range(3):
        recorder.octets(Direction.TO_PUMP, to_wire(FRAME))
        recording.flush()
    recording.close()
    assert (tmp_path / "c").read_bytes() == good
    assert not recording.running
    (message,) = told
    assert "No space left on device" in message
    assert str(tmp_path / "c") in message


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureFileError, match=r"Cannot write the capture .*: Is a directory\. Name a file"):
        CaptureFile(tmp_path, pytest.fail)


def test_a_reader_that_goes_away_ends_the_capture_only(tmp_path: Path) -> None:
    """As when Wireshark is closed while the tap runs."""
    told: list[str] = []
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = CaptureFile(path, told.append)
    file.write(b"some")
    os.close(reader)
    file.write(b"more")
    assert len(told) == 1
    assert "Broken pipe" in told[0]
