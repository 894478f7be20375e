"""`cisterna pump`: what a script sees, and its exit codes; in memory, and once in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.headless import HeadlessClinic, say

from workbench.exit_codes import ExitCode
from workbench.pump_process import PumpProcess

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
def clinic(tmp_path_factory: pytest.TempPathFactory) -> HeadlessClinic:
    clinic = HeadlessClinic(tmp_path_factory.mktemp("clinic"), seed=7)
    clinic.enrol()
    return clinic


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PumpProcess]:
    """A pump in a process of its own, with `card.json` and a bonded `records.sqlite` beside its link."""
    folder = tmp_path_factory.mktemp("process")
    with PumpProcess(f"pty:{folder / 'pump'}", folder / "card.json", ["--seed", "7"]) as process:
        records = str(folder / "records.sqlite")
        done = say(
            ["pump", "--records", records, process.address, "enrol", "--card", str(folder / "card.json")]
        )
        assert done.code == 0, done.err
        yield process


def test_status_tells_what_the_pump_believes(clinic: HeadlessClinic) -> None:
    data = clinic.json("status")
    assert data["status"]["delivery_state"] == "running"
    assert data["device"]["serial"] == clinic.pump.identity.serial
    assert 0 < data["status"]["reservoir_nl"] <= data["device"]["reservoir_capacity_nl"]
    text = clinic.run("status").out
    assert "calculated, not measured" in text
    assert "INFUSING" in text


def test_every_number_in_json_says_its_unit(clinic: HeadlessClinic) -> None:
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


def test_a_rehearsal_changes_nothing(clinic: HeadlessClinic) -> None:
    before = clinic.json("program")["info"]
    done = clinic.run("set-dose", "5", "--unit", "mg")
    assert done.code == 0, done.err
    assert "nothing was programmed" in done.out
    assert clinic.json("program")["info"] == before


def test_a_dose_change_is_programmed_and_its_receipt_can_be_asked_for(clinic: HeadlessClinic) -> None:
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


def test_a_pattern_is_programmed_step_by_step(clinic: HeadlessClinic) -> None:
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
    clinic: HeadlessClinic, arguments: tuple[str, ...], words: str
) -> None:
    before = clinic.json("program")["info"]
    done = clinic.run("set-dose", *arguments)
    assert done.code == ExitCode.USAGE, done.out + done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert clinic.json("program")["info"] == before


def test_an_unbonded_programmer_is_told_to_enrol(clinic: HeadlessClinic) -> None:
    done = clinic.run("status", records="stranger.sqlite")
    assert done.code == ExitCode.AUTH
    assert "--card" in done.err


def test_a_missing_link_is_told(clinic: HeadlessClinic, tmp_path: Path) -> None:
    done = clinic.run("status", link=str(tmp_path / "nothing"))
    assert done.code == ExitCode.LINK
    assert "nothing" in done.err
    assert "Traceback" not in done.err


def test_an_error_is_json_too_when_asked(clinic: HeadlessClinic, tmp_path: Path) -> None:
    done = clinic.run("status", "--json", link=str(tmp_path / "nothing"))
    assert json.loads(done.out)["error"]["exit_code"] == ExitCode.LINK


def test_a_card_that_others_can_read_is_refused(clinic: HeadlessClinic, tmp_path: Path) -> None:
    card = tmp_path / "card.json"
    card.write_bytes(clinic.card.read_bytes())
    card.chmod(0o644)
    done = clinic.run("enrol", "--card", str(card))
    assert done.code == ExitCode.USAGE
    assert "chmod 600" in done.err


def test_a_card_with_a_wrong_secret_is_told_and_the_secret_is_not_repeated(
    clinic: HeadlessClinic, tmp_path: Path
) -> None:
    fields = json.loads(clinic.card.read_text())
    fields["card_secret"] = "0" * 26
    card = tmp_path / "card.json"
    card.write_text(json.dumps(fields))
    card.chmod(0o600)
    done = clinic.run("enrol", "--card", str(card), records="other.sqlite")
    assert done.code == ExitCode.AUTH
    assert "card" in done.err
    assert "0" * 26 not in done.err + done.out


def test_the_log_of_a_session_holds_no_secret(process: PumpProcess) -> None:
    card = Path(process.address).parent / "card.json"
    secret = json.loads(card.read_text())["card_secret"]
    assert secret not in "\n".join(process.said)


def test_wrong_serial_number_has_its_own_exit_code(clinic: HeadlessClinic) -> None:
    done = clinic.run("status", "--serial", "VP20-000000")
    assert done.code == ExitCode.WRONG_PUMP
    assert "VP20-000000" in done.err


def test_the_command_works_as_a_process_too(process: PumpProcess) -> None:
    """Exit code and streams of the real thing: pipes, no terminal."""
    records = str(Path(process.address).parent / "records.sqlite")
    command = [sys.executable, "-m", "workbench", "pump", "--records", records, process.address]
    done = subprocess.run(
        [*command, "status", "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"]["delivery_state"] == "running"
    assert done.stderr == ""
