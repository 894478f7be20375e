"""Boluses as values: one that is being delivered over the basal rate, and one that was.

The volume delivered after e ms is ``floor(volume * 3600 * e / duration)`` in units of nL*ms/h: a function of
time alone, so that it is exact at the end and does not depend on how time is cut. The basal rate goes on
underneath, unchanged.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.dose_window import BolusRun
from protocol.messages.fields import flags8, octets, u8, u32, u64, word8
from protocol.program import DIGEST_SIZE
from protocol.quantities import UNITS_PER_NL, nl_to_units, round_half_up, units_to_nl
from protocol.request_words import BolusKind
from protocol.vocabulary import BolusState, OverrideReason, SoftLimit

MS_PER_S: Final = 1_000
S_PER_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class RunningBolus:
    """A bolus that is being delivered; stored durably, times in ms of the counter."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    kind: Annotated[BolusKind, word8(BolusKind, "what it is for")]
    volume_nl: Annotated[int, u32("nL", "volume", 1)]
    duration_s: Annotated[int, u32("s", "time it takes", 1)]
    started_ms: Annotated[int, u64("ms", "counter at its start")]
    slot: Annotated[int, u8("", "bond slot that started it")]
    intent: Annotated[bytes, octets(16, "intent of the person")]

    @property
    def ends_ms(self) -> int:
        """Counter at which it is delivered whole."""
        return self.started_ms + self.duration_s * MS_PER_S

    @property
    def total_units(self) -> int:
        """Its whole volume in exact units."""
        return nl_to_units(self.volume_nl)

    @property
    def rate_nl_h(self) -> int:
        """Its rate over the basal rate, nL/h, rounded half up."""
        return bolus_rate_nl_h(self.volume_nl, self.duration_s)

    def units_at(self, counter_ms: int) -> int:
        """Return what is delivered of it until an instant, in exact units."""
        if counter_ms >= self.ends_ms:
            return self.total_units
        elapsed_ms = max(0, counter_ms - self.started_ms)
        return self.volume_nl * (UNITS_PER_NL // MS_PER_S) * elapsed_ms // self.duration_s

    def units_between(self, from_ms: int, to_ms: int) -> int:
        """Return what is delivered of it between two instants, in exact units."""
        return self.units_at(to_ms) - self.units_at(from_ms)

    def run(self) -> BolusRun:
        """Return it as the dose windows see it: planned to its end."""
        return BolusRun(self.started_ms, self.ends_ms, self.volume_nl, self.duration_s, self.total_units)


def bolus_rate_nl_h(volume_nl: int, duration_s: int) -> int:
    """Return the rate of a bolus over the basal rate, nL/h, rounded half up."""
    return round_half_up(volume_nl * S_PER_HOUR, duration_s)


@dataclass(frozen=True, slots=True)
class StartNote:
    """What log and receipt say of the start of a bolus; stored with it, so that a reset can still say it."""

    log_from: Annotated[int, u32("", "sequence number from which on the log may tell of it")]
    uptime_s: Annotated[int, u32("s", "uptime of the start")]
    utc_s: Annotated[int, u32("s", "UTC of the start, 0 where the clock was not set")]
    version: Annotated[int, u32("", "version of the active program")]
    digest: Annotated[bytes, octets(DIGEST_SIZE, "digest of the request that carried the intent")]
    soft_ack: Annotated[SoftLimit, flags8(SoftLimit, "soft limits passed")]
    reason: Annotated[OverrideReason, word8(OverrideReason, "why they may be")]


@dataclass(frozen=True, slots=True)
class PastBolus:
    """A bolus that ended; stored durably, times in ms of the counter."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    kind: Annotated[BolusKind, word8(BolusKind, "what it was for")]
    state: Annotated[BolusState, word8(BolusState, "how it ended")]
    volume_nl: Annotated[int, u32("nL", "volume it should have had")]
    duration_s: Annotated[int, u32("s", "time it should have taken")]
    started_ms: Annotated[int, u64("ms", "counter at its start")]
    ended_ms: Annotated[int, u64("ms", "counter at its end")]
    delivered_units: Annotated[int, u64("nL*ms/h", "delivered of it, exact")]
    slot: Annotated[int, u8("", "bond slot that started it")]
    log_from: Annotated[int, u32("", "sequence number from which on the log may tell of its end")]

    @property
    def delivered_nl(self) -> int:
        """What was delivered of it, in whole nL."""
        return units_to_nl(self.delivered_units)

    def run(self) -> BolusRun:
        """Return it as the dose windows see it."""
        return BolusRun(self.started_ms, self.ended_ms, self.volume_nl, self.duration_s, self.delivered_units)


@dataclass(frozen=True, slots=True)
class BolusView:
    """Where the current or last bolus stands, as status and notifications tell it; id 0 where none was."""

    bolus_id: int = 0
    state: BolusState = BolusState.NONE
    delivered_nl: int = 0
    total_nl: int = 0


def view_of_past(past: PastBolus) -> BolusView:
    """Return the view of a bolus that ended."""
    return BolusView(past.bolus_id, past.state, past.delivered_nl, past.volume_nl)
