"""Frames that are almost right: what a bad line, a careless programmer or an attacker would send.

Every kind of damage is one method of `Mutator`. Most repair the CRC afterwards, as an attacker would: the
checks behind it are the ones of interest.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from cobs import cobs

from protocol.codewords import is_codeword8
from protocol.frame import MAX_FRAME, MAX_PAYLOAD, PROTO, FrameKind, crc32c, pack_header
from protocol.link_control import LinkOp

KINDS: Final = tuple(FrameKind)
OPS: Final = tuple(LinkOp)
EXTREMES: Final = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_WORDS8: Final = tuple(word for word in range(256) if is_codeword8(word))


def sealed(checked: bytes) -> bytes:
    """Return header and payload as on the wire, with a right CRC."""
    coded: bytes = cobs.encode((checked + crc32c(checked).to_bytes(4, "little"))[:MAX_FRAME])
    return b"\0" + coded + b"\0"


class Mutator:
    """Makes one piece of the line after the other.

    Args:
        random: where all choices come from.
        corpus: link frames without their CRC, from recorded sessions.
        flags: flags octet of the direction that the victim listens to.
    """

    def __init__(self, random: Random, corpus: Sequence[bytes], flags: int) -> None:
        self._random = random
        self._corpus = list(corpus)
        self._flags = flags
        self.live: list[bytes] = []
        """Frames without CRC of the session at hand; the newest few."""
        self.link_id = 0xFFFF
        """Link that the victim is on, so that frames get further."""
        self._ways: list[Callable[[], bytes]] = [
            self._noise, self._random_payload, self._wire_bits, self._wire_bits,
            self._frame_octets, self._frame_octets, self._field, self._field,
            self._payload_word, self._payload_word, self._truncated_wire, self._truncated_frame,
            self._spliced, self._repeated, self._merged, self._link_control, self._handshake,
            self._other_counter, self._other_counter,
        ]  # fmt: skip

    def next(self) -> bytes:
        """Return the next octets for the line."""
        return self._random.choice(self._ways)()

    def note(self, checked: bytes) -> None:
        """Add a frame of the session at hand."""
        self.live = [*self.live[-30:], checked]

    # --- material -----------------------------------------------------------------------------------------

    def _pick(self) -> bytes:
        """A recorded frame; often one of this session, and often put on the present link."""
        draw = self._random.random()
        if self.live and draw < 0.5:
            return self._random.choice(self.live)
        frame = self._random.choice(self._corpus)
        if draw < 0.8:
            return frame[:2] + bytes((self._flags, frame[3])) + self.link_id.to_bytes(2, "little") + frame[6:]
        return frame

    def _octet(self) -> int:
        random = self._random
        draw = random.random()
        if draw < 0.3:
            return random.choice(EXTREMES)
        return random.choice(_WORDS8) if draw < 0.5 else random.randrange(256)

    # --- damage -------------------------------------------------------------------------------------------

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.randrange(1, 300))

    def _random_payload(self) -> bytes:
        random = self._random
        size = random.choice(
            (0, 1, 4, 12, 19, 20, 21, 52, 60, random.randrange(MAX_PAYLOAD + 1), MAX_PAYLOAD)
        )
        kind = random.choice(KINDS)
        header = pack_header(kind, 0, random.randrange(256), self.link_id, size)  # type: ignore[arg-type]
        return sealed(header[:2] + bytes((self._flags,)) + header[3:] + random.randbytes(size))

    def _wire_bits(self) -> bytes:
        wire = bytearray(sealed(self._pick()))
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 8))):
            bit = self._random.randrange(8 * len(wire))
            wire[bit >> 3] ^= 1 << (bit & 7)
        return bytes(wire)

    def _frame_octets(self) -> bytes:
        frame = bytearray(self._pick())
        for _ in range(self._random.choice((1, 1, 2, 4))):
            frame[self._random.randrange(len(frame))] = self._octet()
        return sealed(bytes(frame))

    def _field(self) -> bytes:
        """Change one field of the link header."""
        random = self._random
        frame = bytearray(self._pick())
        at = random.choice((0, 1, 2, 3, 4, 5, 6))
        frame[at] = random.choice(
            (*KINDS, PROTO, PROTO ^ 1, frame[at] ^ 1 << random.randrange(8), self._octet())
        )
        return sealed(bytes(frame))

    def _payload_word(self) -> bytes:
        """Change one word of the payload, and nothing else."""
        frame = bytearray(self._pick())
        if len(frame) > 7:
            at = self._random.randrange(7, len(frame))
            frame[at : at + self._random.choice((1, 2, 4))] = bytes((self._octet(),))
            frame[6] = min(255, len(frame) - 7)
        return sealed(bytes(frame))

    def _other_counter(self) -> bytes:
        """A record under a counter that was not used yet, as somebody would forge it from one that was."""
        frame = bytearray(self._pick())
        if len(frame) > 11:
            frame[4:6] = self.link_id.to_bytes(2, "little")
            frame[7:11] = self._random.choice(
                (self._random.randrange(5_000), 1 << 20, (1 << 20) - 1)
            ).to_bytes(4, "little")
        return sealed(bytes(frame))

    def _truncated_wire(self) -> bytes:
        wire = sealed(self._pick())
        return wire[: self._random.randrange(len(wire))]

    def _truncated_frame(self) -> bytes:
        frame = bytearray(self._pick())
        del frame[self._random.randrange(len(frame)) :]
        if len(frame) > 6 and self._random.random() < 0.7:
            frame[6] = len(frame) - 7
        return sealed(bytes(frame))

    def _spliced(self) -> bytes:
        one, two = self._pick(), self._pick()
        frame = bytearray(one[: self._random.randrange(len(one))] + two[self._random.randrange(len(two)) :])
        del frame[MAX_FRAME - 4 :]
        if len(frame) > 6 and self._random.random() < 0.7:
            frame[6] = len(frame) - 7
        return sealed(bytes(frame))

    def _repeated(self) -> bytes:
        return sealed(self._pick()) * self._random.choice((1, 1, 1, 2, 3))

    def _merged(self) -> bytes:
        """Two frames whose delimiters were lost, or that came in pieces."""
        one, two = sealed(self._pick()), sealed(self._pick())
        cut = self._random.choice(((0, 1), (0, 0), (1, 0), (1, 1)))
        return one[: len(one) - cut[0]] + self._random.choice((b"", b"\0", b"\0\0\0")) + two[cut[1] :]

    def _link_control(self) -> bytes:
        """A link control message, right or nearly so."""
        random = self._random
        op = random.choice((*OPS, self._octet()))
        body = random.randbytes(random.choice((0, 1, 3, 11, 12, 23, 32, 33)))
        if op == LinkOp.HELLO:
            body = bytes((random.choice((1, 1, 0, 2)), random.choice((1, 1, 2, 0)), 3)) + random.randbytes(8)
        link_id = random.choice((0xFFFF, 0xFFFF, self.link_id))
        return self._plain(FrameKind.LINK, link_id, bytes((op,)) + body)

    def _handshake(self) -> bytes:
        """A handshake message with right words around wrong keys."""
        random = self._random
        head = bytes((random.choice((0x0F, 0x33, 0x3C)), random.choice((0x0F, 0x0F, 0x33)))) + bytes(
            (random.choice((0, 0, 1, 2, 3, 0xFE, 0xFD)), 0)
        )
        size = random.choice((48, 48, 48, 47, 49, 64, 0))
        return self._plain(FrameKind.HANDSHAKE, self.link_id, head + random.randbytes(size))

    def _plain(self, kind: FrameKind, link_id: int, payload: bytes) -> bytes:
        seq = self._random.randrange(256)
        return sealed(
            bytes((PROTO, kind, self._flags, seq))
            + link_id.to_bytes(2, "little")
            + bytes((len(payload),))
            + payload
        )
