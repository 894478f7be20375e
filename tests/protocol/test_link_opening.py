"""A link text opens the right kind of link, or says what is wrong with it, where, and what would be right."""

import os
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from protocol.link import LinkError, LinkFailure, open_link
from protocol.link_text import parse_tcp_address


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A raw pseudo-terminal with its slave held open, as the emulator does: master and name."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def reason_of(url: str, baud: int = 115_200) -> LinkFailure:
    with pytest.raises(LinkError) as caught:
        open_link(url, baud=baud).close()
    assert url.removeprefix("pty:").removeprefix("serial:").strip() in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("form", ["{}", "pty:{}", "serial:{}", " {} "])
def test_every_way_to_write_a_terminal_opens_it(terminal: tuple[int, str], form: str) -> None:
    master, name = terminal
    link = open_link(form.format(name))
    link.write(b"\x00hello\x00")
    assert os.read(master, 100) == b"\x00hello\x00"
    assert link.description == name
    link.close()


def test_a_symlink_is_followed(terminal: tuple[int, str], tmp_path: Path) -> None:
    path = tmp_path / "pump"
    path.symlink_to(terminal[1])
    link = open_link(f"pty:{path}")
    os.write(terminal[0], b"x")
    assert link.read(1000) == b"x"
    link.close()


def test_spy_and_loop_urls_go_through_pyserial(
    terminal: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    spy = open_link(f"spy://{terminal[1]}")
    spy.write(b"A")
    os.write(terminal[0], b"BC")
    received = b""
    while len(received) < 2:
        received += spy.read(1000)
    assert received == b"BC"
    assert spy.read(0) == b""
    spy.close()
    assert "TX" in capsys.readouterr().err

    loop = open_link("loop://")
    loop.write(bytes(range(256)))
    received = b""
    while len(received) < 256:
        received += loop.read(1000)
    assert received == bytes(range(256))
    assert loop.read(1) == b""
    loop.close()


def test_a_missing_path_is_missing(tmp_path: Path) -> None:
    assert reason_of(str(tmp_path / "nobody")) is LinkFailure.MISSING
    assert reason_of(f"pty:{tmp_path / 'no' / 'where'}") is LinkFailure.MISSING


def test_a_stale_symlink_says_that_its_pump_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "pump"
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(LinkError, match="the pump that made it has ended") as caught:
        open_link(str(path))
    assert caught.value.reason is LinkFailure.MISSING


def test_a_second_open_is_busy_until_the_first_closes(terminal: tuple[int, str]) -> None:
    first = open_link(terminal[1])
    assert reason_of(terminal[1]) is LinkFailure.BUSY
    first.close()
    open_link(terminal[1]).close()


def test_a_shared_open_is_possible_when_asked_for(terminal: tuple[int, str]) -> None:
    first = open_link(terminal[1])
    open_link(terminal[1], exclusive=False).close()
    first.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may open everything")
def test_a_device_of_somebody_else_is_a_matter_of_permission(tmp_path: Path) -> None:
    path = tmp_path / "device"
    path.touch(mode=0o000)
    assert reason_of(str(path)) is LinkFailure.PERMISSION


def test_permission_is_told_apart_from_other_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert reason_of("/dev/ttyS0") is LinkFailure.PERMISSION


def test_what_is_no_serial_line_is_unsupported(tmp_path: Path) -> None:
    plain = tmp_path / "notes.txt"
    plain.touch()
    assert reason_of(str(plain)) is LinkFailure.UNSUPPORTED
    assert reason_of(str(tmp_path)) is LinkFailure.UNSUPPORTED


@pytest.mark.parametrize("baud", [0, -9600])
def test_an_impossible_line_speed_is_refused(terminal: tuple[int, str], baud: int) -> None:
    """Speed 0 would hang the line up."""
    assert reason_of(terminal[1], baud=baud) is LinkFailure.UNSUPPORTED


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pty:",
        "usb:1-2",
        "gopher://pump",
        "tcp:5333",
        "tcp:localhost",
        "tcp:localhost:pump",
        "tcp:localhost:65536",
        "tcp:localhost:-1",
        "tcp:127.0.0.1:0",
        "socket://localhost",
        "socket://localhost:1?colour=red",
        "loop://?colour=red",
    ],
)
def test_a_text_that_is_no_link_names_the_accepted_forms(url: str) -> None:
    with pytest.raises(LinkError, match="tcp:HOST:PORT or a pySerial URL") as caught:
        open_link(url)
    assert caught.value.reason is LinkFailure.BAD_URL


def test_a_port_with_nobody_behind_it_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert reason_of(f"tcp:127.0.0.1:{port}") is LinkFailure.REFUSED
    with pytest.raises(LinkError) as caught:
        open_link(f"socket://127.0.0.1:{port}?logging=error")
    assert caught.value.reason is LinkFailure.REFUSED


def test_a_host_that_is_not_known_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    assert reason_of("tcp:pump.invalid:5333") is LinkFailure.MISSING


def test_a_host_that_does_not_answer_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    assert reason_of("tcp:192.0.2.1:5333") is LinkFailure.TIMEOUT


@pytest.mark.parametrize(("url", "expected"), [("rfc2217://127.0.0.1:1", None), ("loop://", 1.0)])
def test_a_remote_serial_server_is_opened_without_a_write_time_out(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: float | None
) -> None:
    """pySerial's RFC 2217 handler refuses one with NotImplementedError; without one others block for ever."""
    given: dict[str, object] = {}

    def refuse(*_: object, **options: object) -> None:
        given.update(options)
        raise serial.SerialException(2, "stop here")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(LinkError):
        open_link(url)
    assert given["write_timeout"] == expected
    assert (given["xonxoff"], given["rtscts"], given["dsrdtr"]) == (False, False, False)


def test_a_port_on_which_pyserial_gives_up_is_reported_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise NotImplementedError("write_timeout is currently not supported")

    monkeypatch.setattr(serial, "serial_for_url", give_up)
    assert reason_of("/dev/ttyS0") is LinkFailure.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:5333", ("127.0.0.1", 5333)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_a_tcp_address_is_split_into_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_tcp_address(text) == expected


@pytest.mark.parametrize("text", ["", ":", ":1", "h:", "h:1.5", "h:+1", "h:\u0661", "h:99999999999"])
def test_a_bad_tcp_address_is_refused(text: str) -> None:
    with pytest.raises(LinkError) as caught:
        parse_tcp_address(text)
    assert caught.value.reason is LinkFailure.BAD_URL
