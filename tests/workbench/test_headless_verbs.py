"""`cisterna pump` against a real pump in another process: what a script sees, and its exit codes."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from workbench.cli import main
from workbench.exit_codes import ExitCode
from workbench.pump_process import PumpProcess


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def say(arguments: list[str]) -> Said:
    """Call the console script's entry as the shell would."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["cisterna", *arguments]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())


class Clinic:
    """A pump process and a place for records; runs verbs as a script would."""

    def __init__(self, folder: Path, process: PumpProcess) -> None:
        self.folder = folder
        self.process = process
        self.card = folder / "card.json"

    def run(self, *verb: str, records: str = "records.sqlite", link: str = "", serial: str = "") -> Said:
        """Run one verb in this process, by the console script's own entry."""
        options = ["--records", str(self.folder / records), "--serial", serial]
        return say(["pump", *options, link or self.process.address, *verb])

    def json(self, *verb: str) -> Any:  # noqa: ANN401 - whatever the verb prints
        done = self.run(*verb, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


COUNTS = frozenset(
    [
        "model",
        "hw_rev",
        "fw_version",
        "features",
        "max_steps",
        "max_drugs",
        "log_capacity",
        "alarm_count",
        "log_last_seq",
        "program_version",
        "last_txn_id",
        "active_step",
        "bolus_id",
        "boot_count",
        "time_base",
        "version",
        "actor_slot",
        "instance",
        "seq",
        "log_epoch",
        "max_per_24h",
        "primary",
    ]
)
"""Numbers that are counts, ids or versions, so that no unit belongs to them."""
UNITS = (
    "_nl",
    "_nl_h",
    "_s",
    "_ms",
    "_mv",
    "_permille",
    "_days",
    "_cdeg",
    "_min",
    "_ng_ml",
    "_day",
    "_len",
    "_utc",
    "detail",
)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("clinic")
    with PumpProcess(f"pty:{folder / 'pump'}", folder / "card.json", ["--seed", "7"]) as process:
        made = Clinic(folder, process)
        done = made.run("enrol", "--card", str(made.card))
        assert done.returncode == 0, done.stderr
        yield made


def test_status_tells_what_the_pump_believes(clinic: Clinic) -> None:
    data = clinic.json("status")
    assert data["status"]["delivery_state"] == "running"
    assert data["device"]["serial"] == json.loads(clinic.card.read_text())["serial"]
    assert 0 < data["status"]["reservoir_nl"] <= data["device"]["reservoir_capacity_nl"]
    text = clinic.run("status").stdout
    assert "calculated, not measured" in text
    assert "INFUSING" in text


def test_every_number_in_json_says_its_unit(clinic: Clinic) -> None:
    """A key that holds a quantity ends in its unit; counts, ids and versions are the only bare numbers."""

    def walk(value: object, key: str = "") -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(item, name)
        elif isinstance(value, list):
            for item in value:
                walk(item, key)
        elif isinstance(value, int) and not isinstance(value, bool):
            assert key in COUNTS or key.endswith(UNITS), key

    for verb in ("status", "program", "alarms", "log"):
        walk(clinic.json(verb))


def test_a_rehearsal_changes_nothing(clinic: Clinic) -> None:
    before = clinic.json("program")["info"]
    done = clinic.run("set-dose", "5", "--unit", "mg")
    assert done.returncode == 0, done.stderr
    assert "nothing was programmed" in done.stdout
    assert clinic.json("program")["info"] == before


def test_a_dose_change_is_programmed_and_its_receipt_can_be_asked_for(clinic: Clinic) -> None:
    before = clinic.json("program")
    result = clinic.json("set-dose", "5", "--unit", "mg", "--commit", "--confirm", "5")
    assert result["verified"] is True
    after = clinic.json("program")
    assert after["info"]["version"] == before["info"]["version"] + 1
    assert abs(after["prescription"]["dose_ng_per_day"] - 5_000_000) <= 5_000
    assert after["prescription"]["mode"] == "daily"
    receipt = clinic.json("receipt", result["receipt"]["intent_id"])
    assert receipt == result["receipt"]
    assert any(record["type"] == "prog_commit" for record in clinic.json("log")["records"])


def test_a_pattern_is_programmed_step_by_step(clinic: Clinic) -> None:
    steps = ("--step", "00:00=0.2", "--step", "06:00=0.3", "--step", "09:00=0.2")
    result = clinic.json("set-dose", "--unit", "mg", *steps, "--commit", "--confirm", "5.1")
    assert result["verified"] is True
    held = clinic.json("program")["prescription"]
    assert [step["start_min"] for step in held["steps"]] == [0, 360, 540]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("5", "--unit", "mg", "--commit"), "--confirm is missing"),
        (("5", "--unit", "mg", "--commit", "--confirm", "5.1"), "not the new daily dose"),
        (("1,5", "--unit", "mg"), "is not accepted"),
        (("5.", "--unit", "mg"), "not finished"),
        (("5", "--unit", "mcg"), "dosed in mg"),
        (("5000", "--unit", "mg"), "limit"),
        (("--unit", "mg"), "DAILY_DOSE"),
        (("--unit", "mg", "--step", "6=0.3"), "time of day"),
        (("--unit", "mg", "--step", "0.3"), "HH:MM=DOSE"),
        (("--unit", "mg", "--step", "06:00=0.3"), "00:00"),
        (("5", "--simple", "--unit", "mg", "--step", "00:00=0.3"), "not both"),
    ],
)
def test_bad_input_is_told_in_words_and_programs_nothing(
    clinic: Clinic, arguments: tuple[str, ...], words: str
) -> None:
    before = clinic.json("program")["info"]
    done = clinic.run("set-dose", *arguments)
    assert done.returncode == ExitCode.USAGE, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert clinic.json("program")["info"] == before


def test_an_unbonded_programmer_is_told_to_enrol(clinic: Clinic) -> None:
    done = clinic.run("status", records="stranger.sqlite")
    assert done.returncode == ExitCode.AUTH
    assert "--card" in done.stderr


def test_a_missing_link_is_told(clinic: Clinic, tmp_path: Path) -> None:
    done = clinic.run("status", link=str(tmp_path / "nothing"))
    assert done.returncode == ExitCode.LINK
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_json_too_when_asked(clinic: Clinic, tmp_path: Path) -> None:
    done = clinic.run("status", "--json", link=str(tmp_path / "nothing"))
    assert json.loads(done.stdout)["error"]["exit_code"] == ExitCode.LINK


def test_a_card_that_others_can_read_is_refused(clinic: Clinic, tmp_path: Path) -> None:
    card = tmp_path / "card.json"
    card.write_bytes(clinic.card.read_bytes())
    card.chmod(0o644)
    done = clinic.run("enrol", "--card", str(card))
    assert done.returncode == ExitCode.USAGE
    assert "chmod 600" in done.stderr


def test_a_card_with_a_wrong_secret_is_told_and_the_secret_is_not_repeated(
    clinic: Clinic, tmp_path: Path
) -> None:
    fields = json.loads(clinic.card.read_text())
    fields["card_secret"] = "0" * 26
    card = tmp_path / "card.json"
    card.write_text(json.dumps(fields))
    card.chmod(0o600)
    done = clinic.run("enrol", "--card", str(card), records="other.sqlite")
    assert done.returncode == ExitCode.AUTH
    assert "card" in done.stderr
    assert "0" * 26 not in done.stderr + done.stdout


def test_the_log_of_a_session_holds_no_secret(clinic: Clinic) -> None:
    secret = json.loads(clinic.card.read_text())["card_secret"]
    assert secret not in "\n".join(clinic.process.said)


def test_wrong_serial_number_has_its_own_exit_code(clinic: Clinic) -> None:
    done = clinic.run("status", serial="VP20-000000")
    assert done.returncode == ExitCode.WRONG_PUMP
    assert "VP20-000000" in done.stderr


def test_the_command_works_as_a_process_too(clinic: Clinic) -> None:
    """Exit code and streams of the real thing: pipes, no terminal."""
    command = [sys.executable, "-m", "workbench", "pump", "--records", str(clinic.folder / "records.sqlite")]
    done = subprocess.run(
        [*command, clinic.process.address, "status", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"]["delivery_state"] == "running"
    assert done.stderr == ""
