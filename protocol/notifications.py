"""What the pump sends unasked: which notifications are due, and which wait for their acknowledgement.

Inside an established session, only after SUBSCRIBE, and never between a request and its response. A status
line, bolus progress and new log records are told once; an alarm and the end of the session are repeated until
NOTIFY_ACK. What is told is derived by comparing what the pump believes now with what it believed before, so
that nothing has to report its changes. Source: OITP/1 sections 9 and 17.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from protocol.messages.alarms import Alarm, AlarmEvent
from protocol.messages.delivery import BolusProgress
from protocol.messages.log import LogAppended
from protocol.messages.registry import NotificationSpec, by_notification
from protocol.messages.session import SessionEnding
from protocol.messages.status import StatusPush
from protocol.request_words import EventMask
from protocol.requests import Observation
from protocol.vocabulary import AlarmState, BolusState, CloseReason

REPEAT_MS: Final = (1_000, 2_000, 4_000, 8_000, 16_000)
"""Pauses before each repetition; after the last one it is told again in the next session only."""

PROGRESS_MS: Final = 5_000
"""Link time between two BOLUS_PROGRESS of a bolus that goes on."""

MAX_PENDING: Final = 32
"""Notifications that wait to be sent, or for their acknowledgement; older ones give way."""

_RUNNING: Final = frozenset((BolusState.ARMED, BolusState.DELIVERING))


@dataclass(frozen=True, slots=True)
class _Pending:
    body: Any
    repeats: int
    due_ms: int


class Notifier:
    """The notifications of one session; all times in ms of link time."""

    def __init__(self) -> None:
        self._mask = EventMask(0)
        self._period_ms = 0
        self._status_ms = 0
        self._progress_ms = 0
        self._seq = 0
        self._seen: Observation | None = None
        self._fresh: list[Any] = []
        self._pending: dict[int, _Pending] = {}
        self._ending: set[CloseReason] = set()

    @property
    def mask(self) -> EventMask:
        """What is subscribed."""
        return self._mask

    @property
    def pending(self) -> int:
        """Notifications that wait for their acknowledgement."""
        return len(self._pending)

    def subscribe(self, mask: EventMask, period_s: int, now_ms: int) -> None:
        """Begin to tell what ``mask`` names, a status line every ``period_s`` (0 none).

        Every alarm that stands unseen is told anew: an earlier session may have ended before it was.
        """
        self._mask = mask
        self._period_ms = period_s * 1_000 if EventMask.STATUS in mask else 0
        self._status_ms = now_ms + self._period_ms
        self._seen = None
        self._fresh.clear()
        self._pending.clear()
        self._ending.clear()

    def acknowledge(self, notify_seq: int) -> int:
        """Forget what was received up to ``notify_seq``; return how many still wait."""
        for seq in [seq for seq in self._pending if seq <= notify_seq]:
            del self._pending[seq]
        return len(self._pending)

    # --- what has changed ---------------------------------------------------------------------------------

    def observe(self, now: Observation, now_ms: int) -> None:
        """Compare what the pump believes with what it believed before, and queue what is to be told."""
        before, self._seen = self._seen, now
        if EventMask.ALARM in self._mask:
            self._tell_alarms(before, now)
        if EventMask.BOLUS in self._mask:
            self._tell_bolus(before, now, now_ms)
        if EventMask.LOG in self._mask and before is not None and before.log_last_seq != now.log_last_seq:
            self._tell(LogAppended(self._next_seq(), now.log_last_seq))
        if self._period_ms and now_ms >= self._status_ms:
            self._status_ms = now_ms + self._period_ms
            self._tell(
                StatusPush(
                    self._next_seq(),
                    now.uptime_s,
                    now.delivery_state,
                    now.rate_nl_h,
                    now.reservoir_nl,
                    now.alarm_max_prio,
                    now.log_last_seq,
                )
            )

    def _tell_alarms(self, before: Observation | None, now: Observation) -> None:
        known = {} if before is None else {alarm.instance: alarm for alarm in before.alarms}
        standing = {alarm.instance: alarm for alarm in now.alarms}
        for alarm in now.alarms:
            unseen = before is None and alarm.state is AlarmState.ACTIVE
            if unseen or (before is not None and known.get(alarm.instance) != alarm):
                self._tell_alarm(alarm)
        for instance, alarm in known.items():
            if instance not in standing:
                self._tell_alarm(replace(alarm, state=AlarmState.CLEARED))

    def _tell_alarm(self, alarm: Alarm) -> None:
        self._tell(
            AlarmEvent(
                self._next_seq(),
                alarm.instance,
                alarm.code,
                alarm.prio,
                alarm.state,
                alarm.onset_uptime_s,
                alarm.onset_utc_s,
                alarm.detail,
            )
        )

    def _tell_bolus(self, before: Observation | None, now: Observation, now_ms: int) -> None:
        if before is None:
            changed = now.bolus_state in _RUNNING
        else:
            changed = (before.bolus_id, before.bolus_state) != (now.bolus_id, now.bolus_state)
        goes_on = now.bolus_state is BolusState.DELIVERING and now_ms >= self._progress_ms
        if changed or goes_on:
            self._progress_ms = now_ms + PROGRESS_MS
            self._tell(
                BolusProgress(
                    self._next_seq(),
                    now.bolus_id,
                    now.bolus_state,
                    now.bolus_delivered_nl,
                    now.bolus_total_nl,
                )
            )

    def ending(self, reason: CloseReason, seconds: int) -> None:
        """Tell once that the session will end for ``reason`` in ``seconds``."""
        if EventMask.SESSION in self._mask and reason not in self._ending:
            self._ending.add(reason)
            self._tell(SessionEnding(self._next_seq(), reason, min(seconds, 0xFFFF)))

    def stays(self, reason: CloseReason) -> None:
        """Take back that the session would end for ``reason``: it may be told again later."""
        if reason in self._ending:
            self._ending.discard(reason)
            self._forget((SessionEnding, reason))

    def told_ending(self, reason: CloseReason) -> bool:
        """Return whether the end for ``reason`` was told."""
        return reason in self._ending

    def _tell(self, body: Any) -> None:
        # The newest word about one thing replaces the older ones, and of many things the newest are enough:
        # a storm stays bounded, however long nothing can be sent.
        self._forget(_about(body))
        self._fresh = [*self._fresh, body][-MAX_PENDING:]

    def _forget(self, about: tuple[type, int]) -> None:
        self._fresh = [body for body in self._fresh if _about(body) != about]
        for seq in [seq for seq, told in self._pending.items() if _about(told.body) == about]:
            del self._pending[seq]

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    # --- what is due --------------------------------------------------------------------------------------

    def take(self, now_ms: int) -> list[tuple[NotificationSpec, Any]]:
        """Return what must be sent now, repetitions included, and book it as sent."""
        fresh, self._fresh = self._fresh, []
        sent = [(by_notification(body), body) for body in fresh]
        for spec, body in sent:
            if spec.acknowledged:
                self._pending[body.notify_seq] = _Pending(body, 0, now_ms + REPEAT_MS[0])
        while len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        for seq, told in list(self._pending.items()):
            if told.due_ms <= now_ms:
                sent.append((by_notification(told.body), told.body))
                self._book_repeat(seq, told, now_ms)
        return sent

    def _book_repeat(self, seq: int, told: _Pending, now_ms: int) -> None:
        repeats = told.repeats + 1
        if repeats >= len(REPEAT_MS):
            del self._pending[seq]
        else:
            self._pending[seq] = _Pending(told.body, repeats, now_ms + REPEAT_MS[repeats])

    def deadline(self) -> int | None:
        """Return when something will be due without the pump changing, or None."""
        times = [told.due_ms for told in self._pending.values()]
        if self._period_ms:
            times.append(self._status_ms)
        seen = self._seen
        if EventMask.BOLUS in self._mask and seen is not None and seen.bolus_state is BolusState.DELIVERING:
            times.append(self._progress_ms)
        return min(times, default=None)


def _about(body: Any) -> tuple[type, int]:
    """Return what a notification is about: one alarm, one reason to end, or the one thing of its kind."""
    if isinstance(body, AlarmEvent):
        return AlarmEvent, body.instance
    return type(body), body.reason if isinstance(body, SessionEnding) else 0
