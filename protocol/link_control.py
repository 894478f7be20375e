"""Link control messages: discovery, echo, closing and refusals, in plaintext (OITP/1 section 4).

They carry no personal data and change nothing in the pump. HELLO and HELLO_RSP enter the prologue of the
handshake, so an edited version or suite list makes the handshake fail.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, unique
from hashlib import sha256
from typing import Any, Final

from construct import Bytes, ConstructError, Int8ul, Int16ul, Struct, this

from protocol.frame import MAX_FRAME, NO_LINK_ID
from protocol.vocabulary import CloseReason

NONCE_SIZE: Final = 8
KEY_HINT_SIZE: Final = 4
MAX_ECHO: Final = 32
MIN_MAX_FRAME: Final = 79
"""Smallest ``max_frame`` a pump can announce: the second handshake frame has 79 octets."""

STATIC_KEY_SIZE: Final = 32


class LinkControlError(Exception):
    """The peer's link control message is malformed; the text says what was wrong and what would be right."""


@unique
class LinkOp(IntEnum):
    """First octet of a link control payload."""

    HELLO = 0x0F
    HELLO_RSP = 0x33
    PING = 0x3C
    PONG = 0x55
    CLOSE = 0x5A
    LINK_ERROR = 0x66


@unique
class LinkClass(IntEnum):
    """How near the programmer is; therapy writes need the near link."""

    NEAR = 0x33
    FAR = 0x3C


class SuiteBit(IntFlag):
    """Handshakes a side can do: ``suites`` of HELLO and HELLO_RSP. Bits without a name are kept."""

    KK = 1 << 0
    NNPSK0 = 1 << 1
    KKPSK2 = 1 << 2
    LAB_PLAINTEXT = 1 << 7


@unique
class LinkErrorCode(IntEnum):
    """Why the pump refuses to go on.

    ``detail`` is the seconds left for LOCKED_OUT, ``ver_min << 8 | ver_max`` of the pump for VERSION, else 0.
    """

    BUSY = 0x33
    VERSION = 0x3C
    LOCKED_OUT = 0x55
    HANDSHAKE_MALFORMED = 0x5A
    NO_SESSION = 0x66


@dataclass(frozen=True, slots=True)
class Hello:
    """Programmer looks for a pump: version range 1..255, suites, and 8 random octets.

    Raises:
        ValueError: a field is outside its range (so do all messages here).
    """

    ver_min: int
    ver_max: int
    suites: SuiteBit
    nonce: bytes

    def __post_init__(self) -> None:
        _check_range("ver_min", self.ver_min, 1, 0xFF)
        _check_range("ver_max", self.ver_max, self.ver_min, 0xFF)
        _check_range("suites", self.suites, 0, 0xFF)
        _check_size("nonce", self.nonce, NONCE_SIZE)


@dataclass(frozen=True, slots=True)
class HelloResponse:
    """The pump answers HELLO.

    ``ver`` is the major version chosen, ``link_id`` 0..65534 marks all later frames, ``echo`` is the nonce of
    the HELLO, ``key_hint`` lets a bonded programmer recognise its pump, ``lockout_s`` is the time in s during
    which handshakes are ignored, ``max_frame`` the longest link frame in octets (79..253).
    """

    ver: int
    link_id: int
    link_class: LinkClass
    suites: SuiteBit
    echo: bytes
    pump_nonce: bytes
    key_hint: bytes
    lockout_s: int
    max_frame: int

    def __post_init__(self) -> None:
        _check_range("ver", self.ver, 1, 0xFF)
        _check_range("link_id", self.link_id, 0, NO_LINK_ID - 1)
        _check_range("suites", self.suites, 0, 0xFF)
        _check_size("echo", self.echo, NONCE_SIZE)
        _check_size("pump_nonce", self.pump_nonce, NONCE_SIZE)
        _check_size("key_hint", self.key_hint, KEY_HINT_SIZE)
        _check_range("lockout_s", self.lockout_s, 0, 0xFFFF)
        _check_range("max_frame", self.max_frame, MIN_MAX_FRAME, MAX_FRAME)


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for an echo of 0 to 32 octets."""

    data: bytes

    def __post_init__(self) -> None:
        _check_range("echo size", len(self.data), 0, MAX_ECHO)


@dataclass(frozen=True, slots=True)
class Pong:
    """The octets of a `Ping`, sent back."""

    data: bytes

    def __post_init__(self) -> None:
        _check_range("echo size", len(self.data), 0, MAX_ECHO)


@dataclass(frozen=True, slots=True)
class Close:
    """The sender leaves the link."""

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class LinkError:
    """The pump refuses; ``detail`` (0..65535) depends on the code."""

    code: LinkErrorCode
    detail: int

    def __post_init__(self) -> None:
        _check_range("detail", self.detail, 0, 0xFFFF)


LinkMessage = Hello | HelloResponse | Ping | Pong | Close | LinkError

_ECHO_LAYOUT: Final = Struct("data" / Bytes(this._.size))

LINK_LAYOUTS: Final = {
    LinkOp.HELLO: Struct(
        "ver_min" / Int8ul, "ver_max" / Int8ul, "suites" / Int8ul, "nonce" / Bytes(NONCE_SIZE)
    ),
    LinkOp.HELLO_RSP: Struct(
        "ver" / Int8ul,
        "link_id" / Int16ul,
        "link_class" / Int8ul,
        "suites" / Int8ul,
        "echo" / Bytes(NONCE_SIZE),
        "pump_nonce" / Bytes(NONCE_SIZE),
        "key_hint" / Bytes(KEY_HINT_SIZE),
        "lockout_s" / Int16ul,
        "max_frame" / Int8ul,
    ),
    LinkOp.PING: _ECHO_LAYOUT,
    LinkOp.PONG: _ECHO_LAYOUT,
    LinkOp.CLOSE: Struct("reason" / Int8ul),
    LinkOp.LINK_ERROR: Struct("code" / Int8ul, "detail" / Int16ul),
}
"""Bodies after the op octet. The echo of PING and PONG takes ``size``, which is checked before it is used."""

_TYPES: Final[dict[LinkOp, type[LinkMessage]]] = {
    LinkOp.HELLO: Hello,
    LinkOp.HELLO_RSP: HelloResponse,
    LinkOp.PING: Ping,
    LinkOp.PONG: Pong,
    LinkOp.CLOSE: Close,
    LinkOp.LINK_ERROR: LinkError,
}
_OPS: Final = {message_type: op for op, message_type in _TYPES.items()}
_ENUMERATIONS: Final[dict[str, type[IntEnum] | type[IntFlag]]] = {
    "suites": SuiteBit,
    "link_class": LinkClass,
    "reason": CloseReason,
    "code": LinkErrorCode,
}


def encode_link(message: LinkMessage) -> bytes:
    """Return the payload of a LINK frame: op octet and body."""
    op = _OPS[type(message)]
    values = {name: getattr(message, name) for name in message.__dataclass_fields__}
    body: bytes = LINK_LAYOUTS[op].build(values, size=len(values.get("data", b"")))
    return bytes([op]) + body


def decode_link(payload: bytes) -> LinkMessage:
    """Return the message in the payload of a LINK frame.

    Raises:
        LinkControlError: the op is unknown, the size is wrong, or a field is outside its range.
    """
    if not payload:
        raise LinkControlError("an empty link control message; the first octet must be the op")
    try:
        op = LinkOp(payload[0])
    except ValueError:
        known = ", ".join(f"0x{op:02X} {op.name}" for op in LinkOp)
        raise LinkControlError(f"op 0x{payload[0]:02X} is unknown; known are {known}") from None
    body = payload[1:]
    try:
        _check_body_size(op, len(body))
        values = LINK_LAYOUTS[op].parse(body, size=len(body))
        names = _TYPES[op].__dataclass_fields__
        return _TYPES[op](**{name: _typed(name, values[name]) for name in names})
    except (ValueError, ConstructError) as error:
        raise LinkControlError(f"{op.name}: {error}") from None


def key_hint(pump_static_public: bytes, nonce: bytes) -> bytes:
    """Return the 4 octets by which a bonded programmer recognises its pump.

    The HELLO ``nonce`` (8 octets) makes the hint different each time, so an observer cannot follow a pump.

    Raises:
        ValueError: the key has not 32 octets or the nonce not 8.
    """
    _check_size("pump static public key", pump_static_public, STATIC_KEY_SIZE)
    _check_size("nonce", nonce, NONCE_SIZE)
    return sha256(b"OITP/1 hint" + pump_static_public + nonce).digest()[:KEY_HINT_SIZE]


def _check_body_size(op: LinkOp, size: int) -> None:
    if op in (LinkOp.PING, LinkOp.PONG):
        _check_range("echo size", size, 0, MAX_ECHO)
    else:
        wanted = LINK_LAYOUTS[op].sizeof()
        if size != wanted:
            raise ValueError(f"the body has {size} octets; it must have {wanted}")


def _typed(name: str, value: Any) -> Any:
    enumeration = _ENUMERATIONS.get(name)
    if enumeration is None:
        return value
    try:
        return enumeration(value)
    except ValueError:
        known = ", ".join(f"0x{word:02X} {word.name}" for word in enumeration)
        raise ValueError(f"{name} 0x{value:02X} is unknown; known are {known}") from None


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} {int(value)} is outside {low}..{high}")


def _check_size(name: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise ValueError(f"{name} has {len(value)} octets; it must have {size}")
