"""Bonds: how they are stored and how they rise; what a role may ask for."""

import hashlib
from dataclasses import replace

import pytest
from support.pump_bench import active_program, ask, caller, commit, log_of, new_pump, pump_at_work

from firmware_model.pump import Pump
from firmware_model.telemetry import privileges
from protocol.emergency_key import EMERGENCY_PRIVATE, EMERGENCY_PUBLIC
from protocol.log_record import BondAddedEvent, SessionCloseEvent, SessionOpenEvent, read_payload
from protocol.messages.bonds import BondEnrolRequest, BondEnrolResponse
from protocol.messages.session import KeepaliveRequest, SessionConfirmRequest, SessionConfirmResponse
from protocol.noise import public_key
from protocol.program import Emergency
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, LAB_SLOT, Bond, Refusal
from protocol.vocabulary import BondState, ClientKind, CloseReason, EmergencyPolicy, ErrorCode, Role

MINUTE_MS = 60_000


@pytest.fixture
def pump() -> Pump:
    return pump_at_work()


def key(number: int) -> bytes:
    return bytes([number]) * 32


def enrol(pump: Pump, number: int, role: Role = Role.CLINICIAN) -> BondEnrolResponse:
    answer = try_enrol(pump, number, role)
    assert isinstance(answer, BondEnrolResponse), answer
    return answer


def try_enrol(pump: Pump, number: int, role: Role = Role.CLINICIAN) -> BondEnrolResponse | Refusal:
    request = BondEnrolRequest(key(number), role, f"station {number}")
    answer: BondEnrolResponse | Refusal = ask(pump, request, caller(1, ENROL_SLOT, Role.ENROL))
    return answer


def session(pump: Pump, slot: int, session_id: int = 50) -> None:
    pump.session_opened(caller(session_id, slot))
    pump.session_closed(session_id, CloseReason.DONE)


def state(pump: Pump, slot: int) -> BondState:
    bond = pump.bond(slot)
    assert bond is not None
    return bond.state


def test_an_enrolled_key_becomes_a_provisional_bond(pump: Pump) -> None:
    answer = enrol(pump, 1)
    assert answer == BondEnrolResponse(0, pump.static_public, 600)
    assert pump.bond(0) == Bond(0, key(1), Role.CLINICIAN, BondState.PROVISIONAL, "station 1")
    assert pump.bond(1) is None


def test_the_first_session_confirms_the_first_clinician(pump: Pump) -> None:
    enrol(pump, 1)
    session(pump, 0)
    assert state(pump, 0) is BondState.CONFIRMED
    pump.reset()
    assert state(pump, 0) is BondState.CONFIRMED


@pytest.mark.parametrize("role", [Role.PATIENT, Role.SERVICE, Role.READER])
def test_the_first_session_confirms_every_other_role(pump: Pump, role: Role) -> None:
    for number, each in ((1, Role.CLINICIAN), (2, role)):
        slot = enrol(pump, number, each).slot
        session(pump, slot)
    assert state(pump, 1) is BondState.CONFIRMED


def second_clinician(pump: Pump) -> int:
    session(pump, enrol(pump, 1).slot)
    slot = enrol(pump, 2).slot
    pump.session_opened(caller(60, slot))
    return slot


def test_a_second_clinician_stays_provisional_until_ten_minutes_near(pump: Pump) -> None:
    slot = second_clinician(pump)
    for minute in range(10):
        pump.advance_to(minute * MINUTE_MS)
        ask(pump, KeepaliveRequest(), caller(60, slot))
        assert state(pump, slot) is BondState.PROVISIONAL
    pump.advance_to(10 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(60, slot))
    assert state(pump, slot) is BondState.CONFIRMED


def test_the_dwell_counts_in_one_go(pump: Pump) -> None:
    slot = second_clinician(pump)
    pump.advance_to(9 * MINUTE_MS)
    pump.session_closed(60, CloseReason.DONE)
    pump.session_opened(caller(61, slot))
    pump.advance_to(18 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(61, slot))
    assert state(pump, slot) is BondState.PROVISIONAL
    # Out of reach of the head, the ten minutes begin again.
    ask(pump, KeepaliveRequest(), caller(61, slot, near=False))
    pump.advance_to(27 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(61, slot))
    assert state(pump, slot) is BondState.PROVISIONAL
    pump.advance_to(28 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(61, slot))
    assert state(pump, slot) is BondState.CONFIRMED


def test_the_dwell_is_link_time(pump: Pump) -> None:
    pump.set_link_time(0)
    slot = second_clinician(pump)
    pump.advance_to(5_000 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(60, slot))
    assert state(pump, slot) is BondState.PROVISIONAL
    pump.set_link_time(10 * MINUTE_MS)
    ask(pump, KeepaliveRequest(), caller(60, slot))
    assert state(pump, slot) is BondState.CONFIRMED


def test_enrolling_the_same_key_in_the_same_role_changes_nothing(pump: Pump) -> None:
    enrol(pump, 1)
    session(pump, 0)
    before = pump.storage.image()
    assert enrol(pump, 1).slot == 0
    assert pump.storage.image() == before


def test_enrolling_the_same_key_in_another_role_starts_again(pump: Pump) -> None:
    enrol(pump, 1, Role.READER)
    session(pump, 0)
    assert enrol(pump, 1, Role.CLINICIAN).slot == 0
    bond = pump.bond(0)
    assert bond is not None
    assert (bond.role, bond.state) == (Role.CLINICIAN, BondState.PROVISIONAL)


@pytest.mark.parametrize("role", [Role.EMERGENCY, Role.ENROL])
def test_roles_without_a_bond_cannot_be_enrolled(pump: Pump, role: Role) -> None:
    assert try_enrol(pump, 1, role) == Refusal(ErrorCode.POLICY_FORBIDS, 1)
    assert pump.bond(0) is None


def test_eight_bonds_fill_the_table(pump: Pump) -> None:
    for number in range(8):
        assert enrol(pump, number + 1).slot == number
    assert try_enrol(pump, 99) == Refusal(ErrorCode.BOND_TABLE_FULL, detail=8)
    pump.reset()
    assert [bond.slot for bond in pump.controller.access.bonds.entries] == list(range(8))


def test_a_bond_that_never_had_a_session_makes_room_after_ten_minutes(pump: Pump) -> None:
    for number in range(8):
        enrol(pump, number + 1, Role.READER)
        if number != 5:
            session(pump, number)
    pump.advance_to(600_000)
    assert isinstance(try_enrol(pump, 99), Refusal)
    assert state(pump, 5) is BondState.PROVISIONAL
    pump.advance_to(600_001)
    assert enrol(pump, 99).slot == 5


def test_each_change_of_a_bond_is_told(pump: Pump) -> None:
    enrol(pump, 1)
    session(pump, 0)
    told = [read_payload(record) for record in log_of(pump)]
    assert [event for event in told if isinstance(event, BondAddedEvent)] == [
        BondAddedEvent(0, Role.CLINICIAN, BondState.PROVISIONAL),
        BondAddedEvent(0, Role.CLINICIAN, BondState.CONFIRMED),
    ]
    assert SessionCloseEvent(50, CloseReason.DONE) in told


def test_the_end_of_an_unknown_session_is_not_told(pump: Pump) -> None:
    before = pump.controller.log.last_seq
    pump.session_closed(77, CloseReason.IDLE)
    assert pump.controller.log.last_seq == before


@pytest.mark.parametrize(
    ("role", "confirmed", "groups"),
    [
        (Role.CLINICIAN, True, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
        (Role.CLINICIAN, False, {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}),
        (Role.SERVICE, True, {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}),
        (Role.READER, True, {0, 1, 2, 3, 6, 7, 8, 10}),
        (Role.PATIENT, True, {0, 1, 2, 4, 5, 6, 7, 8, 9, 10}),
        (Role.PATIENT, False, {0, 1, 2, 4, 6, 7, 8, 10}),
        (Role.ENROL, False, {0, 9}),
    ],
)
def test_the_privileges_are_the_groups_a_role_may_use(
    pump: Pump, role: Role, confirmed: bool, groups: set[int]
) -> None:
    slot = ENROL_SLOT
    if role is not Role.ENROL:
        slot = enrol(pump, 1, role).slot
        if confirmed:
            session(pump, slot)
    answer = confirm_session(pump, slot, role)
    assert answer.privileges == sum(1 << group for group in groups)
    assert (answer.session_id, answer.role, answer.idle_timeout_s) == (5, role, 120)


def confirm_session(pump: Pump, slot: int, role: Role) -> SessionConfirmResponse:
    answer: SessionConfirmResponse = ask(
        pump, SessionConfirmRequest(ClientKind.SCRIPT, 1, "tester"), caller(5, slot, role)
    )
    return answer


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.READER])
def test_a_lab_session_has_the_privileges_of_the_role_it_names(pump: Pump, role: Role) -> None:
    assert confirm_session(pump, LAB_SLOT, role).privileges == privileges(role, BondState.CONFIRMED)


# --- emergency --------------------------------------------------------------------------------------------


def with_policy(pump: Pump, policy: EmergencyPolicy) -> Pump:
    program = active_program(pump)
    commit(pump, replace(program, emergency=Emergency(policy, 60)))
    return pump


@pytest.mark.parametrize(
    ("policy", "groups"),
    [(EmergencyPolicy.READ, {0, 1, 2, 8, 10}), (EmergencyPolicy.READ_SUSPEND, {0, 1, 2, 5, 8, 10})],
)
def test_the_published_key_is_bonded_where_the_policy_allows_it(
    pump: Pump, policy: EmergencyPolicy, groups: set[int]
) -> None:
    bond = with_policy(pump, policy).bond(EMERGENCY_SLOT)
    assert bond == Bond(EMERGENCY_SLOT, EMERGENCY_PUBLIC, Role.EMERGENCY, BondState.CONFIRMED, "emergency")
    answer = confirm_session(pump, EMERGENCY_SLOT, Role.EMERGENCY)
    assert answer.privileges == sum(1 << group for group in groups)


def test_the_published_key_opens_nothing_where_the_policy_is_none(pump: Pump) -> None:
    assert pump.bond(EMERGENCY_SLOT) is not None
    assert with_policy(pump, EmergencyPolicy.NONE).bond(EMERGENCY_SLOT) is None


def test_the_published_key_opens_a_pump_without_a_program() -> None:
    pump = new_pump()
    assert pump.controller.emergency_policy is EmergencyPolicy.READ_SUSPEND
    assert pump.bond(EMERGENCY_SLOT) is not None


def test_the_published_key_is_what_everybody_can_compute() -> None:
    assert hashlib.sha256(b"OITP/1 emergency").digest() == EMERGENCY_PRIVATE
    assert public_key(EMERGENCY_PRIVATE) == EMERGENCY_PUBLIC


def test_a_session_of_the_published_key_is_told(pump: Pump) -> None:
    pump.session_opened(caller(9, EMERGENCY_SLOT, Role.EMERGENCY))
    *_, record = log_of(pump)
    assert read_payload(record) == SessionOpenEvent(9, EMERGENCY_SLOT, Role.EMERGENCY)
    assert record.actor_slot == EMERGENCY_SLOT


# --- sessions ---------------------------------------------------------------------------------------------


def test_the_pump_knows_of_a_session_over_another_link(pump: Pump) -> None:
    assert not pump.session_elsewhere(None)
    pump.session_opened(caller(4))
    assert pump.session_elsewhere(None)
    assert pump.session_elsewhere(5)
    assert not pump.session_elsewhere(4)
    pump.session_closed(4, CloseReason.DONE)
    assert not pump.session_elsewhere(None)
    pump.session_opened(caller(5))
    pump.reset()
    assert not pump.session_elsewhere(None)
