"""The program in force: which one, how it is loaded and mended, how another takes its place.

What the firmware works with is in RAM: checked when it was loaded, and used from there.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.controller.bolus_check import lower_limits
from firmware_model.controller.commit import Approved
from firmware_model.controller.conditions import UNTIL_REPROGRAMMED
from firmware_model.controller.dose_window import RateChange
from firmware_model.controller.flow import DrugFlow
from firmware_model.controller.parts import Parts
from firmware_model.controller.schedule import RateTable
from protocol.log_record import DataCorruptEvent
from protocol.messages.program import ReceiptResponse
from protocol.program import Emergency, Limits, Program, decode_program
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import AlarmCode, EmergencyPolicy

_CELL_NAME_SIZE: Final = 12
_NO_PROGRAM_EMERGENCY: Final = Emergency(EmergencyPolicy.READ_SUSPEND, MINUTES_PER_DAY)


@dataclass(frozen=True, slots=True)
class ActiveProgram:
    """The active program as it is in RAM: checked when it was loaded, and used from here."""

    image: bytes
    program: Program
    table: RateTable

    @classmethod
    def from_image(cls, image: bytes) -> "ActiveProgram":
        """Decode an image that was verified before."""
        program = decode_program(image)
        return cls(image, program, RateTable.from_schedule(program.schedule))


class ProgramInForce:
    """The active program and the one that waits.

    Args:
        parts: memory, clock and log.
        image: the active program as it is in RAM; empty after a reset, until `load`.

    Attributes:
        active: the active program, None where there is none or no copy of it is good.
    """

    def __init__(self, parts: Parts, image: bytes = b"") -> None:
        self._parts = parts
        self.active = ActiveProgram.from_image(image) if image else None

    @property
    def is_committed(self) -> bool:
        """Whether a program was committed, readable or not."""
        return bool(self._parts.programs.table.active)

    @property
    def version(self) -> int:
        """Version of the active program, 0 where none was committed."""
        return self._parts.programs.table.active.version

    @property
    def utc_offset_min(self) -> int:
        """Offset of the local time that the schedule follows, min."""
        if self.active is None:
            return self._parts.clock.setting.utc_offset_min
        return self.active.program.clock.utc_offset_min

    @property
    def emergency(self) -> Emergency:
        """What the published emergency key may do; read, and suspend for a day, where no program says."""
        return _NO_PROGRAM_EMERGENCY if self.active is None else self.active.program.emergency

    @property
    def pending_at(self) -> int | None:
        """Counter at which the program that waits takes effect, None where none waits."""
        pending = self._parts.programs.table.pending
        return self._parts.clock.counter_at(pending.effective_utc_s) if pending else None

    def ahead(self, active: ActiveProgram, until_ms: int) -> tuple[tuple[RateChange, ...], Limits]:
        """Return the basal rate from now on, and the limits that hold for it.

        It is that of the active program, and from its time on that of a program that waits; of their limits
        each is the lower one.
        """
        clock, pending_ms = self._parts.clock, self.pending_at
        now_ms, limits = clock.now_ms, active.program.limits
        flow = DrugFlow(active.table, clock.local_shift_ms(active.program.clock.utc_offset_min))
        image = None
        if pending_ms is not None and pending_ms < until_ms:
            image = self._parts.programs.read(self._parts.programs.table.pending)
        if pending_ms is None or image is None:
            return flow.basal_changes(now_ms, until_ms), limits
        pending = ActiveProgram.from_image(image)
        turns_ms = max(now_ms, pending_ms)
        later = DrugFlow(pending.table, clock.local_shift_ms(pending.program.clock.utc_offset_min))
        changes = (*flow.basal_changes(now_ms, turns_ms), *later.basal_changes(turns_ms, until_ms))
        return changes, lower_limits(limits, pending.program.limits)

    # --- change -------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read the active program from its bank, mending a damaged copy; what is in RAM is kept if good.

        Raises:
            PowerCut: power failed while a copy was mended.
        """
        entry = self._parts.programs.table.active
        image = self._parts.programs.read(entry)
        if image is None and self.active is not None and entry:
            image = self.active.image
        if image is None:
            self.active = None
            return
        for cell in self._parts.programs.repair(entry, image):
            self.tell_corrupt(cell)
        if self.active is None or self.active.image != image:
            self.active = ActiveProgram.from_image(image)

    def store(self, approved: Approved) -> ReceiptResponse | None:
        """Commit a program that was checked and confirmed; None where the bank does not hold it.

        Raises:
            PowerCut: power failed; the reset ends in the old or the new program.
        """
        receipt = self._parts.journal.store(approved)
        if receipt is not None and not approved.effective_utc_s:
            self.active = ActiveProgram.from_image(approved.image)
            for code in UNTIL_REPROGRAMMED:
                self._parts.alarms.clear(code)
        return receipt

    def activate_pending(self) -> None:
        """Let the program that waits take effect, or give it up where no copy of it is good.

        Raises:
            PowerCut: power failed; the reset ends what was begun.
        """
        entry = self._parts.programs.table.pending
        image = self._parts.programs.read(entry)
        if image is None:
            self._parts.journal.drop_pending()
            self._parts.alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 1)
            return
        active = ActiveProgram.from_image(image)
        self._parts.journal.activate(entry, active.program)
        self.active = active

    def tell_corrupt(self, cell: str) -> None:
        """Tell the log that a storage cell failed its check."""
        name = cell.encode()[:_CELL_NAME_SIZE].ljust(_CELL_NAME_SIZE, b"\0")
        self._parts.log.write(DataCorruptEvent(name))
