"""The deframer: the same frames and drops however the octets arrive, and never more memory than one frame."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wire import SAMPLES, frames, outcome_of, receive_all, split_decode, streams

from protocol.framing import (
    GAP_MS,
    Deframer,
    Direction,
    Drop,
    DropReason,
    Frame,
    FrameKind,
    LinkCounters,
    encode_frame,
    to_wire,
)

TO_PUMP = Direction.TO_PUMP


def numbered(seq: int, link_id: int = 7) -> Frame:
    return Frame(FrameKind.LINK, TO_PUMP, seq, link_id, bytes([seq]))


def counted(counters: LinkCounters) -> dict[DropReason, int]:
    return {reason: count for reason, count in counters.drops.items() if count}


@given(streams(TO_PUMP), st.lists(st.integers(0, 2000), max_size=12))
def test_any_chunking_gives_what_splitting_the_whole_line_gives(stream: bytes, cuts: list[int]) -> None:
    whole = receive_all(stream, TO_PUMP)
    assert [outcome_of(result) for result in whole] == split_decode(stream, TO_PUMP)
    assert receive_all(stream, TO_PUMP, cuts) == whole
    assert receive_all(stream, TO_PUMP, list(range(len(stream)))) == whole


@given(st.lists(st.tuples(st.binary(max_size=300), frames(TO_PUMP)), max_size=5))
def test_noise_between_frames_loses_no_frame(line: list[tuple[bytes, Frame]]) -> None:
    """The delimiter in front of each frame ends whatever noise came before it."""
    stream = b"".join(noise + to_wire(frame) for noise, frame in line)
    received = [result for result in receive_all(stream, TO_PUMP) if isinstance(result, Frame)]
    assert received == [frame for _, frame in line]


@given(streams(TO_PUMP))
def test_each_drop_moves_its_own_counter_by_one_and_frames_move_theirs(stream: bytes) -> None:
    deframer = Deframer(TO_PUMP)
    results = deframer.receive(stream, 0)
    drops = [result.reason for result in results if isinstance(result, Drop)]
    assert counted(deframer.counters) == {reason: drops.count(reason) for reason in set(drops)}
    assert deframer.counters.dropped == len(drops)
    assert deframer.counters.frames == len(results) - len(drops)
    assert deframer.counters.octets == len(stream)


def test_two_frames_merged_by_a_lost_delimiter_are_both_refused() -> None:
    first, second = to_wire(numbered(1)), to_wire(numbered(2))
    merged = first[:-1] + second[1:]
    (drop,) = receive_all(merged, TO_PUMP)
    assert isinstance(drop, Drop)
    assert receive_all(merged + to_wire(numbered(3)), TO_PUMP)[-1] == numbered(3)


@pytest.mark.parametrize("end", range(1, len(to_wire(SAMPLES[0]))))
def test_a_frame_cut_anywhere_is_lost_alone(end: int) -> None:
    """The stump costs one drop at most; the next frame arrives."""
    results = receive_all(to_wire(SAMPLES[0])[:end] + to_wire(numbered(3)), TO_PUMP)
    assert results[-1] == numbered(3)
    assert len(results) <= 2
    complete = (
        end == len(to_wire(SAMPLES[0])) - 1
    )  # Only the delimiter is missing, and the next frame has one.
    assert isinstance(results[0], Frame) == (complete or len(results) == 1)


def test_silence_inside_a_frame_drops_it_once() -> None:
    deframer = Deframer(TO_PUMP)
    wire = to_wire(numbered(1))
    assert deframer.receive(wire[:5], 1000) == []
    assert deframer.next_deadline() == 1000 + GAP_MS
    assert deframer.expire(1000 + GAP_MS - 1) is None
    drop = deframer.expire(1000 + GAP_MS)
    assert drop is not None
    assert (drop.reason, drop.octets) == (DropReason.GAP, wire[1:5])
    assert deframer.next_deadline() is None
    assert deframer.expire(10**9) is None
    assert deframer.receive(wire[5:] + to_wire(numbered(2)), 2000) == [numbered(2)]
    assert counted(deframer.counters) == {DropReason.GAP: 1}


def test_a_late_rest_finds_the_gap_even_if_nobody_asked_in_between() -> None:
    deframer = Deframer(TO_PUMP, gap_ms=500)
    wire = to_wire(numbered(1))
    deframer.receive(wire[:5], 0)
    (drop,) = deframer.receive(wire[5:], 500)
    assert isinstance(drop, Drop)
    assert drop.reason is DropReason.GAP
    assert "within 500 ms" in str(drop)


def test_octets_that_keep_coming_are_in_time_however_long_the_frame_takes() -> None:
    deframer = Deframer(TO_PUMP)
    results = [
        result
        for position, octet in enumerate(to_wire(numbered(1)))
        for result in deframer.receive(bytes([octet]), position * (GAP_MS - 1))
    ]
    assert results == [numbered(1)]


def test_an_empty_read_does_not_prolong_the_deadline() -> None:
    deframer = Deframer(TO_PUMP)
    deframer.receive(b"\x00\x05", 0)
    deframer.receive(b"", GAP_MS - 1)
    assert deframer.next_deadline() == GAP_MS


def test_silence_between_frames_costs_nothing() -> None:
    deframer = Deframer(TO_PUMP)
    assert deframer.receive(to_wire(numbered(1)), 0) == [numbered(1)]
    assert deframer.next_deadline() is None
    assert deframer.receive(to_wire(numbered(2)), 10**9) == [numbered(2)]
    assert deframer.counters.dropped == 0


def test_an_overrun_is_counted_once_and_ends_at_the_next_delimiter() -> None:
    deframer = Deframer(TO_PUMP)
    assert deframer.receive(b"\x01" * 254, 0) == []
    (drop,) = deframer.receive(b"\x01", 0)
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.octets) == (DropReason.OVERRUN, b"\x01" * 254)
    assert deframer.receive(b"\x01" * 1_000_000, 0) == []
    assert (deframer.held, deframer.next_deadline()) == (0, None)
    assert deframer.receive(to_wire(numbered(1)), 0) == [numbered(1)]
    assert counted(deframer.counters) == {DropReason.OVERRUN: 1}


@pytest.mark.parametrize("pattern", ["random", "no delimiter", "only delimiters", "endless stumps"])
def test_megabytes_of_noise_hold_one_frame_of_memory(pattern: str) -> None:
    source = random.Random(1)
    chunk = {
        "random": source.randbytes(4096),
        "no delimiter": b"\xaa" * 4096,
        "only delimiters": bytes(4096),
        "endless stumps": (b"\x00" + b"\x07" * 254) * 16,
    }[pattern]
    deframer = Deframer(TO_PUMP)
    deframer.receive(chunk, 0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(512):
            deframer.receive(chunk, 0)
            assert deframer.held <= 254
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert growth < 1 << 18  # An eighth of what went in; tracers and coverage tools take some of it.
    assert deframer.counters.octets == 513 * len(chunk)


def test_one_read_larger_than_a_block_equals_many_small_ones() -> None:
    stream = b"".join(b"\x81\x82" * (seq % 90) + to_wire(numbered(seq % 256)) for seq in range(2000))
    assert len(stream) > 2 << 16
    assert receive_all(stream, TO_PUMP) == receive_all(stream, TO_PUMP, list(range(0, len(stream), 1021)))


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [([1, 2, 3], 0), ([1, 4], 2), ([254, 1], 2), ([5, 5], 0), ([5, 4], 0), ([200, 10, 12], 66)],
)
def test_missing_frame_numbers_are_counted_as_losses(numbers: list[int], missed: int) -> None:
    """A repeated or older number is no loss."""
    deframer = Deframer(TO_PUMP)
    for number in numbers:
        deframer.receive(to_wire(numbered(number)), 0)
    assert deframer.counters.missed == missed


def test_a_new_link_starts_a_new_count_of_losses() -> None:
    deframer = Deframer(TO_PUMP)
    for frame in (numbered(5, 0xFFFF), numbered(90, 7), numbered(91, 7)):
        deframer.receive(to_wire(frame), 0)
    assert deframer.counters.missed == 0


def test_the_peer_sees_what_was_sent_and_the_sender_drops_its_own_echo() -> None:
    for frame in SAMPLES:
        assert receive_all(to_wire(frame), frame.direction) == [frame]
        (drop,) = receive_all(to_wire(frame), frame.direction.opposite)
        assert isinstance(drop, Drop)
        assert (drop.reason, drop.octets) == (DropReason.FLAGS, encode_frame(frame))
