"""A short session for the worked example, every key and nonce fixed: discovery, handshake, one question.

It is made from the layers one by one; a test holds it against what the two endpoints send.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from protocol.application import build_request, build_response
from protocol.frame import MAX_FRAME, NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.handshake import (
    Credentials,
    Discovery,
    HandshakeHeader,
    HandshakeStep,
    InitiatorHandshake,
    ResponderHandshake,
    SessionGrant,
    Suite,
)
from protocol.link_control import Hello, HelloResponse, LinkClass, encode_link, key_hint
from protocol.messages.registry import by_name
from protocol.noise import public_key
from protocol.pump_link import ALL_SUITES, SUITES, VERSION
from protocol.records import RecordSender
from protocol.vocabulary import BondState, Role
from workbench.generators.samples import PROGRAMMER_KEY, PUMP_KEY, SLOT, UPTIME_S, octets, sample

LINK_ID: Final = 0x1234
PUMP_EPHEMERAL: Final = octets("ephemeral private key of the pump", 32)
PROGRAMMER_EPHEMERAL: Final = octets("ephemeral private key of the programmer", 32)
HELLO_NONCE: Final = octets("nonce of HELLO", 8)
PUMP_NONCE: Final = octets("nonce of HELLO_RSP", 8)


@dataclass(frozen=True, slots=True)
class Transmission:
    """One frame of the sample session: who sends it, what it is, and its octets layer by layer.

    ``plaintext`` is what a secure record holds: application header and body.
    """

    title: str
    frame: Frame
    wire: bytes
    body: object = None
    plaintext: bytes = b""


def session() -> Iterator[Transmission]:
    """Yield the frames of a short session: discovery, handshake KK, confirmation, GET_STATUS."""
    hello = Hello(VERSION, VERSION, ALL_SUITES, HELLO_NONCE)
    hint = key_hint(public_key(PUMP_KEY), HELLO_NONCE)
    answer = HelloResponse(
        VERSION, LINK_ID, LinkClass.NEAR, SUITES, HELLO_NONCE, PUMP_NONCE, hint, 0, MAX_FRAME
    )
    discovery = Discovery(encode_link(hello), encode_link(answer))
    yield _plain("HELLO", FrameKind.LINK, Direction.TO_PUMP, 0, discovery.hello, hello)
    yield _plain("HELLO_RSP", FrameKind.LINK, Direction.TO_PROGRAMMER, 0, discovery.hello_rsp, answer)
    yield from _secure_part(discovery)


def _secure_part(discovery: Discovery) -> Iterator[Transmission]:
    grant = SessionGrant(0xC0FFEE01, 1, UPTIME_S, 120, Role.CLINICIAN, BondState.CONFIRMED)
    programmer = InitiatorHandshake(
        Suite.KK, SLOT, discovery, Credentials(PROGRAMMER_KEY, public_key(PUMP_KEY)), PROGRAMMER_EPHEMERAL
    )
    pump = ResponderHandshake(
        HandshakeHeader(Suite.KK, HandshakeStep.FIRST, SLOT),
        discovery,
        Credentials(PUMP_KEY, public_key(PROGRAMMER_KEY)),
        PUMP_EPHEMERAL,
    )
    first = programmer.first_message()
    pump.read_first(first)
    second, pump_keys = pump.second_message(grant)
    programmer_keys, _ = programmer.read_second(second)
    yield _plain("Handshake, first message", FrameKind.HANDSHAKE, Direction.TO_PUMP, 1, first, None)
    yield _plain("Handshake, second message", FrameKind.HANDSHAKE, Direction.TO_PROGRAMMER, 1, second, grant)
    asking = RecordSender(programmer_keys.send, Direction.TO_PUMP, LINK_ID)
    answering = RecordSender(pump_keys.send, Direction.TO_PROGRAMMER, LINK_ID)
    for txn, name in enumerate(("SESSION_CONFIRM", "GET_STATUS"), start=1):
        spec = by_name(name)
        request, response = sample(spec.request), sample(spec.response)
        asked, answered = build_request(spec, request, txn), build_response(spec, response, txn)
        yield _sealed(f"{name} request", asking, txn + 1, asked, request)
        yield _sealed(f"{name} response", answering, txn + 1, answered, response)


def _plain(
    title: str, kind: FrameKind, way: Direction, seq: int, payload: bytes, body: object
) -> Transmission:
    link_id = NO_LINK_ID if kind is FrameKind.LINK else LINK_ID
    frame = Frame(kind, way, seq, link_id, payload)
    return Transmission(title, frame, to_wire(frame), body)


def _sealed(title: str, sender: RecordSender, seq: int, plaintext: bytes, body: object) -> Transmission:
    frame = sender.seal(seq, plaintext)
    return Transmission(title, frame, to_wire(frame), body, plaintext)
