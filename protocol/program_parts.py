"""The parts of a prescription as values: drugs, rate table, limits, alarms and the rest of the program image.

The annotations are the layout of each part on the wire. Source: OITP/1 section 12.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from protocol.messages.fields import i16, label, reserved, u8, u16, u32, word8, word16
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import DisplayUnit, DrugCode, EmergencyPolicy, ScheduleMode, Switch

MAX_STEPS: Final = 48
MAX_DRUGS: Final = 4
EVERY_DAY: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug in the reservoir."""

    drug_code: Annotated[DrugCode, word16(DrugCode, "drug")]
    name: Annotated[str, label(12, "name as the clinic writes it")]
    conc_ng_ml: Annotated[int, u32("ng/mL", "concentration", 1_000, 100_000_000)]
    display: Annotated[DisplayUnit, word8(DisplayUnit, "mass unit it is shown in")]
    primary: Annotated[int, u8("", "1 for the drug doses are given by", 0, 1)]
    expiry_utc_s: Annotated[int, u32("s", "UTC at which the drug in the reservoir expires, 0 unknown")]
    zero: Annotated[bytes, reserved(2)] = bytes(2)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the rate table: from ``start_min`` on, on the days of the mask."""

    days: Annotated[int, u8("", "bit 0 Monday .. bit 6 Sunday", 1, EVERY_DAY)]
    start_min: Annotated[int, u16("min", "local minute of the day", 0, MINUTES_PER_DAY - 1)]
    rate_nl_h: Annotated[int, u32("nL/h", "rate")]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate table.

    SIMPLE has one step at minute 0 of every day; DAILY has two or more steps on every day; WEEKLY groups
    days by mask, in two groups or more. Steps ascend by (days, start); masks are equal or disjoint, cover
    the week, and two masks never hold the same steps (they would be one). Each mask starts at minute 0.
    """

    mode: ScheduleMode
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class DoseDeclaration:
    """The programmer's own arithmetic, checked by the pump (double entry)."""

    drug_code: Annotated[DrugCode, word16(DrugCode, "drug")]
    dose_ng_per_day: Annotated[int, u32("ng/day", "dose of the largest day")]


@dataclass(frozen=True, slots=True)
class PatientBolus:
    """What the patient may give on their own."""

    enable: Annotated[Switch, word8(Switch, "whether the patient may")]
    volume_nl: Annotated[int, u32("nL", "volume of one bolus")]
    duration_s: Annotated[int, u32("s", "time one bolus takes")]
    lockout_min: Annotated[int, u16("min", "shortest time between two")]
    max_per_24h: Annotated[int, u8("", "boluses in any 24 h")]
    max_24h_nl: Annotated[int, u32("nL", "bolus volume in any 24 h")]
    zero: Annotated[bytes, reserved(1)] = bytes(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard limits the pump refuses to pass and soft limits a person must acknowledge."""

    hard_rate_nl_h: Annotated[int, u32("nL/h", "hard limit of any rate")]
    hard_hour_nl: Annotated[int, u32("nL", "hard limit of any hour")]
    hard_day_nl: Annotated[int, u32("nL", "hard limit of any day")]
    hard_bolus_nl: Annotated[int, u32("nL", "hard limit of one bolus")]
    soft_rate_nl_h: Annotated[int, u32("nL/h", "soft limit of any rate")]
    soft_hour_nl: Annotated[int, u32("nL", "soft limit of any hour")]
    soft_day_nl: Annotated[int, u32("nL", "soft limit of any day")]
    soft_bolus_nl: Annotated[int, u32("nL", "soft limit of one bolus")]


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """When and how the pump sounds."""

    low_reservoir_nl: Annotated[int, u32("nL", "computed content at which RESERVOIR_LOW is raised")]
    eri_days: Annotated[int, u16("d", "notice before the end of service")]
    audible: Annotated[Switch, word8(Switch, "whether non-critical alarms sound")]
    critical_interval_s: Annotated[int, u16("s", "time between critical tones", 60, 7_200)]
    lowprio_interval_s: Annotated[int, u16("s", "time between non-critical tones", 60, 43_200)]
    zero: Annotated[bytes, reserved(5)] = bytes(5)


@dataclass(frozen=True, slots=True)
class Emergency:
    """What the published emergency key may do."""

    policy: Annotated[EmergencyPolicy, word8(EmergencyPolicy, "policy")]
    max_suspend_min: Annotated[int, u16("min", "longest suspension", 0, MINUTES_PER_DAY)]
    zero: Annotated[bytes, reserved(5)] = bytes(5)


@dataclass(frozen=True, slots=True)
class Implant:
    """Whom and how it is implanted."""

    patient_ref: Annotated[str, label(24, "patient reference")]
    catheter_nl: Annotated[int, u32("nL", "catheter volume")]
    tubing_nl: Annotated[int, u32("nL", "internal tubing volume")]
    implanted_utc: Annotated[int, u32("s", "UTC of implantation, 0 unknown")]
    zero: Annotated[bytes, reserved(12)] = bytes(12)


@dataclass(frozen=True, slots=True)
class ScheduleClock:
    """The local time the schedule follows."""

    utc_offset_min: Annotated[int, i16("min", "offset from UTC", -840, 840)]


@dataclass(frozen=True, slots=True)
class ScheduleHead:
    """What stands before the steps of the rate table in its section."""

    mode: Annotated[ScheduleMode, word8(ScheduleMode, "kind of rate table")]
    count: Annotated[int, u8("", "steps", 1, MAX_STEPS)]


@dataclass(frozen=True, slots=True)
class Program:
    """One prescription, complete."""

    drugs: tuple[Drug, ...]
    schedule: Schedule
    dose_declarations: tuple[DoseDeclaration, ...]
    patient_bolus: PatientBolus
    limits: Limits
    alarms: AlarmSettings
    emergency: Emergency
    implant: Implant
    clock: ScheduleClock

    @property
    def primary_drug(self) -> Drug:
        """The drug that doses are given by."""
        return next(drug for drug in self.drugs if drug.primary)
