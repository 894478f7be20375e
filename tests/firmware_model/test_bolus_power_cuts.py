"""Power fails at every storage write of a bolus, a refill, a stop: old or new, and all that tells agrees."""

from collections.abc import Callable

import pytest
from support.bolus_bench import (
    PATIENT,
    arm,
    ask_for_bolus,
    bolus_pump,
    cancel,
    day,
    give,
    in_balance,
    pass_power_on_test,
    set_delivery,
    start_request,
    told,
)
from support.power_cuts import TORN, cut_at_each_write, resets_cut_at_each_write
from support.pump_bench import HOUR_MS, ask, intent, log_of, receipt_of, status

from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot
from protocol.log_record import (
    BolusArmedEvent,
    BolusEndEvent,
    BolusStartEvent,
    DeliveryStateEvent,
    RefillEvent,
)
from protocol.messages.refill import RefillRecordRequest
from protocol.request_words import BolusKind, DeliveryReason
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, BolusState, DeliveryState, ErrorCode, EventType, ReceiptState

REFILL = RefillRecordRequest(13_000_000, 18_000_000, 2, "LOT 4711", intent(1))

BOTH_OR_NEW = {0: {False, True}, 1: {False, True}, 17: {False, True}, 100_000: {True}}
"""Whether an act came through: the first write counts, so one that reaches storage whole is the new state."""


def ready(log_seq: int = 0) -> Pump:
    """Return a pump an hour into the day, its log as long as wanted."""
    pump = bolus_pump()
    while pump.controller.log.last_seq < log_seq:
        pump.controller.log.write(BolusArmedEvent(99, BolusKind.BRIDGE, 0))
    pump.advance_to(HOUR_MS)
    return pump


# --- the start of a bolus ---------------------------------------------------------------------------------


def assert_begun_or_not(pump: Pump, kind: BolusKind) -> bool:
    """Log, receipt, status and day totals agree on whether the bolus was begun."""
    state = receipt_of(pump, intent(1)).state
    begun = state is ReceiptState.COMMITTED
    assert begun or state is ReceiptState.UNKNOWN
    starts, ends = told(pump, BolusStartEvent), told(pump, BolusEndEvent)
    seen = status(pump)
    assert seen.delivery_state is DeliveryState.RUNNING
    assert [event.kind for event in starts] == ([kind] if begun else [])
    if begun:
        assert ends == [BolusEndEvent(starts[0].bolus_id, BolusState.FAULTED, 0)]
        assert (seen.bolus_state, seen.bolus_id) == (BolusState.FAULTED, starts[0].bolus_id)
        (record,) = pump.controller.log.page(receipt_of(pump, intent(1)).log_seq, 1).records
        assert record.type is EventType.BOLUS_START
    else:
        assert ends == []
        assert seen.bolus_state is BolusState.NONE
    assert day(pump).patient_bolus_given == (1 if begun and kind is BolusKind.PATIENT else 0)
    assert in_balance(pump)
    assert pump.next_event_ms() != pump.now_ms
    return begun


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("log_seq", [0, 61, 62, 63])
def test_a_start_that_loses_power_was_made_or_not(torn: int, log_seq: int) -> None:
    pump = ready(log_seq)
    request = start_request(arm(pump))
    outcomes = []
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lambda each: ask(each, request)):
        dark.reset()
        outcomes.append(assert_begun_or_not(dark, BolusKind.CLINICIAN))
        # Whatever was cut short, the number is used up.
        assert arm(dark, number=9).bolus_id == request.bolus_id + 1
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == BOTH_OR_NEW[torn]
    assert len(outcomes) >= 6


@pytest.mark.parametrize("torn", TORN)
def test_a_patient_bolus_that_loses_power_counts_or_was_never_given(torn: int) -> None:
    outcomes = []
    for _nth, dark in cut_at_each_write(ready().snapshot(), torn, lambda each: ask_for_bolus(each, 1)):
        dark.reset()
        begun = assert_begun_or_not(dark, BolusKind.PATIENT)
        outcomes.append(begun)
        if begun:
            assert ask_for_bolus(dark, 1) == Refusal(ErrorCode.INTENT_REUSED, 0)
            assert ask_for_bolus(dark, 2) == Refusal(ErrorCode.LOCKOUT, detail=3_600)
            continue
        assert ask_for_bolus(dark, 1) == Refusal(ErrorCode.BUSY, detail=10)
        pass_power_on_test(dark)
        assert not isinstance(ask_for_bolus(dark, 1), Refusal)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == BOTH_OR_NEW[torn]


@pytest.mark.parametrize("torn", [0, 9])
def test_power_may_fail_again_while_the_pump_recovers(torn: int) -> None:
    recovered = 0
    for _nth, dark in cut_at_each_write(ready().snapshot(), torn, lambda each: ask_for_bolus(each, 1)):
        for pump in resets_cut_at_each_write(dark, torn):
            recovered += 1
            assert_begun_or_not(pump, BolusKind.PATIENT)
    assert recovered > 50


@pytest.mark.parametrize("torn", TORN)
def test_an_arming_that_loses_power_arms_nothing_and_uses_its_number_up_at_most(torn: int) -> None:
    for _nth, dark in cut_at_each_write(ready().snapshot(), torn, arm):
        dark.reset()
        assert status(dark).bolus_state is BolusState.NONE
        logged = [event.bolus_id for event in told(dark, BolusArmedEvent)]
        assert arm(dark, number=2).bolus_id not in logged


# --- its end ----------------------------------------------------------------------------------------------


def halfway() -> PumpSnapshot:
    pump = ready()
    give(pump, 10_000, 1_800)
    pump.advance_to(HOUR_MS + 900_000)
    return pump.snapshot()


def cancelled(pump: Pump) -> object:
    return cancel(pump, 1)


def stopped(pump: Pump) -> object:
    return set_delivery(pump, DeliveryState.STOPPED, 60)


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("act", [cancelled, stopped])
def test_a_bolus_ends_once_though_power_fails_just_then(torn: int, act: Callable[[Pump], object]) -> None:
    for _nth, dark in cut_at_each_write(halfway(), torn, act):
        dark.reset()
        (ended,) = told(dark, BolusEndEvent)
        assert ended.delivered_nl == 5_000
        assert ended.state in (BolusState.CANCELLED, BolusState.FAULTED)
        seen = status(dark)
        assert (seen.bolus_state, seen.bolus_delivered_nl) == (ended.state, 5_000)
        assert day(dark).clinician_bolus_nl == 5_000
        dark.advance_to(4 * HOUR_MS)
        assert len(told(dark, BolusEndEvent)) == 1
        assert in_balance(dark)


@pytest.mark.parametrize("torn", TORN)
def test_a_bolus_whose_last_write_fails_is_done_all_the_same(torn: int) -> None:
    end_ms = HOUR_MS + 1_800_000
    for _nth, dark in cut_at_each_write(halfway(), torn, lambda each: each.advance_to(end_ms)):
        dark.reset()
        assert told(dark, BolusEndEvent) == [BolusEndEvent(1, BolusState.DONE, 10_000)]
        assert status(dark).bolus_state is BolusState.DONE


def test_a_cancelled_patient_bolus_still_counts_after_any_cut() -> None:
    pump = ready()
    ask_for_bolus(pump, 1)
    pump.advance_to(HOUR_MS + 60_000)
    for _nth, dark in cut_at_each_write(pump.snapshot(), 0, lambda each: cancel(each, 1, PATIENT)):
        dark.reset()
        assert ask_for_bolus(dark, 2) == Refusal(ErrorCode.LOCKOUT, detail=3_540)
        assert day(dark).patient_bolus_nl == 500


# --- a refill ---------------------------------------------------------------------------------------------


def assert_refilled_or_not(pump: Pump, before: Pump) -> bool:
    receipt = receipt_of(pump, intent(1))
    done = receipt.state is ReceiptState.COMMITTED
    assert done or receipt.state is ReceiptState.UNKNOWN
    expected_nl = status(before).reservoir_nl
    assert status(pump).reservoir_nl == (18_000_000 if done else expected_nl)
    refills = told(pump, RefillEvent)
    assert refills[1:] == ([RefillEvent(13_000_000, 18_000_000, expected_nl)] if done else [])
    last = pump.controller.therapy.refills.last
    assert last is not None
    assert (last.lot == "LOT 4711") == done
    view = pump.belief()
    assert view.filled_units == view.delivered_units + view.content_units + view.wasted_units
    if done:
        (record,) = pump.controller.log.page(receipt.log_seq, 1).records
        assert (record.type, record.actor_slot) == (EventType.REFILL, 0)
        assert ask(pump, REFILL) == Refusal(ErrorCode.INTENT_REUSED, 4)
    else:
        assert ask(pump, REFILL).expected_residual_nl == expected_nl
    return done


@pytest.mark.parametrize("torn", TORN)
def test_a_refill_that_loses_power_is_booked_once_or_never(torn: int) -> None:
    pump = ready()
    outcomes = []
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lambda each: ask(each, REFILL)):
        dark.reset()
        outcomes.append(assert_refilled_or_not(dark, pump))
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == BOTH_OR_NEW[torn]


@pytest.mark.parametrize("torn", [0, 9])
def test_a_refill_is_booked_once_though_power_fails_again(torn: int) -> None:
    pump = ready()
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lambda each: ask(each, REFILL)):
        for again in resets_cut_at_each_write(dark, torn):
            assert_refilled_or_not(again, pump)


# --- stop and resume --------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("target", [DeliveryState.STOPPED, DeliveryState.MIN_RATE])
def test_a_stop_that_loses_power_stands_or_was_never_ordered(torn: int, target: DeliveryState) -> None:
    outcomes = []
    for _nth, dark in cut_at_each_write(
        ready().snapshot(), torn, lambda each: set_delivery(each, target, 30, DeliveryReason.PROCEDURE)
    ):
        dark.reset()
        seen = status(dark)
        stands = seen.delivery_state is target
        outcomes.append(stands)
        assert stands or seen.delivery_state is DeliveryState.RUNNING
        newest = told(dark, DeliveryStateEvent)[-1]
        assert newest.after is seen.delivery_state
        if stands:
            assert (newest.minutes, newest.reason) == (30, DeliveryReason.PROCEDURE)
            dark.advance_to(HOUR_MS + 30 * 60_000)
            assert status(dark).delivery_state is DeliveryState.RUNNING
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == BOTH_OR_NEW[torn]


@pytest.mark.parametrize("torn", TORN)
def test_a_resume_that_loses_power_resumes_or_leaves_the_stop(torn: int) -> None:
    pump = ready()
    set_delivery(pump, DeliveryState.STOPPED, 60)
    outcomes = set()
    for _nth, dark in cut_at_each_write(
        pump.snapshot(), torn, lambda each: set_delivery(each, DeliveryState.RUNNING)
    ):
        dark.reset()
        outcomes.add(status(dark).delivery_state)
        dark.advance_to(3 * HOUR_MS)
        assert status(dark).delivery_state is DeliveryState.RUNNING
    assert (DeliveryState.STOPPED in outcomes) == (False in BOTH_OR_NEW[torn])
    assert DeliveryState.RUNNING in outcomes


def test_an_interrupted_pump_takes_the_next_bolus() -> None:
    request = start_request(arm(pump := ready()))
    for nth, dark in cut_at_each_write(pump.snapshot(), 5, lambda each: ask(each, request)):
        dark.reset()
        give(dark, 1_000, 600, number=100 + nth)
        dark.advance_to(dark.now_ms + HOUR_MS)
        assert status(dark).bolus_state is BolusState.DONE
        assert not dark.controller.alarms.stands(AlarmCode.MEMORY_FAULT)
        starts = [record.seq for record in log_of(dark) if record.type is EventType.BOLUS_START]
        assert len(starts) == len(told(dark, BolusEndEvent))
