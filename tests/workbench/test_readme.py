"""What the README shows works: its script and its commands run against a pump, with the paths of a test."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.pump_process import PumpProcess

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPT = re.search(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for line in README.splitlines()
    if line.startswith("    cisterna pump ") and line.strip()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("readme")
    with PumpProcess(f"pty:{made / 'pump'}", made / "card.json"):
        yield made


def here(text: str, folder: Path) -> str:
    return text.replace("/tmp/pump", str(folder / "pump")).replace(
        "/tmp/card.json", str(folder / "card.json")
    )


def test_the_two_commands_stand_first() -> None:
    """After the title, before anything else."""
    lines = [line for line in README.splitlines() if line.strip()]
    assert lines[0] == "# cisterna"
    assert lines[1].startswith("    make demo")
    assert lines[2].startswith("    make test")


def test_the_script_talks_to_the_pump(folder: Path) -> None:
    assert SCRIPT is not None
    assert len([line for line in SCRIPT[1].splitlines() if line.strip()]) <= 12
    done = subprocess.run(
        [sys.executable, "-c", here(SCRIPT[1], folder)],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ nL/h\n", done.stdout)


def test_the_commands_work_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        words = shlex.split(here(command, folder))[1:]
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_disclaimer_is_there() -> None:
    assert "SIMULATION - NOT FOR CLINICAL USE" in README
