"""One session as the pump keeps it: keys, record counters, the exactly-once cache, and who is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from protocol.drops import Drop
from protocol.exchange import ExchangeServer
from protocol.frame import Direction, Frame
from protocol.handshake import SessionKeys
from protocol.records import RecordReceiver, RecordSender
from protocol.states import SESSION_TABLE, SessionInput, SessionState, next_state
from protocol.vocabulary import CloseReason, Role

HALF_OPEN_MS: Final = 5_000
IDLE_TIMEOUT_S: Final = 120
SESSION_MS: Final = 8 * 3_600_000


@dataclass(slots=True)
class PumpSession:
    """State of one session.

    Attributes:
        session_id: random id.
        link_id: link its frames carry.
        slot: bond slot, 255 for an enrolment.
        role: role of the bond, ENROL for an enrolment.
        opened_ms: link time of the handshake.
        heard_ms: link time of the last valid record.
        idle_timeout_s: silence after which it closes.
    """

    session_id: int
    link_id: int
    slot: int
    role: Role
    opened_ms: int
    heard_ms: int
    idle_timeout_s: int
    sender: RecordSender
    receiver: RecordReceiver
    exchange: ExchangeServer = field(default_factory=ExchangeServer)
    state: SessionState = SessionState.NONE

    @classmethod
    def begin(
        cls,
        session_id: int,
        link_id: int,
        slot: int,
        role: Role,
        now_ms: int,
        idle_timeout_s: int,
        keys: SessionKeys,
    ) -> "PumpSession":
        """Return the half-open session that a handshake left."""
        sender = RecordSender(keys.send, Direction.TO_PROGRAMMER, link_id)
        receiver = RecordReceiver(keys.receive)
        session = cls(session_id, link_id, slot, role, now_ms, now_ms, idle_timeout_s, sender, receiver)
        session._step(SessionInput.HANDSHAKE)
        return session

    @property
    def confirmed(self) -> bool:
        """Whether SESSION_CONFIRM was received."""
        return self.state is SessionState.CONFIRMED

    def open(self, frame: Frame, now_ms: int) -> bytes | Drop:
        """Return the plaintext of a record, or why it is refused; a valid one keeps the session alive."""
        plaintext = self.receiver.open(frame)
        if not isinstance(plaintext, Drop):
            self.heard_ms = now_ms
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
