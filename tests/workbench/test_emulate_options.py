"""`cisterna emulate`: the options of links and of the laboratory, and how they are announced."""

from pathlib import Path

import pytest
from support.headless import say

from workbench.exit_codes import ExitCode
from workbench.pump_process import PumpProcess


def test_lab_plaintext_is_announced_on_standard_error_and_when_ready(tmp_path: Path) -> None:
    options = ["--lab-plaintext", "reader"]
    with PumpProcess(f"pty:{tmp_path / 'pump'}", tmp_path / "card.json", options) as process:
        *before, ready = process.said
    assert any("WARNING" in line and "LAB PLAINTEXT" in line and "reader" in line for line in before)
    assert "LAB PLAINTEXT" in ready
    assert "--lab" in ready


def test_a_far_link_is_told_when_ready(tmp_path: Path) -> None:
    options = ["--far-link", "tcp:127.0.0.1:0", "--far-link-feature"]
    with PumpProcess(f"pty:{tmp_path / 'pump'}", tmp_path / "card.json", options) as process:
        assert "Far link: tcp:127.0.0.1:" in process.said[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--link", "serial:/dev/ttyUSB0", "--lab-plaintext", "clinician"), "lab plaintext lets anybody"),
        (("--link", "tcp:0.0.0.0:0", "--lab-plaintext", "clinician", "--allow-remote"), "--allow-remote"),
        (("--link", "tcp:127.0.0.1:0", "--lab-plaintext", "emergency"), "'emergency' is not one of"),
        (("--link", "tcp:127.0.0.1:0", "--far-link", "tcp:127.0.0.1:0"), "--far-link-feature"),
        (("--link", "tcp:127.0.0.1:0", "--link-class", "far"), "--far-link-feature"),
    ],
)
def test_what_cannot_be_is_refused_as_a_usage_error(options: tuple[str, ...], words: str) -> None:
    done = say(["emulate", *options])
    assert done.code == ExitCode.USAGE, done.err
    assert words in done.err
    assert "Traceback" not in done.err
