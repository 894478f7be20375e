"""The registry: every message once, with its opcode, bodies, roles and class.

From it come the codecs, the privilege check, the reference page, the schema and the test strategies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique
from functools import cache
from typing import Final

from protocol.codewords import codeword16, index_of16
from protocol.messages import alarms, bonds, clock, device, log, program, session, status
from protocol.messages.codec import BodyCodec, codec_of
from protocol.messages.errors import ErrorBody
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


_C, _P, _S, _R, _E = Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER, Role.EMERGENCY
_ANY: Final = frozenset((_C, _P, _S, _R, _E))
_ANY_ENROL: Final = _ANY | {Role.ENROL}
_NOT_EMERGENCY: Final = _ANY - {_E}
_PROGRAM_READERS: Final = frozenset((_C, _S, _R))
_CLINICIAN: Final = frozenset((_C,))

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
        access: what it touches; THERAPY needs the near link.
        bound_ms: within how many ms of link time the pump answers (OITP/1 section 9, T_exec).
        text: what it is for.
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


MESSAGES: Final[tuple[MessageSpec, ...]] = (
    MessageSpec(
        "SESSION_CONFIRM",
        0,
        1,
        session.SessionConfirmRequest,
        session.SessionConfirmResponse,
        _ANY_ENROL,
        Access.SESSION,
        "First record of a session: confirms the keys, names the client, tells role and limits.",
    ),
    MessageSpec(
        "KEEPALIVE",
        0,
        2,
        session.KeepaliveRequest,
        session.KeepaliveResponse,
        _ANY_ENROL,
        Access.READ,
        "Keeps an idle session open and tells the least one wants to know.",
    ),
    MessageSpec(
        "SESSION_CLOSE",
        0,
        3,
        session.SessionCloseRequest,
        session.SessionCloseResponse,
        _ANY_ENROL,
        Access.SESSION,
        "Ends the session; staged bytes are wiped, delivery goes on.",
    ),
    MessageSpec(
        "GET_DEVICE_INFO",
        1,
        1,
        device.GetDeviceInfoRequest,
        device.GetDeviceInfoResponse,
        _ANY,
        Access.READ,
        "What this pump is and what it can do.",
    ),
    MessageSpec(
        "GET_STATUS",
        2,
        1,
        status.GetStatusRequest,
        status.GetStatusResponse,
        _ANY,
        Access.READ,
        "What the pump believes at this moment.",
    ),
    MessageSpec(
        "GET_PROGRAM_INFO",
        3,
        1,
        program.GetProgramInfoRequest,
        program.GetProgramInfoResponse,
        _PROGRAM_READERS,
        Access.READ,
        "Version, size and digest of a program.",
    ),
    MessageSpec(
        "READ_PROGRAM",
        3,
        2,
        program.ReadProgramRequest,
        program.ReadProgramResponse,
        _PROGRAM_READERS,
        Access.READ,
        "One block of a program image.",
    ),
    MessageSpec(
        "PROG_BEGIN",
        4,
        1,
        program.ProgBeginRequest,
        program.ProgBeginResponse,
        _CLINICIAN,
        Access.WRITE,
        "Opens a programming transaction on a known program version (compare and set).",
    ),
    MessageSpec(
        "PROG_STAGE",
        4,
        2,
        program.ProgStageRequest,
        program.ProgStageResponse,
        _CLINICIAN,
        Access.WRITE,
        "Stages one block of the image; any order, repeatable.",
    ),
    MessageSpec(
        "PROG_VERIFY",
        4,
        3,
        program.ProgVerifyRequest,
        program.ProgVerifyResponse,
        _CLINICIAN,
        Access.WRITE,
        "The pump checks the staged image and answers its own clinical summary and a token.",
        VERIFY_MS,
    ),
    MessageSpec(
        "PROG_COMMIT",
        4,
        4,
        program.ProgCommitRequest,
        program.ReceiptResponse,
        _CLINICIAN,
        Access.THERAPY,
        "Makes the verified image the active program; the answer is a durable receipt.",
        COMMIT_MS,
    ),
    MessageSpec(
        "PROG_ABORT",
        4,
        5,
        program.ProgAbortRequest,
        program.ProgAbortResponse,
        _CLINICIAN,
        Access.WRITE,
        "Drops the transaction; the active program is untouched.",
    ),
    MessageSpec(
        "GET_RECEIPT",
        4,
        6,
        program.GetReceiptRequest,
        program.ReceiptResponse,
        frozenset((_C, _S)),
        Access.READ,
        "What became of a therapy intent; the last 16 are kept over resets.",
    ),
    MessageSpec(
        "GET_CLOCK",
        6,
        1,
        clock.GetClockRequest,
        clock.GetClockResponse,
        _NOT_EMERGENCY,
        Access.READ,
        "Uptime and civil time as the pump knows them.",
    ),
    MessageSpec(
        "LOG_INFO",
        7,
        1,
        log.LogInfoRequest,
        log.LogInfoResponse,
        _NOT_EMERGENCY,
        Access.READ,
        "Which log records the pump holds.",
    ),
    MessageSpec(
        "LOG_READ",
        7,
        2,
        log.LogReadRequest,
        log.LogReadResponse,
        _NOT_EMERGENCY,
        Access.READ,
        "One page of log records, oldest first; the patient role sees its own events.",
    ),
    MessageSpec(
        "GET_ALARMS",
        8,
        1,
        alarms.GetAlarmsRequest,
        alarms.GetAlarmsResponse,
        _ANY,
        Access.READ,
        "Every alarm that stands.",
    ),
    MessageSpec(
        "BOND_ENROL",
        9,
        1,
        bonds.BondEnrolRequest,
        bonds.BondEnrolResponse,
        frozenset((Role.ENROL,)),
        Access.WRITE,
        "Stores a programmer's static key; only inside a session opened with the implant-card secret.",
    ),
)
"""Every request of this pump, in catalogue order."""

ERROR_OPCODE: Final = opcode(OpcodeClass.ERROR, 0, 1)
ERROR_CODEC: Final = codec_of(ErrorBody)

_BY_NAME: Final = {spec.name: spec for spec in MESSAGES}
_BY_REQUEST_OPCODE: Final = {spec.request_opcode: spec for spec in MESSAGES}
_BY_REQUEST_BODY: Final = {spec.request: spec for spec in MESSAGES}


def by_name(name: str) -> MessageSpec:
    """Return the message called ``name``.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def by_request_opcode(word: int) -> MessageSpec | None:
    """Return the message whose request opcode is ``word``, or None."""
    return _BY_REQUEST_OPCODE.get(word)


def by_request(body: object) -> MessageSpec:
    """Return the message that ``body`` is the request of.

    Raises:
        KeyError: ``body`` is no request body.
    """
    return _BY_REQUEST_BODY[type(body)]


def describe_opcode(word: int) -> str:
    """Return a readable name for any 16-bit ``word``: message, class and hex."""
    index = index_of16(word)
    if index is None:
        return f"0x{word:04X} (not a codeword)"
    kind = OpcodeClass(index >> 9)
    if word == ERROR_OPCODE:
        return f"ERROR (0x{word:04X})"
    base = opcode(OpcodeClass.REQUEST, index >> 5 & 0xF, index & 0x1F) if index & 0x1FF else 0
    spec = _BY_REQUEST_OPCODE.get(base)
    name = spec.name if spec else f"message {index >> 5 & 0xF}.{index & 0x1F}"
    return f"{name} {kind.name.lower()} (0x{word:04X})"


def iter_bodies() -> Iterator[type]:
    """Yield every body class of the registry, requests before responses, the error body last."""
    for spec in MESSAGES:
        yield spec.request
        yield spec.response
    yield ErrorBody
