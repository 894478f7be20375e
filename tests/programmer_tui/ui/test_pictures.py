"""The small pictures: step chart, bar, aligned values, compared columns, the virtual log."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.beliefs import FLEX_5_4_MG, NOW_UTC_S, a_program, a_record
from textual.app import App, ComposeResult

from programmer_tui.clinic.clinical_format import MassUnit, Shown, format_volume_ml, unknown
from programmer_tui.clinic.prescription import DoseStep, Prescription, prescription_of_program
from programmer_tui.clinic.readback import ReadBackRow
from programmer_tui.clinic.review import ReviewRow
from programmer_tui.widgets.bar import bar
from programmer_tui.widgets.clinical_value import ClinicalValue, Row, Words, value_lines
from programmer_tui.widgets.compare_table import REVIEW_HEADS, result_cells, review_cells, table_lines
from programmer_tui.widgets.log_view import LogView, fitted, log_line
from programmer_tui.widgets.panel import hanging
from programmer_tui.widgets.step_chart import (
    NOT_TO_SCALE,
    chart_lines,
    draw_steps,
    hour_line,
    round_top,
    scale_for,
)
from protocol.log_record import BootEvent
from protocol.vocabulary import DrugCode, EventType, ScheduleMode

SLOPES = set("/\\⠁⠂⠄⡀⣀⠤")


def pattern(*rates: int) -> Prescription:
    """A pattern with steps of equal length, rates in ng/h."""
    length = 1_440 // len(rates)
    steps = tuple(DoseStep(place * length, rate) for place, rate in enumerate(rates))
    mode = ScheduleMode.SIMPLE if len(rates) == 1 else ScheduleMode.DAILY
    return Prescription(DrugCode.MORPHINE, 20_000_000, MassUnit.MG, mode, steps)


@given(
    levels=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    extra=st.integers(0, 3),
)
def test_every_change_of_level_is_one_upright_step(levels: list[int], extra: int) -> None:
    rows = 7 + extra
    grid = draw_steps(levels, rows)
    assert [len(line) for line in grid] == [len(levels)] * rows
    for column, level in enumerate(levels):
        drawn = {row: grid[row][column] for row in range(rows) if grid[row][column] != " "}
        before = levels[max(0, column - 1)]
        low, high = min(level, before), max(level, before)
        assert set(drawn) == set(range(low, high + 1))
        corners = {low: "┌" if level < before else "┐", high: "┘" if level < before else "└"}
        assert drawn == ({level: "─"} if low == high else {row: corners.get(row, "│") for row in drawn})


def test_two_rates_are_drawn_as_a_step_with_round_numbers_beside() -> None:
    lines = chart_lines(prescription_of_program(a_program(FLEX_5_4_MG)), 76, 6)
    assert lines[0].startswith("0.4 ┤")
    assert lines[2].startswith("0.2 ┤────")
    assert "┌" in lines[0]
    assert "┘" in lines[2]
    assert lines[-1].split() == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]
    assert not SLOPES & set("".join(lines))


def test_a_dose_is_never_drawn_on_the_zero_line_and_zero_never_above_it() -> None:
    lines = chart_lines(pattern(1_000, 1_000_000), 60, 8)
    zero = lines[-2]
    assert zero.startswith(("0   ┼", "0 ┼"))
    assert "─" not in zero
    nothing = chart_lines(pattern(0, 1_000_000), 60, 8)
    assert "─" in nothing[-2]


@given(st.integers(1, 10**9))
def test_the_top_of_the_axis_is_round_and_not_below_the_dose(rate: int) -> None:
    top = round_top(rate, MassUnit.MCG)
    assert top >= rate
    assert top / MassUnit.MCG.ng <= max(Fraction(1, 1_000), Fraction(rate, 400))
    assert len(str(top).strip("0")) <= 1


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=8), st.integers(3, 20))
def test_no_step_is_hidden_and_a_higher_dose_lies_higher(rates: list[int], rows: int) -> None:
    """Where the scale cannot part two doses, the chart gives up the scale, says so, and names the doses."""
    scale = scale_for(pattern(*rates), rows)
    drawn = sorted({Fraction(rate) for rate in rates})
    lines = [scale.row_of[rate] for rate in drawn]
    assert lines == sorted(lines, reverse=True)
    assert all(0 <= line < rows for line in lines)
    if len([rate for rate in drawn if rate]) <= rows - 1:
        assert len(set(lines)) == len(drawn)
        assert scale.to_scale or all(scale.row_of[rate] in scale.labels for rate in drawn)
    else:
        assert not scale.to_scale
        assert {lines[-1], lines[0] if drawn[0] else lines[1]} <= set(scale.labels)


def test_steps_too_near_for_the_scale_are_drawn_with_their_values_and_a_word() -> None:
    lines = chart_lines(pattern(180_000, 210_000, 200_000), 76, 6)
    assert [line.split(" ")[0] for line in lines[:5]] == ["0.21", "0.2", "0.18", "", "0"]
    assert lines[-1].endswith(NOT_TO_SCALE)
    assert "┌" in lines[0]


def test_a_chart_without_room_says_so_and_hours_never_overlap() -> None:
    assert chart_lines(pattern(1_000), 10, 3) == ("Enlarge the window to see the chart.",)
    for columns in range(20, 120, 7):
        line = hour_line(columns, 641, columns)
        assert len(line) <= columns
        assert all(len(word) == 5 for word in line.split())


def test_a_bar_has_its_number_and_shows_that_something_is_left() -> None:
    assert bar(13_200_000, 20_000_000, 20) == "[#############-------]  66 %"
    assert bar(1, 1_000_000, 10) == "[#---------]  below 1 %"
    assert bar(0, 10, 10) == "[----------]  0 %"
    assert bar(30, 10, 4) == "[####]  100 %"
    with pytest.raises(ValueError, match="no bar"):
        bar(1, 0, 10)


def test_points_of_a_column_are_in_line_and_no_number_goes_without_its_unit() -> None:
    """N6, N8, N14."""
    rows: list[Row] = [
        ClinicalValue("Reservoir", format_volume_ml(13_200_000), "(calculated)"),
        Words("Mode", "simple"),
        ClinicalValue("Catheter", format_volume_ml(107_000)),
        ClinicalValue("Flow", unknown("link lost")),
    ]
    lines = value_lines(rows, 12)
    assert lines[0] == "Reservoir   13.2   mL  (calculated)"
    assert lines[0].index(".") == lines[2].index(".")
    assert lines[3] == "Flow        --  link lost"
    with pytest.raises(ValueError, match="without a unit"):
        ClinicalValue("Dose", Shown("5", "", exact=True))


def row(current: str, new: str, **other: object) -> ReviewRow:
    values = {"computed": new, "change_text": "", "changed": current != new, "agrees": True, **other}
    return ReviewRow("Daily dose", "mg/day", current, new, **values)  # type: ignore[arg-type]


def test_a_compared_row_has_its_unit_in_every_column_and_a_mark_for_a_change() -> None:
    cells = review_cells([row("4.8", "12.25", change_text="x2.55"), row("4.8", "4.8")])
    assert cells[0] == ("*", "Daily dose", "4.8 mg/day", "12.25 mg/day", "12.25 mg/day", "x2.55")
    assert cells[1][0] == ""
    assert cells[1][3] == " 4.8  mg/day"
    disagreeing = review_cells([row("4.8", "5", computed="50", agrees=False)])[0]
    assert disagreeing[0] == "!"
    assert disagreeing[-1] == "DIFFERS"


@given(st.integers(20, 120))
def test_no_cell_of_a_table_is_ever_cut(width: int) -> None:
    cells = review_cells([row("4.8", "12.25", change_text="x2.55")])
    lines = table_lines(REVIEW_HEADS, cells, width)
    assert all(cell in lines[1] for cell in cells[0])
    assert len(lines) == 2


def test_what_differs_in_a_read_back_stands_first() -> None:
    checks = (ReadBackRow("Drug", "a", "a", same=True), ReadBackRow("Dose", "5", "6", same=False))
    assert [cells[1] for cells in result_cells(checks)] == ["Dose", "Drug"]


def test_wrapped_text_hangs_under_its_first_line() -> None:
    assert hanging("  To do  ", "one two three", 14) == "  To do  one\n         two\n         three"
    assert hanging("x ", "", 10) == "x "


@given(st.text(alphabet="ab ,.0123456789", max_size=80), st.integers(8, 60))
def test_a_line_of_the_log_is_never_cut_inside_a_number(line: str, width: int) -> None:
    shown = fitted(line, width)
    assert len(shown) <= width
    if shown != line:
        whole = shown.removesuffix(" ...")
        assert line.startswith(whole)
        assert line[len(whole)] == " " or not whole


class LogHost(App[None]):
    """A bare app around the log view."""

    def compose(self) -> ComposeResult:
        yield LogView(id="log")


async def test_a_long_log_is_drawn_only_where_it_is_looked_at_and_keeps_its_mark() -> None:
    records = tuple(a_record(seq, BootEvent(seq), EventType.BOOT) for seq in range(1, 4_097))
    app = LogHost()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.query_one(LogView)
        view.show_records(records, MassUnit.MG, 0)
        view.focus()
        await pilot.press("down", "down", "pagedown")
        assert view.marked is not None
        assert view.marked.seq == 4_096 - 2 - (view.size.height - 1)
        await pilot.press("end")
        assert view.marked.seq == 1
        newer = a_record(4_097, BootEvent(1), EventType.BOOT, utc_s=NOW_UTC_S + 1)
        view.show_records((*records, newer), MassUnit.MG, 0)
        assert view.marked.seq == 1
        await pilot.press("home", "up")
        assert view.marked.seq == 4_097
        assert log_line(newer, MassUnit.MG, 0).startswith("  4097  2026-03-02 10:41:08  pump started")
