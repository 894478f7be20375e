"""Frames of the golden sessions, as material for mutations."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).resolve().parents[2] / "vectors" / "v1"
CRC_SIZE: Final = 4


_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")


def _entries(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        if "frame" in document:
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
        if _HEX.fullmatch(str(entry.get("frame")))
    ]
    return tuple(dict.fromkeys(frame for frame in found if len(frame) >= 7))
