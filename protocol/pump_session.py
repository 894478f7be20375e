"""One session as the pump keeps it: keys, record counters, the exactly-once cache, and who is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from protocol.drops import Drop
from protocol.exchange import ExchangeServer
from protocol.frame import Frame, FrameKind
from protocol.notifications import Notifier
from protocol.request_words import EventMask
from protocol.states import SESSION_TABLE, SessionInput, SessionState, next_state
from protocol.vocabulary import CloseReason, Role

HALF_OPEN_MS: Final = 5_000
IDLE_TIMEOUT_S: Final = 120
SESSION_MS: Final = 8 * 3_600_000


WARN_IDLE_MS: Final = 10_000
WARN_EXPIRY_MS: Final = 60_000
"""How long before its end a subscriber is told that the session ends."""

ENDPOINT_MESSAGES: Final = frozenset(("SUBSCRIBE", "NOTIFY_ACK"))
"""Requests that the endpoint answers itself: what is told to whom is a matter of the session."""


class Sender(Protocol):
    """Makes the frames of one session's records."""

    @property
    def remaining(self) -> int:
        """Records that can still be sent."""

    def seal(self, seq: int, plaintext: bytes) -> Frame:
        """Return the frame that carries ``plaintext``."""


class Receiver(Protocol):
    """Opens the records of one session."""

    def open(self, frame: Frame) -> bytes | Drop:
        """Return the plaintext, or why the record is not accepted."""


@dataclass(slots=True)
class PumpSession:
    """State of one session.

    Attributes:
        session_id: random id.
        link_id: link its frames carry.
        slot: bond slot, or 255 enrolment, 254 emergency key, 253 lab plaintext.
        role: role of the bond, ENROL for an enrolment.
        opened_ms: link time of the handshake.
        heard_ms: link time of the last valid record.
        idle_timeout_s: silence after which it closes.
        kind: SECURE, or CLEAR for lab plaintext.
        has_token: it was opened with a proximity token, so that therapy may come over a far link.
    """

    session_id: int
    link_id: int
    slot: int
    role: Role
    opened_ms: int
    heard_ms: int
    idle_timeout_s: int
    sender: Sender
    receiver: Receiver
    kind: FrameKind = FrameKind.SECURE
    has_token: bool = False
    exchange: ExchangeServer = field(default_factory=ExchangeServer)
    notifier: Notifier = field(default_factory=Notifier)
    state: SessionState = SessionState.NONE

    def begin(self) -> None:
        """Book the handshake, or the first clear record: the session is half open."""
        self._step(SessionInput.HANDSHAKE)

    @property
    def confirmed(self) -> bool:
        """Whether SESSION_CONFIRM was received."""
        return self.state is SessionState.CONFIRMED

    def open(self, frame: Frame, now_ms: int) -> bytes | Drop:
        """Return the plaintext of a record, or why it is refused; a valid one keeps the session alive."""
        plaintext = self.receiver.open(frame)
        if not isinstance(plaintext, Drop):
            self.heard_ms = now_ms
            if self.notifier.mask:
                self.notifier.stays(CloseReason.IDLE)
            if self.state is SessionState.HALF_OPEN:  # in any other state the table says: no change
                self._step(SessionInput.VALID_RECORD)
        return plaintext

    def confirm(self) -> None:
        """Book SESSION_CONFIRM."""
        self._step(SessionInput.CONFIRM)

    def end(self) -> None:
        """Book the end, whatever the reason."""
        self._step(SessionInput.END)

    def _step(self, happened: SessionInput) -> None:
        self.state = next_state(SESSION_TABLE, self.state, happened)

    def seal(self, next_seq: Callable[[], int], plaintext: bytes) -> Frame:
        """Return the frame that carries ``plaintext``."""
        return self.sender.seal(next_seq(), plaintext)

    def warn(self, now_ms: int) -> None:
        """Tell a subscriber whose session will soon end."""
        if EventMask.SESSION not in self.notifier.mask:
            return
        self._warn(CloseReason.IDLE, self._idle_ms(), WARN_IDLE_MS, now_ms)
        self._warn(CloseReason.EXPIRED, self.opened_ms + SESSION_MS, WARN_EXPIRY_MS, now_ms)

    def _warn(self, reason: CloseReason, ends_ms: int, before_ms: int, now_ms: int) -> None:
        if now_ms >= ends_ms - before_ms:
            self.notifier.ending(reason, (ends_ms - now_ms) // 1_000)

    def warns_at(self) -> int | None:
        """Return when `warn` has something to tell next, or None where nobody wants to know."""
        if EventMask.SESSION not in self.notifier.mask:
            return None
        ends = {
            CloseReason.IDLE: self._idle_ms() - WARN_IDLE_MS,
            CloseReason.EXPIRED: self.opened_ms + SESSION_MS - WARN_EXPIRY_MS,
        }
        return min((at for reason, at in ends.items() if not self.notifier.told_ending(reason)), default=None)

    def next_deadline(self) -> int:
        """Return when something is due: the end, a warning of it, or a notification."""
        ends_ms = self.deadline()
        if not self.notifier.mask:
            return ends_ms
        told = (self.warns_at(), self.notifier.deadline())
        return min((at for at in told if at is not None and at < ends_ms), default=ends_ms)

    def deadline(self) -> int:
        """Return the link time at which the session ends if nothing is heard."""
        if self.state is SessionState.HALF_OPEN:
            return self.opened_ms + HALF_OPEN_MS
        return min(self._idle_ms(), self.opened_ms + SESSION_MS)

    def time_out_reason(self) -> CloseReason:
        """Return why an established session ends at its `deadline`."""
        return CloseReason.IDLE if self._idle_ms() <= self.opened_ms + SESSION_MS else CloseReason.EXPIRED

    def _idle_ms(self) -> int:
        return self.heard_ms + self.idle_timeout_s * 1_000


def sooner(one: int | None, other: int | None) -> int | None:
    """Return the earlier of two instants, of which None is never."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
