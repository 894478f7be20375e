"""What a benchmark run says: rows, the machine they were measured on, and how they are written down."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from workbench.benchmarks.machine import Machine


class Unit(Enum):
    """Units of a row; the value is how the unit stands in JSON keys."""

    PER_SECOND = "per_s"
    MICROSECONDS = "us"
    MILLISECONDS = "ms"
    MEGABYTES = "mb"
    MEGABYTES_PER_SECOND = "mb_per_s"
    PUMP_YEARS_PER_SECOND = "pump_years_per_s"

    @property
    def text(self) -> str:
        """The unit as people write it."""
        return _TEXTS[self]


_TEXTS: Final = {
    Unit.PER_SECOND: "/s",
    Unit.MICROSECONDS: "us",
    Unit.MILLISECONDS: "ms",
    Unit.MEGABYTES: "MB",
    Unit.MEGABYTES_PER_SECOND: "MB/s",
    Unit.PUMP_YEARS_PER_SECOND: "pump-years/s",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a row is held to: a bound on its value (least or most), or on its ratio (most)."""

    bound: float
    of_ratio: bool = False
    least: bool = False

    def met(self, value: float, ratio: float | None) -> bool:
        """Tell whether a measurement reaches it."""
        measured = ratio if self.of_ratio else value
        if measured is None:
            return False
        return measured >= self.bound if self.least else measured <= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        name: its key in JSON.
        title: what was measured.
        unit: unit of value and baseline.
        value: the measured value.
        baseline: the baseline's value in the same run, None where there is none.
        baseline_title: what the baseline is.
        ratio: how many times the baseline's time it takes.
        target: what the product is held to.
    """

    name: str
    title: str
    unit: Unit
    value: float
    baseline: float | None = None
    baseline_title: str = ""
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.target.met(self.value, self.ratio)

    def target_text(self) -> str:
        """Return the target in words, empty where there is none."""
        if self.target is None:
            return ""
        sign = ">=" if self.target.least else "<="
        bound = f"{sign} {number(self.target.bound)}"
        return f"{bound} x baseline" if self.target.of_ratio else f"{bound} {self.unit.text}"

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data; every measured key carries its unit."""
        data: dict[str, Any] = {"name": self.name, "title": self.title}
        data[f"value_{self.unit.value}"] = rounded(self.value)
        if self.baseline is not None and self.ratio is not None:
            data["baseline_title"] = self.baseline_title
            data[f"baseline_{self.unit.value}"] = rounded(self.baseline)
            data["ratio_of_times"] = rounded(self.ratio)
        if self.target is not None:
            kind = "min" if self.target.least else "max"
            of = "ratio_of_times" if self.target.of_ratio else f"value_{self.unit.value}"
            data[f"target_{kind}_{of}"] = self.target.bound
            data["met"] = self.met
        return data


@dataclass(frozen=True, slots=True)
class Skipped:
    """A measurement that this machine cannot make, and why."""

    name: str
    title: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"name": self.name, "title": self.title, "skipped": self.reason}


@dataclass(frozen=True, slots=True)
class Report:
    """One run: when, on what, how thorough, and its rows."""

    machine: Machine
    quick: bool
    duration_s: float
    rows: tuple[Row | Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "format": 1,
            "quick": self.quick,
            "duration_s": rounded(self.duration_s),
            "machine": self.machine.to_json(),
            "rows": [row.to_json() for row in self.rows],
        }


HEAD: Final = ("measured", "value", "baseline", "times the baseline", "to reach", "reached")


def cells(row: Row | Skipped) -> tuple[str, ...]:
    """Return a row as the texts of a table with the columns of `HEAD`."""
    if isinstance(row, Skipped):
        return row.title, "-", row.reason, "", "", ""
    baseline = ""
    if row.baseline is not None:
        baseline = f"{number(row.baseline)} {row.unit.text} ({row.baseline_title})"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    reached = {None: "", True: "yes", False: "NO"}[row.met]
    return row.title, f"{number(row.value)} {row.unit.text}", baseline, ratio, row.target_text(), reached


def rounded(value: float) -> float:
    """Return four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def number(value: float) -> str:
    """Return a measured number for people: three digits, thousands apart."""
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 100 else f"{value:.3g}"
