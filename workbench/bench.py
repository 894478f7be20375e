"""Runs the benchmarks and says what they found: as text, as JSON, or as the page docs/performance.md.

Rows are ratios to a baseline in the same run wherever one exists. Nothing here passes or fails: a machine is
slow or fast, and what the product is held to stands beside what was measured.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from protocol.client_errors import ClientError
from protocol.link_error import LinkError
from workbench.benchmarks.codec import codec_rows
from workbench.benchmarks.deframer import deframer_rows
from workbench.benchmarks.emulator_process import emulator_rows
from workbench.benchmarks.in_process import in_process_rows
from workbench.benchmarks.machine import this_machine
from workbench.benchmarks.measure import FULL, QUICK, Effort
from workbench.benchmarks.over_pty import EchoError, over_pty_rows
from workbench.benchmarks.report import HEAD, Report, Row, Skipped, cells, number
from workbench.benchmarks.simulation import simulation_rows
from workbench.generators.markdown import table
from workbench.pump_process import PumpProcessError

Benchmark = Callable[[Effort], Iterator[Row | Skipped]]

BENCHMARKS: Final[Mapping[str, tuple[str, Benchmark]]] = {
    "get_status": ("GET_STATUS in one process", in_process_rows),
    "get_status_pty": ("GET_STATUS over a pty", over_pty_rows),
    "codec": ("codec of a body", codec_rows),
    "deframer": ("deframer on noise", deframer_rows),
    "emulator": ("emulator process", emulator_rows),
    "simulation": ("simulation of therapy", simulation_rows),
}
"""Every benchmark: its key, what it measures, and the function that yields its rows."""

_UNABLE: Final = (PumpProcessError, EchoError, ClientError, LinkError, OSError)
"""What a machine without pseudo-terminals, or one that lets no process start, answers with."""


def run_bench(
    *, quick: bool = False, only: Iterable[str] = BENCHMARKS, say: Callable[[str], None] | None = None
) -> Report:
    """Measure and return the report.

    Args:
        quick: shorter runs, below 10 s in all.
        only: keys of `BENCHMARKS`.
        say: is told what is being measured.

    Raises:
        KeyError: a key that is none.
    """
    effort = QUICK if quick else FULL
    start = time.perf_counter()
    rows: list[Row | Skipped] = []
    for key in only:
        title, benchmark = BENCHMARKS[key]
        if say is not None:
            say(f"measuring: {title}")
        rows += _rows_of(key, title, benchmark, effort)
    return Report(this_machine(), quick, time.perf_counter() - start, tuple(rows))


def _rows_of(key: str, title: str, benchmark: Benchmark, effort: Effort) -> list[Row | Skipped]:
    try:
        return list(benchmark(effort))
    except _UNABLE as error:
        return [Skipped(key, title, f"not measured: {error}")]


def bench_command(*, as_json: bool = False, quick: bool = False, write: Path | None = None) -> None:
    """Run `cisterna bench`: print the report on standard output, and write the page where one is asked for.

    Args:
        as_json: print JSON instead of a table.
        quick: shorter runs.
        write: file to write the page to, such as docs/performance.md.

    Raises:
        OSError: the page cannot be written.
    """
    if write is not None:
        write.open("a").close()  # a place that cannot be written to is told now, not after the run
    report = run_bench(quick=quick, say=lambda text: _tell(f"{text} ..."))
    text = json.dumps(report.to_json(), indent=2) if as_json else as_text(report)
    sys.stdout.write(text + "\n")
    if write is not None:
        write.write_text(as_page(report), encoding="utf-8", newline="\n")
        _tell(f"wrote {write}")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def as_text(report: Report) -> str:
    """Return the report for a terminal: two lines for each row."""
    return "\n".join((*_about(report), *(line for row in report.rows for line in ("", *_row_lines(row)))))


def _row_lines(row: Row | Skipped) -> tuple[str, str]:
    if isinstance(row, Skipped):
        return row.title, f"  {row.reason}"
    parts = [f"{number(row.value)} {row.unit.text}"]
    if row.baseline is not None and row.ratio is not None:
        parts.append(f"{row.ratio:.2f} x {row.baseline_title} ({number(row.baseline)} {row.unit.text})")
    if row.target is not None:
        parts.append(f"to reach {row.target_text()}: {'yes' if row.met else 'NO'}")
    return row.title, f"  {'; '.join(parts)}"


def as_page(report: Report) -> str:
    """Return docs/performance.md."""
    machine = "\n".join(f"* {line}" for line in _about(report))
    return f"""{_MARK}

# Performance

{_INTRODUCTION}

{machine}

{table(HEAD, map(cells, report.rows))}

{_NOTES}
"""


def _about(report: Report) -> tuple[str, ...]:
    machine = report.machine
    thorough = "quick run" if report.quick else "full run"
    return (
        f"machine: {machine.processor}, {machine.cores} cores, {machine.system}",
        f"Python: {machine.python}",
        f"commit: {machine.commit}",
        f"date: {machine.date_utc} (UTC), {thorough} of {report.duration_s:.0f} s",
    )


_MARK: Final = "<!-- Written by `cisterna bench --write docs/performance.md`; edits here are lost. -->"
_INTRODUCTION: Final = """\
What the product was measured at, and what it is held to. This page is written by

    cisterna bench --write docs/performance.md

and holds for the machine and the commit below. On another machine, run `cisterna bench` (less than a
minute; `--quick` takes a few seconds and is less exact, `--json` prints the same for programs)."""
_NOTES: Final = """\
How it is measured:

* Each value is the median of several runs; subject and baseline take turns, and the ratio is the median of
  the ratios of the turns. "Times the baseline" is a ratio of times: 2.00 takes twice as long as the baseline.
* What runs in one process is timed in CPU time of that process, on one core. What crosses a pty is timed on
  the wall clock, round trip by round trip, with the pump in a second process; a busy machine shows there,
  most of all in the 99th percentile.
* The baseline of GET_STATUS in one process is what its C libraries alone need for as many octets: two
  records sealed and opened, COBS both ways, four CRC-32C. The rest is Python: checks, counters, exactly-once
  and the pump itself.
* The bare echo answers as many octets as the pump does, to as many as it is asked with, and does nothing
  else; at the programmer's end are blocking reads and writes on the raw terminal. The echo through the links
  uses the link code of both ends and nothing above it.
* A process that waits for its peer finds cold caches and a sleeping core when it goes on: the row with a
  rest shows what that costs here. Over a pty both ends pay it on top of their work, and the echo, which has
  no work to do, next to nothing.
* The hand-written `struct` makes the same frozen dataclass from the same 68 octets and checks nothing; ours
  checks every range, word and flag. Interpreted `construct` is what the codec is derived from and tested
  against.
* Noise is random octets. If a frame is accepted, or more than one frame is held, the run fails.
* A quiet therapy is a daily table of 24 steps with all alarms on; the reservoir is refilled at each
  low-reservoir alarm. The cost grows with what happens, not with how long it takes, so one year that is
  looked at each hour costs as much as many that are left alone."""
