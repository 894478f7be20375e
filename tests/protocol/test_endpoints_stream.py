"""Both ends hear the same, however the line cuts the octets and whatever noise stands between the frames."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.device import HANDLE, CountingDevice
from support.faulty_line import split_frames
from support.protocol_pair import ConnectionPair, Cut, SeededEntropy, whole

from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import (
    AnswerReceived,
    FrameDropped,
    ProgrammerEvent,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
)
from protocol.messages.program import GetReceiptRequest, ProgBeginRequest, ProgStageRequest
from protocol.messages.session import SessionCloseRequest
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import CloseReason

REQUESTS = (
    GetStatusRequest(),
    ProgBeginRequest(7, 637, b"intent 123456789"),
    ProgBeginRequest(0, 637, b"intent 123456789"),
    ProgStageRequest(HANDLE, 0, bytes(range(192))),
    GetReceiptRequest(b"intent 123456789"),
    SessionCloseRequest(CloseReason.DONE),
)
Heard = tuple[list[ProgrammerEvent], list[PumpEvent]]


def hear_a_session(cut: Cut) -> tuple[Heard, int]:
    """What both ends are told in a whole session, and how many pieces of noise they dropped."""
    pair = ConnectionPair(cut=cut).open()
    for body in REQUESTS:
        assert isinstance(pair.ask(body), AnswerReceived)
    ours: list[ProgrammerEvent] = [event for event in pair.events if not isinstance(event, FrameDropped)]
    theirs = [_unlinked(event) for event in pair.host.events if not isinstance(event, FrameDropped)]
    dropped = len(pair.events) + len(pair.host.events) - len(ours) - len(theirs)
    return (ours, theirs), dropped


def _unlinked(event: PumpEvent) -> PumpEvent:
    """The same event without the counters of the link: these do see noise and cuts."""
    if isinstance(event, SessionOpened):
        return SessionOpened(replace(event.caller, link=None))
    if isinstance(event, RequestReceived):
        caller = replace(event.request.caller, link=None)
        return RequestReceived(replace(event.request, caller=caller), event.txn)
    return event


UNDISTURBED, NO_NOISE = hear_a_session(whole)


def octet_by_octet(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def disturbed(noise: list[bytes], cuts: list[int]) -> Cut:
    """A line that puts noise around the frames and cuts the whole where it likes."""
    number = count()

    def cut(data: bytes) -> Iterable[bytes]:
        if not data:
            return []
        noisy = b"".join(noise[next(number) % len(noise)] + frame for frame in split_frames(data))
        noisy += noise[next(number) % len(noise)]
        ends = sorted({at % len(noisy) for at in cuts} | {len(noisy)})
        return [noisy[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    return cut


def test_an_undisturbed_session_drops_nothing() -> None:
    assert NO_NOISE == 0
    last = UNDISTURBED[1][-1]
    assert isinstance(last, SessionClosed)
    assert last.reason is CloseReason.DONE


def test_octets_that_come_one_by_one_say_the_same() -> None:
    assert hear_a_session(octet_by_octet) == (UNDISTURBED, 0)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 300), max_size=12))
def test_octets_cut_anywhere_say_the_same(cuts: list[int]) -> None:
    assert hear_a_session(disturbed([b""], cuts)) == (UNDISTURBED, 0)


@settings(max_examples=60)
@given(
    st.lists(st.binary(max_size=40) | st.binary(min_size=250, max_size=300), min_size=1, max_size=6),
    st.lists(st.integers(0, 600), max_size=8),
)
def test_noise_between_the_frames_changes_nothing_that_is_said(noise: list[bytes], cuts: list[int]) -> None:
    heard, _ = hear_a_session(disturbed(noise, cuts))
    assert heard == UNDISTURBED


def test_noise_is_counted() -> None:
    _, dropped = hear_a_session(disturbed([b"\x00noise\x00"], []))
    assert dropped > 2 * len(REQUESTS)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_noise_is_never_answered(pieces: list[bytes]) -> None:
    pump, programmer = PumpEndpoint(CountingDevice(), SeededEntropy()), ProgrammerEndpoint(SeededEntropy())
    for now_ms, piece in enumerate(pieces):
        assert all(isinstance(event, FrameDropped) for event in pump.receive(piece, now_ms))
        assert all(isinstance(event, FrameDropped) for event in programmer.receive(piece, now_ms))
    pump.handle_timeout(1_000)
    programmer.handle_timeout(1_000)
    assert pump.data_to_send() == programmer.data_to_send() == b""


@pytest.mark.parametrize("end", ["pump", "programmer"])
def test_a_frame_that_stops_half_way_is_dropped_after_the_gap(end: str) -> None:
    pair = ConnectionPair()
    endpoint = pair.pump if end == "pump" else pair.programmer
    assert endpoint.next_deadline() is None
    assert endpoint.receive(b"\x00\x05half", 50) == []
    assert endpoint.next_deadline() == 150
    assert endpoint.handle_timeout(149) == []
    (event,) = endpoint.handle_timeout(150)
    assert isinstance(event, FrameDropped)
    assert event.drop.reason.value == "gap"
    assert endpoint.next_deadline() is None
