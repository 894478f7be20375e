"""Group 2: what the pump believes, now and over the last days."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import i16, u8, u16, u32, u64, word8
from protocol.vocabulary import BolusState, DeliveryState, OpState, Priority


@dataclass(frozen=True, slots=True)
class GetStatusRequest:
    """Asks for the status."""


@dataclass(frozen=True, slots=True)
class GetStatusResponse:
    """What the pump believes at this moment; volumes are computed from commanded flow, not measured."""

    uptime_s: Annotated[int, u32("s", "time since start")]
    utc_s: Annotated[int, u32("s", "pump's civil time, 0 where not set")]
    delivery_state: Annotated[DeliveryState, word8(DeliveryState, "what the pump is doing")]
    op_state: Annotated[OpState, word8(OpState, "where it is in its life")]
    rate_nl_h: Annotated[int, u32("nL/h", "commanded rate now")]
    reservoir_nl: Annotated[int, u32("nL", "computed content of the reservoir")]
    since_midnight_nl: Annotated[int, u32("nL", "commanded since the pump's local midnight")]
    lifetime_nl: Annotated[int, u64("nL", "commanded since manufacture")]
    battery_mv: Annotated[int, u16("mV", "cell voltage")]
    battery_permille: Annotated[int, u16("0/00", "estimated charge left", 0, 1000)]
    eri_days: Annotated[int, u16("d", "days to the elective replacement indicator, 65535 unknown")]
    temp_cdeg: Annotated[int, i16("0.01 degC", "temperature")]
    alarm_count: Annotated[int, u8("", "standing alarms")]
    alarm_max_prio: Annotated[Priority, word8(Priority, "highest priority among them")]
    log_last_seq: Annotated[int, u32("", "sequence number of the newest log record")]
    program_version: Annotated[int, u32("", "version of the active program, 0 where none")]
    last_txn_id: Annotated[int, u16("", "transaction id before this one")]
    active_step: Annotated[int, u8("", "index of the active schedule step, 255 where none")]
    bolus_state: Annotated[BolusState, word8(BolusState, "where the current bolus stands")]
    bolus_id: Annotated[int, u32("", "its id, 0 where none")]
    bolus_delivered_nl: Annotated[int, u32("nL", "delivered of it")]
    bolus_total_nl: Annotated[int, u32("nL", "its whole volume")]
    next_change_s: Annotated[int, u32("s", "time to the next change of rate, 4294967295 where none")]


MAX_DAY_BACK = 30
"""Days before today whose totals the pump keeps."""


@dataclass(frozen=True, slots=True)
class GetDayTotalsRequest:
    """Asks what one local day brought."""

    day_back: Annotated[int, u8("d", "0 today, 1 yesterday ..", 0, MAX_DAY_BACK)]


@dataclass(frozen=True, slots=True)
class GetDayTotalsResponse:
    """What one local day brought, as commanded; today's so far."""

    day_utc_s: Annotated[int, u32("s", "UTC of the local midnight it began with, 0 no clock")]
    basal_nl: Annotated[int, u32("nL", "by the rate table and the minimum rate")]
    patient_bolus_nl: Annotated[int, u32("nL", "by patient boluses")]
    clinician_bolus_nl: Annotated[int, u32("nL", "by clinician boluses")]
    prime_nl: Annotated[int, u32("nL", "by prime and bridge boluses")]
    suspended_s: Annotated[int, u32("s", "time without delivery")]
    patient_bolus_given: Annotated[int, u8("", "patient boluses begun, at most 255")]
    patient_bolus_denied: Annotated[int, u8("", "patient boluses refused, at most 255")]


@dataclass(frozen=True, slots=True)
class StatusPush:
    """A status line, sent each status period; GET_STATUS tells the whole."""

    notify_seq: Annotated[int, u32("", "number of the notification in this session")]
    uptime_s: Annotated[int, u32("s", "time since start")]
    delivery_state: Annotated[DeliveryState, word8(DeliveryState, "what the pump is doing")]
    rate_nl_h: Annotated[int, u32("nL/h", "commanded rate now")]
    reservoir_nl: Annotated[int, u32("nL", "computed content of the reservoir")]
    alarm_max_prio: Annotated[Priority, word8(Priority, "highest priority among the standing alarms")]
    log_last_seq: Annotated[int, u32("", "sequence number of the newest log record")]
