"""The implanted pump, its three programmers and the line between them, for tests that tell one story each."""

import hashlib
from dataclasses import dataclass
from typing import Any

from support.faulty_line import GOOD, Fault, Mishap
from support.protocol_pair import SeededEntropy
from support.pump_bench import active_program, with_steps
from support.ward.implant import implant
from support.ward.programmer import Answer, Programmer
from support.ward.world import World

from firmware_model.pump import Pump
from protocol.client import BondKey
from protocol.frame import Direction, Frame, decode_piece
from protocol.messages.errors import ErrorBody
from protocol.messages.log import LogRecord
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    ProgBeginRequest,
    ProgCommitRequest,
    ProgStageRequest,
    ProgVerifyRequest,
    ProgVerifyResponse,
)
from protocol.messages.status import GetStatusRequest
from protocol.program import encode_program
from protocol.vocabulary import ErrorCode, OverrideReason


@dataclass(frozen=True)
class Verified:
    """A program the pump has verified, ready to be committed."""

    summary: ProgVerifyResponse
    intent: bytes
    image: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the program."""
        return hashlib.sha256(self.image).digest()

    def commit(self, effective_utc_s: int = 0) -> ProgCommitRequest:
        """The commit a clinician would send."""
        summary, reason = self.summary, OverrideReason.CLINICAL_JUDGEMENT
        return ProgCommitRequest(summary.handle, summary.token, summary.soft_flags, reason, effective_utc_s)


class Clinic:
    """One pump and its people.

    Args:
        pump: another than the demo patient's.
        keys: of the programmers of that pump.
    """

    def __init__(self, pump: Pump | None = None, keys: tuple[BondKey, ...] = ()) -> None:
        self.pump = pump or implant().wake()
        self.world = World(self.pump)
        people = [self.join(key) for key in keys or implant().keys]
        self.doctor, self.patient, self.colleague = people

    def join(self, key: BondKey) -> Programmer:
        """Let another programmer come to the line."""
        return Programmer(self.world, key, SeededEntropy(f"clinic {key.slot} {len(self.world.handles)}"))

    # --- what people do -----------------------------------------------------------------------------------

    def verify(self, who: Programmer, rate_nl_h: int = 12_000) -> Verified:
        """Stage a program of one rate and let the pump verify it; nothing may go wrong."""
        image = encode_program(with_steps(active_program(self.pump), (0, rate_nl_h)))
        version = self.pump.controller.programs.table.newest_version
        intent = who.new_intent()
        opened = who.ask(ProgBeginRequest(version, len(image), intent))
        for at in range(0, len(image), MAX_STAGE_BLOCK):
            who.ask(ProgStageRequest(opened.handle, at, image[at : at + MAX_STAGE_BLOCK]))
        summary = who.ask(ProgVerifyRequest(opened.handle, hashlib.sha256(image).digest()))
        assert isinstance(summary, ProgVerifyResponse), summary
        return Verified(summary, intent, image)

    def status(self, who: Programmer) -> Answer:
        return who.ask(GetStatusRequest())

    # --- the line -----------------------------------------------------------------------------------------

    def lose_answers(self, count: int, after: int = 0) -> None:
        """Let frames of the pump be lost, after some that arrive; an order asks for the status first."""
        self.world.to_programmer.plan.extend([GOOD] * after + [Mishap(Fault.DROP)] * count)

    def lose_requests(self, count: int, after: int = 0) -> None:
        """Let frames to the pump be lost, after some that arrive."""
        self.world.to_pump.plan.extend([GOOD] * after + [Mishap(Fault.DROP)] * count)

    def attack(self, *wires: bytes) -> None:
        """Let somebody put frames on the line to the pump."""
        for wire in wires:
            self.world.to_pump.put(wire, self.world.now_ms())
            self.world.serve()

    def recording(self) -> tuple[list[bytes], list[bytes]]:
        """Every frame so far, to the pump and from it."""
        return list(self.world.to_pump.frames), list(self.world.to_programmer.frames)

    # --- what can be seen ---------------------------------------------------------------------------------

    def drops(self, reason: Any) -> int:  # noqa: ANN401 - a DropReason
        return self.world.endpoint.counters.drops[reason]

    @property
    def version(self) -> int:
        """Version of the active program."""
        return self.pump.controller.programs.table.active.version

    def log(self, from_seq: int = 1) -> list[LogRecord]:
        """Every record of the log from a sequence number on."""
        log, told = self.pump.controller.log, list[LogRecord]()
        seq = max(from_seq, log.first_seq)
        while seq <= log.last_seq:
            told += (page := log.page(seq, 6)).records
            seq = page.records[-1].seq + 1
        return told

    def therapy(self) -> tuple[object, ...]:
        """All that a therapy request can change; two of these differ where something has."""
        controller = self.pump.controller
        table, therapy, belief = controller.programs.table, controller.therapy, self.pump.belief()
        return (
            table,
            therapy.hold,
            therapy.bolus_view.bolus_id,
            therapy.bolus_view.state,
            belief.filled_units,
        )

    def audit(self) -> None:
        """The books of this story: nothing twice, nothing unasked, no false belief."""
        assert self.world.ledger.violations == []
        assert self.world.host.internal_errors == 0


def refused(answer: Answer, code: ErrorCode) -> bool:
    """Whether the pump said no, and for this reason."""
    return isinstance(answer, ErrorBody) and answer.code is code


def frame_of(wire: bytes, direction: Direction = Direction.TO_PUMP) -> Frame:
    """The frame in what was on the wire."""
    frame = decode_piece(wire[1:-1], direction)
    assert isinstance(frame, Frame)
    return frame
