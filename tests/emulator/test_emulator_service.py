"""An emulator from its configuration to its clean end, with the real pump behind it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from emulator.clock import PumpClock
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.host import Host
from emulator.links import MemoryPumpLink
from emulator.links.presence import InotifyWatch
from emulator.service import DISCLAIMER, Emulator, EmulatorConfig, run_emulator
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from protocol.client import BondKey, PumpClient
from protocol.client_errors import SessionLostError
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import Direction, Frame
from protocol.framing import Deframer
from protocol.link import LinkError, LinkFailure, open_link, system_entropy
from protocol.link_control import LinkError as LinkErrorMessage
from protocol.link_control import LinkErrorCode, decode_link
from protocol.memory_link import VirtualClock, memory_link_pair
from protocol.vocabulary import DeliveryState, Role

ROOT = Path(__file__).parents[2]
UTC_S = 1_772_448_067
PRIVATE = bytes(range(32))
NO_WATCH = pytest.mark.skipif(InotifyWatch.on(os.devnull) is None, reason="this system cannot watch a file")
PROGRAM = """
import sys
from emulator.service import EmulatorConfig, run_emulator
config = EmulatorConfig(sys.argv[1], seed=7, end_with_stdin=sys.argv[2] == "stdin")
run_emulator(config, lambda line: print(line, flush=True))
"""


@contextmanager
def process(link: str, lifeline: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Run an emulator of its own until the block is left."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, link, lifeline],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as emulator:
        try:
            yield emulator
        finally:
            emulator.kill()


@contextmanager
def running(config: EmulatorConfig) -> Iterator[Emulator]:
    """Run an emulator in a thread until the block is left."""
    with Emulator(config) as emulator:
        thread = threading.Thread(target=emulator.run)
        thread.start()
        try:
            yield emulator
        finally:
            emulator.stop()
            thread.join(20)
            assert not thread.is_alive()


def enrolled(client: PumpClient, pump: Pump) -> BondKey:
    card = pump.card
    return client.enrol(card.secret, card.static_public, PRIVATE, Role.CLINICIAN, "test")


@pytest.mark.parametrize("link", ["pty:{}/pump", "tcp:127.0.0.1:0"])
def test_a_programmer_enrols_and_reads_a_living_pump(tmp_path: Path, link: str) -> None:
    with running(EmulatorConfig(link.format(tmp_path), seed=7, utc_s=UTC_S)) as emulator:
        client = PumpClient(open_link(emulator.link.address))
        key = enrolled(client, emulator.pump)
        client.connect(key)
        assert client.get_status().delivery_state is DeliveryState.RUNNING
        assert client.get_device_info().serial == emulator.pump.identity.serial
        client.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", [pytest.param("pty:{}/pump", marks=NO_WATCH), "tcp:127.0.0.1:0"])
def test_a_programmer_that_vanished_makes_room_for_another(tmp_path: Path, link: str) -> None:
    """Without a farewell, and with another bond: the pump has noticed that the first one is gone."""
    with running(EmulatorConfig(link.format(tmp_path), utc_s=UTC_S)) as emulator:
        line = open_link(emulator.link.address)
        client = PumpClient(line)
        first = enrolled(client, emulator.pump)
        client.connect(first)
        line.close()
        client = PumpClient(open_link(emulator.link.address))
        card = emulator.pump.card
        second = client.enrol(
            card.secret, card.static_public, bytes(reversed(PRIVATE)), Role.CLINICIAN, "two"
        )
        assert second.slot != first.slot
        client.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_emulator_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with process(f"pty:{tmp_path / 'pump'}") as emulator:
        assert emulator.stdout is not None
        assert emulator.stdout.readline().startswith(f"Ready: {tmp_path / 'pump'} ")
        client = open_link(str(tmp_path / "pump"))
        emulator.send_signal(number)
        output, errors = emulator.communicate(timeout=20)
        assert (emulator.returncode, output, errors) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LinkError) as caught:
        client.read(1000)
    assert caught.value.reason is LinkFailure.VANISHED
    client.close()


def test_an_emulator_may_end_with_whoever_started_it(tmp_path: Path) -> None:
    with process(f"pty:{tmp_path / 'pump'}", "stdin") as emulator:
        assert emulator.stdout is not None
        assert emulator.stdin is not None
        emulator.stdout.readline()
        emulator.stdin.close()
        assert emulator.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_ready_line_says_which_pump_where_how_and_what_it_is_not(tmp_path: Path) -> None:
    config = EmulatorConfig(f"pty:{tmp_path / 'pump'}", seed=5, speed=Fraction(1, 2), utc_s=UTC_S)
    with Emulator(config) as emulator:
        line = emulator.ready_line
    serial = make_pump(seed=5, utc_s=UTC_S).identity.serial
    path = str(tmp_path / "pump")
    for words in (
        f"Ready: {path} ",
        serial,
        "peristaltic-20",
        "seed 5",
        "x1/2",
        f"cisterna program {path}",
        DISCLAIMER,
    ):
        assert words in line
    assert emulator.pump.card.secret_text not in line
    with Emulator(EmulatorConfig(f"pty:{tmp_path / 'my pump'}")) as emulator:
        assert f"cisterna program '{tmp_path}/my pump'" in emulator.ready_line, "to be copied and pasted"


def test_the_pump_is_told_of_before_it_is_announced(tmp_path: Path) -> None:
    """So that its implant card is there for whoever waits for the announcement."""
    story: list[str] = []

    def announce(line: str) -> None:
        story.append("announced")
        signal.raise_signal(signal.SIGTERM)

    run_emulator(
        EmulatorConfig(f"pty:{tmp_path / 'pump'}", utc_s=UTC_S),
        announce,
        on_start=lambda pump: story.append(pump.identity.serial),
    )
    assert story == [make_pump(utc_s=UTC_S).identity.serial, "announced"]


def test_a_start_that_fails_half_way_leaves_no_link(tmp_path: Path) -> None:
    def fail(pump: Pump) -> None:
        raise OSError("no room for the card")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OSError, match="no room"):
        run_emulator(EmulatorConfig(f"pty:{tmp_path / 'pump'}"), lambda line: None, on_start=fail)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("config", "reason", "words"),
    [
        (EmulatorConfig("pump"), EmulatorFailure.BAD_LINK, "pty:PATH"),
        (
            EmulatorConfig("tcp:127.0.0.1:0", profile="piston"),
            EmulatorFailure.UNKNOWN_PROFILE,
            "peristaltic-20",
        ),
        (EmulatorConfig("tcp:127.0.0.1:0", setup="abroad"), EmulatorFailure.BAD_SETUP, "first-visit"),
        (EmulatorConfig("tcp:127.0.0.1:0", utc_s=5), EmulatorFailure.BAD_SETUP, "civil time"),
        (EmulatorConfig("tcp:127.0.0.1:0", utc_s=-5), EmulatorFailure.BAD_SETUP, "utc_s"),
        (EmulatorConfig("tcp:127.0.0.1:0", speed=0), EmulatorFailure.BAD_SPEED, "above 0"),
    ],
)
def test_what_cannot_be_emulated_is_refused_before_anything_is_opened(
    config: EmulatorConfig, reason: EmulatorFailure, words: str
) -> None:
    with pytest.raises(EmulatorError, match=words) as caught:
        Emulator(config)
    assert caught.value.reason is reason


def test_a_link_that_belongs_to_another_pump_is_refused(tmp_path: Path) -> None:
    config = EmulatorConfig(f"pty:{tmp_path / 'pump'}")
    with Emulator(config), pytest.raises(EmulatorError, match="another pump runs") as caught:
        run_emulator(config, lambda line: None)
    assert caught.value.reason is EmulatorFailure.LINK_BUSY


def test_other_machines_are_let_in_only_when_asked_for() -> None:
    everywhere = "tcp:0.0.0.0:0"
    with pytest.raises(EmulatorError) as caught, Emulator(EmulatorConfig(everywhere)):
        pass
    assert caught.value.reason is EmulatorFailure.REMOTE_REFUSED
    with Emulator(EmulatorConfig(everywhere, allow_remote=True)) as emulator:
        assert not emulator.link.address.endswith(":0")


def test_a_second_tcp_client_is_told_in_the_protocol_that_the_pump_is_busy() -> None:
    with running(EmulatorConfig("tcp:127.0.0.1:0")) as emulator:
        host, port = emulator.link.address.removeprefix("tcp:").split(":")
        first = PumpClient(open_link(emulator.link.address))
        first.discover()
        with socket.create_connection((host, int(port)), timeout=20) as second:
            told = second.recv(1000, socket.MSG_WAITALL)
        first.close()
    (frame,) = Deframer(Direction.TO_PROGRAMMER).receive(told, 0)
    assert isinstance(frame, Frame)
    assert decode_link(frame.payload) == LinkErrorMessage(LinkErrorCode.BUSY, 0)


def test_a_pump_that_loses_power_is_there_again_for_a_new_session() -> None:
    clock = VirtualClock()
    link, peer = memory_link_pair(clock)
    pump = make_pump(utc_s=UTC_S)
    host = Host(
        pump, PumpEndpoint(pump, system_entropy), MemoryPumpLink(peer), PumpClock(clock.now_ms, speed=60)
    )
    peer.attach(host.step)
    client = PumpClient(link)
    key = enrolled(client, pump)
    client.connect(key)
    boots = pump.boot_count
    pump.storage.cut_power_at(1)
    with pytest.raises(SessionLostError):
        client.end_session()
    assert host.power_cycles == 1
    client.connect(key)
    assert pump.boot_count == boots + 1
    assert client.get_status().delivery_state is DeliveryState.RUNNING
    assert pump.now_ms == 60 * clock.now_ms()


def test_an_unplugged_serial_line_ends_the_emulator_with_a_reason() -> None:
    far, near = os.openpty()
    with Emulator(EmulatorConfig(f"serial:{os.ttyname(near)}")) as emulator:
        assert "cisterna program DEVICE, the other end of this line" in emulator.ready_line
        os.close(far)
        os.close(near)
        with pytest.raises(EmulatorError, match="is gone") as caught:
            emulator.run()
    assert caught.value.reason is EmulatorFailure.LINK_LOST
