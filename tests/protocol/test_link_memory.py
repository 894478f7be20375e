"""The in-memory null modem: a pump served on one thread, on virtual time, behind the same interface."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.link import LinkError, LinkFailure
from protocol.memory_link import MemoryPeer, VirtualClock, memory_link_pair


def echo_after(peer: MemoryPeer, delay_ms: int) -> list[int]:
    """Attach a service that echoes what it got `delay_ms` later; returns the times at which it was served."""
    served: list[int] = []
    due: list[tuple[int, bytes]] = []

    def serve(now_ms: int) -> int | None:
        served.append(now_ms)
        data = peer.read()
        if data:
            due.append((now_ms + delay_ms, data))
        while due and due[0][0] <= now_ms:
            peer.write(due.pop(0)[1])
        return due[0][0] if due else None

    peer.attach(serve)
    return served


def test_an_answer_comes_at_the_moment_it_is_due() -> None:
    link, peer = memory_link_pair()
    echo_after(peer, 30)
    link.write(b"ping")
    assert link.read(500) == b"ping"
    assert link.now_ms() == 30


def test_silence_costs_virtual_time_only_and_wakes_nobody_in_between() -> None:
    link, peer = memory_link_pair()
    served = echo_after(peer, 30)
    assert link.read(86_400_000) == b""
    assert link.now_ms() == 86_400_000
    assert served == [0, 86_400_000]


def test_an_answer_that_is_due_after_the_time_out_is_there_for_the_next_read() -> None:
    link, peer = memory_link_pair()
    echo_after(peer, 30)
    link.write(b"late")
    assert link.read(29) == b""
    assert link.read(1) == b"late"


def test_a_service_that_always_wants_to_be_served_does_not_stop_time() -> None:
    link, peer = memory_link_pair()
    peer.attach(lambda now_ms: now_ms)
    assert link.read(5) == b""
    assert link.now_ms() == 5


def test_without_a_pump_there_is_silence() -> None:
    link, _ = memory_link_pair()
    link.write(b"anybody?")
    assert link.read(10) == b""
    assert link.description == "memory"


@given(st.lists(st.integers(0, 5_000)))
def test_a_read_ends_no_later_than_its_time_out(timeouts: list[int]) -> None:
    clock = VirtualClock(7)
    link, peer = memory_link_pair(clock)
    echo_after(peer, 13)
    for timeout_ms in timeouts:
        before = clock.now_ms()
        link.write(b"x")
        link.read(timeout_ms)
        assert before <= clock.now_ms() <= before + timeout_ms


def test_one_read_hands_out_no_more_than_a_real_link_would() -> None:
    link, peer = memory_link_pair()
    peer.write(bytes(5000))
    assert [len(link.read(0)) for _ in range(3)] == [4096, 904, 0]


def test_a_vanished_pump_fails_as_on_a_real_link_after_its_last_words() -> None:
    link, peer = memory_link_pair()
    peer.write(b"last words")
    peer.close()
    assert link.read(100) == b"last words"
    for use in (lambda: link.read(100), lambda: link.write(b"x")):
        with pytest.raises(LinkError) as caught:
            use()
        assert caught.value.reason is LinkFailure.VANISHED


def test_the_pump_learns_at_once_that_the_programmer_closed() -> None:
    link, peer = memory_link_pair()
    seen: list[bool] = []
    peer.attach(lambda now_ms: seen.append(peer.connected))
    link.close()
    link.close()
    assert seen == [False]
    peer.write(b"nobody hears this")
    with pytest.raises(LinkError):
        link.read(0)


def test_virtual_time_never_goes_back() -> None:
    clock = VirtualClock(100)
    clock.advance_to(50)
    assert clock.now_ms() == 100
