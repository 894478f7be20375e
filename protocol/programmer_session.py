"""One session as the programmer keeps it: records, the waiting request, and what was told unasked."""

from dataclasses import dataclass, field
from typing import Final, Self

from protocol.clear_records import ClearReceiver, ClearSender
from protocol.exchange import ExchangeClient
from protocol.frame import Direction, FrameKind
from protocol.handshake import SessionKeys
from protocol.pump_session import Receiver, Sender
from protocol.records import RecordReceiver, RecordSender

_REMEMBERED: Final = 1_024
"""Notifications after which a repetition of an earlier one is no longer expected."""


@dataclass(slots=True)
class ProgrammerSession:
    """Keys and counters of the open session.

    Attributes:
        sender: makes the records that go out.
        receiver: opens those that come in.
        exchange: the request that waits for its answer.
        kind: SECURE, or CLEAR for lab plaintext.
    """

    sender: Sender
    receiver: Receiver
    exchange: ExchangeClient
    kind: FrameKind
    _told: set[int] = field(default_factory=set)

    @classmethod
    def secure(cls, keys: SessionKeys, link_id: int, retries: int) -> Self:
        """Return the session that a handshake opened."""
        sender = RecordSender(keys.send, Direction.TO_PUMP, link_id)
        return cls(sender, RecordReceiver(keys.receive), ExchangeClient(retries), FrameKind.SECURE)

    @classmethod
    def lab(cls, link_id: int, retries: int) -> Self:
        """Return a lab plaintext session."""
        sender = ClearSender(Direction.TO_PUMP, link_id)
        return cls(sender, ClearReceiver(), ExchangeClient(retries), FrameKind.CLEAR)

    def was_told(self, notify_seq: int) -> bool:
        """Remember a notification; tell whether it came before."""
        repeated = notify_seq in self._told
        self._told.add(notify_seq)
        self._told.discard(notify_seq - _REMEMBERED)
        return repeated
