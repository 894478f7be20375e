"""Fixed values for the worked examples: one believable patient, one session, no secret of anybody.

A field takes its value from the first of: the body's own sample, the shared value of that field name, what
follows from its kind. So a message that is new in the registry has an example without further work.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from protocol.log_record import ProgCommitEvent, open_record, payload_octets, seal_record
from protocol.messages.alarms import Alarm
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.log import LogRecord
from protocol.messages.registry import MESSAGES, by_name
from protocol.messages.schema import schema_crc
from protocol.noise import public_key
from protocol.program import (
    EVERY_DAY,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    Step,
    encode_program,
    program_digest,
)
from protocol.quantities import MINUTES_PER_DAY, day_volume_nl, dose_ng_per_day
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    ClientKind,
    DeliveryState,
    DisplayUnit,
    DrugCode,
    EmergencyPolicy,
    ErrorCode,
    EventType,
    LogRecordFlag,
    OpState,
    Priority,
    ReceiptState,
    Role,
    ScheduleMode,
    Switch,
)
from workbench.generators import sample_bodies

UTC_S: Final = sample_bodies.UTC_S
UPTIME_S: Final = sample_bodies.UPTIME_S
CONCENTRATION_NG_ML: Final = 20_000_000
LINK_ID: Final = 0x1234
SLOT: Final = 0


def octets(label: str, size: int) -> bytes:
    """Return ``size`` octets that look random and are the same in every run."""
    return hashlib.shake_256(f"cisterna sample: {label}".encode()).digest(size)


# --- the patient's program --------------------------------------------------------------------------------

_STEPS: Final = (Step(EVERY_DAY, 0, 8_000), Step(EVERY_DAY, 360, 12_000), Step(EVERY_DAY, 1_320, 9_000))


def _day_volume_nl(steps: tuple[Step, ...]) -> int:
    ends = [*(step.start_min for step in steps[1:]), MINUTES_PER_DAY]
    return day_volume_nl(
        (step.rate_nl_h, end - step.start_min) for step, end in zip(steps, ends, strict=True)
    )


DAY_VOLUME_NL: Final = _day_volume_nl(_STEPS)
DOSE_NG_PER_DAY: Final = dose_ng_per_day(DAY_VOLUME_NL, CONCENTRATION_NG_ML)

PROGRAM: Final = Program(
    drugs=(Drug(DrugCode.MORPHINE, "Morphine", CONCENTRATION_NG_ML, DisplayUnit.MG, 1, UTC_S + 86_400 * 90),),
    schedule=Schedule(ScheduleMode.DAILY, _STEPS),
    dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, DOSE_NG_PER_DAY),),
    patient_bolus=PatientBolus(Switch.OFF, 0, 0, 0, 0, 0),
    limits=Limits(60_000, 60_000, 600_000, 100_000, 30_000, 30_000, 400_000, 50_000),
    alarms=AlarmSettings(2_000_000, 90, Switch.ON, 600, 3_600),
    emergency=Emergency(EmergencyPolicy.READ_SUSPEND, 1_440),
    implant=Implant("VIRTUAL-0001", 220_000, 140_000, UTC_S - UPTIME_S),
    clock=ScheduleClock(60),
)
IMAGE: Final = encode_program(PROGRAM)

PUMP_KEY: Final = octets("static private key of the pump", 32)
PROGRAMMER_KEY: Final = octets("static private key of the programmer", 32)

# --- bodies -----------------------------------------------------------------------------------------------

_HANDLE: Final = 0x0BAD_CAFE
_EVENT: Final = ProgCommitEvent(3, DAY_VOLUME_NL, DOSE_NG_PER_DAY)


def _log_record() -> LogRecord:
    payload = payload_octets(_EVENT)
    record = LogRecord(77, UPTIME_S, UTC_S, EventType.PROG_COMMIT, SLOT, LogRecordFlag(0), payload, crc32c=0)
    sealed = open_record(seal_record(record))
    return record if sealed is None else sealed


_BY_NAME: Final[dict[str, Any]] = {
    "uptime_s": UPTIME_S,
    "uptime_ms": UPTIME_S * 1_000,
    "utc_s": UTC_S,
    "committed_utc_s": UTC_S,
    "made_utc_s": UTC_S - 400 * 86_400,
    "implanted_utc_s": UTC_S - UPTIME_S,
    "utc_offset_min": 60,
    "boot_count": 1,
    "time_base": 1,
    "client_kind": ClientKind.SCRIPT,
    "client_version": 1,
    "operator": "Dr. Example",
    "session_id": 0xC0FFEE01,
    "role": Role.CLINICIAN,
    "idle_timeout_s": 120,
    "delivery_state": DeliveryState.RUNNING,
    "op_state": OpState.IMPLANTED,
    "alarm_max_prio": Priority.LOW,
    "alarm_count": 1,
    "log_last_seq": 77,
    "last_seq": 77,
    "first_seq": 1,
    "from_seq": 77,
    "log_epoch": 0x5EED0001,
    "record_size": 32,
    "capacity": 4_096,
    "log_capacity": 4_096,
    "max_records": 6,
    "serial": "VP20-000001",
    "model": 2001,
    "hw_rev": 1,
    "fw_version": 0x0001_0000,
    "reservoir_capacity_nl": 20_000_000,
    "rate_min_nl_h": 2_000,
    "rate_max_nl_h": 1_000_000,
    "bolus_max_nl": 1_000_000,
    "max_steps": 48,
    "max_drugs": 4,
    "service_life_days": 2_557,
    "rate_nl_h": 12_000,
    "reservoir_nl": 14_500_000,
    "since_midnight_nl": 94_666,
    "lifetime_nl": 3_530_000,
    "battery_mv": 2_900,
    "battery_permille": 985,
    "eri_days": 2_300,
    "temp_cdeg": 3_690,
    "program_version": 3,
    "version": 3,
    "base_version": 2,
    "active_step": 1,
    "next_change_s": 18_000,
    "image_len": len(IMAGE),
    "digest": program_digest(IMAGE)[:16],
    "sha256": program_digest(IMAGE),
    "offset": 0,
    "length": 16,
    "data": IMAGE[:16],
    "handle": _HANDLE,
    "expires_s": 900,
    "max_block": 192,
    "received": 16,
    "next_gap": 16,
    "token": octets("token", 8),
    "intent_id": octets("intent", 16),
    "drug_code": DrugCode.MORPHINE,
    "dose_ng_per_day": DOSE_NG_PER_DAY,
    "day_volume_nl": DAY_VOLUME_NL,
    "max_hour_nl": 12_000,
    "reservoir_days_x10": 10 * 14_500_000 // DAY_VOLUME_NL,
    "refill_by_utc_s": UTC_S + 86_400 * ((14_500_000 - 2_000_000) // DAY_VOLUME_NL),
    "state": ReceiptState.COMMITTED,
    "log_seq": 77,
    "label": "Example clinic",
    "slot": SLOT,
    "confirm_within_s": 600,
    "request_opcode": by_name("PROG_BEGIN").request_opcode,
    "code": ErrorCode.VERSION_CONFLICT,
    "field": 0xFF,
    "detail": 3,
}


def _special() -> dict[type, Callable[[Any], Any]]:
    """What a body needs beyond the values shared by field name."""
    verify = by_name("PROG_VERIFY").response
    confirm = by_name("SESSION_CONFIRM").response
    enrol, enrolled = by_name("BOND_ENROL").request, by_name("BOND_ENROL").response
    return {
        LogRecord: lambda _body: _log_record(),
        Alarm: lambda _body: Alarm(
            4, AlarmCode.RESERVOIR_LOW, Priority.LOW, AlarmState.ACTIVE, UPTIME_S, UTC_S, 2_000_000
        ),
        verify: lambda body: replace(body, rate_min_nl_h=8_000, rate_max_nl_h=12_000),
        confirm: lambda body: replace(body, schema_crc=schema_crc(), privileges=_privileges()),
        enrol: lambda body: replace(body, static_pub=public_key(PROGRAMMER_KEY)),
        enrolled: lambda body: replace(body, pump_static_pub=public_key(PUMP_KEY)),
    }


def _privileges() -> int:
    return sum({1 << spec.group for spec in MESSAGES if Role.CLINICIAN in spec.roles})


def sample(body: type) -> object:
    """Return the sample of a body class: a value that fits every field."""
    given = sample_bodies.BY_BODY.get(body, {})
    values = {name: _value(name, field) for name, field in fields_of(body).items()}
    made = body(**{**values, **given})
    change = _special().get(body)
    return made if change is None else change(made)


def _value(name: str, field: Field) -> object:
    if field.kind is FieldKind.RECORDS and field.item is not None:
        return (sample(field.item),)
    given = _BY_NAME.get(name)
    if given is not None and _fits(field, given):
        return given
    match field.kind:
        case FieldKind.WORD | FieldKind.FLAGS if field.members is not None:
            return next(iter(field.members)) if field.kind is FieldKind.WORD else field.members(0)
        case FieldKind.OCTETS:
            return octets(name, field.size)
        case FieldKind.RESERVED:
            return bytes(field.size)
        case FieldKind.BLOCK:
            return octets(name, min(8, field.limit))
        case FieldKind.TEXT:
            return "example"[: field.size]
        case _:
            return max(field.low, 0)


def _fits(field: Field, value: object) -> bool:
    match field.kind:
        case FieldKind.INTEGER:
            return isinstance(value, int) and field.low <= value <= field.high
        case FieldKind.WORD | FieldKind.FLAGS:
            return field.members is not None and isinstance(value, field.members)
        case FieldKind.OCTETS:
            return isinstance(value, bytes) and len(value) == field.size
        case FieldKind.BLOCK:
            return isinstance(value, bytes) and len(value) <= field.limit
        case FieldKind.TEXT:
            return isinstance(value, str) and len(value.encode()) <= field.size
        case _:
            return False
