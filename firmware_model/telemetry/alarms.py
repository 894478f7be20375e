"""Group 8: alarms."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Context, Handler
from protocol.messages.alarms import GetAlarmsRequest, GetAlarmsResponse
from protocol.requests import Caller


def _get_alarms(pump: Context, _body: GetAlarmsRequest, _caller: Caller) -> GetAlarmsResponse:
    return GetAlarmsResponse(pump.controller.alarms.standing)


HANDLERS: Final[Mapping[type, Handler]] = {
    GetAlarmsRequest: _get_alarms,
}
"""One handler for every request of these groups."""
