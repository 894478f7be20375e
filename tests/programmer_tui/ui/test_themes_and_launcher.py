"""Colours keep their contrast, NO_COLOR takes all away, a dumb terminal gets words, signals end it clean."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.fake_service import FakeService
from textual.color import Color

from programmer_tui.app import run_programmer
from programmer_tui.widgets.themes import DARK, LIGHT, PLAIN, TEXT_PAIRS, THEMES

ROOT = Path(__file__).parents[3]
CSS = ROOT / "programmer_tui" / "css" / "programmer.tcss"
COLOUR_CODE = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
CHILD = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from support.beliefs import a_belief, an_alarm
from support.fake_service import FakeService
from protocol.vocabulary import AlarmCode, Priority
from programmer_tui.app import run_programmer
service = FakeService(a_belief(alarms=(an_alarm(AlarmCode.MOTOR_STALL, Priority.HIGH),)))
code = run_programmer(service)
sys.stderr.write(f"exit {{code}}, stopped {{service.stopped}}")
"""


@pytest.mark.parametrize("name", [DARK, LIGHT])
@pytest.mark.parametrize("pair", TEXT_PAIRS, ids="-on-".join)
def test_text_has_a_contrast_of_seven_to_one(name: str, pair: tuple[str, str]) -> None:
    theme = next(theme for theme in THEMES if theme.name == name)
    ink, paper = (luminance(Color.parse(theme.variables[part])) for part in pair)
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 7


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_themes_have_the_same_colours_and_the_style_sheet_uses_no_other() -> None:
    base = set(THEMES[0].variables)
    assert all(base <= set(theme.variables) for theme in THEMES)
    used = set(re.findall(r"\$([\w-]+)", CSS.read_text(encoding="utf-8")))
    assert used <= base
    assert {part for pair in TEXT_PAIRS for part in pair} <= base


def test_a_terminal_that_cannot_draw_is_told_about_the_headless_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    service = FakeService()
    assert run_programmer(service) == 2
    assert "cisterna pump LINK" in capsys.readouterr().err
    assert service.stopped


@dataclass
class Terminal:
    """The programmer in a process of its own on a pseudo-terminal of 80 by 24; all it wrote is in `drawn`."""

    child: subprocess.Popen[bytes]
    master: int
    drawn: bytes = b""

    def until(self, words: bytes) -> None:
        """Read until `words` were drawn, or until nothing more comes."""
        end = time.monotonic() + 60
        while words not in self.drawn and time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if ready:
                data = self._read()
                if not data:
                    return
                self.drawn += data

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def _read(self) -> bytes:
        # A pseudo-terminal whose other end is closed ends with EIO on Linux.
        try:
            return os.read(self.master, 65_536)
        except OSError:
            return b""


@contextmanager
def terminal(code: str = CHILD, **environment: str) -> Iterator[Terminal]:
    """Run the programmer on a terminal; whatever happens, it is gone afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    child = subprocess.Popen(
        [sys.executable, "-c", code.format(root=str(ROOT), tests=str(ROOT / "tests"))],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(child, master)
    finally:
        child.kill()
        child.wait(30)
        os.close(master)


def test_no_color_draws_everything_without_one_colour_and_quits_clean() -> None:
    """Ctrl+Q, Down, Enter: the unread alarm makes it ask; the service is stopped at the end."""
    with terminal(NO_COLOR="1") as term:
        term.until(b"MOTOR STALL")
        term.press(b"\x11")
        term.until(b"End the session?")
        term.press(b"\x1b[B\r")
        term.until(b"exit 0, stopped True")
    assert b"exit 0, stopped True" in term.drawn
    assert not COLOUR_CODE.findall(term.drawn.replace(b"39;49", b""))


def test_with_colours_the_alarm_is_coloured_and_a_signal_ends_it_clean() -> None:
    with terminal() as term:
        term.until(b"***")
        term.child.send_signal(signal.SIGTERM)
        term.until(b"exit 143, stopped True")
    assert b"exit 143, stopped True" in term.drawn
    assert COLOUR_CODE.search(term.drawn)


def test_a_fault_of_the_program_ends_in_a_sentence_not_in_a_traceback() -> None:
    broken = CHILD.replace(
        "code = run_programmer(service)", "service.submit = None; code = run_programmer(service)"
    )
    with terminal(broken) as term:
        term.until(b"exit 1, stopped True")
    assert b"The programmer stopped because of a fault of its own." in term.drawn
    assert b"exit 1, stopped True" in term.drawn
    assert b"Traceback" not in term.drawn


def test_the_plain_theme_is_made_of_the_terminals_own_colours() -> None:
    theme = next(theme for theme in THEMES if theme.name == PLAIN)
    assert theme.ansi
    assert all(theme.variables[part] == "ansi_default" for pair in TEXT_PAIRS for part in pair)
