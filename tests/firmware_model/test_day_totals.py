"""Totals by local day: exact in closed form, however many midnights lie between two looks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bolus_bench import WIDE, ask_for_bolus, bolus_pump, cancel, day, give, set_delivery
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    MONDAY_UTC_S,
    active_program,
    ask,
    commit,
    intent,
    new_pump,
    pump_at_work,
    status,
    with_steps,
)

from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.messages.clock import SetClockRequest
from protocol.messages.status import MAX_DAY_BACK, GetDayTotalsResponse
from protocol.quantities import UNITS_PER_NL
from protocol.request_words import BolusKind, ClockSource
from protocol.requests import Refusal
from protocol.vocabulary import DeliveryState, ErrorCode

MIDNIGHT_UTC_S = MONDAY_UTC_S - 3_600
"""The local midnight (UTC+1) before the demo pump is handed over."""

A_DAY_NL = 7 * 9_000 + 14 * 10_500 + 3 * 10_000


def test_a_quiet_day_has_its_basal_rate_and_nothing_else() -> None:
    pump = bolus_pump()
    pump.advance_to(23 * HOUR_MS - 1)
    assert day(pump) == GetDayTotalsResponse(MIDNIGHT_UTC_S, A_DAY_NL - 1, 0, 0, 0, 0, 0, 0)
    pump.advance_to(23 * HOUR_MS)
    assert day(pump) == GetDayTotalsResponse(MIDNIGHT_UTC_S + 86_400, 0, 0, 0, 0, 0, 0, 0)
    assert day(pump, 1) == GetDayTotalsResponse(MIDNIGHT_UTC_S, A_DAY_NL, 0, 0, 0, 0, 0, 0)


def test_a_quiet_month_crossed_in_one_step_has_all_its_days() -> None:
    pump = bolus_pump()
    pump.advance_to(40 * DAY_MS)
    assert [day(pump, back).basal_nl for back in range(1, MAX_DAY_BACK + 1)] == [A_DAY_NL] * MAX_DAY_BACK
    assert day(pump).basal_nl == 9_000
    assert day(pump, MAX_DAY_BACK).day_utc_s == MIDNIGHT_UTC_S + (40 - MAX_DAY_BACK) * 86_400


def test_what_was_before_the_pump_is_not_known() -> None:
    pump = new_pump()
    assert day(pump) == GetDayTotalsResponse(MONDAY_UTC_S, 0, 0, 0, 0, 0, 0, 0)
    assert day(pump, 1) == Refusal(ErrorCode.NO_RECORDS, 0, 1)
    pump.advance_to(3 * DAY_MS + 5)
    assert day(pump, 3).suspended_s == 0  # no program, so nothing is missing
    assert day(pump, 4) == Refusal(ErrorCode.NO_RECORDS, 0, 4)
    pump.advance_to(60 * DAY_MS)
    assert day(pump, MAX_DAY_BACK).basal_nl == 0


def test_each_kind_of_bolus_is_counted_apart_and_on_both_sides_of_midnight() -> None:
    pump = bolus_pump(limits=WIDE)
    give(pump, 4_000, 600, BolusKind.CLINICIAN, 1)
    pump.advance_to(HOUR_MS)
    give(pump, 3_000, 600, BolusKind.PRIME, 2)
    pump.advance_to(2 * HOUR_MS)
    give(pump, 2_000, 600, BolusKind.BRIDGE, 3)
    pump.advance_to(23 * HOUR_MS - 150_000)
    ask_for_bolus(pump, 4)
    assert (day(pump).clinician_bolus_nl, day(pump).prime_nl, day(pump).patient_bolus_nl) == (4_000, 5_000, 0)
    pump.advance_to(23 * HOUR_MS + 60_000)
    assert (day(pump, 1).patient_bolus_nl, day(pump).patient_bolus_nl) == (1_250, 500)
    pump.advance_to(24 * HOUR_MS)
    assert (day(pump, 1).patient_bolus_nl, day(pump).patient_bolus_nl) == (1_250, 3_750)
    assert (day(pump, 1).patient_bolus_given, day(pump).patient_bolus_given) == (1, 0)
    assert day(pump, 1).basal_nl == A_DAY_NL


def test_time_without_delivery_is_suspended_time() -> None:
    pump = bolus_pump()
    pump.advance_to(22 * HOUR_MS)
    set_delivery(pump, DeliveryState.STOPPED, 180)
    pump.advance_to(23 * HOUR_MS + 1_500)
    assert (day(pump, 1).suspended_s, day(pump).suspended_s) == (3_600, 1)
    pump.advance_to(30 * HOUR_MS)
    assert (day(pump, 1).suspended_s, day(pump).suspended_s) == (3_600, 7_200)
    set_delivery(pump, DeliveryState.MIN_RATE, 60)
    pump.advance_to(31 * HOUR_MS)
    assert day(pump).suspended_s == 7_200


def test_an_empty_reservoir_suspends_too() -> None:
    pump = bolus_pump()
    pump.refill(9_000)
    pump.advance_to(3 * HOUR_MS)
    assert (day(pump).suspended_s, day(pump).basal_nl) == (7_200, 18_000)


def test_a_reset_and_a_snapshot_keep_the_days() -> None:
    pump = bolus_pump()
    give(pump, 10_000, 1_800)
    pump.advance_to(900_000)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    pump.reset()
    for each in (pump, copy):
        each.advance_to(5 * DAY_MS)
        assert [day(each, back).basal_nl for back in range(1, 5)] == [A_DAY_NL] * 4
    assert (day(pump, 5).clinician_bolus_nl, day(copy, 5).clinician_bolus_nl) == (5_000, 10_000)


def test_a_new_program_counts_from_its_instant() -> None:
    pump = bolus_pump()
    pump.advance_to(11 * HOUR_MS)
    commit(pump, with_steps(active_program(pump), (0, 5_000)), intent(5))
    pump.advance_to(3 * DAY_MS)
    assert day(pump, 3).basal_nl == 7 * 9_000 + 5 * 10_500 + 12 * 5_000
    assert day(pump, 2).basal_nl == 120_000


# --- the clock --------------------------------------------------------------------------------------------


def set_clock(pump: Pump, step_s: int) -> None:
    ask(pump, SetClockRequest(status(pump).utc_s + step_s, 60, ClockSource.NETWORK))


def test_a_clock_set_over_midnight_goes_on_with_the_day_it_is_set_to() -> None:
    pump = bolus_pump()
    pump.advance_to(11 * HOUR_MS)
    set_clock(pump, 86_400)
    pump.advance_to(12 * HOUR_MS)
    assert day(pump, 1).basal_nl == 7 * 9_000 + 5 * 10_500
    assert day(pump).basal_nl == 10_500
    assert day(pump).day_utc_s == MIDNIGHT_UTC_S + 86_400


def test_a_clock_set_back_forgets_the_days_to_come() -> None:
    pump = bolus_pump()
    pump.advance_to(11 * HOUR_MS)
    set_clock(pump, -86_400)
    pump.advance_to(12 * HOUR_MS)
    # The day before lasted 24 h and goes on.
    assert day(pump).basal_nl == A_DAY_NL + 10_500
    pump.advance_to(24 * HOUR_MS)
    assert day(pump).day_utc_s == MIDNIGHT_UTC_S
    assert day(pump).basal_nl == 9_000


@pytest.mark.parametrize("days", [-35, 400])
def test_a_clock_set_far_away_leaves_no_yesterday(days: int) -> None:
    pump = bolus_pump()
    pump.advance_to(35 * DAY_MS)
    set_clock(pump, days * 86_400)
    assert day(pump, 1) == Refusal(ErrorCode.NO_RECORDS, 0, 1)
    pump.advance_to(36 * DAY_MS)
    assert day(pump, 1).basal_nl > 0


# --- against the counters ---------------------------------------------------------------------------------

ACTS = ("bolus", "prime", "patient", "stop", "slow", "reset", "cancel", "look")
acts = st.lists(st.tuples(st.integers(0, 5 * HOUR_MS), st.sampled_from(ACTS)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(acts)
def test_the_days_add_up_to_what_was_delivered(row: list[tuple[int, str]]) -> None:
    pump = bolus_pump(limits=WIDE)
    pump.refill(20_000_000)
    before = pump.belief().delivered_units - total_units(pump)
    for number, (pause_ms, act) in enumerate(row, start=1):
        pump.advance_to(pump.now_ms + pause_ms)
        running = pump.controller.therapy.boluses.running is None
        if act in ("bolus", "prime") and running and status(pump).delivery_state is DeliveryState.RUNNING:
            give(pump, 7_777, 3_333, BolusKind.PRIME if act == "prime" else BolusKind.CLINICIAN, number)
        elif act == "patient":
            ask_for_bolus(pump, number)
        elif act in ("stop", "slow"):
            set_delivery(pump, DeliveryState.STOPPED if act == "stop" else DeliveryState.MIN_RATE, 100)
        elif act == "reset":
            pump.reset()
        elif act == "cancel":
            cancel(pump, status(pump).bolus_id)
        else:
            day(pump)
    assert pump.belief().delivered_units - total_units(pump) == before
    nl = sum(
        day(pump, back).basal_nl + day(pump, back).patient_bolus_nl + day(pump, back).clinician_bolus_nl
        + day(pump, back).prime_nl
        for back in range(pump.controller.therapy.spans.days_known(pump.controller.therapy.flow))
    )  # fmt: skip
    assert abs(nl - total_units(pump) // UNITS_PER_NL) <= 4 * 31


def total_units(pump: Pump) -> int:
    """Return what all days on record have, exactly; the 28 days of the demo therapy are among them."""
    therapy = pump.controller.therapy
    totals = (therapy.spans.day(therapy.flow, back) for back in range(therapy.spans.days_known(therapy.flow)))
    return sum(
        each.basal_units + each.patient_units + each.clinician_units + each.prime_units
        for each in totals
        if each is not None
    )


def test_the_demo_pump_knows_the_days_of_its_setup() -> None:
    pump = pump_at_work()
    assert day(pump, 20).basal_nl == A_DAY_NL
    assert day(pump, 30).basal_nl == 0
