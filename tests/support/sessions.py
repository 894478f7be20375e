"""Both ends of a handshake and of its records, with fixed keys: each test drives the two sides at once."""

from dataclasses import dataclass
from hashlib import sha256

from protocol.framing import Direction
from protocol.handshake import (
    Credentials,
    Discovery,
    HandshakeHeader,
    HandshakeStep,
    InitiatorHandshake,
    ResponderHandshake,
    SessionGrant,
    SessionKeys,
    Suite,
    enrol_psk,
)
from protocol.link_control import Hello, HelloResponse, LinkClass, SuiteBit, encode_link, key_hint
from protocol.noise import public_key
from protocol.records import RecordReceiver, RecordSender
from protocol.vocabulary import BondState, Role

LINK_ID = 0x1234
SLOT = 3


def secret(label: str) -> bytes:
    """32 octets that look random and never change."""
    return sha256(b"cisterna test key: " + label.encode()).digest()


PROGRAMMER_STATIC, PUMP_STATIC = secret("init static"), secret("resp static")
PROGRAMMER_PUBLIC, PUMP_PUBLIC = public_key(PROGRAMMER_STATIC), public_key(PUMP_STATIC)
CARD_SECRET = b"\x02" + secret("card")[:16]
HELLO_NONCE = b"programm"
SUITES = SuiteBit.KK | SuiteBit.NNPSK0 | SuiteBit.KKPSK2
HELLO = encode_link(Hello(1, 1, SUITES, HELLO_NONCE))
HELLO_RSP = encode_link(
    HelloResponse(
        1,
        LINK_ID,
        LinkClass.NEAR,
        SUITES,
        HELLO_NONCE,
        b"the pump",
        key_hint(PUMP_PUBLIC, HELLO_NONCE),
        0,
        253,
    )
)
DISCOVERY = Discovery(HELLO, HELLO_RSP)
GRANT = SessionGrant(0xC0FFEE01, 7, 86_400, 120, Role.CLINICIAN, BondState.CONFIRMED)


def slot_of(suite: Suite) -> int:
    return 0 if suite is Suite.NNPSK0 else SLOT


def credentials(suite: Suite, of_pump: bool) -> Credentials:
    """The right keys of one side."""
    statics = (PUMP_STATIC, PROGRAMMER_PUBLIC) if of_pump else (PROGRAMMER_STATIC, PUMP_PUBLIC)
    return {
        Suite.KK: Credentials(*statics),
        Suite.NNPSK0: Credentials(psk=enrol_psk(CARD_SECRET, PUMP_PUBLIC)),
        Suite.KKPSK2: Credentials(*statics, psk=secret("proximity token")),
    }[suite]


def initiator(
    suite: Suite, discovery: Discovery = DISCOVERY, keys: Credentials | None = None
) -> InitiatorHandshake:
    """The programmer's side, right in all that is not given."""
    keys = keys or credentials(suite, of_pump=False)
    return InitiatorHandshake(suite, slot_of(suite), discovery, keys, secret("init ephemeral"))


def responder(
    suite: Suite, discovery: Discovery = DISCOVERY, keys: Credentials | None = None, slot: int | None = None
) -> ResponderHandshake:
    """The pump's side, right in all that is not given."""
    header = HandshakeHeader(suite, HandshakeStep.FIRST, slot_of(suite) if slot is None else slot)
    keys = keys or credentials(suite, of_pump=True)
    return ResponderHandshake(header, discovery, keys, secret("resp ephemeral"))


def shake_hands(suite: Suite = Suite.KK) -> tuple[SessionKeys, SessionKeys, SessionGrant]:
    """Run a whole handshake; the keys of programmer and pump, and the grant as the programmer read it."""
    programmer, pump = initiator(suite), responder(suite)
    pump.read_first(programmer.first_message())
    answer, pump_keys = pump.second_message(GRANT)
    programmer_keys, grant = programmer.read_second(answer)
    return programmer_keys, pump_keys, grant


@dataclass
class RecordEnd:
    """One end of an open session."""

    sender: RecordSender
    receiver: RecordReceiver


def open_session(suite: Suite = Suite.KK) -> tuple[RecordEnd, RecordEnd]:
    """Programmer's and pump's end of a new session."""
    programmer, pump, _ = shake_hands(suite)
    return (
        RecordEnd(
            RecordSender(programmer.send, Direction.TO_PUMP, LINK_ID), RecordReceiver(programmer.receive)
        ),
        RecordEnd(RecordSender(pump.send, Direction.TO_PROGRAMMER, LINK_ID), RecordReceiver(pump.receive)),
    )
