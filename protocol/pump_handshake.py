"""The pump's side of opening a session: who may try, with which keys, and the half-open session it leaves.

A class of link that is locked out, or has used its budget up, costs no key operation. A half-open session
never displaces an established one; its keys are proven by its first record only, since the first message may
be a replay. Source: OITP/1 section 5 and "Access, enrolment and abuse policy".
"""

from protocol.coupling import Coupling
from protocol.drops import Drop, DropReason
from protocol.events import HandshakeFailed, PumpEvent
from protocol.frame import Direction, Frame, FrameKind, unfit
from protocol.handshake import (
    Credentials,
    Discovery,
    HandshakeError,
    HandshakeHeader,
    HandshakeKeyError,
    ResponderHandshake,
    SessionGrant,
    Suite,
)
from protocol.link_control import LinkErrorCode
from protocol.pump_link import Entropy, HandshakeFault, PumpLink
from protocol.pump_session import PumpSession
from protocol.records import RecordReceiver, RecordSender
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, Keyring
from protocol.vocabulary import BondState, Role

_GUESSES = frozenset((HandshakeFault.UNKNOWN_SLOT, HandshakeFault.WRONG_KEYS, HandshakeFault.REVOKED))
"""What somebody who tries keys would see; a malformed message is a defect, not an attempt."""


class PumpHandshake:
    """Answers handshakes on one link.

    Args:
        keyring: the device's keys, bonds and handshake budget.
        link: link control, which knows the discovery and sends.
        entropy: source of ephemeral keys and session ids.
        idle_timeout_s: T_idle granted to sessions.
        head: the programming head, None on a far link.
    """

    def __init__(
        self, keyring: Keyring, link: PumpLink, entropy: Entropy, idle_timeout_s: int, head: Coupling | None
    ) -> None:
        self._keyring = keyring
        self._link = link
        self._entropy = entropy
        self._idle_timeout_s = idle_timeout_s
        self._head = head
        self._opening = b""
        self._answer = b""
        self.half_open: PumpSession | None = None

    def end(self) -> None:
        """Drop the half-open session."""
        session, self.half_open = self.half_open, None
        if session is not None:
            session.end()

    def receive(
        self, frame: Frame, established: PumpSession | None, now_ms: int, events: list[PumpEvent]
    ) -> Drop | None:
        """Handle a HANDSHAKE frame; return why it was not accepted, or None where an answer is queued."""
        discovery = self._link.discovery
        if discovery is None:
            return unfit(frame, DropReason.STATE, "HELLO first", "a handshake")
        if self._head is not None and not self._head.on:
            # Without the head there is no near link that could wake the pump.
            self._link.refuse(LinkErrorCode.HANDSHAKE_MALFORMED, HandshakeFault.PROXIMITY, now_ms)
            return unfit(frame, DropReason.STATE, "the programming head on the pump", "a handshake")
        try:
            header = HandshakeHeader.decode(frame.payload)
        except HandshakeError as error:
            return self._fail(frame, 0, HandshakeFault.MALFORMED, str(error), now_ms, events)
        locked_s = self._keyring.lockout_s(self._link.link_class)
        # There is nothing to guess about the published key, and a lockout must not keep help away.
        if locked_s and not self._is_emergency(header):
            return self._put_off(frame, locked_s, now_ms)
        if self._opening == frame.payload:
            return self._open_again(frame)
        slot = ENROL_SLOT if header.suite is Suite.NNPSK0 else header.slot
        if self._is_busy(established, slot):
            self._link.refuse(LinkErrorCode.BUSY, 0, now_ms)
            received = f"a handshake for slot {slot}"
            return unfit(frame, DropReason.STATE, "no session of another programmer", received)
        wait_s = self._keyring.admit_handshake(self._link.link_class)
        if wait_s:
            return self._put_off(frame, wait_s, now_ms)
        return self._open(frame, header, discovery, slot, now_ms, events)

    def _is_emergency(self, header: HandshakeHeader) -> bool:
        return header.suite is Suite.KK and header.slot == EMERGENCY_SLOT and self._link.near

    def _put_off(self, frame: Frame, seconds: int, now_ms: int) -> Drop:
        self._link.refuse(LinkErrorCode.LOCKED_OUT, min(seconds, 0xFFFF), now_ms)
        expected = f"no handshake for another {seconds} s"
        return unfit(frame, DropReason.LOCKOUT, expected, "a handshake")

    def _is_busy(self, established: PumpSession | None, slot: int) -> bool:
        if established is not None and established.slot != slot:
            return True
        return self._keyring.session_elsewhere(None if established is None else established.session_id)

    def _open_again(self, frame: Frame) -> Drop | None:
        # While half open, its sender did not hear the answer, and new keys would cross it. Afterwards it is a
        # late copy or a replay, and opens nothing.
        if self.half_open is None:
            return unfit(frame, DropReason.STATE, "a new handshake", "a copy of one that is over")
        self._link.send_payload(FrameKind.HANDSHAKE, self._link.link_id, self._answer)
        return None

    def _open(
        self,
        frame: Frame,
        header: HandshakeHeader,
        discovery: Discovery,
        slot: int,
        now_ms: int,
        events: list[PumpEvent],
    ) -> Drop | None:
        found = self._credentials(header)
        if isinstance(found, HandshakeFault):
            text = f"slot {header.slot} with {header.suite.name}: {found.name.lower()}"
            return self._fail(frame, slot, found, text, now_ms, events)
        credentials, role, bond_state = found
        handshake = ResponderHandshake(header, discovery, credentials, self._entropy(32))
        try:
            handshake.read_first(frame.payload)
            grant = self._grant(role, bond_state)
            answer, keys = handshake.second_message(grant)
        except HandshakeError as error:
            wrong_keys = isinstance(error, HandshakeKeyError)
            fault = HandshakeFault.WRONG_KEYS if wrong_keys else HandshakeFault.MALFORMED
            return self._fail(frame, slot, fault, str(error), now_ms, events)
        self.end()
        session = PumpSession(
            session_id=grant.session_id,
            link_id=self._link.link_id,
            slot=slot,
            role=role,
            opened_ms=now_ms,
            heard_ms=now_ms,
            idle_timeout_s=self._idle_timeout_s,
            sender=RecordSender(keys.send, Direction.TO_PROGRAMMER, self._link.link_id),
            receiver=RecordReceiver(keys.receive),
            has_token=header.suite is Suite.KKPSK2,
        )
        session.begin()
        self.half_open = session
        self._opening, self._answer = frame.payload, answer
        self._link.send_payload(FrameKind.HANDSHAKE, self._link.link_id, answer)
        return None

    def _credentials(self, header: HandshakeHeader) -> tuple[Credentials, Role, BondState] | HandshakeFault:
        if header.suite is Suite.NNPSK0:
            return Credentials(psk=self._keyring.enrol_psk), Role.ENROL, BondState.PROVISIONAL
        with_token = header.suite is Suite.KKPSK2
        if with_token and not (self._keyring.far_link and not self._link.near):
            return HandshakeFault.SUITE
        if header.slot == EMERGENCY_SLOT and not self._link.near:
            return HandshakeFault.PROXIMITY
        bond = self._keyring.bond(header.slot)
        if bond is None:
            return HandshakeFault.UNKNOWN_SLOT
        if bond.state is BondState.REVOKED:
            return HandshakeFault.REVOKED
        psk = self._keyring.proximity_psk(header.slot) if with_token else None
        if with_token and psk is None:
            return HandshakeFault.PROXIMITY
        keys = Credentials(static=self._keyring.static_private, remote_static=bond.static_public, psk=psk)
        return keys, bond.role, bond.state

    def _grant(self, role: Role, bond_state: BondState) -> SessionGrant:
        session_id = int.from_bytes(self._entropy(4), "little")
        return SessionGrant(
            session_id,
            self._keyring.boot_count,
            self._keyring.uptime_s,
            self._idle_timeout_s,
            role,
            bond_state,
        )

    def _fail(
        self, frame: Frame, slot: int, fault: HandshakeFault, text: str, now_ms: int, events: list[PumpEvent]
    ) -> Drop:
        drop = unfit(frame, DropReason.HANDSHAKE, "a handshake of a bonded programmer", text)
        events.append(HandshakeFailed(slot, drop, self._link.link_class, fault in _GUESSES))
        self._link.refuse(LinkErrorCode.HANDSHAKE_MALFORMED, fault, now_ms)
        return drop
