"""The read-back compares values, not texts, and any difference makes the pump's state unknown."""

from dataclasses import replace

import pytest
from support.beliefs import FLEX_5_4_MG, a_program
from support.error_prone import error_prone

from programmer_tui.clinic.readback import compare_readback, format_digest, verdict_sentence
from protocol.program import PatientBolus, Program, encode_program, program_digest
from protocol.vocabulary import Switch

SENT = a_program(FLEX_5_4_MG)


def digest(program: Program) -> bytes:
    return program_digest(encode_program(program))


def test_the_same_program_is_verified() -> None:
    rows = compare_readback(SENT, SENT, digest(SENT), digest(SENT))
    assert [(row.label, row.sent) for row in rows[:4]] == [
        ("Drug", "morphine"),
        ("Strength", "20 mg/mL"),
        ("Mode", "flexible 24 h"),
        ("Daily dose", "5.4 mg/day"),
    ]
    assert all(row.same and row.sent == row.reported for row in rows)
    assert verdict_sentence(rows) == (
        f"VERIFIED. The pump was read again after programming; {len(rows)} of {len(rows)} values agree."
    )
    assert error_prone(" ".join(row.sent for row in rows)) == []


@pytest.mark.parametrize(
    ("reported", "differing"),
    [
        (
            a_program(((0, 10_000), (360, 20_001), (540, 10_000))),
            {"Daily dose", "Volume", "Rate, 06:00-09:00"},
        ),
        (
            a_program(),
            {
                "Mode",
                "Daily dose",
                "Volume",
                "Rate, 00:00-06:00",
                "Rate, 06:00-09:00",
                "Rate, 09:00-24:00",
                "Rate, 00:00-24:00",
            },
        ),
        (replace(SENT, patient_bolus=PatientBolus(Switch.ON, 5_000, 600, 240, 3, 15_000)), {"Patient bolus"}),
        (replace(SENT, alarms=replace(SENT.alarms, low_reservoir_nl=2_000_001)), {"Low reservoir alarm"}),
        (replace(SENT, implant=replace(SENT.implant, catheter_nl=1)), set()),
    ],
)
def test_a_difference_is_found_even_where_rounding_hides_it(reported: Program, differing: set[str]) -> None:
    """The last case differs in a value that has no row: the checksum still says so."""
    rows = compare_readback(SENT, reported, digest(SENT), digest(reported))
    assert {row.label for row in rows if not row.same} == differing | {"Pump checksum"}
    assert verdict_sentence(rows).startswith(f"NOT VERIFIED - {len(differing) + 1} of {len(rows)} value")


def test_a_patient_bolus_is_told_in_words() -> None:
    program = replace(SENT, patient_bolus=PatientBolus(Switch.ON, 5_000, 600, 240, 3, 15_000))
    rows = {row.label: row for row in compare_readback(program, SENT, b"a" * 32, b"b" * 32)}
    assert rows["Patient bolus"].sent == "0.005 mL, 3 per day, lockout 4 h"
    assert rows["Patient bolus"].reported == "off"


def test_a_checksum_is_short_enough_to_read_aloud() -> None:
    assert format_digest(bytes.fromhex("7c1a09f2") + bytes(28)) == "7C1A-09F2"
