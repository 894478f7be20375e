"""A flipped bit or a burst never passes: frames of each kind, on the wire and before the stuffing."""

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest
from cobs import cobs
from support.frame_cases import CASES, FrameCase
from support.wire import flip, split_decode, with_crc

from protocol.frame import Direction, FrameKind, encode_frame
from protocol.handshake import HandshakeStep

every_case = pytest.mark.parametrize("name", CASES)
PROTECTED = [
    name for name, make in CASES.items() if make().frame.kind in (FrameKind.HANDSHAKE, FrameKind.SECURE)
]
BURSTS = (2, 3, 8, 17, 32)
"""Bits from the first to the last one turned over; CRC-32C catches every burst up to 32 bits of a frame."""


def piece(frame: bytes) -> bytes:
    coded: bytes = cobs.encode(frame)
    return b"\0" + coded + b"\0"


def bursts(size: int, lengths: tuple[int, ...]) -> list[int]:
    """Masks of bits to turn over: at each place a burst of each length, solid and with holes."""
    random = Random(size)
    masks = []
    for length in lengths:
        for start in range(0, size * 8 - length + 1, 3):
            ends = 1 | 1 << (length - 1)
            masks += [((1 << length) - 1) << start, (ends | random.getrandbits(length)) << start]
    return masks


def turned(octets: bytes, mask: int) -> bytes:
    return (int.from_bytes(octets, "little") ^ mask).to_bytes(len(octets), "little")


def expected_on_the_wire(data: bytes, direction: Direction) -> dict[str, int]:
    """Which counters must move, by the slow and simple reading of the line, silence after it included."""
    *_, tail = data.split(b"\0")
    outcomes = split_decode(data, direction)
    assert all(outcome.reason for outcome in outcomes), "the damage makes another frame"
    reasons = Counter(outcome.reason.value for outcome in outcomes if outcome.reason)
    if 0 < len(tail) <= 254:
        reasons["gap"] += 1
    return dict(reasons)


def still_waits(case: FrameCase) -> None:
    """Nothing happened: the receiver takes the genuine frame as if it had heard nothing."""
    moved, _, _ = case.hear(case.wire)
    assert moved == ({} if case.taken else {"state": 1})


def refuses_on_the_wire(name: str, damage: Iterable[bytes]) -> None:
    """Each damaged wire moves the counters it should and does nothing else."""
    case = CASES[name]()
    for damaged in damage:
        heard = case.hear(damaged)
        assert heard == (expected_on_the_wire(damaged, case.direction), b"", []), damaged.hex()
        if case.now_ms:
            # Time has passed in silence; the next one finds the receiver as it was at first.
            still_waits(case)
            case = CASES[name]()
    still_waits(case)


@every_case
def test_every_flipped_bit_on_the_wire_loses_the_frame_and_moves_its_counter(name: str) -> None:
    wire = CASES[name]().wire
    refuses_on_the_wire(name, (flip(wire, bit) for bit in range(len(wire) * 8)))


@every_case
def test_every_flipped_bit_of_the_frame_fails_its_crc(name: str) -> None:
    case = CASES[name]()
    frame = encode_frame(case.frame)
    for bit in range(len(frame) * 8):
        assert case.hear(piece(flip(frame, bit))) == ({"crc": 1}, b"", []), bit
    still_waits(case)


@every_case
def test_bursts_of_up_to_32_bits_in_the_frame_fail_its_crc(name: str) -> None:
    case = CASES[name]()
    frame = encode_frame(case.frame)
    for mask in bursts(len(frame), BURSTS):
        assert case.hear(piece(turned(frame, mask))) == ({"crc": 1}, b"", []), hex(mask)
    still_waits(case)


@every_case
def test_bursts_on_the_wire_lose_the_frame_and_move_its_counters(name: str) -> None:
    """Stuffing weakens the CRC there, so this holds for these bursts, not for all."""
    wire = CASES[name]().wire
    refuses_on_the_wire(name, (turned(wire, mask) for mask in bursts(len(wire), BURSTS)))


# --- behind a right CRC -------------------------------------------------------------------------------------

HEADER_REASONS = {0: "proto", 1: "kind", 2: "flags", 4: "link_id", 5: "link_id", 6: "length"}
"""Octets of the frame header; octet 3 is the sequence number, which only a record protects."""


def expected_behind_the_crc(name: str, octet: int, bit: int) -> str:
    """Why a handshake or record with one flipped bit is refused although its CRC fits."""
    if octet in HEADER_REASONS:
        return HEADER_REASONS[octet]
    if not name.startswith("SECURE"):
        return "handshake"
    counter_bit = (octet - 7) * 8 + bit
    if 20 <= counter_bit < 32:
        return "exhausted"
    # The genuine counter is 1; 0 was used by the confirmation.
    return "replay" if counter_bit == 0 else "auth"


@pytest.mark.parametrize("name", PROTECTED)
def test_every_flipped_bit_of_a_handshake_or_record_is_refused_behind_a_right_crc(name: str) -> None:
    case = CASES[name]()
    checked = encode_frame(case.frame)[:-4]
    for at in range(len(checked) * 8):
        octet, bit = divmod(at, 8)
        sequence_number_of_a_handshake = octet == 3 and not name.startswith("SECURE")
        if sequence_number_of_a_handshake:
            continue
        moved, _, events = case.hear(piece(with_crc(flip(checked, at))))
        assert moved == {expected_behind_the_crc(name, octet, bit): 1}, (octet, bit)
        assert all(type(event).__name__ == "HandshakeFailed" for event in events)
    still_waits(case)


def test_every_step_of_every_handshake_is_there() -> None:
    """With each operation of link control, and records of either kind in either direction."""
    frames = {name: make().frame for name, make in CASES.items()}
    assert {frame.kind for frame in frames.values()} == set(FrameKind)
    assert {frame.payload[0] for frame in frames.values() if frame.kind is FrameKind.LINK} == {
        0x0F, 0x33, 0x3C, 0x55, 0x5A, 0x66,
    }  # fmt: skip
    steps = {(f.payload[0], f.payload[1]) for f in frames.values() if f.kind is FrameKind.HANDSHAKE}
    assert steps == {(suite, step) for suite in (0x0F, 0x33, 0x3C) for step in HandshakeStep}
    ways = {(f.kind, f.direction) for f in frames.values() if f.kind in (FrameKind.SECURE, FrameKind.CLEAR)}
    assert len(ways) == 4


def test_the_same_frames_come_every_time() -> None:
    assert {name: make().wire for name, make in CASES.items()} == {
        name: make().wire for name, make in CASES.items()
    }
