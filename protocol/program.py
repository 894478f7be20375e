"""The program image: everything a prescription makes the pump do, in exactly one encoding.

Nine sections in ascending order between an 8-octet header and a CRC-32C; the SHA-256 of the image is its
digest. Its parts are in `protocol.program_parts`, its rules in `protocol.program_rules`; both are imported
from here. Source: OITP/1 section 12.
"""

import hashlib
from typing import Any, Final

import construct
import google_crc32c

from protocol.messages.codec import BodyError, codec_of
from protocol.program_parts import (
    EVERY_DAY,
    MAX_DRUGS,
    MAX_STEPS,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    ScheduleHead,
    Step,
)
from protocol.program_rules import ProgramImageError, check_program, malformed

MAGIC: Final = 0x4950
FORMAT: Final = 1
MAX_IMAGE: Final = 1536
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
    2: (ScheduleHead, Step),
    3: (DoseDeclaration,),
    **{number: (body,) for number, (_, body) in _SINGLE.items()},
}
"""Body classes of each section, for the reference page and the strategies."""


def encode_program(program: Program) -> bytes:
    """Return the image of ``program``.

    Raises:
        ProgramImageError: the program breaks a rule of the image, or a value does not fit its field.
    """
    check_program(program)
    sections = b"".join(
        _encode_section(number, items) for number, items in sorted(_section_items(program).items())
    )
    total = _HEADER_SIZE + len(sections) + _CRC_SIZE
    head = {"magic": MAGIC, "format": FORMAT, "sections": len(SECTION_NAMES), "total_len": total, "zero": 0}
    image = bytes(_HEADER.build(head)) + sections
    crc: int = google_crc32c.value(image)
    image += crc.to_bytes(_CRC_SIZE, "little")
    # Ranges and words are checked where octets are read; an image that a pump would refuse must not leave.
    decode_program(image)
    return image


def _section_items(program: Program) -> dict[int, tuple[Any, ...]]:
    steps = program.schedule.steps
    return {
        1: program.drugs,
        2: (ScheduleHead(program.schedule.mode, len(steps)), *steps),
        3: program.dose_declarations,
        **{number: (getattr(program, name),) for number, (name, _) in _SINGLE.items()},
    }


def _encode_section(number: int, items: tuple[Any, ...]) -> bytes:
    bodies: list[type] = [type(item) for item in items]
    try:
        data = b"".join(codec_of(body).encode(item) for body, item in zip(bodies, items, strict=True))
    except ValueError as error:
        raise malformed(number, f"{SECTION_NAMES[number]}: {error}") from None
    return bytes(_SECTION.build({"id": number, "rev": _SECTION_REV, "len": len(data)})) + data


def decode_program(image: bytes) -> Program:
    """Return the program that ``image`` holds.

    Raises:
        ProgramImageError: malformed, not canonical, or with an invalid schedule.
    """
    data = _split_sections(image)
    head = _decode_body(ScheduleHead, data[2][: codec_of(ScheduleHead).fixed_size], 2)
    steps = _decode_items(Step, data[2][codec_of(ScheduleHead).fixed_size :], 2)
    if len(steps) != head.count:
        raise malformed(2, f"schedule says {head.count} steps and holds {len(steps)}")
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
        raise malformed(
            0, f"image has {len(image)} octets, must have {_HEADER_SIZE + _CRC_SIZE}..{MAX_IMAGE}"
        )
    body, crc = image[:-_CRC_SIZE], int.from_bytes(image[-_CRC_SIZE:], "little")
    if google_crc32c.value(body) != crc:
        raise malformed(0, "image CRC-32C does not match")
    head = _HEADER.parse(body)
    expected = (MAGIC, FORMAT, len(SECTION_NAMES), len(image), 0)
    if (head.magic, head.format, head.sections, head.total_len, head.zero) != expected:
        raise malformed(0, "image header is not that of a format 1 image of this size with nine sections")
    return _walk(body)


def _walk(body: bytes) -> dict[int, bytes]:
    data: dict[int, bytes] = {}
    at = _HEADER_SIZE
    for number in SECTION_NAMES:
        if at + _SECTION_SIZE > len(body):
            raise malformed(number, f"section {SECTION_NAMES[number]} is missing")
        head = _SECTION.parse(body[at : at + _SECTION_SIZE])
        at += _SECTION_SIZE
        if head.id != number or head.rev != _SECTION_REV:
            raise malformed(
                number, f"found section {head.id} rev {head.rev}, expected {SECTION_NAMES[number]}"
            )
        if at + head.len > len(body):
            raise malformed(number, f"section {SECTION_NAMES[number]} runs past the end of the image")
        data[number] = body[at : at + head.len]
        at += head.len
    if at != len(body):
        raise malformed(0, f"{len(body) - at} octets follow the last section")
    return data


def _decode_body(body: type, data: bytes, section: int) -> Any:
    try:
        return codec_of(body).decode(data)
    except BodyError as error:
        raise malformed(section, f"{SECTION_NAMES[section]}: {error}") from None


def _decode_items(item: type, data: bytes, section: int) -> tuple[Any, ...]:
    size = codec_of(item).fixed_size
    if len(data) % size:
        raise malformed(section, f"{SECTION_NAMES[section]} has {len(data)} octets, not a multiple of {size}")
    return tuple(_decode_body(item, data[at : at + size], section) for at in range(0, len(data), size))


def program_digest(image: bytes) -> bytes:
    """Return the 32-octet SHA-256 of an image."""
    return hashlib.sha256(image).digest()


__all__ = [
    "DIGEST_SIZE", "EVERY_DAY", "MAX_DRUGS", "MAX_IMAGE", "MAX_STEPS", "SECTION_LAYOUTS", "SECTION_NAMES",
    "AlarmSettings", "DoseDeclaration", "Drug", "Emergency", "Implant", "Limits", "PatientBolus",
    "Program", "ProgramImageError", "Schedule", "ScheduleClock", "Step", "check_program", "decode_program",
    "encode_program", "program_digest",
]  # fmt: skip
