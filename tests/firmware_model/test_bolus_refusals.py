"""Why the pump refuses a bolus: each reason, its field and detail, and which of two reasons comes first."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.bolus_bench import (
    EMERGENCY,
    PATIENT,
    WIDE,
    arm,
    arm_request,
    ask_for_bolus,
    bolus_pump,
    cancel,
    give,
    set_delivery,
    start_request,
    told,
)
from support.pump_bench import (
    HOUR_MS,
    active_program,
    ask,
    begin,
    caller,
    commit,
    intent,
    new_pump,
    receipt_of,
    status,
    with_steps,
)

from firmware_model.pump import Pump
from protocol.log_record import BolusArmedEvent
from protocol.messages.delivery import BolusArmResponse, BolusStartRequest
from protocol.messages.program import GetReceiptRequest
from protocol.program import Emergency, encode_program
from protocol.request_words import BolusKind
from protocol.requests import Refusal
from protocol.vocabulary import (
    BolusState,
    DeliveryState,
    EmergencyPolicy,
    ErrorCode,
    LimitField,
    OverrideReason,
    ReceiptState,
    SoftLimit,
)


def refusal_of(pump: Pump, *args: int, **kwargs: int) -> Refusal:
    """Ask for an arming; check that its refusal changes nothing."""
    before = pump.snapshot()
    answer = ask(pump, arm_request(*args, **kwargs))  # type: ignore[arg-type]
    assert isinstance(answer, Refusal), answer
    assert pump.snapshot() == before
    return answer


# --- arming -----------------------------------------------------------------------------------------------


def test_a_patient_bolus_cannot_be_armed() -> None:
    assert ask(bolus_pump(), arm_request(kind=BolusKind.PATIENT)) == Refusal(ErrorCode.BAD_ENUM, 0)


@pytest.mark.parametrize(("declared_ng", "agrees"), [
    (200_000, True), (200_200, True), (199_800, True), (200_201, False), (199_799, False), (0, False),
])  # fmt: skip
def test_both_sides_compute_the_same_dose(declared_ng: int, agrees: bool) -> None:
    answer = ask(bolus_pump(), arm_request(declared_ng=declared_ng))
    if agrees:
        assert isinstance(answer, BolusArmResponse)
        assert answer.dose_ng == 200_000
    else:
        assert answer == Refusal(ErrorCode.DOSE_MISMATCH, 3, 200_000)


def test_a_tiny_dose_may_differ_by_one_nanogram() -> None:
    assert isinstance(ask(bolus_pump(), arm_request(1, 60, declared_ng=21)), BolusArmResponse)
    assert ask(bolus_pump(), arm_request(1, 60, declared_ng=22)) == Refusal(ErrorCode.DOSE_MISMATCH, 3, 20)


@pytest.mark.parametrize("hard_nl", [50_000, 1_000_000], ids=["program", "pump"])
def test_a_bolus_is_no_larger_than_program_and_pump_allow(hard_nl: int) -> None:
    pump = bolus_pump(limits=replace(WIDE, hard_bolus_nl=hard_nl, soft_bolus_nl=hard_nl))
    pump.refill(20_000_000)
    refused = refusal_of(pump, hard_nl + 1, 86_400)
    assert refused == Refusal(ErrorCode.HARD_LIMIT, LimitField.BOLUS_VOLUME, hard_nl)
    assert arm(pump, hard_nl, 86_400).rate_nl_h == round(hard_nl / 24)


@pytest.mark.parametrize(("seconds", "fits"), [(3_600, True), (3_599, False)])
def test_basal_and_bolus_together_keep_within_the_rate(seconds: int, fits: bool) -> None:
    """GIP 1.4.3; the highest basal rate in the span of the bolus counts, exactly and not as rounded."""
    program = with_steps(active_program(bolus_pump()), (0, 9_000), (90, 10_500))
    pump = bolus_pump()
    limits = replace(WIDE, hard_rate_nl_h=50_500, soft_rate_nl_h=50_500)
    commit(pump, replace(program, limits=limits), intent(3))
    answer = ask(pump, arm_request(40_000, seconds))
    if fits:
        assert isinstance(answer, BolusArmResponse)
    else:
        assert answer == Refusal(ErrorCode.HARD_LIMIT, LimitField.RATE, 50_500)


def test_the_pump_has_a_highest_rate_of_its_own() -> None:
    pump = bolus_pump(limits=WIDE)
    assert refusal_of(pump, 17_000, 60) == Refusal(ErrorCode.HARD_LIMIT, LimitField.RATE, 1_000_000)


@pytest.mark.parametrize(("content_nl", "fits"), [(14_500, True), (14_499, False)])
def test_the_reservoir_must_hold_the_bolus_and_its_basal(content_nl: int, fits: bool) -> None:
    pump = bolus_pump()
    pump.refill(content_nl)
    answer = ask(pump, arm_request(10_000, 1_800))
    if fits:
        assert isinstance(answer, BolusArmResponse)
        assert SoftLimit.RESERVOIR_UNDER_ONE_DAY in answer.soft_flags
    else:
        assert answer == Refusal(ErrorCode.RESERVOIR_INSUFFICIENT, detail=content_nl)


def test_one_bolus_at_a_time() -> None:
    pump = bolus_pump()
    running = give(pump)
    assert refusal_of(pump, number=2) == Refusal(ErrorCode.BOLUS_ACTIVE, detail=running.bolus_id)
    pump.advance_to(1_799_999)
    assert refusal_of(pump, number=2).code is ErrorCode.BOLUS_ACTIVE
    pump.advance_to(1_800_000)
    arm(pump, number=2)


def spoilt_pump() -> Pump:
    pump = bolus_pump()
    bank = pump.controller.programs.table.active.bank
    for copy in ("a", "b"):
        pump.storage.flip_bit(f"bank.{bank}.{copy}", 777)
    pump.reset()
    return pump


def held_pump(state: DeliveryState) -> Pump:
    pump = bolus_pump()
    set_delivery(pump, state, 60)
    return pump


def empty_pump() -> Pump:
    pump = bolus_pump()
    pump.refill(0)
    return pump


NOT_RUNNING: dict[str, tuple[Callable[[], Pump], DeliveryState]] = {
    "shelf": (new_pump, DeliveryState.STOPPED),
    "stopped": (lambda: held_pump(DeliveryState.STOPPED), DeliveryState.STOPPED),
    "minimum rate": (lambda: held_pump(DeliveryState.MIN_RATE), DeliveryState.MIN_RATE),
    "empty": (empty_pump, DeliveryState.STOPPED),
    "safe state": (spoilt_pump, DeliveryState.SAFE_STATE),
}


@pytest.mark.parametrize("name", NOT_RUNNING)
def test_no_bolus_where_the_program_does_not_run(name: str) -> None:
    make, state = NOT_RUNNING[name]
    assert refusal_of(make()) == Refusal(ErrorCode.DELIVERY_STOPPED, detail=state)


def test_an_intent_is_used_once() -> None:
    pump = bolus_pump()
    give(pump, number=1)
    pump.advance_to(HOUR_MS)
    assert refusal_of(pump, number=1) == Refusal(ErrorCode.INTENT_REUSED, 4)
    armed = arm(pump, number=2)
    assert refusal_of(pump, number=2) == Refusal(ErrorCode.INTENT_REUSED, 4)
    cancel(pump, armed.bolus_id)
    assert refusal_of(pump, number=2) == Refusal(ErrorCode.INTENT_REUSED, 4)


def test_the_first_of_two_reasons_decides() -> None:
    pump = bolus_pump()
    give(pump, number=1)
    # State before therapy: a reused intent before a bolus that runs, and that before anything of the plan.
    assert refusal_of(pump, 60_000, 60, number=1).code is ErrorCode.INTENT_REUSED
    assert refusal_of(pump, 60_000, 60, number=2).code is ErrorCode.BOLUS_ACTIVE
    pump.advance_to(HOUR_MS)
    assert refusal_of(pump, 60_000, 60, number=2, declared_ng=5).code is ErrorCode.DOSE_MISMATCH
    assert refusal_of(pump, 60_000, 60, number=2).field == LimitField.BOLUS_VOLUME
    assert refusal_of(pump, 50_000, 60, number=2).field == LimitField.RATE
    program = active_program(pump)
    commit(pump, replace(program, limits=replace(program.limits, hard_hour_nl=45_000)), intent(3))
    pump.refill(10_000)
    assert refusal_of(pump, 50_000, 9_000, number=2).code is ErrorCode.RESERVOIR_INSUFFICIENT
    assert refusal_of(pump, 50_000, 4_500, number=2).field == LimitField.HOUR_VOLUME


# --- starting ---------------------------------------------------------------------------------------------


def test_a_start_needs_the_token_of_its_arming() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    wrong = BolusStartRequest(armed.bolus_id, b"\1" * 8, armed.soft_flags, OverrideReason.CLINICAL_JUDGEMENT)
    assert ask(pump, wrong) == Refusal(ErrorCode.TOKEN_MISMATCH, 1)
    other = replace(start_request(armed), bolus_id=armed.bolus_id + 1)
    assert ask(pump, other) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    assert status(pump).bolus_state is BolusState.ARMED
    ask(pump, start_request(armed))
    assert ask(pump, start_request(armed)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)


def test_soft_limits_need_an_acknowledgement_and_a_reason() -> None:
    pump = bolus_pump()
    armed = arm(pump, 26_000, 2_600)
    assert armed.soft_flags == SoftLimit.RATE | SoftLimit.HOUR_VOLUME | SoftLimit.BOLUS_VOLUME
    partly = start_request(armed, SoftLimit.RATE | SoftLimit.BOLUS_VOLUME)
    assert ask(pump, partly) == Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 2, SoftLimit.HOUR_VOLUME)
    bare = replace(start_request(armed), override_reason=OverrideReason.NONE)
    assert ask(pump, bare) == Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 3, armed.soft_flags)
    ask(pump, start_request(armed))
    assert status(pump).bolus_state is BolusState.DELIVERING


def test_a_start_is_judged_at_its_own_instant() -> None:
    """Pump time may run while the person reads: what fitted then may not fit now."""
    pump = bolus_pump()
    pump.set_link_time(0)
    armed = arm(pump, 39_500, 3_600)
    program = active_program(pump)
    commit(pump, replace(program, limits=replace(program.limits, hard_hour_nl=45_000)), intent(3))
    before = pump.snapshot()
    refused = ask(pump, start_request(armed))
    assert refused == Refusal(ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 45_000)
    assert pump.snapshot() == before


def test_an_arming_is_logged_though_nothing_follows() -> None:
    pump = bolus_pump()
    armed = arm(pump, 3_000)
    assert told(pump, BolusArmedEvent) == [BolusArmedEvent(armed.bolus_id, BolusKind.CLINICIAN, 3_000)]


# --- cancelling -------------------------------------------------------------------------------------------


def test_a_patient_cancels_what_a_patient_began_and_nothing_else() -> None:
    pump = bolus_pump()
    clinicians = give(pump)
    assert cancel(pump, clinicians.bolus_id, PATIENT) == Refusal(ErrorCode.POLICY_FORBIDS, 0)
    cancel(pump, clinicians.bolus_id)
    assert cancel(pump, clinicians.bolus_id, PATIENT) == Refusal(ErrorCode.POLICY_FORBIDS, 0)
    armed = arm(pump, number=2)
    assert cancel(pump, armed.bolus_id, PATIENT) == Refusal(ErrorCode.POLICY_FORBIDS, 0)
    own = ask_for_bolus(pump, 3)
    pump.advance_to(60_000)
    assert cancel(pump, own.bolus_id, PATIENT).delivered_nl == 500
    assert cancel(pump, own.bolus_id, PATIENT) == Refusal(ErrorCode.NOT_APPLICABLE, 0, 500)


def test_a_clinician_cancels_the_bolus_of_a_patient() -> None:
    pump = bolus_pump()
    own = ask_for_bolus(pump, 3)
    assert cancel(pump, own.bolus_id).cancelled_nl == 5_000


@pytest.mark.parametrize("policy", EmergencyPolicy)
def test_the_emergency_key_cancels_where_it_may_suspend(policy: EmergencyPolicy) -> None:
    pump = bolus_pump(emergency=Emergency(policy, 60))
    running = give(pump)
    answer = cancel(pump, running.bolus_id, EMERGENCY)
    if policy is EmergencyPolicy.READ_SUSPEND:
        assert answer.cancelled_nl == 10_000
    else:
        assert answer == Refusal(ErrorCode.POLICY_FORBIDS)
        assert status(pump).bolus_state is BolusState.DELIVERING


def test_a_number_that_no_bolus_has_cannot_be_cancelled() -> None:
    assert cancel(bolus_pump(), 77) == Refusal(ErrorCode.NOT_APPLICABLE, 0, 0)


# --- receipts ---------------------------------------------------------------------------------------------


def test_a_patient_is_told_of_their_own_intents_only() -> None:
    pump = bolus_pump()
    give(pump, number=1)
    pump.advance_to(HOUR_MS)
    ask_for_bolus(pump, 2)
    asked = {number: ask(pump, GetReceiptRequest(intent(number)), PATIENT).state for number in (1, 2, 3)}
    assert asked == {1: ReceiptState.UNKNOWN, 2: ReceiptState.COMMITTED, 3: ReceiptState.UNKNOWN}
    other = caller(8, 2, PATIENT.role)
    assert ask(pump, GetReceiptRequest(intent(2)), other).state is ReceiptState.UNKNOWN
    assert receipt_of(pump, intent(2)).state is ReceiptState.COMMITTED
    pump.reset()
    assert ask(pump, GetReceiptRequest(intent(2)), PATIENT).state is ReceiptState.COMMITTED


def test_a_staged_program_is_no_business_of_the_patient() -> None:
    pump = bolus_pump()
    begin(pump, encode_program(active_program(pump)), intent(4))
    assert receipt_of(pump, intent(4)).state is ReceiptState.STAGED
    assert ask(pump, GetReceiptRequest(intent(4)), PATIENT).state is ReceiptState.UNKNOWN
