"""One link frame: the bytes of the definition, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wire import frames, slow_cobs_decode, slow_crc32c

from protocol.frame import FRAME_LAYOUT, HEADER_LAYOUT, crc32c
from protocol.framing import (
    MAX_FRAME,
    MAX_PAYLOAD,
    Direction,
    Drop,
    DropReason,
    Frame,
    FrameKind,
    check_link_id,
    decode_frame,
    decode_piece,
    encode_frame,
    to_wire,
)

GOLDEN_FRAME = "a13c000134121c00000000fe3a0c75a9e4a4b52ceb133751d9cd8db635947b9af9e19a3ce24ef0"
GOLDEN_WIRE = "0003a13c050134121c0101011dfe3a0c75a9e4a4b52ceb133751d9cd8db635947b9af9e19a3ce24ef000"


def test_crc_gives_the_published_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@given(st.binary(max_size=300))
def test_crc_agrees_with_its_polynomial(octets: bytes) -> None:
    assert crc32c(octets) == slow_crc32c(octets)


def test_frame_of_the_specification_has_the_published_bytes() -> None:
    """The example of OITP/1 section 21: a record on link 0x1234, frame number 1."""
    frame = decode_frame(bytes.fromhex(GOLDEN_FRAME), Direction.TO_PUMP)
    assert isinstance(frame, Frame)
    assert (frame.kind, frame.seq, frame.link_id, len(frame.payload)) == (FrameKind.SECURE, 1, 0x1234, 28)
    assert encode_frame(frame).hex() == GOLDEN_FRAME
    assert to_wire(frame).hex() == GOLDEN_WIRE


@given(frames())
def test_packed_frame_equals_the_construct_definition(frame: Frame) -> None:
    fields = {
        "proto": 0xA1,
        "kind": frame.kind,
        "flags": frame.direction,
        "seq": frame.seq,
        "link_id": frame.link_id,
        "len": len(frame.payload),
    }
    crc = slow_crc32c(HEADER_LAYOUT.build(fields) + frame.payload)
    built = FRAME_LAYOUT.build({**fields, "payload": frame.payload, "crc32c": crc})
    assert frame.header() == HEADER_LAYOUT.build(fields)
    assert encode_frame(frame) == built
    parsed = FRAME_LAYOUT.parse(built)
    assert {name: parsed[name] for name in fields} == fields
    assert (parsed.payload, parsed.crc32c) == (frame.payload, crc)


@given(frames())
def test_frame_survives_the_wire_and_only_its_own_direction_accepts_it(frame: Frame) -> None:
    wire = to_wire(frame)
    assert wire[0] == wire[-1] == 0
    assert 0 not in wire[1:-1]
    assert decode_piece(wire[1:-1], frame.direction) == frame
    reflected = decode_piece(wire[1:-1], frame.direction.opposite)
    assert isinstance(reflected, Drop)
    assert reflected.reason is DropReason.FLAGS


@given(frames())
def test_cobs_costs_one_octet_and_no_frame_leaves_its_limits(frame: Frame) -> None:
    encoded = encode_frame(frame)
    assert len(encoded) <= MAX_FRAME
    assert len(to_wire(frame)) == len(encoded) + 3 <= 256
    assert slow_cobs_decode(to_wire(frame)[1:-1]) == encoded


@given(st.binary(min_size=1, max_size=254))
def test_a_piece_that_decodes_is_the_only_encoding_of_its_frame(noise: bytes) -> None:
    """A captured piece identifies its frame: no frame has two encodings below the size cap."""
    piece = noise.replace(b"\x00", b"\x01")
    result = decode_piece(piece, Direction.TO_PUMP)
    if isinstance(result, Frame):
        assert to_wire(result)[1:-1] == piece


def test_a_run_of_254_octets_would_have_two_encodings_and_is_refused() -> None:
    run = b"\x41" * 254
    for piece in (b"\xff" + run, b"\xff" + run + b"\x01"):
        assert slow_cobs_decode(piece) == run
        result = decode_piece(piece, Direction.TO_PUMP)
        assert isinstance(result, Drop)
        assert result.reason is DropReason.OVERRUN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seq": 256}, "seq 256"),
        ({"seq": -1}, "seq -1"),
        ({"link_id": 0x10000}, "link_id 65536"),
        ({"payload": bytes(MAX_PAYLOAD + 1)}, "243 octets"),
    ],
)
def test_a_frame_that_cannot_be_sent_cannot_be_made(change: dict[str, object], message: str) -> None:
    good = {"kind": FrameKind.LINK, "direction": Direction.TO_PUMP, "seq": 0, "link_id": 0, "payload": b""}
    with pytest.raises(ValueError, match=message):
        Frame(**{**good, **change})  # type: ignore[arg-type]


def test_a_frame_of_another_link_is_told_apart() -> None:
    frame = Frame(FrameKind.SECURE, Direction.TO_PUMP, 0, 0x1234, b"")
    assert check_link_id(frame, 0xFFFF, 0x1234) is None
    drop = check_link_id(frame, 0xFFFF, 0x4321)
    assert drop is not None
    assert drop.reason is DropReason.LINK_ID
    assert str(drop) == (
        "The frame belongs to another link. Expected link 0xFFFF or 0x4321, received link 0x1234."
    )


def test_every_reason_has_a_sentence_of_its_own() -> None:
    texts = [reason.text for reason in DropReason]
    assert len(set(texts)) == len(texts)
    assert all(text.endswith(".") for text in texts)
