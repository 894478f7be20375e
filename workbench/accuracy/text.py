"""The accuracy report as aligned text for people."""

from collections.abc import Iterator, Sequence
from typing import Final

from workbench.accuracy.plan import decimals
from workbench.accuracy.report import Bolus, Flow, Report, Window

_FLOW_HEAD: Final = ("rate mL/day", "window h", "lowest %", "highest %", "quantum bound %", "within")
_BOLUS_HEAD: Final = (
    "bolus", "volume mL", "over s", "times", "lowest %", "mean %", "highest %", "quantum bound %", "within",
)  # fmt: skip
_EXACT: Final = "yes *"
_ML_PLACES: Final = 6
_PERCENT_PLACES: Final = 4


def text_lines(report: Report) -> Iterator[str]:
    """Yield the report line by line."""
    yield f"{report.profile}: {report.title}, stroke {decimals(report.stroke_nl, 3)} uL"
    yield f"seed {report.seed}, motor gain {gain(report)}; simulated, not for clinical use"
    yield ""
    yield (
        f"Flow: worst windows of {report.analysis_h} h, sampled every {report.sample_s} s "
        f"after {report.settle_h} h of settling"
    )
    yield ""
    yield from table(_FLOW_HEAD, [row for flow in report.flows for row in _flow_rows(flow)])
    yield ""
    yield f"Boluses over the lowest rate, {decimals(report.boluses[0].basal_nl_h, 3)} uL/h, counted in"
    yield ""
    yield from table(_BOLUS_HEAD, list(map(_bolus_row, report.boluses)))
    yield ""
    yield from _notes(report)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, its columns aligned to the right, the first to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip()


def percent(value_ppm: int, *, signed: bool = True) -> str:
    """Return ppm in percent with four decimals; 0 has no sign."""
    sign = ("-" if value_ppm < 0 else "+") if signed and value_ppm else ""
    whole, rest = divmod(abs(value_ppm), 10**_PERCENT_PLACES)
    return f"{sign}{whole}.{rest:0{_PERCENT_PLACES}d}"


def gain(report: Report) -> str:
    """Return the gain of the motor as a factor, at least one decimal."""
    factor = decimals(report.gain_ppm, _ML_PLACES)
    return factor if "." in factor else f"{factor}.0"


def _notes(report: Report) -> Iterator[str]:
    yield (
        f"The quantum bound is one stroke, {decimals(report.stroke_nl, 3)} uL, either way: "
        "the best that any motor of whole strokes can promise."
    )
    if any(_is_exact(window) for flow in report.flows for window in flow.windows):
        yield "* The window holds a whole number of strokes, so it is exact; the flow inside is no smoother."
    yield f"This kind of pump may be off by {decimals(report.label_ppm, _PERCENT_PLACES)} % by its profile."
    if report.unexplained:
        yield f"Neither strokes nor gain explain: {'; '.join(report.unexplained)}."
    else:
        yield "Whole strokes and the gain of the motor explain every error."


def _is_exact(window: Window) -> bool:
    return window.whole_strokes and window.lowest_units == window.highest_units == 0


def _flow_rows(flow: Flow) -> Iterator[tuple[str, ...]]:
    for window in flow.windows:
        yield (
            flow.rate_ml_day,
            str(window.window_h),
            percent(window.lowest_ppm),
            percent(window.highest_ppm),
            percent(window.bound_ppm, signed=False),
            _EXACT if _is_exact(window) else _yes(window.within_bound),
        )
    overall = percent(flow.overall_ppm)
    yield flow.rate_ml_day, "overall", overall, overall, "", ""


def _bolus_row(bolus: Bolus) -> tuple[str, ...]:
    return (
        bolus.name,
        decimals(bolus.volume_nl, _ML_PLACES),
        str(bolus.duration_s),
        str(bolus.repeats),
        percent(bolus.lowest_ppm),
        percent(bolus.mean_ppm),
        percent(bolus.highest_ppm),
        percent(bolus.bound_ppm, signed=False),
        _yes(bolus.within_bound),
    )


def _yes(within: bool) -> str:
    return "yes" if within else "NO"
