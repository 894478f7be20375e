"""Ordered stops and minimum rates: each has an end, is stored, and survives a reset."""

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.delivery import Hold, decode_hold, encode_hold
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_MINUTE
from protocol.request_words import DeliveryReason
from protocol.vocabulary import DeliveryState


class Holds:
    """The hold that is ordered, if any.

    Args:
        profile: bounds how long a hold may last, and how long a stop may be silent.
        records: where it is stored.
        clock: counts its time.
    """

    def __init__(self, profile: Profile, records: RecordStore, clock: PumpClock) -> None:
        self._profile = profile
        self._records = records
        self._clock = clock
        self._hold = decode_hold(records.get(RecordName.HOLD))

    @property
    def current(self) -> Hold | None:
        """The stop or minimum rate that is ordered, or None."""
        return self._hold

    @property
    def state(self) -> DeliveryState | None:
        """STOPPED or MIN_RATE where that is ordered."""
        return None if self._hold is None else self._hold.state

    @property
    def until_ms(self) -> int | None:
        """Counter at which the program resumes, None where nothing is ordered."""
        return None if self._hold is None else self._hold.until_ms

    @property
    def long_stop_ms(self) -> int | None:
        """Counter from which on an ordered stop is alarmed as a long one, None where there is no stop."""
        if self._hold is None or self._hold.state is not DeliveryState.STOPPED:
            return None
        return self._hold.since_ms + self._profile.long_stop_min * MS_PER_MINUTE

    def order(self, state: DeliveryState, minutes: int, actor: int, reason: DeliveryReason) -> None:
        """Order a hold in place of an earlier one.

        Args:
            state: STOPPED or MIN_RATE.
            minutes: 1 .. ``stop_max_min`` of the profile.
            actor: bond slot that orders it.
            reason: why.

        Raises:
            ValueError: another state, or a time outside the range.
            PowerCut: power failed; the hold is that from before, or this one.
        """
        if not 1 <= minutes <= self._profile.stop_max_min:
            raise ValueError(f"a hold of {minutes} min is outside 1..{self._profile.stop_max_min} min")
        now_ms = self._clock.now_ms
        self._set(Hold(state, now_ms, now_ms + minutes * MS_PER_MINUTE, actor, reason))

    def release(self) -> None:
        """Take the hold back.

        Raises:
            PowerCut: power failed; the hold stands, or it does not.
        """
        self._set(None)

    def _set(self, hold: Hold | None) -> None:
        if hold != self._hold:
            self._records.put(RecordName.HOLD, encode_hold(hold))
            self._hold = hold
