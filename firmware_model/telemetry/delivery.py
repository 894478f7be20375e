"""Groups 2.2, 5 and 11: day totals, boluses, stopping and resuming, the refill record."""

import hashlib
from collections.abc import Mapping
from typing import Final

from firmware_model.controller.bolus_check import BolusPlan
from firmware_model.controller.bolus_orders import ArmOrder, StartOrder
from firmware_model.controller.delivery_orders import DeliveryOrder
from firmware_model.controller.refill import RefillOrder
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.codec import codec_of
from protocol.messages.delivery import (
    ARM_TOKEN_S,
    BolusArmRequest,
    BolusArmResponse,
    BolusCancelRequest,
    BolusCancelResponse,
    BolusStartRequest,
    BolusStartResponse,
    PatientBolusRequest,
    PatientBolusResponse,
    SetDeliveryRequest,
    SetDeliveryResponse,
)
from protocol.messages.refill import RefillRecordRequest, RefillRecordResponse
from protocol.messages.status import GetDayTotalsRequest, GetDayTotalsResponse
from protocol.program import DIGEST_SIZE
from protocol.quantities import units_to_nl
from protocol.requests import Caller, Refusal
from protocol.vocabulary import ErrorCode

_U8: Final = 0xFF
_INTENT_FIELD: Final = 4


def _digest(body: BolusArmRequest | PatientBolusRequest | RefillRecordRequest) -> bytes:
    """Return what a receipt says of the request that carried its intent."""
    kind: type = type(body)
    return hashlib.sha256(codec_of(kind).encode(body)).digest()[:DIGEST_SIZE]


def _day_totals(pump: Context, body: GetDayTotalsRequest, _caller: Caller) -> GetDayTotalsResponse | Refusal:
    therapy, clock = pump.controller.therapy, pump.controller.clock
    totals = therapy.spans.day(therapy.flow, body.day_back)
    if totals is None:
        return Refusal(ErrorCode.NO_RECORDS, 0, therapy.spans.days_known(therapy.flow))
    return GetDayTotalsResponse(
        day_utc_s=max(0, clock.utc_at(therapy.flow.day_begins(totals.day))),
        basal_nl=units_to_nl(totals.basal_units),
        patient_bolus_nl=units_to_nl(totals.patient_units),
        clinician_bolus_nl=units_to_nl(totals.clinician_units),
        prime_nl=units_to_nl(totals.prime_units),
        suspended_s=totals.suspended_ms // 1_000,
        patient_bolus_given=min(totals.given, _U8),
        patient_bolus_denied=min(totals.denied, _U8),
    )


def _arm(pump: Context, body: BolusArmRequest, caller: Caller) -> BolusArmResponse | Refusal:
    plan = BolusPlan(body.volume_nl, body.duration_s, body.declared_dose_ng)
    order = ArmOrder(body.kind, plan, body.intent_id, _digest(body))
    done = pump.controller.boluses.arm(order, caller, pump.link_ms)
    if isinstance(done, Refusal):
        return done
    armed, summary = done
    return BolusArmResponse(
        armed.bolus_id, armed.token, ARM_TOKEN_S, summary.rate_nl_h, summary.dose_ng, summary.soft_flags
    )


def _start(pump: Context, body: BolusStartRequest, caller: Caller) -> BolusStartResponse | Refusal:
    order = StartOrder(body.bolus_id, body.token, body.soft_ack, body.override_reason)
    receipt = pump.controller.boluses.start(order, caller, pump.link_ms)
    if isinstance(receipt, Refusal):
        return receipt
    return BolusStartResponse(body.bolus_id, receipt.uptime_s, receipt.log_seq)


def _cancel(pump: Context, body: BolusCancelRequest, caller: Caller) -> BolusCancelResponse | Refusal:
    done = pump.controller.boluses.cancel(body.bolus_id, caller, pump.link_ms)
    if isinstance(done, Refusal):
        return done
    return BolusCancelResponse(body.bolus_id, done.delivered_nl, done.left_nl, done.log_seq)


def _patient_bolus(
    pump: Context, body: PatientBolusRequest, caller: Caller
) -> PatientBolusResponse | Refusal:
    done = pump.controller.boluses.ask(body.intent_id, _digest(body), caller)
    if isinstance(done, Refusal):
        return done
    bolus, allowance = done
    return PatientBolusResponse(
        bolus.bolus_id, bolus.volume_nl, bolus.duration_s, allowance.left, allowance.lockout_s
    )


def _set_delivery(pump: Context, body: SetDeliveryRequest, caller: Caller) -> SetDeliveryResponse | Refusal:
    order = DeliveryOrder(body.target_state, body.max_minutes, body.reason, body.program_version)
    orders, therapy = pump.controller.delivery_orders, pump.controller.therapy
    seq = orders.set_delivery(order, caller)
    if isinstance(seq, Refusal):
        return seq
    return SetDeliveryResponse(therapy.decision.state, therapy.rate_nl_h, orders.resumes_utc_s, seq)


def _refill(pump: Context, body: RefillRecordRequest, caller: Caller) -> RefillRecordResponse | Refusal:
    controller = pump.controller
    capacity_nl = controller.profile.reservoir_capacity_nl
    for field, value in enumerate((body.withdrawn_nl, body.filled_nl)):
        if value > capacity_nl:
            return Refusal(ErrorCode.OUT_OF_RANGE, field, capacity_nl)
    if controller.receipts.find(body.intent_id) is not None:
        return Refusal(ErrorCode.INTENT_REUSED, _INTENT_FIELD)
    version = controller.therapy.program.version
    if body.program_version != version:
        return Refusal(ErrorCode.VERSION_CONFLICT, 2, version)
    order = RefillOrder(
        body.withdrawn_nl, body.filled_nl, caller.slot, body.intent_id, body.lot, _digest(body)
    )
    expected_nl, seq = controller.therapy.book_refill(order)
    return RefillRecordResponse(controller.therapy.registers.content_nl, expected_nl, seq)


HANDLERS: Final[Mapping[type, Handler]] = {
    GetDayTotalsRequest: _day_totals,
    BolusArmRequest: _arm,
    BolusStartRequest: _start,
    BolusCancelRequest: _cancel,
    PatientBolusRequest: _patient_bolus,
    SetDeliveryRequest: _set_delivery,
    RefillRecordRequest: _refill,
}
"""One handler for every request of these groups."""
