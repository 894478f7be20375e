"""The refill record: what a clinician says was drawn out and filled in."""

import hashlib
from dataclasses import replace

import pytest
from support.bolus_bench import bolus_pump, give, in_balance, told
from support.pump_bench import DAY_MS, HOUR_MS, ask, intent, new_pump, receipt_of, status

from firmware_model.pump import Pump
from firmware_model.snapshot import decode_snapshot, encode_snapshot
from protocol.log_record import RefillEvent
from protocol.messages.codec import codec_of
from protocol.messages.refill import RefillRecordRequest, RefillRecordResponse
from protocol.quantities import UNITS_PER_NL
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, DeliveryState, ErrorCode, ReceiptState

REQUEST = RefillRecordRequest(13_100_000, 18_000_000, 2, "LOT 4711", intent(1))


def test_a_refill_is_booked_with_the_residual_the_pump_had_computed() -> None:
    pump = bolus_pump()
    pump.advance_to(HOUR_MS)
    answer = ask(pump, REQUEST)
    assert answer == RefillRecordResponse(18_000_000, 13_191_000, answer.log_seq)
    assert told(pump, RefillEvent)[-1] == RefillEvent(13_100_000, 18_000_000, 13_191_000)
    receipt = receipt_of(pump, intent(1))
    assert (receipt.state, receipt.version, receipt.log_seq) == (ReceiptState.COMMITTED, 2, answer.log_seq)
    assert receipt.digest == hashlib.sha256(codec_of(RefillRecordRequest).encode(REQUEST)).digest()[:16]
    view = pump.belief()
    assert view.content_units == 18_000_000 * UNITS_PER_NL
    assert view.filled_units == view.delivered_units + view.content_units + view.wasted_units


def test_the_lot_is_kept_over_resets_and_snapshots() -> None:
    pump = bolus_pump()
    ask(pump, REQUEST)
    pump.reset()
    copy = Pump.restore(decode_snapshot(encode_snapshot(pump.snapshot())))
    for each in (pump, copy):
        last = each.controller.therapy.refills.last
        assert last is not None
        assert (last.lot, last.number, last.actor_slot) == ("LOT 4711", 2, 0)


def test_a_refill_changes_belief_and_not_truth() -> None:
    """The clinician has filled the pump with a syringe; this is only what they say of it."""
    pump = bolus_pump()
    before = pump.truth()
    ask(pump, REQUEST)
    assert pump.truth() == before


def test_alarms_follow_the_new_content() -> None:
    pump = bolus_pump()
    pump.advance_to(60 * DAY_MS)
    assert status(pump).delivery_state is DeliveryState.STOPPED
    ask(pump, replace(REQUEST, withdrawn_nl=0))
    assert status(pump).delivery_state is DeliveryState.RUNNING
    for code in (AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY):
        assert not pump.controller.alarms.stands(code)
    ask(pump, replace(REQUEST, filled_nl=1_000_000, intent_id=intent(2)))
    assert pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW)


def test_a_bolus_goes_on_over_a_refill() -> None:
    pump = bolus_pump()
    give(pump, 10_000, 1_800)
    pump.advance_to(900_000)
    ask(pump, REQUEST)
    pump.advance_to(HOUR_MS)
    assert status(pump).bolus_delivered_nl == 10_000
    assert in_balance(pump)


def test_a_new_pump_is_filled_before_its_first_program() -> None:
    pump = new_pump()
    assert ask(pump, replace(REQUEST, withdrawn_nl=0, program_version=0)).expected_residual_nl == 0
    assert status(pump).reservoir_nl == 18_000_000


@pytest.mark.parametrize(("changes", "expected"), [
    ({"withdrawn_nl": 20_000_001}, Refusal(ErrorCode.OUT_OF_RANGE, 0, 20_000_000)),
    ({"filled_nl": 20_000_001}, Refusal(ErrorCode.OUT_OF_RANGE, 1, 20_000_000)),
    ({"program_version": 1}, Refusal(ErrorCode.VERSION_CONFLICT, 2, 2)),
    ({"program_version": 1, "filled_nl": 20_000_001}, Refusal(ErrorCode.OUT_OF_RANGE, 1, 20_000_000)),
])  # fmt: skip
def test_a_refill_that_cannot_be_is_refused(changes: dict[str, int], expected: Refusal) -> None:
    pump = bolus_pump()
    before = pump.snapshot()
    assert ask(pump, replace(REQUEST, **changes)) == expected  # type: ignore[arg-type]
    assert pump.snapshot() == before


def test_an_intent_is_booked_once() -> None:
    pump = bolus_pump()
    ask(pump, REQUEST)
    pump.reset()
    before = pump.snapshot()
    assert ask(pump, REQUEST) == Refusal(ErrorCode.INTENT_REUSED, 4)
    assert pump.snapshot() == before
