"""The pump's side of link control: discovery, echo, refusals, and the frames that wait to go out.

Nothing here knows of sessions; `protocol.endpoint_pump` builds on it. Answers in plaintext are rationed, so
that noise or a stranger cannot make the pump talk (OITP/1 section 4).
"""

from collections.abc import Callable
from enum import IntEnum, unique
from typing import Final

from protocol.drops import Drop, DropReason
from protocol.frame import (
    MAX_FRAME,
    NO_LINK_ID,
    Direction,
    Frame,
    FrameKind,
    check_link_id,
    to_wire,
    unfit,
)
from protocol.framing import LinkCounters
from protocol.handshake import Discovery
from protocol.link_control import (
    NONCE_SIZE,
    Close,
    Hello,
    HelloResponse,
    LinkClass,
    LinkControlError,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    Ping,
    Pong,
    SuiteBit,
    decode_link,
    encode_link,
    key_hint,
)
from protocol.requests import LinkReport
from protocol.states import LINK_TABLE, LinkInput, LinkState, next_state

Entropy = Callable[[int], bytes]
"""Source of unpredictable octets, handed in by whoever runs the endpoint."""

VERSION: Final = 1
PINGS_PER_S: Final = 10
LINK_ERROR_EVERY_MS: Final = 1_000
SUITES: Final = SuiteBit.KK | SuiteBit.NNPSK0
"""Handshakes that every pump takes."""

ALL_SUITES: Final = SUITES | SuiteBit.KKPSK2
"""Handshakes that a programmer can do."""


def suites_of(link_class: LinkClass, far_link: bool, lab: bool) -> SuiteBit:
    """Return what HELLO_RSP offers: tokens over a far link of a pump that has one, lab plaintext if asked."""
    suites = SUITES | SuiteBit.KKPSK2 if link_class is LinkClass.FAR and far_link else SUITES
    return suites | SuiteBit.LAB_PLAINTEXT if lab else suites


@unique
class HandshakeFault(IntEnum):
    """``detail`` of LINK_ERROR HANDSHAKE_MALFORMED: what was wrong, as far as a stranger may know."""

    MALFORMED = 0
    UNKNOWN_SLOT = 1
    WRONG_KEYS = 2
    SUITE = 3
    REVOKED = 4
    PROXIMITY = 5


class PumpLink:
    """Link control of one pump on one byte pipe.

    Args:
        static_public: the pump's X25519 public key; only its hint goes out.
        entropy: source of link ids and nonces.
        link_class: whether this pipe is the near link (the programming head) or the far one.
        suites: what HELLO_RSP offers.
        lockout_s: tells for how long handshakes on a class of link are ignored.
    """

    def __init__(
        self,
        static_public: bytes,
        entropy: Entropy,
        link_class: LinkClass,
        suites: SuiteBit = SUITES,
        lockout_s: Callable[[LinkClass], int] = lambda _link_class: 0,
    ) -> None:
        self._static_public = static_public
        self._entropy = entropy
        self._link_class = link_class
        self._suites = suites
        self._lockout_s = lockout_s
        self._out = bytearray()
        self._seq = 0
        self._state = LinkState.LISTENING
        self._hello = b""
        self._discovery: Discovery | None = None
        self._link_id = NO_LINK_ID
        self._pings: list[int] = []
        self._last_error_ms: int | None = None
        self.frames_sent = 0

    @property
    def link_class(self) -> LinkClass:
        """Near or far."""
        return self._link_class

    @property
    def near(self) -> bool:
        """Whether therapy writes may come over this link."""
        return self._link_class is LinkClass.NEAR

    @property
    def state(self) -> LinkState:
        """LISTENING until a HELLO was answered."""
        return self._state

    @property
    def link_id(self) -> int:
        """Id given in the newest HELLO_RSP, 0xFFFF before one."""
        return self._link_id

    @property
    def discovery(self) -> Discovery | None:
        """The payloads of the newest HELLO and its answer; they enter the handshake's prologue."""
        return self._discovery

    def next_seq(self) -> int:
        """Return the number of the frame about to be sent."""
        seq, self._seq = self._seq, (self._seq + 1) & 0xFF
        return seq

    def send(self, frame: Frame) -> None:
        """Queue one frame."""
        self._out += to_wire(frame)
        self.frames_sent += 1

    def send_payload(self, kind: FrameKind, link_id: int, payload: bytes) -> None:
        """Queue a frame of ``kind``."""
        self.send(Frame(kind, Direction.TO_PROGRAMMER, self.next_seq(), link_id, payload))

    def take(self) -> bytes:
        """Return the octets that wait to be sent and forget them."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def refuse(self, code: LinkErrorCode, detail: int, now_ms: int) -> None:
        """Queue a LINK_ERROR on the present link, at most one a second."""
        self._refuse(LinkError(code, detail), self._link_id, now_ms)

    def _refuse(self, error: LinkError, link_id: int, now_ms: int) -> None:
        last = self._last_error_ms
        if last is not None and now_ms - last < LINK_ERROR_EVERY_MS:
            return
        self._last_error_ms = now_ms
        self._control(error, link_id)

    def report(self, counters: LinkCounters, repeated: int) -> LinkReport:
        """Return what a programmer may be told of this link; ``repeated`` answers came from the cache."""
        drops = counters.drops
        return LinkReport(
            link_class=self._link_class,
            rx_frames=counters.frames,
            rx_crc_err=drops[DropReason.CRC],
            rx_cobs_err=drops[DropReason.COBS],
            rx_len_err=drops[DropReason.SIZE] + drops[DropReason.LENGTH],
            rx_overrun=drops[DropReason.OVERRUN],
            tx_frames=self.frames_sent,
            retrans_served=repeated,
            rx_bytes=counters.octets,
            replay_drops=drops[DropReason.REPLAY],
            auth_drops=drops[DropReason.AUTH],
        )

    def disconnected(self) -> None:
        """The pipe broke: a new HELLO is needed, and nothing that waited will be sent."""
        self._close(LinkInput.DISCONNECTED)
        self._out.clear()

    def receive(self, frame: Frame, now_ms: int) -> Drop | None:
        """Handle a LINK frame; return why it was not accepted, or None."""
        wrong_link = check_link_id(frame, NO_LINK_ID, self._link_id)
        if wrong_link is not None:
            return wrong_link
        try:
            message = decode_link(frame.payload)
        except LinkControlError as error:
            return unfit(frame, DropReason.LINK_MESSAGE, "a link control message", str(error))
        match message:
            case Hello():
                return self._on_hello(frame, message, now_ms)
            case Ping():
                return self._on_ping(frame, message, now_ms)
            case Close():
                # In plaintext, so anyone could have sent it: it ends the discovery, never a session. One that
                # names no link, or comes late from an earlier one, is not about this discovery.
                wrong_link = check_link_id(frame, self._link_id)
                if wrong_link is None:
                    self._close(LinkInput.CLOSE)
                return wrong_link
            case _:
                return unfit(frame, DropReason.STATE, "HELLO, PING or CLOSE", type(message).__name__)

    def _on_hello(self, frame: Frame, hello: Hello, now_ms: int) -> Drop | None:
        wrong_link = check_link_id(frame, NO_LINK_ID)
        if wrong_link is not None:
            return wrong_link
        if not hello.ver_min <= VERSION <= hello.ver_max:
            # Whoever says HELLO listens on no link yet, even if this pump still knows one of another.
            self._refuse(LinkError(LinkErrorCode.VERSION, VERSION << 8 | VERSION), NO_LINK_ID, now_ms)
            received = f"versions {hello.ver_min} to {hello.ver_max}"
            return unfit(frame, DropReason.STATE, f"a range with version {VERSION}", received)
        # A HELLO that comes twice gets the same answer: its sender may have taken either.
        if frame.payload != self._hello or self._discovery is None:
            self._hello = frame.payload
            self._link_id = self._new_link_id()
            self._discovery = Discovery(frame.payload, encode_link(self._answer(hello)))
        self._state = next_state(LINK_TABLE, self._state, LinkInput.HELLO)
        self.send_payload(FrameKind.LINK, NO_LINK_ID, self._discovery.hello_rsp)
        return None

    def _answer(self, hello: Hello) -> HelloResponse:
        return HelloResponse(
            ver=VERSION,
            link_id=self._link_id,
            link_class=self._link_class,
            suites=self._suites,
            echo=hello.nonce,
            pump_nonce=self._entropy(NONCE_SIZE),
            key_hint=key_hint(self._static_public, hello.nonce),
            lockout_s=min(self._lockout_s(self._link_class), 0xFFFF),
            max_frame=MAX_FRAME,
        )

    def _new_link_id(self) -> int:
        while True:
            link_id = int.from_bytes(self._entropy(2), "little")
            if link_id not in (NO_LINK_ID, self._link_id):
                return link_id

    def _on_ping(self, frame: Frame, ping: Ping, now_ms: int) -> Drop | None:
        self._pings = [at for at in self._pings if now_ms - at < 1_000]
        if len(self._pings) >= PINGS_PER_S:
            return unfit(frame, DropReason.STATE, f"at most {PINGS_PER_S} PING a second", "one more")
        self._pings.append(now_ms)
        self._control(Pong(ping.data), frame.link_id)
        return None

    def _close(self, happened: LinkInput) -> None:
        self._state = next_state(LINK_TABLE, self._state, happened)
        self._discovery = None
        self._hello = b""
        self._link_id = NO_LINK_ID

    def _control(self, message: LinkMessage, link_id: int) -> None:
        self.send_payload(FrameKind.LINK, link_id, encode_link(message))
