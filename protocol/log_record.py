"""Log records on the wire and in the pump's ring: sealing, checking and what their payloads say.

Source: OITP/1 section 16. The 12 payload octets are laid out by event type; unused octets are zero.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

import google_crc32c

from protocol.messages.codec import BodyError, codec_of
from protocol.messages.fields import flags8, octets, u16, u32, word8, word16
from protocol.messages.log import LogRecord
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, SelfTest
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    BolusState,
    BondState,
    CloseReason,
    DeliveryState,
    ErrorCode,
    EventType,
    OverrideReason,
    Priority,
    Role,
    SoftLimit,
)

RECORD_SIZE: Final = codec_of(LogRecord).fixed_size
PAYLOAD_SIZE: Final = 12
_CRC_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class BootEvent:
    """The firmware started."""

    boot_count: Annotated[int, u32("", "starts of the firmware")]


@dataclass(frozen=True, slots=True)
class SessionOpenEvent:
    """A programmer opened a session."""

    session_id: Annotated[int, u32("", "session")]
    slot: Annotated[int, u16("", "bond slot")]
    role: Annotated[Role, word8(Role, "role")]


@dataclass(frozen=True, slots=True)
class SessionCloseEvent:
    """A session ended."""

    session_id: Annotated[int, u32("", "session")]
    reason: Annotated[CloseReason, word8(CloseReason, "why")]


@dataclass(frozen=True, slots=True)
class HandshakeFailEvent:
    """A handshake failed."""

    slot: Annotated[int, u16("", "slot it named")]
    total: Annotated[int, u32("", "failures so far")]


@dataclass(frozen=True, slots=True)
class BondAddedEvent:
    """A bond was stored, or rose from provisional to confirmed."""

    slot: Annotated[int, u16("", "bond slot")]
    role: Annotated[Role, word8(Role, "role")]
    state: Annotated[BondState, word8(BondState, "state")]


@dataclass(frozen=True, slots=True)
class ProgCommitEvent:
    """A program was committed."""

    version: Annotated[int, u32("", "program version")]
    day_volume_nl: Annotated[int, u32("nL", "volume of the largest day")]
    dose_ng_per_day: Annotated[int, u32("ng/day", "dose of the primary drug")]


@dataclass(frozen=True, slots=True)
class ProgAbortEvent:
    """A programming transaction was dropped."""

    handle: Annotated[int, u32("", "transaction")]
    base_version: Annotated[int, u32("", "version that stays active")]


@dataclass(frozen=True, slots=True)
class ProgActivatedEvent:
    """A program took effect."""

    version: Annotated[int, u32("", "program version")]
    rate_nl_h: Annotated[int, u32("nL/h", "rate from now on")]


@dataclass(frozen=True, slots=True)
class DeliveryStateEvent:
    """The delivery state changed."""

    before: Annotated[DeliveryState, word8(DeliveryState, "state before")]
    after: Annotated[DeliveryState, word8(DeliveryState, "state after")]
    rate_nl_h: Annotated[int, u32("nL/h", "rate after")]
    minutes: Annotated[int, u16("min", "for how long, 0 where that is not limited")]
    reason: Annotated[DeliveryReason, word8(DeliveryReason, "why, NONE where the pump did it by itself")]


@dataclass(frozen=True, slots=True)
class BolusArmedEvent:
    """A bolus was prepared."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    kind: Annotated[BolusKind, word8(BolusKind, "what it is for")]
    volume_nl: Annotated[int, u32("nL", "volume")]


@dataclass(frozen=True, slots=True)
class BolusStartEvent:
    """A bolus began."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    kind: Annotated[BolusKind, word8(BolusKind, "what it is for")]
    soft_ack: Annotated[SoftLimit, flags8(SoftLimit, "soft limits passed")]
    reason: Annotated[OverrideReason, word8(OverrideReason, "why they may be")]
    volume_nl: Annotated[int, u32("nL", "volume")]


@dataclass(frozen=True, slots=True)
class BolusEndEvent:
    """A bolus ended, was cancelled or was cut short."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    state: Annotated[BolusState, word8(BolusState, "how it ended")]
    delivered_nl: Annotated[int, u32("nL", "delivered of it")]


@dataclass(frozen=True, slots=True)
class PatientBolusDeniedEvent:
    """A patient asked for a bolus and did not get it."""

    code: Annotated[ErrorCode, word8(ErrorCode, "why")]
    detail: Annotated[int, u32("", "what the code says, e.g. seconds left")]


@dataclass(frozen=True, slots=True)
class ClockSetEvent:
    """Civil time was set."""

    before_utc_s: Annotated[int, u32("s", "UTC before, 0 where it was not set")]
    after_utc_s: Annotated[int, u32("s", "UTC after")]
    time_base: Annotated[int, u16("", "number of this setting")]
    source: Annotated[ClockSource, word8(ClockSource, "where the time comes from")]


@dataclass(frozen=True, slots=True)
class BondRevokedEvent:
    """A bond was revoked."""

    slot: Annotated[int, u16("", "bond slot")]
    role: Annotated[Role, word8(Role, "role it had")]


@dataclass(frozen=True, slots=True)
class AlarmAckEvent:
    """A person has seen or silenced an alarm."""

    instance: Annotated[int, u16("", "occurrence")]
    code: Annotated[AlarmCode, word16(AlarmCode, "condition")]
    state: Annotated[AlarmState, word8(AlarmState, "where it stands since")]
    seconds: Annotated[int, u16("s", "how long it is silent, 0 where it was acknowledged")]


@dataclass(frozen=True, slots=True)
class SelfTestEvent:
    """Self-tests were run."""

    results: Annotated[SelfTest, flags8(SelfTest, "tests that were run")]
    failed: Annotated[SelfTest, flags8(SelfTest, "tests among them that failed")]


@dataclass(frozen=True, slots=True)
class RefillEvent:
    """The reservoir was emptied and filled."""

    withdrawn_nl: Annotated[int, u32("nL", "withdrawn")]
    filled_nl: Annotated[int, u32("nL", "filled")]
    expected_nl: Annotated[int, u32("nL", "residual the pump had computed")]


@dataclass(frozen=True, slots=True)
class AlarmRaisedEvent:
    """An alarm was raised."""

    instance: Annotated[int, u16("", "occurrence")]
    code: Annotated[AlarmCode, word16(AlarmCode, "condition")]
    prio: Annotated[Priority, word8(Priority, "priority")]
    detail: Annotated[int, u32("", "what the condition says")]


@dataclass(frozen=True, slots=True)
class AlarmClearedEvent:
    """The cause of an alarm is gone."""

    instance: Annotated[int, u16("", "occurrence")]
    code: Annotated[AlarmCode, word16(AlarmCode, "condition")]


@dataclass(frozen=True, slots=True)
class SoftLimitOverrideEvent:
    """A person went past a soft limit."""

    version: Annotated[int, u32("", "program version")]
    soft_ack: Annotated[int, u32("", "limits passed")]
    reason: Annotated[OverrideReason, word8(OverrideReason, "why")]


@dataclass(frozen=True, slots=True)
class ChainCheckpointEvent:
    """The hash chain at this record."""

    chain: Annotated[bytes, octets(12, "first octets of the hash before this record")]


@dataclass(frozen=True, slots=True)
class DataCorruptEvent:
    """Stored data failed their check."""

    cell: Annotated[bytes, octets(12, "name of the storage cell, padded with 0x00")]


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """The pump was started with software defects put in on purpose: it is a teaching aid and nothing else."""

    defects: Annotated[int, u32("", "mask of the defects, bits as the registry of the firmware gives them")]


PAYLOADS: Final[dict[EventType, type]] = {
    EventType.BOOT: BootEvent,
    EventType.SESSION_OPEN: SessionOpenEvent,
    EventType.SESSION_CLOSE: SessionCloseEvent,
    EventType.HS_FAIL: HandshakeFailEvent,
    EventType.BOND_ADDED: BondAddedEvent,
    EventType.PROG_COMMIT: ProgCommitEvent,
    EventType.PROG_ABORT: ProgAbortEvent,
    EventType.PROG_ACTIVATED: ProgActivatedEvent,
    EventType.DELIVERY_STATE: DeliveryStateEvent,
    EventType.BOLUS_ARMED: BolusArmedEvent,
    EventType.BOLUS_START: BolusStartEvent,
    EventType.BOLUS_END: BolusEndEvent,
    EventType.PATIENT_BOLUS_DENIED: PatientBolusDeniedEvent,
    EventType.CLOCK_SET: ClockSetEvent,
    EventType.BOND_REVOKED: BondRevokedEvent,
    EventType.REFILL: RefillEvent,
    EventType.ALARM_RAISED: AlarmRaisedEvent,
    EventType.ALARM_ACK: AlarmAckEvent,
    EventType.ALARM_CLEARED: AlarmClearedEvent,
    EventType.SELF_TEST: SelfTestEvent,
    EventType.CHAIN_CHECKPOINT: ChainCheckpointEvent,
    EventType.SOFT_LIMIT_OVERRIDE: SoftLimitOverrideEvent,
    EventType.DATA_CORRUPT: DataCorruptEvent,
    EventType.FAULT: FaultEvent,
}
"""Payload layout of every event type this pump writes."""


def payload_octets(event: Any) -> bytes:
    """Return ``event`` as 12 payload octets."""
    body: type = type(event)
    return codec_of(body).encode(event).ljust(PAYLOAD_SIZE, b"\0")


def read_payload(record: LogRecord) -> Any | None:
    """Return the event a record's payload holds, or None where its type has no layout or it is corrupt."""
    body = PAYLOADS.get(record.type)
    if body is None:
        return None
    codec = codec_of(body)
    if any(record.payload[codec.fixed_size :]):
        return None
    try:
        return codec.decode(record.payload[: codec.fixed_size])
    except BodyError:
        return None


def seal_record(record: LogRecord) -> bytes:
    """Return the 32 octets of ``record`` with their CRC-32C computed (the given one is ignored)."""
    head = codec_of(LogRecord).encode(record)[:-_CRC_SIZE]
    crc: int = google_crc32c.value(head)
    return head + crc.to_bytes(_CRC_SIZE, "little")


def open_record(sealed: bytes) -> LogRecord | None:
    """Return the record in ``sealed``, or None where its length, CRC or type is wrong."""
    if len(sealed) != RECORD_SIZE:
        return None
    if google_crc32c.value(sealed[:-_CRC_SIZE]) != int.from_bytes(sealed[-_CRC_SIZE:], "little"):
        return None
    try:
        record: LogRecord = codec_of(LogRecord).decode(sealed)
    except BodyError:
        return None
    return record
