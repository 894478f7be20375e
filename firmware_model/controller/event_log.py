"""The event log: a ring of sealed records whose sequence never restarts, chained by hash.

Each record is one cell, written once per lap. The ring has no stored head: at a reset the newest valid
record is found by looking, and whatever stands half written after it is passed over as a corrupt record,
so that a sequence number is never given twice. The hash chain h_n = SHA-256(h_(n-1) | record_n) is anchored
in a stored record at each checkpoint; from there it is computed again at a reset.
Source: OITP/1 section 16.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.log_debt import LogDebt
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.controller.storage import Storage
from protocol.log_record import (
    PAYLOADS,
    RECORD_SIZE,
    DataCorruptEvent,
    open_record,
    payload_octets,
    seal_record,
)
from protocol.messages.codec import codec_of
from protocol.messages.fields import octets, u32
from protocol.messages.log import LogRecord
from protocol.requests import ENROL_SLOT
from protocol.vocabulary import EventType, LogPageFlag, LogRecordFlag

CAPACITY: Final = 4_096
CHECKPOINT_EVERY: Final = 64
PUMP_ITSELF: Final = ENROL_SLOT

_CHAIN_START: Final = hashlib.sha256(b"OITP/1 log").digest()
_CELL_NAME_SIZE: Final = 12
_HASH_SIZE: Final = 32
_TYPE_AT: Final = slice(12, 14)
_TYPE_OF: Final = {body: kind for kind, body in PAYLOADS.items()}
_PATIENT_TYPES: Final = frozenset(
    kind.to_bytes(2, "little")
    for kind in (
        EventType.ALARM_RAISED, EventType.ALARM_ACK, EventType.ALARM_CLEARED, EventType.DELIVERY_STATE,
        EventType.BOLUS_START, EventType.BOLUS_END, EventType.PATIENT_BOLUS_DENIED,
    )
)  # fmt: skip
"""What the patient role may see: alarms, boluses, delivery states."""


@dataclass(frozen=True, slots=True)
class LogAnchor:
    """Where the hash chain can be taken up again; stored durably."""

    epoch: Annotated[int, u32("", "log epoch")]
    seq: Annotated[int, u32("", "sequence number the hash stands after")]
    chain: Annotated[bytes, octets(32, "hash of the chain there")]


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of the log, oldest record first."""

    first_seq: int
    flags: LogPageFlag
    records: tuple[LogRecord, ...]


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where the log stands, as it is in RAM."""

    anchor: LogAnchor
    last_seq: int
    chain: bytes
    fresh: bool


def cell_of(seq: int) -> str:
    """Return the storage cell of a sequence number."""
    return f"log.{seq % CAPACITY:04d}"


def event_type(event: object) -> EventType:
    """Return the type of the record that tells of ``event``, a payload of `protocol.log_record`."""
    return _TYPE_OF[type(event)]


class EventLog:
    """Writes and reads the ring.

    Args:
        storage: where the ring is.
        records: where the anchor is.
        clock: stamps the records.
        head: where the log stands; `LogHead` of a snapshot, or what `find_head` found at a reset.
    """

    def __init__(self, storage: Storage, records: RecordStore, clock: PumpClock, head: LogHead) -> None:
        self._storage = storage
        self._records = records
        self._clock = clock
        self._anchor = head.anchor
        self._chain = head.chain
        self._fresh = head.fresh
        self.last_seq = head.last_seq

    @property
    def epoch(self) -> int:
        """Changes when the log is wiped."""
        return self._anchor.epoch

    @property
    def first_seq(self) -> int:
        """Sequence number of the oldest record held."""
        return max(1, self.last_seq - CAPACITY + 1)

    @property
    def chain(self) -> bytes:
        """Hash of the chain after the newest record, 32 octets."""
        return self._chain

    def head(self) -> LogHead:
        """Return where the log stands."""
        return LogHead(self._anchor, self.last_seq, self._chain, self._fresh)

    # --- writing ------------------------------------------------------------------------------------------

    def write(self, event: object, *, actor: int = PUMP_ITSELF, continues: bool = False) -> int:
        """Append ``event`` (a payload of `protocol.log_record`) and return its sequence number.

        Args:
            event: what happened.
            actor: bond slot that caused it, 255 the pump itself.
            continues: it belongs to the record before it.

        Raises:
            PowerCut: power failed; the record is on storage whole, torn or not at all.
        """
        flags = LogRecordFlag.CONTINUES if continues else LogRecordFlag(0)
        return self._write(event_type(event), payload_octets(event), actor, flags)

    def owe(self, event: object, actor: int = PUMP_ITSELF) -> LogDebt:
        """Return what a change that is about to be stored owes the log; `settle` pays it."""
        return LogDebt(self.last_seq + 1, event_type(event), actor, payload_octets(event))

    def settle(self, debt: LogDebt) -> int:
        """Write what is owed unless the log holds it, and return its sequence number; 0 for nothing.

        Raises:
            PowerCut: power failed; the same call after the reset does what is left to do.
        """
        if not debt or debt.log_from < self.first_seq:
            return 0
        owed = (debt.type, debt.actor_slot, debt.payload)
        for seq in range(debt.log_from, self.last_seq + 1):
            found = _open_at(self._storage, seq)
            if found is not None and (found.type, found.actor_slot, found.payload) == owed:
                return seq
        return self._write(debt.type, debt.payload, debt.actor_slot, LogRecordFlag(0))

    def tells(self, from_seq: int, kind: EventType, actor: int) -> bool:
        """Tell whether a record of ``kind`` caused by ``actor`` stands at ``from_seq`` or later."""
        for seq in range(max(from_seq, self.first_seq), self.last_seq + 1):
            found = _open_at(self._storage, seq)
            if found is not None and (found.type, found.actor_slot) == (kind, actor):
                return True
        return False

    def _write(self, kind: EventType, payload: bytes, actor: int, flags: LogRecordFlag) -> int:
        if (self.last_seq + 1) % CHECKPOINT_EVERY == 0:
            self._checkpoint()
        return self._append(kind, payload, actor, flags)

    def write_once(
        self, from_seq: int, event: object, *, actor: int = PUMP_ITSELF, continues: bool = False
    ) -> int:
        """Append ``event`` unless a record of its type stands from ``from_seq`` on; return its number.

        Recovery after a reset uses it to repeat a step that may have been done.

        Raises:
            PowerCut: power failed; the record is on storage whole, torn or not at all.
        """
        found = self.find(from_seq, event_type(event))
        return found or self.write(event, actor=actor, continues=continues)

    def _checkpoint(self) -> None:
        payload = self._chain[:_CELL_NAME_SIZE]
        seq = self._append(EventType.CHAIN_CHECKPOINT, payload, PUMP_ITSELF, LogRecordFlag(0))
        self._anchor = LogAnchor(self._anchor.epoch, seq, self._chain)
        self._records.put(RecordName.LOG, codec_of(LogAnchor).encode(self._anchor))

    def _append(self, kind: EventType, payload: bytes, actor: int, flags: LogRecordFlag) -> int:
        seq = self.last_seq + 1
        if not self._clock.is_set:
            flags |= LogRecordFlag.CLOCK_UNSET
        if self._fresh:
            flags |= LogRecordFlag.FIRST_AFTER_BOOT
        record = LogRecord(seq, self._clock.uptime_s, self._clock.utc_s, kind, actor, flags, payload, 0)
        sealed = seal_record(record)
        self._storage.write(cell_of(seq), sealed)
        self.last_seq = seq
        self._chain = _link(self._chain, sealed)
        self._fresh = False
        return seq

    # --- reading ------------------------------------------------------------------------------------------

    def page(self, from_seq: int, limit: int, *, patient: bool = False) -> LogPage:
        """Return up to ``limit`` records with sequence numbers from ``from_seq`` on.

        Args:
            from_seq: first sequence number wanted.
            limit: how many records fit the page.
            patient: only what the patient may see.
        """
        start = max(from_seq, self.first_seq)
        flags = LogPageFlag.GAP if max(1, from_seq) < self.first_seq else LogPageFlag(0)
        records: list[LogRecord] = []
        for seq in range(start, self.last_seq + 1):
            if patient and not self._is_patients(seq):
                continue
            if len(records) == limit:
                flags |= LogPageFlag.MORE
                break
            record = _open_at(self._storage, seq)
            if record is None:
                flags |= LogPageFlag.CORRUPT
            records.append(record or _placeholder(seq))
        return LogPage(start, flags, tuple(records))

    def _is_patients(self, seq: int) -> bool:
        sealed = self._storage.read(cell_of(seq))
        return sealed is not None and sealed[_TYPE_AT] in _PATIENT_TYPES

    def digest(self, from_seq: int, to_seq: int) -> bytes:
        """Return the hash chain over a run of records that are held, from 32 zero octets on.

        A record that is corrupt counts with the octets its cell holds, none where it cannot be read: the
        digest says what is stored, not what should be.
        """
        return self._link_run(bytes(_HASH_SIZE), from_seq, to_seq)

    def chain_holds(self) -> bool:
        """Tell whether the chain in RAM is what the records since the last checkpoint give."""
        return self._link_run(self._anchor.chain, self._anchor.seq + 1, self.last_seq) == self._chain

    def _link_run(self, chain: bytes, from_seq: int, to_seq: int) -> bytes:
        for seq in range(from_seq, to_seq + 1):
            chain = _link(chain, self._storage.read(cell_of(seq)) or b"")
        return chain

    def find(self, from_seq: int, kind: EventType) -> int | None:
        """Return the first sequence number from ``from_seq`` on whose record is of ``kind``, or None."""
        for seq in range(max(from_seq, self.first_seq), self.last_seq + 1):
            found = _open_at(self._storage, seq)
            if found is not None and found.type is kind:
                return seq
        return None


def find_head(storage: Storage, stored_anchor: bytes) -> LogHead:
    """Find where the log stands by looking at the ring, as a reset does."""
    anchor: LogAnchor = (
        codec_of(LogAnchor).decode(stored_anchor) if stored_anchor else LogAnchor(1, 0, _CHAIN_START)
    )
    last = max((_seq_in(storage, slot) for slot in range(CAPACITY)), default=0)
    last = max(last, anchor.seq)
    # What stands half written after the newest record used its number up.
    for seq in range(last + 1, last + CAPACITY):
        if storage.is_blank(cell_of(seq)) or _seq_in(storage, seq % CAPACITY):
            break
        last = seq
    chain = anchor.chain
    for seq in range(max(anchor.seq + 1, last - CAPACITY + 1), last + 1):
        chain = _link(chain, storage.read(cell_of(seq)) or b"")
    return LogHead(anchor, last, chain, fresh=True)


def find_newest(storage: Storage, last_seq: int, kind: EventType) -> LogRecord | None:
    """Return the newest record of ``kind`` in the ring, or None."""
    for seq in range(last_seq, max(0, last_seq - CAPACITY), -1):
        record = _open_at(storage, seq)
        if record is not None and record.type is kind:
            return record
    return None


def _seq_in(storage: Storage, slot: int) -> int:
    """Return the sequence number of the valid record in a slot of the ring, 0 where there is none."""
    sealed = storage.read(cell_of(slot))
    if sealed is None or open_record(sealed) is None:
        return 0
    seq = int.from_bytes(sealed[:4], "little")
    return seq if seq % CAPACITY == slot else 0


def _open_at(storage: Storage, seq: int) -> LogRecord | None:
    sealed = storage.read(cell_of(seq))
    record = None if sealed is None else open_record(sealed)
    return None if record is None or record.seq != seq else record


def _placeholder(seq: int) -> LogRecord:
    payload = payload_octets(DataCorruptEvent(cell_of(seq).encode().ljust(_CELL_NAME_SIZE, b"\0")))
    record = LogRecord(seq, 0, 0, EventType.DATA_CORRUPT, PUMP_ITSELF, LogRecordFlag.CLOCK_UNSET, payload, 0)
    sealed = open_record(seal_record(record))
    assert sealed is not None  # noqa: S101 - sealed the line before
    return sealed


def _link(chain: bytes, sealed: bytes) -> bytes:
    return hashlib.sha256(chain + sealed).digest()


__all__ = [
    "CAPACITY", "CHECKPOINT_EVERY", "PUMP_ITSELF", "RECORD_SIZE", "EventLog", "LogAnchor", "LogHead",
    "LogPage", "cell_of", "event_type", "find_head", "find_newest",
]  # fmt: skip
