"""From request to response: one handler for every message of the registry.

The endpoint has checked form, role and proximity before; what is left here is the state of the pump and the
rules of therapy. A handler returns the response body or a `Refusal`, and what it changed is durable then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmware_model.controller.access import CONFIRM_WITHIN_S
from firmware_model.controller.battery import charge_permille, eri_days
from firmware_model.controller.controller import Controller
from firmware_model.controller.event_log import CAPACITY, RECORD_SIZE
from firmware_model.controller.program_store import NO_PROGRAM, ProgramEntry
from firmware_model.controller.programming import LIFE_MS, CommitOrder
from firmware_model.identity import Identity
from protocol.messages.alarms import GetAlarmsRequest, GetAlarmsResponse
from protocol.messages.bonds import BondEnrolRequest, BondEnrolResponse
from protocol.messages.clock import GetClockRequest, GetClockResponse
from protocol.messages.device import GetDeviceInfoRequest, GetDeviceInfoResponse
from protocol.messages.log import LogInfoRequest, LogInfoResponse, LogReadRequest, LogReadResponse
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    GetProgramInfoRequest,
    GetProgramInfoResponse,
    GetReceiptRequest,
    ProgAbortRequest,
    ProgAbortResponse,
    ProgBeginRequest,
    ProgBeginResponse,
    ProgCommitRequest,
    ProgStageRequest,
    ProgStageResponse,
    ProgVerifyRequest,
    ProgVerifyResponse,
    ReadProgramRequest,
    ReadProgramResponse,
    ReceiptResponse,
)
from protocol.messages.registry import MESSAGES, Access
from protocol.messages.schema import schema_crc
from protocol.messages.session import (
    KeepaliveRequest,
    KeepaliveResponse,
    SessionCloseRequest,
    SessionCloseResponse,
    SessionConfirmRequest,
    SessionConfirmResponse,
)
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.program import DIGEST_SIZE, MAX_DRUGS, MAX_STEPS, program_digest
from protocol.pump_session import IDLE_TIMEOUT_S
from protocol.quantities import units_to_nl
from protocol.requests import Caller, Refusal
from protocol.vocabulary import BolusState, BondState, ErrorCode, Feature, Role, Which

FIRMWARE_VERSION: Final = 0 << 16 | 1 << 8 | 0
"""Version of this firmware, major * 65536 + minor * 256 + patch."""

NEVER_S: Final = 0xFFFF_FFFF
_U64: Final = (1 << 64) - 1
_READING: Final = frozenset((Access.SESSION, Access.READ))


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the handlers work on.

    Attributes:
        controller: the running firmware, settled to now.
        identity: what makes this pump this pump.
        link_ms: link time now.
    """

    controller: Controller
    identity: Identity
    link_ms: int

    def answer(self, body: object, caller: Caller) -> Any:  # noqa: ANN401 - any response body
        """Return the response body to a request body, or a `Refusal`.

        Raises:
            KeyError: ``body`` is no request of the registry.
            PowerCut: power failed; nothing is answered.
        """
        return HANDLERS[type(body)](self, body, caller)


# --- session ----------------------------------------------------------------------------------------------


def privileges(role: Role, state: BondState) -> int:
    """Return the mask of message groups of which a bond may send a request; provisional ones only read."""
    allowed = (
        spec.group
        for spec in MESSAGES
        if role in spec.roles
        and (role is Role.ENROL or state is BondState.CONFIRMED or spec.access in _READING)
    )
    return sum(1 << group for group in set(allowed))


def _session_confirm(pump: Telemetry, _body: SessionConfirmRequest, caller: Caller) -> SessionConfirmResponse:
    bond = pump.controller.access.bond(caller.slot)
    state = BondState.PROVISIONAL if bond is None else bond.state
    clock = pump.controller.clock
    return SessionConfirmResponse(
        session_id=caller.session_id,
        role=caller.role,
        privileges=privileges(caller.role, state),
        idle_timeout_s=IDLE_TIMEOUT_S,
        schema_crc=schema_crc(),
        boot_count=clock.boot_count,
        uptime_s=clock.uptime_s,
    )


def _keepalive(pump: Telemetry, _body: KeepaliveRequest, _caller: Caller) -> KeepaliveResponse:
    controller = pump.controller
    return KeepaliveResponse(
        uptime_s=controller.clock.uptime_s,
        delivery_state=controller.therapy.decision.state,
        alarm_max_prio=controller.alarms.highest,
        log_last_seq=controller.log.last_seq,
    )


def _session_close(_pump: Telemetry, _body: SessionCloseRequest, _caller: Caller) -> SessionCloseResponse:
    return SessionCloseResponse()


# --- device, status, clock --------------------------------------------------------------------------------


def _device_info(pump: Telemetry, _body: GetDeviceInfoRequest, _caller: Caller) -> GetDeviceInfoResponse:
    profile = pump.controller.profile
    return GetDeviceInfoResponse(
        serial=pump.identity.serial,
        model=profile.model_number,
        hw_rev=profile.hardware_revision,
        fw_version=FIRMWARE_VERSION,
        features=Feature.WEEKLY_SCHEDULE,
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


def _status(pump: Telemetry, _body: GetStatusRequest, caller: Caller) -> GetStatusResponse:
    controller = pump.controller
    therapy, clock, alarms = controller.therapy, controller.clock, controller.alarms
    registers, profile = therapy.registers, controller.profile
    battery_mv = controller.hardware.battery_mv()
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
        battery_permille=charge_permille(profile, battery_mv),
        eri_days=eri_days(profile, controller.implanted_utc_s, utc_s),
        temp_cdeg=controller.hardware.temperature_cdeg(),
        alarm_count=alarms.count,
        alarm_max_prio=alarms.highest,
        log_last_seq=controller.log.last_seq,
        program_version=controller.programs.table.active.version,
        last_txn_id=caller.last_txn,
        active_step=therapy.active_step,
        bolus_state=BolusState.NONE,
        bolus_id=0,
        bolus_delivered_nl=0,
        bolus_total_nl=0,
        next_change_s=NEVER_S if change_ms is None else -(-change_ms // 1_000),
    )


def _clock(pump: Telemetry, _body: GetClockRequest, _caller: Caller) -> GetClockResponse:
    clock = pump.controller.clock
    return GetClockResponse(
        uptime_ms=clock.uptime_ms,
        utc_s=clock.utc_s,
        utc_offset_min=pump.controller.therapy.utc_offset_min,
        boot_count=clock.boot_count,
        time_base=clock.setting.time_base,
        state=clock.state,
    )


# --- programs ---------------------------------------------------------------------------------------------


def _staged_version(pump: Telemetry) -> int:
    """Return the version the open transaction will make, 0 where there is none."""
    return pump.controller.programs.table.newest_version + 1 if pump.controller.programming.open else 0


def _program_info(pump: Telemetry, body: GetProgramInfoRequest, _caller: Caller) -> GetProgramInfoResponse:
    table, opened = pump.controller.programs.table, pump.controller.programming.open
    if body.which is Which.STAGED and opened is not None:
        complete = opened.next_gap == len(opened.image)
        digest = program_digest(bytes(opened.image)) if complete else b""
        return GetProgramInfoResponse(
            body.which,
            _staged_version(pump),
            len(opened.image),
            digest[:DIGEST_SIZE].ljust(DIGEST_SIZE, b"\0"),
            0,
            opened.slot,
        )
    entry = {Which.ACTIVE: table.active, Which.PREVIOUS: table.previous}.get(body.which, table.pending)
    return GetProgramInfoResponse(
        body.which,
        entry.version,
        entry.image_len,
        entry.sha256[:DIGEST_SIZE],
        entry.committed_utc_s,
        entry.actor_slot,
    )


def _read_program(
    pump: Telemetry, body: ReadProgramRequest, _caller: Caller
) -> ReadProgramResponse | Refusal:
    image = _image_of(pump, body.version)
    if isinstance(image, Refusal):
        return image
    if body.offset >= len(image):
        return Refusal(ErrorCode.OUT_OF_RANGE, 1, len(image))
    return ReadProgramResponse(body.version, body.offset, image[body.offset : body.offset + body.length])


def _image_of(pump: Telemetry, version: int) -> bytes | Refusal:
    table, opened = pump.controller.programs.table, pump.controller.programming.open
    if opened is not None and version == _staged_version(pump):
        complete = opened.next_gap == len(opened.image)
        return (
            bytes(opened.image) if complete else Refusal(ErrorCode.IMAGE_INCOMPLETE, detail=opened.next_gap)
        )
    entry = _entry_of(version, (table.active, table.previous, table.pending))
    if not entry:
        return Refusal(ErrorCode.VERSION_CONFLICT, 0, table.active.version)
    if entry is table.active:
        # Checked before each use: a copy that went bad since the start is found and mended here.
        pump.controller.therapy.load_active()
    image = pump.controller.programs.read(entry)
    return Refusal(ErrorCode.STORAGE) if image is None else image


def _entry_of(version: int, entries: tuple[ProgramEntry, ...]) -> ProgramEntry:
    return next((entry for entry in entries if entry and entry.version == version), NO_PROGRAM)


def _begin(pump: Telemetry, body: ProgBeginRequest, caller: Caller) -> ProgBeginResponse | Refusal:
    opened = pump.controller.programming.begin(
        caller.session_id, caller.slot, body.base_version, body.image_len, body.intent_id, pump.link_ms
    )
    if isinstance(opened, Refusal):
        return opened
    return ProgBeginResponse(opened.handle, LIFE_MS // 1_000, MAX_STAGE_BLOCK)


def _stage(pump: Telemetry, body: ProgStageRequest, caller: Caller) -> ProgStageResponse | Refusal:
    staged = pump.controller.programming.stage(
        caller.session_id, body.handle, body.offset, body.data, pump.link_ms
    )
    if isinstance(staged, Refusal):
        return staged
    return ProgStageResponse(staged.handle, staged.received, staged.next_gap)


def _verify(pump: Telemetry, body: ProgVerifyRequest, caller: Caller) -> ProgVerifyResponse | Refusal:
    checked = pump.controller.programming.verify(caller.session_id, body.handle, body.sha256, pump.link_ms)
    if isinstance(checked, Refusal):
        return checked
    token, summary = checked
    return ProgVerifyResponse(
        handle=body.handle,
        token=token,
        rate_min_nl_h=summary.rate_min_nl_h,
        rate_max_nl_h=summary.rate_max_nl_h,
        day_volume_nl=summary.day_volume_nl,
        max_hour_nl=summary.max_hour_nl,
        reservoir_days_x10=summary.reservoir_days_x10,
        refill_by_utc_s=summary.refill_by_utc_s,
        soft_flags=summary.soft_flags,
        doses=summary.doses,
    )


def _commit(pump: Telemetry, body: ProgCommitRequest, caller: Caller) -> ReceiptResponse | Refusal:
    order = CommitOrder(body.token, body.soft_ack, body.override_reason, body.effective_utc_s)
    return pump.controller.programming.commit(caller.session_id, body.handle, order, pump.link_ms)


def _abort(pump: Telemetry, body: ProgAbortRequest, caller: Caller) -> ProgAbortResponse | Refusal:
    refusal = pump.controller.programming.abort(caller.session_id, body.handle, pump.link_ms)
    return refusal or ProgAbortResponse(body.handle)


def _receipt(pump: Telemetry, body: GetReceiptRequest, _caller: Caller) -> ReceiptResponse:
    return pump.controller.programming.receipt(body.intent_id, pump.link_ms)


# --- log, alarms, bonds -----------------------------------------------------------------------------------


def _log_info(pump: Telemetry, _body: LogInfoRequest, _caller: Caller) -> LogInfoResponse:
    log = pump.controller.log
    return LogInfoResponse(log.epoch, log.first_seq, log.last_seq, RECORD_SIZE, CAPACITY)


def _log_read(pump: Telemetry, body: LogReadRequest, caller: Caller) -> LogReadResponse | Refusal:
    log = pump.controller.log
    if body.log_epoch != log.epoch:
        return Refusal(ErrorCode.LOG_EPOCH_CHANGED, 0, log.epoch)
    # One past the newest is where a reader waits for more; beyond it there will be nothing for long.
    if body.from_seq > log.last_seq + 1:
        return Refusal(ErrorCode.NO_RECORDS, 1, log.last_seq)
    page = log.page(body.from_seq, body.max_records, patient=caller.role is Role.PATIENT)
    return LogReadResponse(log.epoch, page.first_seq, page.flags, page.records)


def _get_alarms(pump: Telemetry, _body: GetAlarmsRequest, _caller: Caller) -> GetAlarmsResponse:
    return GetAlarmsResponse(pump.controller.alarms.standing)


def _enrol(pump: Telemetry, body: BondEnrolRequest, _caller: Caller) -> BondEnrolResponse | Refusal:
    bond = pump.controller.access.enrol(body.static_pub, body.role, body.label)
    if isinstance(bond, Refusal):
        return bond
    return BondEnrolResponse(bond.slot, pump.identity.static_public, CONFIRM_WITHIN_S)


Handler = Callable[[Telemetry, Any, Caller], Any]

HANDLERS: Final[Mapping[type, Handler]] = {
    SessionConfirmRequest: _session_confirm,
    KeepaliveRequest: _keepalive,
    SessionCloseRequest: _session_close,
    GetDeviceInfoRequest: _device_info,
    GetStatusRequest: _status,
    GetProgramInfoRequest: _program_info,
    ReadProgramRequest: _read_program,
    ProgBeginRequest: _begin,
    ProgStageRequest: _stage,
    ProgVerifyRequest: _verify,
    ProgCommitRequest: _commit,
    ProgAbortRequest: _abort,
    GetReceiptRequest: _receipt,
    GetClockRequest: _clock,
    LogInfoRequest: _log_info,
    LogReadRequest: _log_read,
    GetAlarmsRequest: _get_alarms,
    BondEnrolRequest: _enrol,
}
"""One handler for every request of the registry, and none besides."""
