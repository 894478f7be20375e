"""The commands of the how-to pages work, in their order, against the pump that the page starts."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.headless import say

from workbench.pump_process import PumpProcess

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
EMULATE = re.compile(r"^    cisterna emulate (.+)$", re.MULTILINE)
NAMES = ("give-a-bolus-headless", "lab-plaintext", "far-link")


def here(line: str, folder: Path) -> list[str]:
    """Return the words of a command with the test's paths."""
    return shlex.split(line.replace("/tmp/", f"{folder}/"))


@contextmanager
def pump_of(page: str, folder: Path) -> Iterator[PumpProcess]:
    """Start the pump as the page says."""
    (command,) = EMULATE.findall(page)
    words = here(command, folder)
    options = [word for word in words if word not in ("--link", "--card")]
    link, card = words[words.index("--link") + 1], words[words.index("--card") + 1]
    options.remove(link)
    options.remove(card)
    with PumpProcess(link, Path(card), options) as process:
        yield process


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_the_page_work(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    commands = [line for block in BLOCK.findall(page) for line in block.splitlines() if line]
    assert len(commands) >= 3
    with pump_of(page, tmp_path):
        for command in commands:
            words = here(command, tmp_path)
            assert words[0] == "cisterna"
            done = say(words[1:])
            assert done.code == 0, f"{command}: {done.err}{done.out}"
