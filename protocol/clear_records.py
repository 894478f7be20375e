"""Lab plaintext: records without encryption, for fuzzers and serial tools in a laboratory.

The payload is counter and plaintext, with the checks of `protocol.records` but for the tag. A pump answers
them only when it was started with that option, on a link that cannot leave the machine, and says so in its
HELLO_RSP. Source: OITP/1 section 23 (f).
"""

from typing import Final

from construct import Bytes, Int32ul, Struct, this

from protocol.drops import Drop, DropReason
from protocol.frame import Direction, Frame, FrameKind, unfit
from protocol.records import COUNTER_SIZE, MAX_PLAINTEXT, MAX_RECORDS, RecordsExhausted

CLEAR_LAYOUT: Final = Struct("counter" / Int32ul, "plaintext" / Bytes(this._.plaintext_size))
"""The definition of a clear record; ``plaintext_size`` is the payload length less the counter's."""


class ClearSender:
    """Numbers the clear records of one session in one direction.

    Args:
        direction: the way our frames go.
        link_id: the link's id, 0..65535.
    """

    def __init__(self, direction: Direction, link_id: int) -> None:
        self._direction = direction
        self._link_id = link_id
        self._counter = 0

    @property
    def remaining(self) -> int:
        """Records that can still be sent."""
        return MAX_RECORDS - self._counter

    def seal(self, seq: int, plaintext: bytes) -> Frame:
        """Return the CLEAR frame, with frame number ``seq``, for 0 to 222 octets of plaintext.

        Raises:
            RecordsExhausted: the session has used all its records.
            ValueError: the plaintext is too long for a record, or ``seq`` is outside 0..255.
        """
        if len(plaintext) > MAX_PLAINTEXT:
            raise ValueError(f"record plaintext has {len(plaintext)} octets; at most {MAX_PLAINTEXT} fit")
        if not self.remaining:
            raise RecordsExhausted(f"the session has used all its {MAX_RECORDS} records")
        counter = self._counter.to_bytes(COUNTER_SIZE, "little")
        self._counter += 1
        return Frame(FrameKind.CLEAR, self._direction, seq, self._link_id, counter + plaintext)


class ClearReceiver:
    """Takes the clear records of one session in one direction; each counter once, in rising order."""

    def __init__(self) -> None:
        self._highest = -1

    def open(self, frame: Frame) -> bytes | Drop:
        """Return the plaintext, or why the record is not accepted; a refusal changes nothing."""
        payload = frame.payload
        if len(payload) < COUNTER_SIZE:
            return unfit(
                frame,
                DropReason.RECORD_SHORT,
                f"at least {COUNTER_SIZE} octets of counter",
                f"{len(payload)} octets",
            )
        number = int.from_bytes(payload[:COUNTER_SIZE], "little")
        if number >= MAX_RECORDS:
            return unfit(frame, DropReason.EXHAUSTED, f"a counter below {MAX_RECORDS}", f"{number}")
        if number <= self._highest:
            return unfit(frame, DropReason.REPLAY, f"a counter above {self._highest}", f"{number}")
        if len(payload) - COUNTER_SIZE > MAX_PLAINTEXT:
            received = f"{len(payload) - COUNTER_SIZE} octets"
            return unfit(frame, DropReason.LENGTH, f"at most {MAX_PLAINTEXT} octets of plaintext", received)
        self._highest = number
        return payload[COUNTER_SIZE:]
