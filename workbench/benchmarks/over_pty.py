"""GET_STATUS over a pseudo-terminal to a pump in another process, beside a bare echo of as many octets."""

import os
import subprocess
import sys
import tempfile
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
_WAIT_MS: Final = 1_000

RoundTrip = Callable[[], object]
Turns = list[tuple[list[float], list[float]]]
"""For each turn the times of the subject and of the baseline, in us."""


class EchoError(Exception):
    """An echo did not start or did not answer."""


@contextmanager
def bare_echo() -> Iterator[RoundTrip]:
    """Run a bare echo in another process; give a round trip with nothing but reads and writes.

    Raises:
        EchoError: it did not start.
    """
    with _echo_process("bare") as name:
        terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(terminal)
            write, read = _writer(terminal), _reader(terminal)
            yield lambda: _round_trip(write, read)
        finally:
            os.close(terminal)


@contextmanager
def link_echo() -> Iterator[RoundTrip]:
    """Run an echo on the emulator's link; give a round trip through the programmer's link.

    Raises:
        EchoError: it did not start.
        LinkError: the link could not be opened.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cisterna-bench-") as folder,
        _echo_process("link", f"{folder}/echo") as name,
    ):
        link = open_link(name)
        try:
            yield lambda: _round_trip(link.write, lambda: link.read(_WAIT_MS))
        finally:
            link.close()


@contextmanager
def _echo_process(kind: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "workbench.benchmarks.echo", kind, str(ASKED), str(ANSWERED), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            name = process.stdout.readline().strip() if process.stdout else ""
            if not name:
                raise EchoError("the echo process ended before it was ready")
            yield name
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(_STOP_S)


def _writer(terminal: int) -> Callable[[bytes], object]:
    return lambda octets: os.write(terminal, octets)


def _reader(terminal: int) -> Callable[[], bytes]:
    return lambda: os.read(terminal, _READ)


def _round_trip(write: Callable[[bytes], object], read: Callable[[], bytes]) -> None:
    write(bytes(ASKED))
    missing = ANSWERED
    while missing > 0:
        octets = read()
        if not octets:
            raise EchoError(f"the echo owes {missing} octets and is silent")
        missing -= len(octets)


@contextmanager
def pump_session() -> Iterator[PumpClient]:
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
    """Measure round trips, in turns with the bare echo: median and 99th percentile of each turn."""
    with ExitStack() as stack:
        bare, link = stack.enter_context(bare_echo()), stack.enter_context(link_echo())
        client = stack.enter_context(pump_session())
        asked = _in_turns(client.get_status, bare, effort)
        echoed = _in_turns(link, bare, effort)
    yield _row("get_status_pty_median", "GET_STATUS over a pty, median round trip", asked, 50, MOST)
    yield _row("get_status_pty_p99", "GET_STATUS over a pty, 99th percentile", asked, 99, None)
    yield _row("link_pty_median", "an echo through the links of pump and programmer", echoed, 50, None)


def _in_turns(subject: RoundTrip, baseline: RoundTrip, effort: Effort) -> Turns:
    calls = effort.calls(_CALLS)
    for warming in (subject, baseline):
        wall_us_of_each(warming, calls // 4)
    return [
        (wall_us_of_each(subject, calls), wall_us_of_each(baseline, calls)) for _ in range(effort.repeats)
    ]


def _row(name: str, title: str, turns: Turns, percent: int, target: Target | None) -> Row:
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
