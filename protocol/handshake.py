"""The session handshake: two messages that give both sides their record keys (OITP/1 section 5 and "Access").

The first message carries nothing, since an attacker may replay it; the second brings the `SessionGrant`.
The prologue binds version, suites and link of the discovery, so an edited HELLO makes the handshake fail.
A message that is refused leaves the handshake where it was.
"""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final

from construct import Int8ul, Int16ul, Int32ul, Struct

from protocol.card_secret import check_card_secret
from protocol.link_control import SuiteBit
from protocol.noise import KEY_SIZE, TAG_SIZE, CipherState, HandshakeState, NoiseError, Pattern
from protocol.vocabulary import BondState, Role

HEADER_LAYOUT: Final = Struct("suite" / Int8ul, "step" / Int8ul, "slot" / Int16ul)
GRANT_LAYOUT: Final = Struct(
    "session_id" / Int32ul,
    "boot_count" / Int32ul,
    "uptime_s" / Int32ul,
    "idle_timeout_s" / Int16ul,
    "role" / Int8ul,
    "bond_state" / Int8ul,
)
HEADER_SIZE: Final[int] = HEADER_LAYOUT.sizeof()
GRANT_SIZE: Final[int] = GRANT_LAYOUT.sizeof()
FIRST_SIZE: Final = HEADER_SIZE + KEY_SIZE + TAG_SIZE
SECOND_SIZE: Final = HEADER_SIZE + KEY_SIZE + GRANT_SIZE + TAG_SIZE

IDLE_TIMEOUT_RANGE_S: Final = (30, 600)
"""T_idle, the range in s that a pump may grant (OITP/1 section 9)."""


class HandshakeError(Exception):
    """The peer's handshake message is malformed or does not belong here; the text says what is wrong."""


class HandshakeKeyError(HandshakeError):
    """The message is well formed but altered, or made with other keys or after another discovery.

    The pump counts these towards its lockout.
    """


@unique
class Suite(IntEnum):
    """Which handshake: daily use, enrolment with the implant card, daily use with a proximity token."""

    KK = 0x0F
    NNPSK0 = 0x33
    KKPSK2 = 0x3C

    @property
    def pattern(self) -> Pattern:
        """The Noise pattern behind it."""
        return Pattern[self.name]

    @property
    def bit(self) -> SuiteBit:
        """Its bit in ``suites`` of HELLO and HELLO_RSP."""
        return SuiteBit[self.name]


@unique
class HandshakeStep(IntEnum):
    """Which of the two messages follows."""

    FIRST = 0x0F
    SECOND = 0x33


@dataclass(frozen=True, slots=True)
class HandshakeHeader:
    """What stands before the Noise message.

    ``slot`` (0..65535) names the bond whose key is used, and is 0 for NNpsk0, which uses none.

    Raises:
        ValueError: ``slot`` is outside its range.
    """

    suite: Suite
    step: HandshakeStep
    slot: int

    def __post_init__(self) -> None:
        highest = 0 if self.suite is Suite.NNPSK0 else 0xFFFF
        if not 0 <= self.slot <= highest:
            raise ValueError(f"slot {self.slot} of a {self.suite.name} handshake is outside 0..{highest}")

    def encode(self) -> bytes:
        """Return the 4 header octets."""
        octets: bytes = HEADER_LAYOUT.build({"suite": self.suite, "step": self.step, "slot": self.slot})
        return octets

    @classmethod
    def decode(cls, payload: bytes) -> "HandshakeHeader":
        """Read the header at the start of a HANDSHAKE payload.

        Raises:
            HandshakeError: the payload is too short, or suite, step or slot is not valid.
        """
        if len(payload) < HEADER_SIZE:
            raise HandshakeError(f"{len(payload)} octets; a handshake header has {HEADER_SIZE}")
        values = HEADER_LAYOUT.parse(payload[:HEADER_SIZE])
        try:
            return cls(Suite(values.suite), HandshakeStep(values.step), values.slot)
        except ValueError as error:
            raise HandshakeError(f"handshake header {payload[:HEADER_SIZE].hex()}: {error}") from None


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """What the pump tells about the session it opens, encrypted in the second message.

    ``session_id``, ``boot_count`` and ``uptime_s`` are u32; ``idle_timeout_s`` is 30..600 s.

    Raises:
        ValueError: a field is outside its range.
    """

    session_id: int
    boot_count: int
    uptime_s: int
    idle_timeout_s: int
    role: Role
    bond_state: BondState

    def __post_init__(self) -> None:
        for name in ("session_id", "boot_count", "uptime_s"):
            if not 0 <= getattr(self, name) <= 0xFFFFFFFF:
                raise ValueError(f"{name} {getattr(self, name)} is outside 0..4294967295")
        low, high = IDLE_TIMEOUT_RANGE_S
        if not low <= self.idle_timeout_s <= high:
            raise ValueError(f"idle_timeout_s {self.idle_timeout_s} is outside {low}..{high}")

    def encode(self) -> bytes:
        """Return the 16 octets of the grant."""
        octets: bytes = GRANT_LAYOUT.build({name: getattr(self, name) for name in self.__dataclass_fields__})
        return octets

    @classmethod
    def decode(cls, octets: bytes) -> "SessionGrant":
        """Read a grant.

        Raises:
            HandshakeError: the size is wrong or a field is not valid.
        """
        if len(octets) != GRANT_SIZE:
            raise HandshakeError(f"the session grant has {len(octets)} octets; it must have {GRANT_SIZE}")
        values = GRANT_LAYOUT.parse(octets)
        try:
            return cls(
                values.session_id,
                values.boot_count,
                values.uptime_s,
                values.idle_timeout_s,
                Role(values.role),
                BondState(values.bond_state),
            )
        except ValueError as error:
            raise HandshakeError(f"session grant: {error}") from None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys one side brings to a handshake, 32 octets each; never shown.

    KK takes both statics, NNpsk0 the PSK alone, KKpsk2 all three.
    """

    static: bytes | None = field(default=None, repr=False)
    remote_static: bytes | None = field(default=None, repr=False)
    psk: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """The LINK payloads of HELLO and HELLO_RSP, exactly as they went over the wire."""

    hello: bytes
    hello_rsp: bytes


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What the handshake leaves: one cipher per direction, and a hash that names the session."""

    send: CipherState
    receive: CipherState
    handshake_hash: bytes


def prologue(hello: bytes, hello_rsp: bytes, first_header: bytes) -> bytes:
    """Return what both sides authenticate beside the messages: discovery and the first handshake header."""
    return b"OITP/1" + hello + hello_rsp + first_header


def enrol_psk(card_secret: bytes, pump_static_public: bytes) -> bytes:
    """Return the pre-shared key (32 octets) of an enrolment: HKDF-SHA256 of the implant-card secret.

    The pump's static public key as salt ties the card to its pump.

    Raises:
        ValueError: the secret is not one of 130 bits in 17 octets, or the key has not 32 octets.
    """
    check_card_secret(card_secret)
    if len(pump_static_public) != KEY_SIZE:
        raise ValueError(
            f"pump static public key has {len(pump_static_public)} octets; it must have {KEY_SIZE}"
        )
    extracted = hmac.digest(pump_static_public, card_secret, "sha256")
    return hmac.digest(extracted, b"OITP/1 enrol" + b"\x01", "sha256")


class InitiatorHandshake:
    """The programmer's side.

    Args:
        suite: which handshake.
        slot: the bond's slot at the pump; 0 for NNpsk0.
        discovery: HELLO as sent and HELLO_RSP as received.
        credentials: the keys the suite needs.
        ephemeral: 32 fresh random octets, used for this handshake only.

    Raises:
        ValueError: a key is missing, superfluous or of the wrong size, or the slot is outside its range.
    """

    def __init__(
        self, suite: Suite, slot: int, discovery: Discovery, credentials: Credentials, ephemeral: bytes
    ) -> None:
        self._header = HandshakeHeader(suite, HandshakeStep.FIRST, slot)
        self._state = _noise_state(self._header, True, discovery, credentials, ephemeral)

    def first_message(self) -> bytes:
        """Return the payload (52 octets) of the first HANDSHAKE frame; ask once, send as often as needed.

        Raises:
            NoiseStateError: it was asked before.
        """
        return self._header.encode() + self._state.write_message()

    def read_second(self, payload: bytes) -> tuple[SessionKeys, SessionGrant]:
        """Read the pump's answer; return keys and grant.

        Raises:
            HandshakeKeyError: the answer was not made by the pump with these keys for this handshake.
            HandshakeError: the answer is malformed.
            NoiseStateError: the first message was not made yet, or the handshake is over.
        """
        _check_message(payload, SECOND_SIZE, self._header, HandshakeStep.SECOND)
        grant = SessionGrant.decode(_read(self._state, payload))
        return _session_keys(self._state), grant


class ResponderHandshake:
    """The pump's side.

    Args:
        header: of the first message, decoded beforehand: its slot tells which key to take.
        discovery: HELLO as received and HELLO_RSP as sent.
        credentials: the keys the suite needs.
        ephemeral: 32 fresh random octets, used for this handshake only.

    Raises:
        ValueError: a key is missing, superfluous or of the wrong size.
    """

    def __init__(
        self, header: HandshakeHeader, discovery: Discovery, credentials: Credentials, ephemeral: bytes
    ) -> None:
        self._header = header
        self._state = _noise_state(header, False, discovery, credentials, ephemeral)

    def read_first(self, payload: bytes) -> None:
        """Check the programmer's first message.

        Raises:
            HandshakeKeyError: it was altered, or made with other keys or after another discovery.
            HandshakeError: it is malformed.
            NoiseStateError: a first message was accepted before.
        """
        # The size leaves no room for a payload.
        _check_message(payload, FIRST_SIZE, self._header, HandshakeStep.FIRST)
        _read(self._state, payload)

    def second_message(self, grant: SessionGrant) -> tuple[bytes, SessionKeys]:
        """Return the payload (68 octets) of the second HANDSHAKE frame, and the keys.

        Raises:
            HandshakeKeyError: the programmer's ephemeral key turned out degenerate.
            NoiseStateError: no first message was accepted yet, or the handshake is over.
        """
        answer = HandshakeHeader(self._header.suite, HandshakeStep.SECOND, self._header.slot)
        try:
            message = self._state.write_message(grant.encode())
        except NoiseError as error:
            raise HandshakeKeyError(str(error)) from None
        return answer.encode() + message, _session_keys(self._state)


def _noise_state(
    header: HandshakeHeader,
    initiator: bool,
    discovery: Discovery,
    credentials: Credentials,
    ephemeral: bytes,
) -> HandshakeState:
    return HandshakeState(
        header.suite.pattern,
        initiator,
        prologue(discovery.hello, discovery.hello_rsp, header.encode()),
        credentials.static,
        credentials.remote_static,
        credentials.psk,
        ephemeral,
    )


def _check_message(payload: bytes, size: int, first: HandshakeHeader, step: HandshakeStep) -> None:
    header = HandshakeHeader.decode(payload)
    wanted = HandshakeHeader(first.suite, step, first.slot)
    if header != wanted:
        raise HandshakeError(f"expected {_describe(wanted)}, received {_describe(header)}")
    if len(payload) != size:
        raise HandshakeError(
            f"the {step.name.lower()} message has {len(payload)} octets; it must have {size}"
        )


def _describe(header: HandshakeHeader) -> str:
    return f"the {header.step.name.lower()} message of {header.suite.name} for slot {header.slot}"


def _read(state: HandshakeState, payload: bytes) -> bytes:
    try:
        return state.read_message(payload[HEADER_SIZE:])
    except NoiseError as error:
        raise HandshakeKeyError(str(error)) from None


def _session_keys(state: HandshakeState) -> SessionKeys:
    send, receive = state.split()
    return SessionKeys(send, receive, state.handshake_hash)
