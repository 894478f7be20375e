"""A small Noise engine: the three handshake patterns of OITP/1 over 25519, ChaChaPoly and SHA256.

Source: The Noise Protocol Framework, revision 34. Names of classes, methods and tokens are those of that
text. There is no randomness here: the ephemeral private key is handed in. Message numbers are explicit in
the transport phase, because records can be lost.
"""

import hmac
from dataclasses import dataclass
from enum import Enum, unique
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_SIZE: Final = 32
"""Octets of a private, public, symmetric or pre-shared key, and of a hash."""

TAG_SIZE: Final = 16
MAX_NONCE: Final = (1 << 64) - 2
"""Largest message number; Noise reserves the next one."""


class NoiseError(Exception):
    """The peer's message is too short, was altered, or was made with other keys."""


class NoiseStateError(RuntimeError):
    """The caller asked for a step that the handshake is not at."""


@unique
class _Token(Enum):
    """What goes into one message. A Diffie-Hellman token names the initiator's key, then the responder's."""

    E = ("e",)
    PSK = ("psk",)
    EE = ("e", "e")
    ES = ("e", "s")
    SE = ("s", "e")
    SS = ("s", "s")


@dataclass(frozen=True, slots=True)
class _Shape:
    """One handshake pattern: which keys it uses beside the ephemerals, and the tokens of its messages."""

    statics: bool
    psk: bool
    messages: tuple[tuple[_Token, ...], ...]


@unique
class Pattern(Enum):
    """Handshake patterns, valued with their place in the protocol name."""

    KK = "KK"
    NNPSK0 = "NNpsk0"
    KKPSK2 = "KKpsk2"

    @property
    def protocol_name(self) -> bytes:
        """The exact Noise protocol name, which both sides hash first."""
        return f"Noise_{self.value}_25519_ChaChaPoly_SHA256".encode("ascii")


_SHAPES: Final = {
    Pattern.KK: _Shape(
        statics=True,
        psk=False,
        messages=((_Token.E, _Token.ES, _Token.SS), (_Token.E, _Token.EE, _Token.SE)),
    ),
    Pattern.NNPSK0: _Shape(
        statics=False,
        psk=True,
        messages=((_Token.PSK, _Token.E), (_Token.E, _Token.EE)),
    ),
    Pattern.KKPSK2: _Shape(
        statics=True,
        psk=True,
        messages=((_Token.E, _Token.ES, _Token.SS), (_Token.E, _Token.EE, _Token.SE, _Token.PSK)),
    ),
}


def public_key(private: bytes) -> bytes:
    """Return the X25519 public key (32 octets) of a private key (32 octets).

    Raises:
        ValueError: ``private`` has not 32 octets.
    """
    return X25519PrivateKey.from_private_bytes(_key("private key", private)).public_key().public_bytes_raw()


class CipherState:
    """ChaCha20-Poly1305 with one key and explicit message numbers.

    Whoever seals must use each number once; the record layer sees to it.
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = ChaCha20Poly1305(_key("cipher key", key))

    def seal(self, n: int, ad: bytes, plaintext: bytes) -> bytes:
        """Return ciphertext and tag of ``plaintext`` under message number ``n``, binding ``ad``."""
        return self._aead.encrypt(_nonce(n), plaintext, ad)

    def open(self, n: int, ad: bytes, ciphertext: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            NoiseError: too short, or the tag does not fit key, number, ``ad`` and ciphertext.
        """
        if len(ciphertext) < TAG_SIZE:
            raise NoiseError(f"{len(ciphertext)} octets are too short for a tag of {TAG_SIZE}")
        try:
            return self._aead.decrypt(_nonce(n), ciphertext, ad)
        except InvalidTag:
            raise NoiseError("the tag does not match: altered, or sealed with another key") from None


class _SymmetricState:
    """Chaining key, handshake hash and, once there is a key, cipher and its message number."""

    __slots__ = ("_chaining_key", "_cipher", "_n", "hash")

    def __init__(self, protocol_name: bytes) -> None:
        fits = len(protocol_name) <= KEY_SIZE
        self.hash = protocol_name.ljust(KEY_SIZE, b"\x00") if fits else sha256(protocol_name).digest()
        self._chaining_key = self.hash
        self._cipher: CipherState | None = None
        self._n = 0

    def copy(self) -> "_SymmetricState":
        twin = _SymmetricState.__new__(_SymmetricState)
        twin.hash, twin._chaining_key, twin._cipher, twin._n = (
            self.hash,
            self._chaining_key,
            self._cipher,
            self._n,
        )
        return twin

    def mix_hash(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self._chaining_key, key = _hkdf(self._chaining_key, material, 2)
        self._set_key(key)

    def mix_key_and_hash(self, material: bytes) -> None:
        self._chaining_key, extra, key = _hkdf(self._chaining_key, material, 3)
        self.mix_hash(extra)
        self._set_key(key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = plaintext
        if self._cipher is not None:
            ciphertext = self._cipher.seal(self._n, self.hash, plaintext)
            self._n += 1
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = ciphertext
        if self._cipher is not None:
            plaintext = self._cipher.open(self._n, self.hash, ciphertext)
            self._n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = _hkdf(self._chaining_key, b"", 2)
        return CipherState(first), CipherState(second)

    def _set_key(self, key: bytes) -> None:
        self._cipher = CipherState(key)
        self._n = 0


class HandshakeState:
    """One side of one handshake of two messages.

    A message that cannot be read changes nothing: the state stays where it was, so that a forged answer
    does not spoil the genuine one that follows it.

    Args:
        pattern: which handshake.
        initiator: True for the side that writes first.
        prologue: octets both sides must agree on; they are authenticated, not sent.
        s: own static private key, for KK and KKpsk2.
        rs: the peer's static public key, for KK and KKpsk2.
        psk: pre-shared key, for NNpsk0 and KKpsk2.
        ephemeral: own ephemeral private key: 32 fresh random octets, for this handshake only.

    Raises:
        ValueError: a key has not 32 octets, is missing, or is not used by the pattern.
    """

    def __init__(
        self,
        pattern: Pattern,
        initiator: bool,
        prologue: bytes,
        s: bytes | None,
        rs: bytes | None,
        psk: bytes | None,
        ephemeral: bytes,
    ) -> None:
        shape = _SHAPES[pattern]
        for name, key, used in (
            ("s", s, shape.statics),
            ("rs", rs, shape.statics),
            ("psk", psk, shape.psk),
        ):
            if (key is not None) != used:
                raise ValueError(f"{pattern.value} {'needs' if used else 'does not use'} the key {name}")
        self._initiator = initiator
        self._messages = shape.messages
        self._psk = b"" if psk is None else _key("psk", psk)
        # By the letter that tokens use: our private keys, and the public keys of the peer known so far.
        self._private = {"e": X25519PrivateKey.from_private_bytes(_key("ephemeral", ephemeral))}
        self._remote: dict[str, bytes] = {}
        self._done = 0
        self._symmetric = _SymmetricState(pattern.protocol_name)
        self._symmetric.mix_hash(prologue)
        if s is not None and rs is not None:
            self._private["s"] = X25519PrivateKey.from_private_bytes(_key("s", s))
            self._remote["s"] = _key("rs", rs)
            mine = public_key(s)
            for known in (mine, rs) if initiator else (rs, mine):
                self._symmetric.mix_hash(known)

    @property
    def is_finished(self) -> bool:
        """Whether both messages have passed."""
        return self._done == len(self._messages)

    @property
    def handshake_hash(self) -> bytes:
        """The hash of all that was agreed (32 octets), the same on both sides.

        Raises:
            NoiseStateError: the handshake is not finished.
        """
        self._require_finished()
        return self._symmetric.hash

    def write_message(self, payload: bytes = b"") -> bytes:
        """Return the next handshake message, with ``payload`` in it.

        Raises:
            NoiseStateError: it is the peer's turn, or the handshake is finished.
            NoiseError: a public key of the peer is degenerate.
        """
        tokens = self._next_tokens(writing=True)
        symmetric = self._symmetric.copy()
        public = self._private["e"].public_key().public_bytes_raw()
        self._mix(symmetric, tokens, public, self._remote)
        sealed = symmetric.encrypt_and_hash(payload)
        self._symmetric = symmetric
        self._done += 1
        return public + sealed

    def read_message(self, message: bytes) -> bytes:
        """Return the payload of the peer's next handshake message.

        Raises:
            NoiseStateError: it is our turn, or the handshake is finished.
            NoiseError: the message is too short, was altered or replayed, or was made with other keys.
        """
        tokens = self._next_tokens(writing=False)
        if len(message) < KEY_SIZE:
            raise NoiseError(f"{len(message)} octets are too short for a public key of {KEY_SIZE}")
        symmetric = self._symmetric.copy()
        public, sealed = message[:KEY_SIZE], message[KEY_SIZE:]
        remote = {**self._remote, "e": public}
        self._mix(symmetric, tokens, public, remote)
        payload = symmetric.decrypt_and_hash(sealed)
        self._symmetric, self._remote = symmetric, remote
        self._done += 1
        return payload

    def split(self) -> tuple[CipherState, CipherState]:
        """Return the transport ciphers of this side: the one to send with, the one to receive with.

        Raises:
            NoiseStateError: the handshake is not finished.
        """
        self._require_finished()
        of_initiator, of_responder = self._symmetric.split()
        return (of_initiator, of_responder) if self._initiator else (of_responder, of_initiator)

    def _next_tokens(self, writing: bool) -> tuple[_Token, ...]:
        if self.is_finished:
            raise NoiseStateError("the handshake is finished")
        our_turn = self._initiator == (self._done % 2 == 0)
        if our_turn != writing:
            raise NoiseStateError("it is our turn to write" if our_turn else "it is the peer's turn to write")
        return self._messages[self._done]

    def _require_finished(self) -> None:
        if not self.is_finished:
            raise NoiseStateError("the handshake is not finished")

    def _mix(
        self,
        symmetric: _SymmetricState,
        tokens: tuple[_Token, ...],
        ephemeral: bytes,
        remote: dict[str, bytes],
    ) -> None:
        """Work through the tokens of one message whose sender has the public key ``ephemeral``."""
        for token in tokens:
            if token is _Token.E:
                symmetric.mix_hash(ephemeral)
                if self._psk:
                    # Noise section 9.2: without this, messages under one PSK would share a key.
                    symmetric.mix_key(ephemeral)
            elif token is _Token.PSK:
                symmetric.mix_key_and_hash(self._psk)
            else:
                of_initiator, of_responder = token.value
                ours, theirs = (
                    (of_initiator, of_responder) if self._initiator else (of_responder, of_initiator)
                )
                symmetric.mix_key(_diffie_hellman(self._private[ours], remote[theirs]))


def _diffie_hellman(private: X25519PrivateKey, public: bytes) -> bytes:
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        # The library refuses the all-zero result that public keys of small order give.
        raise NoiseError("the peer's public key is degenerate") from None


def _hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    secret = hmac.digest(chaining_key, material, "sha256")
    blocks = [b""]
    for number in range(1, outputs + 1):
        blocks.append(hmac.digest(secret, blocks[-1] + bytes([number]), "sha256"))
    return blocks[1:]


def _nonce(n: int) -> bytes:
    if not 0 <= n <= MAX_NONCE:
        raise ValueError(f"message number {n} is outside 0..{MAX_NONCE}")
    return bytes(4) + n.to_bytes(8, "little")


def _key(name: str, octets: bytes) -> bytes:
    if len(octets) != KEY_SIZE:
        raise ValueError(f"{name} has {len(octets)} octets; it must have {KEY_SIZE}")
    return octets
