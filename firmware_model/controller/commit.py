"""The commit journal: turns a verified program into the active or the pending one, whatever the power does.

A change is written down whole before anything is done about it. Doing it is a row of steps of which each is
skipped where it was done before: turn the program table, write the log, store the receipt, close the
journal. The live commit and the recovery after a reset are therefore the same call. Until the journal entry
is whole on storage the old program stands; from then on the new one is certain.
"""

from dataclasses import dataclass, replace
from enum import IntEnum, unique
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.program_store import ProgramEntry, ProgramStore, ProgramTable
from firmware_model.controller.receipts import Receipts
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.controller.schedule import RateTable
from protocol.log_record import ProgAbortEvent, ProgActivatedEvent, ProgCommitEvent, SoftLimitOverrideEvent
from protocol.messages.codec import codec_of
from protocol.messages.fields import flags32, u32, word8
from protocol.messages.program import ReceiptResponse
from protocol.program import DIGEST_SIZE, Program, decode_program, program_digest
from protocol.vocabulary import OverrideReason, ReceiptState, SoftLimit

NO_SOFT_LIMIT: Final = SoftLimit(0)


@unique
class ChangeKind(IntEnum):
    """What a journal entry does."""

    COMMIT = 0x33
    SCHEDULE = 0x3C
    ACTIVATE = 0x55


@dataclass(frozen=True, slots=True)
class Change:
    """What the journal says about a change, beside the program entry it is about."""

    kind: Annotated[ChangeKind, word8(ChangeKind, "what is done")]
    uptime_s: Annotated[int, u32("s", "uptime of the decision")]
    utc_s: Annotated[int, u32("s", "UTC of the decision, 0 where the clock was not set")]
    log_from: Annotated[int, u32("", "sequence number from which on the log may tell of it")]
    overridden: Annotated[SoftLimit, flags32(SoftLimit, "soft limits passed")]
    reason: Annotated[OverrideReason, word8(OverrideReason, "why")]
    day_volume_nl: Annotated[int, u32("nL", "volume of the largest day")]
    dose_ng_per_day: Annotated[int, u32("ng/day", "dose of the primary drug")]
    first_rate_nl_h: Annotated[int, u32("nL/h", "rate of the program at the decision")]


_CHANGE = codec_of(Change)
_ENTRY = codec_of(ProgramEntry)


@dataclass(frozen=True, slots=True)
class Approved:
    """A program that passed every check and was confirmed by a person.

    Attributes:
        image: its image.
        day_volume_nl: volume of its largest day.
        dose_ng_per_day: dose of its primary drug on that day.
        actor_slot: bond slot of the person, 255 the factory.
        intent_id: what GET_RECEIPT asks for.
        overridden: soft limits it passes.
        reason: why it may.
        effective_utc_s: 0 at once, else UTC at which it takes effect.
    """

    image: bytes
    day_volume_nl: int
    dose_ng_per_day: int
    actor_slot: int
    intent_id: bytes
    overridden: SoftLimit = NO_SOFT_LIMIT
    reason: OverrideReason = OverrideReason.NONE
    effective_utc_s: int = 0


class CommitJournal:
    """The journal and the steps behind it."""

    def __init__(
        self,
        records: RecordStore,
        programs: ProgramStore,
        log: EventLog,
        receipts: Receipts,
        clock: PumpClock,
    ) -> None:
        self._records = records
        self._programs = programs
        self._log = log
        self._receipts = receipts
        self._clock = clock

    def store(self, approved: Approved) -> ReceiptResponse | None:
        """Store a program and make it active, or pending where it has an effective time.

        Returns:
            The receipt, or None where the spare bank does not hold what is written; the active program
            stands then.

        Raises:
            PowerCut: power failed; the reset ends in the old or the new program.
        """
        version = self._programs.table.newest_version + 1
        bank = self._programs.free_spare_bank()
        self.close_orphans()
        if not self._programs.write_bank(bank, approved.image):
            return None
        entry = ProgramEntry(
            version,
            bank,
            len(approved.image),
            program_digest(approved.image),
            self._clock.utc_s,
            approved.actor_slot,
            approved.effective_utc_s,
            approved.intent_id,
        )
        kind = ChangeKind.SCHEDULE if approved.effective_utc_s else ChangeKind.COMMIT
        change = replace(
            self._change(kind, decode_program(approved.image)),
            overridden=approved.overridden,
            reason=approved.reason,
            day_volume_nl=approved.day_volume_nl,
            dose_ng_per_day=approved.dose_ng_per_day,
        )
        return self._execute(change, entry)

    def activate(self, entry: ProgramEntry, program: Program) -> ReceiptResponse:
        """Make the pending program active.

        Raises:
            PowerCut: power failed; the reset ends what was begun.
        """
        return self._execute(self._change(ChangeKind.ACTIVATE, program), entry)

    def drop_pending(self) -> None:
        """Give the pending program up."""
        self._programs.free_spare_bank()
        self.close_orphans()

    def close_orphans(self) -> None:
        """Mark the receipts of pending programs that are no more as aborted, and tell the log."""
        pending = self._programs.table.pending
        for receipt in self._receipts.in_state(ReceiptState.SCHEDULED):
            if receipt.intent_id != pending.intent_id:
                self._receipts.close(receipt.intent_id, ReceiptState.ABORTED)
                self._log.write(ProgAbortEvent(0, self._programs.table.active.version))

    def _change(self, kind: ChangeKind, program: Program) -> Change:
        local_ms = self._clock.now_ms + self._clock.local_shift_ms(program.clock.utc_offset_min)
        return Change(
            kind=kind,
            uptime_s=self._clock.uptime_s,
            utc_s=self._clock.utc_s,
            log_from=self._log.last_seq + 1,
            overridden=NO_SOFT_LIMIT,
            reason=OverrideReason.NONE,
            day_volume_nl=0,
            dose_ng_per_day=0,
            first_rate_nl_h=RateTable.from_schedule(program.schedule).rate_at(local_ms),
        )

    def _execute(self, change: Change, entry: ProgramEntry) -> ReceiptResponse:
        """Write the change down, do it and return its receipt."""
        self._records.put(RecordName.JOURNAL, _CHANGE.encode(change) + _ENTRY.encode(entry))
        return self._carry_out(change, entry)

    def recover(self) -> ReceiptResponse | None:
        """End a change that a reset interrupted; return its receipt, or None where there was none."""
        payload = self._records.get(RecordName.JOURNAL)
        if not payload:
            return None
        change, entry = _CHANGE.decode(payload[: _CHANGE.fixed_size]), payload[_CHANGE.fixed_size :]
        return self._carry_out(change, _ENTRY.decode(entry))

    def _carry_out(self, change: Change, entry: ProgramEntry) -> ReceiptResponse:
        self._programs.set_table(self._table_after(change.kind, entry))
        seq = self._write_log(change, entry)
        state = ReceiptState.SCHEDULED if change.kind is ChangeKind.SCHEDULE else ReceiptState.COMMITTED
        receipt = ReceiptResponse(
            state,
            entry.version,
            change.uptime_s,
            change.utc_s,
            seq,
            entry.sha256[:DIGEST_SIZE],
            entry.intent_id,
        )
        self._receipts.put(receipt, entry.actor_slot)
        self._records.put(RecordName.JOURNAL, b"")
        return receipt

    def _table_after(self, kind: ChangeKind, entry: ProgramEntry) -> ProgramTable:
        table = self._programs.table
        if kind is ChangeKind.SCHEDULE:
            return replace(table, pending=entry)
        return table if table.active.version == entry.version else table.turned_to(entry)

    def _write_log(self, change: Change, entry: ProgramEntry) -> int:
        """Write what is not in the log yet; return the number of the record a receipt points at."""
        activated = ProgActivatedEvent(entry.version, change.first_rate_nl_h)
        if change.kind is ChangeKind.ACTIVATE:
            return self._once(change, activated, entry.actor_slot, continues=False)
        committed = ProgCommitEvent(entry.version, change.day_volume_nl, change.dose_ng_per_day)
        seq = self._once(change, committed, entry.actor_slot, continues=False)
        if change.overridden:
            override = SoftLimitOverrideEvent(entry.version, change.overridden, change.reason)
            self._once(change, override, entry.actor_slot, continues=True)
        if change.kind is ChangeKind.COMMIT:
            self._once(change, activated, entry.actor_slot, continues=True)
        return seq

    def _once(self, change: Change, event: object, actor: int, *, continues: bool) -> int:
        return self._log.write_once(change.log_from, event, actor=actor, continues=continues)
