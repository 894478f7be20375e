"""Why a frame was not accepted: one list of reasons for all layers, and the value that explains one case.

OITP/1 drops silently: a malformed, foreign or forged frame is counted and never answered, so that noise
does not make the pump talk. What the peer does not hear, the local counters and these values still say.
"""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class DropReason(Enum):
    """Reasons to drop, in the order in which the layers check. The value is the name used in counters."""

    COBS = "cobs"
    OVERRUN = "overrun"
    GAP = "gap"
    SIZE = "size"
    CRC = "crc"
    PROTO = "proto"
    KIND = "kind"
    FLAGS = "flags"
    LENGTH = "length"
    LINK_ID = "link_id"
    STATE = "state"
    LINK_MESSAGE = "link_message"
    LOCKOUT = "lockout"
    HANDSHAKE = "handshake"
    RECORD_SHORT = "record_short"
    EXHAUSTED = "exhausted"
    REPLAY = "replay"
    AUTH = "auth"
    HEADER = "header"

    @property
    def text(self) -> str:
        """The reason as one sentence for a person who asks why there was no answer."""
        return _TEXTS[self]


_TEXTS = {
    DropReason.COBS: "The octets between two delimiters are not valid COBS.",
    DropReason.OVERRUN: "More octets came without a delimiter than any frame can have.",
    DropReason.GAP: "The sender fell silent inside a frame.",
    DropReason.SIZE: "The frame is shorter or longer than a link frame can be.",
    DropReason.CRC: "The CRC-32C does not match the frame.",
    DropReason.PROTO: "The frame is of another protocol or another major version.",
    DropReason.KIND: "The frame is of an unknown kind.",
    DropReason.FLAGS: "The flags are wrong: a reserved bit is set, or the frame goes the other way.",
    DropReason.LENGTH: "The length octet does not match the length of the frame.",
    DropReason.LINK_ID: "The frame belongs to another link.",
    DropReason.STATE: "The frame does not fit the present state of the link.",
    DropReason.LINK_MESSAGE: "The link control message is malformed.",
    DropReason.LOCKOUT: "Too many handshakes, or too many failed ones, came over this class of link.",
    DropReason.HANDSHAKE: "The handshake message is malformed or was made with other keys.",
    DropReason.RECORD_SHORT: "The secure record is too short for its counter and tag.",
    DropReason.EXHAUSTED: "The record counter is past the last record of a session.",
    DropReason.REPLAY: "The record counter was used before.",
    DropReason.AUTH: "The record was altered or sealed with another key.",
    DropReason.HEADER: "The application header inside the record is malformed.",
}


@dataclass(frozen=True, slots=True)
class Drop:
    """One thing that was received and not accepted, with what would have been right.

    ``octets`` is what was dropped, at most one link frame of it.
    """

    reason: DropReason
    expected: str
    received: str
    octets: bytes

    def __str__(self) -> str:
        return f"{self.reason.text} Expected {self.expected}, received {self.received}."
