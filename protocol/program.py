"""The program image: everything a prescription makes the pump do, in exactly one encoding.

Nine sections in ascending order between an 8-octet header and a CRC-32C; the SHA-256 of the image is its
digest. Source: OITP/1 section 12.
"""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Final

import construct
import google_crc32c

from protocol.messages.codec import BodyError, codec_of
from protocol.messages.fields import i16, label, reserved, u8, u16, u32, word8, word16
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import DisplayUnit, DrugCode, EmergencyPolicy, ErrorCode, ScheduleMode, Switch

MAGIC: Final = 0x4950
FORMAT: Final = 1
MAX_IMAGE: Final = 1536
MAX_STEPS: Final = 48
MAX_DRUGS: Final = 4
EVERY_DAY: Final = 0x7F
DIGEST_SIZE: Final = 16

_HEADER: Final = construct.Struct(
    "magic" / construct.Int16ul,
    "format" / construct.Int8ul,
    "sections" / construct.Int8ul,
    "total_len" / construct.Int16ul,
    "zero" / construct.Int16ul,
)
_SECTION: Final = construct.Struct(
    "id" / construct.Int8ul, "rev" / construct.Int8ul, "len" / construct.Int16ul
)
_HEADER_SIZE: Final = _HEADER.sizeof()
_SECTION_SIZE: Final = _SECTION.sizeof()
_CRC_SIZE: Final = 4
_SECTION_REV: Final = 1


class ProgramImageError(ValueError):
    """An image or a program that breaks the rules.

    Attributes:
        code: IMAGE_MALFORMED for the encoding, SCHEDULE_INVALID for the rate table.
        section: id of the section at fault, 0 for the frame around them.
    """

    def __init__(self, code: ErrorCode, section: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.section = section


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

    SIMPLE has one step at minute 0 of every day; DAILY has steps on every day; WEEKLY groups days by
    mask. Steps ascend by (days, start); masks are equal or disjoint, cover the week, and two masks
    never hold the same steps (they would be one). Each mask starts at minute 0.
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
class _ScheduleHead:
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


SECTION_NAMES: Final = {
    1: "DRUGS", 2: "SCHEDULE", 3: "DOSE_DECL", 4: "PATIENT_BOLUS", 5: "LIMITS",
    6: "ALARMS", 7: "EMERGENCY", 8: "IMPLANT", 9: "CLOCK",
}  # fmt: skip
_SINGLE: Final[dict[int, tuple[str, type]]] = {
    4: ("patient_bolus", PatientBolus),
    5: ("limits", Limits),
    6: ("alarms", AlarmSettings),
    7: ("emergency", Emergency),
    8: ("implant", Implant),
    9: ("clock", ScheduleClock),
}
SECTION_LAYOUTS: Final[dict[int, tuple[type, ...]]] = {
    1: (Drug,),
    2: (_ScheduleHead, Step),
    3: (DoseDeclaration,),
    **{number: (body,) for number, (_, body) in _SINGLE.items()},
}
"""Body classes of each section, for the reference page and the strategies."""


def encode_program(program: Program) -> bytes:
    """Return the image of ``program``.

    Raises:
        ProgramImageError: the program breaks a rule of the image.
        ValueError: a value does not fit its field.
    """
    check_program(program)
    sections = b"".join(
        bytes(_SECTION.build({"id": number, "rev": _SECTION_REV, "len": len(data)})) + data
        for number, data in sorted(_section_data(program).items())
    )
    total = _HEADER_SIZE + len(sections) + _CRC_SIZE
    head = {"magic": MAGIC, "format": FORMAT, "sections": len(SECTION_NAMES), "total_len": total, "zero": 0}
    image = bytes(_HEADER.build(head)) + sections
    crc: int = google_crc32c.value(image)
    return image + crc.to_bytes(_CRC_SIZE, "little")


def _section_data(program: Program) -> dict[int, bytes]:
    steps = program.schedule.steps
    head = _ScheduleHead(program.schedule.mode, len(steps))
    return {
        1: _encode_all(program.drugs),
        2: codec_of(_ScheduleHead).encode(head) + _encode_all(steps),
        3: _encode_all(program.dose_declarations),
        **{number: codec_of(body).encode(getattr(program, name)) for number, (name, body) in _SINGLE.items()},
    }


def _encode_all(items: tuple[Any, ...]) -> bytes:
    codecs: list[type] = [type(item) for item in items]
    return b"".join(codec_of(body).encode(item) for body, item in zip(codecs, items, strict=True))


def decode_program(image: bytes) -> Program:
    """Return the program that ``image`` holds.

    Raises:
        ProgramImageError: malformed, not canonical, or with an invalid schedule.
    """
    data = _split_sections(image)
    head = _decode_body(_ScheduleHead, data[2][: codec_of(_ScheduleHead).fixed_size], 2)
    steps = _decode_items(Step, data[2][codec_of(_ScheduleHead).fixed_size :], 2)
    if len(steps) != head.count:
        raise _malformed(2, f"schedule says {head.count} steps and holds {len(steps)}")
    program = Program(
        drugs=_decode_items(Drug, data[1], 1),
        schedule=Schedule(head.mode, steps),
        dose_declarations=_decode_items(DoseDeclaration, data[3], 3),
        **{name: _decode_body(body, data[number], number) for number, (name, body) in _SINGLE.items()},
    )
    check_program(program)
    return program


def _split_sections(image: bytes) -> dict[int, bytes]:
    if not _HEADER_SIZE + _CRC_SIZE <= len(image) <= MAX_IMAGE:
        raise _malformed(
            0, f"image has {len(image)} octets, must have {_HEADER_SIZE + _CRC_SIZE}..{MAX_IMAGE}"
        )
    body, crc = image[:-_CRC_SIZE], int.from_bytes(image[-_CRC_SIZE:], "little")
    if google_crc32c.value(body) != crc:
        raise _malformed(0, "image CRC-32C does not match")
    head = _HEADER.parse(body)
    expected = (MAGIC, FORMAT, len(SECTION_NAMES), len(image), 0)
    if (head.magic, head.format, head.sections, head.total_len, head.zero) != expected:
        raise _malformed(0, "image header is not that of a format 1 image of this size with nine sections")
    return _walk(body)


def _walk(body: bytes) -> dict[int, bytes]:
    data: dict[int, bytes] = {}
    at = _HEADER_SIZE
    for number in SECTION_NAMES:
        if at + _SECTION_SIZE > len(body):
            raise _malformed(number, f"section {SECTION_NAMES[number]} is missing")
        head = _SECTION.parse(body[at : at + _SECTION_SIZE])
        at += _SECTION_SIZE
        if head.id != number or head.rev != _SECTION_REV:
            raise _malformed(
                number, f"found section {head.id} rev {head.rev}, expected {SECTION_NAMES[number]}"
            )
        if at + head.len > len(body):
            raise _malformed(number, f"section {SECTION_NAMES[number]} runs past the end of the image")
        data[number] = body[at : at + head.len]
        at += head.len
    if at != len(body):
        raise _malformed(0, f"{len(body) - at} octets follow the last section")
    return data


def _decode_body(body: type, data: bytes, section: int) -> Any:
    try:
        return codec_of(body).decode(data)
    except BodyError as error:
        raise _malformed(section, f"{SECTION_NAMES[section]}: {error}") from None


def _decode_items(item: type, data: bytes, section: int) -> tuple[Any, ...]:
    size = codec_of(item).fixed_size
    if len(data) % size:
        raise _malformed(
            section, f"{SECTION_NAMES[section]} has {len(data)} octets, not a multiple of {size}"
        )
    return tuple(_decode_body(item, data[at : at + size], section) for at in range(0, len(data), size))


def _malformed(section: int, message: str) -> ProgramImageError:
    return ProgramImageError(ErrorCode.IMAGE_MALFORMED, section, message)


def program_digest(image: bytes) -> bytes:
    """Return the 32-octet SHA-256 of an image."""
    return hashlib.sha256(image).digest()


def check_program(program: Program) -> None:
    """Check what every image must obey whatever the pump.

    Raises:
        ProgramImageError: names the section and the rule.
    """
    _check_drugs(program)
    _check_schedule(program.schedule)


def _check_drugs(program: Program) -> None:
    codes = [drug.drug_code for drug in program.drugs]
    if not 1 <= len(codes) <= MAX_DRUGS:
        raise _malformed(1, f"a program names 1..{MAX_DRUGS} drugs, not {len(codes)}")
    if len(set(codes)) != len(codes):
        raise _malformed(1, "a drug is named twice")
    if sum(drug.primary for drug in program.drugs) != 1:
        raise _malformed(1, "exactly one drug must be the primary one")
    if [declared.drug_code for declared in program.dose_declarations] != codes:
        raise _malformed(3, "declared doses must name the drugs in the same order")


def _check_schedule(schedule: Schedule) -> None:
    steps = schedule.steps
    if not 1 <= len(steps) <= MAX_STEPS:
        raise _invalid(f"a schedule has 1..{MAX_STEPS} steps, not {len(steps)}")
    if any(a >= b for a, b in pairwise((step.days, step.start_min) for step in steps)):
        raise _invalid("steps must ascend strictly by days and start")
    if schedule.mode is not ScheduleMode.WEEKLY and any(step.days != EVERY_DAY for step in steps):
        raise _invalid("steps of a simple or daily schedule apply to every day")
    if schedule.mode is ScheduleMode.SIMPLE and len(steps) != 1:
        raise _invalid("a simple schedule has one step")
    if schedule.mode is ScheduleMode.DAILY and len(steps) == 1:
        raise _invalid("a daily schedule of one step is a simple one")
    _check_days(steps)


def _check_days(steps: tuple[Step, ...]) -> None:
    groups: dict[int, list[tuple[int, int]]] = {}
    for step in steps:
        groups.setdefault(step.days, []).append((step.start_min, step.rate_nl_h))
    covered = 0
    for days, table in groups.items():
        if days & covered:
            raise _invalid("a day belongs to two groups of steps")
        covered |= days
        if table[0][0] != 0:
            raise _invalid("every used day starts with a step at minute 0")
        if any(a[1] == b[1] for a, b in pairwise(table)):
            raise _invalid("two neighbouring steps have the same rate")
    if covered != EVERY_DAY:
        raise _invalid("the schedule leaves a day without steps")
    if len({tuple(table) for table in groups.values()}) != len(groups):
        raise _invalid("two groups of days hold the same steps; they must be one group")


def _invalid(message: str) -> ProgramImageError:
    return ProgramImageError(ErrorCode.SCHEDULE_INVALID, 2, message)


__all__ = [
    "DIGEST_SIZE", "EVERY_DAY", "MAX_DRUGS", "MAX_IMAGE", "MAX_STEPS", "SECTION_LAYOUTS", "SECTION_NAMES",
    "AlarmSettings", "DoseDeclaration", "Drug", "Emergency", "Implant", "Limits", "PatientBolus",
    "Program", "ProgramImageError", "Schedule", "ScheduleClock", "Step", "check_program", "decode_program",
    "encode_program", "program_digest",
]  # fmt: skip
