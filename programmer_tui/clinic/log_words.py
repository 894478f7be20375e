"""Log records in words, for the log screen, the overview and reports."""

from collections.abc import Callable
from typing import Any, Final

from programmer_tui.clinic.alarm_words import PRIORITY_WORDS, STATE_WORDS, alarm_title
from programmer_tui.clinic.clinical_format import (
    MassUnit,
    format_daily_dose,
    format_number,
    format_rate_ml_h,
    format_volume_ml,
    format_volume_per_day,
)
from programmer_tui.clinic.clinical_time import format_date_time, format_duration_words
from protocol import log_record as events
from protocol.log_record import read_payload
from protocol.messages.log import LogRecord
from protocol.request_words import ClockSource, DeliveryReason, SelfTest
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, LAB_SLOT
from protocol.vocabulary import (
    AlarmState,
    CloseReason,
    DeliveryState,
    ErrorCode,
    EventType,
    LogRecordFlag,
    OverrideReason,
    Priority,
    Role,
)

PUMP_ITSELF: Final = 0xFF
TITLES: Final = {
    EventType.BOOT: "pump started",
    EventType.POWER_DOWN: "power down",
    EventType.CLOCK_SET: "clock set",
    EventType.TIME_REF: "time reference",
    EventType.SESSION_OPEN: "session opened",
    EventType.SESSION_CLOSE: "session closed",
    EventType.HS_FAIL: "session refused",
    EventType.BOND_ADDED: "programmer bonded",
    EventType.BOND_REVOKED: "programmer removed",
    EventType.PROG_COMMIT: "programmed",
    EventType.PROG_ABORT: "programming dropped",
    EventType.PROG_ACTIVATED: "program in effect",
    EventType.STEP_CHANGE: "step changed",
    EventType.DELIVERY_STATE: "delivery",
    EventType.BOLUS_ARMED: "bolus armed",
    EventType.BOLUS_START: "bolus started",
    EventType.BOLUS_END: "bolus ended",
    EventType.PATIENT_BOLUS_DENIED: "patient bolus refused",
    EventType.REFILL: "refill",
    EventType.RESERVOIR_MARK: "reservoir mark",
    EventType.ALARM_RAISED: "ALARM",
    EventType.ALARM_ACK: "alarm acknowledged",
    EventType.ALARM_CLEARED: "alarm cleared",
    EventType.DAY_TOTAL: "total of the day",
    EventType.SELF_TEST: "self-test",
    EventType.FAULT: "FAULT",
    EventType.CHAIN_CHECKPOINT: "log checkpoint",
    EventType.SOFT_LIMIT_OVERRIDE: "soft limit passed",
    EventType.DATA_CORRUPT: "DATA CORRUPT",
}
DELIVERY_WORDS: Final = {
    DeliveryState.UNDETERMINED: "undetermined",
    DeliveryState.STOPPED: "stopped",
    DeliveryState.MIN_RATE: "minimum rate",
    DeliveryState.RUNNING: "infusing",
    DeliveryState.BOLUS: "bolus",
    DeliveryState.PRIMING: "priming",
    DeliveryState.SAFE_STATE: "safe state",
}
REASON_WORDS: Final = {
    OverrideReason.NONE: "no reason",
    OverrideReason.CLINICAL_JUDGEMENT: "clinical judgement",
    OverrideReason.TOLERANT_PATIENT: "tolerant patient",
    OverrideReason.PALLIATIVE_CARE: "palliative care",
    OverrideReason.SECOND_OPINION: "second opinion",
    OverrideReason.TRAINING: "training",
}
DELIVERY_REASON_WORDS: Final = {
    DeliveryReason.NONE: "by itself",
    DeliveryReason.CLINICAL: "clinical reason",
    DeliveryReason.PROCEDURE: "procedure",
    DeliveryReason.ADVERSE_EFFECT: "adverse effect",
    DeliveryReason.DEVICE_CHECK: "check of the pump",
    DeliveryReason.EMERGENCY: "emergency",
    DeliveryReason.TRAINING: "training",
}
_SOURCES: Final = {
    ClockSource.PROGRAMMER: "time of the programmer",
    ClockSource.NETWORK: "time of the network",
    ClockSource.OPERATOR: "typed in",
}
_DENIALS: Final = {
    ErrorCode.LOCKOUT: "lockout",
    ErrorCode.DAILY_MAX: "daily maximum reached",
    ErrorCode.BOLUS_ACTIVE: "a bolus was being delivered",
    ErrorCode.DELIVERY_STOPPED: "delivery was stopped",
    ErrorCode.RESERVOIR_INSUFFICIENT: "reservoir empty",
    ErrorCode.HARD_LIMIT: "a hard limit would be passed",
    ErrorCode.POLICY_FORBIDS: "not prescribed",
}
_ROLES: Final = {role: role.name.lower() for role in Role}
_CLOSES: Final = {
    CloseReason.DONE: "done",
    CloseReason.IDLE: "silent for too long",
    CloseReason.EXPIRED: "its time was over",
    CloseReason.LINK_LOST: "link lost",
    CloseReason.REPLACED: "a newer session took its place",
    CloseReason.TXN_EXHAUSTED: "its request numbers ran out",
    CloseReason.REVOKED: "its bond was removed",
    CloseReason.RESET: "pump reset",
    CloseReason.HEAD_LOST: "programming head off the pump",
}


def record_title(record: LogRecord) -> str:
    """Return what kind of record it is."""
    return TITLES[record.type]


def record_actor(record: LogRecord) -> str:
    """Return who caused it."""
    short = {PUMP_ITSELF: "pump", EMERGENCY_SLOT: "emerg.", LAB_SLOT: "lab"}
    return short.get(record.actor_slot, f"bond {record.actor_slot}")


def is_high(record: LogRecord) -> bool:
    """Return whether the record tells of trouble that no filter may hide."""
    event = read_payload(record)
    if isinstance(event, events.AlarmRaisedEvent):
        return event.prio is Priority.HIGH
    return record.type in {EventType.FAULT, EventType.DATA_CORRUPT}


def record_words(record: LogRecord, unit: MassUnit) -> str:
    """Return what the payload says; masses in the unit of the patient's drug."""
    event = read_payload(record)
    writer = _WRITERS.get(type(event))
    words = _unread(record) if writer is None else writer(event, unit)
    first = "first after start" if LogRecordFlag.FIRST_AFTER_BOOT in record.flags else ""
    return ", ".join(part for part in (words, first) if part)


def _unread(record: LogRecord) -> str:
    return f"details not readable: {record.payload.hex(' ')}" if any(record.payload) else ""


def _boot(event: events.BootEvent, _: MassUnit) -> str:
    return f"start number {format_number(event.boot_count)}"


def _session_open(event: events.SessionOpenEvent, _: MassUnit) -> str:
    return f"session {event.session_id:08X}, {_opener(event.slot)}, {_ROLES[event.role]}"


def _opener(slot: int) -> str:
    keys = {ENROL_SLOT: "card", EMERGENCY_SLOT: "published key", LAB_SLOT: "lab plaintext"}
    return keys.get(slot, f"bond {slot}")


def _session_close(event: events.SessionCloseEvent, _: MassUnit) -> str:
    return f"session {event.session_id:08X}, {_CLOSES[event.reason]}"


def _handshake_fail(event: events.HandshakeFailEvent, _: MassUnit) -> str:
    return f"{_opener(event.slot)}, failures so far: {format_number(event.total)}"


def _bond_added(event: events.BondAddedEvent, _: MassUnit) -> str:
    return f"bond {event.slot}, {_ROLES[event.role]}, {event.state.name.lower()}"


def _commit(event: events.ProgCommitEvent, unit: MassUnit) -> str:
    dose = format_daily_dose(event.dose_ng_per_day, unit)
    return f"version {event.version}: {dose}, {format_volume_per_day(event.day_volume_nl)}"


def _abort(event: events.ProgAbortEvent, _: MassUnit) -> str:
    return f"version {event.base_version} stays active"


def _activated(event: events.ProgActivatedEvent, _: MassUnit) -> str:
    return f"version {event.version}, flow {format_rate_ml_h(event.rate_nl_h)}"


def _delivery(event: events.DeliveryStateEvent, _: MassUnit) -> str:
    before, after = DELIVERY_WORDS[event.before], DELIVERY_WORDS[event.after]
    time = f", for {format_duration_words(60 * event.minutes)}" if event.minutes else ""
    why = "" if event.reason is DeliveryReason.NONE else f", {DELIVERY_REASON_WORDS[event.reason]}"
    return f"{before} -> {after}, flow {format_rate_ml_h(event.rate_nl_h)}{time}{why}"


def _bolus_armed(event: events.BolusArmedEvent, _: MassUnit) -> str:
    return f"bolus {event.bolus_id}, {event.kind.name.lower()}, {format_volume_ml(event.volume_nl)}"


def _bolus_start(event: events.BolusStartEvent, _: MassUnit) -> str:
    past = f", soft limit passed: {REASON_WORDS[event.reason]}" if event.soft_ack else ""
    volume = format_volume_ml(event.volume_nl)
    return f"bolus {event.bolus_id}, {event.kind.name.lower()}, {volume}{past}"


def _bolus_end(event: events.BolusEndEvent, _: MassUnit) -> str:
    delivered = format_volume_ml(event.delivered_nl)
    return f"bolus {event.bolus_id}, {event.state.name.lower()}, {delivered} delivered"


def _bolus_denied(event: events.PatientBolusDeniedEvent, _: MassUnit) -> str:
    why = _DENIALS.get(event.code, event.code.name.lower().replace("_", " "))
    waits = event.code in (ErrorCode.LOCKOUT, ErrorCode.DAILY_MAX)
    return f"{why}, {format_duration_words(event.detail)} left" if waits else why


def _clock_set(event: events.ClockSetEvent, _: MassUnit) -> str:
    before, after = (format_date_time(at, 0) for at in (event.before_utc_s, event.after_utc_s))
    return f"{before} -> {after} UTC, {_SOURCES[event.source]}"


def _bond_revoked(event: events.BondRevokedEvent, _: MassUnit) -> str:
    return f"bond {event.slot}, {_ROLES[event.role]}"


def _alarm_ack(event: events.AlarmAckEvent, _: MassUnit) -> str:
    silent = event.state is AlarmState.SILENCED
    words = f"silenced for {format_duration_words(event.seconds)}" if silent else STATE_WORDS[event.state]
    return f"{alarm_title(event.code)}, {words}, number {event.instance}"


def _self_test(event: events.SelfTestEvent, _: MassUnit) -> str:
    failed = _names(event.failed)
    return f"{_names(event.results) or 'none'}: {'all passed' if not failed else f'FAILED {failed}'}"


def _names(tests: SelfTest) -> str:
    return ", ".join(test.name.lower().replace("_", " ") for test in SelfTest if test in tests and test.name)


def _checkpoint(event: events.ChainCheckpointEvent, _: MassUnit) -> str:
    return f"hash {event.chain[:4].hex()}"


def _refill(event: events.RefillEvent, _: MassUnit) -> str:
    out, expected = format_volume_ml(event.withdrawn_nl), format_volume_ml(event.expected_nl)
    return f"withdrawn {out}, expected {expected}, filled {format_volume_ml(event.filled_nl)}"


def _alarm_raised(event: events.AlarmRaisedEvent, _: MassUnit) -> str:
    return f"{alarm_title(event.code)}, {PRIORITY_WORDS[event.prio]}, number {event.instance}"


def _alarm_cleared(event: events.AlarmClearedEvent, _: MassUnit) -> str:
    return f"{alarm_title(event.code)}, number {event.instance}"


def _soft_limit(event: events.SoftLimitOverrideEvent, _: MassUnit) -> str:
    return f"version {event.version}, {REASON_WORDS[event.reason]}"


def _fault(event: events.FaultEvent, _: MassUnit) -> str:
    count = event.defects.bit_count()
    return f"{count} software defect{'' if count == 1 else 's'} put in on purpose, for teaching"


def _corrupt(event: events.DataCorruptEvent, _: MassUnit) -> str:
    return event.cell.rstrip(b"\0").decode("ascii", "replace")


_WRITERS: Final[dict[type, Callable[[Any, MassUnit], str]]] = {
    events.BootEvent: _boot,
    events.SessionOpenEvent: _session_open,
    events.SessionCloseEvent: _session_close,
    events.HandshakeFailEvent: _handshake_fail,
    events.BondAddedEvent: _bond_added,
    events.ProgCommitEvent: _commit,
    events.ProgAbortEvent: _abort,
    events.ProgActivatedEvent: _activated,
    events.DeliveryStateEvent: _delivery,
    events.BolusArmedEvent: _bolus_armed,
    events.BolusStartEvent: _bolus_start,
    events.BolusEndEvent: _bolus_end,
    events.PatientBolusDeniedEvent: _bolus_denied,
    events.ClockSetEvent: _clock_set,
    events.BondRevokedEvent: _bond_revoked,
    events.AlarmAckEvent: _alarm_ack,
    events.SelfTestEvent: _self_test,
    events.ChainCheckpointEvent: _checkpoint,
    events.RefillEvent: _refill,
    events.AlarmRaisedEvent: _alarm_raised,
    events.AlarmClearedEvent: _alarm_cleared,
    events.SoftLimitOverrideEvent: _soft_limit,
    events.DataCorruptEvent: _corrupt,
    events.FaultEvent: _fault,
}
