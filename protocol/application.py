"""The 8-octet application header and what travels behind it: requests, responses, errors.

Source: OITP/1 section 7. The opcode stands first so that a wrong word is refused before anything else.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

import construct

from protocol.codewords import is_codeword16
from protocol.messages.codec import BodyError
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import (
    ERROR_CODEC,
    ERROR_OPCODE,
    MessageSpec,
    NotificationSpec,
    by_notification_opcode,
    by_request_opcode,
    describe_opcode,
)
from protocol.vocabulary import NO_FIELD, ErrorCode

HEADER: Final = construct.Struct(
    "opcode" / construct.Int16ul,
    "txn" / construct.Int16ul,
    "rev" / construct.Int8ul,
    "mflags" / construct.Int8ul,
    "body_len" / construct.Int16ul,
)
"""Definition of the header; the packed form below is tied to it by a test."""

_PACKED: Final = struct.Struct("<HHBBH")
HEADER_SIZE: Final = _PACKED.size
REVISION: Final = 1
CACHED: Final = 0x01
MAX_BODY: Final = 214


@dataclass(frozen=True, slots=True)
class Header:
    """One application header."""

    opcode: int
    txn: int
    rev: int
    mflags: int
    body_len: int


class ApplicationError(ValueError):
    """A peer's answer that is no message of OITP/1."""


def read_header(plaintext: bytes) -> Header | None:
    """Return the header, or None where ``plaintext`` is too short to hold one."""
    if len(plaintext) < HEADER_SIZE:
        return None
    return Header(*_PACKED.unpack_from(plaintext))


def build_message(opcode: int, txn: int, body: bytes, *, mflags: int = 0) -> bytes:
    """Return header and body as one plaintext.

    Raises:
        ValueError: the body is longer than 214 octets.
    """
    if len(body) > MAX_BODY:
        raise ValueError(f"body has {len(body)} octets, at most {MAX_BODY} fit one record")
    return _PACKED.pack(opcode, txn, REVISION, mflags, len(body)) + body


def build_request(spec: MessageSpec, body: Any, txn: int) -> bytes:
    """Return the plaintext of a request."""
    return build_message(spec.request_opcode, txn, spec.request_codec.encode(body))


def build_response(spec: MessageSpec, body: Any, txn: int) -> bytes:
    """Return the plaintext of a response."""
    return build_message(spec.response_opcode, txn, spec.response_codec.encode(body))


def build_notification(spec: NotificationSpec, body: Any) -> bytes:
    """Return the plaintext of a notification; its transaction id is 0."""
    return build_message(spec.opcode, 0, spec.codec.encode(body))


def build_error(
    request_opcode: int, txn: int, code: ErrorCode, field: int = NO_FIELD, detail: int = 0
) -> bytes:
    """Return the plaintext of an ERROR."""
    body = ErrorBody(request_opcode, code, field, min(max(detail, 0), 0xFFFF_FFFF))
    return build_message(ERROR_OPCODE, txn, ERROR_CODEC.encode(body))


def mark_cached(plaintext: bytes) -> bytes:
    """Return the same answer with the CACHED flag set."""
    head = _PACKED.unpack_from(plaintext)
    return _PACKED.pack(head[0], head[1], head[2], head[3] | CACHED, head[4]) + plaintext[HEADER_SIZE:]


def parse_request(header: Header, plaintext: bytes) -> tuple[MessageSpec, Any]:
    """Check opcode, revision, length and body in the order of OITP/1 section 15.

    Raises:
        BodyError: carries the code and field the pump answers with.
    """
    if not is_codeword16(header.opcode):
        raise BodyError(ErrorCode.OPCODE_NOT_A_CODEWORD, NO_FIELD, f"0x{header.opcode:04X} is no codeword")
    spec = by_request_opcode(header.opcode)
    if spec is None:
        raise BodyError(
            ErrorCode.UNKNOWN_OPCODE, NO_FIELD, f"{describe_opcode(header.opcode)} is not answered here"
        )
    if header.rev != REVISION:
        raise BodyError(
            ErrorCode.UNSUPPORTED_REV, NO_FIELD, f"body revision {header.rev}, this pump has {REVISION}"
        )
    body = plaintext[HEADER_SIZE:]
    if header.body_len != len(body):
        raise BodyError(
            ErrorCode.BAD_LENGTH, NO_FIELD, f"header says {header.body_len} octets, {len(body)} follow"
        )
    spec.request_codec.check_length(body)
    if header.mflags:
        raise BodyError(
            ErrorCode.RESERVED_NONZERO, NO_FIELD, f"request flags 0x{header.mflags:02X} must be zero"
        )
    return spec, spec.request_codec.decode(body)


def parse_answer(spec: MessageSpec, header: Header, plaintext: bytes) -> Any:
    """Return the response or ERROR body that answers ``spec``.

    Raises:
        ApplicationError: neither, or malformed.
    """
    body = plaintext[HEADER_SIZE:]
    if header.rev != REVISION or header.mflags & ~CACHED or header.body_len != len(body):
        raise ApplicationError(f"answer to {spec.name} has a malformed header")
    if header.opcode not in (ERROR_OPCODE, spec.response_opcode):
        raise ApplicationError(f"{spec.name} was answered by {describe_opcode(header.opcode)}")
    codec = ERROR_CODEC if header.opcode == ERROR_OPCODE else spec.response_codec
    try:
        return codec.decode(body)
    except BodyError as error:
        raise ApplicationError(f"answer to {spec.name}: {error}") from None


def parse_notification(header: Header, plaintext: bytes) -> tuple[NotificationSpec, Any]:
    """Return the notification in ``plaintext``.

    Raises:
        ApplicationError: none that is known, or malformed.
    """
    spec = by_notification_opcode(header.opcode)
    body = plaintext[HEADER_SIZE:]
    if spec is None:
        raise ApplicationError(f"{describe_opcode(header.opcode)} is no notification")
    if header.rev != REVISION or header.mflags or header.txn or header.body_len != len(body):
        raise ApplicationError(f"{spec.name} has a malformed header")
    try:
        return spec, spec.codec.decode(body)
    except BodyError as error:
        raise ApplicationError(f"{spec.name}: {error}") from None
