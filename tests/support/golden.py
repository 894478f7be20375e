"""Golden sessions: fixed keys, entropy and clock through the real endpoints, octet by octet and in words.

``PYTHONPATH=tests python -m support.golden`` writes ``tests/vectors/v1/session.json`` anew. The file is
frozen with OITP/1: a difference is a change of protocol and needs a version bump. The octets come from the
endpoints; the words come from a reader beside the line that holds the programmer's keys.
"""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from support.bodies import plain_container
from support.device import HANDLE, TOKEN, CountingDevice
from support.faulty_line import GOOD, Channel, Fault, Mishap, split_frames
from support.protocol_pair import CONFIRM, ConnectionPair, SeededEntropy
from support.sessions import CARD_SECRET, PROGRAMMER_PUBLIC, PROGRAMMER_STATIC, PUMP_PUBLIC, PUMP_STATIC
from support.strategies import example_of

from protocol.application import HEADER, HEADER_SIZE
from protocol.events import LinkRefused
from protocol.frame import Direction, Frame, FrameKind, decode_piece, encode_frame
from protocol.handshake import (
    Credentials,
    Discovery,
    HandshakeHeader,
    HandshakeStep,
    InitiatorHandshake,
    SessionGrant,
    Suite,
    enrol_psk,
)
from protocol.link_control import Hello, HelloResponse, LinkMessage, LinkOp, decode_link
from protocol.messages.bonds import BondEnrolRequest
from protocol.messages.device import GetDeviceInfoRequest
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import Field, FieldKind, fields_of, layout_of
from protocol.messages.log import LogReadRequest
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    GetReceiptRequest,
    ProgBeginRequest,
    ProgCommitRequest,
    ProgStageRequest,
    ProgVerifyRequest,
)
from protocol.messages.registry import ERROR_OPCODE, MessageSpec, by_request_opcode
from protocol.messages.session import KeepaliveRequest, SessionCloseRequest
from protocol.messages.status import GetStatusRequest
from protocol.program import (
    EVERY_DAY,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    Step,
    encode_program,
    program_digest,
)
from protocol.records import RecordReceiver
from protocol.vocabulary import CloseReason, DrugCode, OverrideReason, Role, ScheduleMode, SoftLimit

FROZEN = Path(__file__).resolve().parents[1] / "vectors" / "v1" / "session.json"
SEED = 20_260_302
INTENT = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")
FAREWELL = SessionCloseRequest(CloseReason.DONE)
WAYS = {Direction.TO_PUMP: "to pump", Direction.TO_PROGRAMMER: "to programmer"}

Entry = dict[str, Any]
Tapped = tuple[int, Direction, bytes]


# --- the scenarios ------------------------------------------------------------------------------------------


def _enrol(pair: ConnectionPair) -> None:
    pair.device.bonds.clear()
    pair.open(suite=Suite.NNPSK0)
    pair.ask(BondEnrolRequest(PROGRAMMER_PUBLIC, Role.CLINICIAN, "office µ"))
    pair.ask(FAREWELL)


def _status(pair: ConnectionPair) -> None:
    pair.open()
    for body in (GetDeviceInfoRequest(), GetStatusRequest(), KeepaliveRequest(), FAREWELL):
        pair.ask(body)


def _programming(pair: ConnectionPair) -> None:
    """The answer to the commit is lost once, so it comes a second time, marked as cached."""
    image = golden_image()
    pair.open()
    pair.ask(ProgBeginRequest(0, len(image), INTENT))
    for offset in range(0, len(image), MAX_STAGE_BLOCK):
        pair.ask(ProgStageRequest(HANDLE, offset, image[offset : offset + MAX_STAGE_BLOCK]))
    pair.ask(ProgVerifyRequest(HANDLE, program_digest(image)))
    pair.ask(ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0))
    pair.ask(GetReceiptRequest(INTENT))
    pair.ask(FAREWELL)


def _errors(pair: ConnectionPair) -> None:
    """One of each early family: not confirmed, out of range, state."""
    pair.open(confirm=False)
    for body in (GetStatusRequest(), CONFIRM, LogReadRequest(1, 1, 7), ProgBeginRequest(9, 1, INTENT)):
        pair.ask(body)


def _refused(pair: ConnectionPair) -> None:
    """A slot that the pump does not know, and leaving in plaintext."""
    pair.discover()
    assert isinstance(pair.shake_hands(slot=4), LinkRefused)
    pair.programmer.leave()
    pair.step(1)


SCENARIOS: dict[str, Callable[[ConnectionPair], None]] = {
    "enrol": _enrol,
    "status": _status,
    "programming": _programming,
    "errors": _errors,
    "refused": _refused,
}
_LOST_ANSWER = 7
"""Frames of the pump before the answer to the commit: HELLO_RSP, handshake, five answers (two blocks)."""


def golden_image() -> bytes:
    """A small program: morphine 20 mg/mL, a flex pattern."""
    steps = (Step(EVERY_DAY, 0, 10_000), Step(EVERY_DAY, 360, 20_000), Step(EVERY_DAY, 540, 10_000))
    drug = replace(
        example_of(Drug), drug_code=DrugCode.MORPHINE, name="morphine", conc_ng_ml=20_000_000, primary=1
    )
    program = Program(
        drugs=(drug,),
        schedule=Schedule(ScheduleMode.DAILY, steps),
        dose_declarations=(DoseDeclaration(DrugCode.MORPHINE, 5_400_000),),
        patient_bolus=example_of(PatientBolus),
        limits=Limits(1_000_000, 1_000_000, 24_000_000, 500_000, 400_000, 400_000, 1_000_000, 100_000),
        alarms=example_of(AlarmSettings),
        emergency=example_of(Emergency),
        implant=replace(example_of(Implant), patient_ref="TRAIN-07"),
        clock=ScheduleClock(60),
    )
    return encode_program(program)


class _TappedChannel(Channel):
    """A channel that keeps what was sent, both directions in one list."""

    def __init__(self, way: Direction, heard: list[Tapped], plan: list[Mishap]) -> None:
        super().__init__(plan)
        self._way, self._heard = way, heard

    def send(self, data: bytes, now_ms: int) -> None:
        self._heard += [(now_ms, self._way, wire) for wire in split_frames(data)]
        super().send(data, now_ms)


def _run(name: str) -> list[Tapped]:
    device = CountingDevice()
    device.add_bond()
    pair = ConnectionPair(device=device, seed=SEED)
    heard: list[Tapped] = []
    lost = [GOOD] * _LOST_ANSWER + [Mishap(Fault.DROP)] if name == "programming" else []
    pair.line.to_pump = _TappedChannel(Direction.TO_PUMP, heard, [])
    pair.line.to_programmer = _TappedChannel(Direction.TO_PROGRAMMER, heard, lost)
    SCENARIOS[name](pair)
    return heard


# --- a reader beside the line -------------------------------------------------------------------------------


class _Reader:
    """Holds the programmer's keys and tells what each frame says."""

    def __init__(self) -> None:
        self._hello = b""
        self._discovery: Discovery | None = None
        self._handshake: InitiatorHandshake | None = None
        self._receivers: dict[Direction, RecordReceiver] = {}
        self._asked: dict[int, MessageSpec] = {}

    def entry(self, heard: Tapped) -> Entry:
        at_ms, way, wire = heard
        frame = decode_piece(wire[1:-1], way)
        assert isinstance(frame, Frame)
        told: Entry = {"at_ms": at_ms, "way": WAYS[way], "wire": wire.hex()}
        told |= {"frame": encode_frame(frame).hex()}
        told |= {"kind": frame.kind.name, "seq": frame.seq, "link_id": frame.link_id}
        if frame.kind is FrameKind.LINK:
            return told | {"decoded": self._link(frame.payload)}
        if frame.kind is FrameKind.HANDSHAKE:
            return told | {"decoded": self._shake(frame.payload)}
        plaintext = self._receivers[way].open(frame)
        assert isinstance(plaintext, bytes)
        return told | {"plaintext": plaintext.hex(), "decoded": self._record(way, plaintext)}

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
        return told | {"grant": _in_words(grant)}

    def _initiator(self, header: HandshakeHeader, payload: bytes) -> InitiatorHandshake:
        assert self._discovery is not None
        keys = Credentials(static=PROGRAMMER_STATIC, remote_static=PUMP_PUBLIC)
        if header.suite is Suite.NNPSK0:
            keys = Credentials(psk=enrol_psk(CARD_SECRET, PUMP_PUBLIC))
        ephemeral = programmer_ephemeral()
        handshake = InitiatorHandshake(header.suite, header.slot, self._discovery, keys, ephemeral)
        assert handshake.first_message() == payload
        return handshake

    def _record(self, way: Direction, plaintext: bytes) -> Entry:
        header = plain_container(HEADER.parse(plaintext))
        if way is Direction.TO_PUMP:
            spec = by_request_opcode(header["opcode"])
            assert spec is not None
            self._asked[header["txn"]] = spec
            return {
                "message": spec.name,
                "class": "request",
                **header,
                "body": _body(spec.request, plaintext),
            }
        spec = self._asked[header["txn"]]
        if header["opcode"] == ERROR_OPCODE:
            return {"message": "ERROR", "class": "error", **header, "body": _body(ErrorBody, plaintext)}
        assert header["opcode"] == spec.response_opcode
        return {"message": spec.name, "class": "response", **header, "body": _body(spec.response, plaintext)}


def programmer_ephemeral() -> bytes:
    """What the programmer draws for its handshake, after the nonce of its HELLO."""
    entropy = SeededEntropy(f"programmer {SEED}")
    entropy(8)
    return entropy(32)


def _body(body: type, plaintext: bytes) -> Entry:
    """A body as its `construct` definition reads it, not as the codec does."""
    return _named(body, plain_container(layout_of(body).parse(plaintext[HEADER_SIZE:])))


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
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, IntEnum):
        return value.name
    return value.hex() if isinstance(value, bytes) else value


# --- the file -----------------------------------------------------------------------------------------------


def build_document() -> dict[str, Any]:
    """All scenarios with the keys that read them."""
    return {
        "comment": "Made by tests/support/golden.py through both endpoints; frozen with OITP/1.",
        "version": 1,
        "keys": {
            "programmer_static": PROGRAMMER_STATIC.hex(),
            "programmer_ephemeral": programmer_ephemeral().hex(),
            "pump_static": PUMP_STATIC.hex(),
            "pump_public": PUMP_PUBLIC.hex(),
            "card_secret": CARD_SECRET.hex(),
        },
        "scenarios": {name: _entries(name) for name in SCENARIOS},
    }


def _entries(name: str) -> list[Entry]:
    reader = _Reader()
    return [reader.entry(heard) for heard in _run(name)]


def render(document: dict[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FROZEN.write_text(render(build_document()), encoding="utf-8")
