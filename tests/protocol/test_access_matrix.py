"""Who may ask what: every message in every role and every situation, against the printed role matrix."""

from dataclasses import dataclass

import pytest
from support.device import CountingDevice
from support.protocol_pair import ConnectionPair
from support.published import ANSWERED_BY_THE_ENDPOINT, CATALOGUE, HEAD_ONLY, Published
from support.sessions import secret
from support.strategies import example_of

from protocol.events import AnswerReceived, SessionClosed
from protocol.handshake import Suite
from protocol.link_control import LinkClass
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import MESSAGES, MessageSpec, by_name
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import NO_FIELD, BondState, CloseReason, ErrorCode, Role

Outcomes = dict[str, ErrorCode | None]

TOKEN = secret("one far session")
BONDED = [role for role in Role if role is not Role.ENROL]
every_message = pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)


def named(role: Role) -> str:
    return role.name.lower()


@dataclass(frozen=True)
class Situation:
    """Where a session stands; ``head_off_ms`` is for how long the programming head has been off."""

    name: str
    far: bool = False
    token: bool = False
    provisional: bool = False
    unconfirmed: bool = False
    head_off_ms: int | None = None
    head_returns: bool = False

    @property
    def head(self) -> bool:
        """Whether the programming head counts as on the pump."""
        return not self.far and (self.head_returns or self.head_off_ms is None or self.head_off_ms < 5_000)


SITUATIONS = (
    Situation("near"),
    Situation("far", far=True),
    Situation("far with token", far=True, token=True),
    Situation("head off for a moment", head_off_ms=4_999),
    Situation("suspended", head_off_ms=5_000),
    Situation("about to close", head_off_ms=59_999),
    Situation("head back", head_off_ms=20_000, head_returns=True),
    Situation("provisional", provisional=True),
    Situation("provisional, far", provisional=True, far=True),
    Situation("provisional, far with token", provisional=True, far=True, token=True),
    Situation("provisional, suspended", provisional=True, head_off_ms=6_000),
    Situation("unconfirmed", unconfirmed=True),
)


def expected(line: Published, role: Role, where: Situation) -> ErrorCode | None:
    """What OITP/1 says, in the order of section 15."""
    if where.unconfirmed and line.name != "SESSION_CONFIRM":
        return ErrorCode.SESSION_NOT_CONFIRMED
    if role not in line.roles:
        return ErrorCode.ROLE_FORBIDDEN
    needs_head = line.name in HEAD_ONLY or (role is Role.ENROL and line.changes)
    if not where.head and (needs_head or (line.treats and not where.token)):
        return ErrorCode.PROXIMITY_REQUIRED
    return ErrorCode.BOND_PROVISIONAL if where.provisional and line.changes else None


def opened(role: Role, where: Situation, slot: int = 0) -> ConnectionPair:
    device = CountingDevice(far_link=where.token)
    device.add_bond(slot, role, BondState.PROVISIONAL if where.provisional else BondState.CONFIRMED)
    device.tokens[slot] = TOKEN
    pair = ConnectionPair(device=device, link_class=LinkClass.FAR if where.far else LinkClass.NEAR)
    suite = Suite.NNPSK0 if role is Role.ENROL else Suite.KKPSK2 if where.token else Suite.KK
    pair.open(slot, suite=suite, token=TOKEN if where.token else None, confirm=not where.unconfirmed)
    if where.head_off_ms is not None:
        pair.set_head(False)
        pair.run_for(where.head_off_ms)
        if where.head_returns:
            pair.set_head(True)
    return pair


def outcome(pair: ConnectionPair, spec: MessageSpec) -> ErrorCode | None:
    """The code with which the pump refuses a plain request, None where it executes it."""
    before = pair.device.executed.total()
    answer = pair.ask(example_of(spec.request))
    assert isinstance(answer, AnswerReceived)
    executed = pair.device.executed.total() - before
    if isinstance(answer.body, ErrorBody) and not executed:
        assert (answer.body.request_opcode, answer.body.field) == (spec.request_opcode, NO_FIELD)
        return ErrorCode(answer.body.code)
    assert executed == (spec.name not in ANSWERED_BY_THE_ENDPOINT)
    return None


def outcomes(pair: ConnectionPair, last: str = "SESSION_CLOSE") -> Outcomes:
    """Ask everything in one session; last what ends it, or what makes it a confirmed one."""
    order = sorted(CATALOGUE, key=lambda name: name == last)
    return {name: outcome(pair, by_name(name)) for name in order}


@pytest.mark.parametrize("where", SITUATIONS, ids=lambda where: where.name)
@pytest.mark.parametrize("role", Role, ids=named)
def test_each_role_may_ask_what_the_matrix_says(role: Role, where: Situation) -> None:
    if role is Role.ENROL and (where.token or where.provisional):
        # An enrolment has no bond yet, and brings the card instead of a token.
        where = Situation("near", far=where.far, head_off_ms=where.head_off_ms)
    pair = opened(role, where)
    last = "SESSION_CONFIRM" if where.unconfirmed else "SESSION_CLOSE"
    assert outcomes(pair, last) == {name: expected(line, role, where) for name, line in CATALOGUE.items()}


def test_the_matrix_is_the_one_printed() -> None:
    """The summary of the role matrix, line by line, as a person reads it."""

    def allowed(role: Role, where: Situation) -> set[str]:
        return {name for name, line in CATALOGUE.items() if expected(line, role, where) is None}

    near, far, provisional = (
        next(s for s in SITUATIONS if s.name == n) for n in ("near", "far", "provisional")
    )
    session = {"SESSION_CONFIRM", "KEEPALIVE", "SESSION_CLOSE", "SUBSCRIBE", "NOTIFY_ACK"}
    status = {"GET_DEVICE_INFO", "GET_STATUS", "GET_ALARMS", "LINK_STATS"}
    reads = session | status | {"GET_DAY_TOTALS", "GET_CLOCK", "LOG_INFO", "LOG_READ"}
    programs = {"GET_PROGRAM_INFO", "READ_PROGRAM"}
    assert allowed(Role.READER, near) == allowed(Role.READER, far) == reads | programs
    assert allowed(Role.EMERGENCY, far) == session | status
    assert allowed(Role.EMERGENCY, near) == session | status | {"SET_DELIVERY", "BOLUS_CANCEL"}
    own = {"GET_RECEIPT", "ALARM_ACK", "ALARM_SILENCE"}
    assert allowed(Role.PATIENT, far) == reads | own
    assert allowed(Role.PATIENT, near) == reads | own | {"PATIENT_BOLUS", "BOLUS_CANCEL", "PROXIMITY_TOKEN"}
    looks = programs | {"GET_RECEIPT", "LOG_DIGEST", "BOND_LIST", "SECURITY_STATUS"}
    assert allowed(Role.SERVICE, far) == reads | looks | {"SET_CLOCK"}
    assert allowed(Role.SERVICE, near) == reads | looks | {"SET_CLOCK", "SELF_TEST"}
    others = {"PATIENT_BOLUS", "BOND_ENROL", "SELF_TEST"}
    assert allowed(Role.CLINICIAN, near) == CATALOGUE.keys() - others
    assert allowed(Role.CLINICIAN, provisional) == reads | looks
    assert allowed(Role.ENROL, near) == {"SESSION_CONFIRM", "KEEPALIVE", "SESSION_CLOSE", "BOND_ENROL"}


def test_the_registry_says_what_the_catalogue_prints() -> None:
    for spec in MESSAGES:
        line = CATALOGUE[spec.name]
        assert (spec.access.value, spec.roles) == (line.access, line.roles)
        assert spec.head_only == (spec.name in HEAD_ONLY)


# --- revoked ------------------------------------------------------------------------------------------------


@every_message
def test_a_session_whose_bond_is_revoked_meanwhile_gets_that_answer_and_no_other(spec: MessageSpec) -> None:
    pair = opened(BONDED[sum(spec.name.encode()) % len(BONDED)], SITUATIONS[0])
    session = pair.pump.session
    assert session is not None
    pair.device.add_bond(0, session.role, BondState.REVOKED)
    assert outcome(pair, spec) is ErrorCode.BOND_REVOKED
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.REVOKED)
    assert pair.pump.session is None


@pytest.mark.parametrize("role", BONDED, ids=named)
@pytest.mark.parametrize("unconfirmed", [True, False])
def test_a_bond_that_is_gone_is_as_good_as_revoked(role: Role, unconfirmed: bool) -> None:
    pair = opened(role, Situation("", unconfirmed=unconfirmed))
    pair.device.bonds.clear()
    assert outcome(pair, by_name("KEEPALIVE")) is ErrorCode.BOND_REVOKED
    assert pair.pump.session is None


def test_an_enrolment_needs_no_bond() -> None:
    pair = opened(Role.ENROL, SITUATIONS[0])
    pair.device.bonds.clear()
    assert outcome(pair, by_name("BOND_ENROL")) is None


# --- the published emergency key ----------------------------------------------------------------------------


@pytest.mark.parametrize("dwelt_ms", [0, 29_999, 30_000])
def test_the_emergency_key_may_ask_after_thirty_seconds_on_the_pump(dwelt_ms: int) -> None:
    pair = opened(Role.EMERGENCY, SITUATIONS[0], EMERGENCY_SLOT)
    pair.run_for(dwelt_ms)
    waits = dwelt_ms < 30_000
    assert outcomes(pair) == {
        name: ErrorCode.ROLE_FORBIDDEN
        if Role.EMERGENCY not in line.roles
        else (ErrorCode.PROXIMITY_REQUIRED if waits and line.group else None)
        for name, line in CATALOGUE.items()
    }


# --- lab plaintext ------------------------------------------------------------------------------------------

LAB_ROLES = [role for role in BONDED if role is not Role.EMERGENCY]


@pytest.mark.parametrize("link_class", LinkClass, ids=lambda link_class: link_class.name.lower())
@pytest.mark.parametrize("role", LAB_ROLES, ids=named)
def test_lab_plaintext_has_the_rights_of_the_role_of_the_option(role: Role, link_class: LinkClass) -> None:
    pair = ConnectionPair(link_class=link_class, lab_role=role)
    where = Situation("lab", far=link_class is LinkClass.FAR)
    pair.open_lab()
    assert outcomes(pair) == {name: expected(line, role, where) for name, line in CATALOGUE.items()}


def test_lab_plaintext_loses_its_therapy_with_the_head_too() -> None:
    pair = ConnectionPair(lab_role=Role.CLINICIAN)
    pair.open_lab()
    pair.set_head(False)
    pair.run_for(5_000)
    assert outcome(pair, by_name("PROG_COMMIT")) is ErrorCode.PROXIMITY_REQUIRED
    assert outcome(pair, by_name("GET_STATUS")) is None
