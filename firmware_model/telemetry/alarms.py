"""Group 8: alarms."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Context, Handler
from protocol.messages.alarms import (
    AlarmAckRequest,
    AlarmAckResponse,
    AlarmSilenceRequest,
    AlarmSilenceResponse,
    GetAlarmsRequest,
    GetAlarmsResponse,
)
from protocol.requests import Caller, Refusal
from protocol.vocabulary import AlarmState


def _get_alarms(pump: Context, _body: GetAlarmsRequest, _caller: Caller) -> GetAlarmsResponse:
    return GetAlarmsResponse(pump.controller.alarms.standing)


def _ack(pump: Context, body: AlarmAckRequest, caller: Caller) -> AlarmAckResponse | Refusal:
    state = pump.controller.alarms.acknowledge(body.instance, caller.role, caller.slot)
    if isinstance(state, Refusal):
        return state
    # The end of a silence was an event to come, and may be none any more.
    pump.controller.therapy.review()
    return AlarmAckResponse(body.instance, state)


def _silence(pump: Context, body: AlarmSilenceRequest, caller: Caller) -> AlarmSilenceResponse | Refusal:
    controller = pump.controller
    until_ms = controller.alarms.silence(body.instance, body.seconds, caller.role, caller.slot)
    if isinstance(until_ms, Refusal):
        return until_ms
    controller.therapy.review()
    return AlarmSilenceResponse(body.instance, AlarmState.SILENCED, controller.clock.uptime_at(until_ms))


HANDLERS: Final[Mapping[type, Handler]] = {
    GetAlarmsRequest: _get_alarms,
    AlarmAckRequest: _ack,
    AlarmSilenceRequest: _silence,
}
"""One handler for every request of this group."""
