"""The parts of the controller that everything else in it works with."""

from dataclasses import dataclass

from firmware_model.controller.alarms import Alarms
from firmware_model.controller.clock import PumpClock
from firmware_model.controller.commit import CommitJournal
from firmware_model.controller.event_log import EventLog, LogHead
from firmware_model.controller.program_store import ProgramStore
from firmware_model.controller.receipts import Receipts
from firmware_model.controller.records import RecordStore
from firmware_model.controller.storage import Storage


@dataclass(frozen=True, slots=True)
class Parts:
    """Memory, clock, log and what is kept in them."""

    storage: Storage
    records: RecordStore
    clock: PumpClock
    log: EventLog
    alarms: Alarms
    receipts: Receipts
    programs: ProgramStore
    journal: CommitJournal

    @classmethod
    def assemble(cls, storage: Storage, records: RecordStore, clock: PumpClock, head: LogHead) -> "Parts":
        """Put the parts together on records that are in RAM already."""
        log = EventLog(storage, records, clock, head)
        receipts = Receipts(records)
        programs = ProgramStore(storage, records)
        return cls(
            storage=storage,
            records=records,
            clock=clock,
            log=log,
            alarms=Alarms(records, log, clock),
            receipts=receipts,
            programs=programs,
            journal=CommitJournal(records, programs, log, receipts, clock),
        )
