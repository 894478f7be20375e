"""Boluses in simulated time: over the basal rate, to their end, to an early end, and over a reset."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bolus_bench import (
    WIDE,
    arm,
    arm_request,
    ask_for_bolus,
    bolus_pump,
    cancel,
    give,
    in_balance,
    pass_power_on_test,
    set_delivery,
    start_request,
    told,
)
from support.pump_bench import (
    HOUR_MS,
    active_program,
    ask,
    caller,
    commit,
    intent,
    log_of,
    receipt_of,
    status,
    with_steps,
)

from firmware_model.controller.bolus import RunningBolus
from firmware_model.controller.bolus_book import CAPACITY
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import BolusArmedEvent, BolusEndEvent, BolusStartEvent, DeliveryStateEvent
from protocol.messages.codec import codec_of
from protocol.messages.delivery import BolusArmRequest, BolusCancelResponse
from protocol.messages.device import GetDeviceInfoRequest
from protocol.quantities import UNITS_PER_NL
from protocol.request_words import BolusKind
from protocol.requests import Refusal
from protocol.vocabulary import (
    AlarmCode,
    BolusState,
    CloseReason,
    DeliveryState,
    ErrorCode,
    EventType,
    Feature,
    OverrideReason,
    ReceiptState,
    SoftLimit,
)

MINUTE_MS = 60_000

boluses = st.builds(
    RunningBolus,
    st.just(1),
    st.sampled_from(BolusKind),
    st.integers(1, 40_000_000),
    st.integers(1, 86_400),
    st.integers(0, 10**12),
    st.just(0),
    st.just(intent(1)),
)
spans = st.lists(st.integers(0, 10**8), min_size=1, max_size=6)


# --- arithmetic -------------------------------------------------------------------------------------------


@given(boluses, spans)
def test_what_a_bolus_delivers_does_not_depend_on_how_time_is_cut(
    bolus: RunningBolus, cuts: list[int]
) -> None:
    at = bolus.started_ms
    delivered = 0
    for cut in cuts:
        delivered += bolus.units_between(at, at + cut)
        at += cut
        elapsed_ms = min(at - bolus.started_ms, bolus.duration_s * 1_000)
        assert delivered == bolus.volume_nl * 3_600 * elapsed_ms // bolus.duration_s
    assert delivered + bolus.units_between(at, bolus.ends_ms + at) == bolus.volume_nl * UNITS_PER_NL


@given(boluses, st.integers(-(10**6), 10**8))
def test_a_bolus_is_spread_evenly_and_never_runs_back(bolus: RunningBolus, offset: int) -> None:
    at = bolus.started_ms + offset
    now, next_ms = bolus.units_at(at), bolus.units_at(at + 1)
    assert 0 <= now <= next_ms <= bolus.total_units
    assert next_ms - now <= bolus.volume_nl * 3_600 // bolus.duration_s + 1


# --- to the end -------------------------------------------------------------------------------------------


def test_a_bolus_runs_over_the_basal_rate_to_its_end() -> None:
    pump = bolus_pump()
    armed = arm(pump, 10_000, 1_800)
    assert (armed.rate_nl_h, armed.dose_ng, armed.expires_s) == (20_000, 200_000, 60)
    assert armed.soft_flags == SoftLimit.RATE
    seen = status(pump)
    assert (seen.bolus_state, seen.bolus_id, seen.bolus_delivered_nl, seen.bolus_total_nl) == (
        BolusState.ARMED, armed.bolus_id, 0, 10_000,
    )  # fmt: skip
    assert seen.delivery_state is DeliveryState.RUNNING
    before = pump.belief().delivered_units

    ask(pump, start_request(armed))
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.active_step) == (DeliveryState.BOLUS, 29_000, 0)
    assert (seen.bolus_state, seen.next_change_s) == (BolusState.DELIVERING, 1_800)

    pump.advance_to(15 * MINUTE_MS)
    seen = status(pump)
    assert (seen.bolus_delivered_nl, seen.bolus_total_nl) == (5_000, 10_000)
    assert pump.next_event_ms() == 30 * MINUTE_MS
    pump.advance_to(HOUR_MS)
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h) == (DeliveryState.RUNNING, 9_000)
    assert (seen.bolus_state, seen.bolus_delivered_nl) == (BolusState.DONE, 10_000)
    # GIP 1.4.4: what the basal rate gave in that hour is what it gives in any.
    assert pump.belief().delivered_units - before == 19_000 * UNITS_PER_NL
    assert in_balance(pump)
    assert told(pump, BolusArmedEvent) == [BolusArmedEvent(armed.bolus_id, BolusKind.CLINICIAN, 10_000)]
    assert told(pump, BolusStartEvent) == [
        BolusStartEvent(
            armed.bolus_id, BolusKind.CLINICIAN, SoftLimit.RATE, OverrideReason.CLINICAL_JUDGEMENT, 10_000
        )
    ]
    assert told(pump, BolusEndEvent) == [BolusEndEvent(armed.bolus_id, BolusState.DONE, 10_000)]


def test_the_receipt_answers_for_the_intent_and_digests_its_request() -> None:
    pump = bolus_pump()
    request = arm_request(number=5)
    armed = ask(pump, request)
    assert receipt_of(pump, intent(5)).state is ReceiptState.VERIFIED
    started = ask(pump, start_request(armed))
    receipt = receipt_of(pump, intent(5))
    assert (receipt.state, receipt.version) == (ReceiptState.COMMITTED, 2)
    assert (receipt.log_seq, receipt.uptime_s) == (started.log_seq, started.start_uptime_s)
    assert receipt.digest == hashlib.sha256(codec_of(BolusArmRequest).encode(request)).digest()[:16]
    (record,) = pump.controller.log.page(receipt.log_seq, 1).records
    assert record.type is EventType.BOLUS_START
    pump.reset()
    assert receipt_of(pump, intent(5)) == receipt


def test_a_prime_bolus_is_priming() -> None:
    pump = bolus_pump()
    give(pump, kind=BolusKind.PRIME)
    assert status(pump).delivery_state is DeliveryState.PRIMING
    pump.advance_to(HOUR_MS)
    changes = [(event.before, event.after) for event in told(pump, DeliveryStateEvent)][-2:]
    assert changes == [
        (DeliveryState.RUNNING, DeliveryState.PRIMING), (DeliveryState.PRIMING, DeliveryState.RUNNING),
    ]  # fmt: skip


def test_no_number_is_given_twice() -> None:
    pump = bolus_pump()
    numbers = []
    for number in range(1, 5):
        numbers.append(arm(pump, number=number).bolus_id)
        pump.advance_to(pump.now_ms + HOUR_MS)
        pump.reset()
    pass_power_on_test(pump)
    numbers.append(ask_for_bolus(pump, 9).bolus_id)
    for copy in ("a", "b"):
        pump.storage.flip_bit(f"bolus.{copy}", 9)
    pump.reset()
    assert pump.controller.therapy.boluses.next_id() == numbers[-1] + 1
    assert numbers == [1, 2, 3, 4, 5]


def test_a_full_book_takes_no_bolus_until_one_of_them_is_a_day_old() -> None:
    """A pump that could not remember a bolus does not give it."""
    pump = bolus_pump()
    for number in range(1, CAPACITY + 1):
        cancel(pump, give(pump, 100, 600, number=number).bolus_id)
        pump.advance_to(number * 1_000)
    refused = ask(pump, arm_request(100, 600, number=1_000))
    assert refused == Refusal(ErrorCode.LOCKOUT, detail=86_400 - CAPACITY)
    pump.advance_to(24 * HOUR_MS)
    give(pump, 100, 600, number=1_001)


def test_the_pump_says_that_it_can_give_boluses() -> None:
    assert Feature.BOLUS in ask(bolus_pump(), GetDeviceInfoRequest()).features


# --- time -------------------------------------------------------------------------------------------------


def busy_pump() -> Pump:
    """A bolus of an awkward rate that runs over a step of the table and over midnight, towards empty."""
    pump = bolus_pump(limits=WIDE)
    pump.refill(2_600_000)
    pump.advance_to(18 * HOUR_MS + 12_345)
    give(pump, 77_777, 29_999, number=1)
    return pump


BUSY = busy_pump().snapshot()
START_MS = BUSY.now_ms
HORIZON_MS = START_MS + 20 * HOUR_MS


def run(pump: Pump, stops: list[int]) -> Pump:
    for stop in sorted(stops):
        pump.advance_to(START_MS + stop)
        status(pump)
    pump.advance_to(HORIZON_MS)
    return pump


ONE_STEP = run(Pump.restore(BUSY), []).snapshot()


@given(st.lists(st.integers(0, 20 * HOUR_MS), max_size=8))
def test_any_cut_of_time_gives_the_same_pump(stops: list[int]) -> None:
    assert run(Pump.restore(BUSY), stops).snapshot() == ONE_STEP


@given(st.integers(0, 10 * HOUR_MS))
def test_a_snapshot_carries_a_running_bolus(at: int) -> None:
    pump = Pump.restore(BUSY)
    pump.advance_to(START_MS + at)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    assert status(copy) == status(pump)
    assert copy.next_event_ms() == pump.next_event_ms()
    assert run(copy, [max(at, 10 * HOUR_MS)]).snapshot() == ONE_STEP


def test_a_snapshot_carries_an_armed_bolus() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    first, second = (ask(each, start_request(armed)) for each in (pump, copy))
    assert first == second
    assert copy.snapshot() == pump.snapshot()


# --- reservoir --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra_nl", [1, 4_321])
def test_the_low_alarm_comes_in_the_millisecond_in_which_a_bolus_passes_it(extra_nl: int) -> None:
    pump = bolus_pump(limits=WIDE)
    pump.refill(2_005_000 + extra_nl)
    give(pump, 40_001, 3_601)
    at = pump.next_event_ms()
    assert at is not None
    assert at < 3_601_000
    pump.advance_to(at - 1)
    assert pump.belief().content_units > 2_000_000 * UNITS_PER_NL
    assert not pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW)
    pump.advance_to(at)
    assert pump.belief().content_units <= 2_000_000 * UNITS_PER_NL
    assert pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW)
    assert status(pump).delivery_state is DeliveryState.BOLUS


def test_a_reservoir_that_runs_empty_ends_the_bolus_with_what_it_had() -> None:
    """Granted with enough; then a refill says that there is less."""
    pump = bolus_pump(limits=WIDE)
    give(pump, 40_000, 3_600)
    pump.refill(24_500)
    pump.advance_to(2 * HOUR_MS)
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.reservoir_nl) == (DeliveryState.STOPPED, 0, 0)
    # Half an hour of 9 and 40 uL/h together.
    assert (seen.bolus_state, seen.bolus_delivered_nl) == (BolusState.FAULTED, 20_000)
    assert pump.belief().content_units == 0
    assert told(pump, BolusEndEvent) == [BolusEndEvent(seen.bolus_id, BolusState.FAULTED, 20_000)]
    assert in_balance(pump)


# --- an early end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_ms", [0, 1, 600_000, 1_799_999])
def test_a_cancelled_bolus_tells_what_it_delivered_and_what_not(after_ms: int) -> None:
    pump = bolus_pump()
    started = give(pump, 10_000, 1_800)
    pump.advance_to(after_ms)
    delivered_nl = 10_000 * after_ms // 1_800_000
    answer = cancel(pump, started.bolus_id)
    assert answer == BolusCancelResponse(
        started.bolus_id, delivered_nl, 10_000 - delivered_nl, answer.log_seq
    )
    (record,) = pump.controller.log.page(answer.log_seq, 1).records
    assert (record.type, record.actor_slot) == (EventType.BOLUS_END, 0)
    seen = status(pump)
    assert (seen.delivery_state, seen.bolus_state) == (DeliveryState.RUNNING, BolusState.CANCELLED)
    assert cancel(pump, started.bolus_id) == Refusal(ErrorCode.NOT_APPLICABLE, 0, delivered_nl)
    assert receipt_of(pump, intent(1)).state is ReceiptState.COMMITTED


def test_an_armed_bolus_can_be_taken_back() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    answer = cancel(pump, armed.bolus_id)
    assert (answer.delivered_nl, answer.cancelled_nl) == (0, 10_000)
    assert receipt_of(pump, intent(1)).state is ReceiptState.ABORTED
    assert ask(pump, start_request(armed)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    assert status(pump).bolus_state is BolusState.NONE


@pytest.mark.parametrize("state", [DeliveryState.STOPPED, DeliveryState.MIN_RATE])
def test_an_order_cancels_a_bolus(state: DeliveryState) -> None:
    pump = bolus_pump()
    give(pump, 10_000, 1_800)
    pump.advance_to(900_000)
    set_delivery(pump, state, 30)
    seen = status(pump)
    assert (seen.delivery_state, seen.bolus_state, seen.bolus_delivered_nl) == (
        state, BolusState.CANCELLED, 5_000,
    )  # fmt: skip
    pump.advance_to(3 * HOUR_MS)
    assert status(pump).bolus_delivered_nl == 5_000
    assert status(pump).delivery_state is DeliveryState.RUNNING


# --- armed ------------------------------------------------------------------------------------------------


def test_arming_again_replaces_what_was_armed() -> None:
    pump = bolus_pump()
    first = arm(pump, number=1)
    second = arm(pump, 5_000, number=2)
    assert receipt_of(pump, intent(1)).state is ReceiptState.ABORTED
    assert ask(pump, start_request(first)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    ask(pump, start_request(second))
    assert status(pump).bolus_total_nl == 5_000


def test_an_arming_that_is_refused_leaves_the_armed_bolus() -> None:
    pump = bolus_pump()
    armed = arm(pump, number=1)
    assert ask(pump, arm_request(50_001, number=2)).code is ErrorCode.HARD_LIMIT
    assert receipt_of(pump, intent(1)).state is ReceiptState.VERIFIED
    ask(pump, start_request(armed))
    assert status(pump).bolus_state is BolusState.DELIVERING


def test_an_armed_bolus_dies_with_its_session() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    pump.session_closed(8, CloseReason.DONE)
    assert receipt_of(pump, intent(1)).state is ReceiptState.VERIFIED
    pump.session_closed(7, CloseReason.DONE)
    assert receipt_of(pump, intent(1)).state is ReceiptState.ABORTED
    assert ask(pump, start_request(armed)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)


def test_another_session_cannot_start_it() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    assert ask(pump, start_request(armed), caller(8)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)


def test_an_armed_bolus_ages_in_link_time() -> None:
    pump = bolus_pump()
    pump.set_link_time(1_000_000)
    armed = arm(pump)
    pump.advance_to(30 * MINUTE_MS)  # pump time runs fast; the person has only blinked
    pump.set_link_time(1_059_999)
    copy = Pump.restore(pump.snapshot())
    ask(pump, start_request(armed))
    assert status(pump).bolus_state is BolusState.DELIVERING
    copy.set_link_time(1_060_000)
    assert status(copy).bolus_state is BolusState.NONE
    assert ask(copy, start_request(armed)) == Refusal(ErrorCode.HANDLE_EXPIRED, 0)
    assert receipt_of(copy, intent(1)).state is ReceiptState.EXPIRED


def test_a_reset_forgets_what_was_armed() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    pump.reset()
    assert receipt_of(pump, intent(1)).state is ReceiptState.UNKNOWN
    assert ask(pump, start_request(armed)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)


# --- resets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_ms", [0, 1, 777_777, 1_799_999])
def test_a_reset_ends_a_bolus_with_what_the_registers_know(after_ms: int) -> None:
    pump = bolus_pump()
    started = give(pump, 10_000, 1_800)
    pump.advance_to(after_ms)
    delivered = pump.belief().delivered_units
    pump.reset()
    seen = status(pump)
    assert (seen.delivery_state, seen.bolus_state) == (DeliveryState.RUNNING, BolusState.FAULTED)
    assert seen.bolus_delivered_nl == 10_000 * after_ms // 1_800_000
    assert pump.belief().delivered_units == delivered
    ended = BolusEndEvent(started.bolus_id, BolusState.FAULTED, seen.bolus_delivered_nl)
    pump.reset()
    pump.advance_to(HOUR_MS)
    assert told(pump, BolusEndEvent) == [ended]
    assert len(told(pump, BolusStartEvent)) == 1
    assert receipt_of(pump, intent(1)).state is ReceiptState.COMMITTED
    assert in_balance(pump)


# --- what changes underneath ------------------------------------------------------------------------------


def test_a_bolus_goes_on_over_a_new_program() -> None:
    pump = bolus_pump()
    give(pump, 10_000, 1_800)
    pump.advance_to(900_000)
    commit(pump, with_steps(active_program(pump), (0, 12_000)), intent(7))
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.bolus_delivered_nl) == (
        DeliveryState.BOLUS, 32_000, 5_000,
    )  # fmt: skip
    pump.advance_to(1_800_000)
    assert status(pump).bolus_state is BolusState.DONE


def test_a_new_program_that_leaves_no_room_ends_the_bolus() -> None:
    pump = bolus_pump()
    give(pump, 30_000, 3_600)
    pump.advance_to(900_000)
    commit(pump, with_steps(active_program(pump), (0, 21_000)), intent(7))
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h) == (DeliveryState.RUNNING, 21_000)
    assert (seen.bolus_state, seen.bolus_delivered_nl) == (BolusState.CANCELLED, 7_500)


def test_every_bolus_begins_and_ends_once_in_the_log() -> None:
    pump = bolus_pump()
    for number in range(1, 4):
        give(pump, 500, 60, number=number)
        pump.advance_to(pump.now_ms + 2 * HOUR_MS)
        if number == 2:
            pump.reset()
    types = [record.type for record in log_of(pump)]
    assert types.count(EventType.BOLUS_START) == types.count(EventType.BOLUS_END) == 3
    assert {event.state for event in told(pump, BolusEndEvent)} == {BolusState.DONE}


def test_the_armed_bolus_waits_while_the_patient_takes_one() -> None:
    pump = bolus_pump()
    armed = arm(pump)
    given_one = ask_for_bolus(pump, 9)
    assert ask(pump, start_request(armed)) == Refusal(ErrorCode.BOLUS_ACTIVE, detail=given_one.bolus_id)
    cancel(pump, given_one.bolus_id)
    ask(pump, start_request(armed))
    assert status(pump).bolus_id == armed.bolus_id
    pump.advance_to(HOUR_MS)
    assert (status(pump).bolus_id, status(pump).bolus_state) == (armed.bolus_id, BolusState.DONE)


def test_a_snapshot_of_a_pump_is_a_value() -> None:
    """The books of the registers are not shared between a pump and its snapshot."""
    pump = bolus_pump()
    before = pump.snapshot()
    octets = encode_snapshot(before)
    give(pump)
    pump.advance_to(30 * HOUR_MS)
    set_delivery(pump, DeliveryState.STOPPED, 5)
    assert encode_snapshot(before) == octets
    assert replace(before) == before
