"""One emulator process: how soon it answers, and how much memory it holds."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from protocol.client import PumpClient
from protocol.link import open_link
from workbench.benchmarks.measure import Effort
from workbench.benchmarks.over_pty import connect
from workbench.benchmarks.report import Row, Skipped, Target, Unit
from workbench.card_file import read_card
from workbench.pump_process import PumpProcess

START_MOST: Final = Target(700.0)
MEMORY_MOST: Final = Target(80.0)
_MS_PER_S: Final = 1_000
_KIB: Final = 1_024
_BYTES_PER_MB: Final = 1_000_000


def start_pump() -> tuple[float, float | None]:
    """Start a pump; return the time to its first answer in ms, and its memory in a session (`resident_mb`).

    Raises:
        PumpProcessError: it did not start.
        ClientError, LinkError: it did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="cisterna-bench-") as folder:
        card_file = Path(folder) / "card.json"
        start = time.perf_counter()
        with (
            PumpProcess(f"pty:{folder}/pump", card_file) as process,
            PumpClient(open_link(process.address)) as client,
        ):
            client.discover()
            took_ms = (time.perf_counter() - start) * _MS_PER_S
            connect(client, read_card(card_file))
            client.get_status()
            return took_ms, resident_mb(process.pid)


def resident_mb(pid: int) -> float | None:
    """Return the resident memory of a process in MB, None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]
    return sizes[0] * _KIB / _BYTES_PER_MB if sizes else None


def _bare_start_ms() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - start) * _MS_PER_S


def emulator_rows(effort: Effort) -> Iterator[Row | Skipped]:
    """Measure start and memory of an emulator process."""
    turns = [(*start_pump(), _bare_start_ms()) for _ in range(effort.repeats)]
    yield Row(
        "emulator_start",
        "an emulator process, from its start to the first answered HELLO",
        Unit.MILLISECONDS,
        median(start for start, _, _ in turns),
        median(bare for _, _, bare in turns),
        "a Python that does nothing",
        median(start / bare for start, _, bare in turns),
        START_MOST,
    )
    memory = [memory for _, memory, _ in turns if memory is not None]
    name, title = "emulator_memory", "its resident memory in a session"
    if memory:
        yield Row(name, title, Unit.MEGABYTES, median(memory), target=MEMORY_MOST)
    else:
        yield Skipped(name, title, "not measured: this system does not tell it in /proc")
