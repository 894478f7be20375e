"""Tables that compare: before and after, sent and reported; a change is a mark and a word."""

from collections.abc import Sequence
from typing import Final

from programmer_tui.clinic.clinical_format import Shown, align_decimal
from programmer_tui.clinic.readback import ReadBackRow
from programmer_tui.clinic.review import ReviewRow

REVIEW_HEADS: Final = ("", "", "IN PUMP NOW", "WILL BE SENT", "PUMP COMPUTES", "CHANGE")
RESULT_HEADS: Final = ("", "", "SENT", "PUMP REPORTS NOW", "RESULT")
DIFFERS: Final = "DIFFERS"
_GAPS: Final = (3, 2, 1)


def review_cells(rows: Sequence[ReviewRow]) -> list[tuple[str, ...]]:
    """Return the cells of the review; decimal points of one column are in line, every number has its unit."""
    current = _column([row.current for row in rows], rows)
    new = _column([row.new for row in rows], rows)
    computed = _column([row.computed for row in rows], rows)
    return [
        (_mark(row), row.label, current[place], new[place], computed[place], _change(row))
        for place, row in enumerate(rows)
    ]


def result_cells(checks: Sequence[ReadBackRow]) -> list[tuple[str, ...]]:
    """Return the cells of the read-back, what differs first."""
    return [
        (
            "" if check.same else "!",
            check.label,
            check.sent,
            check.reported,
            "= same" if check.same else DIFFERS,
        )
        for check in sorted(checks, key=lambda check: check.same)
    ]


def table_lines(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return a heading and one line for each row of cells, in columns as wide as they need.

    The gap between columns shrinks where ``width`` is short; no cell is ever cut.
    """
    rows = [heads, *cells]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    needed = sum(widths) + 1
    gap = next((gap for gap in _GAPS if needed + gap * (len(widths) - 1) <= width), _GAPS[-1])
    return [
        (" " * gap).join(f"{cell:<{widths[column]}}" for column, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _mark(row: ReviewRow) -> str:
    return "!" if not row.agrees else "*" if row.changed else ""


def _change(row: ReviewRow) -> str:
    return DIFFERS if not row.agrees else row.change_text


def _column(texts: Sequence[str], rows: Sequence[ReviewRow]) -> list[str]:
    """Align the numbers of one column and put their units behind them; words stay as they are."""
    numbers = [_is_number(text, row) for text, row in zip(texts, rows, strict=True)]
    shown = [
        Shown(text, row.unit, exact=True)
        for text, row, number in zip(texts, rows, numbers, strict=True)
        if number
    ]
    aligned = iter(align_decimal(shown))
    return [
        next(aligned) if number else _words(text, row)
        for text, row, number in zip(texts, rows, numbers, strict=True)
    ]


def _is_number(text: str, row: ReviewRow) -> bool:
    return bool(row.unit) and text[:1].isdigit()


def _words(text: str, row: ReviewRow) -> str:
    return f"{text} {row.unit}" if text and row.unit and text != "--" else text
