"""Where the drug comes from at the moment: a rate table in local time, and a bolus over it.

A flow answers in instants of the counter. It changes at events only; between two of them every volume is a
difference of two exact cumulative functions.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.controller.bolus import RunningBolus
from firmware_model.controller.dose_window import RateChange
from firmware_model.controller.schedule import RateTable
from protocol.quantities import MS_PER_DAY

NO_TABLE: Final = RateTable.constant(0)


@dataclass(frozen=True, slots=True)
class DrugFlow:
    """What flows from one event to the next.

    Attributes:
        table: the basal rate.
        shift_ms: what added to the counter gives local time.
        bolus: what is delivered over the basal rate, or None.
        suspended: nothing flows though there is a program.
    """

    table: RateTable = NO_TABLE
    shift_ms: int = 0
    bolus: RunningBolus | None = None
    suspended: bool = False

    def is_made_of(
        self, table: RateTable, shift_ms: int, bolus: RunningBolus | None, *, suspended: bool
    ) -> bool:
        """Tell whether it is the very flow that these would make."""
        is_same = self.table is table and self.bolus is bolus
        return is_same and self.shift_ms == shift_ms and self.suspended == suspended

    def basal_units(self, from_ms: int, to_ms: int) -> int:
        """Return the basal volume between two instants, in exact units."""
        return self.table.volume_units(from_ms + self.shift_ms, to_ms + self.shift_ms)

    def bolus_units(self, from_ms: int, to_ms: int) -> int:
        """Return the bolus volume between two instants, in exact units."""
        return 0 if self.bolus is None else self.bolus.units_between(from_ms, to_ms)

    def rate_at(self, now_ms: int) -> int:
        """Return the rate at an instant, nL/h: basal and bolus."""
        basal = self.table.rate_at(now_ms + self.shift_ms)
        return basal if self.bolus is None else basal + self.bolus.rate_nl_h

    def step_at(self, now_ms: int) -> int:
        """Return the number of the active step, 255 where the basal rate belongs to none."""
        return self.table.step_at(now_ms + self.shift_ms)

    def next_change(self, now_ms: int) -> int | None:
        """Return the next instant at which the rate changes, or None."""
        local_ms = self.table.next_change(now_ms + self.shift_ms)
        at = None if local_ms is None else local_ms - self.shift_ms
        if self.bolus is None:
            return at
        return self.bolus.ends_ms if at is None else min(at, self.bolus.ends_ms)

    def passed_at(self, now_ms: int, units: int) -> int | None:
        """Return the first instant at which ``units`` have passed since ``now_ms``, or None.

        While a bolus runs, an instant after its end is not looked for: its end is an event before.
        """
        if self.bolus is None:
            at = self.table.passed_at(now_ms + self.shift_ms, units)
            return None if at is None else at - self.shift_ms
        early, late = now_ms, max(now_ms, self.bolus.ends_ms)
        if self._units(now_ms, late) < units:
            return None
        while early < late:
            middle = (early + late) // 2
            if self._units(now_ms, middle) >= units:
                late = middle
            else:
                early = middle + 1
        return late

    def _units(self, from_ms: int, to_ms: int) -> int:
        return self.basal_units(from_ms, to_ms) + self.bolus_units(from_ms, to_ms)

    def basal_changes(self, from_ms: int, to_ms: int) -> tuple[RateChange, ...]:
        """Return the basal rate at ``from_ms`` and its changes up to ``to_ms``."""
        return tuple(
            RateChange(at - self.shift_ms, rate)
            for at, rate in self.table.changes(from_ms + self.shift_ms, to_ms + self.shift_ms)
        )

    def day_at(self, now_ms: int) -> int:
        """Return the number of the local day at an instant, counted from 1970-01-01."""
        return (now_ms + self.shift_ms) // MS_PER_DAY

    def day_begins(self, day: int) -> int:
        """Return the instant of the local midnight with which a local day begins."""
        return day * MS_PER_DAY - self.shift_ms
