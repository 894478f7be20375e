"""Stopping, slowing and resuming on request: who may, for how long, and what tells of it."""

from dataclasses import replace

import pytest
from support.bolus_bench import EMERGENCY, bolus_pump, give, set_delivery, told
from support.pump_bench import HOUR_MS, MONDAY_UTC_S, caller, log_of, new_pump, status

from protocol.log_record import DeliveryStateEvent
from protocol.messages.delivery import SetDeliveryResponse
from protocol.program import Emergency
from protocol.request_words import DeliveryReason
from protocol.requests import EMERGENCY_SLOT, Refusal
from protocol.vocabulary import (
    AlarmCode,
    BolusState,
    DeliveryState,
    EmergencyPolicy,
    ErrorCode,
    EventType,
    Priority,
)

MINUTE_MS = 60_000
RUNNING, STOPPED, MIN_RATE = DeliveryState.RUNNING, DeliveryState.STOPPED, DeliveryState.MIN_RATE


def slow(pump: object, minutes: int = 60, **kwargs: object) -> object:
    """Order the minimum rate as whoever found the patient would."""
    order = {"target": MIN_RATE, "reason": DeliveryReason.EMERGENCY, "who": EMERGENCY, **kwargs}
    return set_delivery(pump, minutes=minutes, **order)  # type: ignore[arg-type]


@pytest.mark.parametrize(("target", "rate_nl_h"), [(STOPPED, 0), (MIN_RATE, 250)])
def test_a_hold_tells_when_the_program_resumes_by_itself(target: DeliveryState, rate_nl_h: int) -> None:
    pump = bolus_pump()
    answer = set_delivery(pump, target, 90, DeliveryReason.PROCEDURE)
    last = pump.controller.log.last_seq
    assert answer == SetDeliveryResponse(target, rate_nl_h, MONDAY_UTC_S + 5_400, last)
    (record,) = pump.controller.log.page(last, 1).records
    assert (record.type, record.actor_slot) == (EventType.DELIVERY_STATE, 0)
    event = told(pump, DeliveryStateEvent)[-1]
    assert event == DeliveryStateEvent(RUNNING, target, rate_nl_h, 90, DeliveryReason.PROCEDURE)
    pump.advance_to(90 * MINUTE_MS)
    event = told(pump, DeliveryStateEvent)[-1]
    assert event == DeliveryStateEvent(target, RUNNING, 9_000, 0, DeliveryReason.NONE)
    assert pump.controller.therapy.hold is None


def test_a_program_can_be_resumed_before_its_time() -> None:
    pump = bolus_pump()
    set_delivery(pump, STOPPED, 90)
    pump.advance_to(HOUR_MS)
    answer = set_delivery(pump, RUNNING, 0, DeliveryReason.TRAINING)
    assert answer == SetDeliveryResponse(RUNNING, 9_000, 0, pump.controller.log.last_seq)
    event = told(pump, DeliveryStateEvent)[-1]
    assert event == DeliveryStateEvent(STOPPED, RUNNING, 9_000, 0, DeliveryReason.TRAINING)


def test_an_order_that_changes_no_state_is_logged_all_the_same() -> None:
    pump = bolus_pump()
    set_delivery(pump, STOPPED, 90)
    pump.advance_to(HOUR_MS)
    answer = set_delivery(pump, STOPPED, 90)
    assert answer.auto_resume_utc_s == MONDAY_UTC_S + 3_600 + 5_400
    event = told(pump, DeliveryStateEvent)[-1]
    assert event == DeliveryStateEvent(STOPPED, STOPPED, 0, 90, DeliveryReason.CLINICAL)
    set_delivery(pump, RUNNING)
    before = pump.controller.log.last_seq
    assert set_delivery(pump, RUNNING).log_seq == before + 1


def test_a_resume_of_an_empty_pump_says_that_it_does_not_run() -> None:
    pump = bolus_pump()
    set_delivery(pump, STOPPED, 90)
    pump.refill(0)
    assert set_delivery(pump, RUNNING).delivery_state is STOPPED


@pytest.mark.parametrize(("target", "minutes", "reason", "expected"), [
    (DeliveryState.BOLUS, 5, DeliveryReason.CLINICAL, Refusal(ErrorCode.BAD_ENUM, 0)),
    (DeliveryState.SAFE_STATE, 5, DeliveryReason.CLINICAL, Refusal(ErrorCode.BAD_ENUM, 0)),
    (STOPPED, 0, DeliveryReason.CLINICAL, Refusal(ErrorCode.OUT_OF_RANGE, 1, 4_320)),
    (MIN_RATE, 4_321, DeliveryReason.CLINICAL, Refusal(ErrorCode.OUT_OF_RANGE, 1, 4_320)),
    (RUNNING, 1, DeliveryReason.CLINICAL, Refusal(ErrorCode.OUT_OF_RANGE, 1, 0)),
    (STOPPED, 5, DeliveryReason.NONE, Refusal(ErrorCode.BAD_ENUM, 2)),
    (DeliveryState.PRIMING, 0, DeliveryReason.NONE, Refusal(ErrorCode.BAD_ENUM, 0)),
])  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(
    target: DeliveryState, minutes: int, reason: DeliveryReason, expected: Refusal
) -> None:
    pump = bolus_pump()
    before = pump.snapshot()
    assert set_delivery(pump, target, minutes, reason) == expected
    assert pump.snapshot() == before


def test_an_order_must_know_the_program() -> None:
    pump = bolus_pump()
    assert set_delivery(pump, STOPPED, 5, version=1) == Refusal(ErrorCode.VERSION_CONFLICT, 3, 2)
    assert set_delivery(new_pump(), STOPPED, 5) == Refusal(ErrorCode.NOT_APPLICABLE)


def test_a_stop_of_two_days_is_alarmed_and_the_longest_one_ends() -> None:
    pump = bolus_pump()
    set_delivery(pump, STOPPED, 4_320)
    pump.advance_to(48 * HOUR_MS)
    assert pump.controller.alarms.stands(AlarmCode.LONG_STOP)
    pump.reset()
    pump.advance_to(72 * HOUR_MS)
    assert status(pump).delivery_state is RUNNING
    assert not pump.controller.alarms.stands(AlarmCode.LONG_STOP)


# --- the emergency key ------------------------------------------------------------------------------------


def test_the_emergency_key_slows_delivery_under_an_alarm() -> None:
    pump = bolus_pump()
    give(pump)
    answer = slow(pump, 120)
    assert isinstance(answer, SetDeliveryResponse)
    assert (answer.delivery_state, answer.rate_nl_h) == (MIN_RATE, 250)
    assert answer.auto_resume_utc_s == MONDAY_UTC_S + 7_200
    assert status(pump).bolus_state is BolusState.CANCELLED
    (alarm,) = pump.controller.alarms.standing
    assert (alarm.code, alarm.prio, alarm.detail) == (AlarmCode.EMERGENCY_SUSPEND, Priority.HIGH, 120)
    actors = [record.actor_slot for record in log_of(pump) if record.type is EventType.DELIVERY_STATE]
    assert actors[-1] == EMERGENCY_SLOT
    pump.reset()
    assert pump.controller.alarms.stands(AlarmCode.EMERGENCY_SUSPEND)
    pump.advance_to(120 * MINUTE_MS)
    assert status(pump).delivery_state is RUNNING
    assert not pump.controller.alarms.stands(AlarmCode.EMERGENCY_SUSPEND)


def test_a_clinician_ends_what_the_emergency_key_began() -> None:
    pump = bolus_pump()
    slow(pump)
    set_delivery(pump, RUNNING)
    assert not pump.controller.alarms.stands(AlarmCode.EMERGENCY_SUSPEND)
    set_delivery(pump, STOPPED, 60, DeliveryReason.EMERGENCY)
    assert not pump.controller.alarms.stands(AlarmCode.EMERGENCY_SUSPEND)


@pytest.mark.parametrize(("policy", "longest", "allowed"), [
    (EmergencyPolicy.NONE, 60, False),
    (EmergencyPolicy.READ, 60, False),
    (EmergencyPolicy.READ_SUSPEND, 59, False),
    (EmergencyPolicy.READ_SUSPEND, 60, True),
])  # fmt: skip
def test_the_program_says_what_the_emergency_key_may(
    policy: EmergencyPolicy, longest: int, allowed: bool
) -> None:
    pump = bolus_pump(emergency=Emergency(policy, longest))
    answer = slow(pump, 60)
    if allowed:
        assert isinstance(answer, SetDeliveryResponse)
    else:
        assert isinstance(answer, Refusal)
        assert answer.code is ErrorCode.POLICY_FORBIDS


def test_the_emergency_key_may_only_slow_and_must_say_so() -> None:
    pump = bolus_pump()
    assert slow(pump, target=STOPPED) == Refusal(ErrorCode.POLICY_FORBIDS, 0)
    assert slow(pump, 0, target=RUNNING) == Refusal(ErrorCode.POLICY_FORBIDS, 0)
    assert slow(pump, reason=DeliveryReason.CLINICAL) == Refusal(ErrorCode.POLICY_FORBIDS, 2)
    assert slow(pump, 1_441) == Refusal(ErrorCode.POLICY_FORBIDS, 1, 1_440)
    assert slow(pump, version=9) == Refusal(ErrorCode.VERSION_CONFLICT, 3, 2)
    assert status(pump).delivery_state is RUNNING


@pytest.mark.parametrize("target", [STOPPED, MIN_RATE])
def test_the_emergency_key_never_undoes_what_a_clinician_ordered(target: DeliveryState) -> None:
    """It would start a pump that was stopped, or shorten the time it is slow."""
    pump = bolus_pump()
    set_delivery(pump, target, 180)
    pump.advance_to(HOUR_MS + 1)
    assert slow(pump) == Refusal(ErrorCode.NOT_APPLICABLE, detail=120)
    assert status(pump).delivery_state is target


def test_without_a_program_that_can_be_read_the_emergency_key_may_suspend_for_a_day() -> None:
    pump = bolus_pump(emergency=Emergency(EmergencyPolicy.NONE, 0))
    bank = pump.controller.programs.table.active.bank
    for copy in ("a", "b"):
        pump.storage.flip_bit(f"bank.{bank}.{copy}", 777)
    pump.reset()
    answer = slow(pump, 1_440)
    assert isinstance(answer, SetDeliveryResponse)
    # The safe state is the minimum rate already, and stands before an order.
    assert answer.delivery_state is DeliveryState.SAFE_STATE
    assert replace(answer, log_seq=0).rate_nl_h == 250


def test_another_clinician_may_lift_a_stop() -> None:
    pump = bolus_pump()
    set_delivery(pump, STOPPED, 60)
    answer = set_delivery(pump, RUNNING, who=caller(20, 3))
    assert answer.delivery_state is RUNNING
