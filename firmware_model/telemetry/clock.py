"""Group 6: the pump's clocks."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Context, Handler
from protocol.messages.clock import GetClockRequest, GetClockResponse, SetClockRequest, SetClockResponse
from protocol.requests import Caller, Refusal


def _clock(pump: Context, _body: GetClockRequest, _caller: Caller) -> GetClockResponse:
    clock = pump.controller.clock
    return GetClockResponse(
        uptime_ms=clock.uptime_ms,
        utc_s=clock.utc_s,
        utc_offset_min=pump.controller.therapy.utc_offset_min,
        boot_count=clock.boot_count,
        time_base=clock.setting.time_base,
        state=clock.state,
    )


def _set_clock(pump: Context, body: SetClockRequest, caller: Caller) -> SetClockResponse | Refusal:
    step = pump.controller.set_clock(body.utc_s, body.utc_offset_min, body.source, caller.slot)
    if isinstance(step, Refusal):
        return step
    return SetClockResponse(step.step_s, step.time_base, step.log_seq)


HANDLERS: Final[Mapping[type, Handler]] = {
    GetClockRequest: _clock,
    SetClockRequest: _set_clock,
}
"""One handler for every request of this group."""
