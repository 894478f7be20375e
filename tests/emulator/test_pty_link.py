"""A pseudo-terminal stands in for a serial line: raw, patient with clients that come and go, and clean."""

import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pump_links import expect, gather, octets, receive

from emulator.links.base import OUTPUT_LIMIT, Connected, Disconnected, Received
from emulator.links.presence import InotifyWatch, Presence, Use
from emulator.links.pty import PtyLink
from protocol.link import Link, LinkError, LinkFailure, open_link

EVERY_OCTET = bytes(range(256))
NO_WATCH = pytest.mark.skipif(InotifyWatch.on(os.devnull) is None, reason="this system cannot watch a file")


@pytest.fixture
def link(tmp_path: Path) -> Iterator[PtyLink]:
    link = PtyLink(str(tmp_path / "pump"))
    link.start()
    yield link
    link.close()


def read_exactly(client: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = client.read(5000)
        assert chunk, f"only {len(data)} of {count} octets arrived"
        data += chunk
    return data


def test_every_octet_passes_both_ways_untouched(link: PtyLink) -> None:
    client = open_link(f"pty:{link.address}")
    client.write(EVERY_OCTET)
    assert receive(link, 256) == EVERY_OCTET
    link.write(EVERY_OCTET)
    assert read_exactly(client, 256) == EVERY_OCTET
    client.close()


def test_the_terminal_is_raw_before_anybody_opens_it(link: PtyLink) -> None:
    """A cooked terminal echoes what the pump sends, and 0x03 is a signal that flushes the line."""
    client = os.open(link.address, os.O_RDWR | os.O_NOCTTY)
    try:
        input_flags, output_flags, _, local_flags, *_ = termios.tcgetattr(client)
        assert not input_flags & (termios.ICRNL | termios.IXON | termios.ISTRIP)
        assert not output_flags & termios.OPOST
        assert not local_flags & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        link.write(b"\x03\x04\x11\x13\r\n")
        assert os.read(client, 100) == b"\x03\x04\x11\x13\r\n"
    finally:
        os.close(client)
    assert octets(link.poll()) == b""


def test_clients_may_close_and_come_back(link: PtyLink) -> None:
    """Without the slave held open the master would give EIO at once and for ever."""
    for number in range(3):
        client = open_link(link.address)
        client.write(bytes([number]))
        assert receive(link, 1) == bytes([number])
        link.write(b"answer")
        assert read_exactly(client, 6) == b"answer"
        client.close()
        link.poll()


def test_without_a_client_polls_find_nothing_and_nothing_is_ready(link: PtyLink) -> None:
    open_link(link.address).close()
    gather(link, lambda events: events != [])
    assert link.poll() == []
    link.write(b"is anybody there?")
    assert link.poll() == []


@NO_WATCH
def test_a_client_is_seen_to_come_speak_and_go(link: PtyLink) -> None:
    assert link.poll() == []
    client = open_link(link.address)
    assert [type(event) for event in expect(link, Connected)] == [Connected]
    client.write(b"last words")
    assert receive(link, 10) == b"last words"
    client.close()
    assert [type(event) for event in expect(link, Disconnected)] == [Disconnected]


@NO_WATCH
def test_what_one_client_did_not_read_is_not_given_to_the_next(link: PtyLink) -> None:
    client = open_link(link.address)
    expect(link, Connected)
    link.write(b"stale answer")
    client.close()
    expect(link, Disconnected)
    descriptor = os.open(link.address, os.O_RDWR | os.O_NOCTTY)
    try:
        link.write(b"fresh")
        assert os.read(descriptor, 100) == b"fresh"
    finally:
        os.close(descriptor)


@NO_WATCH
def test_a_client_that_cooks_the_line_spoils_it_for_itself_only(link: PtyLink) -> None:
    descriptor = os.open(link.address, os.O_RDWR | os.O_NOCTTY)
    settings = termios.tcgetattr(descriptor)
    settings[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    os.close(descriptor)
    expect(link, Disconnected)
    client = open_link(link.address)
    link.write(b"no echo\n")
    assert read_exactly(client, 8) == b"no echo\n"
    client.close()
    assert octets(link.poll()) == b""


@NO_WATCH
def test_a_client_that_came_and_went_unseen_is_told_of_in_order(link: PtyLink) -> None:
    client = open_link(link.address)
    client.write(b"hit and run")
    client.close()
    events = gather(link, lambda events: octets(events) == b"hit and run" and len(events) > 2)
    assert {type(event) for event in events} == {Connected, Received, Disconnected}
    assert isinstance(events[0], Connected)


@NO_WATCH
def test_a_second_client_that_is_refused_does_not_end_the_first(link: PtyLink) -> None:
    first = open_link(link.address)
    expect(link, Connected)
    with pytest.raises(LinkError) as caught:
        open_link(link.address)
    assert caught.value.reason is LinkFailure.BUSY
    first.write(b"still here")
    events = gather(link, lambda events: len(octets(events)) == 10)
    assert not [event for event in events if not isinstance(event, Received)]
    first.close()


@NO_WATCH
def test_a_client_that_replaces_another_unseen_ends_the_other_first(link: PtyLink) -> None:
    """Whose octets wait cannot be told: they count as the newcomer's."""
    first = open_link(link.address)
    expect(link, Connected)
    first.close()
    second = open_link(link.address)
    second.write(b"hello")
    events = gather(link, lambda events: octets(events) == b"hello")
    assert [type(event) for event in events] == [Disconnected, Connected, Received]
    second.close()


def test_a_client_that_does_not_read_never_blocks_the_pump(link: PtyLink) -> None:
    client = open_link(link.address)
    link.poll()
    written = 0
    while not link.discarded_bytes:
        link.write(bytes(256))
        written += 256
        assert written < 10 * OUTPUT_LIMIT
    assert link.wait_on()[1], "the waiting octets must be sent when there is room"
    kept = written - link.discarded_bytes
    received = len(client.read(5000))
    while received < kept:
        link.poll()
        received += len(client.read(5000))
    assert received == kept
    link.poll()
    assert not link.wait_on()[1]
    client.close()


@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_client_learns_that_the_pump_has_vanished(link: PtyLink, operation: str) -> None:
    client = open_link(link.address)
    link.close()
    with pytest.raises(LinkError) as caught:
        client.read(1000) if operation == "read" else client.write(b"x")
    assert caught.value.reason is LinkFailure.VANISHED
    client.close()


def test_without_a_watch_a_client_is_known_by_its_first_octet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InotifyWatch, "on", classmethod(lambda cls, path: None))
    link = PtyLink(str(tmp_path / "pump"))
    link.start()
    client = open_link(link.address)
    assert link.poll() == []
    client.write(b"hello")
    events = gather(link, lambda events: octets(events) == b"hello")
    assert [type(event) for event in events] == [Connected, Received]
    client.close()
    link.close()


def test_a_closed_link_is_quiet_and_may_be_closed_again(link: PtyLink) -> None:
    link.close()
    link.close()
    link.write(b"x")
    assert link.poll() == []
    assert link.wait_on() == ((), ())


def test_presence_counts_who_holds_the_line() -> None:
    presence = Presence()
    story: list[tuple[list[Use], bool, bool]] = [
        ([Use.OPENED], False, True),
        ([Use.OPENED, Use.CLOSED], False, True),
        ([Use.CLOSED], True, False),
        ([Use.CLOSED], False, False),  # who was never seen to come does not leave
        ([Use.OPENED, Use.CLOSED, Use.OPENED], True, True),
    ]
    for uses, everybody_left, somebody in story:
        assert presence.note(uses) is everybody_left
        assert presence.somebody is somebody
