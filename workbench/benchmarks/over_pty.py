"""GET_STATUS over a pseudo-terminal to a pump in another process, beside a bare echo of as many octets."""

import os
import subprocess
import sys
import tempfile
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from programmer_tui.connection import CardDetails
from protocol.client import PumpClient
from protocol.link import open_link, system_entropy
from protocol.noise import KEY_SIZE
from protocol.vocabulary import Role
from workbench.benchmarks.measure import Effort, percentile, wall_us_of_each
from workbench.benchmarks.report import Row, Target, Unit
from workbench.card_file import read_card
from workbench.pump_process import PumpProcess

MOST: Final = Target(2.0, of_ratio=True)
ASKED: Final = 42
ANSWERED: Final = 110
"""Octets of GET_STATUS and its answer on the wire; a test holds them against the endpoints."""

_CALLS: Final = 800
_STOP_S: Final = 5
_READ: Final = 4096


class EchoError(Exception):
    """The echo did not start or did not answer."""


@contextmanager
def echo() -> Iterator[Callable[[], None]]:
    """Run a bare echo in another process; give a function that makes one round trip.

    Raises:
        EchoError: it did not start.
    """
    command = [sys.executable, "-m", "workbench.benchmarks.echo", str(ASKED), str(ANSWERED)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        name = process.stdout.readline().strip() if process.stdout else ""
        if not name:
            raise EchoError("the echo process ended before it was ready")
        terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(terminal)
            yield lambda: _round_trip(terminal, bytes(ASKED))
        finally:
            os.close(terminal)
            process.terminate()
            process.wait(_STOP_S)


def _round_trip(terminal: int, question: bytes) -> None:
    os.write(terminal, question)
    missing = ANSWERED
    while missing > 0:
        missing -= len(os.read(terminal, _READ))
    if missing:
        raise EchoError(f"the echo answered {-missing} octets too many")


@contextmanager
def pump() -> Iterator[PumpClient]:
    """Run a pump in another process; give a client in a confirmed session with it.

    Raises:
        PumpProcessError: it did not start.
        ClientError, LinkError: no session came about.
    """
    with tempfile.TemporaryDirectory(prefix="cisterna-bench-") as folder:
        card_file = Path(folder) / "card.json"
        with (
            PumpProcess(f"pty:{folder}/pump", card_file, ("--seed", "1")) as process,
            PumpClient(open_link(process.address)) as client,
        ):
            connect(client, read_card(card_file))
            yield client


def connect(client: PumpClient, card: CardDetails) -> None:
    """Enrol with the implant card and open a session."""
    key = client.enrol(card.secret, card.static_public, system_entropy(KEY_SIZE), Role.CLINICIAN, "benchmark")
    client.connect(key)


def over_pty_rows(effort: Effort) -> Iterator[Row]:
    """Measure round trips, in turns with the echo: median and 99th percentile of each turn."""
    calls = effort.calls(_CALLS)
    with echo() as bounce, pump() as client:
        wall_us_of_each(bounce, calls // 4)
        wall_us_of_each(client.get_status, calls // 4)
        turns = [
            (wall_us_of_each(client.get_status, calls), wall_us_of_each(bounce, calls))
            for _ in range(effort.repeats)
        ]
    yield _row("get_status_pty_median", "GET_STATUS over a pty, median round trip", turns, 50, MOST)
    yield _row("get_status_pty_p99", "GET_STATUS over a pty, 99th percentile", turns, 99, None)


def _row(
    name: str, title: str, turns: list[tuple[list[float], list[float]]], percent: int, target: Target | None
) -> Row:
    pairs = [(percentile(ours, percent), percentile(theirs, percent)) for ours, theirs in turns]
    return Row(
        name,
        title,
        Unit.MICROSECONDS,
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
        "bare echo of as many octets",
        median(ours / theirs for ours, theirs in pairs),
        target,
    )
