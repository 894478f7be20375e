"""The pump under soak: the real endpoint and the real firmware, in each state a stranger can find them in.

Pump time stands still, so that whatever the pump believes must stay as it is to the last unit; link time
goes on, because budgets, lockouts and time-outs live in it.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from support.faulty_line import split_frames
from support.protocol_pair import CONFIRM, SeededEntropy
from support.soak.mutations import Mutator, sealed
from support.soak.ration import Ration
from support.strategies import example_of
from support.ward.implant import implant

from firmware_model.controller.event_log import cell_of
from firmware_model.controller.records import RecordName
from firmware_model.pump import Pump
from protocol.application import build_request
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import (
    AnswerReceived,
    HandshakeFailed,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
    SessionReady,
)
from protocol.frame import Direction, Frame, FrameKind, decode_piece, encode_frame, pack_header
from protocol.handshake import Credentials, Suite
from protocol.messages.log import LogRecord
from protocol.messages.registry import MESSAGES
from protocol.messages.session import KeepaliveRequest
from protocol.vocabulary import EventType, Role

STATES: Final = ("listening", "discovered", "half open", "established", "lab reader", "lab clinician")
LAB_ROLES: Final = {"lab reader": Role.READER, "lab clinician": Role.CLINICIAN}
ORDERS: Final = (1, 1, 1, 1, 1, 1, 1, 0, 2)
"""Mostly the next transaction or counter, now and then the same again or one too far."""

TOLD: Final = frozenset(
    (
        EventType.HS_FAIL,
        EventType.ALARM_RAISED,
        EventType.ALARM_CLEARED,
        EventType.SESSION_OPEN,
        EventType.SESSION_CLOSE,
        EventType.CHAIN_CHECKPOINT,
    )
)
"""What the log may tell of a soak."""

MOVING: Final = frozenset((RecordName.LOG, RecordName.SECURITY, RecordName.ALARMS, RecordName.BONDS))
"""Records that count failures and sessions; bonds are compared without the time of their last session."""


class SoakError(AssertionError):
    """The pump did what no frame may make it do."""


@dataclass(frozen=True)
class Signature:
    """Everything about a pump that frames without keys must leave alone."""

    belief: object
    volumes: tuple[int, ...]
    cells: dict[str, bytes]
    bonds: tuple[object, ...]


class PumpTarget:
    """A pump in one of `STATES`.

    Args:
        state: which.
        random: choices.
        corpus: link frames for mutations.
        seed: entropy of both endpoints.
    """

    def __init__(self, state: str, random: Random, corpus: tuple[bytes, ...], seed: str) -> None:
        self.state = state
        self._random = random
        self._lab = state in LAB_ROLES
        self.pump: Pump = implant().wake()
        self.endpoint = PumpEndpoint(self.pump, SeededEntropy(f"{seed} pump"), lab_role=LAB_ROLES.get(state))
        self.genuine = ProgrammerEndpoint(SeededEntropy(f"{seed} programmer"))
        self.mutator = Mutator(random, corpus, int(Direction.TO_PUMP))
        self.now_ms = 1_000
        self.ration = Ration()
        self.keepalives = 0
        self._requests = [build_request(spec, example_of(spec.request), 0) for spec in MESSAGES]
        self._counter = 0
        self._log_from = self.pump.controller.log.last_seq
        self.refresh()
        self._before = self.signature()

    # --- the line -----------------------------------------------------------------------------------------

    def feed(self, data: bytes, passes_ms: int) -> None:
        """Let octets of a stranger come in."""
        self.now_ms += passes_ms
        out = self._carry(data)
        known = self.endpoint.session or self.endpoint._handshake.half_open or self.endpoint._link
        self.mutator.link_id = known.link_id
        self.ration.judge(data, out, self.now_ms, may_answer=self._lab)

    def _carry(self, data: bytes) -> bytes:
        endpoint, now = self.endpoint, self.now_ms
        self.pump.set_link_time(now)
        self._handle(endpoint.receive(data, now))
        deadline = endpoint.next_deadline()
        if deadline is not None and deadline <= now:
            self._handle(endpoint.handle_timeout(now))
        return endpoint.data_to_send()

    def _handle(self, events: list[PumpEvent]) -> None:
        for event in events:
            match event:
                case RequestReceived(request):
                    self._handle(self.endpoint.respond(event, self.pump.handle(request)))
                case SessionOpened(caller):
                    self.pump.session_opened(caller)
                case SessionClosed(session_id, reason):
                    self.pump.session_closed(session_id, reason)
                case HandshakeFailed(slot, _, link_class, guess):
                    self.pump.handshake_failed(slot, link_class, guess)
                case _:
                    pass

    # --- frames -------------------------------------------------------------------------------------------

    def next(self) -> bytes:
        """Return the next octets a stranger sends."""
        if self._lab and self._random.random() < 0.6:
            return self._clear_record()
        return self.mutator.next()

    def _clear_record(self) -> bytes:
        """A clear record that gets far: right counter and transaction, and something wrong in the message."""
        random, session = self._random, self.endpoint.session
        message = bytearray(random.choice(self._requests))
        txn = 1 if session is None else session.exchange.last + random.choice(ORDERS)
        message[2:4] = txn.to_bytes(4, "little")[:2]
        for _ in range(random.choice((0, 0, 1, 1, 2, 6))):
            message[random.randrange(len(message))] = random.choice((random.randrange(256), 0, 0xFF, 0x33))
        if random.random() < 0.1:
            del message[random.randrange(len(message)) :]
        self._counter += random.choice(ORDERS)
        payload = self._counter.to_bytes(4, "little") + bytes(message)
        link_id, seq = self.mutator.link_id, random.randrange(256)
        header = pack_header(FrameKind.CLEAR, Direction.TO_PUMP, seq, link_id, len(payload))
        return sealed(header + payload)

    # --- upkeep: the genuine programmer -------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the pump back into its state, as a genuine programmer does."""
        if self.state == "listening":
            self._handle(self.endpoint.disconnected(self.now_ms))
            self.mutator.link_id = 0xFFFF
        elif self.state == "established" and self.endpoint.session is not None:
            self._keep_alive()
        else:
            self._discover()
            if self.state in ("half open", "established"):
                self._open()
            if self.state == "lab clinician":
                # What it orders shall also happen.
                self.pump.advance_to(self.pump.now_ms + self._random.choice((0, 1_000, 90_000, 3_600_000)))
            if self._lab:
                self._begin_lab()

    def _discover(self) -> None:
        self.genuine.discover(self.now_ms)
        self._exchange()
        discovery = self.endpoint._link.link_id
        self.mutator.link_id = discovery

    def _open(self) -> None:
        """Shake hands, after the lockout that a stranger may have brought about."""
        locked_s = self.pump.lockout_s(self.endpoint.link_class)
        if locked_s:
            self.now_ms += locked_s * 1_000
            self._carry(b"")
            self._discover()
        key = implant().keys[0]
        keys = Credentials(static=key.private, remote_static=key.pump_public)
        self.genuine.open_session(Suite.KK, key.slot, keys, self.now_ms)
        ready = any(isinstance(event, SessionReady) for event in self._exchange())
        if ready and self.state == "established":
            self._ask(CONFIRM)

    def _keep_alive(self) -> None:
        self._ask(KeepaliveRequest())
        self.keepalives += 1

    def _ask(self, body: object) -> None:
        self.genuine.request(body, self.now_ms)
        if not any(isinstance(event, AnswerReceived) for event in self._exchange()):
            raise SoakError(f"{type(body).__name__} of the genuine programmer found no answer")

    def _begin_lab(self) -> None:
        message = bytearray(build_request(MESSAGES[0], CONFIRM, 1))
        header = pack_header(FrameKind.CLEAR, Direction.TO_PUMP, 0, self.mutator.link_id, len(message) + 4)
        self._carry(sealed(header + bytes(4) + bytes(message)))
        self._counter = 0

    def _exchange(self) -> list[object]:
        """Carry what the genuine programmer says to the pump, and the answer back."""
        said = self.genuine.data_to_send()
        for wire in split_frames(said):
            frame = decode_piece(wire[1:-1], Direction.TO_PUMP)
            assert isinstance(frame, Frame)
            self.mutator.note(encode_frame(frame)[:-4])
        answer = self._carry(said)
        self.ration.forget()
        return list(self.genuine.receive(answer, self.now_ms))

    # --- checks -------------------------------------------------------------------------------------------

    def signature(self) -> Signature:
        """Return what must not change."""
        truth = self.pump.truth()
        volumes = (truth.content_units, truth.delivered_units, truth.filled_units, truth.wasted_units)
        moving = {f"{name.value}.{copy}" for name in MOVING for copy in ("a", "b")}
        ring = cell_of(1).rstrip("0123456789")
        cells = {
            name: octets
            for name, octets in self.pump.storage.image().items()
            if name not in moving and not name.startswith(ring)
        }
        return Signature(self.pump.belief(), volumes, cells, tuple(self.pump.bond(slot) for slot in range(8)))

    def check(self) -> None:
        """Compare the pump with what it was.

        Raises:
            SoakError: something has changed.
        """
        now = self.signature()
        truth, belief = self.pump.truth(), self.pump.belief()
        for balance in (truth, belief):
            if balance.filled_units != balance.delivered_units + balance.content_units + balance.wasted_units:
                raise SoakError(f"volumes are lost: {balance}")
        if self.state == "lab clinician":
            return
        for name in ("belief", "volumes", "cells", "bonds"):
            if getattr(now, name) != getattr(self._before, name):
                raise SoakError(f"the pump's {name} changed in state {self.state}")
        self._check_log()

    def _check_log(self) -> None:
        log = self.pump.controller.log
        told = list[LogRecord]()
        while self._log_from < log.last_seq:
            page = log.page(self._log_from + 1, 6)
            told += page.records
            self._log_from = page.records[-1].seq
        strange = {record.type for record in told} - TOLD
        if strange:
            raise SoakError(f"the log tells of {sorted(kind.name for kind in strange)}")
        self.ration.logged += sum(record.type is EventType.HS_FAIL for record in told)
        self.ration.judge_log(self.now_ms)
