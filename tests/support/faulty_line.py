"""One direction of a line that damages what it carries, by a plan: frame by frame, one mishap each.

Drop, repeat, delay, hold back, cut short, flip a bit, put octets in, play an old frame again (of this session
or of any before), send it back to where it came from, and let the pump's power fail while it has the frame.
"""

import heapq
import re
from collections import deque
from collections.abc import Callable, Iterable
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


class Wild(Enum):
    """What can happen beside: noise, older sessions, reflection, and the pump's power."""

    INSERT = auto()
    STALE = auto()
    REFLECT = auto()
    RESET_BEFORE = auto()
    RESET_AFTER = auto()
    POWER_CUT = auto()
    TORN_CUT = auto()


@dataclass(frozen=True)
class Mishap:
    """A fault, and how: ms of delay, octets left, the bit that flips, number of the old frame or write."""

    fault: Fault | Wild
    how: int = 0


GOOD = Mishap(Fault.NONE)
DELAYS_MS = (1, 90, 650, 800, 1_500, 4_000, 6_000)
PLANS = st.lists(
    st.one_of(
        st.just(GOOD),
        st.builds(Mishap, st.sampled_from((Fault.DROP, Fault.DUPLICATE, Fault.HOLD))),
        st.builds(Mishap, st.just(Fault.DELAY), st.sampled_from(DELAYS_MS)),
        st.builds(Mishap, st.sampled_from((Fault.CUT, Fault.FLIP, Fault.REPLAY)), st.integers(0, 2_000)),
    ),
    max_size=24,
)
"""What happens to the first frames in one direction; all later ones arrive."""

POWER = frozenset((Wild.RESET_BEFORE, Wild.RESET_AFTER, Wild.POWER_CUT, Wild.TORN_CUT))
"""Faults of the pump's power: whoever takes the frame out of the channel must bring them about."""


class Channel:
    """One direction of the line.

    Args:
        plan: what happens to the next frames; `plan` may be added to while the line is in use.
    """

    def __init__(self, plan: Iterable[Mishap] = ()) -> None:
        self.plan = deque(plan)
        self._due: list[tuple[int, int, bytes, Mishap]] = []
        self._held: list[bytes] = []
        self._count = 0
        self.frames: list[bytes] = []
        """Every frame that was sent, as on the wire, whether it arrived or not."""
        self.library: list[bytes] = []
        """Frames of anywhere and any time, for `Wild.STALE`."""
        self.mirror: Callable[[bytes, int], None] | None = None
        """Where `Wild.REFLECT` sends a frame."""

    def send(self, data: bytes, now_ms: int) -> None:
        """Take what one end sends, frame by frame."""
        for frame in split_frames(data):
            held, self._held = self._held, []
            self.frames.append(frame)
            self._carry(frame, self.plan.popleft() if self.plan else GOOD, now_ms)
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
                self.put(_flipped(frame, how), now_ms)
            case Fault.REPLAY:
                self.put(frame + self.frames[how % len(self.frames)], now_ms)
            case Wild():
                self._carry_wildly(frame, mishap, now_ms)
            case Fault.NONE:
                self.put(frame, now_ms)

    def _carry_wildly(self, frame: bytes, mishap: Mishap, now_ms: int) -> None:
        how = mishap.how
        match mishap.fault:
            case Wild.INSERT:
                at = how % (len(frame) + 1)
                self.put(frame[:at] + how.to_bytes(2, "little") * (1 + how % 5) + frame[at:], now_ms)
            case Wild.STALE if self.library:
                self.put(self.library[how % len(self.library)] + frame, now_ms)
            case Wild.REFLECT if self.mirror is not None:
                self.mirror(frame, now_ms)
                self.put(frame, now_ms)
            case _:
                self.put(frame, now_ms, mishap if mishap.fault in POWER else GOOD)

    def put(self, data: bytes, at_ms: int, mishap: Mishap = GOOD) -> None:
        """Let ``data`` arrive at ``at_ms``, whatever it is."""
        self._count += 1
        heapq.heappush(self._due, (at_ms, self._count, data, mishap))

    def heal(self) -> None:
        """Lose what is under way or held back; from now on everything arrives."""
        self.plan.clear()
        self._due.clear()
        self._held.clear()

    def next_due(self) -> int | None:
        """When the next octets arrive."""
        return self._due[0][0] if self._due else None

    def take(self, now_ms: int) -> bytes:
        """What has arrived by now."""
        data = b""
        while (arrival := self.take_one(now_ms)) is not None:
            data += arrival[0]
        return data

    def take_one(self, now_ms: int) -> tuple[bytes, Mishap] | None:
        """The next octets that have arrived by now, with what befalls the pump at them, or None."""
        if not self._due or self._due[0][0] > now_ms:
            return None
        _, _, data, mishap = heapq.heappop(self._due)
        return data, mishap


def _flipped(frame: bytes, bit: int) -> bytes:
    damaged = bytearray(frame)
    damaged[bit // 8 % len(frame)] ^= 1 << bit % 8
    return bytes(damaged)


def split_frames(data: bytes) -> list[bytes]:
    """The frames in what an end sends, each with its delimiters."""
    frames: list[bytes] = re.findall(rb"\x00[^\x00]+\x00", data)
    assert b"".join(frames) == data
    return frames
