"""Alarms in words: what happened, what it means for the patient, what to do; and the marks of the priorities.

The marks and their order follow IEC 60601-1-8 (high, medium, low); a mark never stands without its word.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from programmer_tui.clinic.clinical_format import format_volume_ml
from protocol.messages.alarms import Alarm
from protocol.vocabulary import AlarmCode, AlarmState, Priority


@dataclass(frozen=True, slots=True)
class AlarmWords:
    """One alarm condition: its name in the alarm row and the three sentences of the alarm screen."""

    title: str
    happened: str
    meaning: str
    advice: str


MARKS: Final = {
    Priority.HIGH: "***",
    Priority.MEDIUM: "**",
    Priority.LOW: "*",
    Priority.INFO: "i",
    Priority.NONE: "",
}
PRIORITY_WORDS: Final = {
    Priority.HIGH: "HIGH",
    Priority.MEDIUM: "MEDIUM",
    Priority.LOW: "LOW",
    Priority.INFO: "INFO",
    Priority.NONE: "NONE",
}
STATE_WORDS: Final = {
    AlarmState.ACTIVE: "sounding",
    AlarmState.SILENCED: "silenced for a time",
    AlarmState.ACKED: "acknowledged",
    AlarmState.CLEARED: "cause gone",
}

_UNDERDOSE: Final = "Too little drug or none: pain, spasm or withdrawal may follow."
_CHECK: Final = "Interrogate again; if it stays, call the pump's maker."

ALARMS: Final = {
    AlarmCode.RESERVOIR_LOW: AlarmWords(
        "LOW RESERVOIR",
        "The computed content of the reservoir fell to the alarm volume.",
        "Therapy goes on for now. The content is calculated, not measured: it may run out earlier.",
        "Plan the refill at once.",
    ),
    AlarmCode.RESERVOIR_EMPTY: AlarmWords(
        "RESERVOIR EMPTY",
        "The computed content of the reservoir is used up and delivery has stopped.",
        _UNDERDOSE,
        "Refill now; watch and treat the patient for withdrawal.",
    ),
    AlarmCode.EMERGENCY_SUSPEND: AlarmWords(
        "EMERGENCY MINIMUM RATE",
        "Somebody used the published emergency key: the pump delivers its minimum rate for a limited time.",
        "Less drug than prescribed; the program resumes by itself.",
        "Find out who did it and why; resume, or prescribe anew.",
    ),
    AlarmCode.REFILL_DUE: AlarmWords(
        "REFILL DUE",
        "The date set for the refill has come.",
        "Therapy goes on until the reservoir is empty.",
        "Plan the refill.",
    ),
    AlarmCode.ERI: AlarmWords(
        "REPLACE PUMP SOON",
        "The battery has reached the elective replacement indicator (ERI).",
        "The pump goes on for a limited time and stops at the end of service.",
        "Plan the replacement of the pump.",
    ),
    AlarmCode.EOS: AlarmWords(
        "END OF SERVICE",
        "The pump has reached the end of its service life and delivery has stopped.",
        _UNDERDOSE,
        "Give the drug another way; replace the pump.",
    ),
    AlarmCode.BATTERY_LOW: AlarmWords(
        "LOW BATTERY",
        "The battery voltage fell so far that the pump's firmware was reset.",
        "The pump delivers its minimum rate, less than prescribed, and may stop early.",
        "Watch and treat the patient for withdrawal; replace the pump.",
    ),
    AlarmCode.MOTOR_STALL: AlarmWords(
        "MOTOR STALL",
        "The pump motor does not turn. No drug is being delivered.",
        _UNDERDOSE,
        "Remove strong magnets, wait, interrogate again; if it stays, give the drug another way.",
    ),
    AlarmCode.STALL_RECOVERED: AlarmWords(
        "STALL RECOVERED",
        "The motor stood still and turns again.",
        "Doses were missed while it stood.",
        "Find out from the log for how long; watch the patient.",
    ),
    AlarmCode.LONG_STOP: AlarmWords(
        "PUMP STOPPED LONG",
        "The pump has been stopped for longer than is allowed without an alarm.",
        _UNDERDOSE,
        "Decide whether therapy must go on, and program it.",
    ),
    AlarmCode.OCCLUSION_SUSPECT: AlarmWords(
        "OCCLUSION SUSPECTED",
        "The pump suspects that its outlet or the catheter is blocked.",
        _UNDERDOSE,
        "Check the catheter.",
    ),
    AlarmCode.OVERINFUSION_SUSPECT: AlarmWords(
        "OVERINFUSION SUSPECTED",
        "The pump suspects that it gives more than it is told to.",
        "Overdose: sedation and respiratory depression may follow.",
        "Watch the patient's breathing; compare the reservoir with its computed content.",
    ),
    AlarmCode.PUMP_RESET: AlarmWords(
        "PUMP RESET",
        "The pump's firmware started again.",
        "The program was checked after the restart; doses may have been missed for a moment.",
        "Compare the program in the pump with the patient's record.",
    ),
    AlarmCode.MEMORY_FAULT: AlarmWords(
        "MEMORY FAULT",
        "A check of the pump's memory failed.",
        "What the pump shows may be wrong.",
        _CHECK,
    ),
    AlarmCode.CLOCK_LOST: AlarmWords(
        "CLOCK LOST",
        "The pump no longer knows the time of day.",
        "A pattern over the day may run at the wrong hours.",
        "Set the pump's clock.",
    ),
    AlarmCode.TEMP_RANGE: AlarmWords(
        "TEMPERATURE",
        "The pump is warmer or colder than it may be.",
        "The flow may differ from the one that was set.",
        "Find the cause; interrogate again.",
    ),
    AlarmCode.SELF_TEST_FAIL: AlarmWords(
        "SELF-TEST FAILED",
        "The pump's test of itself failed.",
        "Delivery and values may not be right.",
        _CHECK,
    ),
    AlarmCode.PATIENT_BOLUS_DENIED: AlarmWords(
        "PATIENT BOLUS REFUSED",
        "The pump refused a bolus the patient asked for.",
        "The patient may have too little relief.",
        "Look at the log for the reason.",
    ),
    AlarmCode.SECURITY_LOCKOUT: AlarmWords(
        "ACCESS LOCKED",
        "Too many attempts to open a session failed; the pump refuses new ones for a time.",
        "Therapy goes on.",
        "Find out who tried; wait until the pump answers again.",
    ),
    AlarmCode.TELEMETRY_ABUSE: AlarmWords(
        "TELEMETRY ABUSE",
        "Someone sends the pump far more than a programmer does.",
        "Therapy goes on; the battery is used up faster.",
        "Find the source.",
    ),
    AlarmCode.PROGRAM_CORRUPT: AlarmWords(
        "PROGRAM CORRUPT",
        "The stored program failed its check.",
        "The pump runs on its last good program or at its minimum rate.",
        "Interrogate, compare with the patient's record, and program again.",
    ),
    AlarmCode.WATCHDOG: AlarmWords(
        "CONTROL FAULT",
        "A part of the pump's firmware that delivery needs stopped working, and a restart did not mend it.",
        _UNDERDOSE,
        "Give the drug another way; program again, and if it stays, call the pump's maker.",
    ),
    AlarmCode.RESTART_LOOP: AlarmWords(
        "RESTART LOOP",
        "Delivery broke off and began again three times within ten minutes.",
        "The pump delivers its minimum rate, less than prescribed.",
        "Look at the log for the cause; program again.",
    ),
}
_LEFT: Final = frozenset({AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY})


def alarm_title(code: AlarmCode) -> str:
    """Return the name of an alarm as it stands in the alarm row."""
    return ALARMS[code].title


def marked_title(alarm: Alarm) -> str:
    """Return mark and name, as ``*** MOTOR STALL``."""
    return f"{MARKS[alarm.prio]} {alarm_title(alarm.code)}"


def detail_words(alarm: Alarm) -> str:
    """Return what the condition's detail says, empty where it says nothing."""
    return f"computed content then {format_volume_ml(alarm.detail)}" if alarm.code in _LEFT else ""


def standing(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Return the alarms whose cause stands, highest priority first, then the longest standing."""
    still = (alarm for alarm in alarms if alarm.state is not AlarmState.CLEARED)
    return tuple(sorted(still, key=lambda alarm: (-RANK[alarm.prio], alarm.onset_uptime_s, alarm.instance)))


RANK: Final = {
    priority: rank
    for rank, priority in enumerate(
        (Priority.NONE, Priority.INFO, Priority.LOW, Priority.MEDIUM, Priority.HIGH)
    )
}
"""Order of the priorities; their codewords on the wire have none."""
