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
SESSION = """
from support.protocol_pair import ConnectionPair
from protocol.messages.status import GetStatusRequest
pair = ConnectionPair().open()
answers = [pair.ask(GetStatusRequest()) for _ in range(5)]
wire = pair.line.to_pump.frames + pair.line.to_programmer.frames
drops = {reason.value: count for reason, count in pair.pump.counters.drops.items() if count}
print(json.dumps({"wire": [frame.hex() for frame in wire], "drops": drops, "answers": len(answers)}))
"""
SOAK = """
from support.soak.run import soak
report = soak(1_000, 5)
print(json.dumps({"frames": report.frames, "drops": dict(report.drops), "out": report.octets_out}))
"""
FIRMWARE = """
from support.ward.clinic import Clinic
clinic = Clinic()
assert clinic.doctor.connect()
verified = clinic.verify(clinic.doctor)
receipt = clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
clinic.world.lose_power()
clinic.audit()
print(json.dumps({"version": receipt.version, "now": clinic.version, "digest": receipt.digest.hex()}))
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


@pytest.mark.parametrize("script", [SESSION, FIRMWARE], ids=["session", "dose change"])
def test_a_whole_session_is_the_same_without_extensions(script: str) -> None:
    without, with_them = run(script, blocked=True), run(script, blocked=False)
    assert json.loads(without) == json.loads(with_them)


def test_the_same_damage_is_refused_for_the_same_reasons_without_extensions() -> None:
    without, with_them = json.loads(run(SOAK, blocked=True)), json.loads(run(SOAK, blocked=False))
    assert without == with_them
    assert sum(without["drops"].values()) > 500
