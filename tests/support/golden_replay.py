"""Plays a golden file to one end at a time, with nothing but what stands in the file.

The pump hears the programmer's frames and is told what happened to it; its answers to requests are read out
of the file. The programmer is told what it asked for and hears the frames of the pump.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from support.device import CountingDevice
from support.golden_reader import DIRECTIONS
from support.golden_run import GIVES_UP, credentials
from support.protocol_pair import PumpHost, whole

from protocol.application import CACHED, HEADER_SIZE, read_header
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.handshake import HandshakeHeader, Suite, enrol_psk
from protocol.link_control import Close, LinkClass, decode_link
from protocol.messages.alarms import Alarm
from protocol.messages.registry import ERROR_CODEC, ERROR_OPCODE, by_request_opcode
from protocol.requests import Bond, Observation, Refusal, Request
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    BolusState,
    BondState,
    DeliveryState,
    Priority,
    Role,
)

Entry = dict[str, Any]
Said = list[tuple[int, str]]
Words = dict[str, type[IntEnum]]


class Draws:
    """Entropy as the file has it; asking for more, or for another size, is a difference."""

    def __init__(self, drawn: list[str]) -> None:
        self._drawn: Iterator[str] = iter(drawn)

    def __call__(self, count: int) -> bytes:
        octets = bytes.fromhex(next(self._drawn))
        assert len(octets) == count, f"{count} octets of entropy asked for where there were {len(octets)}"
        return octets

    def used_up(self) -> bool:
        """Whether everything was drawn."""
        return next(self._drawn, None) is None


def frames_of(document: Entry, way: Direction) -> Iterator[Entry]:
    """The frames of one direction."""
    return (e for e in document["timeline"] if "wire" in e and DIRECTIONS[e["way"]] is way)


def said(document: Entry, way: Direction) -> Said:
    """When one end said what."""
    return [(entry["at_ms"], entry["wire"]) for entry in frames_of(document, way)]


# --- the pump -----------------------------------------------------------------------------------------------


class _ReplayDevice(CountingDevice):
    """Gives the answers that stand in the file, each once."""

    answers: list[bytes]

    def handle(self, request: Request) -> object:
        spec, txn = request.spec, request.caller.last_txn + 1
        plaintext = self.answers.pop(0)
        header = read_header(plaintext)
        assert header is not None
        assert header.txn == txn
        if header.opcode == ERROR_OPCODE:
            error = ERROR_CODEC.decode(plaintext[HEADER_SIZE:])
            assert error.request_opcode == spec.request_opcode
            return Refusal(error.code, error.field, error.detail)
        assert header.opcode == spec.response_opcode
        return spec.response_codec.decode(plaintext[HEADER_SIZE:])


class PumpReplay:
    """A pump that is played to."""

    def __init__(self, document: Entry) -> None:
        pump = document["pump"]
        self.document = document
        self.device = _ReplayDevice(
            far_link=pump["far_link"], boot_count=pump["boot_count"], uptime_s=pump["uptime_s"]
        )
        self.device.answers = []
        for bond in pump["bonds"]:
            self._set_bond(bond)
        tokens = document["keys"].get("tokens", {})
        self.device.tokens.update({int(slot): bytes.fromhex(token) for slot, token in tokens.items()})
        self.draws = Draws(pump["entropy"])
        lab_role = pump["lab_role"]
        self.pump = PumpEndpoint(
            self.device,
            self.draws,
            link_class=LinkClass[pump["link_class"]],
            idle_timeout_s=pump["idle_timeout_s"],
            lab_role=None if lab_role is None else Role[lab_role],
        )
        self.host = PumpHost(self.pump, self.device, whole)
        self.heard: Said = []
        self._now_ms = 0

    def run(self) -> Said:
        """Play the whole file; what the pump said."""
        timeline = self.document["timeline"]
        for at, entry in enumerate(timeline):
            input_here = "act" in entry or (entry["way"] == "to pump" and not entry.get("lost"))
            self._pass(entry["at_ms"] - input_here)
            if not input_here:
                continue
            self.device.answers = self._answers_after(at)
            if "act" in entry:
                self._do(entry)
                self._serve(b"", entry["at_ms"])
            else:
                self._serve(bytes.fromhex(entry["wire"]), entry["at_ms"])
        return self.heard

    def _answers_after(self, at: int) -> list[bytes]:
        """What the pump says next of its own accord: not repeated, not unasked."""
        entries = self.document["timeline"][at + 1 :]
        records = [e for e in entries if e.get("way") == "to programmer" and "plaintext" in e]
        asked = [e for e in records if e["decoded"]["class"] != "notification"]
        fresh = [e for e in asked if not e["decoded"]["mflags"] & CACHED]
        return [bytes.fromhex(entry["plaintext"]) for entry in fresh]

    def _pass(self, until_ms: int) -> None:
        while (due := self.pump.next_deadline()) is not None and self._now_ms < due <= until_ms:
            self._serve(b"", due)

    def _serve(self, data: bytes, now_ms: int) -> None:
        self._now_ms = now_ms
        out = self.host.serve(data, now_ms).split(b"\0")
        self.heard += [(now_ms, (b"\0" + piece + b"\0").hex()) for piece in out if piece]

    def _do(self, entry: Entry) -> None:
        value = entry["value"]
        match entry["act"]:
            case "head":
                self.host.set_head(value, entry["at_ms"])
            case "observation":
                self.device.observation = _observation(value)
            case "bond":
                self._set_bond(value)
            case "lockout_s":
                self.device.lockouts[self.pump.link_class] = value
            case "session_elsewhere":
                self.device.elsewhere = value
            case told if told == GIVES_UP:
                pass
            case unknown:
                raise AssertionError(f"{unknown} is nothing that can happen to a pump")

    def _set_bond(self, told: Entry) -> None:
        public = bytes.fromhex(told["static_public"])
        bond = Bond(told["slot"], public, Role[told["role"]], BondState[told["state"]], told["label"])
        self.device.bonds[bond.slot] = bond


def _observation(told: Entry) -> Observation:
    words: Words = {
        "delivery_state": DeliveryState,
        "alarm_max_prio": Priority,
        "bolus_state": BolusState,
    }
    alarms = tuple(_alarm(alarm) for alarm in told["alarms"])
    return Observation(**_with_words(told, words) | {"alarms": alarms})


def _alarm(told: Entry) -> Alarm:
    words: Words = {"code": AlarmCode, "prio": Priority, "state": AlarmState}
    return Alarm(**_with_words(told, words))


def _with_words(told: Entry, words: Words) -> Entry:
    """The same values, words by their names made members."""
    return told | {name: members[told[name]] for name, members in words.items()}


# --- the programmer -----------------------------------------------------------------------------------------


class ProgrammerReplay:
    """A programmer that is told what to do."""

    def __init__(self, document: Entry) -> None:
        self.document = document
        self.draws = Draws(document["programmer"]["entropy"])
        self.programmer = ProgrammerEndpoint(self.draws)
        self.heard: Said = []

    def run(self) -> Said:
        """Play the whole file; what the programmer said."""
        for entry in self.document["timeline"]:
            now_ms = entry["at_ms"]
            self._pass(now_ms)
            if "act" in entry:
                if entry["act"] == GIVES_UP:
                    self.programmer.abandon()
                continue
            if entry["way"] == "to programmer":
                if not entry.get("lost"):
                    self.programmer.receive(bytes.fromhex(entry["wire"]), now_ms)
                continue
            said_again = self.heard and self.heard[-1] == (now_ms, entry["wire"])
            if not said_again:
                self._act(entry, now_ms)
        return self.heard

    def _pass(self, until_ms: int) -> None:
        while (due := self.programmer.next_deadline()) is not None and due <= until_ms:
            self.programmer.handle_timeout(due)
            self._hear(due)

    def _hear(self, now_ms: int) -> None:
        data = self.programmer.data_to_send()
        if data:
            self.heard.append((now_ms, data.hex()))

    def _act(self, entry: Entry, now_ms: int) -> None:
        frame = decode_piece(bytes.fromhex(entry["wire"])[1:-1], Direction.TO_PUMP)
        assert isinstance(frame, Frame)
        if entry.get("raw"):
            self._say_raw(entry, frame, now_ms)
        elif frame.kind is FrameKind.LINK:
            leaves = isinstance(decode_link(frame.payload), Close)
            self.programmer.leave() if leaves else self.programmer.discover(now_ms)
        elif frame.kind is FrameKind.HANDSHAKE:
            self._shake_hands(frame, now_ms)
        else:
            self._request(entry, frame, now_ms)
        self._hear(now_ms)

    def _shake_hands(self, frame: Frame, now_ms: int) -> None:
        keys = self.document["keys"]
        header = HandshakeHeader.decode(frame.payload)
        secret = bytes.fromhex(keys["card_secret"])
        psk = enrol_psk(secret, bytes.fromhex(keys["pump_public"]))
        token = None
        if header.suite is Suite.KKPSK2:
            token = bytes.fromhex(keys["tokens"][str(header.slot)])
        static = bytes.fromhex(keys["programmer_static"])
        self.programmer.open_session(
            header.suite, header.slot, credentials(static, header.suite, token, psk), now_ms
        )

    def _request(self, entry: Entry, frame: Frame, now_ms: int) -> None:
        if frame.kind is FrameKind.CLEAR and self.programmer._session is None:
            self.programmer.open_lab_session()
        plaintext = bytes.fromhex(entry["plaintext"])
        spec = by_request_opcode(int.from_bytes(plaintext[:2], "little"))
        assert spec is not None
        self.programmer.request(spec.request_codec.decode(plaintext[HEADER_SIZE:]), now_ms)

    def _say_raw(self, entry: Entry, frame: Frame, now_ms: int) -> None:
        """What no programmer says: its payload is taken from the file, and sealed where the file has keys."""
        programmer, seq = self.programmer, self.programmer._next_seq()
        session = programmer._session
        if session is None or "plaintext" not in entry:
            made = Frame(frame.kind, Direction.TO_PUMP, seq, frame.link_id, frame.payload)
        else:
            plaintext = bytes.fromhex(entry["plaintext"])
            made = session.sender.seal(seq, plaintext)
            header = read_header(plaintext)
            assert header is not None
            spec = by_request_opcode(header.opcode) or by_request_opcode(0x0909)
            assert spec is not None
            if header.txn == session.exchange.next_txn():
                session.exchange.begin(spec, plaintext, now_ms)
        self.heard.append((now_ms, to_wire(made).hex()))
