"""Rows of clinical values: label, number, unit; decimal points in one column, no number without its unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from programmer_tui.clinic.clinical_format import Shown, align_decimal

LABEL_CELLS: Final = 14


@dataclass(frozen=True, slots=True)
class ClinicalValue:
    """One number with its unit.

    Raises:
        ValueError: the number has no unit.
    """

    label: str
    shown: Shown
    note: str = ""

    def __post_init__(self) -> None:
        if not self.shown.unit.strip():
            raise ValueError(f"{self.label}: {self.shown.number} is shown without a unit")


@dataclass(frozen=True, slots=True)
class Words:
    """One row of words."""

    label: str
    text: str


Row = ClinicalValue | Words


def value_lines(rows: Sequence[Row], label_cells: int = LABEL_CELLS) -> tuple[str, ...]:
    """Return one line for each row, the points of all numbers in one column."""
    aligned = iter(_aligned([row.shown for row in rows if isinstance(row, ClinicalValue)]))
    return tuple(_line(row, aligned, label_cells) for row in rows)


def _aligned(numbers: list[Shown]) -> Iterable[str]:
    """Align the known numbers; what is not known stands in words and keeps out of the column."""
    known = [number for number in numbers if number.number[0].isdigit()]
    columns = iter(align_decimal(known))
    return [next(columns) if number.number[0].isdigit() else number.text for number in numbers]


def _line(row: Row, aligned: Iterable[str], label_cells: int) -> str:
    if isinstance(row, Words):
        return f"{row.label:<{label_cells}}{row.text}"
    note = f"  {row.note}" if row.note else ""
    return f"{row.label:<{label_cells}}{next(iter(aligned))}{note}"
