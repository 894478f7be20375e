"""Stories in simulated time: what a pump does over days and years, and over the resets in between."""

from dataclasses import replace

import pytest
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    INTENT,
    MONDAY_UTC_S,
    active_program,
    ask,
    commit,
    commit_request,
    intent,
    log_of,
    new_pump,
    pump_at_work,
    receipt_of,
    status,
    verified,
    with_steps,
)

from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from protocol.log_record import (
    AlarmClearedEvent,
    AlarmRaisedEvent,
    DeliveryStateEvent,
    ProgActivatedEvent,
    RefillEvent,
    read_payload,
)
from protocol.messages.program import (
    GetProgramInfoRequest,
    ProgBeginRequest,
    ReadProgramRequest,
    ReceiptResponse,
)
from protocol.quantities import UNITS_PER_NL
from protocol.request_words import DeliveryReason
from protocol.requests import Refusal
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    DeliveryState,
    ErrorCode,
    EventType,
    OpState,
    Priority,
    ReceiptState,
    Which,
)

ML = 1_000_000


def events(pump: Pump, kind: type) -> list[object]:
    return [event for record in log_of(pump) if isinstance(event := read_payload(record), kind)]


def run_to_next_event(pump: Pump) -> None:
    at = pump.next_event_ms()
    assert at is not None
    pump.advance_to(at)


def in_balance(pump: Pump) -> bool:
    """What went in is what went out and what is left, in belief and in truth, to the last unit."""
    for view in (pump.belief(), pump.truth()):
        out = view.delivered_units + view.content_units + view.wasted_units
        if view.filled_units != out or view.content_units < 0:
            return False
    return True


# --- reservoir --------------------------------------------------------------------------------------------


def test_low_alarm_then_empty_then_refill() -> None:
    pump = pump_at_work()
    run_to_next_event(pump)
    # 13.2 mL down to 2 mL at 0.24 mL a day is 46 days 16 hours.
    low_at = pump.now_ms
    assert 46 * DAY_MS < low_at < 47 * DAY_MS
    seen = status(pump)
    assert (seen.alarm_count, seen.alarm_max_prio) == (1, Priority.LOW)
    assert seen.delivery_state is DeliveryState.RUNNING
    assert seen.reservoir_nl in (1_999_999, 2_000_000)

    run_to_next_event(pump)
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.reservoir_nl) == (DeliveryState.STOPPED, 0, 0)
    assert (seen.alarm_count, seen.alarm_max_prio) == (2, Priority.HIGH)
    assert seen.active_step == 255
    assert pump.belief().content_units == 0
    pump.advance_to(pump.now_ms + 30 * DAY_MS)
    assert pump.belief().delivered_units == (13_200_000 + 6_720_000) * UNITS_PER_NL
    assert in_balance(pump)

    assert pump.refill(20 * ML) == 0
    seen = status(pump)
    assert (seen.delivery_state, seen.alarm_count) == (DeliveryState.RUNNING, 0)
    assert events(pump, DeliveryStateEvent)[-2:] == [
        DeliveryStateEvent(DeliveryState.RUNNING, DeliveryState.STOPPED, 0, 0, DeliveryReason.NONE),
        DeliveryStateEvent(
            DeliveryState.STOPPED, DeliveryState.RUNNING, seen.rate_nl_h, 0, DeliveryReason.NONE
        ),
    ]
    raised = [event for event in events(pump, AlarmRaisedEvent) if isinstance(event, AlarmRaisedEvent)]
    # The drug's date passed while the reservoir was empty.
    codes = [AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY, AlarmCode.REFILL_DUE]
    assert [event.code for event in raised] == codes
    cleared = [event for event in events(pump, AlarmClearedEvent) if isinstance(event, AlarmClearedEvent)]
    assert {event.code for event in cleared} == set(codes)
    assert in_balance(pump)


def test_the_low_alarm_is_raised_in_the_millisecond_the_content_passes_it() -> None:
    pump = pump_at_work()
    at = pump.next_event_ms()
    assert at is not None
    pump.advance_to(at - 1)
    assert pump.belief().content_units > 2 * ML * UNITS_PER_NL
    assert status(pump).alarm_count == 0
    pump.advance_to(at)
    assert pump.belief().content_units <= 2 * ML * UNITS_PER_NL
    assert status(pump).alarm_count == 1


def test_a_refill_books_the_residual_that_was_expected_and_the_one_that_was_found() -> None:
    pump = pump_at_work()
    pump.advance_to(10 * DAY_MS)
    assert pump.refill(18 * ML) == 10_800_000
    assert events(pump, RefillEvent)[-1] == RefillEvent(10_800_000, 18 * ML, 10_800_000)
    assert status(pump).reservoir_nl == 18 * ML
    assert in_balance(pump)


def test_a_partial_withdrawal_leaves_truth_and_belief_apart() -> None:
    pump = pump_at_work()
    assert pump.refill(5 * ML, withdrawn_nl=10 * ML) == 13_200_000
    assert pump.belief().content_units == 5 * ML * UNITS_PER_NL
    assert pump.truth().content_units == 8_200_000 * UNITS_PER_NL
    assert in_balance(pump)


@pytest.mark.parametrize(
    ("filled_nl", "withdrawn_nl"), [(20 * ML + 1, None), (-1, None), (7 * ML, 0), (1, 13_200_001), (1, -1)]
)
def test_an_impossible_refill_changes_nothing(filled_nl: int, withdrawn_nl: int | None) -> None:
    pump = pump_at_work()
    before = pump.snapshot()
    with pytest.raises(ValueError, match=r"fit|withdraw"):
        pump.refill(filled_nl, withdrawn_nl)
    assert pump.snapshot() == before


@pytest.mark.parametrize(
    ("withdrawn_nl", "filled_nl"), [(-1, 5), (5, -1), (20 * ML + 1, 5), (5, 20 * ML + 1)]
)
def test_a_refill_that_no_reservoir_could_take_is_not_booked(withdrawn_nl: int, filled_nl: int) -> None:
    pump = pump_at_work()
    before = pump.snapshot()
    with pytest.raises(ValueError, match=r"_nl = -?\d+ is outside 0\.\.20000000 nL"):
        pump.controller.therapy.record_refill(withdrawn_nl, filled_nl)
    assert pump.snapshot() == before


def test_a_motor_that_delivers_too_much_empties_the_reservoir_in_silence() -> None:
    """The low alarm is computed, not measured: truth runs dry while the pump believes it has plenty."""
    pump = pump_at_work()
    pump.plant.state.motor.gain_ppm = 1_500_000
    pump.advance_to(40 * DAY_MS)
    assert pump.truth().content_units == 0
    assert pump.belief().content_units == (13_200_000 - 9_600_000) * UNITS_PER_NL
    assert status(pump).alarm_count == 0
    assert in_balance(pump)
    assert pump.refill(20 * ML) == 3_600_000
    assert events(pump, RefillEvent)[-1] == RefillEvent(0, 20 * ML, 3_600_000)


def test_raising_the_low_alarm_volume_raises_the_alarm() -> None:
    pump = pump_at_work()
    program = active_program(pump)
    commit(pump, replace(program, alarms=replace(program.alarms, low_reservoir_nl=14 * ML)))
    assert pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW)
    commit(pump, program, intent(2))
    assert not pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW)


def test_six_years_of_therapy_with_a_refill_every_two_months() -> None:
    pump = pump_at_work()
    delivered = pump.belief().delivered_units
    visits = 6 * 365 // 60
    for visit in range(1, visits + 1):
        pump.advance_to(visit * 60 * DAY_MS)
        assert status(pump).delivery_state is (DeliveryState.STOPPED if visit == 1 else DeliveryState.RUNNING)
        pump.refill(20 * ML)
        assert in_balance(pump)
    # The first fill ran dry after 55 days; from then on every day had its 0.24 mL.
    expected = 13_200_000 + (visits - 1) * 60 * 240_000
    assert pump.belief().delivered_units - delivered == expected * UNITS_PER_NL
    assert status(pump).lifetime_nl == 6_720_000 + expected
    assert status(pump).battery_mv < 2_700


# --- time of day ------------------------------------------------------------------------------------------


def test_the_pattern_follows_local_time() -> None:
    """The demo patient lives at UTC+1: her steps at 07:00 and 21:00 are 06:00 and 20:00 UTC."""
    pump = pump_at_work()
    rates = {}
    for hour in range(24):
        pump.advance_to(hour * HOUR_MS)
        rates[hour] = (status(pump).rate_nl_h, status(pump).active_step)
    assert {rates[hour] for hour in (23, 0, 5)} == {(9_000, 0)}
    assert {rates[hour] for hour in (6, 12, 19)} == {(10_500, 1)}
    assert {rates[hour] for hour in (20, 22)} == {(10_000, 2)}


def test_next_change_counts_down_in_seconds_rounded_up() -> None:
    pump = pump_at_work()
    assert status(pump).next_change_s == 6 * 3_600
    pump.advance_to(1)
    assert status(pump).next_change_s == 6 * 3_600
    pump.advance_to(1_000)
    assert status(pump).next_change_s == 6 * 3_600 - 1
    commit(pump, with_steps(active_program(pump), (0, 10_000)))
    assert status(pump).next_change_s == 0xFFFF_FFFF


def test_the_day_counter_starts_again_at_local_midnight() -> None:
    pump = pump_at_work()
    # 01:00 local: one hour of the night rate.
    assert status(pump).since_midnight_nl == 9_000
    pump.advance_to(23 * HOUR_MS - 1)
    assert status(pump).since_midnight_nl == 239_999
    pump.advance_to(23 * HOUR_MS)
    assert status(pump).since_midnight_nl == 0
    pump.advance_to(24 * HOUR_MS)
    assert status(pump).since_midnight_nl == 9_000


def test_the_day_counter_knows_a_stop_within_the_day() -> None:
    pump = pump_at_work()
    pump.advance_to(5 * HOUR_MS)
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 120)
    pump.advance_to(12 * HOUR_MS)
    assert status(pump).since_midnight_nl == 6 * 9_000 + 5 * 10_500


# --- holds ------------------------------------------------------------------------------------------------


def test_an_ordered_stop_ends_by_itself() -> None:
    pump = pump_at_work()
    delivered = pump.belief().delivered_units
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 90)
    assert status(pump).delivery_state is DeliveryState.STOPPED
    assert status(pump).next_change_s == 90 * 60
    pump.advance_to(90 * 60_000 - 1)
    assert pump.belief().delivered_units == delivered
    pump.advance_to(90 * 60_000)
    assert status(pump).delivery_state is DeliveryState.RUNNING


def test_an_ordered_minimum_rate_delivers_that_and_may_be_released() -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(DeliveryState.MIN_RATE, 600)
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.active_step) == (DeliveryState.MIN_RATE, 250, 255)
    pump.advance_to(HOUR_MS)
    pump.controller.therapy.release_hold()
    assert status(pump).delivery_state is DeliveryState.RUNNING
    assert pump.controller.therapy.hold is None
    written = pump.storage.writes
    pump.controller.therapy.release_hold()
    assert pump.storage.writes == written


def test_a_stop_for_longer_than_two_days_is_alarmed() -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 72 * 60)
    pump.advance_to(48 * HOUR_MS - 1)
    assert status(pump).alarm_count == 0
    pump.advance_to(48 * HOUR_MS)
    assert status(pump).alarm_max_prio is Priority.HIGH
    pump.advance_to(72 * HOUR_MS)
    assert (status(pump).alarm_count, status(pump).delivery_state) == (0, DeliveryState.RUNNING)


@pytest.mark.parametrize("minutes", [0, -1, 4_321])
def test_no_stop_without_an_end(minutes: int) -> None:
    pump = pump_at_work()
    with pytest.raises(ValueError, match=r"outside 1\.\.4320"):
        pump.controller.therapy.order_hold(DeliveryState.STOPPED, minutes)
    assert status(pump).delivery_state is DeliveryState.RUNNING


@pytest.mark.parametrize("state", [DeliveryState.RUNNING, DeliveryState.SAFE_STATE])
def test_only_a_stop_or_the_minimum_rate_can_be_ordered(state: DeliveryState) -> None:
    with pytest.raises(ValueError, match="cannot be ordered"):
        pump_at_work().controller.therapy.order_hold(state, 10)


# --- resets -----------------------------------------------------------------------------------------------


def test_a_reset_restarts_uptime_and_keeps_time_volume_and_program() -> None:
    pump = pump_at_work()
    pump.advance_to(3 * HOUR_MS + 250)
    before, belief, truth = status(pump), pump.belief(), pump.truth()
    pump.reset()
    after = status(pump)
    assert (after.uptime_s, pump.boot_count) == (0, 2)
    assert (after.utc_s, after.program_version) == (before.utc_s, before.program_version)
    assert (after.since_midnight_nl, after.lifetime_nl) == (before.since_midnight_nl, before.lifetime_nl)
    assert (pump.belief(), pump.truth()) == (belief, truth)
    assert after.delivery_state is DeliveryState.RUNNING
    pump.advance_to(pump.now_ms + 5_999)
    assert status(pump).uptime_s == 5


def test_a_reset_is_logged_and_alarmed_once() -> None:
    pump = pump_at_work()
    last = pump.controller.log.last_seq
    pump.reset()
    pump.reset()
    told = [record for record in log_of(pump) if record.seq > last]
    assert [record.type for record in told if record.type is EventType.BOOT] == [EventType.BOOT] * 2
    assert told[0].flags & 2
    assert not told[1].flags & 2
    alarms = pump.controller.alarms.standing
    assert [(alarm.code, alarm.state, alarm.detail) for alarm in alarms] == [
        (AlarmCode.PUMP_RESET, AlarmState.ACTIVE, 2)
    ]


def test_a_reset_of_an_empty_pump_leaves_it_stopped_and_alarmed() -> None:
    pump = pump_at_work()
    run_to_next_event(pump)
    run_to_next_event(pump)
    before = pump.controller.alarms.standing
    pump.reset()
    assert status(pump).delivery_state is DeliveryState.STOPPED
    assert pump.controller.alarms.standing[0] == before[0]
    assert {alarm.code for alarm in pump.controller.alarms.standing} == {
        AlarmCode.RESERVOIR_LOW,
        AlarmCode.RESERVOIR_EMPTY,
        AlarmCode.PUMP_RESET,
    }


@pytest.mark.parametrize("state", [DeliveryState.STOPPED, DeliveryState.MIN_RATE])
def test_a_reset_keeps_an_ordered_hold_and_its_end(state: DeliveryState) -> None:
    pump = pump_at_work()
    pump.controller.therapy.order_hold(state, 60)
    pump.advance_to(HOUR_MS // 2)
    pump.reset()
    assert status(pump).delivery_state is state
    assert pump.next_event_ms() == HOUR_MS
    pump.advance_to(HOUR_MS)
    assert status(pump).delivery_state is DeliveryState.RUNNING


def test_a_reset_on_the_shelf_starts_nothing() -> None:
    pump = new_pump()
    pump.reset()
    seen = status(pump)
    assert (seen.op_state, seen.delivery_state, seen.rate_nl_h) == (OpState.SHELF, DeliveryState.STOPPED, 0)
    assert (seen.program_version, seen.alarm_count) == (0, 1)


def test_a_pump_leaves_the_shelf_with_its_first_program() -> None:
    pump = new_pump()
    pump.refill(20 * ML)
    commit(pump, active_program(pump_at_work()))
    seen = status(pump)
    assert (seen.op_state, seen.delivery_state) == (OpState.IMPLANTED, DeliveryState.RUNNING)
    assert (seen.program_version, seen.rate_nl_h) == (1, 9_000)


# --- corrupt programs -------------------------------------------------------------------------------------


def spoil(pump: Pump, *cells: str) -> None:
    for cell in cells:
        pump.storage.flip_bit(cell, 777)


def test_a_program_without_a_good_copy_leaves_the_minimum_rate_and_an_alarm() -> None:
    pump = pump_at_work()
    pump.advance_to(HOUR_MS)
    spoil(pump, "bank.0.a", "bank.0.b")
    pump.reset()
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h) == (DeliveryState.SAFE_STATE, 250)
    assert (seen.op_state, seen.alarm_max_prio) == (OpState.FAULT, Priority.HIGH)
    assert seen.program_version == 1
    delivered = pump.belief().delivered_units
    pump.advance_to(2 * HOUR_MS)
    assert pump.belief().delivered_units - delivered == 250 * UNITS_PER_NL
    commit(pump, active_program(pump_at_work()))
    seen = status(pump)
    assert (seen.delivery_state, seen.program_version) == (DeliveryState.RUNNING, 2)
    assert seen.alarm_count == 0


def test_one_good_copy_of_the_program_is_enough_and_mends_the_other() -> None:
    pump = pump_at_work()
    good = pump.storage.read("bank.0.a")
    for cell in ("bank.0.a", "bank.0.b"):
        spoil(pump, cell)
        pump.reset()
        assert status(pump).delivery_state is DeliveryState.RUNNING
        assert status(pump).rate_nl_h == 9_000
        assert pump.storage.read(cell) == good
    assert any(record.type is EventType.DATA_CORRUPT for record in log_of(pump))


def test_a_program_that_rots_while_it_runs_is_written_again_from_ram() -> None:
    pump = pump_at_work()
    good = pump.storage.read("bank.0.a")
    spoil(pump, "bank.0.a", "bank.0.b")
    assert ask(pump, ReadProgramRequest(1, 0, 10)).data == (good or b"")[:10]
    assert pump.storage.read("bank.0.a") == pump.storage.read("bank.0.b") == good
    assert sum(record.type is EventType.DATA_CORRUPT for record in log_of(pump)) == 2
    pump.reset()
    assert status(pump).delivery_state is DeliveryState.RUNNING


def test_a_program_that_no_copy_holds_cannot_be_read() -> None:
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000)))
    spoil(pump, "bank.0.a", "bank.0.b")
    assert ask(pump, ReadProgramRequest(1, 0, 10)) == Refusal(ErrorCode.STORAGE)
    spoil(pump, "bank.1.a", "bank.1.b")
    pump.reset()
    assert ask(pump, ReadProgramRequest(2, 0, 10)) == Refusal(ErrorCode.STORAGE)


def test_a_lost_program_table_does_not_make_the_pump_new() -> None:
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000)))
    spoil(pump, "programs.a", "programs.b")
    pump.reset()
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h) == (DeliveryState.SAFE_STATE, 250)
    assert seen.program_version == 2
    codes = {alarm.code for alarm in pump.controller.alarms.standing}
    assert codes == {AlarmCode.PROGRAM_CORRUPT, AlarmCode.MEMORY_FAULT, AlarmCode.PUMP_RESET}
    assert commit(pump, active_program(pump_at_work()), intent(2)).version == 3


# --- programs that wait -----------------------------------------------------------------------------------


def test_a_scheduled_program_takes_effect_on_its_second() -> None:
    pump = pump_at_work()
    new = with_steps(active_program(pump), (0, 8_000))
    effective = MONDAY_UTC_S + 3 * 3_600
    receipt = commit(pump, new, effective_utc_s=effective)
    assert (receipt.state, receipt.version) == (ReceiptState.SCHEDULED, 2)
    assert pump.next_event_ms() == 3 * HOUR_MS
    assert status(pump).program_version == 1
    assert status(pump).next_change_s == 3 * 3_600
    pump.advance_to(3 * HOUR_MS - 1)
    assert status(pump).rate_nl_h == 9_000
    pump.advance_to(3 * HOUR_MS)
    assert (status(pump).rate_nl_h, status(pump).program_version) == (8_000, 2)
    done = receipt_of(pump)
    assert (done.state, done.version, done.utc_s) == (ReceiptState.COMMITTED, 2, effective)
    (told,) = pump.controller.log.page(done.log_seq, 1).records
    assert read_payload(told) == ProgActivatedEvent(2, 8_000)
    assert ask(pump, GetProgramInfoRequest(Which.PREVIOUS)).version == 1


def test_a_scheduled_program_survives_a_reset() -> None:
    pump = pump_at_work()
    commit(
        pump,
        with_steps(active_program(pump), (0, 8_000)),
        effective_utc_s=MONDAY_UTC_S + 3_600,
    )
    pump.reset()
    assert receipt_of(pump).state is ReceiptState.SCHEDULED
    assert ask(pump, GetProgramInfoRequest(Which.STAGED)).version == 2
    pump.advance_to(HOUR_MS)
    assert status(pump).rate_nl_h == 8_000


def test_a_pending_program_is_the_version_to_build_on() -> None:
    pump = pump_at_work()
    program = active_program(pump)
    commit(pump, with_steps(program, (0, 8_000)), effective_utc_s=MONDAY_UTC_S + 3_600)
    assert ask(pump, ProgBeginRequest(1, 300, intent(2))) == Refusal(ErrorCode.VERSION_CONFLICT, 0, 2)
    receipt = commit(pump, with_steps(program, (0, 7_000)), intent(2))
    assert receipt.version == 3
    assert receipt_of(pump, INTENT).state is ReceiptState.ABORTED
    assert status(pump).rate_nl_h == 7_000
    pump.advance_to(2 * HOUR_MS)
    assert status(pump).rate_nl_h == 7_000


def test_a_pending_program_that_was_spoilt_leaves_the_active_one() -> None:
    pump = pump_at_work()
    commit(
        pump,
        with_steps(active_program(pump), (0, 8_000)),
        effective_utc_s=MONDAY_UTC_S + 3_600,
    )
    spoil(pump, "bank.1.a", "bank.1.b")
    pump.advance_to(2 * HOUR_MS)
    assert (status(pump).rate_nl_h, status(pump).program_version) == (9_000, 1)
    assert receipt_of(pump).state is ReceiptState.ABORTED
    assert pump.controller.alarms.stands(AlarmCode.MEMORY_FAULT)


def test_a_summary_stays_good_while_its_pending_base_becomes_active() -> None:
    pump = pump_at_work()
    program = active_program(pump)
    commit(pump, with_steps(program, (0, 8_000)), effective_utc_s=MONDAY_UTC_S + 60)
    summary = verified(pump, with_steps(program, (0, 7_000)), intent(2))
    pump.advance_to(120_000)
    receipt = ask(pump, commit_request(summary))
    assert isinstance(receipt, ReceiptResponse)
    assert receipt.version == 3


def test_a_summary_is_void_once_its_pending_base_is_gone() -> None:
    pump = pump_at_work()
    program = active_program(pump)
    commit(pump, with_steps(program, (0, 8_000)), effective_utc_s=MONDAY_UTC_S + 60)
    summary = verified(pump, with_steps(program, (0, 7_000)), intent(2))
    spoil(pump, "bank.1.a", "bank.1.b")
    pump.advance_to(120_000)
    assert ask(pump, commit_request(summary)) == Refusal(ErrorCode.VERSION_CONFLICT, detail=1)


def test_time_does_not_go_back() -> None:
    pump = make_pump(utc_s=MONDAY_UTC_S)
    pump.advance_to(5)
    with pytest.raises(ValueError, match="cannot go back"):
        pump.advance_to(4)
