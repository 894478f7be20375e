"""What a stored change owes the log: kept in the record of the change, so that no change goes untold.

A change counts from the write of its record on, and power may fail before the log is written. The record
therefore names the log record that belongs to it; a reset writes it where it is missing. Telling and
recovering are the same call, `EventLog.settle`, which writes only what is not there.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from protocol.log_record import PAYLOAD_SIZE
from protocol.messages.codec import codec_of
from protocol.messages.fields import octets, u8, u32, word16
from protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True)
class LogDebt:
    """One record the log must hold; false where nothing is owed."""

    log_from: Annotated[int, u32("", "sequence number from which on the log may tell of it, 0 nothing owed")]
    type: Annotated[EventType, word16(EventType, "what happened")]
    actor_slot: Annotated[int, u8("", "bond slot that caused it, 255 the pump itself")]
    payload: Annotated[bytes, octets(PAYLOAD_SIZE, "details")]

    def __bool__(self) -> bool:
        return self.log_from > 0


NO_DEBT: Final = LogDebt(0, EventType.BOOT, 0xFF, bytes(PAYLOAD_SIZE))

_CODEC: Final = codec_of(LogDebt)


def with_debt(payload: bytes, debt: LogDebt) -> bytes:
    """Return the octets of a record that carries ``debt``."""
    return payload + _CODEC.encode(debt)


def split_debt(stored: bytes) -> tuple[bytes, LogDebt]:
    """Return payload and debt of a stored record; an empty one owes nothing."""
    if not stored:
        return b"", NO_DEBT
    return stored[: -_CODEC.fixed_size], _CODEC.decode(stored[-_CODEC.fixed_size :])
