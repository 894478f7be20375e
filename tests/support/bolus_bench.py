"""Boluses on a pump without a link: arming, starting, asking and cancelling, the way programmers do."""

from dataclasses import replace
from functools import cache
from typing import Any

from support.pump_bench import active_program, ask, caller, commit, intent, log_of, pump_at_work

from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot
from protocol.log_record import read_payload
from protocol.messages.delivery import (
    BolusArmRequest,
    BolusArmResponse,
    BolusCancelRequest,
    BolusStartRequest,
    BolusStartResponse,
    PatientBolusRequest,
    SetDeliveryRequest,
)
from protocol.messages.status import GetDayTotalsRequest
from protocol.program import Limits, PatientBolus, Program
from protocol.quantities import dose_ng_per_day
from protocol.request_words import BolusKind, DeliveryReason
from protocol.requests import EMERGENCY_SLOT, Caller
from protocol.vocabulary import DeliveryState, OverrideReason, Role, SoftLimit, Switch

CONC_NG_ML = 20_000_000
PATIENT = caller(8, 1, Role.PATIENT)
EMERGENCY = caller(9, EMERGENCY_SLOT, Role.EMERGENCY)
PATIENT_RULES = PatientBolus(Switch.ON, 5_000, 600, lockout_min=60, max_per_24h=3, max_24h_nl=15_000)
WIDE = Limits(
    hard_rate_nl_h=1_000_000,
    hard_hour_nl=1_000_000,
    hard_day_nl=24_000_000,
    hard_bolus_nl=1_000_000,
    soft_rate_nl_h=1_000_000,
    soft_hour_nl=1_000_000,
    soft_day_nl=24_000_000,
    soft_bolus_nl=1_000_000,
)
"""Limits that only the pump itself stands behind."""

_PROGRAM_INTENT = intent(0xA11CE)


@cache
def _working() -> PumpSnapshot:
    pump = pump_at_work()
    program = active_program(pump)
    commit(pump, replace(program, patient_bolus=PATIENT_RULES), _PROGRAM_INTENT)
    return pump.snapshot()


def bolus_pump(**changes: Any) -> Pump:  # noqa: ANN401 - parts of a program
    """Return the demo patient's pump with a patient bolus; ``changes`` replace parts of its program."""
    pump = Pump.restore(_working())
    if changes:
        commit(pump, replace(active_program(pump), **changes), intent(0xB0B))
    return pump


def limited(program: Program, **limits: int) -> Program:
    return replace(program, limits=replace(program.limits, **limits))


def arm_request(
    volume_nl: int = 10_000,
    duration_s: int = 1_800,
    kind: BolusKind = BolusKind.CLINICIAN,
    number: int = 1,
    declared_ng: int | None = None,
) -> BolusArmRequest:
    dose = dose_ng_per_day(volume_nl, CONC_NG_ML) if declared_ng is None else declared_ng
    return BolusArmRequest(kind, volume_nl, duration_s, dose, intent(number))


def arm(pump: Pump, *args: Any, **kwargs: Any) -> BolusArmResponse:  # noqa: ANN401 - those of arm_request
    answer = ask(pump, arm_request(*args, **kwargs))
    assert isinstance(answer, BolusArmResponse), answer
    return answer


def start_request(armed: BolusArmResponse, ack: SoftLimit | None = None) -> BolusStartRequest:
    """Return the request that starts an armed bolus, every soft limit acknowledged unless said otherwise."""
    flags = armed.soft_flags if ack is None else ack
    reason = OverrideReason.CLINICAL_JUDGEMENT if flags else OverrideReason.NONE
    return BolusStartRequest(armed.bolus_id, armed.token, flags, reason)


def give(pump: Pump, *args: Any, **kwargs: Any) -> BolusStartResponse:  # noqa: ANN401 - see arm_request
    """Arm a bolus and start it, once the tests after a reset are over."""
    pass_power_on_test(pump)
    answer = ask(pump, start_request(arm(pump, *args, **kwargs)))
    assert isinstance(answer, BolusStartResponse), answer
    return answer


def pass_power_on_test(pump: Pump) -> None:
    """Let the time pass in which no bolus may begin after a reset."""
    left_ms = pump.controller.therapy.supervision.power_on_test_ms
    if left_ms > 0:
        pump.advance_to(pump.now_ms + left_ms)


def ask_for_bolus(pump: Pump, number: int, who: Caller = PATIENT) -> Any:  # noqa: ANN401 - or a refusal
    return ask(pump, PatientBolusRequest(intent(number)), who)


def cancel(pump: Pump, bolus_id: int, who: Caller | None = None) -> Any:  # noqa: ANN401 - or a refusal
    return ask(pump, BolusCancelRequest(bolus_id), who)


def set_delivery(
    pump: Pump,
    target: DeliveryState,
    minutes: int = 0,
    reason: DeliveryReason = DeliveryReason.CLINICAL,
    who: Caller | None = None,
    version: int | None = None,
) -> Any:  # noqa: ANN401 - or a refusal
    seen = pump.controller.therapy.program.version if version is None else version
    return ask(pump, SetDeliveryRequest(target, minutes, reason, seen), who)


def day(pump: Pump, back: int = 0) -> Any:  # noqa: ANN401 - or a refusal
    return ask(pump, GetDayTotalsRequest(back))


def told(pump: Pump, kind: type) -> list[Any]:
    """Return what the log tells of one type of event."""
    return [event for record in log_of(pump) if isinstance(event := read_payload(record), kind)]


def in_balance(pump: Pump) -> bool:
    """What went in is what went out and what is left, in belief and in truth, to the last unit."""
    views = (pump.belief(), pump.truth())
    return all(
        view.filled_units == view.delivered_units + view.content_units + view.wasted_units
        and view.content_units >= 0
        for view in views
    )
