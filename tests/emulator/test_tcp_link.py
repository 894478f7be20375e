"""A TCP port as the pump's line: on this machine only, one client at a time."""

import socket
from collections.abc import Iterator

import pytest
from support.pump_links import expect, gather, octets, receive

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import OUTPUT_LIMIT, Connected, Disconnected, Received
from emulator.links.tcp import TcpLink
from protocol.link import LinkError, LinkFailure, open_link

EVERYWHERE = "0.0.0.0"  # noqa: S104 - bound to only where a test allows it
BUSY = b"\x00busy\x00"
EVERY_OCTET = bytes(range(256))


@pytest.fixture
def link() -> Iterator[TcpLink]:
    link = TcpLink("127.0.0.1", 0, busy_notice=BUSY)
    link.start()
    yield link
    link.close()


def call(link: TcpLink) -> socket.socket:
    host, port = link.address.removeprefix("tcp:").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_the_address_names_the_real_port_and_opens_the_link(link: TcpLink) -> None:
    assert not link.address.endswith(":0")
    client = open_link(link.address)
    client.write(EVERY_OCTET)
    assert receive(link, 256) == EVERY_OCTET
    link.write(EVERY_OCTET)
    answer = b""
    while len(answer) < 256:
        answer += client.read(5000)
    assert answer == EVERY_OCTET
    client.close()


def test_a_client_is_seen_to_come_speak_and_go(link: TcpLink) -> None:
    assert link.poll() == []
    with call(link) as client:
        come = expect(link, Connected)
        assert come == [Connected(f"127.0.0.1:{client.getsockname()[1]}")]
        client.sendall(b"last words")
    assert [type(event) for event in expect(link, Disconnected)] == [Received, Disconnected]


def test_clients_may_come_one_after_the_other(link: TcpLink) -> None:
    for number in range(3):
        with call(link) as client:
            client.sendall(bytes([number]))
            assert receive(link, 1) == bytes([number])
            link.write(b"answer")
            assert client.recv(6, socket.MSG_WAITALL) == b"answer"
        expect(link, Disconnected)


def test_a_second_client_is_told_and_closed_and_the_first_goes_on(link: TcpLink) -> None:
    with call(link) as first, call(link) as second:
        gather(link, lambda _: link.refused_clients == 1)
        assert second.recv(100, socket.MSG_WAITALL) == BUSY
        first.sendall(b"still here")
        assert receive(link, 10) == b"still here"


def test_a_newcomer_takes_the_place_of_a_client_that_has_left(link: TcpLink) -> None:
    """Even when both are noticed in the same poll."""
    first = call(link)
    expect(link, Connected)
    first.sendall(b"bye")
    first.close()
    with call(link) as second:
        second.sendall(b"hello")
        events = gather(link, lambda events: octets(events) == b"byehello")
        kinds = [type(event) for event in events]
        assert kinds == [Received, Disconnected, Connected, Received]
        assert link.refused_clients == 0


def test_a_reset_connection_is_a_departure(link: TcpLink) -> None:
    client = call(link)
    expect(link, Connected)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()
    assert isinstance(expect(link, Disconnected)[-1], Disconnected)
    link.write(b"to nobody")


def test_writing_to_a_client_that_has_gone_is_told_by_the_next_poll(link: TcpLink) -> None:
    client = call(link)
    expect(link, Connected)
    client.close()
    for _ in range(3):
        link.write(b"answer")
    assert isinstance(expect(link, Disconnected)[-1], Disconnected)


def test_a_client_that_does_not_read_never_blocks_the_pump(link: TcpLink) -> None:
    with call(link) as client:
        expect(link, Connected)
        written = 0
        while not link.discarded_bytes:
            link.write(bytes(4096))
            written += 4096
            assert written < 1000 * OUTPUT_LIMIT
        assert link.wait_on()[1]
        kept = written - link.discarded_bytes
        received = 0
        while received < kept:
            link.poll()
            received += len(client.recv(1 << 20))
        assert received == kept


def test_other_machines_are_kept_out_unless_asked_for() -> None:
    for host in (EVERYWHERE, "::", "192.0.2.1"):
        link = TcpLink(host, 0)
        with pytest.raises(EmulatorError, match=r"listen on 127\.0\.0\.1") as caught:
            link.start()
        assert caught.value.reason is EmulatorFailure.REMOTE_REFUSED
    allowed = TcpLink(EVERYWHERE, 0, allow_remote=True)
    allowed.start()
    allowed.close()


def test_a_name_for_this_machine_will_do() -> None:
    link = TcpLink("localhost", 0)
    link.start()
    client = open_link(link.address)
    client.close()
    link.close()


def test_an_ipv6_address_is_written_so_that_it_can_be_called() -> None:
    link = TcpLink("::1", 0)
    try:
        link.start()
    except EmulatorError:
        pytest.skip("this machine has no IPv6 loopback")
    assert link.address.startswith("tcp:[::1]:")
    client = open_link(link.address)
    expect(link, Connected)
    client.close()
    link.close()


def test_a_taken_port_is_named(link: TcpLink) -> None:
    port = int(link.address.rpartition(":")[2])
    with pytest.raises(EmulatorError, match=f"{port}.*give another port") as caught:
        TcpLink("127.0.0.1", port).start()
    assert caught.value.reason is EmulatorFailure.LINK_BUSY


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (13, EmulatorFailure.LINK_DENIED),
        (99, EmulatorFailure.LINK_MISSING),
        (5, EmulatorFailure.LINK_MISSING),
    ],
)
def test_other_refusals_of_the_system_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: EmulatorFailure
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(EmulatorError, match="cannot be listened on") as caught:
        TcpLink("127.0.0.1", 80).start()
    assert caught.value.reason is expected


def test_a_client_learns_that_the_pump_has_vanished(link: TcpLink) -> None:
    client = open_link(link.address)
    expect(link, Connected)
    link.close()
    link.close()
    with pytest.raises(LinkError) as caught:
        client.read(1000)
    assert caught.value.reason is LinkFailure.VANISHED
    client.close()
    assert link.poll() == []
    assert link.wait_on() == ((), ())
