"""The comparison after programming: what was sent beside what the pump reports when it is read again."""

from dataclasses import dataclass
from typing import Final

from programmer_tui.clinic.clinical_format import (
    drug_name,
    format_daily_dose,
    format_dose_rate,
    format_strength,
    format_volume_ml,
    format_volume_per_day,
)
from programmer_tui.clinic.clinical_time import format_duration_words, format_interval
from programmer_tui.clinic.dose import dose_rate_ng_h, step_minutes
from programmer_tui.clinic.prescription import prescription_of_program
from programmer_tui.clinic.review import MODE_WORDS
from protocol.program import PatientBolus, Program
from protocol.vocabulary import Switch

_MISSING: Final = ("none", None)
_Values = dict[str, tuple[str, object]]


@dataclass(frozen=True, slots=True)
class ReadBackRow:
    """One value as it was sent and as the pump reports it; ``same`` compares the values, not the texts."""

    label: str
    sent: str
    reported: str
    same: bool


def compare_readback(
    sent: Program, reported: Program, sent_digest: bytes, reported_digest: bytes
) -> tuple[ReadBackRow, ...]:
    """Return what was sent beside what the pump reports, value by value; the last row is the whole image.

    Raises:
        PrescriptionError: a program follows a weekly pattern.
    """
    mine, theirs = _values(sent), _values(reported)
    labels = [*mine, *(label for label in theirs if label not in mine)]
    rows = [_row(label, mine.get(label, _MISSING), theirs.get(label, _MISSING)) for label in labels]
    digests = (format_digest(sent_digest), sent_digest), (format_digest(reported_digest), reported_digest)
    return (*rows, _row("Pump checksum", *digests))


def verdict_sentence(rows: tuple[ReadBackRow, ...]) -> str:
    """Return the line that says whether the pump holds what was sent, and what to do where it does not."""
    same = sum(row.same for row in rows)
    if same == len(rows):
        return f"VERIFIED. The pump was read again after programming; {same} of {len(rows)} values agree."
    differ = len(rows) - same
    verb = "value differs" if differ == 1 else "values differ"
    return (
        f"NOT VERIFIED - {differ} of {len(rows)} {verb}. "
        "Treat the pump as UNKNOWN, interrogate again, do not close the session."
    )


def format_digest(digest: bytes) -> str:
    """Return the head of a program's digest as people compare it, ``7C1A-09F2``."""
    return f"{digest[:2].hex()}-{digest[2:4].hex()}".upper()


def _row(label: str, sent: tuple[str, object], reported: tuple[str, object]) -> ReadBackRow:
    return ReadBackRow(label, sent[0], reported[0], sent[1] == reported[1])


def _values(program: Program) -> _Values:
    """Return what a person compares: label -> (text, exact value)."""
    held = prescription_of_program(program)
    low_nl = program.alarms.low_reservoir_nl
    return {
        "Drug": (drug_name(held.drug), held.drug),
        "Strength": (format_strength(held.conc_ng_ml, held.unit).text, held.conc_ng_ml),
        "Mode": (MODE_WORDS[held.mode], held.mode),
        "Daily dose": (
            format_daily_dose(held.delivered_ng_per_day, held.unit).text,
            held.delivered_ng_per_day,
        ),
        "Volume": (format_volume_per_day(held.day_volume_nl).text, held.day_volume_nl),
        **_rates(program),
        "Patient bolus": (_bolus_words(program.patient_bolus), program.patient_bolus),
        "Low reservoir alarm": (format_volume_ml(low_nl).text, low_nl),
    }


def _rates(program: Program) -> _Values:
    held = prescription_of_program(program)
    lengths = step_minutes(tuple(start for start, _ in held.rate_table))
    return {
        f"Rate, {format_interval(start, start + length)}": (
            format_dose_rate(dose_rate_ng_h(rate, held.conc_ng_ml), held.unit).text,
            rate,
        )
        for (start, rate), length in zip(held.rate_table, lengths, strict=True)
    }


def _bolus_words(bolus: PatientBolus) -> str:
    if bolus.enable is Switch.OFF:
        return "off"
    lockout = format_duration_words(bolus.lockout_min * 60)
    return f"{format_volume_ml(bolus.volume_nl)}, {bolus.max_per_24h} per day, lockout {lockout}"
