"""The link layer: any octets in, frames and explained drops out (OITP/1 sections 2 and 3).

What comes out depends only on the octets and on silences longer than the gap, never on how the transport
cut them. At most one frame's worth of octets is held, whatever the peer sends.

The layers above import the whole link layer from here; `protocol.frame` codes one frame and `protocol.drops`
names the reasons to refuse one.
"""

from dataclasses import dataclass, field
from typing import Final

from protocol.drops import Drop, DropReason
from protocol.frame import (
    DELIMITER,
    HEADER_SIZE,
    MAX_FRAME,
    MAX_PAYLOAD,
    MAX_PIECE,
    NO_LINK_ID,
    Direction,
    Frame,
    FrameKind,
    check_link_id,
    decode_frame,
    decode_piece,
    encode_frame,
    overrun,
    to_wire,
    unfit,
)

__all__ = [
    "GAP_MS",
    "HEADER_SIZE",
    "MAX_FRAME",
    "MAX_PAYLOAD",
    "NO_LINK_ID",
    "Deframer",
    "Direction",
    "Drop",
    "DropReason",
    "Frame",
    "FrameKind",
    "LinkCounters",
    "check_link_id",
    "decode_frame",
    "decode_piece",
    "encode_frame",
    "to_wire",
    "unfit",
]

GAP_MS: Final = 100
"""T_gap: longest silence inside a frame (OITP/1 section 9)."""

_BLOCK: Final = 1 << 16
"""Octets split at a time, so that one huge read does not become one huge list of pieces."""


@dataclass(slots=True)
class LinkCounters:
    """What came in over one link since it was opened.

    ``octets`` counts everything received, ``frames`` the well-formed frames, ``drops`` the refusals by reason
    (all reasons are present), and ``missed`` the frames that the sequence numbers say were lost on the way.
    """

    octets: int = 0
    frames: int = 0
    missed: int = 0
    drops: dict[DropReason, int] = field(default_factory=lambda: dict.fromkeys(DropReason, 0))

    def count(self, drop: Drop) -> None:
        """Book one drop, of whichever layer."""
        self.drops[drop.reason] += 1

    @property
    def dropped(self) -> int:
        """All drops together."""
        return sum(self.drops.values())


class Deframer:
    """Turns received octets into frames.

    Args:
        expect_direction: the way the peer's frames go. A frame that goes the other way is our own, reflected.
        gap_ms: a partial frame is dropped after this silence, in ms.
    """

    def __init__(self, expect_direction: Direction, gap_ms: int = GAP_MS) -> None:
        self.counters = LinkCounters()
        self._expect_direction = expect_direction
        self._gap_ms = gap_ms
        self._partial = b""
        self._last_octet_ms = 0
        # After an overrun or a gap the rest of the broken frame is not looked at: one fault, one count.
        self._skipping = False
        self._last_frame: Frame | None = None

    @property
    def held(self) -> int:
        """Octets of a partial frame now held, 0..254."""
        return len(self._partial)

    def next_deadline(self) -> int | None:
        """Return the time in ms at which a partial frame becomes too old, or None where there is none."""
        return self._last_octet_ms + self._gap_ms if self._partial else None

    def expire(self, now_ms: int) -> Drop | None:
        """Drop the partial frame if its deadline has come, and count it."""
        deadline = self.next_deadline()
        if deadline is None or now_ms < deadline:
            return None
        drop = Drop(
            DropReason.GAP,
            f"the rest of the frame within {self._gap_ms} ms",
            f"{len(self._partial)} octets, then silence",
            self._partial,
        )
        self._partial = b""
        self._skipping = True
        self.counters.count(drop)
        return drop

    def receive(self, data: bytes, now_ms: int) -> list[Frame | Drop]:
        """Take octets that arrived at ``now_ms``; return what they completed, in order."""
        expired = self.expire(now_ms)
        results: list[Frame | Drop] = [] if expired is None else [expired]
        if not data:
            return results
        self.counters.octets += len(data)
        self._last_octet_ms = now_ms
        for start in range(0, len(data), _BLOCK):
            self._take(data[start : start + _BLOCK], results)
        return results

    def _take(self, block: bytes, results: list[Frame | Drop]) -> None:
        head, *others = block.split(DELIMITER)
        self._extend(head, results)
        if not others:
            return
        self._delimit(results)
        tail = others.pop()
        for piece in others:
            if piece:
                self._finish(piece, results)
        self._extend(tail, results)

    def _extend(self, octets: bytes, results: list[Frame | Drop]) -> None:
        if self._skipping or not octets:
            return
        if len(self._partial) + len(octets) > MAX_PIECE:
            drop = overrun(self._partial + octets[:MAX_PIECE])
            self.counters.count(drop)
            results.append(drop)
            self._partial = b""
            self._skipping = True
        else:
            self._partial += octets

    def _delimit(self, results: list[Frame | Drop]) -> None:
        self._skipping = False
        if self._partial:
            piece, self._partial = self._partial, b""
            self._finish(piece, results)

    def _finish(self, piece: bytes, results: list[Frame | Drop]) -> None:
        result = decode_piece(piece, self._expect_direction)
        if isinstance(result, Drop):
            self.counters.count(result)
        else:
            self._count_frame(result)
        results.append(result)

    def _count_frame(self, frame: Frame) -> None:
        self.counters.frames += 1
        last, self._last_frame = self._last_frame, frame
        if last is None or last.link_id != frame.link_id:
            return  # A new link starts a new count: the peer may have been restarted.
        gap = (frame.seq - last.seq - 1) & 0xFF
        if gap < 0x80:  # Otherwise an older or repeated frame, not a loss.
            self.counters.missed += gap
