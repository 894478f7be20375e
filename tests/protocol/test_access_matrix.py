"""Who may ask what, from near and far, and which of two errors a request that is wrong twice gets."""

from dataclasses import dataclass, field

import pytest
from support.protocol_pair import CONFIRM, ConnectionPair
from support.raw_programmer import RawProgrammer, RawSession
from support.strategies import example_of

from protocol.application import HEADER, build_request
from protocol.events import AnswerReceived, AnswerRepeated, RequestReceived, SessionClosed
from protocol.frame import to_wire
from protocol.handshake import Suite
from protocol.link_control import LinkClass, LinkError, LinkErrorCode, decode_link
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import MESSAGES, Access, MessageSpec, by_name
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import NO_FIELD, BondState, CloseReason, ErrorCode, Role

LETTERS = {
    "C": Role.CLINICIAN,
    "P": Role.PATIENT,
    "S": Role.SERVICE,
    "R": Role.READER,
    "E": Role.EMERGENCY,
    "N": Role.ENROL,
}
MAY_ASK = {
    "SESSION_CONFIRM": "CPSREN",
    "KEEPALIVE": "CPSREN",
    "SESSION_CLOSE": "CPSREN",
    "GET_DEVICE_INFO": "CPSRE",
    "GET_STATUS": "CPSRE",
    "GET_PROGRAM_INFO": "CSR",
    "READ_PROGRAM": "CSR",
    "PROG_BEGIN": "C",
    "PROG_STAGE": "C",
    "PROG_VERIFY": "C",
    "PROG_COMMIT": "C",
    "PROG_ABORT": "C",
    "GET_RECEIPT": "CS",
    "GET_CLOCK": "CPSR",
    "LOG_INFO": "CPSR",
    "LOG_READ": "CPSR",
    "GET_ALARMS": "CPSRE",
    "BOND_ENROL": "N",
}
"""OITP/1 section 14 with its role matrix; N is an enrolment session, and E reads status and alarms only."""

NEAR_ONLY = {"PROG_COMMIT", "BOND_ENROL"}
CHANGING = {"PROG_BEGIN", "PROG_STAGE", "PROG_VERIFY", "PROG_COMMIT", "PROG_ABORT", "BOND_ENROL"}
THERAPY = {"PROG_COMMIT"}

every_message = pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)


def open_as(role: Role, link_class: LinkClass, state: BondState = BondState.CONFIRMED) -> ConnectionPair:
    pair = ConnectionPair(role, state, link_class=link_class)
    return pair.open(suite=Suite.NNPSK0 if role is Role.ENROL else Suite.KK)


def outcome(pair: ConnectionPair, spec: MessageSpec) -> ErrorCode | None:
    """The code with which the pump refuses a plain request, None where it executes it."""
    before = pair.device.executed.total()
    answer = pair.ask(example_of(spec.request))
    assert isinstance(answer, AnswerReceived)
    executed = pair.device.executed.total() - before
    if isinstance(answer.body, ErrorBody) and not executed:
        assert (answer.body.request_opcode, answer.body.field) == (spec.request_opcode, NO_FIELD)
        return ErrorCode(answer.body.code)
    assert executed == 1
    return None


@every_message
@pytest.mark.parametrize("link_class", LinkClass, ids=lambda link_class: link_class.name.lower())
@pytest.mark.parametrize("role", Role, ids=lambda role: role.name.lower())
def test_each_role_may_ask_what_the_matrix_says(spec: MessageSpec, link_class: LinkClass, role: Role) -> None:
    far = link_class is LinkClass.FAR
    expected = None
    if role not in {LETTERS[letter] for letter in MAY_ASK[spec.name]}:
        expected = ErrorCode.ROLE_FORBIDDEN
    elif far and spec.name in NEAR_ONLY:
        expected = ErrorCode.PROXIMITY_REQUIRED
    assert outcome(open_as(role, link_class), spec) is expected


@every_message
def test_a_provisional_bond_reads_only(spec: MessageSpec) -> None:
    pair = open_as(Role.CLINICIAN, LinkClass.NEAR, BondState.PROVISIONAL)
    if spec.name == "BOND_ENROL":
        assert outcome(pair, spec) is ErrorCode.ROLE_FORBIDDEN
    else:
        assert outcome(pair, spec) is (ErrorCode.BOND_PROVISIONAL if spec.name in CHANGING else None)


@every_message
def test_nothing_but_its_confirmation_is_executed_in_an_unconfirmed_session(spec: MessageSpec) -> None:
    pair = ConnectionPair()
    pair.open(confirm=False)
    expected = None if spec.name == "SESSION_CONFIRM" else ErrorCode.SESSION_NOT_CONFIRMED
    assert outcome(pair, spec) is expected


def test_the_registry_says_what_changes_therapy() -> None:
    assert {spec.name for spec in MESSAGES if spec.access is Access.THERAPY} == THERAPY
    assert {spec.name for spec in MESSAGES if spec.access in (Access.WRITE, Access.THERAPY)} == CHANGING


# --- a request that is wrong twice --------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """One way to be wrong: other header octets, another body, or another situation."""

    name: str
    code: ErrorCode
    header: dict[str, int] = field(default_factory=dict)
    body: str = ""
    situation: str = ""


IN_ORDER = (
    Wrong("no codeword", ErrorCode.OPCODE_NOT_A_CODEWORD, {"opcode": 0x1145}),
    Wrong("unknown opcode", ErrorCode.UNKNOWN_OPCODE, {"opcode": 0x5050}),
    Wrong("revision", ErrorCode.UNSUPPORTED_REV, {"rev": 2}),
    Wrong("length", ErrorCode.BAD_LENGTH, body="longer"),
    Wrong("word", ErrorCode.BAD_ENUM, body="word"),
    Wrong("revoked", ErrorCode.BOND_REVOKED, situation="revoked"),
    Wrong("unconfirmed", ErrorCode.SESSION_NOT_CONFIRMED, situation="unconfirmed"),
    Wrong("role", ErrorCode.ROLE_FORBIDDEN, situation="role"),
    Wrong("far", ErrorCode.PROXIMITY_REQUIRED, situation="far"),
    Wrong("provisional", ErrorCode.BOND_PROVISIONAL, situation="provisional"),
)
PAIRS = [(one, other) for at, one in enumerate(IN_ORDER) for other in IN_ORDER[at:]]


def commit_plaintext(txn: int, *wrongs: Wrong) -> bytes:
    """A PROG_COMMIT, wrong as asked; where two faults name one octet the earlier one stands."""
    spec = by_name("PROG_COMMIT")
    body = bytearray(spec.request_codec.encode(example_of(spec.request)))
    if any(wrong.body == "word" for wrong in wrongs):
        body[16] = 0
    if any(wrong.body == "longer" for wrong in wrongs):
        body += b"\0"
    header = {"opcode": spec.request_opcode, "txn": txn, "rev": 1, "mflags": 0, "body_len": len(body)}
    for wrong in reversed(wrongs):
        header |= wrong.header
    return bytes(HEADER.build(header)) + bytes(body)


@pytest.mark.parametrize(("earlier", "later"), PAIRS, ids=lambda wrong: wrong.name)
def test_the_earlier_of_two_errors_is_told(earlier: Wrong, later: Wrong) -> None:
    situations = {earlier.situation, later.situation}
    pair = ConnectionPair(
        Role.READER if "role" in situations else Role.CLINICIAN,
        BondState.PROVISIONAL if "provisional" in situations else BondState.CONFIRMED,
        link_class=LinkClass.FAR if "far" in situations else LinkClass.NEAR,
    )
    programmer, session = raw_session(pair)
    if "unconfirmed" not in situations:
        programmer.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    txn = 1 if "unconfirmed" in situations else 2
    if "revoked" in situations:
        pair.device.add_bond(0, state=BondState.REVOKED)
    (answer,) = programmer.record(session, commit_plaintext(txn, earlier, later))
    assert answer.error.code is earlier.code
    assert pair.device.commits == 0


def raw_session(pair: ConnectionPair) -> tuple[RawProgrammer, RawSession]:
    programmer = RawProgrammer(pair.host)
    programmer.hello()
    return programmer, programmer.session()


def test_the_field_at_fault_is_told() -> None:
    pair = ConnectionPair()
    programmer, session = raw_session(pair)
    word = next(wrong for wrong in IN_ORDER if wrong.body == "word")
    (answer,) = programmer.record(session, commit_plaintext(1, word))
    assert answer.error == ErrorBody(0x1144, ErrorCode.BAD_ENUM, 3, 0)


def test_an_error_is_cached_and_repeated_like_any_answer() -> None:
    pair = ConnectionPair()
    programmer, session = raw_session(pair)
    (first,) = programmer.record(session, commit_plaintext(1))
    (again,) = programmer.record(session, commit_plaintext(1))
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
    assert len(programmer.record(session, commit_plaintext(1))) == 1
    frames = programmer.put(_sealed(programmer, session, commit_plaintext(1)))
    assert [decode_link(frame.payload) for frame in frames] == [LinkError(LinkErrorCode.NO_SESSION, 0)]


def _sealed(programmer: RawProgrammer, session: RawSession, plaintext: bytes) -> bytes:
    return to_wire(session.sender.seal(programmer.seq, plaintext))
