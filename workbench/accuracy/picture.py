"""The accuracy report as a picture: a trumpet curve for each rate, and the boluses.

Drawn by matplotlib, which comes with the extra ``plots`` and is imported only here. Floats are for drawing:
no number of the report comes from them. The same report gives the same SVG, octet for octet.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.accuracy.plan import decimals
from workbench.accuracy.report import Bolus, Flow, Report
from workbench.accuracy.text import gain, percent

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS: Final = ("svg", "png")
_COLUMNS: Final = 2
_PANEL_INCHES: Final = (5.4, 3.6)
_HEAD_INCHES: Final = 1
_DPI: Final = 120
_PPM_PER_PERCENT: Final = 10_000
_NL_PER_UL: Final = 1_000
_CURVE_POINTS: Final = 121
_BAR: Final = 1.4
_MEASURED: Final = "#1b4f8a"
_BOUND: Final = "#f0b95c"
_BOUND_EDGE: Final = "#b3730a"
_LABEL: Final = "#a03030"


class PictureError(Exception):
    """A picture that cannot be drawn; the text says why, and what would help."""


def check_drawable(path: Path) -> None:
    """Find out before anything is measured whether a picture could be drawn to ``path``.

    Raises:
        PictureError: matplotlib is not installed, or the name of the file tells no format it can have.
    """
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise PictureError(f"'{path}' is no name for a picture; let it end in .svg or .png")
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415 - an optional extra
    except ImportError:
        raise PictureError(
            "a picture needs matplotlib, which is not installed; get it with: pip install 'cisterna[plots]'"
        ) from None


def draw(report: Report, path: Path) -> None:
    """Draw a report into a file, SVG or PNG by its name.

    Raises:
        PictureError: as `check_drawable`.
        OSError: the file cannot be written.
    """
    check_drawable(path)
    path.write_bytes(render(report, path.suffix.removeprefix(".").lower()))


def render(report: Report, form: str) -> bytes:
    """Return a report as a picture, ``svg`` or ``png``; matplotlib must be installed."""
    from matplotlib import rc_context  # noqa: PLC0415 - an optional extra

    octets = BytesIO()
    # Without a date in it: the same report is the same file.
    metadata = {"Date": None, "Creator": "cisterna"} if form == "svg" else {"Software": "cisterna"}
    with rc_context({"svg.hashsalt": "cisterna", "svg.fonttype": "none", "font.size": 9}):
        _figure(report).savefig(octets, format=form, dpi=_DPI, metadata=metadata)
    return octets.getvalue()


def _figure(report: Report) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415 - an optional extra

    panels = len(report.flows) + 1
    rows = -(-panels // _COLUMNS)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(_COLUMNS * width, rows * height + _HEAD_INCHES), layout="constrained")
    axes: list[Axes] = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for ax, flow in zip(axes, report.flows, strict=False):
        _draw_flow(ax, flow, report)
    _draw_boluses(axes[panels - 1], report)
    for ax in axes[panels:]:
        ax.set_visible(False)
    figure.legend(*_legend(axes[:panels]), loc="outside upper right", ncols=2, frameon=False, fontsize=8)
    figure.suptitle("\n".join(_title(report)), x=0.01, horizontalalignment="left", fontsize=11)
    figure.supxlabel("\n".join(_notes(report)), fontsize=8, color="0.35")
    return figure


def _title(report: Report) -> Iterator[str]:
    yield f"Accuracy of {report.profile}: {report.title}"
    yield f"seed {report.seed}, motor gain {gain(report)}, stroke {decimals(report.stroke_nl, 3)} µL"


def _notes(report: Report) -> Iterator[str]:
    yield (
        f"Worst windows out of {report.analysis_h} h, sampled every {report.sample_s} s. "
        "The x axis is the length of the window, not time: nothing gets better by waiting."
    )
    yield "SIMULATION - NOT FOR CLINICAL USE"


def _legend(axes: "Sequence[Axes]") -> tuple[list["Artist"], list[str]]:
    """Return what is shown anywhere, once."""
    shown: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    return list(shown.values()), list(shown)


# --- flow -------------------------------------------------------------------------------------------------


def _draw_flow(ax: "Axes", flow: Flow, report: Report) -> None:
    hours = [window.window_h for window in flow.windows]
    lengths = _log_range(hours[0], hours[-1])
    bound = [_percent(flow.windows[0].bound_ppm) * hours[0] / length for length in lengths]
    under = [-each for each in bound]
    ax.fill_between(lengths, under, bound, color=_BOUND, alpha=0.35, linewidth=0, label="quantum bound")
    for edge in (under, bound):
        ax.plot(lengths, edge, color=_BOUND_EDGE, linewidth=0.8)
    lowest = [_percent(window.lowest_ppm) for window in flow.windows]
    highest = [_percent(window.highest_ppm) for window in flow.windows]
    # Dotted: only the marks are measured, and a straight line between two of them may leave a curved bound.
    ax.plot(hours, highest, color=_MEASURED, marker="v", markersize=5, linestyle=":", label="worst windows")
    ax.plot(hours, lowest, color=_MEASURED, marker="^", markersize=5, linestyle=":")
    ax.set_xscale("log")
    ax.set_xticks(hours, [str(hour) for hour in hours])
    ax.minorticks_off()
    ax.set_xlabel("length of the window, h")
    ax.set_ylabel("error, % of programmed")
    _title_of(ax, f"{flow.rate_ml_day} mL/day ({flow.name}), overall {percent(flow.overall_ppm)} %")
    if all(window.whole_strokes for window in flow.windows):
        ax.annotate(
            "whole strokes in every window: each is alike",
            (0.98, 0.04),
            xycoords="axes fraction",
            ha="right",
            color="0.35",
            fontsize=8,
        )
    _finish(ax, report, [*lowest, *highest, *bound])


# --- boluses ----------------------------------------------------------------------------------------------


def _draw_boluses(ax: "Axes", report: Report) -> None:
    from matplotlib.colors import to_rgba  # noqa: PLC0415 - an optional extra

    boluses = report.boluses
    volumes = [bolus.volume_nl / _NL_PER_UL for bolus in boluses]
    bound = [_percent(bolus.bound_ppm) for bolus in boluses]
    ax.bar(
        [volume / _BAR for volume in volumes],
        [2 * each for each in bound],
        bottom=[-each for each in bound],
        width=[volume * _BAR - volume / _BAR for volume in volumes],
        align="edge",
        facecolor=to_rgba(_BOUND, 0.35),
        edgecolor=_BOUND_EDGE,
        linewidth=0.8,
    )
    means = [_percent(bolus.mean_ppm) for bolus in boluses]
    below = [mean - _percent(bolus.lowest_ppm) for mean, bolus in zip(means, boluses, strict=True)]
    above = [_percent(bolus.highest_ppm) - mean for mean, bolus in zip(means, boluses, strict=True)]
    ax.errorbar(
        volumes,
        means,
        yerr=[below, above],
        fmt="o",
        markersize=5,
        capsize=4,
        color=_MEASURED,
        label="mean and extremes of a bolus",
    )
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=1)
    ax.set_yticks([-100, -10, -1, 0, 1, 10, 100], ["−100", "−10", "−1", "0", "1", "10", "100"])
    ax.set_xticks(volumes, [_bolus_tick(bolus) for bolus in boluses])
    ax.minorticks_off()
    ax.set_xlabel("volume of the bolus, µL")
    ax.set_ylabel("error, % of programmed")
    _title_of(ax, f"boluses, {boluses[0].repeats} of each size, basal rate counted in")
    _finish(ax, report, [])


def _bolus_tick(bolus: Bolus) -> str:
    return decimals(bolus.volume_nl, 3)


# --- what panels share ------------------------------------------------------------------------------------


def _title_of(ax: "Axes", text: str) -> None:
    ax.set_title(text, loc="left", fontsize=10)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _finish(ax: "Axes", report: Report, shown: Sequence[float]) -> None:
    """Draw zero and the grid, and the limits of the label where they lie in the picture anyway."""
    label = _percent(report.label_ppm)
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    if not shown or max(map(abs, shown)) * 2 > label:
        for limit, text in ((label, f"label: ±{decimals(report.label_ppm, 4)} %"), (-label, None)):
            ax.axhline(limit, color=_LABEL, linewidth=0.9, linestyle="--", label=text)
    ax.grid(visible=True, axis="y", color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def _log_range(first: float, last: float) -> list[float]:
    step = (last / first) ** (1 / (_CURVE_POINTS - 1))
    return [first * step**at for at in range(_CURVE_POINTS)]


def _percent(value_ppm: int) -> float:
    return value_ppm / _PPM_PER_PERCENT
