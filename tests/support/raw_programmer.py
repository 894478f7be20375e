"""A programmer that says whatever a test wants: frame by frame, without the endpoint's good manners."""

from dataclasses import dataclass

from support.faulty_line import split_frames
from support.protocol_pair import PumpHost
from support.sessions import CARD_SECRET, PROGRAMMER_STATIC, PUMP_PUBLIC, secret

from protocol.application import Header, read_header
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.framing import Drop
from protocol.handshake import Credentials, Discovery, InitiatorHandshake, SessionGrant, Suite, enrol_psk
from protocol.link_control import (
    Hello,
    HelloResponse,
    LinkError,
    LinkMessage,
    decode_link,
    encode_link,
)
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import ERROR_OPCODE
from protocol.pump_link import SUITES
from protocol.records import RecordReceiver, RecordSender


@dataclass(frozen=True)
class Answer:
    """One record from the pump, opened."""

    header: Header
    body: bytes

    @property
    def error(self) -> ErrorBody:
        """The ERROR it is."""
        assert self.header.opcode == ERROR_OPCODE
        body: ErrorBody = codec_of(ErrorBody).decode(self.body)
        return body


class RawSession:
    """Keys and counters of one session, and the link it lives on."""

    def __init__(self, sender: RecordSender, receiver: RecordReceiver, grant: SessionGrant) -> None:
        self.sender, self.receiver, self.grant = sender, receiver, grant


class RawProgrammer:
    """Talks to a `PumpHost` at times of its choice; every call returns what the pump said to it."""

    def __init__(self, host: PumpHost) -> None:
        self.host = host
        self.seq = 0
        self.link_id = NO_LINK_ID
        self.discovery: Discovery | None = None
        self.opening = b""
        self.sent: list[bytes] = []
        """Every frame sent, as on the wire."""

    def put(self, data: bytes, now_ms: int = 0) -> list[Frame]:
        """Send octets; the frames that came back."""
        answers = split_frames(self.host.serve(data, now_ms))
        frames = [decode_piece(answer[1:-1], Direction.TO_PROGRAMMER) for answer in answers]
        assert not any(isinstance(frame, Drop) for frame in frames)
        return [frame for frame in frames if isinstance(frame, Frame)]

    def send(
        self, kind: FrameKind, payload: bytes, now_ms: int = 0, link_id: int | None = None
    ) -> list[Frame]:
        """Send one frame, on the present link where none is given."""
        self.seq = (self.seq + 1) & 0xFF
        frame = Frame(
            kind, Direction.TO_PUMP, self.seq, self.link_id if link_id is None else link_id, payload
        )
        return self._send(frame, now_ms)

    def _send(self, frame: Frame, now_ms: int) -> list[Frame]:
        self.sent.append(to_wire(frame))
        return self.put(self.sent[-1], now_ms)

    # --- link control ---------------------------------------------------------------------------------------

    def control(self, message: LinkMessage, now_ms: int = 0, link_id: int | None = None) -> list[LinkMessage]:
        """Send a link control message; the link control messages that came back."""
        frames = self.send(FrameKind.LINK, encode_link(message), now_ms, link_id)
        return [decode_link(frame.payload) for frame in frames if frame.kind is FrameKind.LINK]

    def hello(self, nonce: bytes = b"raw nonc", now_ms: int = 0) -> HelloResponse:
        """Discover the pump and take its link."""
        hello = encode_link(Hello(1, 1, SUITES, nonce))
        (frame,) = self.send(FrameKind.LINK, hello, now_ms, NO_LINK_ID)
        response = decode_link(frame.payload)
        assert isinstance(response, HelloResponse)
        self.discovery = Discovery(hello, frame.payload)
        self.link_id = response.link_id
        return response

    # --- sessions -------------------------------------------------------------------------------------------

    def begin(
        self,
        slot: int = 0,
        *,
        suite: Suite = Suite.KK,
        static: bytes = PROGRAMMER_STATIC,
        pump_public: bytes = PUMP_PUBLIC,
        card_secret: bytes = CARD_SECRET,
        ephemeral: str = "raw ephemeral",
        token: bytes | None = None,
    ) -> InitiatorHandshake:
        """Make the first message of a handshake; it stands in ``opening``."""
        assert self.discovery is not None
        keys = Credentials(static=static, remote_static=pump_public, psk=token)
        if suite is Suite.NNPSK0:
            keys = Credentials(psk=enrol_psk(card_secret, pump_public))
        handshake = InitiatorHandshake(suite, slot, self.discovery, keys, secret(ephemeral))
        self.opening = handshake.first_message()
        return handshake

    def finish(self, handshake: InitiatorHandshake, answer: Frame) -> RawSession:
        """Take the pump's answer to a handshake."""
        assert answer.kind is FrameKind.HANDSHAKE
        keys, grant = handshake.read_second(answer.payload)
        sender = RecordSender(keys.send, Direction.TO_PUMP, answer.link_id)
        return RawSession(sender, RecordReceiver(keys.receive), grant)

    def session(
        self, slot: int = 0, now_ms: int = 0, *, suite: Suite = Suite.KK, ephemeral: str = "raw ephemeral"
    ) -> RawSession:
        """Shake hands; nothing may go wrong."""
        handshake = self.begin(slot, suite=suite, ephemeral=ephemeral)
        (answer,) = self.send(FrameKind.HANDSHAKE, self.opening, now_ms)
        return self.finish(handshake, answer)

    def refused(self, opening: bytes, now_ms: int = 0) -> LinkError:
        """Send a first message that the pump refuses."""
        (frame,) = self.send(FrameKind.HANDSHAKE, opening, now_ms)
        error = decode_link(frame.payload)
        assert isinstance(error, LinkError)
        return error

    def record(self, session: RawSession, plaintext: bytes, now_ms: int = 0) -> list[Answer]:
        """Send one record; the records that came back, opened."""
        self.seq = (self.seq + 1) & 0xFF
        return self.opened(session, self._send(session.sender.seal(self.seq, plaintext), now_ms))

    def clear(
        self, counter: int, plaintext: bytes, now_ms: int = 0, link_id: int | None = None
    ) -> list[Answer]:
        """Send one lab plaintext record; the lab plaintext records that came back."""
        payload = counter.to_bytes(4, "little") + plaintext
        frames = self.send(FrameKind.CLEAR, payload, now_ms, link_id)
        answers = []
        for frame in frames:
            if frame.kind is FrameKind.CLEAR:
                header = read_header(frame.payload[4:])
                assert header is not None
                answers.append(Answer(header, frame.payload[12:]))
        return answers

    @staticmethod
    def opened(session: RawSession, frames: list[Frame]) -> list[Answer]:
        """The records among ``frames``."""
        answers = []
        for frame in frames:
            if frame.kind is FrameKind.SECURE:
                plaintext = session.receiver.open(frame)
                assert isinstance(plaintext, bytes)
                header = read_header(plaintext)
                assert header is not None
                answers.append(Answer(header, plaintext[8:]))
        return answers
