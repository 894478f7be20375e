"""A pump on a near and a far link, a pump for the laboratory, and the programming head."""

import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.pump_bench import MONDAY_UTC_S

from emulator.capture_file import CaptureFileError
from emulator.clock import PumpClock
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.host import Host
from emulator.links import MemoryPumpLink
from emulator.service import Emulator, EmulatorConfig, run_emulator
from firmware_model.factory import make_pump
from protocol.client import BondKey, PumpClient
from protocol.client_errors import BusyError, NoPumpError, PumpRefusedError, SessionLostError
from protocol.endpoint_pump import PumpEndpoint
from protocol.link import open_link, system_entropy
from protocol.link_control import LinkClass, SuiteBit
from protocol.memory_link import VirtualClock, memory_link_pair
from protocol.messages.device import GetDeviceInfoResponse
from protocol.request_words import DeliveryReason
from protocol.vocabulary import DeliveryState, ErrorCode, Feature, Role

PRIVATE = bytes(range(32))
TCP = "tcp:127.0.0.1:0"


def config(link: str = TCP, **options: Any) -> EmulatorConfig:  # noqa: ANN401 - whatever the config takes
    return EmulatorConfig(link, seed=7, utc_s=MONDAY_UTC_S, **options)


@contextmanager
def running(settings: EmulatorConfig) -> Iterator[Emulator]:
    """Run an emulator in a thread until the block is left."""
    with Emulator(settings) as emulator:
        thread = threading.Thread(target=emulator.run)
        thread.start()
        try:
            yield emulator
        finally:
            emulator.stop()
            thread.join(20)
            assert not thread.is_alive()


def enrolled(emulator: Emulator) -> BondKey:
    card = emulator.pump.card
    with PumpClient(open_link(emulator.link.address)) as client:
        return client.enrol(card.secret, card.static_public, PRIVATE, Role.CLINICIAN, "test")


FAR: dict[str, Any] = {"far_link": TCP, "far_link_feature": True}


def test_a_pump_is_read_over_its_far_link() -> None:
    with running(config(**FAR)) as emulator:
        key = enrolled(emulator)
        with PumpClient(open_link(emulator.far_address)) as client:
            client.connect(key)
            found = client.found
            assert found is not None
            assert found.link_class is LinkClass.FAR
            assert SuiteBit.KKPSK2 in found.suites
            assert Feature.FAR_LINK in client.get_device_info().features
            with pytest.raises(PumpRefusedError) as caught:
                client.set_delivery(DeliveryState.STOPPED, 5, DeliveryReason.CLINICAL, 1)
            assert caught.value.code is ErrorCode.PROXIMITY_REQUIRED


def test_a_far_session_with_a_token_from_the_near_link_may_treat() -> None:
    with running(config(**FAR)) as emulator:
        key = enrolled(emulator)
        with PumpClient(open_link(emulator.link.address)) as near:
            near.connect(key)
            token = near.proximity_token().token
        with PumpClient(open_link(emulator.far_address)) as client:
            client.discover()
            client.open_session(key, token)
            version = client.get_program_info().version
            answer = client.set_delivery(DeliveryState.MIN_RATE, 5, DeliveryReason.CLINICAL, version)
            assert answer.delivery_state is DeliveryState.MIN_RATE


@pytest.mark.parametrize("first", ["near", "far"])
def test_a_session_on_one_link_makes_the_other_busy(first: str) -> None:
    with running(config(**FAR)) as emulator:
        key = enrolled(emulator)
        addresses = [emulator.link.address, emulator.far_address]
        if first == "far":
            addresses.reverse()
        with PumpClient(open_link(addresses[0])) as one, PumpClient(open_link(addresses[1])) as other:
            one.connect(key)
            with pytest.raises(BusyError):
                other.connect(key)
            one.end_session()
            other.connect(key)
            assert isinstance(other.get_device_info(), GetDeviceInfoResponse)


def test_both_links_are_gone_when_the_emulator_ends(tmp_path: Path) -> None:
    with Emulator(
        config(f"pty:{tmp_path / 'near'}", far_link=f"pty:{tmp_path / 'far'}", far_link_feature=True)
    ):
        assert {"near", "far"} <= {path.name for path in tmp_path.iterdir()}
    assert list(tmp_path.iterdir()) == []


def test_a_far_link_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = config(
        f"pty:{tmp_path / 'near'}", far_link=f"pty:{tmp_path}/missing/far", far_link_feature=True
    )
    with pytest.raises(EmulatorError), Emulator(settings):
        pass
    assert list(tmp_path.iterdir()) == []


def test_each_link_has_a_capture_of_its_own(tmp_path: Path) -> None:
    settings = config(capture=str(tmp_path / "x.pcapng"), **FAR)
    with running(settings) as emulator, PumpClient(open_link(emulator.far_address)) as client:
        client.discover()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"x.pcapng", "x.far.pcapng"}
    assert sizes["x.far.pcapng"] > sizes["x.pcapng"], "all that was said went over the far link"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"far_link": TCP}, "--far-link-feature"),
        ({"link_class": LinkClass.FAR}, "--far-link-feature"),
        ({"link_class": LinkClass.FAR, **FAR}, "both links would be far"),
        ({"far_link": "far", "far_link_feature": True}, "pty:PATH"),
    ],
)
def test_links_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EmulatorError, match=words) as caught:
        Emulator(config(**options))
    assert caught.value.reason is EmulatorFailure.BAD_LINK


def test_two_links_are_not_recorded_on_standard_output() -> None:
    with pytest.raises(CaptureFileError, match="name a file"):
        Emulator(config(capture="-", **FAR))


# --- the laboratory -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["pty:{}/pump", TCP])
@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.READER])
def test_a_lab_pump_answers_without_keys_in_the_role_it_was_given(
    tmp_path: Path, link: str, role: Role
) -> None:
    with running(config(link.format(tmp_path), lab_role=role)) as emulator:
        with PumpClient(open_link(emulator.link.address)) as client:
            client.discover()
            assert client.in_lab
            assert client.open_lab_session().role is role
            assert client.get_device_info().serial == emulator.pump.identity.serial
        assert "LAB PLAINTEXT" in emulator.ready_line
        assert "--lab" in emulator.ready_line


def test_a_pump_is_not_of_the_laboratory_unless_it_was_asked_for() -> None:
    with running(config()) as emulator, PumpClient(open_link(emulator.link.address)) as client:
        client.discover()
        assert not client.in_lab
        with pytest.raises(NoPumpError, match="lab-plaintext"):
            client.open_lab_session()
        assert "LAB" not in emulator.ready_line


def test_lab_plaintext_is_announced_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator(config(lab_role=Role.SERVICE)):
        assert "LAB PLAINTEXT" in caplog.text
        assert "service" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"link": "serial:/dev/ttyUSB0"}, "serial:/dev/ttyUSB0 may lead to another machine"),
        ({"link": "tcp:0.0.0.0:0"}, "no loopback address"),
        ({"link": "tcp:[::]:0"}, "no loopback address"),
        ({"link": "tcp:192.0.2.1:0"}, "no loopback address"),
        ({"allow_remote": True}, "--allow-remote"),
        ({"far_link": "serial:/dev/ttyUSB0", "far_link_feature": True}, "serial:/dev/ttyUSB0"),
    ],
)
def test_lab_plaintext_is_refused_where_others_could_reach_it(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EmulatorError, match=re.escape(words)) as caught:
        Emulator(config(**{"link": TCP, "lab_role": Role.CLINICIAN, **options}))
    assert caught.value.reason is EmulatorFailure.LAB_REFUSED
    assert "anybody on the link" in str(caught.value)


# --- the programming head -----------------------------------------------------------------------------------


class Toggles(logging.Handler):
    """Moves the head back when it was taken off, and ends the emulator when it is on again."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("programming head"):
            self.said.append(text)
            os.kill(os.getpid(), signal.SIGTERM if "put on" in text else signal.SIGUSR1)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_a_signal_moves_the_head(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="emulator")
    toggles = Toggles()
    logging.getLogger("emulator").addHandler(toggles)
    try:
        run_emulator(config(), lambda _: os.kill(os.getpid(), signal.SIGUSR1))
    finally:
        logging.getLogger("emulator").removeHandler(toggles)
    assert toggles.said == ["programming head taken off the pump", "programming head put on the pump"]


def test_without_the_head_therapy_is_refused_reading_goes_on_and_then_the_session_ends() -> None:
    clock = VirtualClock()
    link, peer = memory_link_pair(clock)
    pump = make_pump(utc_s=MONDAY_UTC_S)
    host = Host(pump, PumpEndpoint(pump, system_entropy), MemoryPumpLink(peer), PumpClock(clock.now_ms))
    peer.attach(host.step)
    client = PumpClient(link)
    key = client.enrol(pump.card.secret, pump.card.static_public, PRIVATE, Role.CLINICIAN, "test")
    client.connect(key)
    version = client.get_program_info().version
    host.set_head(False)
    client.listen(4_999)
    client.set_delivery(DeliveryState.MIN_RATE, 5, DeliveryReason.CLINICAL, version)
    client.listen(2)
    with pytest.raises(PumpRefusedError) as caught:
        client.set_delivery(DeliveryState.RUNNING, 0, DeliveryReason.CLINICAL, version)
    assert caught.value.code is ErrorCode.PROXIMITY_REQUIRED
    assert client.get_program_info().version == version
    host.set_head(True)
    client.set_delivery(DeliveryState.RUNNING, 0, DeliveryReason.CLINICAL, version)
    host.toggle_head()
    client.listen(61_000)
    assert not host.head_on
    with pytest.raises(SessionLostError):
        client.keepalive()
    assert pump.belief().delivery_state is DeliveryState.RUNNING, "delivery does not notice"
