"""`cisterna tap`: octets pass unchanged, the capture has them all, and it ends cleanly."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.capture_file import CaptureFile, Recording
from emulator.links import make_link, parse_link_spec
from emulator.links.base import PumpLink
from protocol.capture.pcapng import read_pcapng
from protocol.capture.recorder import DOOMED, Recorder
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, encode_frame, to_wire
from protocol.link import Link, open_link
from protocol.link_error import LinkError
from workbench.exit_codes import ExitCode
from workbench.relay import Relay

TO_PUMP = Frame(FrameKind.LINK, Direction.TO_PUMP, 0, NO_LINK_ID, b"\x3cping")
BACK = Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, NO_LINK_ID, b"\x55ping")
PATIENCE_MS = 10_000


class Bench:
    """A relay between two pseudo-terminals, in a thread; the test plays pump and programmer."""

    def __init__(self, folder: Path) -> None:
        self.capture = folder / "tap.pcapng"
        self.pump = start(f"pty:{folder / 'pump'}")
        self.programmer = start(f"pty:{folder / 'tap'}")
        self.tap_address = self.programmer.address
        self.recording = Recording(Recorder(), CaptureFile(self.capture, pytest.fail))
        self.relay = Relay(open_link(self.pump.address), self.programmer, self.recording)
        self.failure: LinkError | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.relay.run()
        except LinkError as error:
            self.failure = error

    def at_pump(self, count: int) -> bytes:
        """Wait until the pump has heard ``count`` octets."""
        from emulator.links import Received
        from emulator.waiting import wait_for

        heard = b""
        while len(heard) < count:
            assert wait_for(self.pump.wait_on()[0], (), PATIENCE_MS), "the pump heard nothing"
            heard += b"".join(event.data for event in self.pump.poll() if isinstance(event, Received))
        return heard

    def end(self) -> list[bytes]:
        """Stop, and return the packets of the capture."""
        self.relay.stop()
        self.thread.join(PATIENCE_MS / 1000)
        assert not self.thread.is_alive()
        self.recording.close()
        return [packet.octets for packet in read_pcapng(self.capture.read_bytes())[1]]


def start(spec: str) -> PumpLink:
    link = make_link(parse_link_spec(spec))
    link.start()
    return link


def hear(link: Link, count: int) -> bytes:
    heard = b""
    while len(heard) < count:
        data = link.read(PATIENCE_MS)
        assert data, "the programmer heard nothing"
        heard += data
    return heard


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.relay.stop()
    made.thread.join()
    made.programmer.close()
    made.pump.close()


def test_octets_pass_unchanged_both_ways_and_are_captured(bench: Bench) -> None:
    """Also those that are no frames: a tap mends nothing."""
    out = to_wire(TO_PUMP) + b"\x05noise\x00" + bytes(range(1, 40))
    programmer = open_link(bench.tap_address)
    programmer.write(out)
    assert bench.at_pump(len(out)) == out
    bench.pump.write(to_wire(BACK))
    assert hear(programmer, len(to_wire(BACK))) == to_wire(BACK)
    programmer.close()
    packets = bench.end()
    assert packets[:2] == [encode_frame(TO_PUMP), b"\x05noise"]
    assert encode_frame(BACK) in packets


def test_the_client_may_leave_and_come_back(bench: Bench) -> None:
    for _ in range(3):
        programmer = open_link(bench.tap_address)
        programmer.write(to_wire(TO_PUMP))
        assert bench.at_pump(len(to_wire(TO_PUMP))) == to_wire(TO_PUMP)
        programmer.close()
    assert bench.end().count(encode_frame(TO_PUMP)) == 3


def test_a_frame_is_in_the_file_while_the_tap_still_runs(bench: Bench) -> None:
    programmer = open_link(bench.tap_address)
    programmer.write(to_wire(TO_PUMP))
    bench.at_pump(len(to_wire(TO_PUMP)))
    bench.pump.write(to_wire(BACK))
    hear(programmer, len(to_wire(BACK)))
    # What was sent is written in the step that sent it, before the next one reads.
    assert encode_frame(TO_PUMP) in [p.octets for p in read_pcapng(bench.capture.read_bytes())[1]]
    programmer.close()


def test_what_any_receiver_drops_is_marked_without_an_endpoint(bench: Bench) -> None:
    wrong_way = to_wire(BACK)
    programmer = open_link(bench.tap_address)
    programmer.write(wrong_way)
    bench.at_pump(len(wrong_way))
    programmer.close()
    bench.end()
    _, packets = read_pcapng(bench.capture.read_bytes())
    assert any(comment.startswith(f"{DOOMED}flags: ") for comment in packets[0].comments)


def test_a_pump_that_vanishes_ends_the_tap_and_keeps_the_capture(bench: Bench) -> None:
    programmer = open_link(bench.tap_address)
    programmer.write(to_wire(TO_PUMP))
    bench.at_pump(len(to_wire(TO_PUMP)))
    bench.pump.close()
    bench.thread.join(PATIENCE_MS / 1000)
    assert bench.failure is not None
    assert encode_frame(TO_PUMP) in bench.end()
    programmer.close()


# --- the command ----------------------------------------------------------------------------------------


def tap(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", "tap", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_command_says_where_it_is_and_ends_cleanly_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    """With ``--capture -`` standard output is the capture and nothing else."""
    pump = start(f"pty:{tmp_path / 'pump'}")
    process = tap(pump.address, "--listen", f"pty:{tmp_path / 'tap'}", "--capture", "-")
    assert process.stderr is not None
    try:
        line = process.stderr.readline().decode()
        assert line.startswith(f"Tap ready: {tmp_path / 'tap'}  to {pump.address}")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        pump.close()
    assert process.returncode == 0, err
    interfaces, packets = read_pcapng(out)
    assert [interface.name for interface in interfaces] == ["link"]
    assert packets == []
    assert not os.path.lexists(tmp_path / "tap")


def test_a_pump_that_is_not_there_is_the_exit_code_of_links(tmp_path: Path) -> None:
    process = tap(str(tmp_path / "none"), "--capture", str(tmp_path / "c.pcapng"))
    _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.LINK
    assert b"does not exist; start the pump first" in err
    assert b"Traceback" not in err


def test_a_capture_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    pump = start(f"pty:{tmp_path / 'pump'}")
    try:
        process = tap(pump.address, "--capture", str(tmp_path / "no" / "where"))
        _, err = process.communicate(timeout=20)
    finally:
        pump.close()
    assert process.returncode == ExitCode.USAGE
    assert b"Cannot write the capture" in err
