"""The session handshake between both sides: what opens a session, and all that must not."""

import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import (
    CARD_SECRET,
    DISCOVERY,
    GRANT,
    HELLO,
    HELLO_RSP,
    LINK_ID,
    PROGRAMMER_PUBLIC,
    PROGRAMMER_STATIC,
    PUMP_PUBLIC,
    PUMP_STATIC,
    credentials,
    initiator,
    responder,
    secret,
    shake_hands,
    slot_of,
)
from support.wire import flip

from protocol.framing import Direction, Frame, FrameKind, encode_frame, to_wire
from protocol.handshake import (
    FIRST_SIZE,
    GRANT_LAYOUT,
    GRANT_SIZE,
    HEADER_SIZE,
    SECOND_SIZE,
    Credentials,
    Discovery,
    HandshakeError,
    HandshakeHeader,
    HandshakeKeyError,
    HandshakeStep,
    InitiatorHandshake,
    ResponderHandshake,
    SessionGrant,
    Suite,
    enrol_psk,
    prologue,
)
from protocol.link_control import HelloResponse, SuiteBit, decode_link, encode_link
from protocol.noise import HandshakeState, NoiseStateError, Pattern, _SymmetricState, public_key
from protocol.vocabulary import BondState, Role


def refused(pump: ResponderHandshake, payload: bytes) -> bool:
    try:
        pump.read_first(payload)
    except HandshakeError:
        return True
    return False


@pytest.mark.parametrize("suite", Suite)
def test_both_sides_end_with_the_same_session(suite: Suite) -> None:
    programmer, pump, grant = shake_hands(suite)
    assert grant == GRANT
    assert programmer.handshake_hash == pump.handshake_hash
    assert pump.receive.open(0, b"", programmer.send.seal(0, b"", b"question")) == b"question"
    assert programmer.receive.open(0, b"", pump.send.seal(0, b"", b"answer")) == b"answer"


@pytest.mark.parametrize("suite", Suite)
def test_frames_have_the_sizes_of_the_specification(suite: Suite) -> None:
    first = initiator(suite).first_message()
    pump = responder(suite)
    pump.read_first(first)
    second, _ = pump.second_message(GRANT)
    assert (len(first), len(second)) == (FIRST_SIZE, SECOND_SIZE) == (52, 68)
    for payload, way, size in ((first, Direction.TO_PUMP, 63), (second, Direction.TO_PROGRAMMER, 79)):
        frame = Frame(FrameKind.HANDSHAKE, way, 0, LINK_ID, payload)
        assert (len(encode_frame(frame)), len(to_wire(frame))) == (size, size + 3)


@pytest.mark.parametrize("suite", Suite)
def test_every_flipped_bit_of_the_first_message_is_refused(suite: Suite) -> None:
    pump, first = responder(suite), initiator(suite).first_message()
    assert all(refused(pump, flip(first, bit)) for bit in range(len(first) * 8))
    pump.read_first(first)


@pytest.mark.parametrize("suite", Suite)
def test_every_flipped_bit_of_the_second_message_is_refused_and_the_genuine_one_still_read(
    suite: Suite,
) -> None:
    programmer, pump = initiator(suite), responder(suite)
    pump.read_first(programmer.first_message())
    second, _ = pump.second_message(GRANT)
    for bit in range(len(second) * 8):
        with pytest.raises(HandshakeError):
            programmer.read_second(flip(second, bit))
    assert programmer.read_second(second)[1] == GRANT


@pytest.mark.parametrize("suite", Suite)
def test_an_edited_discovery_breaks_the_handshake(suite: Suite) -> None:
    """No octet of HELLO or HELLO_RSP can be changed on the way: no downgrade of version or suites."""
    first = initiator(suite).first_message()
    for position in range(len(HELLO)):
        pump = responder(suite, Discovery(flip(HELLO, position * 8), HELLO_RSP))
        with pytest.raises(HandshakeKeyError):
            pump.read_first(first)
    for position in range(len(HELLO_RSP)):
        pump = responder(suite, Discovery(HELLO, flip(HELLO_RSP, position * 8)))
        with pytest.raises(HandshakeKeyError):
            pump.read_first(first)


def test_prologue_is_that_of_the_specification() -> None:
    assert prologue(b"hello", b"response", b"head") == b"OITP/1helloresponsehead"


def test_an_edited_slot_breaks_the_handshake_even_with_the_right_key() -> None:
    first = initiator(Suite.KK).first_message()
    edited = HandshakeHeader(Suite.KK, HandshakeStep.FIRST, 9).encode() + first[HEADER_SIZE:]
    with pytest.raises(HandshakeKeyError):
        responder(Suite.KK, slot=9).read_first(edited)


def test_a_suite_cannot_be_swapped_under_the_same_static_keys() -> None:
    first = initiator(Suite.KK).first_message()
    edited = HandshakeHeader(Suite.KKPSK2, HandshakeStep.FIRST, slot_of(Suite.KK)).encode() + first[4:]
    with pytest.raises(HandshakeKeyError):
        responder(Suite.KKPSK2).read_first(edited)


@pytest.mark.parametrize(
    ("suite", "keys"),
    [
        (Suite.KK, Credentials(secret("another pump"), PROGRAMMER_PUBLIC)),
        (Suite.KK, Credentials(PUMP_STATIC, PUMP_PUBLIC)),
        (Suite.NNPSK0, Credentials(psk=enrol_psk(b"\x01" + CARD_SECRET[1:], PUMP_PUBLIC))),
        (Suite.NNPSK0, Credentials(psk=enrol_psk(CARD_SECRET, PROGRAMMER_PUBLIC))),
    ],
    ids=["another pump", "another programmer", "another card", "the card of another pump"],
)
def test_the_pump_refuses_other_keys(suite: Suite, keys: Credentials) -> None:
    with pytest.raises(HandshakeKeyError, match="tag does not match"):
        responder(suite, keys=keys).read_first(initiator(suite).first_message())


def test_the_programmer_refuses_an_answer_made_without_the_private_key_of_the_pump() -> None:
    """An impostor can run a handshake of its own, but its answer does not fit the genuine first message."""
    programmer = initiator(Suite.KK)
    programmer.first_message()
    impostor_public = public_key(secret("impostor"))
    impostor = responder(Suite.KK, keys=Credentials(secret("impostor"), PROGRAMMER_PUBLIC))
    lured = initiator(Suite.KK, keys=Credentials(PROGRAMMER_STATIC, impostor_public))
    impostor.read_first(lured.first_message())
    with pytest.raises(HandshakeKeyError):
        programmer.read_second(impostor.second_message(GRANT)[0])


def test_a_wrong_proximity_token_is_found_by_the_programmer() -> None:
    """KKpsk2 mixes the token into the second message, so the pump learns of it by the missing record."""
    wrong = credentials(Suite.KKPSK2, of_pump=True)
    pump = responder(Suite.KKPSK2, keys=Credentials(wrong.static, wrong.remote_static, secret("old token")))
    programmer = initiator(Suite.KKPSK2)
    pump.read_first(programmer.first_message())
    with pytest.raises(HandshakeKeyError):
        programmer.read_second(pump.second_message(GRANT)[0])


@pytest.mark.parametrize("suite", Suite)
def test_a_recorded_first_message_does_not_open_a_session_after_a_new_discovery(suite: Suite) -> None:
    """The pump's nonce in HELLO_RSP is new each time, so yesterday's message fails."""
    recorded = initiator(suite).first_message()
    answer = decode_link(HELLO_RSP)
    assert isinstance(answer, HelloResponse)
    new_rsp = encode_link(replace(answer, pump_nonce=b"new pump"))
    with pytest.raises(HandshakeKeyError):
        responder(suite, Discovery(HELLO, new_rsp)).read_first(recorded)


def test_messages_of_the_wrong_step_or_size_are_malformed_not_forged() -> None:
    """The pump counts only wrong keys towards its lockout."""
    programmer, pump = initiator(Suite.KK), responder(Suite.KK)
    first = programmer.first_message()
    for payload, message in (
        (first[:-1], "51 octets; it must have 52"),
        (first + b"\x00", "53 octets; it must have 52"),
        (b"", "0 octets; a handshake header has 4"),
        (b"\x0f\x33" + first[2:], "received the second message of KK for slot 3"),
        (b"\x3c" + first[1:], "expected the first message of KK for slot 3, received the first .* KKPSK2"),
        (first[:2] + b"\x04\x00" + first[4:], "received the first message of KK for slot 4"),
    ):
        with pytest.raises(HandshakeError, match=message) as caught:
            pump.read_first(payload)
        assert not isinstance(caught.value, HandshakeKeyError)
    pump.read_first(first)
    second, _ = pump.second_message(GRANT)
    for payload in (second[:-1], second + b"\x00", first):
        with pytest.raises(HandshakeError) as caught:
            programmer.read_second(payload)
        assert not isinstance(caught.value, HandshakeKeyError)
    assert programmer.read_second(second)[1] == GRANT


def test_each_step_happens_once_and_in_order() -> None:
    programmer, pump = initiator(Suite.KK), responder(Suite.KK)
    with pytest.raises(NoiseStateError):
        pump.second_message(GRANT)
    first = programmer.first_message()
    with pytest.raises(NoiseStateError):
        programmer.first_message()
    pump.read_first(first)
    with pytest.raises(NoiseStateError):
        pump.read_first(first)
    second, _ = pump.second_message(GRANT)
    with pytest.raises(NoiseStateError):
        pump.second_message(GRANT)
    programmer.read_second(second)
    with pytest.raises(NoiseStateError):
        programmer.read_second(second)


def test_an_authentic_answer_with_an_impossible_grant_is_refused() -> None:
    programmer = initiator(Suite.KK)
    first = programmer.first_message()
    pump = HandshakeState(
        Pattern.KK,
        False,
        prologue(HELLO, HELLO_RSP, first[:HEADER_SIZE]),
        PUMP_STATIC,
        PROGRAMMER_PUBLIC,
        None,
        secret("resp ephemeral"),
    )
    pump.read_message(first[HEADER_SIZE:])
    header = HandshakeHeader(Suite.KK, HandshakeStep.SECOND, slot_of(Suite.KK)).encode()
    with pytest.raises(HandshakeError, match="session grant: 0 is not a valid Role"):
        programmer.read_second(header + pump.write_message(bytes(GRANT_SIZE)))


def test_an_enrolling_programmer_with_a_degenerate_key_gets_no_answer() -> None:
    header = HandshakeHeader(Suite.NNPSK0, HandshakeStep.FIRST, 0).encode()
    psk = credentials(Suite.NNPSK0, of_pump=True).psk
    assert psk is not None
    symmetric = _SymmetricState(Pattern.NNPSK0.protocol_name)
    symmetric.mix_hash(prologue(HELLO, HELLO_RSP, header))
    symmetric.mix_key_and_hash(psk)
    symmetric.mix_hash(bytes(32))
    symmetric.mix_key(bytes(32))
    pump = responder(Suite.NNPSK0)
    pump.read_first(header + bytes(32) + symmetric.encrypt_and_hash(b""))
    with pytest.raises(HandshakeKeyError, match="degenerate"):
        pump.second_message(GRANT)


@pytest.mark.parametrize(
    ("header", "octets"),
    [
        (HandshakeHeader(Suite.KK, HandshakeStep.FIRST, 0x0102), "0f0f0201"),
        (HandshakeHeader(Suite.NNPSK0, HandshakeStep.SECOND, 0), "33330000"),
        (HandshakeHeader(Suite.KKPSK2, HandshakeStep.FIRST, 0xFFFF), "3c0fffff"),
    ],
)
def test_header_has_the_octets_of_the_specification(header: HandshakeHeader, octets: str) -> None:
    assert header.encode().hex() == octets
    assert HandshakeHeader.decode(bytes.fromhex(octets) + b"whatever follows") == header


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("0f0f02", "3 octets; a handshake header has 4"),
        ("000f0000", "0 is not a valid Suite"),
        ("0f3c0000", "60 is not a valid HandshakeStep"),
        ("330f0100", r"slot 1 of a NNPSK0 handshake is outside 0\.\.0"),
    ],
)
def test_a_malformed_header_is_refused(octets: str, message: str) -> None:
    with pytest.raises(HandshakeError, match=message):
        HandshakeHeader.decode(bytes.fromhex(octets))


@given(st.binary(max_size=8))
def test_any_header_octets_are_refused_or_come_back(octets: bytes) -> None:
    try:
        header = HandshakeHeader.decode(octets)
    except HandshakeError:
        return
    assert header.encode() == octets[:HEADER_SIZE]


WORDS = st.integers(0, 0xFFFFFFFF)


@given(
    st.builds(
        SessionGrant,
        WORDS,
        WORDS,
        WORDS,
        st.integers(30, 600),
        st.sampled_from(Role),
        st.sampled_from(BondState),
    )
)
def test_grant_survives_the_round_trip(grant: SessionGrant) -> None:
    octets = grant.encode()
    assert len(octets) == GRANT_SIZE == GRANT_LAYOUT.sizeof() == 16
    assert SessionGrant.decode(octets) == grant


def test_grant_has_the_octets_of_the_specification() -> None:
    grant = SessionGrant(0x04030201, 0x08070605, 0x0C0B0A09, 120, Role.CLINICIAN, BondState.CONFIRMED)
    assert grant.encode().hex() == "0102030405060708090a0b0c7800333c"


@given(st.binary(max_size=20) | st.binary(min_size=16, max_size=16))
def test_any_grant_octets_are_refused_or_come_back(octets: bytes) -> None:
    try:
        grant = SessionGrant.decode(octets)
    except HandshakeError:
        return
    assert grant.encode() == octets


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("00" * 15, "15 octets; it must have 16"),
        ("00" * 12 + "78003400", "52 is not a valid Role"),
        ("00" * 12 + "78003301", "1 is not a valid BondState"),
        ("00" * 12 + "5902333c", r"idle_timeout_s 601 is outside 30\.\.600"),
        ("00" * 12 + "1d00333c", r"idle_timeout_s 29 is outside 30\.\.600"),
    ],
)
def test_a_malformed_grant_is_refused(octets: str, message: str) -> None:
    with pytest.raises(HandshakeError, match=message):
        SessionGrant.decode(bytes.fromhex(octets))


def test_a_grant_that_cannot_be_sent_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="session_id 4294967296"):
        SessionGrant(1 << 32, 0, 0, 120, Role.READER, BondState.CONFIRMED)


def test_each_suite_has_its_bit_and_pattern() -> None:
    assert {suite: (suite.bit, suite.pattern) for suite in Suite} == {
        Suite.KK: (SuiteBit.KK, Pattern.KK),
        Suite.NNPSK0: (SuiteBit.NNPSK0, Pattern.NNPSK0),
        Suite.KKPSK2: (SuiteBit.KKPSK2, Pattern.KKPSK2),
    }


@given(st.integers(0, (1 << 130) - 1), st.binary(min_size=32, max_size=32))
def test_enrolment_key_is_hkdf_of_the_card_secret_and_the_pump_key(number: int, public: bytes) -> None:
    card = number.to_bytes(17, "big")
    reference = HKDF(SHA256(), 32, salt=public, info=b"OITP/1 enrol").derive(card)
    assert hmac.compare_digest(enrol_psk(card, public), reference)


def test_enrolment_key_needs_a_card_secret_and_a_public_key() -> None:
    with pytest.raises(ValueError, match="17 octets; 16 were given"):
        enrol_psk(bytes(16), bytes(32))
    with pytest.raises(ValueError, match="first six bits must be zero"):
        enrol_psk(b"\x04" + bytes(16), bytes(32))
    with pytest.raises(ValueError, match="31 octets; it must have 32"):
        enrol_psk(bytes(17), bytes(31))


def test_keys_never_show_in_a_representation() -> None:
    keys = Credentials(b"s" * 32, b"r" * 32, b"p" * 32)
    programmer, _, _ = shake_hands()
    for text in (repr(keys), repr(programmer.send), repr(initiator(Suite.KK)), repr(programmer)):
        assert "sss" not in text
        assert "ppp" not in text
        assert "_aead" not in text


@pytest.mark.parametrize("suite", Suite)
def test_a_handshake_without_its_keys_cannot_be_started(suite: Suite) -> None:
    with pytest.raises(ValueError, match="needs the key"):
        InitiatorHandshake(suite, slot_of(suite), DISCOVERY, Credentials(), bytes(32))
