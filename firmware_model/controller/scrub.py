"""Looking after the memory: at a start before anything may be given, and each hour while the pump runs.

Every copy of every record and program is compared with what the firmware works with, and mended from there. A
mended copy is told by the log and by nothing else; one that cannot be mended fails its self-test, with an
alarm. The model knows when something has happened to the storage, and looks only at the next full hour after
that: looking at sound storage each hour would tell nothing.
Source: GIP 3.3.1 to 3.4.6, R7.4.0 (masked faults are logged, unmasked ones alarm); SR-13 and SR-15.
"""

from typing import Final

from firmware_model.controller.active_program import ProgramInForce
from firmware_model.controller.event_log import PUMP_ITSELF
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.parts import Parts
from firmware_model.controller.records import RecordName
from firmware_model.controller.self_test import failures_of, follow_failures, run_self_tests
from firmware_model.profiles import Profile
from protocol.request_words import SelfTest

SCRUB: Final = SelfTest.MEMORY | SelfTest.PROGRAM
POWER_ON: Final = (SelfTest.MEMORY, SelfTest.BATTERY, SelfTest.ALARM_TONE)
"""Tests at a start, in their order, beside the load of the program; the first that fails ends them."""


class Scrubber:
    """Compares and mends stored copies.

    Args:
        profile: gives the voltage below which the cell is low.
        hardware: cell and tone generator.
        parts: memory and log.
        program: the program in force.
    """

    def __init__(self, profile: Profile, hardware: Hardware, parts: Parts, program: ProgramInForce) -> None:
        self._profile = profile
        self._hardware = hardware
        self._parts = parts
        self._program = program

    @property
    def is_due(self) -> bool:
        """Whether something has happened to the storage since the last look."""
        return self._parts.storage.disturbed

    def scrub(self) -> None:
        """Compare every copy, mend what can be mended, and let the alarm tell of the rest.

        Raises:
            PowerCut: power failed while a copy was mended.
        """
        records = self._parts.records
        for cell in records.bad_cells():
            records.repair(RecordName(cell.rsplit(".", 1)[0]))
            self._program.tell_corrupt(cell)
        self._mend_programs()
        self._parts.storage.disturbed = False
        # A program of which no copy is good has an alarm of its own.
        tests = SelfTest.MEMORY if self._program.active is None else SCRUB
        failed = failures_of(tests, self._parts, self._profile, self._hardware)
        follow_failures(self._parts, tests, failed)

    def _mend_programs(self) -> None:
        programs, active = self._parts.programs, self._program.active
        for entry in (programs.table.active, programs.table.pending):
            image = programs.read(entry) if entry else None
            if image is None and active is not None and entry and entry == programs.table.active:
                image = active.image
            if image is not None:
                for cell in programs.repair(entry, image):
                    self._program.tell_corrupt(cell)

    def power_on_test(self) -> None:
        """Run the tests of a start, one after the other, until one fails.

        Raises:
            PowerCut: power failed while the result was stored.
        """
        for test in POWER_ON:
            if failures_of(test, self._parts, self._profile, self._hardware):
                run_self_tests(test, self._parts, self._profile, self._hardware, PUMP_ITSELF)
                return
            follow_failures(self._parts, test, SelfTest(0))
