"""Negative vectors: for one frame of each kind what can be wrong with it, and what must come of that.

What `support.frame_cases` makes is damaged here, layer by layer: on the wire, in the frame behind a right
CRC, in the message it carries, and in the request inside a record that is sealed as it should be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cobs import cobs
from support.frame_cases import CASES, FrameCase, status_request
from support.wire import flip, with_crc

from protocol.application import build_message
from protocol.drops import Drop
from protocol.frame import Direction, Frame, FrameKind, decode_piece, encode_frame, to_wire
from protocol.link_control import LinkError, LinkErrorCode, decode_link
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.records import MAX_RECORDS, RecordSender
from protocol.vocabulary import NO_FIELD, ErrorCode

Document = dict[str, Any]
Wanted = dict[str, Any]

ABOUT = (
    "Frames that are wrong in one way. The receiver is in the state that waits for the genuine frame. "
    "`drop` names the one counter that must move, none where it is null; `answer` is what goes back."
)


@dataclass(frozen=True)
class Mutation:
    """One way to be wrong, and what comes of it."""

    what: str
    wire: bytes
    drop: str | None
    answer: Wanted | None = None

    def describe(self) -> Document:
        """As it stands in the file."""
        return {"what": self.what, "wire": self.wire.hex(), "drop": self.drop, "answer": self.answer}


def _piece(frame: bytes) -> bytes:
    coded: bytes = cobs.encode(frame)
    return b"\0" + coded + b"\0"


def _link_error(code: LinkErrorCode, detail: int) -> Wanted:
    return {"link_error": code.name, "detail": detail}


def _error(code: ErrorCode, field: int = NO_FIELD, detail: int = 0) -> Wanted:
    return {"error": code.name, "field": field, "detail": detail}


# --- the link layer -----------------------------------------------------------------------------------------


def _on_the_wire(case: FrameCase) -> Iterator[Mutation]:
    frame, wire = encode_frame(case.frame), case.wire
    yield Mutation("the last octet of the block is lost", wire[:-2] + b"\0", "cobs")
    yield Mutation("a block longer than what follows", b"\0\xfe" + wire[2:], "cobs")
    yield Mutation(
        "the delimiter behind it is lost and noise follows", wire[:-1] + b"\1" * 254 + b"\0", "overrun"
    )
    yield Mutation("ten octets", _piece(frame[:10]), "size")
    yield Mutation("an empty block", b"\0\1\0", "size")
    yield Mutation("the first octet is lost", _piece(frame[1:]), "crc")
    yield Mutation("one flipped bit", _piece(flip(frame, 61)), "crc")
    yield Mutation("the CRC in the other octet order", _piece(frame[:-4] + frame[:-5:-1]), "crc")


def _in_the_header(case: FrameCase) -> Iterator[Mutation]:
    checked = encode_frame(case.frame)[:-4]

    def patched(at: int, value: int) -> bytes:
        return _piece(with_crc(checked[:at] + bytes([value]) + checked[at + 1 :]))

    size = checked[6]
    yield Mutation("the next major version", patched(0, 0xA2), "proto")
    yield Mutation("an unknown kind", patched(1, 0x5A), "kind")
    yield Mutation("a kind that is no codeword", patched(1, checked[1] ^ 1), "kind")
    yield Mutation("reflected", patched(2, checked[2] ^ 1), "flags")
    yield Mutation("a reserved flag", patched(2, checked[2] | 0x80), "flags")
    yield Mutation("the length octet one too low", patched(6, size - 1), "length")
    yield Mutation("the length octet one too high", patched(6, size + 1), "length")
    yield Mutation("an octet behind the payload", _piece(with_crc(checked + b"\1")), "length")
    yield Mutation("of another link", to_wire(replace(case.frame, link_id=case.frame.link_id ^ 1)), "link_id")


def _with_payload(case: FrameCase, payload: bytes) -> bytes:
    return to_wire(replace(case.frame, payload=payload))


def _link_messages(case: FrameCase) -> Iterator[Mutation]:
    payload = case.frame.payload
    yield Mutation("no octets", _with_payload(case, b""), "link_message")
    yield Mutation("an unknown op", _with_payload(case, b"\x69" + payload[1:]), "link_message")
    yield Mutation("longer than its op allows", _with_payload(case, payload + bytes(33)), "link_message")
    if payload[0] not in (0x3C, 0x55):  # the echo of PING and PONG may be of any size up to 32
        yield Mutation("shorter than its op asks", _with_payload(case, payload[:-1]), "link_message")
    word = {0x33: 4, 0x5A: 1, 0x66: 1}.get(payload[0])
    if word is not None:
        wrong = payload[:word] + b"\0" + payload[word + 1 :]
        yield Mutation("a word that is none", _with_payload(case, wrong), "link_message")


def _handshakes(case: FrameCase) -> Iterator[Mutation]:
    payload = case.frame.payload
    told = case.direction is Direction.TO_PUMP

    def wrong(what: str, octets: bytes, fault: int) -> Mutation:
        answer = _link_error(LinkErrorCode.HANDSHAKE_MALFORMED, fault) if told else None
        return Mutation(what, _with_payload(case, octets), "handshake", answer)

    yield wrong("an unknown suite", b"\x55" + payload[1:], 0)
    yield wrong("an unknown step", payload[:1] + b"\x55" + payload[2:], 0)
    yield wrong("the header cut", payload[:3], 0)
    yield wrong("one octet less", payload[:-1], 0)
    yield wrong("one octet more", payload + b"\0", 0)
    yield wrong("the ephemeral key changed", flip(payload, 8 * 4), 2)
    yield wrong("an ephemeral key of small order", payload[:4] + b"\1" + bytes(31) + payload[36:], 2)
    yield wrong("the tag changed", flip(payload, 8 * len(payload) - 1), 2)
    if payload[0] == 0x33:
        yield wrong("a slot where there is none", payload[:2] + b"\1" + payload[3:], 0)
    else:
        yield wrong("another slot", payload[:2] + b"\7" + payload[3:], 1)


# --- records ------------------------------------------------------------------------------------------------


def _records(case: FrameCase) -> Iterator[Mutation]:
    payload = case.frame.payload
    used, last = bytes(4), MAX_RECORDS.to_bytes(4, "little")
    secure = case.frame.kind is FrameKind.SECURE
    short = 19 if secure else 3
    yield Mutation("no room for counter and tag", _with_payload(case, payload[:short]), "record_short")
    yield Mutation("a counter past the last", _with_payload(case, last + payload[4:]), "exhausted")
    yield Mutation("a counter used before", _with_payload(case, used + payload[4:]), "replay")
    if secure:
        yield Mutation("the counter one ahead", _with_payload(case, b"\2" + payload[1:]), "auth")
        yield Mutation("the ciphertext changed", _with_payload(case, flip(payload, 35)), "auth")
        yield Mutation("the tag changed", _with_payload(case, flip(payload, 8 * len(payload) - 1)), "auth")
        yield Mutation("the tag cut", _with_payload(case, payload[:-1]), "auth")
        other = replace(case.frame, seq=case.frame.seq ^ 1)
        yield Mutation("another sequence number", to_wire(other), "auth")
    else:
        long = payload[:4] + bytes(223)
        yield Mutation("a plaintext too long for a record", _with_payload(case, long), "length")


def _sealed(case: FrameCase, plaintext: bytes) -> bytes:
    """A frame like the genuine one with another plaintext, under the same counter."""
    frame = case.frame
    if frame.kind is FrameKind.CLEAR:
        return _with_payload(case, frame.payload[:4] + plaintext)
    sessions = {
        Direction.TO_PUMP: case.pair.programmer._session,
        Direction.TO_PROGRAMMER: case.pair.pump.session,
    }
    session = sessions[case.direction]
    assert session is not None
    assert isinstance(session.sender, RecordSender)
    session.sender._counter -= 1  # the genuine one used it up
    return to_wire(session.sender.seal(frame.seq, plaintext))


def _requests(case: FrameCase) -> Iterator[Mutation]:
    good = status_request(2)

    def wrong(
        what: str, plaintext: bytes, code: ErrorCode, field: int = NO_FIELD, detail: int = 0
    ) -> Mutation:
        return Mutation(what, _sealed(case, plaintext), None, _error(code, field, detail))

    commit = build_message(0x1144, 2, bytes(21))
    yield Mutation("no room for the header", _sealed(case, good[:7]), "header")
    yield wrong("a transaction ahead", status_request(3), ErrorCode.TXN_SEQUENCE, detail=2)
    yield wrong("no transaction", status_request(0), ErrorCode.TXN_SEQUENCE, detail=2)
    yield wrong("no codeword", b"\x08" + good[1:], ErrorCode.OPCODE_NOT_A_CODEWORD)
    yield wrong("a response", b"\x1d\x48" + good[2:], ErrorCode.UNKNOWN_OPCODE)
    yield wrong("another revision", good[:4] + b"\2" + good[5:], ErrorCode.UNSUPPORTED_REV)
    yield wrong("an octet behind the body", good + b"\0", ErrorCode.BAD_LENGTH)
    yield wrong("a length that is not that of the body", good[:6] + b"\1\0", ErrorCode.BAD_LENGTH)
    yield wrong("a flag", good[:5] + b"\1" + good[6:], ErrorCode.RESERVED_NONZERO)
    yield wrong("a word that is none", commit, ErrorCode.BAD_ENUM, 3)
    bits = commit[:-6] + b"\x80" + commit[-5:]
    yield wrong("a reserved bit", bits, ErrorCode.RESERVED_NONZERO, 2)
    yield wrong("out of range", build_message(0x1D21, 2, bytes(8) + b"\7"), ErrorCode.OUT_OF_RANGE, 2)
    large = build_message(0x1122, 2, bytes(6) + b"\xc1" + bytes(193))
    yield wrong("more than fits", large, ErrorCode.TOO_LARGE, 2)
    confirm = build_message(0x000F, 2, b"\x5a\1\0" + b"\xff".ljust(16, b"\0"))
    yield wrong("a text that is none", confirm, ErrorCode.BAD_TEXT, 2)
    patient = build_message(0x1441, 2, b"\1" * 16)
    yield wrong("not for this role", patient, ErrorCode.ROLE_FORBIDDEN)


def _answers(case: FrameCase) -> Iterator[Mutation]:
    def dropped(what: str, plaintext: bytes, reason: str) -> Mutation:
        return Mutation(what, _sealed(case, plaintext), reason)

    yield dropped("no room for the header", b"seven..", "header")
    yield dropped("of another transaction", build_message(0x481D, 1, bytes(68)), "state")
    yield dropped("of another message", build_message(0x4127, 2, bytes(10)), "header")
    yield dropped("a request", status_request(2), "header")
    yield dropped("a body too short", build_message(0x481D, 2, bytes(67)), "header")
    yield dropped("words that are none", build_message(0x481D, 2, bytes(68)), "header")
    yield dropped("an ERROR that is none", build_message(0xC00C, 2, bytes(8)), "header")
    yield dropped("an unknown notification", build_message(0x8124, 0, bytes(8)), "header")
    yield dropped("a notification with a transaction", build_message(0x9C0A, 2, bytes(8)), "header")


def mutations(case: FrameCase) -> Iterator[Mutation]:
    """Everything that is tried with one frame; those of its kind last."""
    yield from _on_the_wire(case)
    yield from _in_the_header(case)
    to_pump = case.direction is Direction.TO_PUMP
    if case.frame.kind is FrameKind.LINK:
        yield from _link_messages(case)
    elif case.frame.kind is FrameKind.HANDSHAKE:
        yield from _handshakes(case)
    else:
        yield from _records(case)
        yield from _requests(case) if to_pump else _answers(case)


def build_negative(version: int) -> Document:
    """The document."""
    frames = []
    for name, make in CASES.items():
        case = make()
        frames.append(
            {
                "frame": name,
                "to": "pump" if case.direction is Direction.TO_PUMP else "programmer",
                "genuine": case.wire.hex(),
                "mutations": [mutation.describe() for mutation in mutations(case)],
            }
        )
    return {"protocol": "OITP/1", "layout": 2, "version": version, "about": ABOUT, "frames": frames}


def answer_in_words(case: FrameCase, data: bytes) -> Wanted | None:
    """What the pump answered, as the file says it."""
    if not data:
        return None
    frame = decode_piece(data[1:-1], Direction.TO_PROGRAMMER)
    assert isinstance(frame, Frame)
    if frame.kind is FrameKind.LINK:
        message = decode_link(frame.payload)
        assert isinstance(message, LinkError)
        return _link_error(message.code, message.detail)
    session = case.pair.programmer._session
    assert session is not None
    plaintext = session.receiver.open(frame)
    assert not isinstance(plaintext, Drop)
    body: ErrorBody = codec_of(ErrorBody).decode(plaintext[8:])
    return _error(body.code, body.field, body.detail)
