"""Software defects that can be put into a pump on purpose, to teach what they did in the field.

None is in a pump unless it is asked for by name. One that is on is announced: in the pump's log at the
hand-over and after every start of the firmware (event FAULT), and in the ready line of the emulator.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntFlag, unique
from typing import Final


@unique
class Defect(IntFlag):
    """Defects; the bits are those of the FAULT record in the log."""

    LATE_REPLACE_DATE = 1 << 0
    OLD_TUBING_VOLUME = 1 << 1
    UPDATE_STOPS_PUMP = 1 << 2
    TELEMETRY_LOCK = 1 << 3
    BOLUS_COUNTER_REUSED = 1 << 4
    STALE_PROGRAM = 1 << 5

    @property
    def label(self) -> str:
        """The defect as commands and scenarios name it."""
        return str(self.name).lower().replace("_", "-")


NO_DEFECTS: Final = Defect(0)


@dataclass(frozen=True, slots=True)
class DefectNote:
    """What is to be known of a defect.

    Attributes:
        recall: scenario that it belongs to.
        text: what the pump does wrong.
    """

    recall: str
    text: str


DEFECTS: Final[Mapping[Defect, DefectNote]] = {
    Defect.LATE_REPLACE_DATE: DefectNote(
        "rs08", "The days to the replacement indicator are told 180 too many; the indicator itself is right."
    ),
    Defect.OLD_TUBING_VOLUME: DefectNote(
        "rs11", "The program says that the tubing holds 0.199 mL, whatever it really holds."
    ),
    Defect.UPDATE_STOPS_PUMP: DefectNote(
        "rs19",
        "To begin the change of a program stops the pump; only to commit it, or to drop it, starts it again.",
    ),
    Defect.TELEMETRY_LOCK: DefectNote(
        "rs20",
        "A pulse that wakes the radio while an alarm sounds keeps the motor from being driven, unseen by the "
        "rest of the firmware, until the next session.",
    ),
    Defect.BOLUS_COUNTER_REUSED: DefectNote(
        "rs23",
        "A prime bolus uses the counter of the bolus that was cancelled before it: what was given of that "
        "one is given once more with the next bolus.",
    ),
    Defect.STALE_PROGRAM: DefectNote(
        "rs27", "When a bolus ends, the program before the active one comes back into force."
    ),
}
"""Every defect there is."""


def find_defects(labels: Collection[str]) -> Defect:
    """Return the defects that are named.

    Raises:
        ValueError: there is none of a name; the text tells those there are.
    """
    known = {defect.label: defect for defect in DEFECTS}
    found = NO_DEFECTS
    for label in labels:
        if label not in known:
            raise ValueError(f"no defect {label!r}; there are: {', '.join(known)}")
        found |= known[label]
    return found


def labels_of(defects: Defect) -> tuple[str, ...]:
    """Return the names of defects, in the order of the registry."""
    return tuple(defect.label for defect in DEFECTS if defect in defects)


def announcement(defects: Defect) -> str:
    """Return what a banner says of defects, empty for none."""
    return f"DEFECTS PUT IN ON PURPOSE: {', '.join(labels_of(defects))}" if defects else ""
