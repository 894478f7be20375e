"""Alarms: which conditions there are, which stand, and what is stored so that none is lost over a reset.

A condition stands at most once. It clears by itself when its cause is gone, or by what `conditions` says of
it.

To silence an alarm says nothing about its cause: it is a time, in pump time, until which the alarm is told
as SILENCED; then it is again what it was. That time is stored, so a reset neither ends nor prolongs it.

At most `MAX_ALARMS` stand. One more takes the place of the oldest of the lowest priority, if that is lower
than its own; so none of high priority is ever lost to another. What gave way comes again with its cause
when there is room. Source of codes and rules: OITP/1 section 17.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.conditions import CONDITIONS, PATIENTS, UNTIL_SEEN
from firmware_model.controller.event_log import PUMP_ITSELF, EventLog
from firmware_model.controller.log_debt import split_debt, with_debt
from firmware_model.controller.records import RecordName, RecordStore
from protocol.log_record import AlarmAckEvent, AlarmClearedEvent, AlarmRaisedEvent
from protocol.messages.alarms import MAX_ALARMS, MAX_HIGH_SILENCE_S, Alarm
from protocol.messages.codec import codec_of
from protocol.messages.fields import u16, u64
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, AlarmState, ErrorCode, Priority, Role

__all__ = ["CONDITIONS", "PATIENTS", "UNTIL_SEEN", "Alarms"]

_U16: Final = 0xFFFF
_U32: Final = 0xFFFF_FFFF


_INSTANCE_FIELD: Final = 0
_SECONDS_FIELD: Final = 1


@dataclass(frozen=True, slots=True)
class _Head:
    next_instance: Annotated[int, u16("", "number of the next occurrence")]


@dataclass(frozen=True, slots=True)
class _Silence:
    until_ms: Annotated[int, u64("ms", "counter until which the alarm is silent")]


_HEAD: Final = codec_of(_Head)
_ALARM: Final = codec_of(Alarm)
_SILENCE: Final = codec_of(_Silence)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A standing alarm, and the counter until which it is silent."""

    alarm: Alarm
    silent_until_ms: int = 0

    def told_at(self, now_ms: int) -> Alarm:
        is_silent = now_ms < self.silent_until_ms
        return replace(self.alarm, state=AlarmState.SILENCED) if is_silent else self.alarm

    def encode(self) -> bytes:
        return _ALARM.encode(self.alarm) + _SILENCE.encode(_Silence(self.silent_until_ms))


class Alarms:
    """The standing alarms; every change is durable and told when a method returns.

    Args:
        records: where they are stored.
        log: where they are told.
        clock: stamps their onset and ends their silence.

    Every method that changes an alarm raises `PowerCut` where power fails meanwhile.
    """

    def __init__(self, records: RecordStore, log: EventLog, clock: PumpClock) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        payload, self._debt = split_debt(records.get(RecordName.ALARMS))
        self._next_instance = _HEAD.decode(payload[: _HEAD.fixed_size]).next_instance if payload else 1
        self._standing = {each.alarm.code: each for each in _decode(payload[_HEAD.fixed_size :])}

    # --- what stands --------------------------------------------------------------------------------------

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """The standing alarms, highest priority first, then the oldest first."""
        now_ms = self._clock.now_ms
        told = (each.told_at(now_ms) for each in self._standing.values())
        return tuple(sorted(told, key=lambda alarm: (-alarm.prio, alarm.instance)))

    @property
    def count(self) -> int:
        """How many alarms stand."""
        return len(self._standing)

    @property
    def highest(self) -> Priority:
        """The highest priority among the standing alarms."""
        return max((each.alarm.prio for each in self._standing.values()), default=Priority.NONE)

    @property
    def next_event_ms(self) -> int | None:
        """Counter at which the next silence ends, None where there is none."""
        now_ms = self._clock.now_ms
        ends = (each.silent_until_ms for each in self._standing.values())
        return min((end for end in ends if end > now_ms), default=None)

    @property
    def sounding(self) -> Alarm | None:
        """The alarm that is heard: the oldest of the highest priority among those that are not silent.

        One that is acknowledged is heard on only if it is critical.
        """
        for alarm in self.standing:
            is_heard = alarm.state is AlarmState.ACTIVE or (
                alarm.state is AlarmState.ACKED and alarm.prio is Priority.HIGH
            )
            if is_heard and CONDITIONS[alarm.code].is_audible:
                return alarm
        return None

    def stands(self, code: AlarmCode) -> bool:
        """Tell whether an alarm stands."""
        return code in self._standing

    def detail(self, code: AlarmCode) -> int:
        """Return what a standing alarm says, 0 where it does not stand."""
        each = self._standing.get(code)
        return 0 if each is None else each.alarm.detail

    # --- conditions ---------------------------------------------------------------------------------------

    def raise_alarm(self, code: AlarmCode, detail: int) -> None:
        """Raise an alarm; one that stands stays as it is.

        One of `UNTIL_SEEN` that somebody acknowledged or silenced is raised anew: it has happened again.
        """
        each = self._standing.get(code)
        if each is None:
            self._raise(code, detail)
        elif code in UNTIL_SEEN and each.told_at(self._clock.now_ms).state is not AlarmState.ACTIVE:
            self.raise_anew(code, detail)

    def raise_anew(self, code: AlarmCode, detail: int) -> None:
        """Raise an alarm as a new occurrence, in place of one that stands."""
        self.clear(code)
        self._raise(code, detail)

    def _raise(self, code: AlarmCode, detail: int) -> None:
        prio = CONDITIONS[code].prio
        if not self._make_room(prio):
            return
        instance = self._next_instance
        detail = min(detail, _U32)
        alarm = Alarm(
            instance, code, prio, AlarmState.ACTIVE, self._clock.uptime_s, self._clock.utc_s, detail
        )
        self._next_instance = instance % _U16 + 1
        self._standing[code] = _Standing(alarm)
        self._store(AlarmRaisedEvent(instance, code, prio, detail))

    def _make_room(self, prio: Priority) -> bool:
        """Tell whether there is a place for an alarm of ``prio``; a lower one gives way for it."""
        if len(self._standing) < MAX_ALARMS:
            return True
        lowest = min(
            (each.alarm for each in self._standing.values()), key=lambda alarm: (alarm.prio, alarm.instance)
        )
        if lowest.prio >= prio:
            return False
        self.clear(lowest.code)
        return True

    def clear(self, code: AlarmCode) -> None:
        """Take an alarm back whose cause is gone; one that does not stand is left alone."""
        each = self._standing.pop(code, None)
        if each is not None:
            self._store(AlarmClearedEvent(each.alarm.instance, code))

    def follow(self, code: AlarmCode, cause: bool, detail: int = 0) -> None:
        """Raise or clear an alarm as its cause stands."""
        if cause:
            self.raise_alarm(code, detail)
        elif code in self._standing:
            self.clear(code)

    # --- people -------------------------------------------------------------------------------------------

    def acknowledge(self, instance: int, role: Role, actor: int) -> AlarmState | Refusal:
        """Note that a person has seen an alarm, and return where it stands then.

        Args:
            instance: which occurrence.
            role: of the person; the patient has a say over those of `PATIENTS` only.
            actor: bond slot of the person.
        """
        each = self._find(instance, role)
        if isinstance(each, Refusal):
            return each
        if each.told_at(self._clock.now_ms).state is AlarmState.ACKED:
            return AlarmState.ACKED
        alarm = replace(each.alarm, state=AlarmState.ACKED)
        self._standing[alarm.code] = _Standing(alarm)
        self._store(AlarmAckEvent(instance, alarm.code, alarm.state, 0), actor)
        if alarm.code not in UNTIL_SEEN:
            return alarm.state
        self.clear(alarm.code)
        return AlarmState.CLEARED

    def silence(self, instance: int, seconds: int, role: Role, actor: int) -> int | Refusal:
        """Silence an alarm and return the counter at which it is what it was again.

        Args:
            instance: which occurrence.
            seconds: for how long; one of high priority at most `MAX_HIGH_SILENCE_S`.
            role: of the person; the patient has a say over those of `PATIENTS` only.
            actor: bond slot of the person.
        """
        each = self._find(instance, role)
        if isinstance(each, Refusal):
            return each
        if each.alarm.prio is Priority.HIGH and seconds > MAX_HIGH_SILENCE_S:
            return Refusal(ErrorCode.OUT_OF_RANGE, _SECONDS_FIELD, MAX_HIGH_SILENCE_S)
        until_ms = self._clock.now_ms + seconds * 1_000
        code = each.alarm.code
        self._standing[code] = replace(each, silent_until_ms=until_ms)
        self._store(AlarmAckEvent(instance, code, AlarmState.SILENCED, seconds), actor)
        return until_ms

    def _find(self, instance: int, role: Role) -> _Standing | Refusal:
        found = (each for each in self._standing.values() if each.alarm.instance == instance)
        each = next(found, None)
        if each is None:
            return Refusal(ErrorCode.OUT_OF_RANGE, _INSTANCE_FIELD)
        if role is Role.PATIENT and each.alarm.prio not in PATIENTS:
            return Refusal(ErrorCode.ROLE_FORBIDDEN, _INSTANCE_FIELD)
        return each

    # --- memory -------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Tell what a cut of power left untold."""
        self._log.settle(self._debt)

    def _store(self, event: object, actor: int = PUMP_ITSELF) -> None:
        self._debt = self._log.owe(event, actor)
        body = b"".join(each.encode() for each in self._standing.values())
        payload = _HEAD.encode(_Head(self._next_instance)) + body
        self._records.put(RecordName.ALARMS, with_debt(payload, self._debt))
        self._log.settle(self._debt)


def _decode(body: bytes) -> list[_Standing]:
    split = _ALARM.fixed_size
    size = split + _SILENCE.fixed_size
    cells = (body[at : at + size] for at in range(0, len(body), size))
    return [_Standing(_ALARM.decode(cell[:split]), _SILENCE.decode(cell[split:]).until_ms) for cell in cells]
