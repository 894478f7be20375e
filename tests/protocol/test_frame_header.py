"""The header of a frame can be made before its payload, and a header that cannot be is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frame import MAX_PAYLOAD, Direction, Frame, FrameKind, pack_header
from protocol.noise import CipherState
from protocol.records import MAX_RECORDS, RecordSender


@given(
    st.sampled_from(FrameKind),
    st.sampled_from(Direction),
    st.integers(0, 0xFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=MAX_PAYLOAD),
)
def test_a_header_made_beforehand_is_that_of_the_frame(
    kind: FrameKind, direction: Direction, seq: int, link_id: int, payload: bytes
) -> None:
    frame = Frame(kind, direction, seq, link_id, payload)
    assert pack_header(kind, direction, seq, link_id, len(payload)) == frame.header()


@pytest.mark.parametrize(("seq", "link_id", "size"), [(256, 0, 0), (-1, 0, 0), (0, 65_536, 0), (0, 0, 256)])
def test_a_field_outside_its_range_is_refused(seq: int, link_id: int, size: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        pack_header(FrameKind.SECURE, Direction.TO_PUMP, seq, link_id, size)


def test_a_record_that_is_refused_uses_no_counter() -> None:
    sender = RecordSender(CipherState(bytes(32)), Direction.TO_PUMP, 1)
    with pytest.raises(ValueError, match="seq 256"):
        sender.seal(256, b"")
    assert sender.remaining == MAX_RECORDS
    assert sender.seal(0, b"").payload[:4] == bytes(4)
