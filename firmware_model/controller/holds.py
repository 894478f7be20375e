"""Ordered stops and minimum rates: each has an end, is stored, and survives a reset."""

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.delivery import Hold, decode_hold, encode_hold
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.log_debt import NO_DEBT, LogDebt, split_debt, with_debt
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.profiles import Profile
from protocol.log_record import DeliveryStateEvent
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
        payload, self._debt = split_debt(records.get(RecordName.HOLD))
        self._hold = decode_hold(payload)

    @property
    def current(self) -> Hold | None:
        """The stop or minimum rate that is ordered, or None."""
        return self._hold

    def recover(self, log: EventLog) -> None:
        """Tell the log of the last order, where power failed before it was told.

        Raises:
            PowerCut: power failed again; the next reset does what is left.
        """
        debt = self._debt
        if debt and not log.tells(debt.log_from, debt.type, debt.actor_slot):
            log.settle(debt)

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

    def order(
        self, state: DeliveryState, minutes: int, actor: int, reason: DeliveryReason, debt: LogDebt = NO_DEBT
    ) -> None:
        """Order a hold in place of an earlier one.

        Args:
            state: STOPPED or MIN_RATE.
            minutes: 1 .. ``stop_max_min`` of the profile.
            actor: bond slot that orders it.
            reason: why.
            debt: the log record that tells of it.

        Raises:
            ValueError: another state, or a time outside the range.
            PowerCut: power failed; the hold is that from before, or this one.
        """
        if not 1 <= minutes <= self._profile.stop_max_min:
            raise ValueError(f"a hold of {minutes} min is outside 1..{self._profile.stop_max_min} min")
        now_ms = self._clock.now_ms
        self._set(Hold(state, now_ms, now_ms + minutes * MS_PER_MINUTE, actor, reason), debt)

    def release(self, debt: LogDebt = NO_DEBT) -> None:
        """Take the hold back; ``debt`` is the log record that tells of it.

        Raises:
            PowerCut: power failed; the hold stands, or it does not.
        """
        self._set(None, debt)

    def _set(self, hold: Hold | None, debt: LogDebt) -> None:
        if hold != self._hold or debt:
            self._records.put(RecordName.HOLD, with_debt(encode_hold(hold), debt))
            self._hold, self._debt = hold, debt


def owed_by_order(
    log: EventLog,
    before: DeliveryState,
    after: DeliveryState,
    minutes: int,
    actor: int,
    reason: DeliveryReason,
) -> LogDebt:
    """Return what an order owes the log, nothing where the pump acts by itself.

    It is told in full when it is carried out; this is what a reset tells instead, without the rate, which
    the pump tells when it takes delivery up.
    """
    if reason is DeliveryReason.NONE:
        return NO_DEBT
    return log.owe(DeliveryStateEvent(before, after, 0, minutes, reason), actor)
