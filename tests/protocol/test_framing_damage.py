"""Damaged frames: refused, for the first reason in the fixed order, with exactly one counter moved."""

from itertools import combinations

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st
from support.wire import SAMPLES, flip, frames, receive_all, with_crc

from protocol.framing import Deframer, Direction, Drop, DropReason, Frame, decode_frame, encode_frame, to_wire

IDS = [f"{frame.kind.name}-{frame.direction.name}" for frame in SAMPLES]


def piece(frame: bytes) -> bytes:
    coded: bytes = cobs.encode(frame)
    return b"\x00" + coded + b"\x00"


def patched(frame: Frame, offset: int, value: int) -> bytes:
    """The wire bytes of a frame with one octet replaced and the CRC made to fit."""
    checked = bytearray(encode_frame(frame)[:-4])
    checked[offset] = value
    return piece(with_crc(bytes(checked)))


def mutations(frame: Frame) -> dict[str, tuple[bytes, DropReason]]:
    """Damage of every kind to one frame, with the counter that must move."""
    encoded = encode_frame(frame)
    wire = to_wire(frame)
    return {
        "last octet of the block lost": (wire[:-2] + b"\x00", DropReason.COBS),
        "block longer than the piece": (b"\x00\xfe" + wire[2:], DropReason.COBS),
        "swallowed delimiter": (wire[:-1] + b"\x01" * 254 + b"\x00", DropReason.OVERRUN),
        "ten octets": (piece(encoded[:10]), DropReason.SIZE),
        "empty block": (b"\x00\x01\x00", DropReason.SIZE),
        "first octet lost": (piece(encoded[1:]), DropReason.CRC),
        "CRC of another frame": (piece(encoded[:-4] + bytes(4)), DropReason.CRC),
        "CRC in the other byte order": (piece(encoded[:-4] + encoded[:-5:-1]), DropReason.CRC),
        "doubled frame in one piece": (piece(encoded + encoded), DropReason.CRC),
        "next major version": (patched(frame, 0, 0xA2), DropReason.PROTO),
        "unknown kind": (patched(frame, 1, 0x5A), DropReason.KIND),
        "kind that is no codeword": (patched(frame, 1, frame.kind ^ 1), DropReason.KIND),
        "reflected": (patched(frame, 2, frame.direction ^ 1), DropReason.FLAGS),
        "reserved flag": (patched(frame, 2, frame.direction | 0x80), DropReason.FLAGS),
        "length too small": (patched(frame, 6, len(frame.payload) - 1), DropReason.LENGTH),
        "length too large": (patched(frame, 6, 0xFF), DropReason.LENGTH),
        "trailing octet": (piece(with_crc(encoded[:-4] + b"\x01")), DropReason.LENGTH),
    }


@pytest.mark.parametrize("name", mutations(SAMPLES[0]))
@pytest.mark.parametrize("frame", SAMPLES, ids=IDS)
def test_each_mutation_moves_exactly_its_counter(frame: Frame, name: str) -> None:
    wire, reason = mutations(frame)[name]
    deframer = Deframer(frame.direction)
    (drop,) = deframer.receive(wire, 0)
    assert isinstance(drop, Drop)
    assert drop.reason is reason
    assert deframer.counters.drops == {known: int(known is reason) for known in DropReason}
    assert deframer.counters.frames == 0


@pytest.mark.parametrize("frame", SAMPLES, ids=IDS)
def test_every_single_flipped_bit_of_a_frame_fails_the_crc(frame: Frame) -> None:
    encoded = encode_frame(frame)
    for bit in range(len(encoded) * 8):
        result = decode_frame(flip(encoded, bit), frame.direction)
        assert isinstance(result, Drop)
        assert result.reason is DropReason.CRC


@pytest.mark.parametrize("frame", SAMPLES, ids=IDS)
def test_every_single_flipped_bit_on_the_wire_loses_the_frame(frame: Frame) -> None:
    """After COBS a flipped bit can move or make a delimiter; still nothing is accepted."""
    wire = to_wire(frame)
    for bit in range(len(wire) * 8):
        assert not any(isinstance(result, Frame) for result in receive_all(flip(wire, bit), frame.direction))


def test_every_pair_of_flipped_bits_of_a_small_frame_is_caught() -> None:
    encoded = encode_frame(SAMPLES[0])
    for first, second in combinations(range(len(encoded) * 8), 2):
        assert isinstance(decode_frame(flip(flip(encoded, first), second), Direction.TO_PUMP), Drop)


@given(frames(), st.data())
def test_up_to_five_flipped_bits_of_any_frame_are_caught(frame: Frame, data: st.DataObject) -> None:
    """CRC-32C has Hamming distance 6 at this length, for the frame before COBS."""
    damaged = encode_frame(frame)
    bits = st.integers(0, len(damaged) * 8 - 1)
    for bit in data.draw(st.sets(bits, min_size=1, max_size=5)):
        damaged = flip(damaged, bit)
    result = decode_frame(damaged, frame.direction)
    assert isinstance(result, Drop)
    assert result.reason is DropReason.CRC


@given(frames(Direction.TO_PUMP), st.sets(st.sampled_from(["proto", "kind", "flags", "length"]), min_size=1))
def test_the_first_fault_in_the_order_is_the_one_reported(frame: Frame, faults: set[str]) -> None:
    checked = bytearray(encode_frame(frame)[:-4])
    for name, offset in (("proto", 0), ("kind", 1), ("flags", 2), ("length", 6)):
        if name in faults:
            checked[offset] ^= 0xFF
    result = decode_frame(with_crc(bytes(checked)), Direction.TO_PUMP)
    assert isinstance(result, Drop)
    assert result.reason.value == next(
        name for name in ("proto", "kind", "flags", "length") if name in faults
    )
    beside_crc = decode_frame(bytes(checked) + b"\x00\x00\x00\x01", Direction.TO_PUMP)
    assert isinstance(beside_crc, Drop)
    assert beside_crc.reason is DropReason.CRC


def test_a_bad_crc_outranks_every_fault_of_the_header() -> None:
    result = decode_frame(b"\xff" * 7 + b"\x00" * 4, Direction.TO_PUMP)
    assert isinstance(result, Drop)
    assert result.reason is DropReason.CRC


@pytest.mark.parametrize(("size", "text"), [(0, "0 octets"), (10, "10 octets"), (254, "254 octets")])
def test_a_frame_of_impossible_size_says_so(size: int, text: str) -> None:
    result = decode_frame(bytes(size), Direction.TO_PUMP)
    assert isinstance(result, Drop)
    assert (result.reason, result.received, result.expected) == (DropReason.SIZE, text, "11 to 253 octets")
    assert len(result.octets) <= 253


def test_a_reflected_frame_is_explained_in_words() -> None:
    frame = SAMPLES[0]
    result = decode_frame(encode_frame(frame), Direction.TO_PROGRAMMER)
    assert str(result) == (
        "The flags are wrong: a reserved bit is set, or the frame goes the other way. "
        "Expected flags 0x01 (to the programmer), received flags 0x00 (to the pump)."
    )
