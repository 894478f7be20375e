"""A reader beside the line that holds the programmer's keys and tells in words what each frame says."""

from collections.abc import Sequence
from dataclasses import fields
from enum import IntEnum
from typing import Any

from support.bodies import plain_container
from support.golden_run import Heard, credentials
from support.sessions import CARD_SECRET, PUMP_PUBLIC

from protocol.application import HEADER, HEADER_SIZE
from protocol.clear_records import ClearReceiver
from protocol.drops import Drop
from protocol.frame import Direction, Frame, FrameKind, decode_piece, encode_frame
from protocol.handshake import (
    Discovery,
    HandshakeHeader,
    HandshakeStep,
    InitiatorHandshake,
    SessionGrant,
    Suite,
    enrol_psk,
)
from protocol.link_control import Hello, HelloResponse, LinkMessage, LinkOp, decode_link
from protocol.messages.codec import BodyError, codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of, layout_of
from protocol.messages.registry import (
    ERROR_OPCODE,
    MessageSpec,
    by_notification_opcode,
    by_request_opcode,
)
from protocol.pump_session import Receiver
from protocol.records import RecordReceiver

Entry = dict[str, Any]
WAYS = {Direction.TO_PUMP: "to pump", Direction.TO_PROGRAMMER: "to programmer"}
DIRECTIONS = {text: way for way, text in WAYS.items()}


class GoldenReader:
    """Reads one timeline from its beginning.

    Args:
        static: the programmer's key.
        tokens: proximity tokens it may have used.
        drawn: all entropy the programmer drew; its ephemeral keys are among it.
    """

    def __init__(self, static: bytes, tokens: Sequence[bytes], drawn: Sequence[bytes]) -> None:
        self._static, self._tokens = static, (None, *tokens)
        self._ephemerals = [octets for octets in drawn if len(octets) == 32]
        self._hello = b""
        self._discovery: Discovery | None = None
        self._handshake: InitiatorHandshake | None = None
        self._receivers: dict[Direction, Receiver] = {}
        self._asked: dict[int, MessageSpec] = {}

    def entry(self, heard: Heard) -> Entry:
        """One frame, layer by layer."""
        frame = decode_piece(heard.wire[1:-1], heard.way)
        assert isinstance(frame, Frame)
        told: Entry = {"at_ms": heard.at_ms, "way": WAYS[heard.way]}
        told |= {mark: True for mark in ("lost", "raw") if getattr(heard, mark)}
        told |= {"wire": heard.wire.hex(), "frame": encode_frame(frame).hex()}
        told |= {"kind": frame.kind.name, "seq": frame.seq, "link_id": frame.link_id}
        if frame.kind is FrameKind.LINK:
            return told | {"decoded": self._link(frame.payload)}
        if frame.kind is FrameKind.HANDSHAKE:
            return told | {"decoded": self._shake(frame.payload)}
        plaintext = self._open(heard.way, frame)
        if plaintext is None:
            return told | {"decoded": None}
        return told | {"plaintext": plaintext.hex(), "decoded": self._record(heard.way, plaintext)}

    def _open(self, way: Direction, frame: Frame) -> bytes | None:
        if frame.kind is FrameKind.CLEAR and not self._receivers:
            self._receivers = {way: ClearReceiver() for way in Direction}
        opened = self._receivers[way].open(frame) if self._receivers else None
        return None if isinstance(opened, Drop) else opened

    def _link(self, payload: bytes) -> Entry:
        message = decode_link(payload)
        if isinstance(message, Hello):
            self._hello = payload
        if isinstance(message, HelloResponse):
            self._discovery = Discovery(self._hello, payload)
        return {"message": LinkOp(payload[0]).name, "body": _in_words(message)}

    def _shake(self, payload: bytes) -> Entry:
        header = HandshakeHeader.decode(payload)
        told = {"suite": header.suite.name, "step": header.step.name, "slot": header.slot}
        if header.step is HandshakeStep.FIRST:
            self._handshake = self._initiator(header, payload)
            return told
        assert self._handshake is not None
        keys, grant = self._handshake.read_second(payload)
        self._receivers = {
            Direction.TO_PUMP: RecordReceiver(keys.send),
            Direction.TO_PROGRAMMER: RecordReceiver(keys.receive),
        }
        self._asked = {}
        return told | {"grant": _in_words(grant)}

    def _initiator(self, header: HandshakeHeader, payload: bytes) -> InitiatorHandshake:
        """Make the programmer's side anew: of its keys the ones with which the message comes out the same."""
        assert self._discovery is not None
        psk = enrol_psk(CARD_SECRET, PUMP_PUBLIC)
        tokens = self._tokens[1:] if header.suite is Suite.KKPSK2 else self._tokens[:1]
        for token in tokens:
            for ephemeral in self._ephemerals:
                keys = credentials(self._static, header.suite, token, psk)
                made = InitiatorHandshake(header.suite, header.slot, self._discovery, keys, ephemeral)
                if made.first_message() == payload:
                    return made
        raise AssertionError("the programmer used keys that are not in the file")

    def _record(self, way: Direction, plaintext: bytes) -> Entry:
        header = plain_container(HEADER.parse(plaintext))
        octets = plaintext[HEADER_SIZE:]
        if way is Direction.TO_PUMP:
            spec = by_request_opcode(header["opcode"])
            if spec is None:
                return {"message": None, "class": "request", **header, "body": octets.hex()}
            self._asked[header["txn"]] = spec
            return {"message": spec.name, "class": "request", **header, "body": _body(spec.request, octets)}
        told = by_notification_opcode(header["opcode"])
        if told is not None:
            return {"message": told.name, "class": "notification", **header, "body": _body(told.body, octets)}
        if header["opcode"] == ERROR_OPCODE:
            return {"message": "ERROR", "class": "error", **header, "body": _body(ErrorBody, octets)}
        spec = self._asked[header["txn"]]
        assert header["opcode"] == spec.response_opcode
        return {"message": spec.name, "class": "response", **header, "body": _body(spec.response, octets)}


def _body(body: type, octets: bytes) -> Entry | str:
    """A body as its `construct` definition reads it; as octets where it is none."""
    try:
        codec_of(body).decode(octets)
    except BodyError:
        return octets.hex()
    return _named(body, plain_container(layout_of(body).parse(octets)))


def _named(body: type, values: dict[str, Any]) -> Entry:
    return {name: _word(field, values[name]) for name, field in fields_of(body).items()}


def _word(field: Field, value: Any) -> object:  # noqa: ANN401 - whatever a field holds
    if field.item is not None:
        return [_named(field.item, item) for item in value]
    if field.kind is FieldKind.TEXT:
        return value.rstrip(b"\0").decode()
    if field.kind is FieldKind.WORD and field.members is not None:
        return field.members(value).name
    return value.hex() if isinstance(value, bytes) else value


def _in_words(message: LinkMessage | SessionGrant) -> Entry:
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    return {name: plain(value) for name, value in values.items()}


def plain(value: object) -> object:
    """A value as JSON takes it: words by name, octets in hex."""
    if isinstance(value, IntEnum):
        return value.name
    return value.hex() if isinstance(value, bytes) else value
