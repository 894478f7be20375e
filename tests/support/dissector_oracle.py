"""What the dissector must show of a packet: values as `construct` reads them, verdicts as the parsers do."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

from support.dissector_cases import FrameCase
from support.tshark import Dissected, Shown

from protocol.application import CACHED, HEADER, HEADER_SIZE, REVISION, parse_request, read_header
from protocol.capture.verdict import Knowledge, judge_frame
from protocol.codewords import is_codeword16
from protocol.drops import DropReason
from protocol.frame import (
    CRC_SIZE,
    FRAME_LAYOUT,
    HEADER_LAYOUT,
    MIN_FRAME,
    FrameKind,
    crc32c,
)
from protocol.frame import HEADER_SIZE as FRAME_HEADER_SIZE
from protocol.handshake import HEADER_LAYOUT as HANDSHAKE_LAYOUT
from protocol.handshake import HandshakeStep, Suite
from protocol.link_control import LINK_LAYOUTS, LinkClass, LinkErrorCode, LinkOp, SuiteBit
from protocol.log_record import PAYLOAD_SIZE, PAYLOADS, read_payload
from protocol.messages.codec import BodyCodec, BodyError, codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.log import LogRecord
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, NOTIFICATIONS
from protocol.messages.text import read_text
from protocol.noise import KEY_SIZE, TAG_SIZE
from protocol.records import COUNTER_SIZE, OVERHEAD, RECORD_LAYOUT
from protocol.vocabulary import NO_FIELD, CloseReason, ErrorCode, EventType

_LINK_WORDS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "link_class": LinkClass,
    "reason": CloseReason,
    "code": LinkErrorCode,
    "suites": SuiteBit,
    "suite": Suite,
    "step": HandshakeStep,
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value that must be shown, with its place in the packet.

    `word` is the name of an enumeration's member, `text` what a text field says, each where there is one.
    """

    name: str
    at: int
    size: int
    value: int | bytes
    word: str = ""
    text: str | None = None


@dataclass(slots=True)
class Expected:
    """Everything that must be shown of one packet."""

    values: list[Value] = field(default_factory=list)
    drop: str | None = None
    verdict: str | None = None
    verdict_field: int | None = None
    message: str | None = None
    kind: str | None = None
    bad_log_crcs: int = 0
    bad_log_payload: bool = False


# --- messages -----------------------------------------------------------------------------------------------

Known = tuple[str, str, type, int]
"""Name, class, body and permitted flags of an opcode."""
_KNOWN: dict[int, Known] = {
    **{spec.request_opcode: (spec.name, "request", spec.request, 0) for spec in MESSAGES},
    **{spec.response_opcode: (spec.name, "response", spec.response, CACHED) for spec in MESSAGES},
    **{spec.opcode: (spec.name, "notification", spec.body, 0) for spec in NOTIFICATIONS},
    ERROR_OPCODE: ("ERROR", "error", ErrorBody, CACHED),
}


def judge_message(plaintext: bytes) -> tuple[ErrorCode, int] | None:
    """The code and field of what is wrong with a message, None where nothing is."""
    header = read_header(plaintext)
    assert header is not None
    known = _KNOWN.get(header.opcode)
    try:
        if known is None or known[1] == "request":
            parse_request(header, plaintext)
        else:
            _parse_other(header.rev, header.mflags, header.body_len, plaintext[HEADER_SIZE:], known)
    except BodyError as error:
        return error.code, error.field
    return None


def _parse_other(rev: int, mflags: int, body_len: int, body: bytes, known: Known) -> None:
    """Check what the pump sends in the order in which it checks what it gets."""
    codec: BodyCodec = codec_of(known[2])
    if rev != REVISION:
        raise BodyError(ErrorCode.UNSUPPORTED_REV, NO_FIELD, "")
    if body_len != len(body):
        raise BodyError(ErrorCode.BAD_LENGTH, NO_FIELD, "")
    codec.check_length(body)
    if mflags & ~known[3]:
        raise BodyError(ErrorCode.RESERVED_NONZERO, NO_FIELD, "")
    codec.decode(body)


def expect_message(plaintext: bytes, at: int) -> Expected:
    """What must be shown of a message that begins at offset `at` of its packet."""
    expected = Expected()
    if len(plaintext) < HEADER_SIZE:
        expected.drop = DropReason.HEADER.value
        return expected
    head = HEADER.parse(plaintext[:HEADER_SIZE])
    here = at
    for subcon in HEADER.subcons:
        size = subcon.sizeof()
        expected.values.append(Value(f"oitp.{subcon.name}", here, size, head[subcon.name]))
        here += size
    judged = judge_message(plaintext)
    if judged is not None:
        expected.verdict, expected.verdict_field = judged[0].name, judged[1]
    assert is_codeword16(head.opcode) or expected.verdict == ErrorCode.OPCODE_NOT_A_CODEWORD.name
    known = _KNOWN.get(head.opcode)
    if known is not None:
        expected.message, expected.kind, body, _ = known
        scope = expected.message.lower()
        expected.values += _body_values(body, plaintext[HEADER_SIZE:], here, scope, expected)
    return expected


def _body_values(body: type, data: bytes, at: int, scope: str, expected: Expected) -> Iterator[Value]:
    """The fields of a body as far as the octets reach, each read by its own `construct` layout."""
    here = 0
    for name, field_ in fields_of(body).items():
        if here + field_.size > len(data):
            return
        filter_name = f"oitp.{scope}.{name}"
        if field_.kind in (FieldKind.BLOCK, FieldKind.RECORDS):
            yield from _tail_values(filter_name, field_, data[here:], at + here, expected)
            return
        octets = data[here : here + field_.size]
        yield Value(filter_name, at + here, field_.size, *_read(field_, octets))
        here += field_.size


def _read(field_: Field, octets: bytes) -> tuple[int | bytes, str, str | None]:
    value: int | bytes = field_.layout.parse(octets)
    text = None
    if field_.kind is FieldKind.TEXT:
        with suppress(ValueError):
            text = read_text(octets)
    words: Any = field_.members if field_.kind is FieldKind.WORD else ()
    return value, next((word.name for word in words if word == value), ""), text


def _tail_values(name: str, field_: Field, data: bytes, at: int, expected: Expected) -> Iterator[Value]:
    count, rest = data[0], data[1:]
    if field_.item is None:
        yield Value(f"{name}_len", at, 1, count)
        if rest[:count]:
            yield Value(name, at + 1, len(rest[:count]), rest[:count])
        return
    yield Value(name, at, 1, count)
    each = codec_of(field_.item).fixed_size
    for number in range(min(count, len(rest) // each)):
        octets, start = rest[number * each : (number + 1) * each], at + 1 + number * each
        yield from _body_values(field_.item, octets, start, _snake(field_.item.__name__), expected)
        if field_.item is LogRecord:
            yield from _log_values(octets, start, expected)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _log_values(octets: bytes, at: int, expected: Expected) -> Iterator[Value]:
    """What a log record says beyond its fields: its CRC, and its payload by its type."""
    expected.bad_log_crcs += crc32c(octets[:-4]) != int.from_bytes(octets[-4:], "little")
    values = {}
    here = 0
    for name, field_ in fields_of(LogRecord).items():
        values[name] = field_.layout.parse(octets[here : here + field_.size])
        if name == "payload":
            at += here
        here += field_.size
    if values["type"] not in list(EventType):
        return
    kind = EventType(values["type"])
    body = PAYLOADS.get(kind)
    if body is None:
        return
    values |= {"type": kind, "flags": 0}
    expected.bad_log_payload |= read_payload(LogRecord(**values)) is None
    yield from _body_values(body, values["payload"][:PAYLOAD_SIZE], at, f"log.{kind.name.lower()}", expected)


# --- frames -------------------------------------------------------------------------------------------------


def expect_frame(case: FrameCase) -> Expected:
    """What must be shown of a link frame."""
    octets, expected = case.octets, Expected()
    drop = judge_frame(octets, Knowledge(case.direction)).drop
    expected.drop = None if drop is None else drop.reason.value
    if len(octets) < MIN_FRAME:
        return expected
    head = HEADER_LAYOUT.parse(octets[:FRAME_HEADER_SIZE])
    expected.values = list(_layout_values(HEADER_LAYOUT, octets[:FRAME_HEADER_SIZE], 0, "oitp", {}))
    expected.values.append(Value("oitp.direction", 2, 1, head.flags & 1))
    payload = octets[FRAME_HEADER_SIZE:-CRC_SIZE]
    if head.kind in list(FrameKind):
        kind = FrameKind(head.kind)
        if kind is FrameKind.CLEAR:
            _expect_clear(payload, expected)
        else:
            expected.values += _PAYLOADS[kind](payload)
    elif payload:
        expected.values.append(Value("oitp.payload", FRAME_HEADER_SIZE, len(payload), payload))
    if expected.drop is None:
        # A frame that passes is one that `construct` builds from the values, octet for octet.
        values = {**head, "payload": payload, "crc32c": crc32c(octets[:-CRC_SIZE])}
        assert FRAME_LAYOUT.build(values) == octets
    stated = int.from_bytes(octets[-CRC_SIZE:], "little")
    expected.values.append(Value("oitp.crc32c", len(octets) - CRC_SIZE, CRC_SIZE, stated))
    return expected


def _layout_values(
    layout: Any,  # noqa: ANN401 - construct has no types
    octets: bytes,
    at: int,
    scope: str,
    words: dict[str, Any],
) -> Iterator[Value]:
    here = 0
    for subcon in layout.subcons:
        size = subcon.sizeof()
        if here + size > len(octets):
            return
        value = subcon.parse(octets[here : here + size])
        members = words.get(subcon.name, ())
        word = next((member.name for member in members if int(member) == value), "")
        yield Value(f"{scope}.{subcon.name}", at + here, size, value, word or "")
        here += size


def _link_values(payload: bytes) -> Iterator[Value]:
    at = FRAME_HEADER_SIZE
    if not payload:
        return
    yield Value("oitp.link.op", at, 1, payload[0])
    if payload[0] not in list(LinkOp):
        return
    op = LinkOp(payload[0])
    if op in (LinkOp.PING, LinkOp.PONG):
        if payload[1:]:
            yield Value("oitp.link.data", at + 1, len(payload) - 1, payload[1:])
        return
    words = {name: members for name, members in _LINK_WORDS.items() if name != "suites"}
    yield from _layout_values(LINK_LAYOUTS[op], payload[1:], at + 1, f"oitp.link.{op.name.lower()}", words)


def _handshake_values(payload: bytes) -> Iterator[Value]:
    at, header = FRAME_HEADER_SIZE, HANDSHAKE_LAYOUT.sizeof()
    if len(payload) < header:
        return
    yield from _layout_values(HANDSHAKE_LAYOUT, payload[:header], at, "oitp.handshake", _LINK_WORDS)
    key, sealed = payload[header : header + KEY_SIZE], payload[header + KEY_SIZE :]
    tag = sealed[-TAG_SIZE:]
    parts = (("ephemeral", key), ("ciphertext", sealed[: len(sealed) - len(tag)]), ("tag", tag))
    here = at + header
    for name, octets in parts:
        if octets:
            yield Value(f"oitp.handshake.{name}", here, len(octets), octets)
        here += len(octets)


def _record_values(payload: bytes) -> Iterator[Value]:
    if len(payload) < OVERHEAD:
        return
    read = RECORD_LAYOUT.parse(payload, plaintext_size=len(payload) - OVERHEAD)
    here = FRAME_HEADER_SIZE
    yield Value("oitp.counter", here, COUNTER_SIZE, read.counter)
    here += COUNTER_SIZE
    if read.ciphertext:
        yield Value("oitp.ciphertext", here, len(read.ciphertext), read.ciphertext)
    yield Value("oitp.tag", here + len(read.ciphertext), TAG_SIZE, read.tag)


def _expect_clear(payload: bytes, expected: Expected) -> None:
    """A counter, then a message in the open."""
    if len(payload) < COUNTER_SIZE:
        return
    counter = int.from_bytes(payload[:COUNTER_SIZE], "little")
    expected.values.append(Value("oitp.counter", FRAME_HEADER_SIZE, COUNTER_SIZE, counter))
    inside = expect_message(payload[COUNTER_SIZE:], FRAME_HEADER_SIZE + COUNTER_SIZE)
    if inside.drop is not None:
        expected.drop = expected.drop or inside.drop
        return
    inside.values = expected.values + inside.values
    for name in ("values", "verdict", "verdict_field", "message", "kind", "bad_log_crcs", "bad_log_payload"):
        setattr(expected, name, getattr(inside, name))


_PAYLOADS = {
    FrameKind.LINK: _link_values,
    FrameKind.HANDSHAKE: _handshake_values,
    FrameKind.SECURE: _record_values,
}


# --- comparing ----------------------------------------------------------------------------------------------

_SAID_OF_THE_WHOLE = frozenset(
    f"oitp.{name}"
    for name in (
        "drop", "drop_told", "verdict", "verdict_field", "message", "class", "crc_good", "trailing", "raw",
        "request_in", "response_time", "mflags.cached",
    )
)  # fmt: skip


def differences(expected: Expected, shown: Dissected) -> list[str]:
    """Everything in which the dissector differs from the codec for one packet."""
    found = [f"lua: {text}" for text in shown.trouble]
    whole = {
        "drop": expected.drop,
        "verdict": expected.verdict,
        "verdict_field": None if expected.verdict_field is None else str(expected.verdict_field),
        "message": expected.message,
        "class": expected.kind,
    }
    for name, wanted in whole.items():
        if shown.first(f"oitp.{name}") != wanted:
            found.append(f"{name}: {wanted} here, {shown.first(f'oitp.{name}')} in tshark")
    found += _fault_differences(expected, shown.faults)
    return [*found, *_value_differences(expected.values, shown.fields)]


def _fault_differences(expected: Expected, faults: Sequence[str]) -> Iterator[str]:
    """The expert infos: the verdict's own is there, and there is none where nothing is wrong."""
    judged = [name for name in faults if name.startswith(("oitp.drop.", "oitp.fault."))]
    wanted = []
    if expected.drop is not None:
        wanted.append(f"oitp.drop.{expected.drop}")
    if expected.verdict is not None:
        wanted.append(f"oitp.fault.{expected.verdict}")
    for name in wanted:
        if name not in judged:
            yield f"expert info {name} is missing"
    if judged and not wanted:
        yield f"expert infos {judged} where nothing is wrong"
    if faults.count("oitp.log_record.BAD_CRC") != expected.bad_log_crcs:
        yield f"{expected.bad_log_crcs} wrong CRCs of log records here, {faults} in tshark"
    if ("oitp.log_record.BAD_PAYLOAD" in faults) != expected.bad_log_payload:
        yield f"bad log payload: {expected.bad_log_payload} here, {faults} in tshark"


def _value_differences(wanted: Sequence[Value], fields: Sequence[Shown]) -> Iterator[str]:
    names = {value.name for value in wanted}
    shown = [
        one
        for one in fields
        if one.name in names or not (one.name in _SAID_OF_THE_WHOLE or _is_decoration(one, names))
    ]
    ordered = sorted(wanted, key=lambda value: (value.at, value.size))
    for value, one in zip(ordered, sorted(shown, key=lambda one: (one.at, one.size)), strict=False):
        yield from _compare(value, one)
    if len(wanted) != len(shown):
        extra = {one.name for one in shown} ^ names
        yield f"{len(wanted)} values here, {len(shown)} in tshark: {sorted(extra)}"


def _is_decoration(one: Shown, names: set[str]) -> bool:
    """Bits below their flags, branches of list items, and the names of expert infos."""
    parent = one.name.rpartition(".")[0]
    return parent in names or not one.show or parent in ("oitp.drop", "oitp.fault", "oitp.log_record.BAD_CRC")


def _compare(value: Value, one: Shown) -> Iterator[str]:
    if (value.name, value.at, value.size) != (one.name, one.at, one.size):
        yield f"{value} here, {one} in tshark"
    elif isinstance(value.value, bytes):
        if value.value != one.octets:
            yield f"{value.name}: {value.value.hex()} here, {one.octets.hex()} in tshark"
        if value.text is not None and value.text != one.show:
            yield f"{value.name}: {value.text!r} here, {one.show!r} in tshark"
    elif value.value != int(one.show, 0):
        yield f"{value.name}: {value.value} here, {one.show} in tshark"
    if value.word and f": {value.word} (" not in one.label:
        yield f"{value.name}: {value.word} here, {one.label} in tshark"
