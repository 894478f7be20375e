"""One application plaintext read: which message it is, every field with its meaning, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import Any, Final

from protocol.application import (
    CACHED,
    HEADER,
    HEADER_SIZE,
    REVISION,
    Header,
    parse_request,
    read_header,
)
from protocol.client_errors import explain
from protocol.codewords import index_of16
from protocol.messages.codec import BodyCodec, BodyError
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import FieldKind, fields_of
from protocol.messages.registry import (
    ERROR_CODEC,
    ERROR_OPCODE,
    MESSAGES,
    NOTIFICATIONS,
    OpcodeClass,
    describe_opcode,
)
from protocol.vocabulary import ErrorCode
from workbench.generators.octets import Run, body_runs, explain_value, layout_runs

ERROR_NAME: Final = "ERROR"


@dataclass(frozen=True, slots=True)
class Message:
    """What one plaintext is.

    Attributes:
        name: catalogue name, or the opcode where there is none.
        kind: request, response, notification or error, None where the opcode is no codeword.
        header: None where there are not enough octets for one.
        body: decoded, None where it is malformed or unknown.
        problem: what is wrong, in words; empty where nothing is.
        code: what a pump answers to a request that is wrong.
    """

    name: str
    kind: OpcodeClass | None
    header: Header | None
    body: Any = None
    problem: str = ""
    code: ErrorCode | None = None

    @property
    def cached(self) -> bool:
        """Whether the answer came from the pump's cache."""
        return self.header is not None and bool(self.header.mflags & CACHED)

    @property
    def title(self) -> str:
        """Name, class and transaction."""
        if self.header is None:
            return self.name
        kind = self.kind.name.lower() if self.kind and self.kind is not OpcodeClass.ERROR else ""
        words = [self.name, kind, f"txn {self.header.txn}" if self.header.txn else ""]
        return " ".join(word for word in words if word)


_CODECS: Final[dict[int, tuple[str, BodyCodec]]] = {
    **{spec.request_opcode: (spec.name, spec.request_codec) for spec in MESSAGES},
    **{spec.response_opcode: (spec.name, spec.response_codec) for spec in MESSAGES},
    **{spec.opcode: (spec.name, spec.codec) for spec in NOTIFICATIONS},
    ERROR_OPCODE: (ERROR_NAME, ERROR_CODEC),
}


def read_message(plaintext: bytes) -> Message:
    """Read header and body; whatever is wrong is in the result."""
    header = read_header(plaintext)
    if header is None:
        problem = f"{len(plaintext)} octets; an application header has {HEADER_SIZE}"
        return Message("no message", None, None, problem=problem)
    number = index_of16(header.opcode)
    kind = None if number is None else OpcodeClass(number >> 9)
    name, codec = _CODECS.get(header.opcode, ("", None))
    if kind is OpcodeClass.REQUEST or kind is None:
        return _request(header, plaintext, kind, name)
    if codec is None:
        problem = f"{describe_opcode(header.opcode)} is not in the catalogue"
        return Message(describe_opcode(header.opcode), kind, header, problem=problem)
    return _answer(header, plaintext, kind, name, codec)


def _request(header: Header, plaintext: bytes, kind: OpcodeClass | None, name: str) -> Message:
    try:
        _, body = parse_request(header, plaintext)
    except BodyError as error:
        answer = explain(ErrorBody(header.opcode, error.code, error.field, 0))
        problem = f"{error}. The pump refuses it: {answer}"
        return Message(name or describe_opcode(header.opcode), kind, header, None, problem, error.code)
    return Message(name, kind, header, body)


def _answer(header: Header, plaintext: bytes, kind: OpcodeClass, name: str, codec: BodyCodec) -> Message:
    octets = plaintext[HEADER_SIZE:]
    if header.rev != REVISION:
        problem = f"body revision {header.rev}; known is {REVISION}"
    elif header.mflags & ~CACHED:
        problem = f"flags 0x{header.mflags:02X}; only bit 0, CACHED, may be set"
    elif header.body_len != len(octets):
        problem = f"the header says {header.body_len} octets of body, {len(octets)} follow"
    else:
        try:
            return Message(name, kind, header, codec.decode(octets))
        except BodyError as error:
            problem = str(error)
    return Message(name, kind, header, problem=problem)


def message_runs(plaintext: bytes, at: int = 0) -> list[Run]:
    """Return the fields of header and body; the first octet stands at offset ``at``."""
    message = read_message(plaintext)
    if message.header is None:
        return [Run(at, plaintext, "octets", message.problem)] if plaintext else []
    header = message.header
    meanings = {
        "opcode": describe_opcode(header.opcode),
        "txn": str(header.txn),
        "rev": str(header.rev),
        "mflags": "CACHED" if message.cached else "none" if not header.mflags else "reserved bits set",
        "body_len": f"{header.body_len} octets follow",
    }
    runs = layout_runs(HEADER, plaintext[:HEADER_SIZE], meanings, at)
    octets = plaintext[HEADER_SIZE:]
    if message.body is not None:
        return [*runs, *_body_runs(message.body, octets, at + HEADER_SIZE)]
    known = _CODECS.get(header.opcode)
    if known is None:
        return [*runs, Run(at + HEADER_SIZE, octets, "body", "")] if octets else runs
    return [*runs, *_raw_runs(known[1].body, octets, at + HEADER_SIZE)]


def _body_runs(body: object, octets: bytes, at: int) -> Iterator[Run]:
    runs = body_runs(body, octets, at)
    if not isinstance(body, ErrorBody):
        yield from runs
        return
    for run in runs:
        refused = run.name == "request_opcode"
        yield replace(run, meaning=describe_opcode(body.request_opcode)) if refused else run
    yield Run(0, b"", "", f"in words: {explain(body)}")


def _raw_runs(body: type, octets: bytes, at: int) -> Iterator[Run]:
    """Yield the fields of a body that could not be decoded, as octets, as far as they go."""
    here = 0
    for name, field in fields_of(body).items():
        piece = octets[here : here + field.size]
        if not piece:
            break
        short = "" if len(piece) == field.size else f"cut short: {len(piece)} of {field.size} octets"
        yield Run(at + here, piece, name, short or field.text)
        here += field.size
    if here < len(octets):
        yield Run(at + here, octets[here:], "rest", f"{len(octets) - here} octets")


def field_texts(body: object) -> dict[str, str]:
    """Return the fields of ``body`` by name, as text with units; of a list only how long it is."""
    texts: dict[str, str] = {}
    for name, field in fields_of(type(body)).items():
        value = getattr(body, name)
        if field.kind is FieldKind.OCTETS:
            texts[name] = value.hex()
        elif field.kind is FieldKind.BLOCK:
            texts[name] = f"{len(value)} octets"
        elif field.kind is not FieldKind.RESERVED:
            texts[name] = explain_value(field, value)
    return texts


def plain_body(body: object) -> dict[str, object]:
    """Return the fields of ``body`` as plain data: integers, names of words, hex of octets, lists."""
    plain: dict[str, object] = {}
    for name, field in fields_of(type(body)).items():
        if field.kind is not FieldKind.RESERVED:
            plain[name] = _plain(getattr(body, name))
    return plain


def _plain(value: object) -> object:
    match value:
        case IntFlag():
            return [member.name for member in type(value) if member in value]
        case IntEnum():
            return value.name
        case bytes():
            return value.hex()
        case tuple():
            return [plain_body(item) for item in value]
        case _:
            return value
