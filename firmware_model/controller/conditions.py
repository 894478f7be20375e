"""Every alarm condition of this firmware: how urgent it is, what ends it, and what it says.

HIGH is critical, with the two-tone sound; MEDIUM and LOW are non-critical, with the single tone; INFO makes
no sound. A condition ends with its cause. Two kinds also end by people: what has happened and has no end of
its own ends when a person who may acknowledges it (`Condition.until_seen`), or when a clinician has looked at
the pump and committed a program (`Condition.until_reprogrammed`). Source of codes and rules: OITP/1 section
17.
"""

from dataclasses import dataclass
from typing import Final

from protocol.vocabulary import AlarmCode, Priority


@dataclass(frozen=True, slots=True)
class Condition:
    """One alarm condition this firmware knows.

    Attributes:
        code: its word.
        prio: its priority.
        text: what it means, and what ``detail`` of the alarm says.
        until_seen: it is over when a person who may acknowledges it.
        until_reprogrammed: it is over when a clinician commits a program.
    """

    code: AlarmCode
    prio: Priority
    text: str
    until_seen: bool = False
    until_reprogrammed: bool = False

    @property
    def is_critical(self) -> bool:
        """Whether it sounds two tones, cannot be switched off and is silent for 300 s at most."""
        return self.prio is Priority.HIGH

    @property
    def is_audible(self) -> bool:
        """Whether it sounds at all, as far as the program lets it."""
        return self.prio is not Priority.INFO


_CRITICAL: Final = (
    Condition(
        AlarmCode.RESERVOIR_EMPTY,
        Priority.HIGH,
        "The computed content of the reservoir is used up and delivery has stopped. Detail: 0.",
    ),
    Condition(
        AlarmCode.EOS,
        Priority.HIGH,
        "The service life of the pump is over and delivery has stopped. Detail: days since the replacement "
        "indicator; fewer than the profile's notice where the end came early.",
    ),
    Condition(
        AlarmCode.BATTERY_LOW,
        Priority.HIGH,
        "The cell's voltage fell so far under a motor pulse that the firmware was reset; the pump delivers "
        "its minimum rate until a program is committed. Detail: voltage under a pulse then, mV.",
        until_reprogrammed=True,
    ),
    Condition(
        AlarmCode.MOTOR_STALL,
        Priority.HIGH,
        "The motor does not turn though it is driven; it is driven on. "
        "Detail: minutes within which that is found.",
    ),
    Condition(
        AlarmCode.WATCHDOG,
        Priority.HIGH,
        "A task of the firmware gave no sign of life for 3 min and a restart did not mend it. Detail: mask: "
        "1 delivery (it has stopped), 2 measuring, 4 alarms (minimum rate), 8 telemetry (delivery goes on).",
        until_reprogrammed=True,
    ),
    Condition(
        AlarmCode.RESTART_LOOP,
        Priority.HIGH,
        "Delivery was broken off by a critical alarm or a restart and began again three times within 10 min; "
        "the pump delivers its minimum rate until a program is committed. Detail: beginnings.",
        until_reprogrammed=True,
    ),
    Condition(
        AlarmCode.PROGRAM_CORRUPT,
        Priority.HIGH,
        "No copy of the active program is valid; the pump delivers its minimum rate. "
        "Detail: version of the lost program.",
        until_reprogrammed=True,
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
        "The published emergency key has slowed delivery to the minimum rate; the program resumes by "
        "itself. Detail: minutes.",
    ),
)

_NON_CRITICAL: Final = (
    Condition(
        AlarmCode.ERI,
        Priority.MEDIUM,
        "Elective replacement indicator: the pump has to be replaced. "
        "Detail: days to the end of service then.",
    ),
    Condition(
        AlarmCode.OVERINFUSION_SUSPECT,
        Priority.MEDIUM,
        "At the refill less was drawn out than computed, by more than the accuracy allows. "
        "Detail: what was missing, nL.",
        until_seen=True,
    ),
    Condition(
        AlarmCode.OCCLUSION_SUSPECT,
        Priority.MEDIUM,
        "At the refill more was drawn out than computed, by more than the accuracy allows. "
        "Detail: what was too much, nL.",
        until_seen=True,
    ),
    Condition(
        AlarmCode.STALL_RECOVERED,
        Priority.MEDIUM,
        "The motor turns again. Detail: seconds from the detection of the stall to that of its end.",
        until_seen=True,
    ),
    Condition(
        AlarmCode.CLOCK_LOST,
        Priority.MEDIUM,
        "The cell was interrupted and the clock with it: civil time is not known, and the schedule goes on "
        "as if no time had passed. It clears when the clock is set. Detail: number of the lost setting.",
    ),
    Condition(
        AlarmCode.TEMP_RANGE,
        Priority.MEDIUM,
        "The pump is colder than 35 or warmer than 40 degC. Detail: temperature, 0.01 degC.",
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
        "Self-tests failed; this clears when each of them has passed. Detail: mask of the failed tests.",
    ),
    Condition(
        AlarmCode.MEMORY_FAULT,
        Priority.MEDIUM,
        "Stored data were lost; the pump works on with what a new pump has. Detail: records lost.",
        until_seen=True,
        until_reprogrammed=True,
    ),
    Condition(
        AlarmCode.PUMP_RESET,
        Priority.MEDIUM,
        "The firmware has restarted. Detail: its start count.",
        until_seen=True,
        until_reprogrammed=True,
    ),
    Condition(
        AlarmCode.RESERVOIR_LOW,
        Priority.LOW,
        "The computed content of the reservoir is at or below the alarm volume. Detail: content in nL.",
    ),
    Condition(
        AlarmCode.REFILL_DUE,
        Priority.LOW,
        "The drug in the reservoir is past the date that the program gives. Detail: that date, Unix seconds.",
    ),
    Condition(
        AlarmCode.TELEMETRY_ABUSE,
        Priority.LOW,
        "More handshakes come in than the pump spends energy on; clears after an hour without. "
        "Detail: class of link, 51 near, 60 far.",
    ),
    Condition(
        AlarmCode.PATIENT_BOLUS_DENIED,
        Priority.INFO,
        "The patient asked for a bolus and did not get it. Detail: code of the reason.",
        until_seen=True,
    ),
)

CONDITIONS: Final = {condition.code: condition for condition in (*_CRITICAL, *_NON_CRITICAL)}
"""Every condition of this firmware, by code."""

UNTIL_REPROGRAMMED: Final = tuple(
    condition.code for condition in CONDITIONS.values() if condition.until_reprogrammed
)
UNTIL_SEEN: Final = tuple(condition.code for condition in CONDITIONS.values() if condition.until_seen)
PATIENTS: Final = (Priority.INFO, Priority.LOW)
"""Priorities that the patient role may acknowledge and silence."""
