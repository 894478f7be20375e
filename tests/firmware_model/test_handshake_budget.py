"""Handshakes: budgets per class of link, lockouts after wrong guesses, and what a flood of either costs."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pump_bench import DAY_MS, HOUR_MS, ask, caller, log_of, new_pump, pump_at_work

from firmware_model.controller.handshake_guard import LIMITS, MAX_LOCKOUT_S, lockout_after
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.link_control import LinkClass
from protocol.log_record import AlarmRaisedEvent, HandshakeFailEvent, read_payload
from protocol.messages.alarms import Alarm
from protocol.messages.bonds import SecurityStatusRequest, SecurityStatusResponse
from protocol.messages.clock import SetClockRequest
from protocol.request_words import ClockSource
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, LAB_SLOT, LinkReport
from protocol.vocabulary import AlarmCode, Priority, Role

NEAR, FAR = LinkClass.NEAR, LinkClass.FAR
MINUTE_MS = 60_000


@pytest.fixture
def pump() -> Pump:
    pump = new_pump()
    pump.set_link_time(0)
    return pump


def at(pump: Pump, link_ms: int) -> Pump:
    pump.set_link_time(link_ms)
    return pump


def guess(pump: Pump, link_class: LinkClass = NEAR, slot: int = 3) -> bool:
    """Try wrong keys as the endpoint would let it; tell whether the pump looked at them at all."""
    if pump.lockout_s(link_class) or pump.admit_handshake(link_class):
        return False
    pump.handshake_failed(slot, link_class, guess=True)
    return True


def lock_out(pump: Pump, link_class: LinkClass = NEAR) -> None:
    for _ in range(5):
        assert guess(pump, link_class)


def security(pump: Pump, link_class: LinkClass = NEAR) -> SecurityStatusResponse:
    report = LinkReport(link_class, replay_drops=7, auth_drops=9)
    who = replace(caller(role=Role.SERVICE, near=link_class is NEAR), link=report)
    answer = ask(pump, SecurityStatusRequest(), who)
    assert isinstance(answer, SecurityStatusResponse)
    return answer


def standing(pump: Pump, code: AlarmCode) -> Alarm | None:
    found = (alarm for alarm in pump.controller.alarms.standing if alarm.code is code)
    return next(found, None)


def told(pump: Pump) -> list[object]:
    return [read_payload(record) for record in log_of(pump)]


# --- budget -----------------------------------------------------------------------------------------------


def test_thirty_near_handshakes_a_minute_and_then_one_every_two_seconds(pump: Pump) -> None:
    assert [pump.admit_handshake(NEAR) for _ in range(31)] == [0] * 30 + [2]
    assert at(pump, 1_999).admit_handshake(NEAR) == 1
    assert at(pump, 2_000).admit_handshake(NEAR) == 0
    assert pump.admit_handshake(NEAR) == 2
    at(pump, 2_000 + MINUTE_MS)
    assert sum(not pump.admit_handshake(NEAR) for _ in range(100)) == 30


def test_ten_far_handshakes_a_minute_and_sixty_an_hour(pump: Pump) -> None:
    assert [pump.admit_handshake(FAR) for _ in range(11)] == [0] * 10 + [6]
    admitted = 10
    for second in range(1, 3_600):
        admitted += not at(pump, second * 1_000).admit_handshake(FAR)
    # Sixty to begin with, and one for each minute of the hour that has passed.
    assert admitted == 60 + 59


def test_one_class_does_not_use_up_the_other(pump: Pump) -> None:
    while not pump.admit_handshake(FAR):
        pass
    assert pump.admit_handshake(NEAR) == 0


@given(st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from([NEAR, FAR])), max_size=200))
@settings(max_examples=50)
def test_no_window_of_time_admits_more_than_its_limit(tries: list[tuple[int, LinkClass]]) -> None:
    pump = new_pump()
    now_ms = 0
    admitted: dict[LinkClass, list[int]] = {NEAR: [], FAR: []}
    for later_ms, link_class in tries:
        now_ms += later_ms
        if not at(pump, now_ms).admit_handshake(link_class):
            admitted[link_class].append(now_ms)
    for link_class, times in admitted.items():
        for limit in LIMITS[link_class]:
            for first in range(len(times)):
                for last in range(first, len(times)):
                    span_ms = times[last] - times[first]
                    assert last - first + 1 <= limit.burst + span_ms // limit.period_ms


def test_a_link_clock_that_began_anew_fills_no_bucket(pump: Pump) -> None:
    at(pump, 10 * HOUR_MS)
    while not pump.admit_handshake(NEAR):
        pass
    assert at(pump, 0).admit_handshake(NEAR) == 2
    assert at(pump, 2_000).admit_handshake(NEAR) == 0


def test_pump_time_and_civil_time_fill_no_bucket(pump: Pump) -> None:
    while not pump.admit_handshake(NEAR):
        pass
    pump.advance_to(DAY_MS)
    ask(pump, SetClockRequest(4_000_000_000, 0, ClockSource.OPERATOR))
    assert pump.admit_handshake(NEAR) == 2


# --- lockout ----------------------------------------------------------------------------------------------


def test_the_lockout_doubles_from_one_second_to_an_hour() -> None:
    lengths = [lockout_after(streak) for streak in range(20)]
    assert lengths == [0] * 5 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600, 3_600]
    assert lockout_after(65_535) == MAX_LOCKOUT_S


def test_the_fifth_wrong_guess_in_a_row_locks_its_class_of_link_out(pump: Pump) -> None:
    for _ in range(4):
        guess(pump)
        assert pump.lockout_s(NEAR) == 0
    guess(pump)
    assert (pump.lockout_s(NEAR), pump.lockout_s(FAR)) == (1, 0)
    assert at(pump, 999).lockout_s(NEAR) == 1
    assert at(pump, 1_000).lockout_s(NEAR) == 0
    assert guess(pump)
    assert pump.lockout_s(NEAR) == 2


def test_guesses_at_many_slots_are_one_streak(pump: Pump) -> None:
    for slot in range(5):
        guess(pump, slot=slot)
    assert pump.lockout_s(NEAR) == 1


def test_failures_that_are_no_guesses_lock_nobody_out(pump: Pump) -> None:
    for _ in range(20):
        pump.handshake_failed(3, NEAR, guess=False)
    assert pump.lockout_s(NEAR) == 0
    assert (security(pump).hs_fail_total, security(pump).hs_fail_streak) == (20, 0)


def test_a_completed_session_ends_the_streak_of_its_class(pump: Pump) -> None:
    for link_class in (NEAR, FAR):
        for _ in range(4):
            guess(pump, link_class)
    pump.session_opened(caller(9, 0, near=True))
    assert (security(pump).hs_fail_streak, security(pump, FAR).hs_fail_streak) == (0, 4)
    guess(pump)
    assert pump.lockout_s(NEAR) == 0
    guess(pump, FAR)
    assert pump.lockout_s(FAR) == 1


@pytest.mark.parametrize("slot", [EMERGENCY_SLOT, LAB_SLOT])
def test_a_session_that_proves_no_secret_does_not_end_the_streak(pump: Pump, slot: int) -> None:
    """Or everybody could guess for ever, with a session of the published key after every fourth guess."""
    for _ in range(4):
        guess(pump)
    pump.session_opened(caller(9, slot, Role.EMERGENCY))
    guess(pump)
    assert pump.lockout_s(NEAR) == 1


def test_guesses_that_came_in_before_the_lockout_make_the_next_one_longer(pump: Pump) -> None:
    for _ in range(8):
        assert pump.admit_handshake(NEAR) == 0
    for _ in range(8):
        pump.handshake_failed(3, NEAR, guess=True)
    assert pump.lockout_s(NEAR) == 1
    at(pump, 1_000)
    guess(pump)
    assert pump.lockout_s(NEAR) == 16
    assert security(pump).hs_fail_streak == 9


def test_each_lockout_is_an_alarm_and_a_record_until_it_is_over(pump: Pump) -> None:
    lock_out(pump)
    alarm = standing(pump, AlarmCode.SECURITY_LOCKOUT)
    assert alarm is not None
    assert (alarm.prio, alarm.detail) == (Priority.MEDIUM, 1)
    at(pump, 1_000)
    assert standing(pump, AlarmCode.SECURITY_LOCKOUT) is None
    guess(pump)
    raised = [event for event in told(pump) if isinstance(event, AlarmRaisedEvent)]
    assert [(event.code, event.detail) for event in raised] == [
        (AlarmCode.SECURITY_LOCKOUT, 1),
        (AlarmCode.SECURITY_LOCKOUT, 2),
    ]


def test_a_lockout_of_the_second_class_is_told_too_and_the_alarm_stays_until_both_are_over(
    pump: Pump,
) -> None:
    lock_out(pump, FAR)
    guess(at(pump, 1_000), FAR)
    lock_out(pump, NEAR)
    alarm = standing(pump, AlarmCode.SECURITY_LOCKOUT)
    assert alarm is not None
    assert alarm.detail == 1
    assert standing(at(pump, 2_000), AlarmCode.SECURITY_LOCKOUT) is not None
    assert standing(at(pump, 3_000), AlarmCode.SECURITY_LOCKOUT) is None


def test_security_status_tells_counters_lockout_and_drops(pump: Pump) -> None:
    lock_out(pump, FAR)
    pump.handshake_failed(0, NEAR, guess=True)
    at(pump, 300)
    assert security(pump, FAR) == SecurityStatusResponse(6, 5, 1, 7, 9, 0)
    assert security(pump, NEAR) == SecurityStatusResponse(6, 1, 0, 7, 9, 0)


def long_lockout(pump: Pump, now_ms: int = 0) -> int:
    """Guess until the lockout is 64 s long; return link time."""
    while pump.lockout_s(NEAR) < 64:
        now_ms += 1_000
        guess(at(pump, now_ms))
    assert pump.lockout_s(NEAR) == 64
    return now_ms


def test_a_lockout_counts_in_full_again_after_a_reset(pump: Pump) -> None:
    now_ms = long_lockout(pump)
    at(pump, now_ms + 60_000)
    assert pump.lockout_s(NEAR) == 4
    pump.reset()
    assert pump.lockout_s(NEAR) == 64
    assert standing(pump, AlarmCode.SECURITY_LOCKOUT) is not None
    at(pump, now_ms + 60_000 + 63_999)
    assert pump.lockout_s(NEAR) == 1
    at(pump, now_ms + 60_000 + 64_000)
    assert pump.lockout_s(NEAR) == 0
    pump.reset()
    assert pump.lockout_s(NEAR) == 0


def test_a_lockout_counts_in_full_again_where_the_link_clock_began_anew(pump: Pump) -> None:
    now_ms = long_lockout(pump)
    at(pump, now_ms + 60_000)
    at(pump, 5_000)
    assert pump.lockout_s(NEAR) == 64
    at(pump, 5_000 + 64_000)
    assert pump.lockout_s(NEAR) == 0


def test_the_streak_survives_a_reset(pump: Pump) -> None:
    for _ in range(4):
        guess(pump)
    pump.reset()
    guess(pump)
    assert pump.lockout_s(NEAR) == 1


def test_p21_neither_the_civil_clock_nor_fast_pump_time_frees_a_lockout(pump: Pump) -> None:
    long_lockout(pump)
    ask(pump, SetClockRequest(4_000_000_000, 0, ClockSource.NETWORK))
    pump.advance_to(300 * DAY_MS)
    assert pump.lockout_s(NEAR) == 64


def test_p08_a_lockout_leaves_the_budget_to_the_emergency_key(pump: Pump) -> None:
    """Whether somebody may pass a lockout is the endpoint's question; the budget holds for them too."""
    long_lockout(pump)
    assert pump.lockout_s(NEAR)
    admitted = sum(not pump.admit_handshake(NEAR) for _ in range(100))
    assert 0 < admitted <= 30


def test_without_a_link_clock_link_time_is_pump_time() -> None:
    pump = new_pump()
    lock_out(pump)
    pump.reset()
    assert pump.lockout_s(NEAR) == 1
    pump.advance_to(1_000)
    assert pump.lockout_s(NEAR) == 0
    assert pump.admit_handshake(NEAR) == 0
    assert standing(pump, AlarmCode.SECURITY_LOCKOUT) is None


# --- abuse ------------------------------------------------------------------------------------------------


def test_a_budget_that_runs_dry_three_times_within_an_hour_is_an_alarm(pump: Pump) -> None:
    for minutes in (0, 2, 59):
        assert standing(at(pump, minutes * MINUTE_MS), AlarmCode.TELEMETRY_ABUSE) is None
        while not pump.admit_handshake(NEAR):
            pass
        # Nobody was let in since it ran dry: that is still the same time.
        pump.admit_handshake(NEAR)
    alarm = standing(pump, AlarmCode.TELEMETRY_ABUSE)
    assert alarm is not None
    assert (alarm.prio, alarm.detail) == (Priority.LOW, NEAR)
    assert standing(at(pump, 119 * MINUTE_MS - 1), AlarmCode.TELEMETRY_ABUSE) is not None
    assert standing(at(pump, 119 * MINUTE_MS), AlarmCode.TELEMETRY_ABUSE) is None


def test_a_budget_that_runs_dry_now_and_then_is_no_alarm(pump: Pump) -> None:
    for half_hour in range(10):
        at(pump, half_hour * HOUR_MS // 2 + half_hour)
        while not pump.admit_handshake(FAR):
            pass
        assert standing(pump, AlarmCode.TELEMETRY_ABUSE) is None


def test_an_abuse_alarm_stands_for_another_hour_after_a_reset(pump: Pump) -> None:
    for minutes in (0, 2, 4):
        at(pump, minutes * MINUTE_MS)
        while not pump.admit_handshake(NEAR):
            pass
    pump.reset()
    at(pump, 5 * MINUTE_MS)
    assert standing(at(pump, 64 * MINUTE_MS), AlarmCode.TELEMETRY_ABUSE) is not None
    assert standing(at(pump, 65 * MINUTE_MS), AlarmCode.TELEMETRY_ABUSE) is None


# --- floods -----------------------------------------------------------------------------------------------


def test_p08_a_hundred_thousand_guesses_are_rate_limited_and_leave_the_other_class_free(pump: Pump) -> None:
    """One guess a second for more than a day: the pump looks at some forty of them."""
    looked_at = 0
    for second in range(100_000):
        pump.set_link_time(second * 1_000)
        looked_at += guess(pump, FAR)
        if second % 10_000 == 0:
            assert pump.admit_handshake(NEAR) == 0
    assert looked_at == 5 + 12 + (100_000 - 4_095) // 3_601
    assert pump.lockout_s(NEAR) == 0
    assert security(pump, FAR).hs_fail_total == looked_at


def test_p09_a_flood_of_24_hours_costs_less_than_one_percent_of_the_battery(pump: Pump) -> None:
    """Even one that never guesses wrong, on both links at once: 44 728 handshakes, 0.84 % of the charge."""
    admitted = 0
    for second in range(86_400):
        pump.set_link_time(second * 1_000)
        admitted += not pump.admit_handshake(NEAR)
        admitted += not pump.admit_handshake(FAR)
    cell, profile = pump.plant.state.cell, pump.profile
    assert admitted <= 30 + 86_400 // 2 + 60 + 86_400 // 60
    assert cell.telemetry_charge == admitted * profile.handshake_charge_nah * HOUR_MS
    share_ppm = cell.telemetry_charge // (profile.battery_capacity_uah * 1_000 * HOUR_MS // 1_000_000)
    assert 8_000 < share_ppm < 10_000


def test_p09_a_flood_of_guesses_costs_next_to_nothing_and_wears_no_storage_out(pump: Pump) -> None:
    writes = pump.storage.writes
    for second in range(86_400):
        pump.set_link_time(second * 1_000)
        guess(pump)
    cell, profile = pump.plant.state.cell, pump.profile
    assert cell.telemetry_charge < 50 * profile.handshake_charge_nah * HOUR_MS
    assert pump.storage.writes - writes < 1_000


def test_a_handshake_that_is_not_admitted_costs_no_energy(pump: Pump) -> None:
    before_mv = pump.truth().battery_mv
    while not pump.admit_handshake(NEAR):
        pass
    spent = pump.plant.state.cell.telemetry_charge
    for _ in range(1_000):
        pump.admit_handshake(NEAR)
    assert pump.plant.state.cell.telemetry_charge == spent > 0
    pump.plant.state.cell.telemetry_charge = spent * 40_000
    assert pump.truth().battery_mv < before_mv


def test_a_flood_of_malformed_handshakes_neither_wears_storage_out_nor_washes_the_log_away(
    pump: Pump,
) -> None:
    """Ten at once and ten an hour are told; all are counted."""
    last, writes = pump.controller.log.last_seq, pump.storage.writes
    for second in range(0, 86_400, 3):
        pump.set_link_time(second * 1_000)
        pump.handshake_failed(0, NEAR, guess=False)
    recorded = pump.controller.log.last_seq - last
    assert 240 <= recorded <= 10 + 240 + 6
    assert pump.storage.writes - writes <= 4 * recorded
    assert security(pump).hs_fail_total == 28_800


def test_failures_that_were_only_counted_are_stored_with_the_next_that_is_told(pump: Pump) -> None:
    for _ in range(30):
        pump.handshake_failed(0, NEAR, guess=False)
    guess(pump, FAR)
    pump.reset()
    assert security(pump).hs_fail_total == 31
    assert HandshakeFailEvent(3, 31) in told(pump)


def test_failed_handshakes_are_counted_over_resets(pump: Pump) -> None:
    pump.handshake_failed(3, NEAR, guess=True)
    pump.reset()
    pump.handshake_failed(ENROL_SLOT, FAR, guess=True)
    failures = [event for event in told(pump) if isinstance(event, HandshakeFailEvent)]
    assert failures == [HandshakeFailEvent(3, 1), HandshakeFailEvent(255, 2)]


# --- power and snapshots ----------------------------------------------------------------------------------


def cuts() -> Iterator[tuple[int, int]]:
    return ((nth, torn) for nth in range(1, 9) for torn in (0, 5))


@pytest.mark.parametrize(("nth", "torn"), list(cuts()))
def test_power_that_fails_while_a_lockout_begins_leaves_it_whole_or_the_streak_before(
    nth: int, torn: int
) -> None:
    pump = new_pump()
    pump.set_link_time(0)
    for _ in range(4):
        guess(pump)
    pump.storage.cut_power_at(nth, torn=torn)
    try:
        guess(pump)
    except PowerCut:
        pump.reset()
    pump.storage.cut_power_at(0)
    locked = pump.lockout_s(NEAR) > 0
    assert security(pump).hs_fail_streak == (5 if locked else 4)
    assert (standing(pump, AlarmCode.SECURITY_LOCKOUT) is not None) is locked
    if nth > 1:
        # The first copy is the instant at which it counts.
        assert locked


def test_a_snapshot_carries_budget_and_lockout() -> None:
    pump = pump_at_work()
    pump.set_link_time(0)
    now_ms = long_lockout(pump)
    for _ in range(7):
        pump.admit_handshake(FAR)
    pump.handshake_failed(0, FAR, guess=False)
    at(pump, now_ms + 30_000)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    for each in (pump, copy):
        assert each.lockout_s(NEAR) == 34
        assert sum(not each.admit_handshake(FAR) for _ in range(20)) == 8
        each.handshake_failed(1, FAR, guess=True)
        at(each, now_ms + 64_000)
        assert each.lockout_s(NEAR) == 0
    assert copy.snapshot() == pump.snapshot()
