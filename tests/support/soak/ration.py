"""No babbling: what the pump may say to a stranger, however much the stranger sends."""

from collections import deque
from typing import Final

from support.faulty_line import split_frames

from protocol.frame import Direction, Frame, FrameKind, decode_piece
from protocol.link_control import (
    Hello,
    HelloResponse,
    LinkControlError,
    LinkError,
    Ping,
    Pong,
    decode_link,
)

FAILURES_AT_ONCE: Final = 40
FAILURES_PER_MINUTE: Final = 1
"""Log records of failed handshakes: ten at once and ten an hour, and one for each wrong guess, of which every
one after the fifth begins a lockout that doubles; a genuine session in between begins the count anew."""


class RationError(AssertionError):
    """The pump said more than it may."""


class Ration:
    """Counts what goes in and what comes out."""

    def __init__(self) -> None:
        self.octets_in = self.octets_out = self.frames_out = self.logged = 0
        self.unasked = 0
        self._tail = b""
        self._errors_ms: int | None = None
        self._pongs: deque[int] = deque()

    def forget(self) -> None:
        """What was under way is over: somebody else has spoken."""
        self._tail = b""

    def judge(self, data: bytes, out: bytes, now_ms: int, *, may_answer: bool) -> None:
        """Compare what came in with what went out.

        Raises:
            RationError: too much went out.
        """
        pieces = (self._tail + data).split(b"\0")
        self._tail = pieces.pop()[-300:]
        self.octets_in += len(data)
        if not out:
            return
        self.octets_out += len(out)
        came = [decode_piece(piece, Direction.TO_PUMP) for piece in pieces if piece]
        frames = [frame for frame in came if isinstance(frame, Frame)]
        for wire in split_frames(out):
            self.frames_out += 1
            said = decode_piece(wire[1:-1], Direction.TO_PROGRAMMER)
            assert isinstance(said, Frame)
            if said.kind is FrameKind.LINK:
                self._judge_control(said, frames, now_ms)
            else:
                allowed = may_answer or said.kind is FrameKind.HANDSHAKE
                match = next((frame for frame in frames if frame.kind is said.kind), None)
                if match is None and may_answer:
                    self._judge_unasked(now_ms)
                elif match is None or not allowed:
                    raise RationError(f"a {said.kind.name} frame was sent unasked")
                else:
                    frames.remove(match)

    def _judge_unasked(self, now_ms: int) -> None:
        """Where anybody may subscribe, there are notifications: five repetitions of each, in 31 s."""
        self.unasked += 1
        if self.unasked > 20 + now_ms // 1_000:
            raise RationError(f"{self.unasked} frames were sent unasked within {now_ms} ms")

    def _judge_control(self, said: Frame, frames: list[Frame], now_ms: int) -> None:
        message = decode_link(said.payload)
        match message:
            case LinkError():
                if self._errors_ms is not None and now_ms - self._errors_ms < 1_000:
                    raise RationError("two LINK_ERROR within a second")
                self._errors_ms = now_ms
            case Pong():
                self._pongs.append(now_ms)
                while now_ms - self._pongs[0] >= 1_000:
                    self._pongs.popleft()
                if len(self._pongs) > 10 or not _take(frames, Ping):
                    raise RationError("more PONG than PING, or more than ten a second")
            case HelloResponse():
                if not _take(frames, Hello):
                    raise RationError("HELLO_RSP without a HELLO")
            case _:
                raise RationError(f"{type(message).__name__} was sent")

    def judge_log(self, now_ms: int) -> None:
        """Compare the log with the time that has passed.

        Raises:
            RationError: too much was logged.
        """
        if self.logged > FAILURES_AT_ONCE + now_ms * FAILURES_PER_MINUTE // 60_000:
            raise RationError(f"{self.logged} failed handshakes were logged within {now_ms} ms")


def _take(frames: list[Frame], wanted: type) -> bool:
    for frame in frames:
        if frame.kind is FrameKind.LINK:
            try:
                found = isinstance(decode_link(frame.payload), wanted)
            except LinkControlError:
                continue
            if found:
                frames.remove(frame)
                return True
    return False
