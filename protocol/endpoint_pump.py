"""The pump's end of OITP/1: octets and time in, events out.

Every frame passes the fixed acceptance order; what is not accepted is counted, told as `FrameDropped`, and
never answered. A request that passes the checks up to proximity comes out as `RequestReceived`; the caller
executes it, makes it durable, and calls `PumpEndpoint.respond`. Time is link time in ms, handed in.
"""

from typing import Any, Final

from protocol.application import HEADER_SIZE, Header, build_error, build_response, parse_request, read_header
from protocol.drops import Drop, DropReason
from protocol.events import (
    AnswerRepeated,
    FrameDropped,
    HandshakeFailed,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
)
from protocol.exchange import Verdict
from protocol.frame import Frame, FrameKind, check_link_id, unfit
from protocol.framing import GAP_MS, Deframer, Direction, LinkCounters
from protocol.handshake import (
    IDLE_TIMEOUT_RANGE_S,
    Credentials,
    HandshakeError,
    HandshakeHeader,
    HandshakeKeyError,
    ResponderHandshake,
    SessionGrant,
    Suite,
)
from protocol.link_control import LinkClass, LinkErrorCode
from protocol.messages.codec import BodyError
from protocol.messages.registry import Access, MessageSpec, by_name
from protocol.noise import public_key
from protocol.pump_link import Entropy, HandshakeFault, PumpLink
from protocol.pump_session import IDLE_TIMEOUT_S, PumpSession
from protocol.requests import ENROL_SLOT, Caller, Keyring, Refusal, Request
from protocol.vocabulary import NO_FIELD, BondState, CloseReason, ErrorCode, Role

_CONFIRM: Final = by_name("SESSION_CONFIRM")
_CLOSE: Final = by_name("SESSION_CLOSE")
_MUTATING: Final = (Access.WRITE, Access.THERAPY)


class PumpEndpoint:
    """One pump on one byte pipe.

    Args:
        keyring: the device's keys and bonds.
        entropy: source of ephemeral keys, ids and nonces.
        link_class: near or far.
        idle_timeout_s: T_idle granted to sessions, 30..600 s.
        gap_ms: longest silence inside a frame.

    Raises:
        ValueError: ``idle_timeout_s`` is outside its range.
    """

    def __init__(
        self,
        keyring: Keyring,
        entropy: Entropy,
        *,
        link_class: LinkClass = LinkClass.NEAR,
        idle_timeout_s: int = IDLE_TIMEOUT_S,
        gap_ms: int = GAP_MS,
    ) -> None:
        low, high = IDLE_TIMEOUT_RANGE_S
        if not low <= idle_timeout_s <= high:
            raise ValueError(f"idle_timeout_s {idle_timeout_s} is outside {low}..{high} s")
        self._keyring = keyring
        self._entropy = entropy
        self._idle_timeout_s = idle_timeout_s
        self._deframer = Deframer(Direction.TO_PUMP, gap_ms)
        self._link = PumpLink(public_key(keyring.static_private), entropy, link_class)
        self._half_open: PumpSession | None = None
        self._session: PumpSession | None = None
        self._opening = b""
        self._opening_answer = b""

    @property
    def counters(self) -> LinkCounters:
        """What was received and what was refused, by reason."""
        return self._deframer.counters

    @property
    def frames_sent(self) -> int:
        """Frames queued since the start."""
        return self._link.frames_sent

    @property
    def session(self) -> PumpSession | None:
        """The established session, or None."""
        return self._session

    def data_to_send(self) -> bytes:
        """Return the octets that wait to be sent and forget them."""
        return self._link.take()

    def next_deadline(self) -> int | None:
        """Return the link time at which `handle_timeout` must be called, or None."""
        times = [session.deadline() for session in (self._half_open, self._session) if session]
        gap = self._deframer.next_deadline()
        return min([*times, gap] if gap is not None else times, default=None)

    def receive(self, data: bytes, now_ms: int) -> list[PumpEvent]:
        """Take octets that arrived at ``now_ms``; return what they mean."""
        events = self._expire(now_ms)
        for item in self._deframer.receive(data, now_ms):
            if isinstance(item, Drop):
                events.append(FrameDropped(item))
            else:
                self._dispatch(item, now_ms, events)
        return events

    def handle_timeout(self, now_ms: int) -> list[PumpEvent]:
        """Let time pass to ``now_ms``."""
        events = self._expire(now_ms)
        drop = self._deframer.expire(now_ms)
        if drop is not None:
            events.append(FrameDropped(drop))
        return events

    def disconnected(self, now_ms: int) -> list[PumpEvent]:
        """The pipe broke: the session ends, delivery goes on."""
        events = self._expire(now_ms)
        self._end_half_open()
        self._end_session(CloseReason.LINK_LOST, events)
        self._link.disconnected()
        return events

    def respond(self, event: RequestReceived, reply: Any) -> list[PumpEvent]:
        """Send what the device answered to ``event``: a response body or a `Refusal`."""
        spec, txn = event.request.spec, event.txn
        if isinstance(reply, Refusal):
            plaintext = build_error(spec.request_opcode, txn, reply.code, reply.field, reply.detail)
        else:
            plaintext = build_response(spec, reply, txn)
        events: list[PumpEvent] = []
        session = self._session
        if session is None or session.session_id != event.request.caller.session_id:
            return events
        self._complete(session, plaintext, events)
        if spec is _CLOSE and not isinstance(reply, Refusal):
            self._end_session(event.request.body.reason, events)
        return events

    def respond_internal_error(self, event: RequestReceived) -> list[PumpEvent]:
        """Answer ``event`` with INTERNAL: the device failed while executing it."""
        return self.respond(event, Refusal(ErrorCode.INTERNAL))

    # --- frames -----------------------------------------------------------------------------------------

    def _dispatch(self, frame: Frame, now_ms: int, events: list[PumpEvent]) -> None:
        if frame.kind is FrameKind.LINK:
            drop = self._link.receive(frame, now_ms)
        elif frame.kind is FrameKind.HANDSHAKE:
            drop = check_link_id(frame, self._link.link_id) or self._on_handshake(frame, now_ms, events)
        elif frame.kind is FrameKind.SECURE:
            drop = check_link_id(frame, *self._link_ids()) or self._on_record(frame, now_ms, events)
        else:
            drop = unfit(frame, DropReason.STATE, "a LINK, HANDSHAKE or SECURE frame", frame.kind.name)
        if drop is not None:
            self._drop(drop, events)

    def _drop(self, drop: Drop, events: list[PumpEvent]) -> None:
        self.counters.count(drop)
        events.append(FrameDropped(drop))

    def _link_ids(self) -> tuple[int, ...]:
        return (self._link.link_id, *(s.link_id for s in (self._half_open, self._session) if s))

    # --- handshake --------------------------------------------------------------------------------------

    def _on_handshake(self, frame: Frame, now_ms: int, events: list[PumpEvent]) -> Drop | None:
        discovery = self._link.discovery
        if discovery is None:
            return unfit(frame, DropReason.STATE, "HELLO first", "a handshake")
        try:
            header = HandshakeHeader.decode(frame.payload)
        except HandshakeError as error:
            return self._fail(frame, 0, HandshakeFault.MALFORMED, str(error), now_ms, events)
        if self._opening == frame.payload:
            return self._on_opening_again(frame)
        slot = ENROL_SLOT if header.suite is Suite.NNPSK0 else header.slot
        if self._session is not None and self._session.slot != slot:
            self._link.refuse(LinkErrorCode.BUSY, 0, now_ms)
            return unfit(
                frame, DropReason.STATE, "no session of another programmer", f"a handshake for slot {slot}"
            )
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
        self._end_half_open()
        self._half_open = PumpSession.begin(
            grant.session_id, self._link.link_id, slot, role, now_ms, self._idle_timeout_s, keys
        )
        self._opening, self._opening_answer = frame.payload, answer
        self._link.send_payload(FrameKind.HANDSHAKE, self._link.link_id, answer)
        return None

    def _on_opening_again(self, frame: Frame) -> Drop | None:
        # While half open, its sender did not hear the answer, and new keys would cross it. Afterwards it is a
        # late copy or a replay, and opens nothing.
        if self._half_open is None:
            return unfit(frame, DropReason.STATE, "a new handshake", "a copy of one that is over")
        self._link.send_payload(FrameKind.HANDSHAKE, self._link.link_id, self._opening_answer)
        return None

    def _credentials(self, header: HandshakeHeader) -> tuple[Credentials, Role, BondState] | HandshakeFault:
        if header.suite is Suite.NNPSK0:
            return Credentials(psk=self._keyring.enrol_psk), Role.ENROL, BondState.PROVISIONAL
        if header.suite is not Suite.KK:
            return HandshakeFault.SUITE
        bond = self._keyring.bond(header.slot)
        if bond is None:
            return HandshakeFault.UNKNOWN_SLOT
        if bond.state is BondState.REVOKED:
            return HandshakeFault.REVOKED
        keys = Credentials(static=self._keyring.static_private, remote_static=bond.static_public)
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
        events.append(HandshakeFailed(slot, drop))
        self._link.refuse(LinkErrorCode.HANDSHAKE_MALFORMED, fault, now_ms)
        return drop

    # --- records ----------------------------------------------------------------------------------------

    def _on_record(self, frame: Frame, now_ms: int, events: list[PumpEvent]) -> Drop | None:
        opened = self._open_record(frame, now_ms)
        if isinstance(opened, Drop):
            return opened
        session, plaintext = opened
        if session is self._half_open:
            self._promote(session, events)
        header = read_header(plaintext)
        if header is None:
            text = f"{len(plaintext)} octets"
            return unfit(frame, DropReason.HEADER, f"an application header of {HEADER_SIZE} octets", text)
        verdict = session.exchange.judge(header.txn)
        if verdict is Verdict.REPEAT:
            self._seal(session, session.exchange.repeat(), events)
            events.append(AnswerRepeated(header.txn))
        elif verdict is Verdict.IN_PROGRESS:
            return unfit(
                frame, DropReason.STATE, "no copy of a request that is being executed", f"txn {header.txn}"
            )
        elif verdict is Verdict.OUT_OF_SEQUENCE:
            expected = session.exchange.expected
            error = build_error(header.opcode, header.txn, ErrorCode.TXN_SEQUENCE, NO_FIELD, expected)
            self._seal(session, error, events)
        else:
            self._execute(session, header, plaintext, events)
        return None

    def _open_record(self, frame: Frame, now_ms: int) -> tuple[PumpSession, bytes] | Drop:
        """Open a record with the keys of the session it belongs to.

        An established session and a half-open one may share a link, so each is tried: a handshake alone may
        be a replay, and must not come between the established session and its records.
        """
        refused: Drop | None = None
        for session in (self._session, self._half_open):
            if session is None or session.link_id != frame.link_id:
                continue
            plaintext = session.open(frame, now_ms)
            if not isinstance(plaintext, Drop):
                return session, plaintext
            refused = refused or plaintext
        if refused is None:
            self._link.refuse(LinkErrorCode.NO_SESSION, 0, now_ms)
            refused = unfit(frame, DropReason.STATE, "an open session", "a record without one")
        return refused

    def _promote(self, session: PumpSession, events: list[PumpEvent]) -> None:
        """The first valid record proves the keys: only now may an older session of the same bond go."""
        self._half_open = None
        self._end_session(CloseReason.REPLACED, events)
        self._session = session

    def _execute(
        self, session: PumpSession, header: Header, plaintext: bytes, events: list[PumpEvent]
    ) -> None:
        try:
            spec, body = parse_request(header, plaintext)
        except BodyError as error:
            refusal = build_error(header.opcode, header.txn, error.code, error.field)
            self._complete(session, refusal, events)
            return
        refused = self._judge_access(session, spec)
        if refused is not None:
            self._complete(session, build_error(header.opcode, header.txn, refused), events)
            if refused is ErrorCode.BOND_REVOKED:
                self._end_session(CloseReason.REVOKED, events)
            return
        caller = Caller(session.session_id, session.slot, session.role, self._link.near, header.txn - 1)
        if spec is _CONFIRM and not session.confirmed:
            session.confirm()
            events.append(SessionOpened(caller))
        events.append(RequestReceived(Request(spec, body, caller), header.txn))

    def _judge_access(self, session: PumpSession, spec: MessageSpec) -> ErrorCode | None:
        """Session, then role, then proximity, then how far the bond is trusted (OITP/1 section 15).

        A bond that was revoked meanwhile has no session any more, so that comes with the session.
        """
        enrolling = session.slot == ENROL_SLOT
        bond = None if enrolling else self._keyring.bond(session.slot)
        if not enrolling and (bond is None or bond.state is BondState.REVOKED):
            return ErrorCode.BOND_REVOKED
        if not session.confirmed and spec is not _CONFIRM:
            return ErrorCode.SESSION_NOT_CONFIRMED
        if session.role not in spec.roles:
            return ErrorCode.ROLE_FORBIDDEN
        # Enrolment needs the near link for every change, a bonded programmer only for therapy.
        needs_near = _MUTATING if enrolling else (Access.THERAPY,)
        if spec.access in needs_near and not self._link.near:
            return ErrorCode.PROXIMITY_REQUIRED
        if bond is not None and bond.state is BondState.PROVISIONAL and spec.access in _MUTATING:
            return ErrorCode.BOND_PROVISIONAL
        return None

    # --- answers and endings ----------------------------------------------------------------------------

    def _complete(self, session: PumpSession, plaintext: bytes, events: list[PumpEvent]) -> None:
        session.exchange.complete(plaintext)
        self._seal(session, plaintext, events)
        if session.exchange.exhausted:
            self._end_session(CloseReason.TXN_EXHAUSTED, events)

    def _seal(self, session: PumpSession, plaintext: bytes, events: list[PumpEvent]) -> None:
        self._link.send(session.seal(self._link.next_seq, plaintext))
        if not session.sender.remaining:
            self._end_session(CloseReason.EXPIRED, events)

    def _end_session(self, reason: CloseReason, events: list[PumpEvent]) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()
            events.append(SessionClosed(session.session_id, reason))

    def _end_half_open(self) -> None:
        session, self._half_open = self._half_open, None
        if session is not None:
            session.end()

    def _expire(self, now_ms: int) -> list[PumpEvent]:
        events: list[PumpEvent] = []
        if self._half_open is not None and now_ms >= self._half_open.deadline():
            self._end_half_open()
        session = self._session
        if session is not None and now_ms >= session.deadline():
            self._end_session(session.time_out_reason(), events)
        return events
