"""Any way to cut the time gives the same pump, and a snapshot goes on exactly as the pump it was taken of."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    INTENT,
    MONDAY_UTC_S,
    active_program,
    ask,
    caller,
    commit,
    commit_request,
    intent,
    new_pump,
    pump_at_work,
    status,
    verified,
    with_steps,
)

from firmware_model.pump import Pump
from firmware_model.snapshot import SnapshotError, decode_snapshot, encode_snapshot
from protocol.messages.bonds import BondEnrolRequest
from protocol.requests import ENROL_SLOT
from protocol.vocabulary import CloseReason, DeliveryState, Role

ML = 1_000_000
WORKING = pump_at_work().snapshot()
SECOND_DOSE = with_steps(active_program(pump_at_work()), (0, 40_000), (300, 2_000), (333, 20_000))


def eventful(pump: Pump) -> Pump:
    """Give a pump a past and a future: events of every kind lie within the next weeks."""
    pump.plant.state.motor.gain_ppm = 1_037_001
    commit(pump, SECOND_DOSE)
    commit(
        pump,
        with_steps(SECOND_DOSE, (0, 29_999), (700, 30_001)),
        intent(2),
        effective_utc_s=MONDAY_UTC_S + 5 * 86_400 + 17,
    )
    pump.controller.therapy.order_hold(DeliveryState.STOPPED, 50 * 60)
    return pump


EVENTFUL = eventful(Pump.restore(WORKING)).snapshot()
HORIZON_MS = 40 * DAY_MS

cuts = st.lists(st.integers(0, HORIZON_MS), max_size=12).map(sorted)


def run(pump: Pump, stops: Sequence[int]) -> Pump:
    for stop in stops:
        pump.advance_to(stop)
    pump.advance_to(HORIZON_MS)
    return pump


ONE_STEP = run(Pump.restore(EVENTFUL), []).snapshot()


def test_the_story_is_eventful() -> None:
    """Guards the tests below against passing on a pump to which nothing happens."""
    assert ONE_STEP.ram.log_last_seq >= EVENTFUL.ram.log_last_seq + 7
    pump = Pump.restore(ONE_STEP)
    assert status(pump).delivery_state is DeliveryState.STOPPED
    assert pump.truth().content_units == 0


@given(cuts)
def test_any_split_of_time_gives_the_same_pump(stops: list[int]) -> None:
    assert run(Pump.restore(EVENTFUL), stops).snapshot() == ONE_STEP


@given(cuts)
def test_looking_at_the_pump_changes_nothing(stops: list[int]) -> None:
    pump = Pump.restore(EVENTFUL)
    for stop in stops:
        pump.advance_to(stop)
        status(pump)
        pump.belief()
        pump.truth()
        pump.snapshot()
    assert run(pump, []).snapshot() == ONE_STEP


@given(cuts)
def test_stopping_at_every_event_gives_the_same_pump(stops: list[int]) -> None:
    pump = Pump.restore(EVENTFUL)
    for stop in [*stops, HORIZON_MS]:
        while (at := pump.next_event_ms()) is not None and at <= stop:
            pump.advance_to(at)
        pump.advance_to(stop)
    assert pump.snapshot() == ONE_STEP


@given(st.integers(0, HORIZON_MS), cuts)
def test_a_snapshot_goes_on_like_the_pump_it_was_taken_of(at: int, stops: list[int]) -> None:
    pump = Pump.restore(EVENTFUL)
    pump.advance_to(at)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    assert copy.next_event_ms() == pump.next_event_ms()
    later = [stop for stop in stops if stop > at]
    assert run(copy, later).snapshot() == ONE_STEP


volumes = st.integers(0, 6 * ML)
gains = st.sampled_from([1, 333_333, 1_000_000, 1_000_001, 3_000_000])


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 30 * DAY_MS), volumes, gains, st.booleans()), max_size=6))
def test_no_unit_is_lost_in_belief_or_truth(visits: list[tuple[int, int, int, bool]]) -> None:
    pump = Pump.restore(WORKING)
    for span_ms, filled_nl, gain_ppm, power_fails in visits:
        pump.advance_to(pump.now_ms + span_ms)
        pump.refill(filled_nl)
        pump.plant.state.motor.gain_ppm = gain_ppm
        if power_fails:
            pump.reset()
        for view in (pump.belief(), pump.truth()):
            assert view.filled_units == view.delivered_units + view.content_units + view.wasted_units
            assert view.content_units >= 0


# --- snapshots --------------------------------------------------------------------------------------------


def test_a_snapshot_keeps_an_open_transaction() -> None:
    pump = pump_at_work()
    summary = verified(pump, SECOND_DOSE)
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    first, second = ask(pump, commit_request(summary)), ask(copy, commit_request(summary))
    assert first == second
    assert copy.snapshot() == pump.snapshot()


def test_a_snapshot_keeps_bonds_sessions_and_what_tokens_come_next() -> None:
    pump = pump_at_work()
    enrolling = caller(1, ENROL_SLOT, Role.ENROL)
    for number in (1, 2):
        ask(pump, BondEnrolRequest(bytes([number] * 32), Role.CLINICIAN, f"clinic {number}"), enrolling)
    pump.session_opened(caller(2, 0))
    pump.session_closed(2, CloseReason.DONE)
    pump.session_opened(caller(3, 1))
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    for each in (pump, copy):
        each.advance_to(HOUR_MS)
        assert verified(each, SECOND_DOSE, INTENT).token == verified_token(pump)
        each.session_closed(3, CloseReason.DONE)
    assert copy.snapshot() == pump.snapshot()


def verified_token(pump: Pump) -> bytes:
    opened = pump.controller.programming.open
    last = pump.snapshot().ram.staged
    if opened is not None and opened.verified is not None:
        return opened.verified.token
    assert last is not None
    return last.token


def test_a_snapshot_is_a_value() -> None:
    """What happens to the pump afterwards does not reach into a snapshot."""
    pump = pump_at_work()
    before = pump.snapshot()
    octets = encode_snapshot(before)
    run(eventful(pump), [])
    assert encode_snapshot(before) == octets
    assert Pump.restore(before).snapshot() == before


def test_octets_that_are_no_snapshot_are_refused() -> None:
    whole = encode_snapshot(new_pump().snapshot())
    for octets in (b"", b"{}", b"[1]", whole[:-1], whole.replace(b'"boot.a"', b'"boot.a", ')):
        with pytest.raises(SnapshotError, match="not a pump snapshot"):
            decode_snapshot(octets)


def test_a_snapshot_of_another_version_is_refused() -> None:
    other = replace(new_pump().snapshot(), version=99)
    with pytest.raises(SnapshotError, match="version 99, this program reads 3"):
        decode_snapshot(encode_snapshot(other))
    with pytest.raises(SnapshotError, match="version 99"):
        Pump.restore(other)


def test_a_snapshot_with_an_unknown_record_is_refused() -> None:
    snapshot = new_pump().snapshot()
    records = {**snapshot.ram.records, "nonsense": snapshot.ram.records["boot"]}
    with pytest.raises(SnapshotError, match="nonsense"):
        Pump.restore(replace(snapshot, ram=replace(snapshot.ram, records=records)))


TRACE = """
import hashlib
from support.pump_bench import pump_at_work, commit, with_steps, active_program
from firmware_model.snapshot import encode_snapshot
pump = pump_at_work(seed=5)
commit(pump, with_steps(active_program(pump), (0, 30_000)))
pump.advance_to(30 * 86_400_000)
pump.reset()
print(hashlib.sha256(encode_snapshot(pump.snapshot())).hexdigest())
"""


def test_one_seed_is_one_story_whatever_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    traces = {
        subprocess.run(
            [sys.executable, "-c", TRACE],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1234")
    }
    assert len(traces) == 1
