"""Groups 1 and 2: what the pump is and believes."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.event_log import CAPACITY
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.device import GetDeviceInfoRequest, GetDeviceInfoResponse
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.program import MAX_DRUGS, MAX_STEPS
from protocol.quantities import units_to_nl
from protocol.requests import Caller
from protocol.vocabulary import Feature

FIRMWARE_VERSION: Final = 0 << 16 | 1 << 8 | 0
"""Version of this firmware, major * 65536 + minor * 256 + patch."""

NEVER_S: Final = 0xFFFF_FFFF
_U64: Final = (1 << 64) - 1


def _device_info(pump: Context, _body: GetDeviceInfoRequest, _caller: Caller) -> GetDeviceInfoResponse:
    profile = pump.controller.profile
    return GetDeviceInfoResponse(
        serial=pump.identity.serial,
        model=profile.model_number,
        hw_rev=profile.hardware_revision,
        fw_version=FIRMWARE_VERSION,
        features=_features(pump),
        reservoir_capacity_nl=profile.reservoir_capacity_nl,
        rate_min_nl_h=profile.rate_min_nl_h,
        rate_max_nl_h=profile.rate_max_nl_h,
        bolus_max_nl=profile.bolus_max_nl,
        max_steps=MAX_STEPS,
        max_drugs=MAX_DRUGS,
        log_capacity=CAPACITY,
        made_utc_s=pump.identity.made_utc_s,
        implanted_utc_s=pump.controller.implanted_utc_s,
        service_life_days=profile.service_life_days,
    )


def _features(pump: Context) -> Feature:
    far_link = Feature.FAR_LINK if pump.far_link else Feature(0)
    return Feature.WEEKLY_SCHEDULE | Feature.BOLUS | Feature.NOTIFICATIONS | far_link


def _status(pump: Context, _body: GetStatusRequest, caller: Caller) -> GetStatusResponse:
    controller = pump.controller
    therapy, clock, alarms = controller.therapy, controller.clock, controller.alarms
    registers = therapy.registers
    battery_mv = controller.hardware.battery_mv()
    bolus = controller.boluses.view(pump.link_ms)
    utc_s, change_ms = clock.utc_s, therapy.next_change_ms
    return GetStatusResponse(
        uptime_s=clock.uptime_s,
        utc_s=utc_s,
        delivery_state=therapy.decision.state,
        op_state=controller.op_state,
        rate_nl_h=therapy.rate_nl_h,
        reservoir_nl=registers.content_nl,
        since_midnight_nl=units_to_nl(registers.since_midnight_units),
        lifetime_nl=units_to_nl(registers.delivered_units) & _U64,
        battery_mv=battery_mv,
        battery_permille=controller.life.charge_permille,
        eri_days=controller.life.eri_days,
        temp_cdeg=controller.hardware.temperature_cdeg(),
        alarm_count=alarms.count,
        alarm_max_prio=alarms.highest,
        log_last_seq=controller.log.last_seq,
        program_version=controller.programs.table.active.version,
        last_txn_id=caller.last_txn,
        active_step=therapy.active_step,
        bolus_state=bolus.state,
        bolus_id=bolus.bolus_id,
        bolus_delivered_nl=bolus.delivered_nl,
        bolus_total_nl=bolus.total_nl,
        next_change_s=NEVER_S if change_ms is None else -(-change_ms // 1_000),
    )


HANDLERS: Final[Mapping[type, Handler]] = {
    GetDeviceInfoRequest: _device_info,
    GetStatusRequest: _status,
}
"""One handler for every request of these groups."""
