"""The pump's end of OITP/1: octets and time in, events out.

Every frame passes the fixed acceptance order; what is not accepted is counted, told as `FrameDropped`, and
never answered. A request that passes the checks up to proximity comes out as `RequestReceived`; the caller
executes it, makes it durable, and calls `PumpEndpoint.respond`. A subscriber is told what changed when the
caller hands an `Observation` to `PumpEndpoint.observe`. Time is link time in ms, handed in.
"""

from typing import Any, Final

from protocol.application import (
    HEADER_SIZE,
    Header,
    build_error,
    build_notification,
    build_response,
    parse_request,
    read_header,
)
from protocol.coupling import Coupling
from protocol.drops import Drop, DropReason
from protocol.events import (
    AnswerRepeated,
    FrameDropped,
    PlaintextTap,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
)
from protocol.exchange import Verdict
from protocol.frame import Frame, FrameKind, check_link_id, unfit
from protocol.framing import GAP_MS, Deframer, Direction, LinkCounters
from protocol.handshake import IDLE_TIMEOUT_RANGE_S
from protocol.lab_plaintext import begin_lab_session, is_lab
from protocol.link_control import LinkClass, LinkErrorCode
from protocol.messages.codec import BodyError
from protocol.messages.registry import MessageSpec, by_name
from protocol.messages.session import NotifyAckResponse, SubscribeRequest, SubscribeResponse
from protocol.noise import public_key
from protocol.pump_access import judge_access
from protocol.pump_handshake import PumpHandshake
from protocol.pump_link import Entropy, PumpLink, suites_of
from protocol.pump_session import ENDPOINT_MESSAGES, IDLE_TIMEOUT_S, PumpSession, sooner
from protocol.requests import Caller, Keyring, Observation, Refusal, Request
from protocol.vocabulary import NO_FIELD, CloseReason, ErrorCode, Role

__all__ = ["ENDPOINT_MESSAGES", "PumpEndpoint"]

_CONFIRM: Final = by_name("SESSION_CONFIRM")
_CLOSE: Final = by_name("SESSION_CLOSE")
_REPORTING: Final = (_CONFIRM, by_name("LINK_STATS"), by_name("SECURITY_STATUS"))
_LAST_RECORDS: Final = 64
"""Records left at which a subscriber is told that the session ends."""


class PumpEndpoint:
    """One pump on one byte pipe.

    Args:
        keyring: the device's keys and bonds.
        entropy: source of ephemeral keys, ids and nonces.
        link_class: near or far.
        idle_timeout_s: T_idle granted to sessions, 30..600 s.
        gap_ms: longest silence inside a frame.
        lab_role: answer lab plaintext in this role; None, the default, refuses it.
        plaintext_tap: sees every message in plaintext; None, the default, shows nobody.

    Raises:
        ValueError: ``idle_timeout_s`` is outside its range, or ``lab_role`` is none a session can have.
    """

    def __init__(
        self,
        keyring: Keyring,
        entropy: Entropy,
        *,
        link_class: LinkClass = LinkClass.NEAR,
        idle_timeout_s: int = IDLE_TIMEOUT_S,
        gap_ms: int = GAP_MS,
        lab_role: Role | None = None,
        plaintext_tap: PlaintextTap | None = None,
    ) -> None:
        low, high = IDLE_TIMEOUT_RANGE_S
        if not low <= idle_timeout_s <= high:
            raise ValueError(f"idle_timeout_s {idle_timeout_s} is outside {low}..{high} s")
        if lab_role in (Role.ENROL, Role.EMERGENCY):
            raise ValueError(f"lab plaintext cannot have the role {lab_role.name}")
        self._keyring = keyring
        self._entropy = entropy
        self._idle_timeout_s = idle_timeout_s
        self._lab_role = lab_role
        self._tap = plaintext_tap
        self._deframer = Deframer(Direction.TO_PUMP, gap_ms)
        self._link = PumpLink(
            public_key(keyring.static_private),
            entropy,
            link_class,
            suites_of(link_class, keyring.far_link, lab_role is not None),
            keyring.lockout_s,
        )
        self._head = Coupling() if link_class is LinkClass.NEAR else None
        self._handshake = PumpHandshake(keyring, self._link, entropy, idle_timeout_s, self._head)
        self._session: PumpSession | None = None
        self._repeated = 0
        self._now_ms = 0

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

    @property
    def link_class(self) -> LinkClass:
        """Near or far."""
        return self._link.link_class

    @property
    def subscribed(self) -> bool:
        """Whether somebody wants notifications, so that `observe` has a use."""
        return self._session is not None and bool(self._session.notifier.mask)

    def data_to_send(self) -> bytes:
        """Return the octets that wait to be sent and forget them."""
        return self._link.take()

    def next_deadline(self) -> int | None:
        """Return the link time at which `handle_timeout` must be called, or None."""
        half_open, session, head = self._handshake.half_open, self._session, self._head
        due = self._deframer.next_deadline()
        if half_open is not None:
            due = sooner(due, half_open.deadline())
        if session is not None:
            due = sooner(due, session.next_deadline())
            due = due if head is None else sooner(due, head.deadline())
        return due

    def receive(self, data: bytes, now_ms: int) -> list[PumpEvent]:
        """Take octets that arrived at ``now_ms``; return what they mean."""
        events = self._expire(now_ms)
        for item in self._deframer.receive(data, now_ms):
            if isinstance(item, Drop):
                events.append(FrameDropped(item))
            else:
                self._dispatch(item, now_ms, events)
        self._flush(events)
        return events

    def handle_timeout(self, now_ms: int) -> list[PumpEvent]:
        """Let time pass to ``now_ms``."""
        events = self._expire(now_ms)
        drop = self._deframer.expire(now_ms)
        if drop is not None:
            events.append(FrameDropped(drop))
        self._flush(events)
        return events

    def disconnected(self, now_ms: int) -> list[PumpEvent]:
        """The pipe broke: the session ends, delivery goes on."""
        events = self._expire(now_ms)
        self._handshake.end()
        self._end_session(CloseReason.LINK_LOST, events)
        self._link.disconnected()
        return events

    def set_head(self, on: bool, now_ms: int) -> list[PumpEvent]:
        """The programming head was put on the pump or taken off; a far link has none, and does not care."""
        events = self._expire(now_ms)
        if self._head is not None:
            self._head.set(on, now_ms)
        self._flush(events)
        return events

    def observe(self, observation: Observation, now_ms: int) -> list[PumpEvent]:
        """Tell a subscriber what changed; without one nothing happens."""
        events = self._expire(now_ms)
        if self._session is not None and self._session.notifier.mask:
            self._session.notifier.observe(observation, now_ms)
        self._flush(events)
        return events

    def respond(self, event: RequestReceived, reply: Any) -> list[PumpEvent]:
        """Send what the device answered to ``event``: a response body or a `Refusal`."""
        events: list[PumpEvent] = []
        session, spec = self._session, event.request.spec
        if session is None or session.session_id != event.request.caller.session_id:
            return events
        self._answer(session, spec, event.txn, reply, events)
        if spec is _CLOSE and not isinstance(reply, Refusal):
            self._end_session(event.request.body.reason, events)
        self._flush(events)
        return events

    def respond_internal_error(self, event: RequestReceived) -> list[PumpEvent]:
        """Answer ``event`` with INTERNAL: the device failed on it."""
        return self.respond(event, Refusal(ErrorCode.INTERNAL))

    # --- frames -----------------------------------------------------------------------------------------

    def _dispatch(self, frame: Frame, now_ms: int, events: list[PumpEvent]) -> None:
        if frame.kind is FrameKind.LINK:
            drop = self._link.receive(frame, now_ms)
        elif frame.kind is FrameKind.HANDSHAKE:
            drop = check_link_id(frame, self._link.link_id) or self._handshake.receive(
                frame, self._session, now_ms, events
            )
        elif frame.kind is FrameKind.SECURE or self._lab_role is not None:
            drop = check_link_id(frame, *self._link_ids()) or self._on_record(frame, now_ms, events)
        else:
            drop = unfit(frame, DropReason.STATE, "a LINK, HANDSHAKE or SECURE frame", frame.kind.name)
        if drop is not None:
            self.counters.count(drop)
            events.append(FrameDropped(drop))

    def _link_ids(self) -> tuple[int, ...]:
        sessions = (self._handshake.half_open, self._session)
        return (self._link.link_id, *(session.link_id for session in sessions if session))

    # --- records ----------------------------------------------------------------------------------------

    def _on_record(self, frame: Frame, now_ms: int, events: list[PumpEvent]) -> Drop | None:
        if frame.kind is FrameKind.CLEAR:
            drop = self._begin_lab_session(frame, now_ms)
            if drop is not None:
                return drop
        opened = self._open_record(frame, now_ms)
        if isinstance(opened, Drop):
            return opened
        session, plaintext = opened
        if session is self._handshake.half_open:
            self._promote(session, events)
        if self._tap is not None:
            self._tap(Direction.TO_PUMP, plaintext)
        header = read_header(plaintext)
        if header is None:
            text = f"{len(plaintext)} octets"
            return unfit(frame, DropReason.HEADER, f"an application header of {HEADER_SIZE} octets", text)
        verdict = session.exchange.judge(header.txn)
        if verdict is Verdict.REPEAT:
            self._repeated += 1
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
            self._execute(session, header, plaintext, now_ms, events)
        return None

    def _begin_lab_session(self, frame: Frame, now_ms: int) -> Drop | None:
        """Open the session that a clear record begins: it has no handshake to do it."""
        session, link_id = self._session, self._link.link_id
        own_id = None if session is None else session.session_id
        known = [one for one in (session, self._handshake.half_open) if one is not None and is_lab(one)]
        known_ids = [one.link_id for one in known]
        if self._lab_role is None or self._link.discovery is None or frame.link_id in known_ids:
            return None
        if (session is not None and not is_lab(session)) or self._keyring.session_elsewhere(own_id):
            self._link.refuse(LinkErrorCode.BUSY, 0, now_ms)
            return unfit(frame, DropReason.STATE, "no session of another programmer", "a clear record")
        self._handshake.end()
        lab = begin_lab_session(link_id, self._lab_role, self._idle_timeout_s, self._entropy, now_ms)
        self._handshake.half_open = lab
        return None

    def _open_record(self, frame: Frame, now_ms: int) -> tuple[PumpSession, bytes] | Drop:
        """Open a record with the keys of the session it belongs to.

        An established session and a half-open one may share a link, so each is tried: a handshake alone may
        be a replay, and must not come between the established session and its records.
        """
        refused: Drop | None = None
        for session in (self._session, self._handshake.half_open):
            if session is None or session.link_id != frame.link_id or session.kind is not frame.kind:
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
        self._handshake.half_open = None
        self._end_session(CloseReason.REPLACED, events)
        self._session = session

    def _execute(
        self, session: PumpSession, header: Header, plaintext: bytes, now_ms: int, events: list[PumpEvent]
    ) -> None:
        try:
            spec, body = parse_request(header, plaintext)
        except BodyError as error:
            refusal = build_error(header.opcode, header.txn, error.code, error.field)
            self._complete(session, refusal, events)
            return
        refused = judge_access(session, spec, self._keyring, self._head, now_ms)
        if refused is not None:
            self._answer(session, spec, header.txn, refused, events)
            if refused.code is ErrorCode.BOND_REVOKED:
                self._end_session(CloseReason.REVOKED, events)
            return
        if spec.name in ENDPOINT_MESSAGES:
            self._answer(session, spec, header.txn, self._serve(session, body, now_ms), events)
            return
        caller = self._caller(session, spec, header.txn - 1)
        if spec is _CONFIRM and not session.confirmed:
            session.confirm()
            events.append(SessionOpened(caller))
        events.append(RequestReceived(Request(spec, body, caller), header.txn))

    def _serve(self, session: PumpSession, body: Any, now_ms: int) -> SubscribeResponse | NotifyAckResponse:
        notifier = session.notifier
        if isinstance(body, SubscribeRequest):
            notifier.subscribe(body.event_mask, body.status_period_s, now_ms)
            return SubscribeResponse(body.event_mask, body.status_period_s)
        return NotifyAckResponse(notifier.acknowledge(body.notify_seq))

    def _caller(self, session: PumpSession, spec: MessageSpec, last_txn: int) -> Caller:
        near = self._head is not None and self._head.on
        report = self._link.report(self.counters, self._repeated) if spec in _REPORTING else None
        return Caller(
            session.session_id, session.slot, session.role, near, last_txn, report, session.has_token
        )

    # --- answers, notifications and endings -------------------------------------------------------------

    def _answer(
        self, session: PumpSession, spec: MessageSpec, txn: int, reply: Any, events: list[PumpEvent]
    ) -> None:
        if isinstance(reply, Refusal):
            plaintext = build_error(spec.request_opcode, txn, reply.code, reply.field, reply.detail)
        else:
            plaintext = build_response(spec, reply, txn)
        self._complete(session, plaintext, events)

    def _complete(self, session: PumpSession, plaintext: bytes, events: list[PumpEvent]) -> None:
        session.exchange.complete(plaintext)
        self._seal(session, plaintext, events)
        if session.exchange.exhausted:
            self._end_session(CloseReason.TXN_EXHAUSTED, events)

    def _flush(self, events: list[PumpEvent]) -> None:
        """Send the notifications that are due, unless a request waits for its response."""
        session = self._session
        if session is None or session.exchange.running or not session.notifier.mask:
            return
        # What is sent may itself be worth telling: that few records are left.
        while sent := session.notifier.take(self._now_ms):
            for spec, body in sent:
                if self._session is session:
                    self._seal(session, build_notification(spec, body), events)

    def _seal(self, session: PumpSession, plaintext: bytes, events: list[PumpEvent]) -> None:
        if self._tap is not None:
            self._tap(Direction.TO_PROGRAMMER, plaintext)
        self._link.send(session.seal(self._link.next_seq, plaintext))
        if not session.sender.remaining:
            self._end_session(CloseReason.EXPIRED, events)
        elif session.sender.remaining <= _LAST_RECORDS:
            session.notifier.ending(CloseReason.EXPIRED, 0)

    def _end_session(self, reason: CloseReason, events: list[PumpEvent]) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()
            events.append(SessionClosed(session.session_id, reason))

    def _expire(self, now_ms: int) -> list[PumpEvent]:
        events: list[PumpEvent] = []
        self._now_ms = now_ms
        half_open, session = self._handshake.half_open, self._session
        if half_open is not None and now_ms >= half_open.deadline():
            self._handshake.end()
        if self._head is not None and self._head.expire(now_ms):
            self._handshake.end()
            self._end_session(CloseReason.HEAD_LOST, events)
        elif session is not None and now_ms >= session.deadline():
            self._end_session(session.time_out_reason(), events)
        elif session is not None and session.notifier.mask:
            session.warn(now_ms)
        return events
