"""One direction of a line that damages what it carries, by a plan: drop, repeat, delay, cut, flip, replay."""

import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from hypothesis import strategies as st


class Fault(Enum):
    """What can happen to one frame on the line."""

    NONE = auto()
    DROP = auto()
    DUPLICATE = auto()
    DELAY = auto()
    HOLD = auto()
    CUT = auto()
    FLIP = auto()
    REPLAY = auto()


@dataclass(frozen=True)
class Mishap:
    """A fault, and how: ms of delay, octets left, the bit that flips, the number of the old frame."""

    fault: Fault
    how: int = 0


GOOD = Mishap(Fault.NONE)
PLANS = st.lists(
    st.one_of(
        st.just(GOOD),
        st.builds(Mishap, st.sampled_from((Fault.DROP, Fault.DUPLICATE, Fault.HOLD))),
        st.builds(Mishap, st.just(Fault.DELAY), st.sampled_from((1, 90, 650, 800, 1_500, 4_000, 6_000))),
        st.builds(Mishap, st.sampled_from((Fault.CUT, Fault.FLIP, Fault.REPLAY)), st.integers(0, 2_000)),
    ),
    max_size=24,
)
"""What happens to the first frames in one direction; all later ones arrive."""


class Channel:
    """One direction of the line."""

    def __init__(self, plan: Iterable[Mishap] = ()) -> None:
        self._plan = iter(plan)
        self._due: list[tuple[int, int, bytes]] = []
        self._held: list[bytes] = []
        self._count = 0
        self.frames: list[bytes] = []
        """Every frame that was sent, as on the wire, whether it arrived or not."""

    def send(self, data: bytes, now_ms: int) -> None:
        """Take what one end sends, frame by frame."""
        for frame in split_frames(data):
            held, self._held = self._held, []
            self.frames.append(frame)
            self._carry(frame, next(self._plan, GOOD), now_ms)
            for late in held:
                self.put(late, now_ms)

    def _carry(self, frame: bytes, mishap: Mishap, now_ms: int) -> None:
        how = mishap.how
        match mishap.fault:
            case Fault.DROP:
                pass
            case Fault.HOLD:
                self._held.append(frame)
            case Fault.DUPLICATE:
                self.put(frame + frame, now_ms)
            case Fault.DELAY:
                self.put(frame, now_ms + how)
            case Fault.CUT:
                self.put(frame[: how % len(frame)], now_ms)
            case Fault.FLIP:
                damaged = bytearray(frame)
                damaged[how // 8 % len(frame)] ^= 1 << how % 8
                self.put(bytes(damaged), now_ms)
            case Fault.REPLAY:
                self.put(frame + self.frames[how % len(self.frames)], now_ms)
            case Fault.NONE:
                self.put(frame, now_ms)

    def put(self, data: bytes, at_ms: int) -> None:
        """Let ``data`` arrive at ``at_ms``, whatever it is."""
        self._count += 1
        heapq.heappush(self._due, (at_ms, self._count, data))

    def next_due(self) -> int | None:
        """When the next octets arrive."""
        return self._due[0][0] if self._due else None

    def take(self, now_ms: int) -> bytes:
        """What has arrived by now."""
        data = b""
        while self._due and self._due[0][0] <= now_ms:
            data += heapq.heappop(self._due)[2]
        return data


def split_frames(data: bytes) -> list[bytes]:
    """The frames in what an end sends, each with its delimiters."""
    frames: list[bytes] = re.findall(rb"\x00[^\x00]+\x00", data)
    assert b"".join(frames) == data
    return frames
