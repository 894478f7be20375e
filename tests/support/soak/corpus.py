"""Frames of the golden sessions, as material for mutations."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).resolve().parents[2] / "vectors" / "v1"
CRC_SIZE: Final = 4


def _entries(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        if isinstance(document.get("frame"), str):
            yield document
        for value in document.values():
            yield from _entries(value)
    elif isinstance(document, list):
        for value in document:
            yield from _entries(value)


@cache
def golden_frames() -> tuple[bytes, ...]:
    """Return every link frame of every golden session, without its CRC."""
    found = [
        bytes.fromhex(entry["frame"])[:-CRC_SIZE]
        for path in sorted(VECTORS.glob("*.json"))
        for entry in _entries(json.loads(path.read_text(encoding="utf-8")))
    ]
    return tuple(dict.fromkeys(frame for frame in found if len(frame) >= 7))


@cache
def golden_plaintexts() -> tuple[bytes, ...]:
    """Return every application message of every golden session that a programmer sent."""
    found = [
        bytes.fromhex(entry["plaintext"])
        for path in sorted(VECTORS.glob("*.json"))
        for entry in _entries(json.loads(path.read_text(encoding="utf-8")))
        if entry.get("way") == "to pump" and isinstance(entry.get("plaintext"), str)
    ]
    return tuple(dict.fromkeys(found))
