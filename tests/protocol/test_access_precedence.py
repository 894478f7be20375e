"""Of two faults in one request the earlier in the order of OITP/1 section 15 is told, for every pair."""

from dataclasses import dataclass, field

import pytest
from support.device import CountingDevice
from support.protocol_pair import CONFIRM, ConnectionPair
from support.raw_programmer import RawProgrammer, RawSession
from support.strategies import example_of

from protocol.application import HEADER, build_message, build_request
from protocol.events import AnswerReceived, AnswerRepeated, RequestReceived, SessionClosed
from protocol.frame import to_wire
from protocol.link_control import LinkClass, LinkError, LinkErrorCode, decode_link
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import by_name
from protocol.messages.status import GetStatusRequest
from protocol.requests import EMERGENCY_SLOT, Refusal, Request
from protocol.vocabulary import NO_FIELD, BondState, CloseReason, ErrorCode, Role

SUSPENDED_MS = 5_000
CONFIRM_BODY = by_name("SESSION_CONFIRM").request_codec.encode(CONFIRM)


class RefusingDevice(CountingDevice):
    """Refuses everything but the confirmation for its state."""

    def handle(self, request: Request) -> object:
        if request.spec.name == "SESSION_CONFIRM":
            return super().handle(request)
        self.executed[request.caller.session_id, request.caller.last_txn + 1, request.spec.name] += 1
        return Refusal(ErrorCode.NOT_APPLICABLE)


@dataclass(frozen=True)
class Wrong:
    """One way to be wrong: other header octets, octets of the body, octets too many, or a situation."""

    name: str
    code: ErrorCode
    header: dict[str, int] = field(default_factory=dict)
    body: dict[int, bytes] = field(default_factory=dict)
    longer: bool = False
    situation: str = ""


BEFORE_THE_BODY = (
    Wrong("out of sequence", ErrorCode.TXN_SEQUENCE, {"txn": 9}),
    Wrong("no codeword", ErrorCode.OPCODE_NOT_A_CODEWORD, {"opcode": 0x1145}),
    Wrong("unknown opcode", ErrorCode.UNKNOWN_OPCODE, {"opcode": 0x5050}),
    Wrong("revision", ErrorCode.UNSUPPORTED_REV, {"rev": 2}),
    Wrong("length", ErrorCode.BAD_LENGTH, longer=True),
    Wrong("flags", ErrorCode.RESERVED_NONZERO, {"mflags": 0x80}),
)
BEHIND_THE_BODY = (
    Wrong("revoked", ErrorCode.BOND_REVOKED, situation="revoked"),
    Wrong("unconfirmed", ErrorCode.SESSION_NOT_CONFIRMED, situation="unconfirmed"),
    Wrong("role", ErrorCode.ROLE_FORBIDDEN, situation="role"),
    Wrong("far", ErrorCode.PROXIMITY_REQUIRED, situation="far"),
    Wrong("head off", ErrorCode.PROXIMITY_REQUIRED, situation="head off"),
    Wrong("provisional", ErrorCode.BOND_PROVISIONAL, situation="provisional"),
    Wrong("state", ErrorCode.NOT_APPLICABLE, situation="state"),
)
IN_ORDER = {
    "PROG_COMMIT": (
        *BEFORE_THE_BODY,
        Wrong("reserved bit", ErrorCode.RESERVED_NONZERO, body={15: b"\x80"}),
        Wrong("word", ErrorCode.BAD_ENUM, body={16: b"\0"}),
        *BEHIND_THE_BODY,
    ),
    "REFILL_RECORD": (
        *BEFORE_THE_BODY,
        Wrong("text", ErrorCode.BAD_TEXT, body={12: b"\xff"}),
        Wrong("range", ErrorCode.OUT_OF_RANGE, body={24: bytes(16)}),
        *BEHIND_THE_BODY,
    ),
}
"""Therapy with a word and reserved bits, and therapy with a text and a range; fields in their order."""

PAIRS = [
    pytest.param(name, one, other, id=f"{name}-{one.name}-{other.name}")
    for name, wrongs in IN_ORDER.items()
    for at, one in enumerate(wrongs)
    for other in wrongs[at:]
]


def plaintext_of(name: str, txn: int, *wrongs: Wrong) -> bytes:
    """A request, wrong as asked; where two faults name one octet the earlier one stands."""
    spec = by_name(name)
    body = bytearray(spec.request_codec.encode(example_of(spec.request)))
    for wrong in wrongs:
        for at, octets in wrong.body.items():
            body[at : at + len(octets)] = octets
    if any(wrong.longer for wrong in wrongs):
        body += b"\0"
    header = {"opcode": spec.request_opcode, "txn": txn, "rev": 1, "mflags": 0, "body_len": len(body)}
    for wrong in reversed(wrongs):
        header |= wrong.header
    return bytes(HEADER.build(header)) + bytes(body)


def pump_in(situations: set[str]) -> ConnectionPair:
    device = RefusingDevice() if "state" in situations else CountingDevice()
    role = Role.READER if "role" in situations else Role.CLINICIAN
    device.add_bond(0, role, BondState.PROVISIONAL if "provisional" in situations else BondState.CONFIRMED)
    return ConnectionPair(device=device, link_class=LinkClass.FAR if "far" in situations else LinkClass.NEAR)


def raw_session(pair: ConnectionPair, slot: int = 0) -> tuple[RawProgrammer, RawSession]:
    programmer = RawProgrammer(pair.host)
    programmer.hello()
    return programmer, programmer.session(slot)


@pytest.mark.parametrize(("name", "earlier", "later"), PAIRS)
def test_the_earlier_of_two_errors_is_told(name: str, earlier: Wrong, later: Wrong) -> None:
    situations = {earlier.situation, later.situation}
    pair = pump_in(situations)
    programmer, session = raw_session(pair)
    first = ("KEEPALIVE", b"") if "unconfirmed" in situations else ("SESSION_CONFIRM", CONFIRM_BODY)
    programmer.record(session, build_message(by_name(first[0]).request_opcode, 1, first[1]))
    if "head off" in situations:
        pair.host.set_head(False, 0)
    if "revoked" in situations:
        pair.device.add_bond(0, state=BondState.REVOKED)
    executed = pair.device.executed.total()
    (answer,) = programmer.record(session, plaintext_of(name, 2, earlier, later), SUSPENDED_MS)
    assert answer.error.code is earlier.code
    assert pair.device.executed.total() - executed == (earlier.situation == "state")
    assert pair.device.commits == 0


@pytest.mark.parametrize(
    ("name", "wrong", "at"),
    [
        ("PROG_COMMIT", "reserved bit", 2),
        ("PROG_COMMIT", "word", 3),
        ("REFILL_RECORD", "text", 3),
        ("REFILL_RECORD", "range", 4),
        ("PROG_COMMIT", "flags", NO_FIELD),
        ("PROG_COMMIT", "length", NO_FIELD),
        ("PROG_COMMIT", "revision", NO_FIELD),
    ],
)
def test_the_field_at_fault_is_told(name: str, wrong: str, at: int) -> None:
    programmer, session = raw_session(ConnectionPair())
    found = next(each for each in IN_ORDER[name] if each.name == wrong)
    (answer,) = programmer.record(session, plaintext_of(name, 1, found))
    assert answer.error == ErrorBody(by_name(name).request_opcode, found.code, at, 0)


def test_the_emergency_key_is_told_its_role_before_its_time() -> None:
    """Whoever may never ask is not asked to wait for it."""
    device = CountingDevice()
    device.add_bond(EMERGENCY_SLOT, Role.EMERGENCY)
    pair = ConnectionPair(device=device)
    programmer, session = raw_session(pair, EMERGENCY_SLOT)
    programmer.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    told = []
    for txn, name in enumerate(("PROG_COMMIT", "SET_DELIVERY"), 2):
        (answer,) = programmer.record(session, plaintext_of(name, txn))
        told.append((answer.error.code, answer.error.detail))
    assert told == [(ErrorCode.ROLE_FORBIDDEN, 0), (ErrorCode.PROXIMITY_REQUIRED, 30)]


def test_an_error_uses_up_its_transaction_but_for_one_out_of_sequence() -> None:
    pair = ConnectionPair()
    programmer, session = raw_session(pair)
    out_of_sequence, no_codeword = BEFORE_THE_BODY[:2]
    (answer,) = programmer.record(session, plaintext_of("PROG_COMMIT", 1, out_of_sequence))
    assert (answer.error.code, answer.error.detail, answer.header.txn) == (ErrorCode.TXN_SEQUENCE, 1, 9)
    (answer,) = programmer.record(session, plaintext_of("PROG_COMMIT", 1, no_codeword))
    assert answer.error.request_opcode == 0x1145
    (answer,) = programmer.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 2))
    assert answer.header.opcode == by_name("SESSION_CONFIRM").response_opcode


def test_an_error_is_cached_and_repeated_like_any_answer() -> None:
    pair = ConnectionPair()
    programmer, session = raw_session(pair)
    (first,) = programmer.record(session, plaintext_of("PROG_COMMIT", 1))
    (again,) = programmer.record(session, plaintext_of("PROG_COMMIT", 1))
    assert first.error == again.error == ErrorBody(0x1144, ErrorCode.SESSION_NOT_CONFIRMED, NO_FIELD, 0)
    assert (first.header.mflags, again.header.mflags) == (0, 1)
    assert pair.host.events[-1] == AnswerRepeated(1)
    assert not any(isinstance(event, RequestReceived) for event in pair.host.events)


@pytest.mark.parametrize("gone", ["revoked", "removed"])
def test_a_session_ends_when_its_bond_is_revoked(gone: str) -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    if gone == "revoked":
        pair.device.add_bond(0, state=BondState.REVOKED)
    else:
        del pair.device.bonds[0]
    answer = pair.ask(GetStatusRequest())
    assert isinstance(answer, AnswerReceived)
    assert answer.body.code is ErrorCode.BOND_REVOKED
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.REVOKED)
    assert pair.pump.session is None


def test_after_the_end_a_record_finds_no_session() -> None:
    pair = ConnectionPair()
    programmer, session = raw_session(pair)
    pair.device.add_bond(0, state=BondState.REVOKED)
    assert len(programmer.record(session, plaintext_of("PROG_COMMIT", 1))) == 1
    frames = programmer.put(_sealed(programmer, session, plaintext_of("PROG_COMMIT", 1)))
    assert [decode_link(frame.payload) for frame in frames] == [LinkError(LinkErrorCode.NO_SESSION, 0)]


def _sealed(programmer: RawProgrammer, session: RawSession, plaintext: bytes) -> bytes:
    return to_wire(session.sender.seal(programmer.seq, plaintext))
