"""The patient's bolus: what the prescription allows, when it is refused; nothing grants one early."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bolus_bench import (
    PATIENT,
    PATIENT_RULES,
    WIDE,
    ask_for_bolus,
    bolus_pump,
    cancel,
    day,
    give,
    pass_power_on_test,
    set_delivery,
    told,
)
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    active_program,
    ask,
    commit,
    intent,
    new_pump,
    receipt_of,
    status,
)

from firmware_model.pump import Pump
from protocol.log_record import BolusStartEvent, PatientBolusDeniedEvent
from protocol.messages.alarms import AlarmAckRequest
from protocol.messages.clock import SetClockRequest
from protocol.messages.codec import codec_of
from protocol.messages.delivery import PatientBolusRequest, PatientBolusResponse
from protocol.program import PatientBolus
from protocol.request_words import BolusKind, ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import (
    AlarmCode,
    BolusState,
    DeliveryState,
    ErrorCode,
    LimitField,
    OverrideReason,
    Priority,
    ReceiptState,
    SoftLimit,
    Switch,
)

MINUTE_MS = 60_000


def with_rules(**changes: Any) -> Pump:  # noqa: ANN401 - fields of PatientBolus
    return bolus_pump(patient_bolus=replace(PATIENT_RULES, **changes), limits=WIDE)


def denial(pump: Pump, number: int = 99) -> tuple[ErrorCode, int]:
    answer = ask_for_bolus(pump, number)
    assert isinstance(answer, Refusal), answer
    return answer.code, answer.detail


def test_the_patient_gets_the_bolus_of_the_prescription() -> None:
    pump = bolus_pump()
    answer = ask_for_bolus(pump, 1)
    assert answer == PatientBolusResponse(1, 5_000, 600, left_today=2, lockout_s=3_600)
    seen = status(pump)
    assert (seen.delivery_state, seen.rate_nl_h, seen.bolus_total_nl) == (DeliveryState.BOLUS, 39_000, 5_000)
    pump.advance_to(600_000)
    assert status(pump).bolus_state is BolusState.DONE
    assert told(pump, BolusStartEvent) == [
        BolusStartEvent(1, BolusKind.PATIENT, SoftLimit(0), OverrideReason.NONE, 5_000)
    ]
    receipt = receipt_of(pump, intent(1))
    assert (receipt.state, receipt.version) == (ReceiptState.COMMITTED, 2)
    request = codec_of(PatientBolusRequest).encode(PatientBolusRequest(intent(1)))
    assert receipt.digest == hashlib.sha256(request).digest()[:16]
    assert (day(pump).patient_bolus_nl, day(pump).patient_bolus_given) == (5_000, 1)


def test_an_intent_is_executed_once() -> None:
    pump = bolus_pump()
    ask_for_bolus(pump, 1)
    pump.advance_to(2 * HOUR_MS)
    pump.reset()
    before = pump.snapshot()
    assert ask_for_bolus(pump, 1) == Refusal(ErrorCode.INTENT_REUSED, 0)
    assert pump.snapshot() == before


def test_lockout_counts_from_the_start_in_seconds_rounded_up() -> None:
    pump = bolus_pump()
    ask_for_bolus(pump, 1)
    pump.advance_to(600_001)
    assert denial(pump) == (ErrorCode.LOCKOUT, 3_000)
    pump.advance_to(HOUR_MS - 1)
    assert denial(pump) == (ErrorCode.LOCKOUT, 1)
    pump.advance_to(HOUR_MS)
    assert ask_for_bolus(pump, 2).left_today == 1


@pytest.mark.parametrize("event", ["reset", "clock forward", "clock back", "cancelled"])
def test_nothing_shortens_the_lockout(event: str) -> None:
    pump = bolus_pump()
    first = ask_for_bolus(pump, 1)
    pump.advance_to(700_000 if event != "cancelled" else 1)
    if event == "reset":
        pump.reset()
    elif event == "cancelled":
        cancel(pump, first.bolus_id, PATIENT)
        pump.advance_to(700_000)
    else:
        step_s = 86_400 * (3 if event == "clock forward" else -3)
        ask(pump, SetClockRequest(status(pump).utc_s + step_s, 60, ClockSource.OPERATOR))
    assert denial(pump) == (ErrorCode.LOCKOUT, 2_900)


def test_a_bolus_that_a_reset_cut_short_counts_too() -> None:
    pump = bolus_pump()
    ask_for_bolus(pump, 1)
    pump.advance_to(60_000)
    pump.reset()
    assert status(pump).bolus_state is BolusState.FAULTED
    assert denial(pump) == (ErrorCode.LOCKOUT, 3_540)


def test_a_lockout_longer_than_a_day_is_kept() -> None:
    pump = with_rules(lockout_min=3 * 1_440)
    ask_for_bolus(pump, 1)
    pump.advance_to(2 * DAY_MS)
    give(pump, 500, 60, number=50)
    pump.advance_to(2 * DAY_MS + HOUR_MS)
    pump.reset()
    assert denial(pump) == (ErrorCode.LOCKOUT, 23 * 3_600)


def test_so_many_in_any_day_and_no_more() -> None:
    pump = bolus_pump()
    for number, hour in enumerate((0, 2, 4), start=1):
        pump.advance_to(hour * HOUR_MS)
        assert ask_for_bolus(pump, number).left_today == 3 - number
    pump.advance_to(20 * HOUR_MS)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 4 * 3_600)
    pump.reset()
    pump.advance_to(24 * HOUR_MS - 1)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 1)
    # The first has left the count, and its volume follows ten minutes later, when its end is a day ago.
    pump.advance_to(24 * HOUR_MS)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 600)
    pump.advance_to(24 * HOUR_MS + 600_000)
    assert ask_for_bolus(pump, 9).left_today == 0


def test_so_much_in_any_day_and_no_more() -> None:
    pump = with_rules(max_24h_nl=12_000)
    first = ask_for_bolus(pump, 1)
    pump.advance_to(120_000)
    cancel(pump, first.bolus_id, PATIENT)  # 1 000 of 5 000 nL
    pump.advance_to(HOUR_MS)
    assert ask_for_bolus(pump, 2).left_today == 1
    pump.advance_to(2 * HOUR_MS)
    assert ask_for_bolus(pump, 3).left_today == 0
    pump.advance_to(4 * HOUR_MS)
    # Neither the thousand of the first nor anything less than the second five thousand makes room.
    assert denial(pump) == (ErrorCode.DAILY_MAX, 20 * 3_600)
    pump.advance_to(24 * HOUR_MS + 120_000)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 3_600 + 480)


def test_a_prescription_that_allows_none_grants_none() -> None:
    pump = with_rules(max_per_24h=0)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 86_400)
    pump = with_rules(max_24h_nl=4_999)
    assert denial(pump) == (ErrorCode.DAILY_MAX, 86_400)


def test_a_prescription_without_a_patient_bolus_forbids_it() -> None:
    pump = bolus_pump(patient_bolus=PatientBolus(Switch.OFF, 0, 0, 0, 0, 0))
    assert denial(pump) == (ErrorCode.POLICY_FORBIDS, 0)
    assert day(pump).patient_bolus_denied == 1


def test_a_pump_without_a_program_grants_none() -> None:
    assert denial(new_pump()) == (ErrorCode.DELIVERY_STOPPED, DeliveryState.STOPPED)


def test_no_patient_bolus_while_a_critical_alarm_stands() -> None:
    """GIP 1.4.11; an alarm of lower priority is no reason."""
    pump = bolus_pump()
    pump.controller.alarms.raise_alarm(AlarmCode.LONG_STOP, 0)
    assert denial(pump) == (ErrorCode.NOT_APPLICABLE, AlarmCode.LONG_STOP)
    pump.controller.alarms.clear(AlarmCode.LONG_STOP)
    pump.reset()
    assert pump.controller.alarms.stands(AlarmCode.PUMP_RESET)
    pass_power_on_test(pump)
    assert isinstance(ask_for_bolus(pump, 1), PatientBolusResponse)


@pytest.mark.parametrize("state", [DeliveryState.STOPPED, DeliveryState.MIN_RATE])
def test_no_patient_bolus_while_delivery_is_held(state: DeliveryState) -> None:
    pump = bolus_pump()
    set_delivery(pump, state, 60)
    assert denial(pump) == (ErrorCode.DELIVERY_STOPPED, state)


def test_no_patient_bolus_over_another() -> None:
    pump = bolus_pump()
    running = give(pump)
    assert denial(pump) == (ErrorCode.BOLUS_ACTIVE, running.bolus_id)


def test_hard_limits_hold_for_the_patient() -> None:
    pump = bolus_pump()
    program = active_program(pump)
    commit(pump, replace(program, limits=replace(program.limits, hard_hour_nl=20_000)), intent(3))
    give(pump, 10_000, 1_800)
    pump.advance_to(HOUR_MS - 1_000)
    answer = ask_for_bolus(pump, 9)
    assert answer == Refusal(ErrorCode.HARD_LIMIT, LimitField.HOUR_VOLUME, 20_000)


def test_the_reservoir_must_hold_it() -> None:
    pump = bolus_pump()
    pump.refill(6_000)
    assert denial(pump) == (ErrorCode.RESERVOIR_INSUFFICIENT, 6_000)


def test_every_denial_is_logged_and_counted_and_stands_until_it_is_seen() -> None:
    pump = bolus_pump()
    ask_for_bolus(pump, 1)
    pump.advance_to(HOUR_MS - 5_000)
    for _ in range(3):
        assert denial(pump) == (ErrorCode.LOCKOUT, 5)
    assert told(pump, PatientBolusDeniedEvent) == [PatientBolusDeniedEvent(ErrorCode.LOCKOUT, 5)] * 3
    assert (day(pump).patient_bolus_given, day(pump).patient_bolus_denied) == (1, 3)
    pump.reset()
    assert (day(pump).patient_bolus_given, day(pump).patient_bolus_denied) == (1, 3)
    assert receipt_of(pump, intent(99)).state is ReceiptState.UNKNOWN
    (alarm,) = [one for one in pump.controller.alarms.standing if one.prio is Priority.INFO]
    assert (alarm.code, alarm.detail) == (AlarmCode.PATIENT_BOLUS_DENIED, ErrorCode.LOCKOUT)
    ask(pump, AlarmAckRequest(alarm.instance), PATIENT)
    pump.advance_to(HOUR_MS)
    assert ask_for_bolus(pump, 3) == Refusal(ErrorCode.BUSY, detail=5)
    pass_power_on_test(pump)
    assert ask_for_bolus(pump, 2).left_today == 1


requests = st.lists(
    st.tuples(st.integers(0, 5 * HOUR_MS), st.sampled_from(("ask", "cancel", "reset", "clock"))), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(requests, st.integers(0, 120), st.integers(0, 5), st.integers(0, 30_000))
def test_no_row_of_requests_gets_more_than_the_prescription(
    row: list[tuple[int, str]], lockout_min: int, most: int, most_nl: int
) -> None:
    pump = with_rules(lockout_min=lockout_min, max_per_24h=most, max_24h_nl=most_nl)
    given_at: list[tuple[int, int]] = []
    for number, (pause_ms, act) in enumerate(row, start=1):
        pump.advance_to(pump.now_ms + pause_ms)
        if act == "ask":
            answer = ask_for_bolus(pump, number)
            if not isinstance(answer, Refusal):
                given_at.append((pump.now_ms, answer.bolus_id))
        elif act == "cancel":
            cancel(pump, status(pump).bolus_id, PATIENT)
        elif act == "reset":
            pump.reset()
        else:
            ask(pump, SetClockRequest(status(pump).utc_s + 7_200 * (-1) ** number, 0, ClockSource.NETWORK))
    pump.advance_to(pump.now_ms + HOUR_MS)
    book = pump.controller.therapy.boluses
    delivered = {one.bolus_id: one.delivered_nl for one in book.past}
    for index, (at, _) in enumerate(given_at):
        if index:
            assert at - given_at[index - 1][0] >= max(lockout_min * MINUTE_MS, 0)
        window = [bolus_id for time, bolus_id in given_at if at - DAY_MS < time <= at]
        assert len(window) <= most
        assert sum(delivered.get(bolus_id, 0) for bolus_id in window) <= most_nl
