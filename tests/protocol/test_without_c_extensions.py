"""Every accelerated path works without its C extension, and says the same octets.

Three things are faster than they need be. COBS and CRC-32C come from packages with a C extension and a pure
Python form; a new interpreter in which the extensions cannot be imported must speak the same protocol. Fixed
layouts are packed by `struct` codecs that are derived from the `construct` definitions, which is plain Python
and has no fallback to test but the definitions themselves: `test_messages_round_trip.py` holds the two
together. The ciphers of `cryptography` are compiled always; there is no other form.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import google_crc32c.python
import pytest
from cobs.cobs import _cobs_py
from support.golden_scenarios import SCENARIOS
from support.wire import slow_cobs_decode, slow_crc32c

from protocol.frame import crc32c

ROOT = Path(__file__).parents[2]
BLOCKED = ("cobs.cobs._cobs_ext", "google_crc32c._crc32c", "google_crc32c.cext")
PREAMBLE = f"""
import json, sys, warnings
warnings.simplefilter("ignore", RuntimeWarning)
for name in {BLOCKED!r}:
    sys.modules[name] = None
import google_crc32c
from cobs import cobs
assert not cobs._using_extension
assert google_crc32c.implementation == "python"
"""
GOLDEN = """
from support.golden import build_document, load, path_of, render
from support.golden_scenarios import SCENARIOS
differ = [
    name
    for name in SCENARIOS
    if render(build_document(name, load(name)["version"])) != path_of(name).read_text(encoding="utf-8")
]
print(json.dumps({"scenarios": len(SCENARIOS), "differ": differ}))
"""
STORIES = """
from support.protocol_pair import ConnectionPair
from support.soak.run import soak
from support.ward.clinic import Clinic
from protocol.messages.status import GetStatusRequest

pair = ConnectionPair().open()
answers = [pair.ask(GetStatusRequest()) for _ in range(5)]
wire = pair.line.to_pump.frames + pair.line.to_programmer.frames

clinic = Clinic()
assert clinic.doctor.connect()
verified = clinic.verify(clinic.doctor)
receipt = clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
clinic.world.lose_power()
clinic.audit()

report = soak(1_000, 5)
print(json.dumps({
    "session": [len(answers), pair.pump.counters.dropped, *(frame.hex() for frame in wire)],
    "dose change": [receipt.version, clinic.version, receipt.digest.hex()],
    "damage": [report.frames, report.octets_out, dict(report.drops)],
}))
"""


def run(script: str, *, blocked: bool) -> str:
    """Run a script in an interpreter of its own; its output."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", (PREAMBLE if blocked else "import json, sys\n") + script],
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_extensions_are_in_use_here() -> None:
    """Otherwise the tests below would compare a thing with itself."""
    from cobs import cobs

    assert cobs._using_extension or "cobs.cobs._cobs_ext" not in sys.modules
    if google_crc32c.implementation != "c" or not cobs._using_extension:
        pytest.skip("this interpreter has no C extensions; everything else here ran without them")


def test_both_forms_agree_with_the_slow_definitions() -> None:
    draw, value = random.Random(1), cast(Callable[[bytes], int], google_crc32c.python.value)
    for size in (0, 1, 2, 11, 100, 252, 253):
        octets = draw.randbytes(size)
        assert value(octets) == crc32c(octets) == slow_crc32c(octets)
        coded = _cobs_py.encode(octets)
        assert slow_cobs_decode(coded) == _cobs_py.decode(coded) == octets


def test_the_frozen_sessions_are_the_same_without_extensions() -> None:
    """Every octet of every golden session."""
    assert json.loads(run(GOLDEN, blocked=True)) == {"scenarios": len(SCENARIOS), "differ": []}


@cache
def stories(*, blocked: bool) -> dict[str, list[object]]:
    """A session, a dose change in the real firmware with a reset behind it, and a thousand damaged frames."""
    told: dict[str, list[object]] = json.loads(run(STORIES, blocked=blocked))
    return told


@pytest.mark.parametrize("story", ["session", "dose change", "damage"])
def test_the_same_story_is_told_without_extensions(story: str) -> None:
    """Octet by octet, with the same receipt, and with the same reasons to refuse the same frames."""
    without, with_them = stories(blocked=True)[story], stories(blocked=False)[story]
    assert without == with_them
    assert len(without) >= 3
