"""The symlink of a pseudo-terminal: published at once, replaced only when ours, and never left behind."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.link_file import LinkFile
from emulator.links.pty import PtyLink

KILLED = """
import os, signal, sys
from emulator.links.pty import PtyLink
link = PtyLink(sys.argv[1])
link.start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def entries(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def refusal(path: Path) -> EmulatorError:
    link = PtyLink(str(path))
    with pytest.raises(EmulatorError) as caught:
        link.start()
    assert str(path) in str(caught.value)
    assert link.wait_on() == ((), ())
    return caught.value


def test_the_link_stands_while_the_pump_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    link = PtyLink(str(tmp_path / "pump"))
    link.start()
    assert (tmp_path / "pump").readlink() == Path(link.slave_name)
    assert Path(link.slave_name).is_char_device()
    link.close()
    assert entries(tmp_path) == []
    assert not Path(link.slave_name).exists()


def test_the_path_is_taken_while_another_pump_runs_on_it(tmp_path: Path) -> None:
    first = PtyLink(str(tmp_path / "pump"))
    first.start()
    failure = refusal(tmp_path / "pump")
    assert failure.reason is EmulatorFailure.LINK_BUSY
    assert "another pump runs" in str(failure)
    assert (tmp_path / "pump").readlink() == Path(first.slave_name)
    first.close()


def test_what_a_killed_emulator_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pump"
    subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], check=False, timeout=60, cwd=Path(__file__).parents[2]
    )
    assert path.is_symlink()
    link = PtyLink(str(path))
    link.start()
    assert path.readlink() == Path(link.slave_name)
    link.close()
    assert entries(tmp_path) == []


def test_a_left_over_link_is_replaced_even_when_its_terminal_number_was_given_out_again(
    tmp_path: Path,
) -> None:
    """The lock notes what the link pointed to, so a stranger's terminal is not taken for a living pump."""
    path = tmp_path / "pump"
    stranger, terminal = os.openpty()
    try:
        name = os.ttyname(terminal)
        path.symlink_to(name)
        assert refusal(path).reason is EmulatorFailure.LINK_BUSY, (
            "without the note it is somebody else's link"
        )
        (tmp_path / ".pump.cisterna.lock").write_text(name, encoding="utf-8")
        link = PtyLink(str(path))
        link.start()
        assert path.readlink() == Path(link.slave_name) != Path(name)
        link.close()
    finally:
        os.close(stranger)
        os.close(terminal)


def test_a_link_to_a_terminal_that_is_gone_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pump"
    path.symlink_to("/dev/pts/99999999")
    link = PtyLink(str(path))
    link.start()
    assert path.readlink() == Path(link.slave_name)
    link.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("patient notes", encoding="utf-8"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/etc/hostname"),
        lambda path: path.symlink_to(path.parent / "nowhere"),
    ],
    ids=["file", "directory", "symlink", "dangling symlink"],
)
def test_what_is_not_ours_is_left_alone(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "pump"
    make(path)
    before = path.lstat()
    assert refusal(path).reason is EmulatorFailure.LINK_BUSY
    assert path.lstat().st_ino == before.st_ino
    assert entries(tmp_path) == ["pump"]


def test_a_link_that_somebody_else_put_in_place_of_ours_is_not_removed(tmp_path: Path) -> None:
    link = PtyLink(str(tmp_path / "pump"))
    link.start()
    (tmp_path / "pump").unlink()
    (tmp_path / "pump").symlink_to("/dev/null")
    link.close()
    assert entries(tmp_path) == ["pump"]


def test_something_that_appears_between_the_check_and_the_link_is_not_overwritten(tmp_path: Path) -> None:
    file = LinkFile(str(tmp_path / "pump"))
    file.reserve()
    (tmp_path / "pump").write_text("mine", encoding="utf-8")
    with pytest.raises(EmulatorError) as caught:
        file.publish("/dev/null")
    assert caught.value.reason is EmulatorFailure.LINK_BUSY
    file.release()
    assert (tmp_path / "pump").read_text(encoding="utf-8") == "mine"
    assert entries(tmp_path) == ["pump"]


def test_a_lock_that_was_removed_by_its_last_owner_is_taken_anew(tmp_path: Path) -> None:
    first, second = LinkFile(str(tmp_path / "pump")), LinkFile(str(tmp_path / "pump"))
    first.reserve()
    (tmp_path / ".pump.cisterna.lock").unlink()
    second.reserve()
    second.publish("/dev/null")
    assert (tmp_path / ".pump.cisterna.lock").exists()
    first.release()
    second.release()
    assert (tmp_path / "pump").exists() is False


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    failure = refusal(tmp_path / "no" / "pump")
    assert failure.reason is EmulatorFailure.LINK_MISSING
    assert "make that directory first" in str(failure)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_directory_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert refusal(tmp_path / "pump").reason is EmulatorFailure.LINK_DENIED


def test_publishing_without_reserving_is_a_defect_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="reserve"):
        LinkFile(str(tmp_path / "pump")).publish("/dev/null")


def test_a_machine_without_terminals_says_what_to_use_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(12, "out of pty devices")

    monkeypatch.setattr(os, "openpty", refuse)
    with pytest.raises(EmulatorError, match=r"use tcp:127\.0\.0\.1:0 instead") as caught:
        PtyLink(str(tmp_path / "pump")).start()
    assert caught.value.reason is EmulatorFailure.LINK_UNSUPPORTED
    assert entries(tmp_path) == []
