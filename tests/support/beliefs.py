"""Believable pump data for screens: a morphine pump of 20 mg/mL with a daily pattern, read a moment ago."""

from dataclasses import replace
from typing import Any

from programmer_tui.views import Belief
from protocol.log_record import payload_octets
from protocol.messages.alarms import Alarm
from protocol.messages.clock import GetClockResponse
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.log import LogInfoResponse, LogRecord
from protocol.messages.program import GetProgramInfoResponse
from protocol.messages.status import GetStatusResponse
from protocol.program import (
    DIGEST_SIZE,
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
    BolusState,
    ClockState,
    DeliveryState,
    DisplayUnit,
    DrugCode,
    EmergencyPolicy,
    EventType,
    Feature,
    LogRecordFlag,
    OpState,
    Priority,
    ScheduleMode,
    Switch,
    Which,
)

Change = Any
"""Any field of a message or a view, as `replace` takes it."""

NOW_UTC_S = 1_772_448_067
"""Mon 2026-03-02 10:41:07 UTC."""
SERIAL = "VP20-004711"
PATIENT = "DOE Jane TRAIN-07"
SIMPLE_4_8_MG = ((0, 10_000),)
"""0.24 mL/day of 20 mg/mL: 4.8 mg/day."""
FLEX_5_4_MG = ((0, 10_000), (360, 20_000), (540, 10_000))
"""0.2 mg/h with 0.4 mg/h from 06:00 to 09:00: 5.4 mg/day."""


def volume_of(table: tuple[tuple[int, int], ...]) -> int:
    """Volume of a day of `(start_min, rate_nl_h)` in nL."""
    ends = [start for start, _ in table[1:]] + [MINUTES_PER_DAY]
    return day_volume_nl((rate, end - start) for (start, rate), end in zip(table, ends, strict=True))


def a_program(
    table: tuple[tuple[int, int], ...] = SIMPLE_4_8_MG,
    conc_ng_ml: int = 20_000_000,
    drug: DrugCode = DrugCode.MORPHINE,
    display: DisplayUnit = DisplayUnit.MG,
) -> Program:
    """A whole program around one rate table."""
    mode = ScheduleMode.SIMPLE if len(table) == 1 else ScheduleMode.DAILY
    dose = dose_ng_per_day(volume_of(table), conc_ng_ml)
    return Program(
        drugs=(Drug(drug, drug.name.lower(), conc_ng_ml, display, 1, 0),),
        schedule=Schedule(mode, tuple(Step(EVERY_DAY, start, rate) for start, rate in table)),
        dose_declarations=(DoseDeclaration(drug, dose),),
        patient_bolus=PatientBolus(Switch.OFF, 0, 0, 0, 0, 0),
        limits=Limits(1_000_000, 1_000_000, 24_000_000, 500_000, 400_000, 400_000, 1_000_000, 100_000),
        alarms=AlarmSettings(2_000_000, 90, Switch.ON, 600, 3_600),
        emergency=Emergency(EmergencyPolicy.READ, 0),
        implant=Implant(PATIENT, 200_000, 50_000, 1_730_000_000),
        clock=ScheduleClock(0),
    )


def a_device(**changed: Change) -> GetDeviceInfoResponse:
    """A 20 mL peristaltic pump."""
    device = GetDeviceInfoResponse(
        serial=SERIAL,
        model=20,
        hw_rev=1,
        fw_version=0x010402,
        features=Feature(0),
        reservoir_capacity_nl=20_000_000,
        rate_min_nl_h=2_000,
        rate_max_nl_h=1_000_000,
        bolus_max_nl=500_000,
        max_steps=48,
        max_drugs=4,
        log_capacity=4_096,
        made_utc_s=1_720_000_000,
        implanted_utc_s=1_730_000_000,
        service_life_days=2_555,
    )
    return replace(device, **changed)


def a_status(**changed: Change) -> GetStatusResponse:
    """A pump that infuses at 0.01 mL/h with 13.2 mL left."""
    status = GetStatusResponse(
        uptime_s=1_000_000,
        utc_s=NOW_UTC_S,
        delivery_state=DeliveryState.RUNNING,
        op_state=OpState.IMPLANTED,
        rate_nl_h=10_000,
        reservoir_nl=13_200_000,
        since_midnight_nl=106_667,
        lifetime_nl=61_000_000,
        battery_mv=2_950,
        battery_permille=780,
        eri_days=1_500,
        temp_cdeg=3_700,
        alarm_count=0,
        alarm_max_prio=Priority.NONE,
        log_last_seq=118,
        program_version=7,
        last_txn_id=3,
        active_step=0,
        bolus_state=BolusState.NONE,
        bolus_id=0,
        bolus_delivered_nl=0,
        bolus_total_nl=0,
        next_change_s=0xFFFF_FFFF,
    )
    return replace(status, **changed)


def an_alarm(code: AlarmCode, prio: Priority, instance: int = 1, detail: int = 0) -> Alarm:
    """An alarm that began 76 s before now."""
    return Alarm(instance, code, prio, AlarmState.ACTIVE, 999_924, NOW_UTC_S - 76, detail)


def a_belief(
    program: Program | None = None,
    *,
    version: int = 7,
    alarms: tuple[Alarm, ...] = (),
    read_at_ms: int = 0,
    now_utc_s: int = NOW_UTC_S,
    **status: Change,
) -> Belief:
    """Everything one interrogation reads; `program` is that of 4.8 mg/day where none is given."""
    program = a_program() if program is None else program
    image = encode_program(program)
    highest = max((alarm.prio for alarm in alarms), default=Priority.NONE)
    return Belief(
        read_at_ms=read_at_ms,
        read_at_utc_s=now_utc_s,
        device=a_device(),
        status=a_status(alarm_count=len(alarms), alarm_max_prio=highest, program_version=version, **status),
        clock=GetClockResponse(1_000_000_000, now_utc_s, program.clock.utc_offset_min, 3, 1, ClockState.SET),
        alarms=alarms,
        program_info=GetProgramInfoResponse(
            Which.ACTIVE, version, len(image), program_digest(image)[:DIGEST_SIZE], 1_770_023_642, 1
        ),
        program=program,
        image=image,
        log_info=LogInfoResponse(1, 1, 118, 32, 4_096),
    )


def without_program(belief: Belief) -> Belief:
    """The belief about a pump that was never programmed."""
    info = GetProgramInfoResponse(Which.ACTIVE, 0, 0, bytes(DIGEST_SIZE), 0, 0xFF)
    status = replace(belief.status, program_version=0, delivery_state=DeliveryState.STOPPED, rate_nl_h=0)
    return replace(belief, program=None, image=b"", program_info=info, status=status)


def a_record(
    seq: int, event: object, kind: EventType, *, utc_s: int = NOW_UTC_S, actor: int = 0xFF
) -> LogRecord:
    """One log record that holds `event` (bytes are taken as they are)."""
    payload = event if isinstance(event, bytes) else payload_octets(event)
    return LogRecord(seq, 1_000_000, utc_s, kind, actor, LogRecordFlag(0), payload.ljust(12, b"\0"), 0)
