"""A chart of a dose over 24 hours in box-drawing characters: a change of dose is a step, never a slope.

The chart is drawn from exact numbers. Where two doses would fall on one line and their step be hidden, each
dose gets a line of its own with its value beside it, and the chart says that it is not to scale. A dose that
is not zero never lies on the zero line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from programmer_tui.clinic.clinical_format import Exact, MassUnit, format_dose_rate
from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.prescription import Prescription
from protocol.quantities import MINUTES_PER_DAY

NOT_TO_SCALE: Final = "not to scale"
_TOPS: Final = (1, 2, 4, 6, 8, 10)
_LINE: Final = "─"
_ZERO: Final = "╌"
_MIN_WIDTH: Final = 24
_MIN_HEIGHT: Final = 4
_LABEL_CELLS: Final = 6
_HOURS_APART: Final = (3, 4, 6, 12)


@dataclass(frozen=True, slots=True)
class Scale:
    """Which line each dose rate lies on (0 on top), what stands beside the lines, whether it is to scale."""

    row_of: Mapping[Fraction, int]
    labels: Mapping[int, str]
    to_scale: bool


def chart_lines(prescription: Prescription, width: int, height: int, first_min: int = 0) -> tuple[str, ...]:
    """Return ``height`` lines of ``width`` cells: the dose rate over 24 h from local minute ``first_min`` on.

    Too small an area gets words instead of a picture.
    """
    if width < _MIN_WIDTH or height < _MIN_HEIGHT:
        return ("Enlarge the window to see the chart.",)
    rows = height - 1
    scale = scale_for(prescription, rows)
    gutter = max(len(label) for label in scale.labels.values()) + 2
    columns = width - gutter
    rates = _rates(prescription, columns, first_min)
    grid = draw_steps([scale.row_of[rate] for rate in rates], rows)
    lines = [
        _labelled(line, scale.labels.get(row), gutter, zero=row == rows - 1) for row, line in enumerate(grid)
    ]
    note = "" if scale.to_scale else f"  {NOT_TO_SCALE}"
    hours = hour_line(columns, first_min, columns - len(note))
    return (*lines, f"{' ' * gutter}{hours}{note:>{columns - len(hours)}}")


def scale_for(prescription: Prescription, rows: int) -> Scale:
    """Return where the rates of a prescription lie in ``rows`` lines, the last of which is zero.

    To scale where that parts all rates; else each rate has a line of its own; where there are more rates
    than lines, the lines are spread between the lowest and the highest rate.
    """
    unit = prescription.unit
    rates = sorted({Fraction(step.dose_rate_ng_h) for step in prescription.steps}, reverse=True)
    top = round_top(rates[0], unit)
    row_of = {rate: _row(rate, top, rows) for rate in rates}
    if len(set(row_of.values())) == len(rates):
        labels = {0: _label(top, unit), rows - 1: "0"}
        if rows % 2:
            labels[rows // 2] = _label(top / 2, unit)
        return Scale(row_of, labels, to_scale=True)
    drawn = [rate for rate in rates if rate]
    apart = Fraction(rows - 1, len(drawn)) if len(drawn) < rows else Fraction(rows - 2, len(drawn) - 1)
    row_of = {rate: int(place * apart) for place, rate in enumerate(drawn)} | {Fraction(0): rows - 1}
    named = drawn if len(drawn) < rows else [drawn[0], drawn[-1]]
    return Scale(
        row_of, {row_of[rate]: _label(rate, unit) for rate in named} | {rows - 1: "0"}, to_scale=False
    )


def round_top(highest_ng_h: Exact, unit: MassUnit) -> Fraction:
    """Return the round number at or above the highest rate at which the axis ends, in ng/h."""
    highest = Fraction(highest_ng_h) / unit.ng
    scale = Fraction(1, 1_000)
    while scale * 10 < highest:
        scale *= 10
    return next(scale * step for step in _TOPS if scale * step >= highest) * unit.ng


def draw_steps(levels: Sequence[int], rows: int) -> list[str]:
    """Return the lines of a step curve; ``levels`` gives the row (0 on top) of each column."""
    grid = [[" "] * len(levels) for _ in range(rows)]
    before = levels[0]
    for column, level in enumerate(levels):
        if level == before:
            grid[level][column] = _LINE
        else:
            up = level < before
            grid[before][column] = "┘" if up else "┐"
            grid[level][column] = "┌" if up else "└"
            for row in range(min(level, before) + 1, max(level, before)):
                grid[row][column] = "│"
        before = level
    return ["".join(row) for row in grid]


def hour_line(columns: int, first_min: int, room: int) -> str:
    """Return the clock times under the chart, each beginning at its column, as far as there is ``room``."""
    choices = [_marks(columns, first_min, hours) for hours in _HOURS_APART]
    fitting = (marks for marks in choices if all(b - a > _LABEL_CELLS for (a, _), (b, _) in pairwise(marks)))
    line = [" "] * columns
    for column, text in next(fitting, choices[-1]):
        if column + len(text) <= room:
            line[column : column + len(text)] = text
    return "".join(line).rstrip()


def _marks(columns: int, first_min: int, hours: int) -> list[tuple[int, str]]:
    apart = hours * 60
    begin = -(-first_min // apart) * apart
    return [
        ((minute - first_min) * columns // MINUTES_PER_DAY, format_minute_of_day(minute % MINUTES_PER_DAY))
        for minute in range(begin, first_min + MINUTES_PER_DAY, apart)
    ]


def _rates(prescription: Prescription, columns: int, first_min: int) -> list[Fraction]:
    starts = (first_min + column * MINUTES_PER_DAY // columns for column in range(columns))
    minutes = (start % MINUTES_PER_DAY for start in starts)
    return [Fraction(prescription.dose_rate_at(minute)) for minute in minutes]


def _row(rate: Fraction, top: Fraction, rows: int) -> int:
    bottom = rows - 1
    row = bottom - int(rate / top * bottom + Fraction(1, 2))
    return min(row, bottom - 1) if rate else bottom


def _label(rate: Fraction, unit: MassUnit) -> str:
    return format_dose_rate(rate, unit).number


def _labelled(line: str, label: str | None, gutter: int, *, zero: bool) -> str:
    if label is None:
        return " " * gutter + line
    # The zero line is dashed: a dose of zero, drawn solid on it, must not look like the axis.
    return f"{label:<{gutter - 1}}┼{line.replace(' ', _ZERO)}" if zero else f"{label:<{gutter - 1}}┤{line}"
