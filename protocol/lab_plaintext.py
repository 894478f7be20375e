"""Lab plaintext sessions: what stands in for a handshake where nothing is encrypted.

Only a pump that was started for the laboratory has them, see `protocol.clear_records`. The role is the
one that the option names, whoever asks.
"""

from protocol.clear_records import ClearReceiver, ClearSender
from protocol.frame import Direction, FrameKind
from protocol.pump_link import Entropy
from protocol.pump_session import PumpSession
from protocol.requests import LAB_SLOT
from protocol.vocabulary import Role


def begin_lab_session(
    link_id: int, role: Role, idle_timeout_s: int, entropy: Entropy, now_ms: int
) -> PumpSession:
    """Return the half-open session that the first clear record on a link begins."""
    session = PumpSession(
        session_id=int.from_bytes(entropy(4), "little"),
        link_id=link_id,
        slot=LAB_SLOT,
        role=role,
        opened_ms=now_ms,
        heard_ms=now_ms,
        idle_timeout_s=idle_timeout_s,
        sender=ClearSender(Direction.TO_PROGRAMMER, link_id),
        receiver=ClearReceiver(),
        kind=FrameKind.CLEAR,
    )
    session.begin()
    return session


def is_lab(session: PumpSession | None) -> bool:
    """Tell whether ``session`` is a lab plaintext session."""
    return session is not None and session.kind is FrameKind.CLEAR
