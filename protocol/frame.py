"""One link frame: header, payload and CRC-32C, COBS-coded between 0x00 delimiters (OITP/1 sections 2 and 3).

A link frame has at most 253 octets. At 254 one octet run has two COBS encodings; below that the mapping is
one to one, so a captured piece identifies its frame. The receiving side is in `protocol.framing`.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

import google_crc32c
from cobs import cobs
from construct import Bytes, Int8ul, Int16ul, Int32ul, Struct, this

from protocol.drops import Drop, DropReason

PROTO: Final = 0xA1
"""First octet of every frame: protocol A, major version 1."""

DELIMITER: Final = b"\x00"
HEADER_SIZE: Final = 7
CRC_SIZE: Final = 4
MIN_FRAME: Final = HEADER_SIZE + CRC_SIZE
MAX_FRAME: Final = 253
MAX_PAYLOAD: Final = MAX_FRAME - MIN_FRAME
MAX_PIECE: Final = MAX_FRAME + 1
"""Longest run of octets between two delimiters; below 255 octets COBS costs exactly one."""

NO_LINK_ID: Final = 0xFFFF
"""``link_id`` of the frames up to and including HELLO_RSP, which tells the pump's value."""

_HEADER_FIELDS: Final = (
    "proto" / Int8ul,
    "kind" / Int8ul,
    "flags" / Int8ul,
    "seq" / Int8ul,
    "link_id" / Int16ul,
    "len" / Int8ul,
)

HEADER_LAYOUT: Final = Struct(*_HEADER_FIELDS)
FRAME_LAYOUT: Final = Struct(*_HEADER_FIELDS, "payload" / Bytes(this.len), "crc32c" / Int32ul)
"""The definition of a link frame. The code below packs the same octets faster; a test holds them together."""

_HEADER: Final = struct.Struct("<BBBBHB")


@unique
class Direction(IntEnum):
    """Which way a frame goes: bit 0 of the flags octet. The other bits are zero."""

    TO_PUMP = 0
    TO_PROGRAMMER = 1

    @property
    def opposite(self) -> "Direction":
        """The way the peer's frames go."""
        return Direction(1 - self)


@unique
class FrameKind(IntEnum):
    """What the payload is."""

    LINK = 0x0F
    HANDSHAKE = 0x33
    SECURE = 0x3C
    CLEAR = 0x55


_KINDS: Final = {kind.value: kind for kind in FrameKind}
_KIND_WORDS: Final = ", ".join(f"0x{kind:02X}" for kind in FrameKind)
_WAYS: Final = {Direction.TO_PUMP: "to the pump", Direction.TO_PROGRAMMER: "to the programmer"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One link frame.

    ``seq`` is 0..255, counts the frames of one direction and serves loss statistics only. ``link_id`` is
    0..65535, `NO_LINK_ID` before the pump has given one. ``payload`` has 0..242 octets.

    Raises:
        ValueError: a field is outside its range.
    """

    kind: FrameKind
    direction: Direction
    seq: int
    link_id: int
    payload: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.seq <= 0xFF:
            raise ValueError(f"frame seq {self.seq} is outside 0..255")
        if not 0 <= self.link_id <= 0xFFFF:
            raise ValueError(f"frame link_id {self.link_id} is outside 0..65535")
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"frame payload has {len(self.payload)} octets; at most {MAX_PAYLOAD} fit")

    def header(self) -> bytes:
        """Return the 7 header octets, as sent; secure records authenticate them."""
        return pack_header(self.kind, self.direction, self.seq, self.link_id, len(self.payload))


def pack_header(kind: FrameKind, direction: Direction, seq: int, link_id: int, payload_size: int) -> bytes:
    """Return the 7 header octets of a frame whose payload need not exist yet.

    Raises:
        ValueError: a field is outside its range.
    """
    try:
        return _HEADER.pack(PROTO, kind, direction, seq, link_id, payload_size)
    except struct.error:
        raise ValueError(
            f"frame header with seq {seq}, link_id {link_id}, len {payload_size} is out of range"
        ) from None


def crc32c(octets: bytes) -> int:
    """Return the CRC-32C (Castagnoli, reflected, init and xorout 0xFFFFFFFF) of ``octets``."""
    return int(google_crc32c.value(octets))


def encode_frame(frame: Frame) -> bytes:
    """Return the link frame: header, payload and CRC-32C, before COBS."""
    checked = frame.header() + frame.payload
    return checked + crc32c(checked).to_bytes(CRC_SIZE, "little")


def to_wire(frame: Frame) -> bytes:
    """Return what goes over the byte pipe: delimiter, COBS-coded link frame, delimiter.

    The delimiter in front costs one octet and saves the frame from noise that came before it.
    """
    coded: bytes = cobs.encode(encode_frame(frame))
    return DELIMITER + coded + DELIMITER


def decode_frame(frame: bytes, expect_direction: Direction) -> Frame | Drop:
    """Check a link frame (after COBS) in the fixed order: size, CRC, proto, kind, flags, len.

    Returns the frame, or the first reason not to accept it. ``link_id`` and state come after these checks
    and belong to the endpoint (`check_link_id`, `unfit`).
    """
    if not MIN_FRAME <= len(frame) <= MAX_FRAME:
        return Drop(
            DropReason.SIZE, f"{MIN_FRAME} to {MAX_FRAME} octets", f"{len(frame)} octets", frame[:MAX_FRAME]
        )
    computed = crc32c(frame[:-CRC_SIZE])
    stated = int.from_bytes(frame[-CRC_SIZE:], "little")
    if computed != stated:
        return Drop(DropReason.CRC, f"CRC-32C 0x{computed:08X}", f"0x{stated:08X}", frame)
    proto, kind_word, flags, seq, link_id, length = _HEADER.unpack_from(frame)
    if proto != PROTO:
        return Drop(DropReason.PROTO, f"protocol octet 0x{PROTO:02X}", f"0x{proto:02X}", frame)
    kind = _KINDS.get(kind_word)
    if kind is None:
        return Drop(DropReason.KIND, f"one of the kinds {_KIND_WORDS}", f"0x{kind_word:02X}", frame)
    if flags != expect_direction:
        return Drop(DropReason.FLAGS, _flags_text(expect_direction), _flags_text(flags), frame)
    if length != len(frame) - MIN_FRAME:
        return Drop(DropReason.LENGTH, f"a length octet of {len(frame) - MIN_FRAME}", f"{length}", frame)
    return Frame(kind, expect_direction, seq, link_id, frame[HEADER_SIZE:-CRC_SIZE])


def decode_piece(piece: bytes, expect_direction: Direction) -> Frame | Drop:
    """Decode the octets between two delimiters: COBS first, then the checks of `decode_frame`."""
    if len(piece) > MAX_PIECE:
        return overrun(piece)
    try:
        frame: bytes = cobs.decode(piece)
    except cobs.DecodeError:
        return Drop(DropReason.COBS, "a complete COBS block", f"{len(piece)} octets that are none", piece)
    return decode_frame(frame, expect_direction)


def overrun(octets: bytes) -> Drop:
    """Explain a run of octets too long to be a frame; only the first `MAX_PIECE` are kept."""
    return Drop(
        DropReason.OVERRUN,
        f"a delimiter within {MAX_PIECE} octets",
        f"more than {MAX_PIECE} octets without one",
        octets[:MAX_PIECE],
    )


def check_link_id(frame: Frame, *allowed: int) -> Drop | None:
    """Return why ``frame`` is not of one of the ``allowed`` links, or None where it is."""
    if frame.link_id in allowed:
        return None
    wanted = " or ".join(f"0x{link_id:04X}" for link_id in allowed)
    return Drop(DropReason.LINK_ID, f"link {wanted}", f"link 0x{frame.link_id:04X}", encode_frame(frame))


def unfit(frame: Frame, reason: DropReason, expected: str, received: str) -> Drop:
    """Explain why a layer above the link refuses a well-formed ``frame``."""
    return Drop(reason, expected, received, encode_frame(frame))


def _flags_text(flags: int) -> str:
    way = _WAYS[Direction(flags & 1)]
    reserved = ", reserved bits set" if flags & 0xFE else ""
    return f"flags 0x{flags:02X} ({way}{reserved})"
