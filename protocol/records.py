"""Secure records: application messages sealed with a session key under a strictly rising counter.

The payload is counter, ciphertext and tag. The counter is the Noise message number; link header and counter
are authenticated with the plaintext (OITP/1 section 6). A retransmission is sealed again under a new counter.
"""

from typing import Final

from construct import Bytes, Int32ul, Struct, this

from protocol.drops import Drop, DropReason
from protocol.frame import MAX_PAYLOAD, Direction, Frame, FrameKind, pack_header, unfit
from protocol.noise import TAG_SIZE, CipherState, NoiseError

COUNTER_SIZE: Final = 4
OVERHEAD: Final = COUNTER_SIZE + TAG_SIZE
MAX_PLAINTEXT: Final = MAX_PAYLOAD - OVERHEAD
MAX_RECORDS: Final = 1 << 20
"""Records of one direction in one session; the last counter is one less."""

RECORD_LAYOUT: Final = Struct(
    "counter" / Int32ul, "ciphertext" / Bytes(this._.plaintext_size), "tag" / Bytes(TAG_SIZE)
)
"""The definition of a record; ``plaintext_size`` is the payload length less `OVERHEAD`."""


class RecordsExhausted(RuntimeError):
    """All counters of the session are used up; it must end."""


class RecordSender:
    """Seals the records of one session in one direction, each under the next counter.

    Args:
        cipher: the session's sending key.
        direction: the way our frames go.
        link_id: the link's id, 0..65535.
    """

    def __init__(self, cipher: CipherState, direction: Direction, link_id: int) -> None:
        self._cipher = cipher
        self._direction = direction
        self._link_id = link_id
        self._counter = 0

    @property
    def remaining(self) -> int:
        """Records that can still be sealed."""
        return MAX_RECORDS - self._counter

    def seal(self, seq: int, plaintext: bytes) -> Frame:
        """Return the SECURE frame, with frame number ``seq``, for 0 to 222 octets of plaintext.

        Raises:
            RecordsExhausted: the session has used all its records.
            ValueError: the plaintext is too long for a frame, or ``seq`` is outside 0..255.
        """
        if len(plaintext) > MAX_PLAINTEXT:
            raise ValueError(f"record plaintext has {len(plaintext)} octets; at most {MAX_PLAINTEXT} fit")
        if not self.remaining:
            raise RecordsExhausted(f"the session has used all its {MAX_RECORDS} records")
        number = self._counter
        counter = number.to_bytes(COUNTER_SIZE, "little")
        size = OVERHEAD + len(plaintext)
        header = pack_header(FrameKind.SECURE, self._direction, seq, self._link_id, size)
        self._counter += 1
        payload = counter + self._cipher.seal(number, header + counter, plaintext)
        return Frame(FrameKind.SECURE, self._direction, seq, self._link_id, payload)


class RecordReceiver:
    """Opens the records of one session in one direction; each counter once, in rising order.

    Args:
        cipher: the session's receiving key.
    """

    def __init__(self, cipher: CipherState) -> None:
        self._cipher = cipher
        self._highest = -1

    def open(self, frame: Frame) -> bytes | Drop:
        """Return the plaintext, or why the record is not accepted; a refusal changes nothing."""
        payload = frame.payload
        if len(payload) < OVERHEAD:
            expected = f"at least {OVERHEAD} octets of counter and tag"
            return unfit(frame, DropReason.RECORD_SHORT, expected, f"{len(payload)} octets")
        counter = payload[:COUNTER_SIZE]
        number = int.from_bytes(counter, "little")
        if number >= MAX_RECORDS:
            return unfit(frame, DropReason.EXHAUSTED, f"a counter below {MAX_RECORDS}", f"{number}")
        if number <= self._highest:
            return unfit(frame, DropReason.REPLAY, f"a counter above {self._highest}", f"{number}")
        try:
            plaintext = self._cipher.open(number, frame.header() + counter, payload[COUNTER_SIZE:])
        except NoiseError as error:
            return unfit(frame, DropReason.AUTH, "a record sealed for this session and frame", str(error))
        # Only now: a forged record must not move the window past genuine ones.
        self._highest = number
        return plaintext
