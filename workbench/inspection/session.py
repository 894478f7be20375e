"""A captured session as a list of what happened: one row for each frame, with what belongs together joined.

Where the capture holds decrypted bodies, requests and answers are joined by their transaction numbers. Where
it does not, by their order: OITP/1 has one request outstanding at a time, and what cannot be told apart
without the keys is said to be so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    CaptureError,
    Interface,
    Packet,
    import_pdu,
)
from protocol.capture.recorder import DISSECTOR, DOOMED, DROPPED, RAW, drop_reason, drop_text, record_size
from protocol.capture.witness import Witness
from protocol.client_errors import explain
from protocol.drops import DropReason
from protocol.frame import Direction, Frame, FrameKind
from protocol.handshake import HandshakeError, HandshakeHeader, HandshakeStep
from protocol.link_control import (
    Close,
    Hello,
    HelloResponse,
    LinkControlError,
    LinkError,
    Ping,
    Pong,
    decode_link,
)
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import OpcodeClass
from protocol.records import COUNTER_SIZE
from workbench.generators.octets import flag_names
from workbench.inspection.exchange import Exchanges
from workbench.inspection.message import Message, read_message

_NS_PER_US: Final = 1_000


@dataclass(slots=True)
class Row:
    """One frame, or one piece that is none.

    Attributes:
        number: of its packet in the capture, from 1.
        time_us: since the start of the capture, in us.
        direction: None where it is not known.
        kind: of the frame; empty where there is none.
        link_id: None where there is none.
        what: what it is, in a few words.
        size: octets of the frame.
        message: the decrypted message, where the capture holds it.
        drop: why it was not accepted, None where it was or may have been.
        notes: round-trip time, retransmission, drop, fault and other things that are to be said.
        rtt_us: for an answer, time since its request first went out.
        counter: of a record.
    """

    number: int
    time_us: int
    direction: Direction | None
    kind: str = ""
    link_id: int | None = None
    what: str = ""
    size: int = 0
    message: Message | None = None
    drop: DropReason | None = None
    notes: list[str] = field(default_factory=list)
    rtt_us: int | None = None
    counter: int | None = None
    repeats: bool = False
    cached: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A capture read: its rows, and how its requests fared."""

    rows: list[Row]
    exchanges: Exchanges
    has_bodies: bool


def read_session(interfaces: Sequence[Interface], packets: Sequence[Packet]) -> Listing:
    """Return what the packets of a capture say."""
    reader = _Reader()
    for number, packet in enumerate(packets, 1):
        linktype = interfaces[packet.interface].linktype
        if linktype == LINKTYPE_USER0:
            reader.frame(number, packet)
        elif linktype == LINKTYPE_WIRESHARK_UPPER_PDU:
            reader.body(number, packet)
    exchanges = Exchanges()
    has_bodies = any(row.message is not None for row in reader.rows)
    for row in reader.rows:
        _follow(exchanges, row, has_bodies)
    return Listing(reader.rows, exchanges, has_bodies)


class _Reader:
    """Turns packets into rows, and gives each decrypted body to the record that carried it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._witness = Witness()
        self._sealed: list[tuple[Row, int]] = []

    def frame(self, number: int, packet: Packet) -> None:
        row = Row(number, packet.timestamp_ns // _NS_PER_US, _way(packet), size=len(packet.octets))
        self.rows.append(row)
        marked = drop_reason(packet.comments)
        row.notes += [comment for comment in packet.comments if not comment.startswith((DROPPED, DOOMED))]
        if not packet.octets:
            row.what = "note"
            return
        if marked is not None:
            row.drop = marked[0]
            row.notes.insert(0, marked[1])
        if marked is not None and marked[0] in RAW:
            row.what = f"{len(packet.octets)} octets that are no frame"
            return
        verdict = self._witness.judge(packet.octets, row.direction)
        if verdict.drop is not None and marked is None:
            row.drop = verdict.drop.reason
            row.notes.insert(0, DOOMED + drop_text(verdict.drop))
        # A body stands before the first frame that goes the other way; one that is missing never comes.
        self._sealed = [(one, size) for one, size in self._sealed if one.direction is row.direction]
        if verdict.frame is None:
            row.what = f"{len(packet.octets)} octets that are no good frame"
            return
        _describe(row, verdict.frame)
        size = record_size(packet.octets)
        if row.drop is None and size is not None:
            self._sealed.append((row, size))

    def body(self, number: int, packet: Packet) -> None:
        try:
            dissector, plaintext = import_pdu(packet.octets)
        except CaptureError:
            return
        if dissector != DISSECTOR:
            return
        way = _way(packet)
        for at, (row, size) in enumerate(self._sealed):
            if row.direction is way and size == len(plaintext):
                del self._sealed[at]
                break
        else:
            row = Row(number, packet.timestamp_ns // _NS_PER_US, way, "BODY", size=len(plaintext))
            self.rows.append(row)
        row.message = read_message(plaintext)
        row.what = f"{row.what}, {row.message.title}" if row.what else row.message.title


def _way(packet: Packet) -> Direction | None:
    if packet.outbound is None:
        return Direction(packet.octets[2] & 1) if len(packet.octets) > 2 else None
    return Direction.TO_PROGRAMMER if packet.outbound else Direction.TO_PUMP


# --- what a frame is ------------------------------------------------------------------------------------


def _describe(row: Row, frame: Frame) -> None:
    row.kind, row.link_id = frame.kind.name, frame.link_id
    if frame.kind is FrameKind.LINK:
        row.what = _link_text(frame.payload)
    elif frame.kind is FrameKind.HANDSHAKE:
        row.what = _handshake_text(frame.payload)
    elif len(frame.payload) >= COUNTER_SIZE:
        row.counter = int.from_bytes(frame.payload[:COUNTER_SIZE], "little")
        row.what = f"record {row.counter}"
    else:
        row.what = "record without a counter"


def _link_text(payload: bytes) -> str:
    try:
        message = decode_link(payload)
    except LinkControlError as error:
        return f"malformed link control: {error}"
    match message:
        case Hello():
            return f"HELLO versions {message.ver_min}..{message.ver_max}, {flag_names(message.suites)}"
        case HelloResponse():
            lockout = f", locked out for {message.lockout_s} s" if message.lockout_s else ""
            near = message.link_class.name.lower()
            return f"HELLO_RSP link 0x{message.link_id:04X}, {near}, {flag_names(message.suites)}{lockout}"
        case Ping() | Pong():
            return f"{type(message).__name__.upper()} {len(message.data)} octets"
        case Close():
            return f"CLOSE {message.reason.name}"
        case LinkError():
            return f"LINK_ERROR {message.code.name}, detail {message.detail}"


def _handshake_text(payload: bytes) -> str:
    try:
        header = HandshakeHeader.decode(payload)
    except HandshakeError as error:
        return f"malformed handshake: {error}"
    step = "first" if header.step is HandshakeStep.FIRST else "second"
    return f"handshake {header.suite.name}, {step} message, slot {header.slot}"


# --- what belongs together ------------------------------------------------------------------------------


def _follow(exchanges: Exchanges, row: Row, has_bodies: bool) -> None:
    """Join an answer to its request, and find what was sent again."""
    if row.size:
        exchanges.count(row.kind, row.direction, row.drop)
    if row.drop is not None or row.direction is None:
        return
    to_pump = row.direction is Direction.TO_PUMP
    key = _exchange_key(row)
    if key:
        _join(exchanges, row, key, to_pump)
    elif row.kind in (FrameKind.SECURE.name, FrameKind.CLEAR.name, "BODY"):
        _follow_record(exchanges, row, to_pump, has_bodies)


def _exchange_key(row: Row) -> str:
    """Return under which name question and answer of link control and handshake belong together."""
    if row.what.startswith(("HELLO ", "HELLO_RSP ")):
        return "HELLO"
    if row.what.startswith(("PING ", "PONG ")):
        return "PING"
    if row.what.startswith("handshake "):
        return "handshake"
    return ""


def _join(exchanges: Exchanges, row: Row, key: str, to_pump: bool) -> None:
    if to_pump:
        row.repeats = exchanges.asked(key, "", row.time_us)
        if row.repeats:
            row.notes.append("sent again, no answer so far")
        return
    if key == "handshake":
        exchanges.new_session()
    row.rtt_us = exchanges.answered(key, "", row.time_us)
    if row.rtt_us is not None:
        row.notes.append(f"after {milliseconds(row.rtt_us)}")


def _follow_record(exchanges: Exchanges, row: Row, to_pump: bool, has_bodies: bool) -> None:
    message = row.message
    if message is None:
        _follow_sealed(exchanges, row, to_pump, has_bodies)
        return
    txn = str(message.header.txn) if message.header else ""
    if message.problem:
        row.notes.append(message.problem)
    if to_pump:
        row.repeats = exchanges.asked("request", txn, row.time_us)
        if row.repeats:
            row.notes.append("retransmission")
        return
    if message.kind is OpcodeClass.NOTIFICATION:
        exchanges.notifications += 1
        return
    if isinstance(message.body, ErrorBody):
        row.error = message.body.code.name
        exchanges.errors[row.error] += 1
        row.notes.append(f"refused: {explain(message.body)}")
    row.cached = message.cached
    if row.cached:
        exchanges.cached += 1
        row.notes.append("repeated from the pump's cache")
    _answer(exchanges, row, txn)


def _follow_sealed(exchanges: Exchanges, row: Row, to_pump: bool, has_bodies: bool) -> None:
    """As `_follow_record` for a record whose body is not known: order and size are all there is."""
    if to_pump:
        row.repeats = exchanges.asked("request", f"{row.size} octets", row.time_us)
        if row.repeats:
            row.notes.append("retransmission: as long as the one before it, which has no answer")
    elif exchanges.waiting("request"):
        _answer(exchanges, row, exchanges.waiting("request"))
    elif not has_bodies:
        row.notes.append("not asked for: a notification or an answer sent again")


def _answer(exchanges: Exchanges, row: Row, txn: str) -> None:
    row.rtt_us = exchanges.answered("request", txn, row.time_us)
    if row.rtt_us is not None:
        row.notes.append(f"after {milliseconds(row.rtt_us)}")


def milliseconds(time_us: int) -> str:
    """Return a time in ms, with the part of a ms where there is one."""
    whole, rest = divmod(time_us, 1000)
    return f"{whole}.{rest:03d} ms" if rest else f"{whole} ms"
