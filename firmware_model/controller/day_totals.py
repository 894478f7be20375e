"""Totals by local day: what the last 31 days brought, kept in the retained registers.

Nothing is booked at midnight. A *span* is the time from one change of the flow to the next; its share of
each day is computed in closed form when it ends, for the last 31 days it touches, and the share of the span
that is still open is computed when somebody asks. A quiet year costs no more than a quiet hour.

Days are those of the local time in force; a clock that is set over midnight goes on with the day it is set
to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from firmware_model.controller.flow import DrugFlow
from protocol.messages.status import MAX_DAY_BACK
from protocol.request_words import BolusKind

DAYS_KEPT: Final = MAX_DAY_BACK + 1


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What one local day brought; volumes in exact units of nL*ms/h.

    ``day`` counts local days from 1970-01-01.
    """

    day: int
    basal_units: int = 0
    patient_units: int = 0
    clinician_units: int = 0
    prime_units: int = 0
    suspended_ms: int = 0
    given: int = 0
    denied: int = 0

    def plus(self, other: "DayTotals") -> "DayTotals":
        """Return both together."""
        return DayTotals(
            self.day,
            self.basal_units + other.basal_units,
            self.patient_units + other.patient_units,
            self.clinician_units + other.clinician_units,
            self.prime_units + other.prime_units,
            self.suspended_ms + other.suspended_ms,
            self.given + other.given,
            self.denied + other.denied,
        )


@dataclass(frozen=True, slots=True)
class DayRecord:
    """The days on record.

    Attributes:
        first_day: first local day of which anything is known.
        days: days of which there is something to tell, ascending.
    """

    first_day: int
    days: tuple[DayTotals, ...] = ()

    def known(self, today: int) -> int:
        """Return how many days up to today are known, 1 .. 31."""
        return min(today - self.first_day + 1, DAYS_KEPT)

    def of(self, day: int) -> DayTotals:
        """Return what is booked of a day."""
        return next((totals for totals in self.days if totals.day == day), DayTotals(day))

    def plus(self, shares: Iterable[DayTotals]) -> "DayRecord":
        """Return the record with more booked; only the last 31 days are kept."""
        days = {totals.day: totals for totals in self.days}
        for share in shares:
            days[share.day] = days[share.day].plus(share) if share.day in days else share
        kept = sorted(days)[-DAYS_KEPT:]
        return replace(self, days=tuple(days[day] for day in kept))

    def moved(self, before: int, after: int) -> "DayRecord":
        """Return the record after the local time was changed while it was day ``before``.

        A clock that is set for the first time, or far away, leaves nothing that could be called yesterday.
        One that is set back leaves no days that are still to come.
        """
        if abs(after - before) > MAX_DAY_BACK:
            return DayRecord(after)
        return DayRecord(
            min(self.first_day, after), tuple(totals for totals in self.days if totals.day <= after)
        )


@dataclass(frozen=True, slots=True)
class Span:
    """Time without a change of the flow, and what was delivered in it, in exact units."""

    flow: DrugFlow
    from_ms: int
    to_ms: int
    basal_units: int
    bolus_units: int

    def shares(self) -> tuple[DayTotals, ...]:
        """Return the share of each of the last 31 local days the span touches."""
        if self.from_ms == self.to_ms:
            return ()
        last = self.flow.day_at(self.to_ms - 1)
        first = max(self.flow.day_at(self.from_ms), last - MAX_DAY_BACK)
        return tuple(self.share_of(day) for day in range(first, last + 1))

    def share_of(self, day: int) -> DayTotals:
        """Return the share of one local day."""
        start = min(max(self.flow.day_begins(day), self.from_ms), self.to_ms)
        end = max(min(self.flow.day_begins(day + 1), self.to_ms), start)
        basal = self._basal_to(end) - self._basal_to(start)
        bolus = self._bolus_to(end) - self._bolus_to(start)
        kind = None if self.flow.bolus is None else self.flow.bolus.kind
        return DayTotals(
            day,
            basal_units=basal,
            patient_units=bolus if kind is BolusKind.PATIENT else 0,
            clinician_units=bolus if kind is BolusKind.CLINICIAN else 0,
            prime_units=bolus if kind in (BolusKind.PRIME, BolusKind.BRIDGE) else 0,
            suspended_ms=end - start if self.flow.suspended else 0,
        )

    def _basal_to(self, at_ms: int) -> int:
        # Less than the flow would have been in the ms in which the reservoir ran empty.
        return min(self.flow.basal_units(self.from_ms, at_ms), self.basal_units)

    def _bolus_to(self, at_ms: int) -> int:
        return min(self.flow.bolus_units(self.from_ms, at_ms), self.bolus_units)
