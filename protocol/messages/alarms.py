"""Group 8: alarms."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import records, u16, u32, word8, word16
from protocol.vocabulary import AlarmCode, AlarmState, Priority

MAX_ALARMS = 11


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm instance, 18 octets."""

    instance: Annotated[int, u16("", "number of this occurrence")]
    code: Annotated[AlarmCode, word16(AlarmCode, "condition")]
    prio: Annotated[Priority, word8(Priority, "priority")]
    state: Annotated[AlarmState, word8(AlarmState, "where it stands")]
    onset_uptime_s: Annotated[int, u32("s", "uptime at onset")]
    onset_utc_s: Annotated[int, u32("s", "UTC at onset, 0 where not set")]
    detail: Annotated[int, u32("", "what the condition says, e.g. the volume left in nL")]


@dataclass(frozen=True, slots=True)
class GetAlarmsRequest:
    """Asks which alarms stand."""


@dataclass(frozen=True, slots=True)
class GetAlarmsResponse:
    """Standing alarms, highest priority first."""

    alarms: Annotated[tuple[Alarm, ...], records(Alarm, MAX_ALARMS, "alarms")]


MAX_SILENCE_S = 3_600
MAX_HIGH_SILENCE_S = 300
"""A HIGH alarm is never silent for longer (OITP/1 section 17)."""


@dataclass(frozen=True, slots=True)
class AlarmAckRequest:
    """Says that a person has seen an alarm; its condition clears by itself."""

    instance: Annotated[int, u16("", "number of the occurrence")]


@dataclass(frozen=True, slots=True)
class AlarmAckResponse:
    """Where the alarm stands now."""

    instance: Annotated[int, u16("", "number of the occurrence")]
    state: Annotated[AlarmState, word8(AlarmState, "where it stands")]


@dataclass(frozen=True, slots=True)
class AlarmSilenceRequest:
    """Silences an alarm for a time; it sounds again afterwards while its condition lasts."""

    instance: Annotated[int, u16("", "number of the occurrence")]
    seconds: Annotated[int, u16("s", "how long; a HIGH alarm at most 300 s", 1, MAX_SILENCE_S)]


@dataclass(frozen=True, slots=True)
class AlarmSilenceResponse:
    """Until when the alarm is silent."""

    instance: Annotated[int, u16("", "number of the occurrence")]
    state: Annotated[AlarmState, word8(AlarmState, "where it stands")]
    until_uptime_s: Annotated[int, u32("s", "uptime at which it sounds again")]


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """An alarm was raised or has changed; repeated until acknowledged. GET_ALARMS tells the truth."""

    notify_seq: Annotated[int, u32("", "number of the notification in this session")]
    instance: Annotated[int, u16("", "number of the occurrence")]
    code: Annotated[AlarmCode, word16(AlarmCode, "condition")]
    prio: Annotated[Priority, word8(Priority, "priority")]
    state: Annotated[AlarmState, word8(AlarmState, "where it stands")]
    onset_uptime_s: Annotated[int, u32("s", "uptime at onset")]
    onset_utc_s: Annotated[int, u32("s", "UTC at onset, 0 where not set")]
    detail: Annotated[int, u32("", "what the condition says")]

    @property
    def alarm(self) -> Alarm:
        """The alarm as GET_ALARMS lists it."""
        return Alarm(
            self.instance,
            self.code,
            self.prio,
            self.state,
            self.onset_uptime_s,
            self.onset_utc_s,
            self.detail,
        )
