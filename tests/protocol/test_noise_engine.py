"""The Noise engine refuses what it must, and a refusal leaves it where it was."""

import pytest
from support.sessions import secret
from support.wire import flip

from protocol.noise import (
    MAX_NONCE,
    CipherState,
    HandshakeState,
    NoiseError,
    NoiseStateError,
    Pattern,
    _SymmetricState,
    public_key,
)

DEGENERATE = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)
"""Public keys of small order: Diffie-Hellman with them gives zero, whatever the private key."""


def side(pattern: Pattern, initiator: bool, **changes: bytes | None) -> HandshakeState:
    me, peer = ("init", "resp") if initiator else ("resp", "init")
    statics, psk = pattern is not Pattern.NNPSK0, pattern is not Pattern.KK
    keys = {
        "prologue": b"prologue",
        "s": secret(f"{me} static") if statics else None,
        "rs": public_key(secret(f"{peer} static")) if statics else None,
        "psk": secret("psk") if psk else None,
        "ephemeral": secret(f"{me} ephemeral"),
        **changes,
    }
    return HandshakeState(pattern, initiator, **keys)  # type: ignore[arg-type]


def refuses(reader: HandshakeState, message: bytes) -> bool:
    try:
        reader.read_message(message)
    except NoiseError:
        return True
    return False


def test_public_key_agrees_with_rfc_7748() -> None:
    """Section 6.1, the key pair of Alice."""
    private = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    assert public_key(private).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"


@pytest.mark.parametrize("pattern", Pattern)
def test_every_flipped_bit_of_either_message_is_refused_and_the_genuine_one_then_accepted(
    pattern: Pattern,
) -> None:
    """A forged message must not spoil the handshake for the genuine one behind it."""
    initiator, responder = side(pattern, True), side(pattern, False)
    for writer, reader, payload in ((initiator, responder, b""), (responder, initiator, b"grant")):
        message = writer.write_message(payload)
        for bit in range(len(message) * 8):
            # X25519 ignores the top bit of a public key; the handshake hash does not.
            assert refuses(reader, flip(message, bit)), f"bit {bit} of {len(message) * 8}"
        assert reader.read_message(message) == payload
    assert initiator.handshake_hash == responder.handshake_hash


@pytest.mark.parametrize("pattern", Pattern)
def test_a_message_cut_anywhere_is_refused(pattern: Pattern) -> None:
    message = side(pattern, True).write_message(b"")
    responder = side(pattern, False)
    assert all(refuses(responder, message[:size]) for size in range(len(message)))
    assert responder.read_message(message) == b""


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (Pattern.KK, "s"),
        (Pattern.KK, "rs"),
        (Pattern.KK, "prologue"),
        (Pattern.NNPSK0, "psk"),
        (Pattern.NNPSK0, "prologue"),
        (Pattern.KKPSK2, "s"),
        (Pattern.KKPSK2, "rs"),
        (Pattern.KKPSK2, "prologue"),
    ],
)
def test_a_wrong_key_or_prologue_fails_at_the_first_message(pattern: Pattern, name: str) -> None:
    message = side(pattern, True).write_message()
    assert refuses(side(pattern, False, **{name: secret("another")}), message)


def test_a_wrong_late_psk_fails_at_the_second_message() -> None:
    initiator, responder = side(Pattern.KKPSK2, True), side(Pattern.KKPSK2, False, psk=secret("another"))
    responder.read_message(initiator.write_message())
    assert refuses(initiator, responder.write_message())
    assert not initiator.is_finished


@pytest.mark.parametrize("point", DEGENERATE, ids=lambda point: point.hex()[:8])
def test_a_degenerate_ephemeral_key_is_refused(point: bytes) -> None:
    message = side(Pattern.KK, True).write_message()
    with pytest.raises(NoiseError, match="degenerate"):
        side(Pattern.KK, False).read_message(point + message[32:])


@pytest.mark.parametrize("point", DEGENERATE, ids=lambda point: point.hex()[:8])
def test_a_degenerate_key_from_a_holder_of_the_psk_is_refused_when_it_is_used(point: bytes) -> None:
    """In NNpsk0 the first message has no Diffie-Hellman; the answer has, and is not made."""
    symmetric = _SymmetricState(Pattern.NNPSK0.protocol_name)
    symmetric.mix_hash(b"prologue")
    symmetric.mix_key_and_hash(secret("psk"))
    symmetric.mix_hash(point)
    symmetric.mix_key(point)
    responder = side(Pattern.NNPSK0, False)
    responder.read_message(point + symmetric.encrypt_and_hash(b""))
    with pytest.raises(NoiseError, match="degenerate"):
        responder.write_message(b"grant")
    assert not responder.is_finished


def test_each_side_writes_only_in_its_turn() -> None:
    initiator, responder = side(Pattern.KK, True), side(Pattern.KK, False)
    with pytest.raises(NoiseStateError, match="peer's turn"):
        responder.write_message()
    with pytest.raises(NoiseStateError, match="our turn"):
        initiator.read_message(bytes(48))
    first = initiator.write_message()
    with pytest.raises(NoiseStateError, match="peer's turn"):
        initiator.write_message()
    responder.read_message(first)
    with pytest.raises(NoiseStateError, match="our turn"):
        responder.read_message(first)
    initiator.read_message(responder.write_message())
    for step in (initiator.write_message, responder.write_message):
        with pytest.raises(NoiseStateError, match="the handshake is finished"):
            step()


def test_nothing_is_given_out_before_the_handshake_is_finished() -> None:
    initiator = side(Pattern.KK, True)
    initiator.write_message()
    with pytest.raises(NoiseStateError, match="not finished"):
        initiator.split()
    with pytest.raises(NoiseStateError, match="not finished"):
        _ = initiator.handshake_hash


@pytest.mark.parametrize(
    ("pattern", "changes", "message"),
    [
        (Pattern.KK, {"s": None}, "KK needs the key s"),
        (Pattern.KK, {"rs": None}, "KK needs the key rs"),
        (Pattern.KK, {"psk": bytes(32)}, "KK does not use the key psk"),
        (Pattern.NNPSK0, {"psk": None}, "NNpsk0 needs the key psk"),
        (Pattern.NNPSK0, {"s": bytes(32)}, "NNpsk0 does not use the key s"),
        (Pattern.KKPSK2, {"psk": None}, "KKpsk2 needs the key psk"),
        (Pattern.KK, {"s": bytes(31)}, "s has 31 octets; it must have 32"),
        (Pattern.KK, {"rs": bytes(33)}, "rs has 33 octets; it must have 32"),
        (Pattern.NNPSK0, {"psk": b""}, "psk has 0 octets; it must have 32"),
        (Pattern.KK, {"ephemeral": bytes(16)}, "ephemeral has 16 octets; it must have 32"),
    ],
)
def test_missing_superfluous_and_misshapen_keys_are_named(
    pattern: Pattern, changes: dict[str, bytes | None], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        side(pattern, True, **changes)


def test_cipher_opens_only_with_its_key_number_and_data() -> None:
    cipher = CipherState(secret("a"))
    sealed = cipher.seal(5, b"header", b"text")
    assert cipher.open(5, b"header", sealed) == b"text"
    attempts = [(cipher, 6, b"header"), (cipher, 5, b"Header"), (CipherState(secret("b")), 5, b"header")]
    for other, number, data in attempts:
        with pytest.raises(NoiseError, match="tag does not match"):
            other.open(number, data, sealed)
    with pytest.raises(NoiseError, match="15 octets are too short"):
        cipher.open(5, b"header", sealed[:15])


def test_cipher_never_uses_the_reserved_message_number() -> None:
    cipher = CipherState(secret("a"))
    assert cipher.open(MAX_NONCE, b"", cipher.seal(MAX_NONCE, b"", b"x")) == b"x"
    for number in (-1, MAX_NONCE + 1):
        with pytest.raises(ValueError, match="message number"):
            cipher.seal(number, b"", b"")


def test_the_two_directions_have_keys_of_their_own() -> None:
    initiator, responder = side(Pattern.KK, True), side(Pattern.KK, False)
    responder.read_message(initiator.write_message())
    initiator.read_message(responder.write_message())
    send, receive = initiator.split()
    assert responder.split()[1].open(0, b"", send.seal(0, b"", b"x")) == b"x"
    with pytest.raises(NoiseError):
        receive.open(0, b"", send.seal(0, b"", b"x"))
