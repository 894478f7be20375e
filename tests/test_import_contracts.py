"""The import contracts of pyproject.toml can fail: each is shown a violation in a bare copy of the rooms."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


class Plant(NamedTuple):
    """One line planted into one module, and the contract that must notice."""

    module: str
    line: str
    contract: str


VIOLATIONS = [
    Plant("protocol/planted.py", "import time", "pure-rooms"),
    Plant("protocol/planted.py", "from time import monotonic", "pure-rooms"),
    Plant("protocol/planted.py", "def late():\n    import random", "pure-rooms"),
    Plant("protocol/planted.py", "import serial.tools.list_ports", "pure-rooms"),
    Plant("firmware_model/controller/planted.py", "import threading", "pure-rooms"),
    Plant("firmware_model/planted.py", "from datetime import datetime", "pure-rooms"),
    Plant("protocol/planted.py", "import firmware_model", "device-side"),
    Plant("firmware_model/planted.py", "import emulator", "device-side"),
    Plant("emulator/planted.py", "import workbench", "device-side"),
    Plant("protocol/planted.py", "import programmer_tui.clinic", "clinician-side"),
    Plant("programmer_tui/planted.py", "import workbench", "clinician-side"),
    Plant("programmer_tui/planted.py", "import firmware_model.plant", "programmer-and-device"),
    Plant("firmware_model/planted.py", "import programmer_tui", "programmer-and-device"),
    Plant("programmer_tui/planted.py", "import emulator", "programmer-and-emulator"),
    Plant("emulator/planted.py", "import programmer_tui", "programmer-and-emulator"),
    Plant("firmware_model/controller/planted.py", "import firmware_model.plant", "belief-and-truth"),
    Plant("emulator/planted.py", "import textual", "no-screens-or-tables-below"),
    Plant("programmer_tui/planted.py", "from textual.app import App", "textual-in-its-place"),
    Plant("programmer_tui/clinic/planted.py", "import programmer_tui.screens", "headless-core"),
    Plant("programmer_tui/session.py", "import programmer_tui.widgets", "headless-core"),
    Plant("programmer_tui/plain.py", "import programmer_tui.app", "headless-core"),
]

ALLOWED = [
    Plant("protocol/link.py", "import time, socket, threading, serial", "pure-rooms"),
    Plant("programmer_tui/screens/planted.py", "import textual", "textual-in-its-place"),
    Plant("programmer_tui/app.py", "import textual", "textual-in-its-place"),
]


@pytest.fixture
def bare_rooms(tmp_path: Path) -> Path:
    """Make the rooms with every module empty, so that what is found is what was planted."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in CONTRACTS["root_packages"]:
        for module in (ROOT / room).rglob("*.py"):
            twin = tmp_path / module.relative_to(ROOT)
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.touch()
    return tmp_path


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Check one contract of the copy in `folder`."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo", "--contract", contract]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_every_contract_is_shown_a_violation() -> None:
    assert {violation.contract for violation in VIOLATIONS} == {
        contract["id"] for contract in CONTRACTS["contracts"]
    }


@pytest.mark.parametrize("plant", VIOLATIONS, ids=lambda plant: f"{plant.contract}:{plant.line.split()[-1]}")
def test_a_planted_violation_breaks_its_contract(bare_rooms: Path, plant: Plant) -> None:
    (bare_rooms / "programmer_tui/app.py").touch()
    assert lint(bare_rooms, plant.contract).returncode == 0
    (bare_rooms / plant.module).write_text(f"{plant.line}\n")
    result = lint(bare_rooms, plant.contract)
    assert result.returncode == 1
    assert "1 broken" in result.stdout
    assert plant.module.removesuffix(".py").replace("/", ".") in result.stdout


@pytest.mark.parametrize("plant", ALLOWED, ids=lambda plant: plant.module)
def test_the_named_exceptions_are_allowed(bare_rooms: Path, plant: Plant) -> None:
    (bare_rooms / plant.module).write_text(f"{plant.line}\n")
    result = lint(bare_rooms, plant.contract)
    assert result.returncode == 0, result.stdout


def test_the_rooms_as_they_are_keep_every_contract() -> None:
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout
