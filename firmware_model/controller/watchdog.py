"""Watchdogs: one for each task of the firmware, independent of all of them.

A task that gives no sign of life for `WINDOW_MS` resets the firmware, which mends a hang that has no lasting
cause. Where a task hangs on, `ALARM_MS` after its last sign of life the watchdog gives it up with a critical
alarm: without delivery the motor stands, without measuring or alarms the pump keeps to its minimum rate,
without telemetry delivery goes on as if nothing were. That lasts until a program is committed.

The model has no tasks that could hang by themselves: a hang is a fault somebody orders with `Watchdog.hang`.
Source: GIP 3.5.1 to 3.5.4; SR-12 and SR-14 of the safety requirements.
"""

from dataclasses import replace
from enum import IntFlag
from typing import Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.life import Life
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.watch_book import Hang
from protocol.quantities import MS_PER_MINUTE

WINDOW_MS: Final = 90_000
ALARM_MS: Final = 3 * MS_PER_MINUTE


class Task(IntFlag):
    """The tasks of the firmware."""

    DELIVERY = 1
    MEASURING = 2
    ALARMS = 4
    TELEMETRY = 8


class Watchdog:
    """Watches the tasks.

    Args:
        clock: the counter.
        registers: keep a hang over the reset it causes.
        life: remembers what was given up.
    """

    def __init__(self, clock: PumpClock, registers: RetainedRegisters, life: Life) -> None:
        self._clock = clock
        self._registers = registers
        self._life = life

    # --- what is so ---------------------------------------------------------------------------------------

    @property
    def hung(self) -> Task:
        """Tasks that give no sign of life now."""
        return Task(self._registers.hang.tasks)

    @property
    def given_up(self) -> Task:
        """Tasks that a restart did not mend, and no program was committed since."""
        record = self._life.record
        return Task(record.hung_tasks) if self._life.latched(record.hung_version) else Task(0)

    @property
    def next_event_ms(self) -> int | None:
        """Counter at which a watchdog runs out, None where all are served."""
        hang = self._registers.hang
        if not hang.tasks or self.given_up:
            return None
        return hang.since_ms + (ALARM_MS if hang.was_reset else WINDOW_MS)

    def bites(self) -> bool:
        """Tell whether the firmware must be reset now, and remember that it was."""
        hang = self._registers.hang
        if not hang.tasks or hang.was_reset or self._clock.now_ms < hang.since_ms + WINDOW_MS:
            return False
        self._registers.hang = replace(hang, was_reset=True)
        return True

    # --- what happens -------------------------------------------------------------------------------------

    def restarted(self) -> None:
        """Note that the firmware has started: what hangs without a lasting cause is mended."""
        if not self._registers.hang.stays:
            self._registers.hang = Hang()

    def run_due(self, version: int) -> None:
        """Give up what hangs on after a reset.

        Args:
            version: the newest program.

        Raises:
            PowerCut: power failed while that was stored.
        """
        hang = self._registers.hang
        is_due = hang.was_reset and self._clock.now_ms >= hang.since_ms + ALARM_MS
        if hang.tasks and is_due and not self.given_up:
            self._life.put(replace(self._life.record, hung_version=version, hung_tasks=hang.tasks))

    # --- faults -------------------------------------------------------------------------------------------

    def hang(self, tasks: Task, *, stays: bool = False) -> None:
        """Let tasks hang from now on; those that hung before have been mended.

        Args:
            tasks: which ones; none mends all.
            stays: whether they hang on after a reset.
        """
        self._registers.hang = Hang(int(tasks), self._clock.now_ms, stays) if tasks else Hang()
