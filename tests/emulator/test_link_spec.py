"""The emulator's link text says which link to make, or what is wrong with it."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import OUTPUT_LIMIT, OutputBuffer
from emulator.links.pty import PtyLink
from emulator.links.serial_port import SerialPortLink
from emulator.links.spec import LinkSpec, PtySpec, SerialSpec, TcpSpec, make_link, parse_link_spec
from emulator.links.tcp import TcpLink


@pytest.mark.parametrize(
    ("text", "spec", "kind"),
    [
        ("pty:/tmp/pump", PtySpec("/tmp/pump"), PtyLink),
        (" pty:pump ", PtySpec("pump"), PtyLink),
        ("tcp:127.0.0.1:5333", TcpSpec("127.0.0.1", 5333), TcpLink),
        ("tcp:localhost:0", TcpSpec("localhost", 0), TcpLink),
        ("tcp:[::1]:9", TcpSpec("::1", 9), TcpLink),
        ("serial:/dev/ttyUSB0", SerialSpec("/dev/ttyUSB0"), SerialPortLink),
        ("serial:COM3", SerialSpec("COM3"), SerialPortLink),
        ("serial:rfc2217://host:1", SerialSpec("rfc2217://host:1"), SerialPortLink),
    ],
)
def test_a_link_text_names_a_link(text: str, spec: LinkSpec, kind: type) -> None:
    assert parse_link_spec(text) == spec
    assert type(make_link(spec)) is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pump",
        "/tmp/pump",
        "pty:",
        "tcp:",
        "serial:",
        "usb:1",
        "tcp:5333",
        "tcp:host:",
        "tcp:host:70000",
        "PTY:x",
        "pty:/tmp/",
        "pty:a\0b",
    ],
)
def test_any_other_text_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(EmulatorError, match=r"pty:|HOST:PORT") as caught:
        parse_link_spec(text)
    assert caught.value.reason is EmulatorFailure.BAD_LINK


def test_a_system_without_terminals_is_offered_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emulator.links.pty", None)
    with pytest.raises(EmulatorError, match=r"use tcp:127\.0\.0\.1:0 instead") as caught:
        make_link(PtySpec("/tmp/pump"))
    assert caught.value.reason is EmulatorFailure.LINK_UNSUPPORTED


class Line:
    """A line that takes as many octets as it is given room for."""

    def __init__(self) -> None:
        self.room = 0
        self.sent = bytearray()

    def send(self, data: bytes) -> int:
        if self.room == 0:
            raise BlockingIOError
        taken = data[: self.room]
        self.room -= len(taken)
        self.sent += taken
        return len(taken)


@given(st.lists(st.binary(min_size=1, max_size=20) | st.integers(0, 30)))
def test_waiting_octets_keep_their_order_and_whole_writes_are_discarded(steps: list[bytes | int]) -> None:
    line, buffer = Line(), OutputBuffer(limit=64)
    kept = b""
    for step in steps:
        if isinstance(step, int):
            line.room += step
            buffer.flush(line.send)
        else:
            before = buffer.discarded_bytes
            buffer.write(step, line.send)
            discarded = buffer.discarded_bytes - before
            assert discarded in (0, len(step))
            kept += step if not discarded else b""
        assert len(buffer) <= 64
        assert bytes(line.sent) == kept[: len(line.sent)]
    line.room = 10_000
    buffer.flush(line.send)
    assert bytes(line.sent) == kept


def test_what_waits_is_forgotten_and_counted_when_its_reader_is_gone() -> None:
    buffer = OutputBuffer()
    buffer.write(b"abc", Line().send)
    buffer.clear()
    assert (len(buffer), buffer.discarded_bytes) == (0, 3)
    buffer.write(bytes(OUTPUT_LIMIT + 1), Line().send)
    assert buffer.discarded_bytes == 3 + OUTPUT_LIMIT + 1
