"""An open link carries every octet untouched, never blocks for ever, and fails in one way only."""

import errno
import os
import socket
import termios
import tty
from collections.abc import Callable, Iterator

import pytest
import serial

from protocol import link as link_module
from protocol.link import MAX_READ, Link, LinkError, LinkFailure, open_link, system_entropy

EVERY_OCTET = bytes(range(256))


class Terminal:
    """The device's side of a raw pseudo-terminal, slave held open."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.name = os.ttyname(self.slave)
        self._open = True

    def read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self.master, count - len(data))
        return data

    def vanish(self) -> None:
        if self._open:
            self._open = False
            os.close(self.master)
            os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.vanish()


def read_exactly(link: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = link.read(2000)
        assert chunk, f"only {len(data)} of {count} octets arrived"
        data += chunk
    return data


def read_until_failure(link: Link) -> tuple[bytes, LinkFailure]:
    data = b""
    while True:
        try:
            data += link.read(100)
        except LinkError as failure:
            return data, failure.reason


def test_every_octet_passes_both_ways_untouched(terminal: Terminal) -> None:
    """Among them 0x03, 0x0a, 0x11 and 0x13, which a cooked terminal eats or changes."""
    link = open_link(terminal.name)
    link.write(EVERY_OCTET)
    assert terminal.read_exactly(256) == EVERY_OCTET
    os.write(terminal.master, EVERY_OCTET)
    assert read_exactly(link, 256) == EVERY_OCTET
    link.close()


def test_one_read_hands_out_no_more_than_its_limit(terminal: Terminal) -> None:
    link = open_link(terminal.name)
    os.write(terminal.master, bytes(6000))
    sizes: list[int] = []
    while sum(sizes) < 6000:
        sizes.append(len(link.read(2000)))
    assert 0 < min(sizes) <= max(sizes) <= MAX_READ
    link.close()


def test_silence_is_an_empty_read(terminal: Terminal) -> None:
    link = open_link(terminal.name)
    assert link.read(0) == b""
    before = link.now_ms()
    assert link.read(20) == b""
    assert link.now_ms() - before >= 20
    link.close()


def test_a_write_that_nobody_reads_times_out(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "WRITE_TIMEOUT_MS", 5)
    link = open_link(terminal.name)
    with pytest.raises(LinkError) as caught:
        link.write(bytes(1_000_000))
    assert caught.value.reason is LinkFailure.TIMEOUT
    link.close()


@pytest.mark.parametrize("url", ["{}", "spy://{}"])
@pytest.mark.parametrize("use", [lambda link: link.read(100), lambda link: link.write(b"x")])
def test_a_vanished_terminal_fails_in_one_way(
    terminal: Terminal, url: str, use: Callable[[Link], object]
) -> None:
    """Natively these are OSError 5 and SerialException, by the call; the advice is the same for all."""
    link = open_link(url.format(terminal.name))
    terminal.vanish()
    for _ in range(2):
        with pytest.raises(LinkError, match=r"is gone.*connect again") as caught:
            use(link)
        assert caught.value.reason is LinkFailure.VANISHED
    link.close()
    link.close()


def test_octets_sent_before_the_pump_vanished_are_lost_without_a_traceback(terminal: Terminal) -> None:
    link = open_link(terminal.name)
    os.write(terminal.master, b"last words")
    terminal.vanish()
    received, reason = read_until_failure(link)
    assert reason is LinkFailure.VANISHED
    assert b"last words".startswith(received)
    link.close()


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.EIO, "Input/output error"),
        serial.SerialException("device reports readiness to read but returned no data"),
        termios.error(errno.EIO, "Input/output error"),
        serial.PortNotOpenError(),
        TypeError("'NoneType' object cannot be interpreted as an integer"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("call", ["read", "in_waiting", "write"])
def test_whatever_pyserial_raises_in_use_means_vanished(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, call: str
) -> None:
    from serial.urlhandler.protocol_loop import Serial as Loop

    def fail(*_: object) -> bytes:
        raise failure

    link = open_link("loop://")
    monkeypatch.setattr(Loop, call, property(fail) if call == "in_waiting" else fail)
    with pytest.raises(LinkError) as caught:
        link.write(b"x") if call == "write" else link.read(10)
    assert caught.value.reason is LinkFailure.VANISHED
    link.close()


def test_a_pyserial_write_time_out_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.urlhandler.protocol_loop import Serial as Loop

    def slow(*_: object) -> None:
        raise serial.SerialTimeoutException("Write timeout")

    link = open_link("loop://")
    monkeypatch.setattr(Loop, "write", slow)
    with pytest.raises(LinkError) as caught:
        link.write(b"x")
    assert caught.value.reason is LinkFailure.TIMEOUT
    link.close()


@pytest.mark.parametrize("url", ["{name}", "loop://", "tcp:{tcp}"])
def test_a_closed_link_says_so(terminal: Terminal, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_link(url.format(name=terminal.name, tcp=f"127.0.0.1:{server.getsockname()[1]}"))
        link.close()
        for use in (lambda: link.read(0), lambda: link.write(b"x")):
            with pytest.raises(LinkError, match="closed on this side"):
                use()


@pytest.mark.parametrize(
    "form", ["tcp:127.0.0.1:{}", "socket://127.0.0.1:{}", "socket://127.0.0.1:{}?logging=error"]
)
def test_a_tcp_link_carries_octets_and_notices_the_end(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_link(form.format(server.getsockname()[1]))
        pump, _ = server.accept()
        with pump:
            link.write(EVERY_OCTET)
            assert pump.recv(256, socket.MSG_WAITALL) == EVERY_OCTET
            pump.sendall(EVERY_OCTET)
            assert read_exactly(link, 256) == EVERY_OCTET
            assert link.read(0) == b""
        assert read_until_failure(link) == (b"", LinkFailure.VANISHED)
        link.close()


def test_a_descriptor_above_the_reach_of_select_works(terminal: Terminal) -> None:
    """A fleet of pumps in one process holds more than 1024 descriptors."""
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1200:
        pytest.skip("this system grants fewer than 1200 descriptors")
    fillers = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        link = open_link(terminal.name)
        os.write(terminal.master, b"x")
        assert link.read(1000) == b"x"
        link.close()
    finally:
        for filler in fillers:
            os.close(filler)


def test_entropy_comes_in_the_length_asked_for_and_differs() -> None:
    assert [len(system_entropy(count)) for count in (0, 1, 32)] == [0, 1, 32]
    assert system_entropy(16) != system_entropy(16)
