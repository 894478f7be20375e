"""A chart of a dose over 24 hours in box-drawing characters: a change of dose is a step, never a slope.

The chart is drawn from exact numbers. A dose that is not zero never lies on the zero line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from programmer_tui.clinic.clinical_format import Exact, MassUnit, format_dose_rate
from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.prescription import Prescription
from protocol.quantities import MINUTES_PER_DAY

_TOPS: Final = (1, 2, 4, 6, 8, 10)
_LINE: Final = "─"
_ZERO: Final = "╌"
_MIN_WIDTH: Final = 24
_MIN_HEIGHT: Final = 4
_LABEL_CELLS: Final = 6
_HOURS_APART: Final = (3, 4, 6, 12)


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: its top in ng/h and the labels of top, middle and zero."""

    top_ng_h: Fraction
    labels: tuple[str, str, str]


def chart_lines(prescription: Prescription, width: int, height: int, first_min: int = 0) -> tuple[str, ...]:
    """Return ``height`` lines of ``width`` cells: the dose rate over 24 h from local minute ``first_min`` on.

    Too small an area gets words instead of a picture.
    """
    if width < _MIN_WIDTH or height < _MIN_HEIGHT:
        return ("Enlarge the window to see the chart.",)
    axis = axis_for(max(step.dose_rate_ng_h for step in prescription.steps), prescription.unit)
    gutter = max(len(label) for label in axis.labels) + 2
    columns = width - gutter
    rows = height - 1
    levels = _levels(prescription, columns, rows, first_min, axis.top_ng_h)
    grid = draw_steps(levels, rows)
    ticks = {0: axis.labels[0], rows - 1: axis.labels[2]}
    if rows % 2:
        ticks[rows // 2] = axis.labels[1]
    lines = [_labelled(line, ticks.get(row), gutter, zero=row == rows - 1) for row, line in enumerate(grid)]
    return (*lines, " " * gutter + hour_line(columns, first_min))


def axis_for(highest_ng_h: Exact, unit: MassUnit) -> Axis:
    """Return an axis with a round top at or above the highest value."""
    highest = Fraction(highest_ng_h) / unit.ng
    scale = Fraction(1, 1_000)
    while scale * 10 < highest:
        scale *= 10
    top = next(scale * step for step in _TOPS if scale * step >= highest) * unit.ng
    values = (top, top / 2)
    high, middle = (format_dose_rate(value, unit).number for value in values)
    return Axis(top, (high, middle, "0"))


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


def hour_line(columns: int, first_min: int) -> str:
    """Return the clock times under the chart, each beginning at its column."""
    choices = [_marks(columns, first_min, hours) for hours in _HOURS_APART]
    fitting = (marks for marks in choices if all(b - a > _LABEL_CELLS for (a, _), (b, _) in pairwise(marks)))
    line = [" "] * columns
    for column, text in next(fitting, choices[-1]):
        if column + len(text) <= columns:
            line[column : column + len(text)] = text
    return "".join(line).rstrip()


def _marks(columns: int, first_min: int, hours: int) -> list[tuple[int, str]]:
    apart = hours * 60
    begin = -(-first_min // apart) * apart
    return [
        ((minute - first_min) * columns // MINUTES_PER_DAY, format_minute_of_day(minute % MINUTES_PER_DAY))
        for minute in range(begin, first_min + MINUTES_PER_DAY, apart)
    ]


def _levels(
    prescription: Prescription, columns: int, rows: int, first_min: int, top_ng_h: Fraction
) -> list[int]:
    bottom = rows - 1
    levels = []
    for column in range(columns):
        minute = (first_min + column * MINUTES_PER_DAY // columns) % MINUTES_PER_DAY
        rate = Fraction(prescription.dose_rate_at(minute))
        row = bottom - int(rate / top_ng_h * bottom + Fraction(1, 2))
        levels.append(min(row, bottom - 1) if rate else bottom)
    return levels


def _labelled(line: str, label: str | None, gutter: int, *, zero: bool) -> str:
    if label is None:
        return " " * gutter + line
    # The zero line is dashed: a dose of zero, drawn solid on it, must not look like the axis.
    return f"{label:<{gutter - 1}}┼{line.replace(' ', _ZERO)}" if zero else f"{label:<{gutter - 1}}┤{line}"
