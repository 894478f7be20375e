"""Packets to compare the Wireshark dissector with the codec: right ones, and wrong ones of every kind.

Everything comes from a seeded generator, and the bodies from the field annotations, so that a message that is
new in the registry is compared without further work.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from support.wire import flip

from protocol.application import CACHED, HEADER_SIZE, MAX_BODY, build_message
from protocol.codewords import codeword16
from protocol.frame import (
    MAX_FRAME,
    MAX_PAYLOAD,
    NO_LINK_ID,
    Direction,
    Frame,
    FrameKind,
    crc32c,
    encode_frame,
)
from protocol.handshake import FIRST_SIZE, SECOND_SIZE, HandshakeStep, Suite
from protocol.link_control import (
    KEY_HINT_SIZE,
    MAX_ECHO,
    MIN_MAX_FRAME,
    Close,
    Hello,
    HelloResponse,
    LinkClass,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    Ping,
    Pong,
    SuiteBit,
    encode_link,
)
from protocol.log_record import PAYLOAD_SIZE, PAYLOADS, seal_record
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.log import LogRecord
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, NOTIFICATIONS
from protocol.records import COUNTER_SIZE, MAX_PLAINTEXT, MAX_RECORDS
from protocol.vocabulary import CloseReason

MESSAGE_BODIES: tuple[tuple[int, type], ...] = (
    *((spec.request_opcode, spec.request) for spec in MESSAGES),
    *((spec.response_opcode, spec.response) for spec in MESSAGES),
    *((spec.opcode, spec.body) for spec in NOTIFICATIONS),
    (ERROR_OPCODE, ErrorBody),
)
"""Every opcode with the body that belongs to it."""


@dataclass(frozen=True, slots=True)
class FrameCase:
    """A link frame, or octets in place of one; `direction` is what the capture says, None where nothing."""

    octets: bytes
    direction: Direction | None = None


# --- bodies -------------------------------------------------------------------------------------------------


def any_body(body: type, draw: Random) -> Any:  # noqa: ANN401 - whichever body
    """A valid body of a class."""
    if body is LogRecord:
        return _log_record(draw)
    return body(**{name: _value(field, draw) for name, field in fields_of(body).items()})


def _value(field: Field, draw: Random) -> object:
    match field.kind:
        case FieldKind.INTEGER:
            limits = (field.low, field.high)
            return draw.choice(limits) if draw.random() < 0.3 else draw.randint(*limits)
        case FieldKind.WORD:
            return draw.choice(list(field.members or ()))
        case FieldKind.FLAGS:
            members: Any = field.members
            return members(sum(member for member in members if draw.random() < 0.5))
        case FieldKind.TEXT:
            return _text(field.size, draw)
        case FieldKind.RESERVED:
            return bytes(field.size)
        case FieldKind.BLOCK:
            return draw.randbytes(draw.choice((0, 1, draw.randint(0, field.limit), field.limit)))
        case FieldKind.RECORDS:
            assert field.item is not None
            count = draw.choice((0, 1, draw.randint(0, field.limit), field.limit))
            return tuple(any_body(field.item, draw) for _ in range(count))
        case _:
            return draw.randbytes(field.size) if field.nonzero or draw.random() < 0.8 else bytes(field.size)


def _text(size: int, draw: Random) -> str:
    alphabet = draw.choice(("abcXYZ 0189", "a<&>\"'\\%b", "äöµß Ωж", "€漢字\u0378", "𝄞😀x"))
    text = "".join(draw.choice(alphabet) for _ in range(draw.randint(0, size)))
    while len(text.encode()) > size:
        text = text[:-1]
    return text


def _log_record(draw: Random) -> LogRecord:
    values: dict[str, Any] = {name: _value(field, draw) for name, field in fields_of(LogRecord).items()}
    record = LogRecord(**values)
    payload = PAYLOADS.get(record.type)
    if payload is not None and draw.random() < 0.8:
        octets = codec_of(payload).encode(any_body(payload, draw)).ljust(PAYLOAD_SIZE, b"\0")
        record = replace(record, payload=octets)
    if draw.random() < 0.7:
        record = replace(record, crc32c=int.from_bytes(seal_record(record)[-4:], "little"))
    return record


# --- messages -----------------------------------------------------------------------------------------------


def messages(draw: Random, rounds: int) -> Iterator[bytes]:
    """Plaintexts: for every opcode `rounds` right ones, and as many of each way to be wrong."""
    for opcode, body in MESSAGE_BODIES:
        for _ in range(rounds):
            right = _message(opcode, body, draw)
            yield right
            for wrong in _WRONG:
                yield wrong(right, draw)
            yield from _edges(opcode, body, draw)
    for _ in range(rounds * 10):
        yield draw.randbytes(draw.randint(0, 60))
        yield build_message(codeword16(draw.randint(1, 2047)), 1, draw.randbytes(draw.randint(0, 20)))


def _message(opcode: int, body: type, draw: Random) -> bytes:
    encoded = codec_of(body).encode(any_body(body, draw))
    mflags = CACHED if draw.random() < 0.2 else 0
    return build_message(opcode, draw.randint(0, 0xFFFF), encoded, mflags=mflags)


def _spoil_one_field(message: bytes, draw: Random) -> bytes:
    """Random octets at a random place of the body, no octet more or less: words, ranges, texts, counts."""
    body = bytearray(message[HEADER_SIZE:])
    if body:
        at = draw.randrange(len(body))
        junk = draw.choice((draw.randbytes(4), b"\xff" * 4, bytes(4), b"\xc3\x28\x00A"))
        body[at : at + len(junk)] = junk[: len(body) - at]
    return message[:HEADER_SIZE] + bytes(body)


def _all_random(message: bytes, draw: Random) -> bytes:
    return message[:HEADER_SIZE] + draw.randbytes(len(message) - HEADER_SIZE)


def _cut(message: bytes, draw: Random) -> bytes:
    return _with_length(message[: draw.randint(0, len(message) - 1)], draw)


def _extended(message: bytes, draw: Random) -> bytes:
    more = draw.randbytes(draw.randint(1, 20))[: MAX_BODY + HEADER_SIZE - len(message)]
    return _with_length(message + more, draw)


def _with_length(message: bytes, draw: Random) -> bytes:
    """Let the header tell the right length, more often than not, so that the body itself is judged."""
    if len(message) < HEADER_SIZE or draw.random() < 0.3:
        return message
    return message[:6] + (len(message) - HEADER_SIZE).to_bytes(2, "little") + message[HEADER_SIZE:]


def _header_octet(message: bytes, draw: Random) -> bytes:
    at = draw.randrange(HEADER_SIZE)
    return message[:at] + draw.randbytes(1) + message[at + 1 :]


def _flipped(message: bytes, draw: Random) -> bytes:
    for _ in range(draw.randint(1, 4)):
        message = flip(message, draw.randrange(8 * len(message)))
    return message


_WRONG: tuple[Callable[[bytes, Random], bytes], ...] = (
    _spoil_one_field, _all_random, _cut, _extended, _header_octet, _flipped,
)  # fmt: skip


# --- a body that is wrong in one field only -----------------------------------------------------------------

_BAD_TEXTS = (
    b"\x1f", b"\x7f", b"a\xc2\xa0", b"\xe2\x80\xae", b"\xee\x80\x80", b"\xef\xbb\xbf",
    b"\xc0\x80", b"\xe0\x81\x81", b"\xf0\x80\x81\x81", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff",
    b"\xc2", b"a\x80", b"\xe2\x80", b"a\0b", b"\0b",
)  # fmt: skip


def _edges(opcode: int, body: type, draw: Random) -> Iterator[bytes]:
    """For every field of a body: the message with just this one outside what it may be, if there is a way."""
    for octets in _bad_bodies(body, draw):
        yield build_message(opcode, 1, b"")[:6] + len(octets).to_bytes(2, "little") + octets


def _bad_bodies(body: type, draw: Random) -> Iterator[bytes]:
    at = 0
    for field in fields_of(body).values():
        right = codec_of(body).encode(any_body(body, draw))
        if field.kind in (FieldKind.BLOCK, FieldKind.RECORDS):
            yield from (right[:at] + tail for tail in _bad_tails(field, draw))
            return
        for bad in _bad_values(field, draw):
            yield right[:at] + bad.ljust(field.size, b"\0")[: field.size] + right[at + field.size :]
        at += field.size


def _bad_tails(field: Field, draw: Random) -> Iterator[bytes]:
    """One item more than may be, and for each field of an item one list with just that wrong."""
    if field.item is None:
        yield bytes((field.limit + 1,)) + draw.randbytes(field.limit + 1)
        return
    item = field.item
    count = field.limit + 1
    encode = codec_of(item).encode
    yield bytes((count,)) + b"".join(encode(any_body(item, draw)) for _ in range(count))
    for bad in _bad_bodies(item, draw):
        yield b"\x02" + encode(any_body(item, draw)) + bad


def _bad_values(field: Field, draw: Random) -> Iterable[bytes]:
    """Octets that a field refuses; none where it takes any."""
    match field.kind:
        case FieldKind.INTEGER:
            return _outside(field)
        case FieldKind.WORD:
            members = {int(member) for member in field.members or ()}
            words = {draw.randrange(1 << 8 * field.size), draw.choice(sorted(members)) ^ 1, 0} - members
            return [word.to_bytes(field.size, "little") for word in sorted(words)]
        case FieldKind.FLAGS:
            known = sum(int(member) for member in field.members or ())
            unknown = [1 << bit for bit in range(8 * field.size) if not known >> bit & 1]
            return [(draw.choice(unknown) | draw.choice((0, known))).to_bytes(field.size, "little")]
        case FieldKind.TEXT:
            return _BAD_TEXTS
        case FieldKind.RESERVED:
            return [b"\0" * draw.randrange(field.size) + b"\x80"]
        case _:
            return [bytes(field.size)] if field.nonzero else []


def _outside(field: Field) -> list[bytes]:
    """The two numbers next to the bounds, as far as the field's size can tell them."""
    signed, bits = field.low < 0, 8 * field.size
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    outside = (value for value in (field.low - 1, field.high + 1) if least <= value <= most)
    return [value.to_bytes(field.size, "little", signed=signed) for value in outside]


# --- frames -------------------------------------------------------------------------------------------------


def frames(draw: Random, count: int) -> Iterator[FrameCase]:
    """Link frames: right ones of each kind, each followed by wrong ones made from it."""
    for _ in range(count):
        frame = _frame(draw)
        right = encode_frame(frame)
        yield FrameCase(right, draw.choice((None, frame.direction, frame.direction)))
        yield FrameCase(_flipped(right, draw), frame.direction)
        yield FrameCase(_sealed(_flipped(right[:-4], draw)), draw.choice((None, frame.direction)))
        yield FrameCase(_structure(right, draw), draw.choice((None, frame.direction)))
        yield FrameCase(_resized(right, draw), frame.direction)
        yield FrameCase(right, frame.direction.opposite)
        yield FrameCase(draw.randbytes(draw.randint(1, 40)), None)


def _sealed(checked: bytes) -> bytes:
    return checked + crc32c(checked).to_bytes(4, "little")


def _structure(right: bytes, draw: Random) -> bytes:
    """One octet of the header, or one of the first of the payload, is another; the CRC is right."""
    at = draw.choice((0, 1, 1, 2, 2, 6, 6, 4, 5, 7, 7, 8, 9, 10, 11))
    checked = bytearray(right[:-4])
    if at < len(checked):
        checked[at] = draw.choice((draw.randrange(256), 0x0F, 0x33, 0x3C, 0x55, 0x00, 0x01))
    return _sealed(bytes(checked))


def _resized(right: bytes, draw: Random) -> bytes:
    """Octets are missing or too many; CRC and length octet follow suit, or do not."""
    checked = right[:-4]
    if draw.random() < 0.5:
        checked = checked[: draw.randint(0, len(checked))]
    else:
        checked += draw.randbytes(draw.choice((1, 2, 17, MAX_FRAME - len(right) + 1, 80)))
    if len(checked) > 7 and draw.random() < 0.6:
        checked = checked[:6] + bytes(((len(checked) - 7) & 0xFF,)) + checked[7:]
    return _sealed(checked) if draw.random() < 0.8 else checked + draw.randbytes(4)


def _frame(draw: Random) -> Frame:
    kind = draw.choice(list(FrameKind))
    way = draw.choice(list(Direction))
    link_id = NO_LINK_ID if draw.random() < 0.3 else draw.randrange(0x10000)
    return Frame(kind, way, draw.randrange(256), link_id, _PAYLOADS[kind](draw, way))


def _link_payload(draw: Random, way: Direction) -> bytes:
    if draw.random() < 0.1:
        return draw.randbytes(draw.randint(0, 40))
    to_pump = (_hello, lambda d: Ping(_echo(d)), lambda d: Close(d.choice(list(CloseReason))))
    to_programmer = (
        _hello_response,
        lambda d: Pong(_echo(d)),
        lambda d: LinkError(d.choice(list(LinkErrorCode)), d.randrange(0x10000)),
    )
    makers: tuple[Callable[[Random], LinkMessage], ...] = (*to_pump, *to_programmer)
    if draw.random() < 0.8:
        makers = to_pump if way is Direction.TO_PUMP else to_programmer
    return encode_link(draw.choice(makers)(draw))


def _echo(draw: Random) -> bytes:
    return draw.randbytes(draw.choice((0, 1, draw.randint(0, MAX_ECHO), MAX_ECHO)))


def _hello(draw: Random) -> Hello:
    low = draw.choice((1, 1, draw.randint(1, 255)))
    return Hello(low, draw.randint(low, 255), SuiteBit(draw.randrange(256)), draw.randbytes(8))


def _hello_response(draw: Random) -> HelloResponse:
    return HelloResponse(
        draw.choice((1, 1, draw.randint(1, 255))),
        draw.randrange(NO_LINK_ID),
        draw.choice(list(LinkClass)),
        SuiteBit(draw.randrange(256)),
        draw.randbytes(8),
        draw.randbytes(8),
        draw.randbytes(KEY_HINT_SIZE),
        draw.randrange(0x10000),
        draw.randint(MIN_MAX_FRAME, MAX_FRAME),
    )


def _handshake_payload(draw: Random, way: Direction) -> bytes:
    first = way is Direction.TO_PUMP
    suite = draw.choice(list(Suite))
    slot = 0 if suite is Suite.NNPSK0 and draw.random() < 0.8 else draw.randrange(0x10000)
    step, size = (HandshakeStep.FIRST, FIRST_SIZE) if first else (HandshakeStep.SECOND, SECOND_SIZE)
    if draw.random() < 0.1:
        size = draw.randint(0, 100)
    head = bytes((suite, step)) + slot.to_bytes(2, "little")
    return (head + draw.randbytes(100))[:size]


def _counter(draw: Random) -> bytes:
    number = draw.choice((0, 1, draw.randrange(MAX_RECORDS), MAX_RECORDS - 1, MAX_RECORDS, 0xFFFFFFFF))
    return number.to_bytes(COUNTER_SIZE, "little")


def _secure_payload(draw: Random, way: Direction) -> bytes:
    return (_counter(draw) + draw.randbytes(MAX_PAYLOAD))[: draw.randint(0, MAX_PAYLOAD)]


def _clear_payload(draw: Random, way: Direction) -> bytes:
    chance = draw.random()
    if chance < 0.1:
        return draw.randbytes(draw.randint(0, COUNTER_SIZE + HEADER_SIZE + 1))
    if chance < 0.2:
        return _counter(draw) + draw.randbytes(draw.randint(MAX_PLAINTEXT, MAX_PAYLOAD - COUNTER_SIZE))
    return _counter(draw) + _message(*draw.choice(MESSAGE_BODIES), draw)


_PAYLOADS: dict[FrameKind, Callable[[Random, Direction], bytes]] = {
    FrameKind.LINK: _link_payload,
    FrameKind.HANDSHAKE: _handshake_payload,
    FrameKind.SECURE: _secure_payload,
    FrameKind.CLEAR: _clear_payload,
}
