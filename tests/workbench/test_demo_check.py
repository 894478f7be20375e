"""The main job from end to end, as `cisterna demo --check` runs it, over every kind of link."""

import subprocess
import sys
from pathlib import Path

import pytest

STEPS = (
    "enrol with the implant card",
    "open a session",
    "interrogate",
    "change the dose; the pump verifies it",
    "commit and read back",
    "close",
    "ask again in a new session",
)


def run_demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "workbench", "demo", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def test_the_demo_check_does_the_whole_dose_change(
    link_kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is told with its time, and nothing is left behind."""
    if link_kind not in ("memory", "pty", "tcp"):
        pytest.skip("the demo brings its own pump; a real port is for the suites that take one")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = run_demo("--check", "--link", link_kind)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT FOR CLINICAL USE" in done.stdout
    told = [line for line in done.stdout.splitlines() if " ms  " in line]
    assert [step for step in STEPS if any(step in line for line in told)] == list(STEPS)
    assert "verified by the pump's own arithmetic" in done.stdout
    assert "values agree" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_demo_over_memory_needs_the_check() -> None:
    done = run_demo("--link", "memory")
    assert done.returncode == 2
    assert "--check" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_speed_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    done = run_demo("--check", "--speed", "fast")
    assert done.returncode != 0
    assert "fast" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
