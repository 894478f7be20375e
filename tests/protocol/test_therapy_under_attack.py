"""What goes wrong between people, time and power, one story each: the therapy lines of OITP/1 section 20."""

from itertools import pairwise

import pytest
from support.pump_bench import HOUR_MS, active_program, caller
from support.ward.clinic import Clinic, refused
from support.ward.implant import PATIENT_BOLUS
from support.ward.programmer import LOST, Programmer

from firmware_model.controller.event_log import CAPACITY
from protocol.messages.alarms import MAX_ALARMS
from protocol.messages.clock import SetClockRequest
from protocol.messages.delivery import (
    BolusArmRequest,
    BolusArmResponse,
    BolusCancelRequest,
    BolusStartRequest,
    BolusStartResponse,
    PatientBolusRequest,
    PatientBolusResponse,
    SetDeliveryRequest,
)
from protocol.messages.errors import ErrorBody
from protocol.messages.log import LogInfoRequest, LogReadRequest
from protocol.messages.program import GetReceiptRequest, ProgBeginRequest, ReceiptResponse
from protocol.messages.session import NotifyAckRequest, SubscribeRequest
from protocol.notifications import MAX_PENDING
from protocol.program import program_digest
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask
from protocol.vocabulary import (
    AlarmCode,
    DeliveryState,
    ErrorCode,
    EventType,
    LogPageFlag,
    OverrideReason,
    ReceiptState,
)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def arm(who: Programmer, volume_nl: int = 5_000) -> tuple[BolusArmResponse, bytes]:
    intent = who.new_intent()
    answer = who.ask(BolusArmRequest(BolusKind.CLINICIAN, volume_nl, 600, volume_nl * 20, intent))
    assert isinstance(answer, BolusArmResponse), answer
    return answer, intent


def start(armed: BolusArmResponse) -> BolusStartRequest:
    return BolusStartRequest(armed.bolus_id, armed.token, armed.soft_flags, OverrideReason.CLINICAL_JUDGEMENT)


# --- two programmers ----------------------------------------------------------------------------------------


def test_a_program_changed_meanwhile_is_not_built_upon(clinic: Clinic) -> None:
    """Stale base_version: the colleague was faster."""
    assert clinic.doctor.connect()
    seen = clinic.version
    clinic.doctor.close()
    assert clinic.colleague.connect()
    theirs = clinic.verify(clinic.colleague)
    assert clinic.colleague.order(theirs.commit(), theirs.intent).version == seen + 1
    clinic.colleague.close()
    assert clinic.doctor.connect()
    answer = clinic.doctor.ask(ProgBeginRequest(seen, 100, clinic.doctor.new_intent()))
    assert refused(answer, ErrorCode.VERSION_CONFLICT)
    assert answer.detail == seen + 1
    clinic.audit()


def test_of_two_programmers_the_second_waits_until_the_first_has_left(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    assert not clinic.colleague.connect()
    assert clinic.status(clinic.doctor) is not LOST
    clinic.doctor.close()
    assert clinic.colleague.connect()


def test_a_transaction_belongs_to_the_session_that_began_it(clinic: Clinic) -> None:
    """Handle and token of a colleague are no use to anybody else."""
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    clinic.doctor.close()
    before = clinic.therapy()
    assert clinic.colleague.connect()
    answer = clinic.colleague.ask(verified.commit())
    assert refused(answer, ErrorCode.HANDLE_UNKNOWN)
    assert clinic.therapy() == before


# --- lost answers, tokens, identities -----------------------------------------------------------------------


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_commit_with_lost_answers_is_done_once_and_known_to_be(clinic: Clinic, lost: int) -> None:
    """Up to four lost answers are made good by the cache; the fifth is settled by the receipt."""
    assert clinic.doctor.connect()
    verified, version = clinic.verify(clinic.doctor), clinic.version
    clinic.lose_answers(lost, after=1)
    answer = clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
    assert (answer is LOST) == (lost == 5)
    assert clinic.doctor.resolve()
    assert clinic.version == version + 1
    receipt = clinic.doctor.ask(GetReceiptRequest(verified.intent))
    assert isinstance(receipt, ReceiptResponse)
    assert (receipt.state, receipt.version) == (ReceiptState.COMMITTED, version + 1)
    assert receipt.digest == program_digest(verified.image)[:16]
    clinic.audit()


@pytest.mark.parametrize("nth", range(1, 14))
@pytest.mark.parametrize("torn", [0, 7], ids=["clean", "torn"])
def test_a_commit_that_loses_power_at_any_write_is_known_to_the_programmer(
    clinic: Clinic, nth: int, torn: int
) -> None:
    """Power cut at every journal step, seen from the programmer: the receipt says what the pump did."""
    assert clinic.doctor.connect()
    verified, version = clinic.verify(clinic.doctor), clinic.version
    clinic.pump.storage.cut_power_at(nth, torn=torn)
    assert clinic.doctor.order(verified.commit(), verified.intent, verified.digest) is LOST
    key = clinic.world.ledger.in_doubt[0]
    applied = clinic.version == version + 1
    clinic.world.ledger.settle(key, applied)
    assert clinic.doctor.resolve()
    assert clinic.version in (version, version + 1)
    clinic.audit()


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize("state", [DeliveryState.STOPPED, DeliveryState.MIN_RATE], ids=lambda one: one.name)
def test_a_stop_that_loses_power_at_any_write_is_known_to_the_programmer(
    clinic: Clinic, nth: int, state: DeliveryState
) -> None:
    """SET_DELIVERY has no receipt: what the pump tells after its start says whether the order was stored."""
    assert clinic.doctor.connect()
    clinic.status(clinic.doctor)
    clinic.pump.storage.cut_power_at(nth)
    order = SetDeliveryRequest(state, 60, DeliveryReason.PROCEDURE, clinic.version)
    answer = clinic.doctor.order(order)
    in_force = clinic.pump.controller.therapy.hold is not None
    if answer is LOST:
        clinic.world.ledger.settle(clinic.world.ledger.in_doubt[0], in_force)
        assert clinic.doctor.resolve()
        told = clinic.world.ledger.denied
        assert bool(told) is not in_force, "it says that it was done if and only if it is in force"
    else:
        assert in_force
    clinic.audit()


def test_a_token_is_good_for_one_commit(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    assert (
        clinic.doctor.order(verified.commit(), verified.intent, verified.digest).state
        is ReceiptState.COMMITTED
    )
    after = clinic.therapy()
    assert refused(clinic.doctor.ask(verified.commit()), ErrorCode.HANDLE_UNKNOWN)
    assert clinic.therapy() == after


def test_a_token_is_good_for_one_bolus(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    armed, intent = arm(clinic.doctor)
    assert isinstance(clinic.doctor.order(start(armed), intent), BolusStartResponse)
    assert isinstance(clinic.doctor.ask(start(armed)), ErrorBody)
    assert [record.type for record in clinic.log()].count(EventType.BOLUS_START) == 1


def test_an_arm_token_is_good_for_a_minute(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    armed, intent = arm(clinic.doctor)
    assert armed.expires_s == 60
    clinic.world.let_pass(60_000)
    assert refused(clinic.doctor.order(start(armed), intent), ErrorCode.HANDLE_EXPIRED)
    assert clinic.doctor.ask(GetReceiptRequest(intent)).state is ReceiptState.EXPIRED
    clinic.audit()


def test_a_bolus_that_somebody_else_armed_cannot_be_started(clinic: Clinic) -> None:
    """Neither with its own number and token in another session, nor with a token of one's own."""
    assert clinic.doctor.connect()
    theirs, _ = arm(clinic.doctor)
    clinic.doctor.close()
    assert clinic.colleague.connect()
    assert refused(clinic.colleague.ask(start(theirs)), ErrorCode.HANDLE_UNKNOWN)
    mine, _ = arm(clinic.colleague)
    crossed = BolusStartRequest(theirs.bolus_id, mine.token, mine.soft_flags, OverrideReason.NONE)
    assert refused(clinic.colleague.ask(crossed), ErrorCode.HANDLE_UNKNOWN)
    wrong = BolusStartRequest(mine.bolus_id, theirs.token, mine.soft_flags, OverrideReason.NONE)
    assert refused(clinic.colleague.ask(wrong), ErrorCode.TOKEN_MISMATCH)


def test_a_patient_cannot_cancel_the_bolus_of_a_clinician(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    armed, intent = arm(clinic.doctor)
    assert isinstance(clinic.doctor.order(start(armed), intent), BolusStartResponse)
    clinic.doctor.close()
    assert clinic.patient.connect()
    answer = clinic.patient.order(BolusCancelRequest(armed.bolus_id))
    assert refused(answer, ErrorCode.POLICY_FORBIDS)
    clinic.audit()


# --- resets and clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock_step_s", [0, 86_400, -86_400], ids=["clock kept", "a day on", "a day back"])
def test_the_patients_lockout_outlives_resets_and_clock_steps(clinic: Clinic, clock_step_s: int) -> None:
    """Asked for every five minutes over resets: one each hour, and four a day."""
    assert clinic.doctor.connect()
    utc_s = clinic.status(clinic.doctor).utc_s
    clinic.doctor.close()
    given: list[int] = []
    for minute in range(0, 6 * 60, 5):
        if minute == 30 and clock_step_s:
            assert clinic.doctor.connect()
            clinic.doctor.ask(SetClockRequest(utc_s + clock_step_s, 0, ClockSource.PROGRAMMER))
            clinic.doctor.close()
        if minute % 20 == 0:
            clinic.world.lose_power()
        assert clinic.patient.connect()
        intent = clinic.patient.new_intent()
        answer = clinic.patient.order(PatientBolusRequest(intent), intent)
        if isinstance(answer, PatientBolusResponse):
            given.append(clinic.pump.now_ms)
        clinic.patient.close()
        clinic.world.jump_pump(5 * 60_000)
    assert len(given) == PATIENT_BOLUS.max_per_24h
    gaps = [late - early for early, late in pairwise(given)]
    assert min(gaps) >= PATIENT_BOLUS.lockout_min * 60_000
    clinic.audit()


def test_a_clock_step_while_a_schedule_runs_moves_the_pattern_and_no_volume(clinic: Clinic) -> None:
    """The rate follows the new local time at once; what was delivered stays delivered."""
    assert clinic.doctor.connect()
    program = active_program(clinic.pump)
    by_start = [(step.start_min, step.rate_nl_h) for step in program.schedule.steps]
    before, status = clinic.pump.belief(), clinic.status(clinic.doctor)
    midnight = status.utc_s - status.utc_s % 86_400 - program.clock.utc_offset_min * 60
    for start_min, rate_nl_h in by_start:
        wanted = midnight + 86_400 + start_min * 60 + 60
        clinic.doctor.ask(SetClockRequest(wanted, program.clock.utc_offset_min, ClockSource.PROGRAMMER))
        assert clinic.status(clinic.doctor).rate_nl_h == rate_nl_h
    after = clinic.pump.belief()
    assert after.delivered_units - before.delivered_units < 60_000_000 * before.rate_nl_h
    assert after.filled_units == after.delivered_units + after.content_units + after.wasted_units
    clinic.audit()


def test_receipts_survive_a_reset_sixteen_of_them(clinic: Clinic) -> None:
    intents: list[bytes] = []
    for number in range(18):
        if not clinic.doctor.connected:
            assert clinic.doctor.connect()
        verified = clinic.verify(clinic.doctor, 9_000 + 100 * number)
        clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
        intents.append(verified.intent)
    clinic.world.lose_power()
    assert clinic.doctor.connect()
    states = [clinic.doctor.ask(GetReceiptRequest(intent)).state for intent in intents]
    assert states == [ReceiptState.UNKNOWN] * 2 + [ReceiptState.COMMITTED] * 16
    clinic.audit()


# --- sessions and the head ----------------------------------------------------------------------------------


def test_a_session_that_ends_in_the_middle_of_a_transaction_leaves_the_program(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    before = clinic.therapy()
    clinic.world.let_pass(121_000)
    assert clinic.doctor.ask(verified.commit()) is LOST
    assert clinic.doctor.connect()
    assert refused(clinic.doctor.ask(verified.commit()), ErrorCode.HANDLE_UNKNOWN)
    assert clinic.therapy() == before
    assert clinic.doctor.ask(GetReceiptRequest(verified.intent)).state is ReceiptState.ABORTED
    clinic.audit()


@pytest.mark.parametrize("off_ms", [4_000, 6_000, 61_000])
def test_the_head_lost_before_the_commit(clinic: Clinic, off_ms: int) -> None:
    """A moment does nothing, five seconds refuse therapy, a minute ends the session; nothing is half done."""
    assert clinic.doctor.connect()
    verified, version = clinic.verify(clinic.doctor), clinic.version
    clinic.world.set_head(False)
    clinic.world.let_pass(off_ms)
    answer = clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
    if off_ms < 5_000:
        assert answer.version == version + 1
    elif off_ms < 60_000:
        assert refused(answer, ErrorCode.PROXIMITY_REQUIRED)
        clinic.world.set_head(True)
        assert clinic.doctor.order(verified.commit(), verified.intent, verified.digest).version == version + 1
    else:
        assert answer is LOST
        clinic.world.set_head(True)
        assert clinic.doctor.resolve()
        assert clinic.version == version
    clinic.audit()


def test_the_head_lost_while_the_commit_is_answered(clinic: Clinic) -> None:
    """The pump has committed, its answers are lost, and the head comes off: the receipt tells."""
    assert clinic.doctor.connect()
    verified, version = clinic.verify(clinic.doctor), clinic.version
    clinic.lose_answers(5, after=1)
    assert clinic.doctor.order(verified.commit(), verified.intent, verified.digest) is LOST
    clinic.world.set_head(False)
    clinic.world.let_pass(70_000)
    assert clinic.world.endpoint.session is None
    clinic.world.set_head(True)
    assert clinic.doctor.resolve()
    assert clinic.version == version + 1
    clinic.audit()


# --- log and alarms -----------------------------------------------------------------------------------------


def test_a_log_that_wraps_during_its_download_says_what_is_gone(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    info = clinic.doctor.ask(LogInfoRequest())
    page = clinic.doctor.ask(LogReadRequest(info.log_epoch, info.first_seq, 6))
    wanted = page.records[-1].seq + 1
    log = clinic.pump.controller.log
    while log.last_seq < wanted + CAPACITY + 10:
        clinic.pump.session_opened(caller(77, 5))
    page = clinic.doctor.ask(LogReadRequest(info.log_epoch, wanted, 6))
    assert LogPageFlag.GAP in page.flags
    assert page.first_seq == page.records[0].seq == log.first_seq > wanted
    assert LogPageFlag.MORE in page.flags


def test_a_reader_of_another_epoch_is_told(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    info = clinic.doctor.ask(LogInfoRequest())
    answer = clinic.doctor.ask(LogReadRequest(info.log_epoch + 1, info.first_seq, 6))
    assert refused(answer, ErrorCode.LOG_EPOCH_CHANGED)
    assert answer.detail == info.log_epoch


def test_an_alarm_storm_stays_bounded_and_does_not_keep_requests_waiting(clinic: Clinic) -> None:
    """Alarm after alarm is raised and cleared, nobody acknowledges, and the status still comes at once."""
    assert clinic.doctor.connect()
    clinic.doctor.ask(SubscribeRequest(EventMask.ALARM | EventMask.LOG, 0))
    session = clinic.world.endpoint.session
    assert session is not None
    alarms = clinic.pump.controller.alarms
    for number in range(60):
        for alarm in alarms.standing:
            alarms.clear(alarm.code)
        for code in list(AlarmCode)[:MAX_ALARMS]:
            alarms.raise_alarm(code, number)
        clinic.world.let_pass(50)
        asked = clinic.world.now_ms()
        assert clinic.status(clinic.doctor) is not LOST
        assert clinic.world.now_ms() - asked < 100
    assert session.notifier.pending <= MAX_PENDING
    clinic.world.let_pass(100)
    assert clinic.doctor.ask(NotifyAckRequest(0xFFFF_FFFF)).pending == 0
    clinic.world.jump_pump(HOUR_MS)
    clinic.audit()
