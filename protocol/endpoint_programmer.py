"""The programmer's end of OITP/1: octets and time in, events out.

One step at a time: discover a pump, open a session, ask. A request that finds no answer is repeated with
back-off and then reported lost: whether the pump executed it is not known, and not guessed. Time is link time
in ms, handed in.
"""

from enum import Enum, auto, unique
from typing import Any, Final

from protocol.application import (
    CACHED,
    HEADER_SIZE,
    ApplicationError,
    Header,
    build_request,
    parse_answer,
    parse_notification,
    read_header,
)
from protocol.drops import Drop, DropReason
from protocol.events import (
    AnswerReceived,
    FrameDropped,
    HandshakeUnanswered,
    LinkRefused,
    NoPump,
    NotificationReceived,
    PlaintextTap,
    ProgrammerEvent,
    PumpFound,
    RequestLost,
    SessionReady,
)
from protocol.exchange import RETRIES, Step
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, check_link_id, to_wire, unfit
from protocol.framing import GAP_MS, Deframer, LinkCounters
from protocol.handshake import Credentials, Discovery, HandshakeError, InitiatorHandshake, Suite
from protocol.link_control import (
    NONCE_SIZE,
    Close,
    Hello,
    HelloResponse,
    LinkControlError,
    LinkError,
    SuiteBit,
    decode_link,
    encode_link,
)
from protocol.messages.registry import OpcodeClass, by_request, opcode_class
from protocol.programmer_session import ProgrammerSession
from protocol.pump_link import ALL_SUITES, VERSION, Entropy
from protocol.vocabulary import CloseReason

HELLO_MS: Final = 1_000
HELLO_TRIES: Final = 3
HANDSHAKE_MS: Final = 5_000
HANDSHAKE_AGAIN_MS: Final = 1_000


@unique
class Stage(Enum):
    """How far the programmer has come."""

    IDLE = auto()
    DISCOVERING = auto()
    FOUND = auto()
    SHAKING_HANDS = auto()
    OPEN = auto()


class ProgrammerEndpoint:
    """One programmer on one byte pipe.

    Args:
        entropy: source of nonces and ephemeral keys.
        retries: repetitions of an unanswered request, 0..4.
        gap_ms: longest silence inside a frame.
        plaintext_tap: sees every message in plaintext, patient data; None shows nobody.
    """

    def __init__(
        self,
        entropy: Entropy,
        *,
        retries: int = RETRIES,
        gap_ms: int = GAP_MS,
        plaintext_tap: PlaintextTap | None = None,
    ) -> None:
        self._entropy = entropy
        self._retries = retries
        self._tap = plaintext_tap
        self._deframer = Deframer(Direction.TO_PROGRAMMER, gap_ms)
        self._stage = Stage.IDLE
        self._out = bytearray()
        self._seq = 0
        self._hello = b""
        self._tries = 0
        self._deadline_ms = 0
        self._again_ms = 0
        self._link_id = NO_LINK_ID
        self._lab = False
        self._discovery: Discovery | None = None
        self._handshake: InitiatorHandshake | None = None
        self._first_message = b""
        self._why_not = "no answer"
        self._session: ProgrammerSession | None = None
        self.frames_sent = 0

    @property
    def stage(self) -> Stage:
        """How far the programmer has come."""
        return self._stage

    @property
    def counters(self) -> LinkCounters:
        """What was received and what was refused, by reason."""
        return self._deframer.counters

    @property
    def exhausted(self) -> bool:
        """Whether the open session has used up its transaction ids; the pump has closed it then."""
        return self._session is not None and self._session.exchange.exhausted

    @property
    def waiting(self) -> bool:
        """Whether a request has no answer yet."""
        return self._session is not None and self._session.exchange.waiting is not None

    def data_to_send(self) -> bytes:
        """Return the octets that wait to be sent and forget them."""
        data = bytes(self._out)
        self._out.clear()
        return data

    # --- what the programmer wants ------------------------------------------------------------------------

    def discover(self, now_ms: int) -> None:
        """Look for a pump; `PumpFound` or `NoPump` follows. Whatever was open is forgotten."""
        self._session = self._handshake = self._discovery = None
        self._hello = encode_link(Hello(VERSION, VERSION, ALL_SUITES, self._entropy(NONCE_SIZE)))
        self._stage, self._tries, self._link_id = Stage.DISCOVERING, 0, NO_LINK_ID
        self._say_hello(now_ms)

    def open_session(self, suite: Suite, slot: int, credentials: Credentials, now_ms: int) -> None:
        """Shake hands with the pump found; `SessionReady` or `HandshakeUnanswered` follows.

        An earlier session is forgotten.

        Raises:
            RuntimeError: no pump was found yet.
            ValueError: keys that the suite does not take.
        """
        if self._discovery is None:
            raise RuntimeError("no pump was found; discover one first")
        self._handshake = InitiatorHandshake(suite, slot, self._discovery, credentials, self._entropy(32))
        self._session = None
        self._first_message = self._handshake.first_message()
        self._stage, self._why_not = Stage.SHAKING_HANDS, "no answer"
        self._deadline_ms = now_ms + HANDSHAKE_MS
        self._send_handshake(now_ms)

    def open_lab_session(self) -> None:
        """Open a lab plaintext session with the pump found; requests may go out at once.

        Raises:
            RuntimeError: no pump was found yet, or it was not started for lab plaintext.
        """
        if self._discovery is None:
            raise RuntimeError("no pump was found; discover one first")
        if not self._lab:
            raise RuntimeError("this pump does not answer lab plaintext")
        self._handshake = None
        self._session = ProgrammerSession.lab(self._link_id, self._retries)
        self._stage = Stage.OPEN

    def request(self, body: Any, now_ms: int) -> int:
        """Send a request; return its transaction id. `AnswerReceived` or `RequestLost` follows.

        Raises:
            RuntimeError: no session, an earlier request has no answer yet, or the ids are `exhausted`.
            ValueError: a value does not fit its field.
        """
        session = self._session
        if session is None:
            raise RuntimeError("no session is open")
        spec = by_request(body)
        txn = session.exchange.next_txn()
        plaintext = build_request(spec, body, txn)
        session.exchange.begin(spec, plaintext, now_ms)
        self._seal(session, plaintext)
        return txn

    def abandon(self) -> None:
        """Forget the session; the pump found stays known, and another session may be opened with it."""
        self._session = self._handshake = None
        if self._discovery is not None:
            self._stage = Stage.FOUND

    def leave(self) -> None:
        """Tell the pump in plaintext that this side goes, and forget pump and session."""
        self._send_payload(FrameKind.LINK, self._link_id, encode_link(Close(CloseReason.DONE)))
        self._session = self._handshake = self._discovery = None
        self._stage, self._link_id = Stage.IDLE, NO_LINK_ID

    # --- time ---------------------------------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """Return the link time at which `handle_timeout` must be called, or None."""
        times: list[int] = []
        if self._stage in (Stage.DISCOVERING, Stage.SHAKING_HANDS):
            times.append(min(self._deadline_ms, self._again_ms))
        answer = self._session.exchange.next_deadline() if self._session else None
        times += [due for due in (answer, self._deframer.next_deadline()) if due is not None]
        return min(times, default=None)

    def handle_timeout(self, now_ms: int) -> list[ProgrammerEvent]:
        """Let time pass to ``now_ms``."""
        drop = self._deframer.expire(now_ms)
        events: list[ProgrammerEvent] = [] if drop is None else [FrameDropped(drop)]
        if self._stage is Stage.DISCOVERING and now_ms >= self._again_ms:
            self._hello_timeout(now_ms, events)
        elif self._stage is Stage.SHAKING_HANDS and now_ms >= min(self._deadline_ms, self._again_ms):
            self._handshake_timeout(now_ms, events)
        elif self._session is not None:
            self._request_timeout(self._session, now_ms, events)
        return events

    def _hello_timeout(self, now_ms: int, events: list[ProgrammerEvent]) -> None:
        if self._tries < HELLO_TRIES:
            self._say_hello(now_ms)
        else:
            self._stage = Stage.IDLE
            events.append(NoPump(self._tries))

    def _handshake_timeout(self, now_ms: int, events: list[ProgrammerEvent]) -> None:
        if now_ms < self._deadline_ms:
            self._send_handshake(now_ms)
        else:
            self._stage, self._handshake = Stage.FOUND, None
            events.append(HandshakeUnanswered(self._why_not))

    def _request_timeout(
        self, session: ProgrammerSession, now_ms: int, events: list[ProgrammerEvent]
    ) -> None:
        waiting = session.exchange.waiting
        step = session.exchange.tick(now_ms)
        if waiting is None or step is Step.NOTHING:
            return
        if step is Step.SEND_AGAIN:
            self._seal(session, waiting.plaintext)
        else:
            # The two ends may now count transactions differently, so nothing more is asked in this session.
            self.abandon()
            events.append(RequestLost(waiting.spec, waiting.txn))

    # --- what arrives -------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_ms: int) -> list[ProgrammerEvent]:
        """Take octets that arrived at ``now_ms``; return what they mean."""
        events: list[ProgrammerEvent] = []
        for item in self._deframer.receive(data, now_ms):
            drop = item if isinstance(item, Drop) else self._dispatch(item, events)
            if drop is not None:
                if drop is not item:
                    self.counters.count(drop)
                events.append(FrameDropped(drop))
        return events

    def _dispatch(self, frame: Frame, events: list[ProgrammerEvent]) -> Drop | None:
        if frame.kind is FrameKind.LINK:
            return check_link_id(frame, NO_LINK_ID, self._link_id) or self._on_link(frame, events)
        wrong = check_link_id(frame, self._link_id)
        if wrong is not None:
            return wrong
        if frame.kind is FrameKind.HANDSHAKE:
            return self._on_handshake(frame, events)
        if self._session is not None and frame.kind is self._session.kind:
            return self._on_record(self._session, frame, events)
        return unfit(frame, DropReason.STATE, "an answer to what was asked", f"a {frame.kind.name} frame")

    def _on_link(self, frame: Frame, events: list[ProgrammerEvent]) -> Drop | None:
        try:
            message = decode_link(frame.payload)
        except LinkControlError as error:
            return unfit(frame, DropReason.LINK_MESSAGE, "a link control message", str(error))
        if isinstance(message, HelloResponse):
            return self._on_hello_response(frame, message, events)
        if isinstance(message, LinkError):
            events.append(LinkRefused(message.code, message.detail))
            return None
        return unfit(frame, DropReason.STATE, "HELLO_RSP or LINK_ERROR", type(message).__name__)

    def _on_hello_response(
        self, frame: Frame, response: HelloResponse, events: list[ProgrammerEvent]
    ) -> Drop | None:
        if self._stage is not Stage.DISCOVERING:
            return unfit(frame, DropReason.STATE, "no second HELLO_RSP", "HELLO_RSP")
        if response.echo != self._hello[-NONCE_SIZE:]:
            return unfit(frame, DropReason.STATE, "the nonce of this HELLO", "another nonce")
        if response.ver != VERSION:
            return unfit(frame, DropReason.STATE, f"version {VERSION}", f"version {response.ver}")
        self._discovery = Discovery(self._hello, frame.payload)
        self._link_id = response.link_id
        self._lab = SuiteBit.LAB_PLAINTEXT in response.suites
        self._stage = Stage.FOUND
        events.append(PumpFound(response))
        return None

    def _on_handshake(self, frame: Frame, events: list[ProgrammerEvent]) -> Drop | None:
        if self._stage is not Stage.SHAKING_HANDS or self._handshake is None:
            return unfit(frame, DropReason.STATE, "no handshake message now", "a handshake message")
        try:
            keys, grant = self._handshake.read_second(frame.payload)
        except HandshakeError as error:
            self._why_not = str(error)
            return unfit(frame, DropReason.HANDSHAKE, "the pump's answer to this handshake", str(error))
        self._session = ProgrammerSession.secure(keys, self._link_id, self._retries)
        self._stage, self._handshake = Stage.OPEN, None
        events.append(SessionReady(grant))
        return None

    def _on_record(
        self, session: ProgrammerSession, frame: Frame, events: list[ProgrammerEvent]
    ) -> Drop | None:
        plaintext = session.receiver.open(frame)
        if isinstance(plaintext, Drop):
            return plaintext
        header = read_header(plaintext)
        if header is None:
            text = f"{len(plaintext)} octets"
            return unfit(frame, DropReason.HEADER, f"an application header of {HEADER_SIZE} octets", text)
        if self._tap is not None:
            self._tap(Direction.TO_PROGRAMMER, plaintext)
        if opcode_class(header.opcode) is OpcodeClass.NOTIFICATION:
            return self._on_notification(session, header, plaintext, frame, events)
        waiting = session.exchange.waiting
        if waiting is None or waiting.txn != header.txn:
            return unfit(frame, DropReason.STATE, "the answer to the waiting request", f"txn {header.txn}")
        try:
            body = parse_answer(waiting.spec, header, plaintext)
        except ApplicationError as error:
            return unfit(frame, DropReason.HEADER, f"an answer to {waiting.spec.name}", str(error))
        session.exchange.answered(header.txn)
        events.append(AnswerReceived(waiting.spec, header.txn, body, bool(header.mflags & CACHED)))
        return None

    def _on_notification(
        self,
        session: ProgrammerSession,
        header: Header,
        plaintext: bytes,
        frame: Frame,
        events: list[ProgrammerEvent],
    ) -> Drop | None:
        try:
            spec, body = parse_notification(header, plaintext)
        except ApplicationError as error:
            return unfit(frame, DropReason.HEADER, "a notification", str(error))
        events.append(NotificationReceived(spec, body, session.was_told(body.notify_seq)))
        return None

    # --- what goes out ------------------------------------------------------------------------------------

    def _say_hello(self, now_ms: int) -> None:
        self._tries += 1
        self._again_ms = self._deadline_ms = now_ms + HELLO_MS
        self._send_payload(FrameKind.LINK, NO_LINK_ID, self._hello)

    def _send_handshake(self, now_ms: int) -> None:
        self._again_ms = now_ms + HANDSHAKE_AGAIN_MS
        self._send_payload(FrameKind.HANDSHAKE, self._link_id, self._first_message)

    def _next_seq(self) -> int:
        seq, self._seq = self._seq, (self._seq + 1) & 0xFF
        return seq

    def _send_payload(self, kind: FrameKind, link_id: int, payload: bytes) -> None:
        self._send(Frame(kind, Direction.TO_PUMP, self._next_seq(), link_id, payload))

    def _seal(self, session: ProgrammerSession, plaintext: bytes) -> None:
        if self._tap is not None:
            self._tap(Direction.TO_PUMP, plaintext)
        self._send(session.sender.seal(self._next_seq(), plaintext))

    def _send(self, frame: Frame) -> None:
        self._out += to_wire(frame)
        self.frames_sent += 1
