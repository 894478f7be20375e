"""Flow by flow: what the retained registers keep of the past, for dose windows and day totals.

A span is the time from one change of the flow to the next. When it ends, its basal rates of the last 24 h and
its share of the last 31 local days are booked; what is still open is computed when somebody asks. So a quiet
year costs nothing until then.
"""

from firmware_model.controller.day_totals import DayRecord, DayTotals, Span
from firmware_model.controller.dose_window import DAY_MS, RateChange, remember
from firmware_model.controller.flow import DrugFlow
from firmware_model.controller.retained import RetainedRegisters


class SpanBook:
    """Books spans into the registers and answers for them.

    Args:
        registers: hold the books; they survive a reset.
    """

    def __init__(self, registers: RetainedRegisters) -> None:
        self._registers = registers

    def open_span(self, flow: DrugFlow) -> Span:
        """Return the span of a flow that has not changed since the last booking."""
        registers = self._registers
        bolus_units = registers.bolus_units - registers.span_bolus_units
        basal_units = registers.delivered_units - registers.span_delivered_units - bolus_units
        return Span(flow, registers.span_from_ms, registers.settled_ms, basal_units, bolus_units)

    def close(self, flow: DrugFlow) -> None:
        """Book the span of a flow that ends now."""
        registers = self._registers
        registers.rates = self.rates(flow)
        registers.days = self._days(flow).plus(self.open_span(flow).shares())
        registers.begin_span()

    def local_time_is(self, flow: DrugFlow) -> None:
        """Take note of the local time a flow follows, before it begins."""
        registers = self._registers
        now_ms = registers.settled_ms
        if registers.days is None:
            registers.days = DayRecord(flow.day_at(now_ms))
        elif flow.shift_ms != registers.shift_ms:
            before = DrugFlow(shift_ms=registers.shift_ms).day_at(now_ms)
            registers.days = registers.days.moved(before, flow.day_at(now_ms))
        registers.shift_ms = flow.shift_ms

    def rates(self, flow: DrugFlow) -> tuple[RateChange, ...]:
        """Return the basal rate of the last 24 h as its changes."""
        registers = self._registers
        since_ms = max(registers.span_from_ms, registers.settled_ms - DAY_MS)
        return remember(
            registers.rates, flow.basal_changes(since_ms, registers.settled_ms), registers.settled_ms
        )

    # --- days ---------------------------------------------------------------------------------------------

    def _days(self, flow: DrugFlow) -> DayRecord:
        return self._registers.days or DayRecord(flow.day_at(self._registers.settled_ms))

    def day(self, flow: DrugFlow, day_back: int) -> DayTotals | None:
        """Return the totals of today (0) or a day before, or None where that day is not known."""
        if day_back >= self.days_known(flow):
            return None
        day = flow.day_at(self._registers.settled_ms) - day_back
        return self._days(flow).of(day).plus(self.open_span(flow).share_of(day))

    def days_known(self, flow: DrugFlow) -> int:
        """Return how many days up to today are known."""
        return self._days(flow).known(flow.day_at(self._registers.settled_ms))

    def count_given(self, bolus_id: int) -> None:
        """Count a patient bolus that began, unless it is counted."""
        if self._registers.bolus_counted != bolus_id:
            self._count(given=1)
            self._registers.bolus_counted = bolus_id

    def count_denied(self) -> None:
        """Count a patient bolus that was refused."""
        self._count(denied=1)

    def _count(self, *, given: int = 0, denied: int = 0) -> None:
        local = DrugFlow(shift_ms=self._registers.shift_ms)
        share = DayTotals(local.day_at(self._registers.settled_ms), given=given, denied=denied)
        self._registers.days = self._days(local).plus([share])
