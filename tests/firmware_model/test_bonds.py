"""The life of a bond by request: listed, vouched for, revoked, dropped; and the token it may fetch."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.pump_bench import MONDAY_UTC_S, ask, caller, log_of, new_pump, pump_at_work

from firmware_model.controller.bonds import CONFIRM_WITHIN_S, RevokeBar
from firmware_model.controller.storage import PowerCut
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.link_control import LinkClass
from protocol.log_record import BondAddedEvent, BondRevokedEvent, read_payload
from protocol.messages.bonds import (
    TOKEN_LIFE_S,
    BondConfirmRequest,
    BondConfirmResponse,
    BondEnrolRequest,
    BondEnrolResponse,
    BondEntry,
    BondListRequest,
    BondRevokeRequest,
    BondRevokeResponse,
    ProximityTokenRequest,
    ProximityTokenResponse,
    SecurityStatusRequest,
)
from protocol.messages.device import GetDeviceInfoRequest
from protocol.messages.session import KeepaliveRequest
from protocol.requests import ENROL_SLOT, LAB_SLOT, LinkReport, Refusal
from protocol.vocabulary import BondState, CloseReason, ErrorCode, Feature, Role

PROVISIONAL, CONFIRMED, REVOKED = BondState.PROVISIONAL, BondState.CONFIRMED, BondState.REVOKED
MINUTE_MS = 60_000


def enrol(pump: Pump, number: int, role: Role = Role.CLINICIAN) -> int:
    request = BondEnrolRequest(bytes([number]) * 32, role, f"station {number}")
    answer = ask(pump, request, caller(1, ENROL_SLOT, Role.ENROL))
    assert isinstance(answer, BondEnrolResponse), answer
    return answer.slot


def session(pump: Pump, slot: int, *, near: bool = True) -> None:
    pump.session_opened(caller(50, slot, near=near))
    pump.session_closed(50, CloseReason.DONE)


def listed(pump: Pump) -> tuple[BondEntry, ...]:
    bonds: tuple[BondEntry, ...] = ask(pump, BondListRequest()).bonds
    return bonds


def states(pump: Pump) -> list[BondState]:
    return [bond.state for bond in listed(pump)]


def told(pump: Pump) -> list[tuple[object, int]]:
    """Return what the log tells of bonds, with the slot that did it."""
    events = [(read_payload(record), record.actor_slot) for record in log_of(pump)]
    return [(event, by) for event, by in events if isinstance(event, BondAddedEvent | BondRevokedEvent)]


@pytest.fixture
def clinic() -> Pump:
    """A confirmed clinician in slot 0, one who waits for trust in slot 1, a patient in slot 2."""
    pump = pump_at_work()
    pump.set_link_time(0)
    for number, role in ((1, Role.CLINICIAN), (2, Role.CLINICIAN), (3, Role.PATIENT)):
        session(pump, enrol(pump, number, role))
    return pump


# --- list -------------------------------------------------------------------------------------------------


def test_every_bond_is_listed_with_its_last_session(clinic: Pump) -> None:
    clinic.advance_to(90_000)
    session(clinic, 2)
    enrol(clinic, 4, Role.READER)
    assert listed(clinic) == (
        BondEntry(0, Role.CLINICIAN, CONFIRMED, MONDAY_UTC_S, "station 1"),
        BondEntry(1, Role.CLINICIAN, PROVISIONAL, MONDAY_UTC_S, "station 2"),
        BondEntry(2, Role.PATIENT, CONFIRMED, MONDAY_UTC_S + 90, "station 3"),
        BondEntry(3, Role.READER, PROVISIONAL, 0, "station 4"),
    )
    before = listed(clinic)
    clinic.reset()
    assert listed(clinic) == before


def test_without_a_clock_the_last_session_has_no_date() -> None:
    pump = new_pump(utc_s=0)
    session(pump, enrol(pump, 1))
    assert listed(pump)[0].last_utc_s == 0


def test_a_session_writes_its_bond_once(clinic: Pump) -> None:
    """Two copies of the record, the log of the opening and that of the end."""
    writes = clinic.storage.writes
    clinic.session_opened(caller(51, 0))
    for _ in range(50):
        ask(clinic, KeepaliveRequest(), caller(51, 0))
    clinic.session_closed(51, CloseReason.DONE)
    assert clinic.storage.writes - writes == 4


# --- vouching ---------------------------------------------------------------------------------------------


def test_a_confirmed_clinician_vouches_for_another(clinic: Pump) -> None:
    last = clinic.controller.log.last_seq
    assert ask(clinic, BondConfirmRequest(1)) == BondConfirmResponse(1, last + 1)
    assert states(clinic) == [CONFIRMED] * 3
    assert told(clinic)[-1] == (BondAddedEvent(1, Role.CLINICIAN, CONFIRMED), 0)


def test_a_bond_that_had_no_session_yet_can_be_vouched_for(clinic: Pump) -> None:
    slot = enrol(clinic, 4, Role.SERVICE)
    assert isinstance(ask(clinic, BondConfirmRequest(slot)), BondConfirmResponse)
    clinic.set_link_time(10 * CONFIRM_WITHIN_S * 1_000)
    assert states(clinic)[slot] is CONFIRMED


def test_only_a_bond_that_waits_can_be_vouched_for(clinic: Pump) -> None:
    assert ask(clinic, BondConfirmRequest(6)) == Refusal(ErrorCode.OUT_OF_RANGE, 0)
    assert ask(clinic, BondConfirmRequest(0xFFFF)) == Refusal(ErrorCode.OUT_OF_RANGE, 0)
    assert ask(clinic, BondConfirmRequest(0)) == Refusal(ErrorCode.NOT_APPLICABLE, 0, CONFIRMED)
    ask(clinic, BondRevokeRequest(1))
    assert ask(clinic, BondConfirmRequest(1)) == Refusal(ErrorCode.NOT_APPLICABLE, 0, REVOKED)


# --- revoking ---------------------------------------------------------------------------------------------


def test_a_revoked_bond_stays_listed_until_its_slot_is_taken(clinic: Pump) -> None:
    last = clinic.controller.log.last_seq
    assert ask(clinic, BondRevokeRequest(2)) == BondRevokeResponse(2, last + 1)
    bond = clinic.bond(2)
    assert bond is not None
    assert bond.state is REVOKED
    assert told(clinic)[-1] == (BondRevokedEvent(2, Role.PATIENT), 0)
    assert enrol(clinic, 9, Role.READER) == 2
    assert listed(clinic)[2] == BondEntry(2, Role.READER, PROVISIONAL, 0, "station 9")


def test_a_session_does_not_bring_a_revoked_bond_back(clinic: Pump) -> None:
    ask(clinic, BondRevokeRequest(2))
    before = listed(clinic)
    session(clinic, 2)
    assert listed(clinic) == before


def test_a_revoked_key_can_be_enrolled_again_and_begins_anew(clinic: Pump) -> None:
    ask(clinic, BondRevokeRequest(2))
    assert enrol(clinic, 3, Role.PATIENT) == 2
    assert states(clinic)[2] is PROVISIONAL


def test_nobody_revokes_the_own_bond(clinic: Pump) -> None:
    ask(clinic, BondConfirmRequest(1))
    before = clinic.storage.image()
    own = Refusal(ErrorCode.POLICY_FORBIDS, 0, RevokeBar.OWN_BOND)
    assert ask(clinic, BondRevokeRequest(0)) == own
    assert clinic.storage.image() == before
    assert isinstance(ask(clinic, BondRevokeRequest(0), caller(slot=1)), BondRevokeResponse)
    assert ask(clinic, BondRevokeRequest(1), caller(slot=1)) == own


def test_the_last_confirmed_clinician_stays(clinic: Pump) -> None:
    """A lab session has no bond of its own, so for it this is a rule of its own."""
    lab = caller(slot=LAB_SLOT)
    assert ask(clinic, BondRevokeRequest(0), lab) == Refusal(
        ErrorCode.POLICY_FORBIDS, 0, RevokeBar.LAST_CLINICIAN
    )
    ask(clinic, BondConfirmRequest(1), lab)
    assert isinstance(ask(clinic, BondRevokeRequest(0), lab), BondRevokeResponse)


def test_only_a_bond_that_is_there_can_be_revoked(clinic: Pump) -> None:
    assert ask(clinic, BondRevokeRequest(5)) == Refusal(ErrorCode.OUT_OF_RANGE, 0)
    ask(clinic, BondRevokeRequest(1))
    assert ask(clinic, BondRevokeRequest(1)) == Refusal(ErrorCode.NOT_APPLICABLE, 0, REVOKED)


# --- the window -------------------------------------------------------------------------------------------


def window_s(pump: Pump) -> int:
    left: int = ask(pump, SecurityStatusRequest()).bonding_window_s
    return left


def test_a_bond_without_a_session_is_revoked_by_the_pump_after_ten_minutes_of_link_time(
    clinic: Pump,
) -> None:
    slot = enrol(clinic, 4, Role.READER)
    clinic.advance_to(86_400_000)
    clinic.set_link_time(CONFIRM_WITHIN_S * 1_000)
    assert states(clinic)[slot] is PROVISIONAL
    clinic.set_link_time(CONFIRM_WITHIN_S * 1_000 + 1)
    assert states(clinic)[slot] is REVOKED
    assert told(clinic)[-1] == (BondRevokedEvent(slot, Role.READER), 255)
    # The clinician who waits for trust had a session, and waits on.
    assert states(clinic)[1] is PROVISIONAL


def test_the_bonding_window_is_that_of_the_newest_bond_that_waits(clinic: Pump) -> None:
    assert window_s(clinic) == 0
    enrol(clinic, 4, Role.READER)
    clinic.set_link_time(100_000)
    assert window_s(clinic) == 500
    slot = enrol(clinic, 5, Role.READER)
    clinic.set_link_time(101_500)
    assert window_s(clinic) == 599
    session(clinic, slot)
    assert window_s(clinic) == 499


@pytest.mark.parametrize("begin_anew", [Pump.reset, lambda pump: pump.set_link_time(0)])
def test_the_wait_begins_anew_with_the_firmware_or_the_link_clock(
    clinic: Pump, begin_anew: Callable[[Pump], None]
) -> None:
    clinic.set_link_time(1_000)
    slot = enrol(clinic, 4, Role.READER)
    clinic.set_link_time(590_000)
    begin_anew(clinic)
    began_ms = clinic.link_ms
    clinic.set_link_time(began_ms)
    clinic.set_link_time(began_ms + 600_000)
    assert states(clinic)[slot] is PROVISIONAL
    clinic.set_link_time(began_ms + 600_001)
    assert states(clinic)[slot] is REVOKED


# --- tokens -----------------------------------------------------------------------------------------------


@pytest.fixture
def far_clinic() -> Pump:
    pump = make_pump(utc_s=MONDAY_UTC_S, far_link=True)
    pump.set_link_time(0)
    for number in (1, 2):
        session(pump, enrol(pump, number))
    return pump


def token(pump: Pump, slot: int = 0) -> bytes:
    answer = ask(pump, ProximityTokenRequest(), caller(slot=slot))
    assert isinstance(answer, ProximityTokenResponse), answer
    assert answer.expires_s == TOKEN_LIFE_S
    return answer.token


def test_a_pump_without_the_far_link_has_no_token(clinic: Pump) -> None:
    assert ask(clinic, ProximityTokenRequest()) == Refusal(ErrorCode.FEATURE_ABSENT)
    assert not clinic.far_link
    assert Feature.FAR_LINK not in ask(clinic, GetDeviceInfoRequest()).features


def test_a_token_is_good_for_two_minutes_of_link_time(far_clinic: Pump) -> None:
    assert Feature.FAR_LINK in ask(far_clinic, GetDeviceInfoRequest()).features
    secret = token(far_clinic)
    far_clinic.advance_to(86_400_000)
    far_clinic.set_link_time(119_999)
    assert far_clinic.proximity_psk(0) == secret
    assert len(secret) == 32
    far_clinic.set_link_time(120_000)
    assert far_clinic.proximity_psk(0) is None


def test_a_token_belongs_to_one_bond_and_a_new_one_voids_the_old(far_clinic: Pump) -> None:
    first = token(far_clinic)
    assert far_clinic.proximity_psk(1) is None
    second = token(far_clinic)
    other = token(far_clinic, 1)
    assert len({first, second, other}) == 3
    assert (far_clinic.proximity_psk(0), far_clinic.proximity_psk(1)) == (second, other)


def test_a_token_is_used_up_by_the_session_opened_with_it(far_clinic: Pump) -> None:
    """A session without it, near or far, leaves it good."""
    secret = token(far_clinic)
    other = token(far_clinic, 1)
    session(far_clinic, 0, near=True)
    session(far_clinic, 0, near=False)
    assert far_clinic.proximity_psk(0) == secret
    far_clinic.session_opened(replace(caller(60, 0, near=False), with_token=True))
    assert (far_clinic.proximity_psk(0), far_clinic.proximity_psk(1)) == (None, other)


def test_the_class_of_link_counts_and_not_whether_the_head_is_on(far_clinic: Pump) -> None:
    """On the near link the head may be off for a moment; that is no far link."""
    secret = token(far_clinic)
    head_off = replace(caller(50, 0, near=False), link=LinkReport(LinkClass.NEAR))
    far_clinic.session_opened(head_off)
    assert far_clinic.proximity_psk(0) == secret


@pytest.mark.parametrize(
    "happens",
    [
        Pump.reset,
        lambda pump: pump.set_link_time(999),
        lambda pump: ask(pump, BondRevokeRequest(0), caller(slot=LAB_SLOT)),
    ],
)
def test_a_token_does_not_outlive_restart_link_clock_or_bond(
    far_clinic: Pump, happens: Callable[[Pump], None]
) -> None:
    ask(far_clinic, BondConfirmRequest(1))
    far_clinic.set_link_time(1_000)
    token(far_clinic)
    happens(far_clinic)
    assert far_clinic.proximity_psk(0) is None


def test_a_session_without_a_bond_gets_no_token(far_clinic: Pump) -> None:
    assert ask(far_clinic, ProximityTokenRequest(), caller(slot=LAB_SLOT)) == Refusal(
        ErrorCode.NOT_APPLICABLE
    )


def test_a_snapshot_carries_tokens_waits_and_the_far_link(far_clinic: Pump) -> None:
    slot = enrol(far_clinic, 4, Role.READER)
    secret = token(far_clinic)
    far_clinic.set_link_time(60_000)
    copy = Pump.restore(decode_snapshot(encode_snapshot(far_clinic.snapshot())))
    before = far_clinic.snapshot()
    assert (copy.far_link, copy.proximity_psk(0), window_s(copy)) == (True, secret, 540)
    for each in (far_clinic, copy):
        each.set_link_time(600_001)
        assert (each.proximity_psk(0), states(each)[slot]) == (None, REVOKED)
    assert copy.snapshot() == far_clinic.snapshot() != before


# --- power ------------------------------------------------------------------------------------------------


def changes() -> list[object]:
    return [BondConfirmRequest(1), BondRevokeRequest(1)]


@pytest.mark.parametrize("request_body", changes(), ids=lambda body: type(body).__name__)
@pytest.mark.parametrize("torn", [0, 3, 11, 60])
@pytest.mark.parametrize("nth", range(1, 6))
def test_power_that_fails_at_any_write_leaves_the_old_or_the_new_bond_and_it_is_told(
    clinic: Pump, request_body: object, nth: int, torn: int
) -> None:
    """And a second cut, while the start ends what the first interrupted, changes nothing about that."""
    new = CONFIRMED if isinstance(request_body, BondConfirmRequest) else REVOKED
    event = (
        BondAddedEvent(1, Role.CLINICIAN, CONFIRMED)
        if new is CONFIRMED
        else BondRevokedEvent(1, Role.CLINICIAN)
    )
    for again in range(1, 8):
        pump = Pump.restore(clinic.snapshot())
        pump.storage.cut_power_at(nth, torn=torn)
        try:
            ask(pump, request_body)
        except PowerCut:
            pump.storage.cut_power_at(again, torn=torn)
            restart(pump)
        pump.storage.cut_power_at(0)
        state = states(pump)[1]
        assert state in (PROVISIONAL, new)
        assert told(pump).count((event, 0)) == (1 if state is new else 0)
        if nth > 1:
            assert state is new


def restart(pump: Pump) -> None:
    for _ in range(3):
        try:
            pump.reset()
        except PowerCut:
            continue
        return
    raise AssertionError("the pump does not start")
