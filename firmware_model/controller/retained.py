"""The retained registers: what the controller counts, exact over a reset.

A delivered volume changes with every turn of the motor. Storing it in non-volatile memory at each turn
would wear the memory out within months, and storing it now and then would make the volume wrong after
every reset. Real pumps keep such counters in a register block that the cell feeds even while the processor
restarts; so does this one. The block is lost only with the cell, which is the end of the pump. A register
is written whole or not at all, and what was written before power failed stays written.
"""

from dataclasses import dataclass, field

from firmware_model.controller.battery import CellHistory
from firmware_model.controller.day_totals import DayRecord
from firmware_model.controller.dose_window import RateChange
from firmware_model.controller.tone_pattern import ToneBook
from firmware_model.controller.watch_book import Hang
from protocol.quantities import nl_to_units, units_to_nl


@dataclass(slots=True)
class RetainedRegisters:
    """Belief about volumes, in exact units of nL*ms/h.

    ``filled == delivered + content + wasted`` holds at every instant, to the last unit.

    Attributes:
        settled_ms: counter up to which the volumes are computed.
        content_units: computed content of the reservoir.
        delivered_units: commanded since manufacture.
        filled_units: filled in at refills, as the syringe said.
        wasted_units: given up at refills: what was believed to be left.
        since_midnight_units: commanded since the local midnight before ``settled_ms``.
        bolus_id: the bolus that ``bolus_units`` counts.
        bolus_units: delivered of it.
        last_bolus_id: highest number given to a bolus.
        bolus_counted: patient bolus that the day totals count.
        bolus_start_told: bolus of which log and receipt tell that it began.
        bolus_end_told: bolus of which the log tells that it ended.
        refill_number: refill that is booked.
        refill_told: refill of which log and receipt tell.
        span_from_ms: counter at the last change of the flow.
        span_delivered_units: ``delivered_units`` there.
        span_bolus_units: ``bolus_units`` there.
        shift_ms: what added to the counter gave local time there.
        rates: the basal rate of the 24 h before ``span_from_ms``, as its changes.
        days: totals by local day up to ``span_from_ms``; None before the clock first ran.
        cell: what was measured of the cell, and what it is expected to last.
        tones: which tones sound, and how many have.
        refill_judged: refill whose residual was compared with the computed one.
        refill_delivered_units: ``delivered_units`` at that refill.
        brown_outs: brown-outs that the firmware knows of.
        clock_stopped: the cell was interrupted, and the clock with it.
        beginnings: counter of the last beginnings of delivery after a critical alarm or a restart.
        was_broken_off: a critical alarm stood when delivery last stopped.
        hang: tasks of the firmware that give no sign of life.
    """

    settled_ms: int
    content_units: int = 0
    delivered_units: int = 0
    filled_units: int = 0
    wasted_units: int = 0
    since_midnight_units: int = 0
    bolus_id: int = 0
    bolus_units: int = 0
    last_bolus_id: int = 0
    bolus_counted: int = 0
    bolus_start_told: int = 0
    bolus_end_told: int = 0
    refill_number: int = 0
    refill_told: int = 0
    span_from_ms: int = 0
    span_delivered_units: int = 0
    span_bolus_units: int = 0
    shift_ms: int = 0
    rates: tuple[RateChange, ...] = ()
    days: DayRecord | None = None
    cell: CellHistory = field(default_factory=CellHistory)
    tones: ToneBook = field(default_factory=ToneBook)
    refill_judged: int = 0
    refill_delivered_units: int = 0
    brown_outs: int = 0
    clock_stopped: bool = False
    beginnings: tuple[int, ...] = ()
    was_broken_off: bool = False
    hang: Hang = field(default_factory=Hang)

    @property
    def content_nl(self) -> int:
        """Computed content in whole nL."""
        return units_to_nl(self.content_units)

    def deliver(self, units: int, *, of_them_today: int, new_day: bool) -> None:
        """Book a commanded volume.

        Args:
            units: the volume, at most the content.
            of_them_today: what of it fell after the last local midnight.
            new_day: a midnight has passed, so what was counted before it no longer counts.
        """
        self.content_units -= units
        self.delivered_units += units
        self.since_midnight_units = of_them_today + (0 if new_day else self.since_midnight_units)

    def begin_bolus(self, bolus_id: int) -> None:
        """Count another bolus from here on."""
        self.bolus_id = bolus_id
        self.bolus_units = self.span_bolus_units = 0

    def refill(self, number: int, filled_nl: int) -> None:
        """Book a refill, unless it is booked: the residual is given up."""
        if number <= self.refill_number:
            return
        self.wasted_units += self.content_units
        self.content_units = nl_to_units(filled_nl)
        self.filled_units += self.content_units
        self.refill_number = number

    def begin_span(self) -> None:
        """Count what the next flow delivers from here on."""
        self.span_from_ms = self.settled_ms
        self.span_delivered_units = self.delivered_units
        self.span_bolus_units = self.bolus_units
