"""Link control messages: every message comes back as it was, everything else is refused with a reason."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wire import flip

from protocol.codewords import is_codeword8
from protocol.framing import MAX_PAYLOAD
from protocol.link_control import (
    LINK_LAYOUTS,
    Close,
    Hello,
    HelloResponse,
    LinkClass,
    LinkControlError,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    LinkOp,
    Ping,
    Pong,
    SuiteBit,
    decode_link,
    encode_link,
    key_hint,
)
from protocol.vocabulary import CloseReason

HELLO = Hello(1, 1, SuiteBit.KK | SuiteBit.NNPSK0, b"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7")
HELLO_RSP = HelloResponse(
    1, 0x1234, LinkClass.NEAR, SuiteBit.KK, HELLO.nonce, b"\xb0" * 8, b"\xc0\xc1\xc2\xc3", 0x0102, 253
)
FIXED: list[LinkMessage] = [HELLO, HELLO_RSP, Close(CloseReason.DONE), LinkError(LinkErrorCode.BUSY, 0)]


def messages() -> st.SearchStrategy[LinkMessage]:
    suites = st.integers(0, 0xFF).map(SuiteBit)
    octet8, word = st.binary(min_size=8, max_size=8), st.integers(0, 0xFFFF)
    versions = st.tuples(st.integers(1, 255), st.integers(1, 255)).map(sorted)
    echo = st.binary(max_size=32)
    responses = st.builds(
        HelloResponse,
        st.integers(1, 255),
        st.integers(0, 0xFFFE),
        st.sampled_from(LinkClass),
        suites,
        octet8,
        octet8,
        st.binary(min_size=4, max_size=4),
        word,
        st.integers(79, 253),
    )
    return st.one_of(
        st.builds(lambda pair, bits, nonce: Hello(pair[0], pair[1], bits, nonce), versions, suites, octet8),
        responses,
        st.builds(Ping, echo),
        st.builds(Pong, echo),
        st.builds(Close, st.sampled_from(CloseReason)),
        st.builds(LinkError, st.sampled_from(LinkErrorCode), word),
    )


@given(messages())
def test_every_message_survives_the_round_trip(message: LinkMessage) -> None:
    assert decode_link(encode_link(message)) == message


@given(
    st.binary(max_size=MAX_PAYLOAD)
    | messages()
    .map(encode_link)
    .flatmap(lambda payload: st.integers(0, len(payload) * 8 - 1).map(lambda bit: flip(payload, bit)))
)
def test_any_octets_are_refused_or_are_the_encoding_of_what_they_decode_to(payload: bytes) -> None:
    """Nothing is ignored: no trailing octet, no dropped bit, no other exception."""
    try:
        message = decode_link(payload)
    except LinkControlError:
        return
    assert encode_link(message) == payload


def test_the_octets_are_those_of_the_specification() -> None:
    assert encode_link(HELLO).hex() == "0f010103a0a1a2a3a4a5a6a7"
    assert encode_link(HELLO_RSP).hex() == (
        "33013412" + "3301" + "a0a1a2a3a4a5a6a7" + "b0" * 8 + "c0c1c2c3" + "0201" + "fd"
    )
    assert encode_link(Ping(b"\x00\x01")).hex() == "3c0001"
    assert encode_link(Pong(b"")).hex() == "55"
    assert encode_link(Close(CloseReason.IDLE)).hex() == "5a3c"
    assert encode_link(LinkError(LinkErrorCode.LOCKED_OUT, 3600)).hex() == "6655100e"


def test_all_words_are_codewords() -> None:
    for words in (LinkOp, LinkClass, LinkErrorCode):
        assert all(is_codeword8(word) for word in words)
    assert set(LINK_LAYOUTS) == set(LinkOp)


@pytest.mark.parametrize("message", FIXED, ids=lambda message: type(message).__name__)
def test_a_body_one_octet_short_or_long_is_refused(message: LinkMessage) -> None:
    payload = encode_link(message)
    for wrong in (payload[:-1], payload + b"\x00"):
        with pytest.raises(
            LinkControlError, match=f"{len(wrong) - 1} octets; it must have {len(payload) - 1}"
        ):
            decode_link(wrong)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "empty"),
        (b"\x00", "op 0x00 is unknown; known are 0x0F HELLO"),
        (b"\x0e" + bytes(11), "op 0x0E is unknown"),
        (b"\x3c" + bytes(33), r"PING: echo size 33 is outside 0\.\.32"),
        (b"\x55" + bytes(33), r"PONG: echo size 33 is outside 0\.\.32"),
        (b"\x5a\x00", "CLOSE: reason 0x00 is unknown; known are 0x33 DONE"),
        (b"\x66\x01\x00\x00", "LINK_ERROR: code 0x01 is unknown"),
        (b"\x0f\x00" + encode_link(HELLO)[2:], r"HELLO: ver_min 0 is outside 1\.\.255"),
        (b"\x0f\x02" + encode_link(HELLO)[2:], r"HELLO: ver_max 1 is outside 2\.\.255"),
        (b"\x33\x00" + encode_link(HELLO_RSP)[2:], r"HELLO_RSP: ver 0 is outside"),
        (b"\x33\x01\xff\xff" + encode_link(HELLO_RSP)[4:], r"link_id 65535 is outside 0\.\.65534"),
        (b"\x33\x01\x34\x12\x55" + encode_link(HELLO_RSP)[5:], "link_class 0x55 is unknown"),
        (encode_link(HELLO_RSP)[:-1] + b"\xfe", r"max_frame 254 is outside 79\.\.253"),
        (encode_link(HELLO_RSP)[:-1] + b"\x4e", r"max_frame 78 is outside 79\.\.253"),
    ],
)
def test_a_malformed_message_says_what_is_wrong(payload: bytes, message: str) -> None:
    with pytest.raises(LinkControlError, match=message):
        decode_link(payload)


def test_a_suite_bit_from_the_future_is_kept() -> None:
    """A newer peer may offer more; the bits still enter the prologue as they came."""
    hello = Hello(1, 2, SuiteBit.KK | SuiteBit(0x40), bytes(8))
    decoded = decode_link(encode_link(hello))
    assert isinstance(decoded, Hello)
    assert decoded.suites == 0x41
    assert SuiteBit.KK in decoded.suites


def test_a_message_that_cannot_be_sent_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="nonce has 7 octets; it must have 8"):
        Hello(1, 1, SuiteBit.KK, bytes(7))
    with pytest.raises(ValueError, match="echo size 33"):
        Ping(bytes(33))
    with pytest.raises(ValueError, match="detail 65536"):
        LinkError(LinkErrorCode.BUSY, 0x10000)


def test_key_hint_names_the_pump_to_who_knows_its_key_and_changes_with_the_nonce() -> None:
    public = bytes(range(32))
    hint = key_hint(public, b"\x01" * 8)
    assert hint == sha256(b"OITP/1 hint" + public + b"\x01" * 8).digest()[:4]
    assert key_hint(public, b"\x02" * 8) != hint
    assert key_hint(bytes(32), b"\x01" * 8) != hint


@pytest.mark.parametrize(("key_size", "nonce_size"), [(31, 8), (32, 7), (33, 8), (32, 0)])
def test_key_hint_refuses_keys_and_nonces_of_the_wrong_size(key_size: int, nonce_size: int) -> None:
    with pytest.raises(ValueError, match="it must have"):
        key_hint(bytes(key_size), bytes(nonce_size))
