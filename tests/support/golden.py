"""Golden sessions: fixed keys, entropy and clocks through both real endpoints, octet by octet and in words.

The files under ``tests/vectors/v1`` are frozen with OITP/1; see the README above them. To make one that is
missing, or a new version of one that exists::

    PYTHONPATH=.:tests python -m support.golden NAME ...
    PYTHONPATH=.:tests python -m support.golden --version 2 NAME ...

A file that exists is never overwritten without a version higher than its own.
"""

import argparse
import json
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from support.golden_reader import GoldenReader, plain
from support.golden_run import Act, GoldenRun, Setting
from support.golden_scenarios import SCENARIOS
from support.sessions import CARD_SECRET, PUMP_PUBLIC, PUMP_STATIC

from protocol.messages.alarms import Alarm
from protocol.pump_session import IDLE_TIMEOUT_S
from protocol.requests import Bond, Observation

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "v1"
PROTOCOL = "OITP/1"
LAYOUT = 2
"""Layout of the files themselves: 1 was one file with all scenarios."""

Document = dict[str, Any]


def path_of(name: str) -> Path:
    """Where the vectors called ``name`` are."""
    return VECTORS / f"{name}.json"


def load(name: str) -> Document:
    """The frozen file."""
    document: Document = json.loads(path_of(name).read_text(encoding="utf-8"))
    return document


def build_document(name: str, version: int) -> Document:
    """Play a scenario; what both endpoints said, with the keys and the entropy to play it again."""
    play, setting = SCENARIOS[name]
    run = GoldenRun(name, setting)
    play(run)
    pump_drawn, programmer_drawn = (entropy.drawn for entropy in run.entropies)
    reader = GoldenReader(setting.static, tuple(setting.tokens.values()), programmer_drawn)
    about = (play.__doc__ or "").strip()
    return {
        "protocol": PROTOCOL,
        "layout": LAYOUT,
        "version": version,
        "scenario": name,
        "about": about,
        "keys": _keys(setting),
        "pump": _pump(run, pump_drawn),
        "programmer": {"entropy": [octets.hex() for octets in programmer_drawn]},
        "timeline": [_act(each) if isinstance(each, Act) else reader.entry(each) for each in run.timeline],
    }


def _keys(setting: Setting) -> Document:
    keys = {
        "programmer_static": setting.static,
        "pump_static": PUMP_STATIC,
        "pump_public": PUMP_PUBLIC,
        "card_secret": CARD_SECRET,
    }
    tokens = {str(slot): token.hex() for slot, token in setting.tokens.items()}
    return {name: key.hex() for name, key in keys.items()} | ({"tokens": tokens} if tokens else {})


def _pump(run: GoldenRun, drawn: list[bytes]) -> Document:
    setting = run.setting
    return {
        "link_class": setting.link_class.name,
        "far_link": run.device.far_link,
        "lab_role": None if setting.lab_role is None else setting.lab_role.name,
        "idle_timeout_s": IDLE_TIMEOUT_S,
        "boot_count": run.device.boot_count,
        "uptime_s": run.device.uptime_s,
        "bonds": [_in_words(bond) for bond in run.bonds.values()],
        "entropy": [octets.hex() for octets in drawn],
    }


def _in_words(value: Bond | Alarm | Observation) -> Document:
    told = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        name: [_in_words(item) for item in each] if isinstance(each, tuple) else plain(each)
        for name, each in told.items()
    }


def _act(act: Act) -> Document:
    value = _in_words(act.value) if isinstance(act.value, Bond | Observation) else act.value
    return {"at_ms": act.at_ms, "act": act.what, "value": value}


def render(document: Document) -> str:
    """The text of a file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def refusal(name: str, version: int | None) -> str | None:
    """Why the file must not be written now, or None."""
    if not path_of(name).exists():
        return None
    frozen = int(load(name)["version"])
    if version is not None and version > frozen:
        return None
    return (
        f"{path_of(name).name} is frozen as version {frozen}. If the protocol is meant to change, say so "
        f"with --version {frozen + 1}, and tell of it in tests/vectors/README.md."
    )


def main(arguments: list[str], documents: dict[str, Any]) -> int:
    """Write the files named, all of those missing where none is; return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m support.golden", description=__doc__)
    parser.add_argument("--version", type=int, help="version of the new files, above that of the old ones")
    parser.add_argument("names", nargs="*", choices=[*documents, []], metavar="NAME")
    chosen = parser.parse_args(arguments)
    names = chosen.names or [name for name in documents if not path_of(name).exists()]
    refusals = [why for name in names if (why := refusal(name, chosen.version)) is not None]
    for why in refusals:
        sys.stderr.write(why + "\n")
    if refusals:
        return 1
    for name in names:
        path_of(name).write_text(render(documents[name](chosen.version or 1)), encoding="utf-8")
    return 0


def every_document() -> dict[str, Any]:
    """How to make each file there is, by name."""
    from support.negative import build_negative

    sessions = {name: partial(build_document, name) for name in SCENARIOS}
    return sessions | {"negative": build_negative}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], every_document()))
