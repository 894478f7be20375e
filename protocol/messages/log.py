"""Group 7: the event log."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import flags8, octets, records, u8, u32, word16
from protocol.vocabulary import EventType, LogPageFlag, LogRecordFlag

MAX_PAGE = 6


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log ring, 32 octets (OITP/1 section 16)."""

    seq: Annotated[int, u32("", "sequence number, never restarts")]
    uptime_s: Annotated[int, u32("s", "time since start")]
    utc_s: Annotated[int, u32("s", "civil time, 0 where not set")]
    type: Annotated[EventType, word16(EventType, "what happened")]
    actor_slot: Annotated[int, u8("", "bond slot that caused it, 255 the pump itself")]
    flags: Annotated[LogRecordFlag, flags8(LogRecordFlag, "circumstances")]
    payload: Annotated[bytes, octets(12, "details, laid out by type")]
    crc32c: Annotated[int, u32("", "CRC-32C of the 28 octets before it")]


@dataclass(frozen=True, slots=True)
class LogInfoRequest:
    """Asks which records there are."""


@dataclass(frozen=True, slots=True)
class LogInfoResponse:
    """Which records the ring holds."""

    log_epoch: Annotated[int, u32("", "changes when the log is wiped")]
    first_seq: Annotated[int, u32("", "oldest record held")]
    last_seq: Annotated[int, u32("", "newest record held")]
    record_size: Annotated[int, u8("octets", "size of a record")]
    capacity: Annotated[int, u32("", "records the ring holds")]


@dataclass(frozen=True, slots=True)
class LogReadRequest:
    """Asks for one page."""

    log_epoch: Annotated[int, u32("", "epoch the page must belong to")]
    from_seq: Annotated[int, u32("", "first sequence number wanted")]
    max_records: Annotated[int, u8("", "how many, 1..6", 1, MAX_PAGE)]


@dataclass(frozen=True, slots=True)
class LogReadResponse:
    """One page, oldest first."""

    log_epoch: Annotated[int, u32("", "epoch")]
    first_seq: Annotated[int, u32("", "sequence number where the data start")]
    flags: Annotated[LogPageFlag, flags8(LogPageFlag, "more to come, a gap before, a corrupt record")]
    records: Annotated[tuple[LogRecord, ...], records(LogRecord, MAX_PAGE, "records")]


@dataclass(frozen=True, slots=True)
class LogDigestRequest:
    """Asks for the hash of a run of records."""

    log_epoch: Annotated[int, u32("", "epoch the records must belong to")]
    from_seq: Annotated[int, u32("", "first record", 1)]
    to_seq: Annotated[int, u32("", "last record, not before the first", 1)]


@dataclass(frozen=True, slots=True)
class LogDigestResponse:
    """The hash chain over those records alone: h = SHA-256(h | record), from 32 zero octets on."""

    from_seq: Annotated[int, u32("", "first record")]
    to_seq: Annotated[int, u32("", "last record")]
    chain: Annotated[bytes, octets(32, "hash after the last record")]


@dataclass(frozen=True, slots=True)
class LogAppended:
    """New log records are there; LOG_READ fetches them."""

    notify_seq: Annotated[int, u32("", "number of the notification in this session")]
    log_last_seq: Annotated[int, u32("", "sequence number of the newest log record")]
