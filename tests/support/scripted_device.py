"""A pump that answers from a script: frozen vectors must not move when the firmware does."""

import hashlib
from collections import deque
from dataclasses import replace

from support.device import SESSION_CRC, CountingDevice

from protocol.log_record import BootEvent, SessionOpenEvent, payload_octets, seal_record
from protocol.messages import (
    alarms,
    bonds,
    clock,
    delivery,
    device,
    log,
    program,
    refill,
    service,
    session,
    status,
)
from protocol.messages.codec import codec_of
from protocol.request_words import SelfTest
from protocol.requests import Refusal, Request
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    BolusState,
    BondState,
    ClockState,
    DeliveryState,
    EventType,
    Feature,
    LogPageFlag,
    LogRecordFlag,
    OpState,
    Priority,
    Role,
    SoftLimit,
    Which,
)

UTC_S = 1_772_409_600
"""Monday 2026-03-02 00:00:00 UTC."""

UPTIME_S = 86_400
BOLUS_ID = 12
BOLUS_TOKEN = bytes.fromhex("b01b01b01b01b01b")
PROXIMITY_SECRET = hashlib.sha256(b"golden proximity token").digest()
DIGEST = hashlib.sha256(b"golden program").digest()[:16]
LOW = alarms.Alarm(
    7, AlarmCode.RESERVOIR_LOW, Priority.LOW, AlarmState.ACTIVE, UPTIME_S - 600, UTC_S - 600, 1_999_000
)
STALL = alarms.Alarm(
    8, AlarmCode.MOTOR_STALL, Priority.HIGH, AlarmState.SILENCED, UPTIME_S - 60, UTC_S - 60, 3
)


def _record(seq: int, kind: EventType, payload: bytes, flags: LogRecordFlag) -> log.LogRecord:
    told = log.LogRecord(seq, UPTIME_S - 900 + seq, UTC_S - 900 + seq, kind, 0xFF, flags, payload, 0)
    sealed: log.LogRecord = codec_of(log.LogRecord).decode(seal_record(told))
    return sealed


RECORDS = (
    _record(41, EventType.BOOT, payload_octets(BootEvent(3)), LogRecordFlag.FIRST_AFTER_BOOT),
    _record(
        42, EventType.SESSION_OPEN, payload_octets(SessionOpenEvent(7, 0, Role.CLINICIAN)), LogRecordFlag(0)
    ),
    _record(43, EventType.DATA_CORRUPT, bytes(12), LogRecordFlag(0)),
)

_STATUS = status.GetStatusResponse(
    uptime_s=UPTIME_S,
    utc_s=UTC_S,
    delivery_state=DeliveryState.RUNNING,
    op_state=OpState.IMPLANTED,
    rate_nl_h=10_000,
    reservoir_nl=13_200_000,
    since_midnight_nl=60_000,
    lifetime_nl=5_000_000_000,
    battery_mv=2_950,
    battery_permille=812,
    eri_days=1_460,
    temp_cdeg=3_712,
    alarm_count=1,
    alarm_max_prio=Priority.LOW,
    log_last_seq=43,
    program_version=4,
    last_txn_id=0,
    active_step=1,
    bolus_state=BolusState.NONE,
    bolus_id=0,
    bolus_delivered_nl=0,
    bolus_total_nl=0,
    next_change_s=10_800,
)
_INFO = device.GetDeviceInfoResponse(
    serial="TEST-0001",
    model=20,
    hw_rev=1,
    fw_version=0x00010000,
    features=Feature.WEEKLY_SCHEDULE | Feature.BOLUS | Feature.NOTIFICATIONS,
    reservoir_capacity_nl=20_000_000,
    rate_min_nl_h=2_000,
    rate_max_nl_h=1_000_000,
    bolus_max_nl=1_000_000,
    max_steps=48,
    max_drugs=4,
    log_capacity=4_096,
    made_utc_s=1_700_000_000,
    implanted_utc_s=1_720_000_000,
    service_life_days=3_650,
)
_BONDS = (
    bonds.BondEntry(0, Role.CLINICIAN, BondState.CONFIRMED, UTC_S - 900, "office µ"),
    bonds.BondEntry(1, Role.CLINICIAN, BondState.PROVISIONAL, 0, "ward 7"),
    bonds.BondEntry(2, Role.PATIENT, BondState.CONFIRMED, UTC_S - 86_400, "handset"),
)
ANSWERS: dict[str, object] = {
    "KEEPALIVE": session.KeepaliveResponse(UPTIME_S, DeliveryState.RUNNING, Priority.LOW, 43),
    "GET_DEVICE_INFO": _INFO,
    "GET_DAY_TOTALS": status.GetDayTotalsResponse(UTC_S - 86_400, 240_000, 50_000, 0, 0, 600, 2, 1),
    "GET_PROGRAM_INFO": program.GetProgramInfoResponse(Which.ACTIVE, 4, 193, DIGEST, UTC_S - 86_400, 0),
    "BOLUS_ARM": delivery.BolusArmResponse(
        BOLUS_ID, BOLUS_TOKEN, 60, 600_000, 1_000_000, SoftLimit.BOLUS_VOLUME
    ),
    "BOLUS_START": delivery.BolusStartResponse(BOLUS_ID, UPTIME_S, 44),
    "BOLUS_CANCEL": delivery.BolusCancelResponse(BOLUS_ID, 20_000, 30_000, 45),
    "PATIENT_BOLUS": delivery.PatientBolusResponse(BOLUS_ID, 25_000, 300, 3, 7_200),
    "SET_DELIVERY": delivery.SetDeliveryResponse(DeliveryState.MIN_RATE, 250, UTC_S + 3_600, 46),
    "GET_CLOCK": clock.GetClockResponse(UPTIME_S * 1_000 + 250, UTC_S, 60, 3, 5, ClockState.SET),
    "SET_CLOCK": clock.SetClockResponse(-42, 6, 47),
    "LOG_INFO": log.LogInfoResponse(1, 41, 43, 32, 4_096),
    "LOG_DIGEST": log.LogDigestResponse(41, 43, hashlib.sha256(b"golden chain").digest()),
    "GET_ALARMS": alarms.GetAlarmsResponse((STALL, LOW)),
    "ALARM_ACK": alarms.AlarmAckResponse(7, AlarmState.ACKED),
    "ALARM_SILENCE": alarms.AlarmSilenceResponse(8, AlarmState.SILENCED, UPTIME_S + 300),
    "BOND_LIST": bonds.BondListResponse(_BONDS),
    "BOND_REVOKE": bonds.BondRevokeResponse(2, 48),
    "BOND_CONFIRM": bonds.BondConfirmResponse(1, 49),
    "SECURITY_STATUS": bonds.SecurityStatusResponse(9, 0, 0, 1, 2, 580),
    "PROXIMITY_TOKEN": bonds.ProximityTokenResponse(PROXIMITY_SECRET, 120),
    "LINK_STATS": service.LinkStatsResponse(12, 1, 1, 0, 0, 11, 1, 700),
    "SELF_TEST": service.SelfTestResponse(SelfTest.MEMORY | SelfTest.BATTERY, SelfTest(0), 150),
    "REFILL_RECORD": refill.RefillRecordResponse(20_000_000, 1_950_000, 50),
}


class ScriptedDevice(CountingDevice):
    """Answers from `ANSWERS`; ``refusals`` come first, one for each request."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: deque[Refusal] = deque()

    def handle(self, request: Request) -> object:
        if self.refusals:
            return self.refusals.popleft()
        name = request.spec.name
        if name == "SESSION_CONFIRM":
            caller = request.caller
            return session.SessionConfirmResponse(
                caller.session_id, caller.role, 0x3FF, 120, SESSION_CRC, self.boot_count, self.uptime_s
            )
        if name == "GET_STATUS":
            return replace(_STATUS, last_txn_id=request.caller.last_txn, program_version=4 + self.commits)
        if name == "LOG_READ":
            return _page(request.body)
        if name == "READ_PROGRAM":
            body = request.body
            return program.ReadProgramResponse(body.version, body.offset, bytes(range(body.length)))
        return ANSWERS[name] if name in ANSWERS else super().handle(request)


def _page(asked: log.LogReadRequest) -> log.LogReadResponse:
    first = max(asked.from_seq, RECORDS[0].seq)
    rest = [record for record in RECORDS if record.seq >= first]
    page = tuple(rest[: asked.max_records])
    flags = LogPageFlag(0)
    flags |= LogPageFlag.MORE if len(rest) > len(page) else 0
    flags |= LogPageFlag.GAP if asked.from_seq < first else 0
    flags |= LogPageFlag.CORRUPT if any(r.type is EventType.DATA_CORRUPT for r in page) else 0
    return log.LogReadResponse(asked.log_epoch, first, flags, page)
