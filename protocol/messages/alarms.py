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
