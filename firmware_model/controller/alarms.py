"""Alarms: which conditions there are, which stand, and what is stored so that none is lost over a reset.

A condition stands at most once. It clears by itself when its cause is gone; the conditions of
`UNTIL_REPROGRAMMED` stand until a clinician has looked at the pump and committed a program.
Source of codes and rules: OITP/1 section 17.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.records import RecordName, RecordStore
from protocol.log_record import AlarmClearedEvent, AlarmRaisedEvent
from protocol.messages.alarms import MAX_ALARMS, Alarm
from protocol.messages.codec import codec_of
from protocol.messages.fields import records as record_list
from protocol.messages.fields import u16
from protocol.vocabulary import AlarmCode, AlarmState, Priority

_U16: Final = 0xFFFF
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Condition:
    """One alarm condition this firmware knows.

    Attributes:
        code: its word.
        prio: its priority; HIGH ones are critical, with the two-tone sound.
        text: what it means, and what ``detail`` of the alarm says.
    """

    code: AlarmCode
    prio: Priority
    text: str


CONDITIONS: Final = {
    condition.code: condition
    for condition in (
        Condition(
            AlarmCode.RESERVOIR_EMPTY,
            Priority.HIGH,
            "The computed content of the reservoir is used up and delivery has stopped. Detail: 0.",
        ),
        Condition(
            AlarmCode.PROGRAM_CORRUPT,
            Priority.HIGH,
            "No copy of the active program is valid; the pump delivers its minimum rate. "
            "Detail: version of the lost program.",
        ),
        Condition(
            AlarmCode.LONG_STOP,
            Priority.HIGH,
            "Delivery has been stopped on command for longer than the profile allows in silence. "
            "Detail: minutes since the stop.",
        ),
        Condition(
            AlarmCode.EMERGENCY_SUSPEND,
            Priority.HIGH,
            "The published emergency key has slowed delivery to the minimum rate; the program resumes by itself. "
            "Detail: minutes.",
        ),
        Condition(
            AlarmCode.SECURITY_LOCKOUT,
            Priority.MEDIUM,
            "Too many handshakes with wrong keys: handshakes on one class of link are ignored for a time. "
            "Detail: that time in s.",
        ),
        Condition(
            AlarmCode.SELF_TEST_FAIL,
            Priority.MEDIUM,
            "A self-test failed; the next run without a failure clears this. Detail: mask of the failed tests.",
        ),
        Condition(
            AlarmCode.MEMORY_FAULT,
            Priority.MEDIUM,
            "Stored data were lost; the pump works on with what a new pump has. Detail: records lost.",
        ),
        Condition(
            AlarmCode.PUMP_RESET, Priority.MEDIUM, "The firmware has restarted. Detail: its start count."
        ),
        Condition(
            AlarmCode.RESERVOIR_LOW,
            Priority.LOW,
            "The computed content of the reservoir is at or below the alarm volume. Detail: content in nL.",
        ),
        Condition(
            AlarmCode.TELEMETRY_ABUSE,
            Priority.LOW,
            "More handshakes come in than the pump spends energy on. "
            "Detail: how often the budget ran dry within an hour.",
        ),
        Condition(
            AlarmCode.PATIENT_BOLUS_DENIED,
            Priority.INFO,
            "The patient asked for a bolus and did not get it. Detail: code of the reason.",
        ),
    )
}
"""Every condition of this firmware, by code."""

UNTIL_REPROGRAMMED: Final = (AlarmCode.PUMP_RESET, AlarmCode.MEMORY_FAULT, AlarmCode.PROGRAM_CORRUPT)


@dataclass(frozen=True, slots=True)
class _StoredAlarms:
    next_instance: Annotated[int, u16("", "number of the next occurrence")]
    standing: Annotated[tuple[Alarm, ...], record_list(Alarm, MAX_ALARMS, "standing alarms")]


class Alarms:
    """The standing alarms.

    Args:
        records: where they are stored.
        log: where they are told.
        clock: stamps their onset.
    """

    def __init__(self, records: RecordStore, log: EventLog, clock: PumpClock) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        payload = records.get(RecordName.ALARMS)
        stored: _StoredAlarms = codec_of(_StoredAlarms).decode(payload) if payload else _StoredAlarms(1, ())
        self._next_instance = stored.next_instance
        self._standing = {alarm.code: alarm for alarm in stored.standing}

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """The standing alarms, highest priority first, then the oldest first."""
        return tuple(sorted(self._standing.values(), key=lambda alarm: (-alarm.prio, alarm.instance)))

    @property
    def count(self) -> int:
        """How many alarms stand."""
        return len(self._standing)

    @property
    def highest(self) -> Priority:
        """The highest priority among the standing alarms."""
        return max((alarm.prio for alarm in self._standing.values()), default=Priority.NONE)

    def stands(self, code: AlarmCode) -> bool:
        """Tell whether an alarm stands."""
        return code in self._standing

    def raise_alarm(self, code: AlarmCode, detail: int) -> None:
        """Raise an alarm; one that stands already stays as it is."""
        if code in self._standing:
            return
        instance = self._next_instance
        prio = CONDITIONS[code].prio
        detail = min(detail, _U32)
        alarm = Alarm(
            instance, code, prio, AlarmState.ACTIVE, self._clock.uptime_s, self._clock.utc_s, detail
        )
        self._next_instance = instance % _U16 + 1
        self._standing[code] = alarm
        # Stored first: a log record lost to a power cut is a lesser evil than a lost alarm.
        self._store()
        self._log.write(AlarmRaisedEvent(instance, code, prio, detail))

    def clear(self, code: AlarmCode) -> None:
        """Take an alarm back whose cause is gone; one that does not stand is left alone."""
        alarm = self._standing.pop(code, None)
        if alarm is not None:
            self._store()
            self._log.write(AlarmClearedEvent(alarm.instance, code))

    def follow(self, code: AlarmCode, cause: bool, detail: int = 0) -> None:
        """Raise or clear an alarm as its cause stands."""
        if cause:
            self.raise_alarm(code, detail)
        else:
            self.clear(code)

    def _store(self) -> None:
        stored = _StoredAlarms(self._next_instance, self.standing)
        self._records.put(RecordName.ALARMS, codec_of(_StoredAlarms).encode(stored))
