"""Every command of the how-to "why no answer" runs against a pump, and says what the page says."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocol.drops import DropReason

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/why-no-answer.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("cisterna ")
]
LASTING = ("cisterna emulate ", "cisterna tap ")


def words_of(command: str, folder: Path) -> list[str]:
    """Return a command of the page, with the paths of this test."""
    return [sys.executable, "-m", "workbench", *shlex.split(command.replace("/tmp/", f"{folder}/"))[1:]]


@contextmanager
def lasting(command: str, folder: Path, ready: str) -> Iterator[None]:
    """Run a command that does not end by itself, from when it is ready."""
    process = subprocess.Popen(
        words_of(command, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(ready):
                break
        assert said, command
        assert said[-1].startswith(ready), said
        yield
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
        assert process.returncode == 0, rest
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run(command: str, folder: Path) -> str:
    done = subprocess.run(words_of(command, folder), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def test_the_commands_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pump and the tap run as the page starts them; the others use them."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (emulate,) = (command for command in COMMANDS if command.startswith(LASTING[0]))
    (tap,) = (command for command in COMMANDS if command.startswith(LASTING[1]))
    said = {}
    with lasting(emulate, tmp_path, "Ready: "):
        run("cisterna pump pty:/tmp/pump enrol --card /tmp/card.json", tmp_path)
        with lasting(tap, tmp_path, "Tap ready: "):
            run("cisterna pump pty:/tmp/tap status", tmp_path)
        for command in COMMANDS:
            if not command.startswith(LASTING):
                said[command] = run(command, tmp_path)
    for name in ("pump", "programmer", "tap"):
        path = tmp_path / f"{name}.pcapng"
        assert path.stat().st_mode & 0o077 == 0
        assert "HELLO_RSP" in run(f"cisterna decode /tmp/{name}.pcapng", tmp_path)
    (listed,) = (text for command, text in said.items() if command.startswith("cisterna decode "))
    assert "round trip, median" in listed
    first, second, third = (text for command, text in said.items() if command.startswith("cisterna explain "))
    assert "Dropped as crc" in first
    assert "Dropped as replay" in second
    assert "VERSION_CONFLICT" in third


def test_every_reason_that_the_page_names_exists() -> None:
    named = {
        name
        for line in PAGE.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named
    assert named <= {reason.value for reason in DropReason}
