"""A program has exactly one image, an image exactly one program, and damage is never taken for either."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace

import google_crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import programs
from support.wire import flip

from protocol.program import (
    EVERY_DAY,
    MAX_IMAGE,
    MAX_STEPS,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    ProgramImageError,
    Schedule,
    ScheduleClock,
    Step,
    check_program,
    decode_program,
    encode_program,
    program_digest,
)
from protocol.vocabulary import DisplayUnit, DrugCode, EmergencyPolicy, ErrorCode, ScheduleMode, Switch

MALFORMED, SCHEDULE = ErrorCode.IMAGE_MALFORMED, ErrorCode.SCHEDULE_INVALID
WORKDAYS, WEEKEND = 0x1F, 0x60


def a_drug(code: DrugCode = DrugCode.MORPHINE, primary: int = 1) -> Drug:
    return Drug(code, "morphine", 20_000_000, DisplayUnit.MG, primary, 0)


def a_schedule(mode: ScheduleMode, *steps: tuple[int, int, int]) -> Schedule:
    return Schedule(mode, tuple(Step(*step) for step in steps))


SIMPLE = a_schedule(ScheduleMode.SIMPLE, (EVERY_DAY, 0, 10_000))
DAILY = a_schedule(ScheduleMode.DAILY, (EVERY_DAY, 0, 10_000), (EVERY_DAY, 360, 20_000))
WEEKLY = a_schedule(ScheduleMode.WEEKLY, (WORKDAYS, 0, 10_000), (WEEKEND, 0, 12_000))


MORPHINE_DOSE = DoseDeclaration(DrugCode.MORPHINE, 4_800_000)


def a_program(
    schedule: Schedule = SIMPLE,
    *,
    drugs: tuple[Drug, ...] = (a_drug(),),
    dose_declarations: tuple[DoseDeclaration, ...] = (MORPHINE_DOSE,),
) -> Program:
    return Program(
        drugs=drugs,
        schedule=schedule,
        dose_declarations=dose_declarations,
        patient_bolus=PatientBolus(Switch.OFF, 0, 0, 0, 0, 0),
        limits=Limits(1_000_000, 1_000_000, 24_000_000, 500_000, 400_000, 400_000, 1_000_000, 100_000),
        alarms=AlarmSettings(2_000_000, 90, Switch.ON, 600, 3_600),
        emergency=Emergency(EmergencyPolicy.READ_SUSPEND, 60),
        implant=Implant("TRAIN-07", 200_000, 50_000, 1_730_000_000),
        clock=ScheduleClock(60),
    )


def largest_program() -> Program:
    """All that fits: 48 steps and 4 drugs."""
    codes = list(DrugCode)[:4]
    steps = [(EVERY_DAY, 30 * at, 10_000 + at % 2) for at in range(MAX_STEPS)]
    return a_program(
        a_schedule(ScheduleMode.DAILY, *steps),
        drugs=tuple(a_drug(code, int(code is codes[2])) for code in codes),
        dose_declarations=tuple(DoseDeclaration(code, 1) for code in codes),
    )


def sealed(body: bytes) -> bytes:
    """``body`` as an image with the right length and CRC-32C."""
    body = body[:4] + struct.pack("<H", len(body) + 4) + body[6:]
    return body + struct.pack("<I", google_crc32c.value(body))


def refusal(image: bytes) -> tuple[ErrorCode, int]:
    with pytest.raises(ProgramImageError) as caught:
        decode_program(image)
    assert str(caught.value)
    return caught.value.code, caught.value.section


@settings(max_examples=40)
@given(programs())
def test_a_program_survives_its_image(program: Program) -> None:
    image = encode_program(program)
    assert decode_program(image) == program
    assert len(image) <= MAX_IMAGE


@settings(max_examples=40)
@given(programs(), st.integers(0), st.integers(1, 255))
def test_an_image_that_is_accepted_is_the_only_one_of_its_program(
    program: Program, at: int, mask: int
) -> None:
    """An octet is changed and the CRC made right again: still one image per program."""
    original = encode_program(program)
    body = bytearray(original[:-4])
    body[at % len(body)] ^= mask
    image = sealed(bytes(body))
    try:
        decoded = decode_program(image)
    except ProgramImageError:
        return
    assert (decoded == program) == (image == original)
    assert encode_program(decoded) == image


@pytest.mark.parametrize("program", [a_program(), largest_program()], ids=["small", "largest"])
def test_every_flipped_bit_of_an_image_is_noticed(program: Program) -> None:
    image = encode_program(program)
    assert {refusal(flip(image, bit)) for bit in range(8 * len(image))} == {(MALFORMED, 0)}


def test_every_truncation_of_an_image_is_noticed() -> None:
    image = encode_program(a_program(WEEKLY))
    assert {refusal(image[:size]) for size in range(len(image))} == {(MALFORMED, 0)}


@given(st.binary(max_size=MAX_IMAGE + 8))
def test_octets_that_are_no_image_are_refused_and_nothing_else_happens(octets: bytes) -> None:
    assert refusal(octets) == (MALFORMED, 0)


@settings(max_examples=80)
@given(programs().map(encode_program), st.data())
def test_mutated_images_with_a_right_crc_never_raise_anything_else(image: bytes, data: st.DataObject) -> None:
    """Cut, repeat, overwrite; whatever comes out is a program or a `ProgramImageError`."""
    body = bytearray(image[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(start + 40, len(body))))
        change = data.draw(st.sampled_from(("cut", "repeat", "overwrite")))
        put = {
            "cut": b"",
            "repeat": bytes(body[start:end]) * 2,
            "overwrite": data.draw(st.binary(max_size=8)),
        }
        body[start:end] = put[change]
    mutated = sealed(bytes(body)) if len(body) >= 6 else bytes(body)
    try:
        decoded = decode_program(mutated)
    except ProgramImageError:
        return
    assert encode_program(decoded) == mutated


def test_the_largest_program_has_the_size_published() -> None:
    assert len(encode_program(largest_program())) == 637


def test_the_image_lies_in_the_octets_published() -> None:
    image = encode_program(a_program())
    magic, form, sections, total, zero = struct.unpack_from("<HBBHH", image)
    assert (magic, form, sections, total, zero) == (0x4950, 1, 9, len(image), 0)
    at, seen = 8, []
    while at < len(image) - 4:
        number, rev, size = struct.unpack_from("<BBH", image, at)
        seen.append((number, rev, size))
        at += 4 + size
    sizes = (26, 2 + 7, 6, 17, 32, 16, 8, 48, 2)
    assert seen == [(number, 1, size) for number, size in enumerate(sizes, 1)]
    assert struct.unpack("<I", image[-4:])[0] == google_crc32c.value(image[:-4])


def test_the_digest_is_the_sha256_of_the_image() -> None:
    image = encode_program(a_program())
    assert program_digest(image).hex() == hashlib.sha256(image).hexdigest()
    assert program_digest(image) != program_digest(encode_program(a_program(DAILY)))


def test_the_primary_drug_is_the_one_marked() -> None:
    assert largest_program().primary_drug.drug_code is list(DrugCode)[2]


# --- the frame around the sections --------------------------------------------------------------------------


def set_octet(at: int, value: int) -> Callable[[bytes], bytes]:
    return lambda body: body[:at] + bytes([value]) + body[at + 1 :]


def section_at(body: bytes, number: int) -> int:
    at = 8
    for _ in range(number - 1):
        at += 4 + int.from_bytes(body[at + 2 : at + 4], "little")
    return at


def swap_first_sections(body: bytes) -> bytes:
    second, third = section_at(body, 2), section_at(body, 3)
    return body[:8] + body[second:third] + body[8:second] + body[third:]


def repeat_section(body: bytes) -> bytes:
    eighth, ninth = section_at(body, 8), section_at(body, 9)
    return body[:ninth] + body[eighth:ninth] + body[ninth:]


WRONG_FRAMES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "another magic": (set_octet(0, 0), 0),
    "another format": (set_octet(2, 2), 0),
    "fewer sections announced": (set_octet(3, 8), 0),
    "reserved header octet": (set_octet(6, 1), 0),
    "sections in another order": (swap_first_sections, 1),
    "a section twice": (repeat_section, 9),
    "an unknown section": (lambda body: set_octet(section_at(body, 9), 10)(body), 9),
    "another section revision": (lambda body: set_octet(section_at(body, 4) + 1, 2)(body), 4),
    "a section missing": (lambda body: body[: section_at(body, 9)], 9),
    "half a section head": (lambda body: body[: section_at(body, 9) + 2], 9),
    "a section cut short": (lambda body: body[:-1], 9),
    "octets after the last section": (lambda body: body + b"\0", 0),
    "a count that is not that of the steps": (lambda body: set_octet(section_at(body, 2) + 5, 2)(body), 2),
    "no steps at all": (lambda body: set_octet(section_at(body, 2) + 5, 0)(body), 2),
}


@pytest.mark.parametrize("name", WRONG_FRAMES)
def test_an_image_with_a_wrong_frame_is_malformed(name: str) -> None:
    change, section = WRONG_FRAMES[name]
    assert refusal(sealed(change(encode_program(a_program())[:-4]))) == (MALFORMED, section)


def test_a_length_that_is_not_that_of_the_image_is_malformed() -> None:
    body = set_octet(4, 1)(encode_program(a_program())[:-4])
    assert refusal(body + struct.pack("<I", google_crc32c.value(body))) == (MALFORMED, 0)


def test_sections_that_are_no_multiple_of_their_parts_are_malformed() -> None:
    body = encode_program(a_program())[:-4]
    for number in (1, 2, 3):
        at, following = section_at(body, number), section_at(body, number + 1)
        size = following - at - 4
        longer = (
            body[: at + 2] + struct.pack("<H", size + 1) + body[at + 4 : following] + b"\0" + body[following:]
        )
        assert refusal(sealed(longer)) == (MALFORMED, number)


def test_an_image_larger_than_any_can_be_is_refused_before_it_is_read() -> None:
    assert refusal(bytes(MAX_IMAGE + 1)) == (MALFORMED, 0)


# --- the rules of a program ---------------------------------------------------------------------------------

BROKEN_PROGRAMS: dict[str, tuple[Program, ErrorCode, int]] = {
    "no drug": (a_program(drugs=(), dose_declarations=()), MALFORMED, 1),
    "five drugs": (
        a_program(
            drugs=tuple(a_drug(code, int(at == 0)) for at, code in enumerate(list(DrugCode)[:5])),
            dose_declarations=tuple(DoseDeclaration(code, 1) for code in list(DrugCode)[:5]),
        ),
        MALFORMED,
        1,
    ),
    "a drug twice": (a_program(drugs=(a_drug(), a_drug(primary=0))), MALFORMED, 1),
    "no primary drug": (a_program(drugs=(a_drug(primary=0),)), MALFORMED, 1),
    "two primary drugs": (
        a_program(
            drugs=(a_drug(), a_drug(DrugCode.BACLOFEN)),
            dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, 1), DoseDeclaration(DrugCode.BACLOFEN, 1)),
        ),
        MALFORMED,
        1,
    ),
    "a dose of another drug": (
        a_program(dose_declarations=(DoseDeclaration(DrugCode.SALINE, 1),)),
        MALFORMED,
        3,
    ),
    "no dose": (a_program(dose_declarations=()), MALFORMED, 3),
    "doses in another order": (
        a_program(
            drugs=(a_drug(), a_drug(DrugCode.BACLOFEN, 0)),
            dose_declarations=(DoseDeclaration(DrugCode.BACLOFEN, 1), DoseDeclaration(DrugCode.MORPHINE, 1)),
        ),
        MALFORMED,
        3,
    ),
    "no steps": (a_program(a_schedule(ScheduleMode.SIMPLE)), SCHEDULE, 2),
    "forty-nine steps": (
        a_program(a_schedule(ScheduleMode.DAILY, *((EVERY_DAY, at, at % 2) for at in range(49)))),
        SCHEDULE,
        2,
    ),
    "steps that do not ascend": (
        a_program(a_schedule(ScheduleMode.DAILY, (EVERY_DAY, 0, 1), (EVERY_DAY, 9, 2), (EVERY_DAY, 8, 3))),
        SCHEDULE,
        2,
    ),
    "two steps at once": (
        a_program(a_schedule(ScheduleMode.DAILY, (EVERY_DAY, 0, 1), (EVERY_DAY, 0, 2))),
        SCHEDULE,
        2,
    ),
    "a daily table for some days": (
        a_program(a_schedule(ScheduleMode.DAILY, (WORKDAYS, 0, 1), (WEEKEND, 0, 2))),
        SCHEDULE,
        2,
    ),
    "a simple table of two steps": (a_program(replace(DAILY, mode=ScheduleMode.SIMPLE)), SCHEDULE, 2),
    "a daily table of one step": (a_program(replace(SIMPLE, mode=ScheduleMode.DAILY)), SCHEDULE, 2),
    "a weekly table that is a simple one": (
        a_program(replace(SIMPLE, mode=ScheduleMode.WEEKLY)),
        SCHEDULE,
        2,
    ),
    "a weekly table that is a daily one": (a_program(replace(DAILY, mode=ScheduleMode.WEEKLY)), SCHEDULE, 2),
    "a day of two groups": (
        a_program(a_schedule(ScheduleMode.WEEKLY, (0x1F, 0, 1), (0x70, 0, 2))),
        SCHEDULE,
        2,
    ),
    "a day without steps": (
        a_program(a_schedule(ScheduleMode.WEEKLY, (WORKDAYS, 0, 1), (0x20, 0, 2))),
        SCHEDULE,
        2,
    ),
    "a day that starts late": (a_program(a_schedule(ScheduleMode.SIMPLE, (EVERY_DAY, 1, 1))), SCHEDULE, 2),
    "neighbours with one rate": (
        a_program(a_schedule(ScheduleMode.DAILY, (EVERY_DAY, 0, 1), (EVERY_DAY, 9, 1))),
        SCHEDULE,
        2,
    ),
    "two groups with one table": (
        a_program(a_schedule(ScheduleMode.WEEKLY, (WORKDAYS, 0, 1), (WEEKEND, 0, 1))),
        SCHEDULE,
        2,
    ),
}


@pytest.mark.parametrize("name", BROKEN_PROGRAMS)
def test_a_program_that_breaks_a_rule_is_neither_accepted_nor_written(name: str) -> None:
    program, code, section = BROKEN_PROGRAMS[name]
    for judge in (check_program, encode_program):
        with pytest.raises(ProgramImageError) as caught:
            judge(program)
        assert (caught.value.code, caught.value.section) == (code, section)


@pytest.mark.parametrize("schedule", [SIMPLE, DAILY, WEEKLY], ids=["simple", "daily", "weekly"])
def test_programs_of_every_mode_obey_the_rules(schedule: Schedule) -> None:
    check_program(a_program(schedule))
    assert decode_program(encode_program(a_program(schedule))).schedule == schedule


OUT_OF_RANGE: dict[str, tuple[Program, int]] = {
    "a concentration of nothing": (a_program(drugs=(replace(a_drug(), conc_ng_ml=999),)), 1),
    "a name too long": (a_program(drugs=(replace(a_drug(), name="thirteen-long"),)), 1),
    "a reserved octet": (a_program(drugs=(replace(a_drug(), zero=b"\0\1"),)), 1),
    "a minute after midnight": (
        a_program(a_schedule(ScheduleMode.DAILY, (EVERY_DAY, 0, 1), (EVERY_DAY, 1_440, 2))),
        2,
    ),
    "a negative rate": (a_program(a_schedule(ScheduleMode.SIMPLE, (EVERY_DAY, 0, -1))), 2),
    "a dose that no field holds": (
        a_program(dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, 1 << 32),)),
        3,
    ),
    "a tone every second": (replace(a_program(), alarms=AlarmSettings(0, 90, Switch.ON, 1, 3_600)), 6),
    "a suspension of two days": (replace(a_program(), emergency=Emergency(EmergencyPolicy.READ, 2_880)), 7),
    "a time zone beyond all": (replace(a_program(), clock=ScheduleClock(841)), 9),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_program_that_no_pump_would_read_is_not_written(name: str) -> None:
    """Else the programmer would stage, and only the pump would refuse, what cannot be right."""
    program, section = OUT_OF_RANGE[name]
    with pytest.raises(ProgramImageError) as caught:
        encode_program(program)
    assert (caught.value.code, caught.value.section) == (MALFORMED, section)
