"""Frames, noise and an independent reading of OITP/1 sections 2 and 3 for the tests of the link layer."""

from dataclasses import dataclass

from hypothesis import strategies as st

from protocol.framing import MAX_PAYLOAD, Deframer, Direction, Drop, DropReason, Frame, FrameKind, to_wire

SAMPLES = tuple(Frame(kind, way, 0x2A, 0x1234, b"\x01\x00\x7f") for kind in FrameKind for way in Direction)
"""One small frame of each kind and direction."""


def frames(direction: Direction | None = None) -> st.SearchStrategy[Frame]:
    """Any frame, of one direction where it is given."""
    ways = st.sampled_from(Direction) if direction is None else st.just(direction)
    octet, word = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
    payloads = st.binary(max_size=MAX_PAYLOAD) | st.binary(min_size=MAX_PAYLOAD, max_size=MAX_PAYLOAD)
    return st.builds(Frame, st.sampled_from(FrameKind), ways, octet, word, payloads)


def streams(direction: Direction) -> st.SearchStrategy[bytes]:
    """Octets of a line: frames of both directions, damaged frames, noise and silence in any order."""
    whole = frames().map(to_wire) | frames(direction).map(to_wire)
    cut = st.tuples(whole, st.integers(0, 255)).map(lambda pair: pair[0][: pair[1]])
    noise = st.binary(max_size=40) | st.integers(200, 600).map(lambda size: b"\x55" * size)
    return st.lists(whole | cut | noise, max_size=6).map(b"".join)


def with_crc(checked: bytes) -> bytes:
    """Append the right CRC-32C to whatever stands before it."""
    return checked + slow_crc32c(checked).to_bytes(4, "little")


def flip(octets: bytes, bit: int) -> bytes:
    """Turn over one bit, counted from the lowest of the first octet."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def receive_all(data: bytes, direction: Direction, cuts: list[int] | None = None) -> list[Frame | Drop]:
    """Feed a fresh deframer, in pieces that end at ``cuts``, without silence in between."""
    deframer = Deframer(direction)
    ends = [*sorted(cut for cut in cuts or [] if cut < len(data)), len(data)]
    starts = [0, *ends[:-1]]
    chunks = (data[start:end] for start, end in zip(starts, ends, strict=True))
    return [result for chunk in chunks for result in deframer.receive(chunk, 0)]


@dataclass(frozen=True)
class Outcome:
    """What one piece of the line is: the fields of a frame, or a reason."""

    fields: tuple[int, int, int, int, bytes] | None
    reason: DropReason | None


def outcome_of(result: Frame | Drop) -> Outcome:
    """Reduce a result of the deframer to what `split_decode` says about it."""
    if isinstance(result, Drop):
        return Outcome(None, result.reason)
    return Outcome((result.kind, result.direction, result.seq, result.link_id, result.payload), None)


def split_decode(data: bytes, direction: Direction) -> list[Outcome]:
    """Read a whole line the slow and simple way: split at zeros, then each piece by itself.

    A last piece without a delimiter after it counts only where it is already too long.
    """
    *pieces, tail = data.split(b"\x00")
    outcomes = [_read_piece(piece, direction) for piece in pieces if piece]
    return [*outcomes, Outcome(None, DropReason.OVERRUN)] if len(tail) > 254 else outcomes


def _read_piece(piece: bytes, direction: Direction) -> Outcome:
    if len(piece) > 254:
        return Outcome(None, DropReason.OVERRUN)
    frame = slow_cobs_decode(piece)
    if frame is None:
        return Outcome(None, DropReason.COBS)
    reason = _first_fault(frame, direction)
    if reason is not None:
        return Outcome(None, reason)
    fields = (frame[1], frame[2], frame[3], frame[4] | frame[5] << 8, frame[7:-4])
    return Outcome(fields, None)


def _first_fault(frame: bytes, direction: Direction) -> DropReason | None:
    if len(frame) < 11:
        return DropReason.SIZE
    faults = {
        DropReason.CRC: slow_crc32c(frame[:-4]).to_bytes(4, "little") != frame[-4:],
        DropReason.PROTO: frame[0] != 0xA1,
        DropReason.KIND: frame[1] not in (0x0F, 0x33, 0x3C, 0x55),
        DropReason.FLAGS: frame[2] != int(direction),
        DropReason.LENGTH: frame[6] != len(frame) - 11,
    }
    return next((reason for reason, wrong in faults.items() if wrong), None)


def slow_cobs_decode(piece: bytes) -> bytes | None:
    """Decode COBS by its definition; None where the last block is cut short."""
    decoded = bytearray()
    position = 0
    while position < len(piece):
        code = piece[position]
        block = piece[position + 1 : position + code]
        if len(block) != code - 1:
            return None
        decoded += block
        position += code
        if position < len(piece) and code < 0xFF:
            decoded.append(0)
    return bytes(decoded)


def _table_entry(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0x82F63B78 if octet & 1 else 0)
    return octet


_TABLE = [_table_entry(octet) for octet in range(256)]


def slow_crc32c(octets: bytes) -> int:
    """Compute CRC-32C from its reflected polynomial 0x82F63B78, octet by octet."""
    remainder = 0xFFFFFFFF
    for octet in octets:
        remainder = remainder >> 8 ^ _TABLE[(remainder ^ octet) & 0xFF]
    return remainder ^ 0xFFFFFFFF
