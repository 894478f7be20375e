"""The page of the program image: its frame, its sections field by field, one image explained."""

from collections.abc import Iterable, Iterator
from typing import Final

from protocol import program
from protocol.messages.codec import codec_of
from protocol.program import MAX_DRUGS, MAX_IMAGE, MAX_STEPS, SECTION_LAYOUTS, SECTION_NAMES, program_digest
from workbench.generators.markdown import join, page, summary, table
from workbench.generators.messages_page import ENUMERATIONS, FIELD_HEAD
from workbench.generators.octets import Run, body_runs, field_rows, run_block
from workbench.generators.samples import DAY_VOLUME_NL, DOSE_NG_PER_DAY, IMAGE, PROGRAM

SECTION_TEXTS: Final = {
    "DRUGS": f"1 to {MAX_DRUGS} drugs; exactly one is the primary one.",
    "SCHEDULE": f"The kind of table and the number of steps, then 1 to {MAX_STEPS} steps.",
    "DOSE_DECL": "The programmer's own arithmetic for each drug, in the order of DRUGS; the pump checks it.",
    "PATIENT_BOLUS": "What the patient may give on their own.",
    "LIMITS": "Hard limits the pump refuses to pass; soft limits a person must acknowledge.",
    "ALARMS": "When and how the pump sounds.",
    "EMERGENCY": "What the published emergency key may do.",
    "IMPLANT": "Whom and how it is implanted.",
    "CLOCK": "The local time that the schedule follows.",
}
_HEADER: Final = (
    (0, 2, "`magic`", f"0x{program.MAGIC:04X}"),
    (2, 1, "`format`", f"{program.FORMAT}"),
    (3, 1, "`sections`", f"{len(SECTION_NAMES)}"),
    (4, 2, "`total_len`", "octets of the whole image"),
    (6, 2, "`zero`", "0"),
)
_SECTION: Final = (
    (0, 1, "`id`", "number of the section"),
    (1, 1, "`rev`", "1"),
    (2, 2, "`len`", "octets of the section's data"),
)
_HEADER_SIZE: Final = 8
_SECTION_SIZE: Final = 4


def program_page() -> str:
    """Return the page of the program image."""
    head = ("offset", "octets", "field", "value")
    about = (
        f"Everything a prescription makes the pump do, in exactly one encoding of at most {MAX_IMAGE} "
        f"octets: a header, {len(SECTION_NAMES)} sections in ascending order, and a CRC-32C of all octets "
        f"before it. The SHA-256 of the image is its digest; where only {program.DIGEST_SIZE} octets of it "
        "are sent, they are the first."
    )
    return page(
        "The program image",
        about,
        join("## Header", table(head, _HEADER)),
        join("## Sections", "Each starts with:", table(head, _SECTION)),
        *map(_section_part, SECTION_LAYOUTS),
        _rules_part(),
        _example_part(),
    )


def _section_part(number: int) -> str:
    parts = [f"### {number} {SECTION_NAMES[number]}", SECTION_TEXTS[SECTION_NAMES[number]]]
    for layout in SECTION_LAYOUTS[number]:
        size = codec_of(layout).fixed_size
        parts.append(f"`{layout.__name__.lstrip('_')}`, {size} octets:")
        parts.append(table(FIELD_HEAD, field_rows(layout, ENUMERATIONS)))
    return join(*parts)


def _rules_part() -> str:
    return join(
        "## Rules of a schedule",
        summary(program.Schedule),
        "A rate is the pump's minimum rate, or within the range of its profile; the pump checks it.",
    )


def _example_part() -> str:
    about = (
        f"Morphine 20 mg/mL in three steps a day: {DAY_VOLUME_NL} nL and {DOSE_NG_PER_DAY} ng a day. The "
        f"image has {len(IMAGE)} octets; its SHA-256 is `{program_digest(IMAGE).hex()}`."
    )
    return join("## Example", about, run_block(image_runs(IMAGE)))


def image_runs(image: bytes) -> Iterator[Run]:
    """Yield the runs of the sample program's ``image``."""
    names = [name.strip("`") for _, _, name, _ in _HEADER]
    for (offset, size, _, _), name in zip(_HEADER, names, strict=True):
        octets = image[offset : offset + size]
        value = int.from_bytes(octets, "little")
        yield Run(offset, octets, name, f"0x{value:04X}" if name == "magic" else str(value))
    at = _HEADER_SIZE
    for number in SECTION_NAMES:
        size = int.from_bytes(image[at + 2 : at + _SECTION_SIZE], "little")
        title = f"section {number}"
        yield Run(at, image[at : at + _SECTION_SIZE], title, f"{SECTION_NAMES[number]}, {size} octets")
        at += _SECTION_SIZE
        yield from _section_runs(number, image[at : at + size], at)
        at += size
    yield Run(at, image[at:], "crc32c", "of all octets before it")


def _section_runs(number: int, data: bytes, at: int) -> Iterator[Run]:
    here = 0
    for prefix, body in _bodies(number):
        body_class: type = type(body)
        size = codec_of(body_class).fixed_size
        yield from body_runs(body, data[here : here + size], at + here, prefix)
        here += size


def _bodies(number: int) -> list[tuple[str, object]]:
    """Return the bodies of a section of the sample program, each with a prefix for its fields."""
    match SECTION_NAMES[number]:
        case "DRUGS":
            return _numbered(PROGRAM.drugs)
        case "SCHEDULE":
            steps = PROGRAM.schedule.steps
            head = SECTION_LAYOUTS[number][0](PROGRAM.schedule.mode, len(steps))
            return [("", head), *_numbered(steps)]
        case "DOSE_DECL":
            return _numbered(PROGRAM.dose_declarations)
        case name:
            return [("", getattr(PROGRAM, name.lower()))]


def _numbered(items: Iterable[object]) -> list[tuple[str, object]]:
    return [(f"[{position}].", item) for position, item in enumerate(items)]
