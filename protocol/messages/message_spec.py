"""What the registry says of one message: its name, opcode, bodies, roles and class."""

from dataclasses import dataclass
from enum import Enum, unique
from functools import cache
from typing import Final

from protocol.codewords import codeword16
from protocol.messages.codec import BodyCodec, codec_of
from protocol.vocabulary import Role


@unique
class OpcodeClass(Enum):
    """The two class bits of an opcode."""

    REQUEST = 0
    RESPONSE = 1
    NOTIFICATION = 2
    ERROR = 3


@unique
class Access(Enum):
    """What a request may touch: session, reading, writing, therapy."""

    SESSION = "A"
    READ = "R"
    WRITE = "W"
    THERAPY = "T"


READ_MS: Final = 100
VERIFY_MS: Final = 2_000
COMMIT_MS: Final = 3_000


@cache
def opcode(kind: OpcodeClass, group: int, index: int) -> int:
    """Return the opcode word of message ``group``.``index`` (group 0..15, index 0..31)."""
    if not (0 <= group <= 15 and 0 <= index <= 31):
        raise ValueError(f"message {group}.{index} is outside groups 0..15, indices 0..31")
    return codeword16(kind.value << 9 | group << 5 | index)


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """One request with its response.

    Attributes:
        name: catalogue name.
        group: message group, 0..15.
        index: index in the group, 1..31.
        request: body class of the request.
        response: body class of the response.
        roles: who may ask.
        access: what it touches; THERAPY needs the near link or a session opened with a proximity token.
        text: what it is for.
        bound_ms: within how many ms of link time the pump answers (OITP/1 section 9, T_exec).
        head_only: whether it needs the programming head on the pump, whatever the session.
    """

    name: str
    group: int
    index: int
    request: type
    response: type
    roles: frozenset[Role]
    access: Access
    text: str
    bound_ms: int = READ_MS
    head_only: bool = False

    @property
    def request_opcode(self) -> int:
        """Opcode word of the request."""
        return opcode(OpcodeClass.REQUEST, self.group, self.index)

    @property
    def response_opcode(self) -> int:
        """Opcode word of the response."""
        return opcode(OpcodeClass.RESPONSE, self.group, self.index)

    @property
    def request_codec(self) -> BodyCodec:
        """Codec of the request body."""
        return codec_of(self.request)

    @property
    def response_codec(self) -> BodyCodec:
        """Codec of the response body."""
        return codec_of(self.response)


@dataclass(frozen=True, slots=True)
class NotificationSpec:
    """One message the pump sends unasked, inside a session that subscribed to it.

    Attributes:
        name: catalogue name.
        group: message group, 0..15.
        index: index in the group, 1..31.
        body: body class; its first field is ``notify_seq``.
        acknowledged: whether it is repeated until NOTIFY_ACK.
        text: what it is for.
    """

    name: str
    group: int
    index: int
    body: type
    acknowledged: bool
    text: str

    @property
    def opcode(self) -> int:
        """Opcode word."""
        return opcode(OpcodeClass.NOTIFICATION, self.group, self.index)

    @property
    def codec(self) -> BodyCodec:
        """Codec of the body."""
        return codec_of(self.body)
