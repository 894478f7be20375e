"""The refill record: what was drawn out and filled in, booked once whatever the power does.

The record is stored whole before anything is done about it; its first copy is the instant at which the refill
counts. Then the retained registers take the new content, the log tells of it and the receipt is stored. The
registers keep how far that got, and a reset does what is left: the live call and the recovery are the same
steps. The last record stays, with the lot of the drug, which the log has no room for.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.receipts import NO_INTENT, Receipts
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.controller.retained import RetainedRegisters
from protocol.log_record import RefillEvent
from protocol.messages.codec import codec_of
from protocol.messages.fields import label, octets, u8, u32
from protocol.messages.program import ReceiptResponse
from protocol.program import DIGEST_SIZE
from protocol.vocabulary import ReceiptState


@dataclass(frozen=True, slots=True)
class RefillOrder:
    """What somebody says was done; ``lot`` and ``digest`` are empty where the factory fills the pump."""

    withdrawn_nl: int
    filled_nl: int
    actor_slot: int
    intent_id: bytes
    lot: str = ""
    digest: bytes = bytes(DIGEST_SIZE)

    def check(self, capacity_nl: int) -> None:
        """Check that a reservoir could take it.

        Raises:
            ValueError: a volume is negative, or more than the reservoir holds.
        """
        for name, value in (("withdrawn_nl", self.withdrawn_nl), ("filled_nl", self.filled_nl)):
            if not 0 <= value <= capacity_nl:
                raise ValueError(f"{name} = {value} is outside 0..{capacity_nl} nL")


@dataclass(frozen=True, slots=True)
class RefillRecord:
    """The last refill; stored durably."""

    number: Annotated[int, u32("", "refills so far")]
    withdrawn_nl: Annotated[int, u32("nL", "drawn out, as the syringe showed")]
    filled_nl: Annotated[int, u32("nL", "filled in, as the syringe showed")]
    expected_nl: Annotated[int, u32("nL", "residual the pump had computed")]
    lot: Annotated[str, label(12, "lot number of the drug")]
    actor_slot: Annotated[int, u8("", "bond slot that said so, 255 the pump's owner")]
    version: Annotated[int, u32("", "version of the active program")]
    uptime_s: Annotated[int, u32("s", "uptime of the record")]
    utc_s: Annotated[int, u32("s", "UTC of the record, 0 where the clock was not set")]
    log_from: Annotated[int, u32("", "sequence number from which on the log may tell of it")]
    digest: Annotated[bytes, octets(DIGEST_SIZE, "digest of the request that carried the intent")]
    intent_id: Annotated[bytes, octets(16, "intent of the person")]


_RECORD: Final = codec_of(RefillRecord)


class RefillBook:
    """The last refill and the steps behind it.

    Args:
        records: where it is stored.
        log: where it is told.
        receipts: where the intent is answered for.
        clock: stamps.
        registers: take the new content.
    """

    def __init__(
        self,
        records: RecordStore,
        log: EventLog,
        receipts: Receipts,
        clock: PumpClock,
        registers: RetainedRegisters,
    ) -> None:
        self._records = records
        self._log = log
        self._receipts = receipts
        self._clock = clock
        self._registers = registers

    @property
    def last(self) -> RefillRecord | None:
        """The last refill, None where there was none."""
        payload = self._records.get(RecordName.REFILL)
        record: RefillRecord | None = _RECORD.decode(payload) if payload else None
        return record

    def book(self, order: RefillOrder, version: int) -> tuple[RefillRecord, int]:
        """Book a refill; return its record and the number of the log record that tells of it.

        Raises:
            PowerCut: power failed; the refill is booked after the reset, or was never told.
        """
        record = RefillRecord(
            self._registers.refill_number + 1,
            order.withdrawn_nl,
            order.filled_nl,
            self._registers.content_nl,
            order.lot,
            order.actor_slot,
            version,
            self._clock.uptime_s,
            self._clock.utc_s,
            self._log.last_seq + 1,
            order.digest,
            order.intent_id,
        )
        self._records.put(RecordName.REFILL, _RECORD.encode(record))
        return record, self._carry_out(record)

    def recover(self) -> None:
        """Do what a reset interrupted.

        Raises:
            PowerCut: power failed again; the next reset does what is left.
        """
        record = self.last
        if record is not None and record.number > self._registers.refill_told:
            self._carry_out(record)

    def _carry_out(self, record: RefillRecord) -> int:
        self._registers.refill(record.number, record.filled_nl)
        event = RefillEvent(record.withdrawn_nl, record.filled_nl, record.expected_nl)
        seq = self._log.write_once(record.log_from, event, actor=record.actor_slot)
        if record.intent_id != NO_INTENT:
            self._receipts.put(_receipt_of(record, seq), record.actor_slot)
        self._registers.refill_told = record.number
        return seq


def _receipt_of(record: RefillRecord, seq: int) -> ReceiptResponse:
    return ReceiptResponse(
        ReceiptState.COMMITTED,
        record.version,
        record.uptime_s,
        record.utc_s,
        seq,
        record.digest,
        record.intent_id,
    )
