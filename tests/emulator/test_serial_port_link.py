"""A serial device as the pump's line; a second pseudo-terminal stands in for the cable."""

import os
import tty
from collections.abc import Iterator

import pytest
import serial
from support.pump_links import expect, octets, receive

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import Connected, Received
from emulator.links.serial_port import SerialPortLink

EVERY_OCTET = bytes(range(256))


class Cable:
    """The far end of a line whose near end is a device name."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        self.device = os.ttyname(self._near)
        self._plugged = True

    def unplug(self) -> None:
        if self._plugged:
            self._plugged = False
            os.close(self.far)
            os.close(self._near)


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.unplug()


@pytest.fixture
def link(cable: Cable) -> Iterator[SerialPortLink]:
    link = SerialPortLink(cable.device)
    link.start()
    yield link
    link.close()


def test_every_octet_passes_both_ways_untouched(cable: Cable, link: SerialPortLink) -> None:
    os.write(cable.far, EVERY_OCTET)
    assert receive(link, 256) == EVERY_OCTET
    link.write(EVERY_OCTET)
    answer = b""
    while len(answer) < 256:
        answer += os.read(cable.far, 256)
    assert answer == EVERY_OCTET


def test_the_line_counts_as_connected_from_the_start(cable: Cable, link: SerialPortLink) -> None:
    assert link.poll() == [Connected(cable.device)]
    assert link.poll() == []
    assert link.address == f"serial:{cable.device}"


def test_the_device_is_held_for_itself(cable: Cable, link: SerialPortLink) -> None:
    with pytest.raises(EmulatorError, match="in use by another program") as caught:
        SerialPortLink(cable.device).start()
    assert caught.value.reason is EmulatorFailure.LINK_BUSY


def test_an_unplugged_device_is_a_lost_link(cable: Cable, link: SerialPortLink) -> None:
    expect(link, Connected)
    cable.unplug()
    with pytest.raises(EmulatorError, match="is gone") as caught:
        link.poll()
    assert caught.value.reason is EmulatorFailure.LINK_LOST
    with pytest.raises(EmulatorError):
        link.write(b"x")


def test_a_line_that_takes_nothing_never_blocks_the_pump(link: SerialPortLink) -> None:
    for _ in range(1000):
        link.write(bytes(256))
    assert link.discarded_bytes > 0
    assert link.wait_on()[1]


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("/dev/there-is-no-such-port", EmulatorFailure.LINK_MISSING),
        ("/dev/null", EmulatorFailure.LINK_UNSUPPORTED),
        ("gopher://pump", EmulatorFailure.BAD_LINK),
    ],
)
def test_a_device_that_cannot_be_used_is_named(device: str, expected: EmulatorFailure) -> None:
    with pytest.raises(EmulatorError, match=device) as caught:
        SerialPortLink(device).start()
    assert caught.value.reason is expected


def test_a_port_without_a_descriptor_is_polled() -> None:
    link = SerialPortLink("loop://")
    link.start()
    assert link.wait_on() == ((), ())
    assert link.poll_interval_ms is not None
    link.write(b"echo")
    events = link.poll()
    while octets(events) != b"echo":
        events += link.poll()
    assert isinstance(events[0], Connected)
    assert isinstance(events[1], Received)
    link.close()
    link.close()
    assert link.poll() == []


def test_a_polled_port_that_takes_nothing_loses_the_octets_and_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.urlhandler.protocol_loop import Serial as Loop

    def stuck(*_: object) -> None:
        raise serial.SerialTimeoutException("Write timeout")

    link = SerialPortLink("loop://")
    link.start()
    monkeypatch.setattr(Loop, "write", stuck)
    link.write(b"lost")
    monkeypatch.undo()
    link.write(b"heard")
    events = link.poll()
    while not octets(events).endswith(b"heard"):
        events += link.poll()
    assert octets(events) == b"heard"
    link.close()
