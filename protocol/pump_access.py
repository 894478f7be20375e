"""What a session may ask for: its bond, its role, the programming head, and how far the bond is trusted.

The order is that of OITP/1 section 15 after the body was found good: session, role, proximity, trust.
"""

from typing import Final

from protocol.coupling import Coupling
from protocol.messages.registry import Access, MessageSpec, by_name
from protocol.pump_session import PumpSession
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, LAB_SLOT, Bond, Keyring, Refusal
from protocol.vocabulary import BondState, ErrorCode

EMERGENCY_DWELL_MS: Final = 30_000
"""The head must be on the pump for so long before the published emergency key may ask for anything."""

_CONFIRM: Final = by_name("SESSION_CONFIRM")
_MUTATING: Final = (Access.WRITE, Access.THERAPY)
_WITHOUT_BOND: Final = (ENROL_SLOT, LAB_SLOT)
_SESSION_GROUP: Final = 0


def judge_access(
    session: PumpSession, spec: MessageSpec, keyring: Keyring, head: Coupling | None, now_ms: int
) -> Refusal | None:
    """Return why ``session`` may not send ``spec``, or None.

    Args:
        session: who asks.
        spec: what is asked.
        keyring: the pump's bonds.
        head: the programming head on the near link; None on a far link, which has none.
        now_ms: link time.
    """
    bond = None if session.slot in _WITHOUT_BOND else keyring.bond(session.slot)
    # A bond that was revoked meanwhile has no session any more, so that comes with the session.
    if session.slot not in _WITHOUT_BOND and (bond is None or bond.state is BondState.REVOKED):
        return Refusal(ErrorCode.BOND_REVOKED)
    if not session.confirmed and spec is not _CONFIRM:
        return Refusal(ErrorCode.SESSION_NOT_CONFIRMED)
    if session.role not in spec.roles:
        return Refusal(ErrorCode.ROLE_FORBIDDEN)
    far = _judge_proximity(session, spec, head, now_ms)
    return far or _judge_trust(bond, spec)


def _judge_proximity(
    session: PumpSession, spec: MessageSpec, head: Coupling | None, now_ms: int
) -> Refusal | None:
    head_is_on = head is not None and head.on
    if session.slot == EMERGENCY_SLOT and spec.group != _SESSION_GROUP:
        dwelt_ms = head.on_for_ms(session.opened_ms, now_ms) if head is not None else 0
        if dwelt_ms < EMERGENCY_DWELL_MS:
            left_s = -(-(EMERGENCY_DWELL_MS - dwelt_ms) // 1_000)
            return Refusal(ErrorCode.PROXIMITY_REQUIRED, detail=left_s)
    # Enrolment needs the head for every change, a bonded programmer only for therapy.
    enrolling = session.slot == ENROL_SLOT and spec.access in _MUTATING
    if (spec.head_only or enrolling) and not head_is_on:
        return Refusal(ErrorCode.PROXIMITY_REQUIRED)
    if spec.access is Access.THERAPY and not (head_is_on or session.has_token):
        return Refusal(ErrorCode.PROXIMITY_REQUIRED)
    return None


def _judge_trust(bond: Bond | None, spec: MessageSpec) -> Refusal | None:
    if bond is not None and bond.state is BondState.PROVISIONAL and spec.access in _MUTATING:
        return Refusal(ErrorCode.BOND_PROVISIONAL)
    return None
