"""What the guide to Wireshark shows works: its commands run on the capture of a real dose change."""

import re
import shlex
from pathlib import Path

import pytest
from support.captured import RecordedRig
from support.tshark import REASON, TSHARK, run_tshark

from workbench.generators.dissector import dissector_script

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(TSHARK is None, reason=REASON)]

GUIDE = (Path(__file__).parents[2] / "docs/how-to/read-traffic-in-wireshark.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^tshark (.+)$", GUIDE, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture with its bodies, and the dissector."""
    made = tmp_path_factory.mktemp("capture")
    rig = RecordedRig(made, bodies=True)
    rig.dose_change()
    (made / "oitp.lua").write_text(dissector_script(), encoding="utf-8")
    return made


def run(arguments: str, folder: Path) -> list[str]:
    here = arguments.replace("docs/reference/oitp.lua", str(folder / "oitp.lua"))
    here = here.replace("/tmp/visit.pcapng", str(folder / "session.pcapng"))
    return run_tshark(folder, *shlex.split(here)).splitlines()


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_command_of_the_guide_runs_without_a_lua_error(arguments: str, folder: Path) -> None:
    assert not [line for line in run(arguments, folder) if "Lua Error" in line]


def test_the_list_names_frames_and_messages(folder: Path) -> None:
    lines = run(COMMANDS[0], folder)
    for wanted in ("HELLO_RSP", "handshake NNPSK0, first message", "secure record 0", "PROG_COMMIT request"):
        assert any(wanted in line for line in lines), wanted
    assert any("programmer → pump" in line for line in lines)
    assert not [line for line in lines if "[" in line]


def test_every_answer_has_its_time(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if "-e oitp.response_time" in command)
    rows = [line.split("\t") for line in run(command, folder)]
    assert {row[1] for row in rows} >= {"SESSION_CONFIRM", "GET_STATUS", "PROG_VERIFY", "PROG_COMMIT"}
    assert all(int(row[2]) < int(row[0]) and float(row[3]) >= 0 for row in rows)


def test_the_status_is_the_one_that_was_read(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if "-e oitp.get_status.reservoir_nl" in command)
    rows = [line.split("\t") for line in run(command, folder)]
    assert rows
    assert all(row[1] == "0x55" and int(row[2]) > 0 and 0 < int(row[3]) <= 20_000_000 for row in rows)


def test_nothing_is_wrong_with_any_frame_of_a_good_session(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if "-z expert" in command)
    said = [line for line in run(command, folder) if "oitp" in line.lower()]
    assert said == []
