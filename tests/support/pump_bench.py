"""A pump without a link: requests go straight to the device, the way the endpoint would hand them over."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from protocol.messages.codec import codec_of
from protocol.messages.log import LogRecord
from protocol.messages.program import (
    GetReceiptRequest,
    ProgBeginRequest,
    ProgBeginResponse,
    ProgCommitRequest,
    ProgStageRequest,
    ProgVerifyRequest,
    ProgVerifyResponse,
    ReceiptResponse,
)
from protocol.messages.registry import by_request
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.program import (
    EVERY_DAY,
    DoseDeclaration,
    Program,
    Schedule,
    Step,
    encode_program,
)
from protocol.quantities import MINUTES_PER_DAY, day_volume_nl, dose_ng_per_day
from protocol.requests import Caller, Refusal, Request
from protocol.vocabulary import OverrideReason, Role, ScheduleMode, SoftLimit

MONDAY_UTC_S = 1_772_409_600
"""Monday 2026-03-02 00:00:00 UTC."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SLOT = 0
INTENT = bytes(range(1, 17))


def pump_at_work(seed: int = 1, utc_s: int = MONDAY_UTC_S, profile: str = "peristaltic-20") -> Pump:
    """Return the demo patient's pump."""
    return make_pump(profile, seed=seed, utc_s=utc_s)


def new_pump(seed: int = 1, utc_s: int = MONDAY_UTC_S) -> Pump:
    """Return a pump from its box."""
    return make_pump(seed=seed, utc_s=utc_s, setup="shelf")


def caller(session_id: int = 7, slot: int = SLOT, role: Role = Role.CLINICIAN, near: bool = True) -> Caller:
    return Caller(session_id, slot, role, near)


def ask(pump: Pump, body: object, who: Caller | None = None) -> Any:  # noqa: ANN401 - any response
    """Hand a request to the pump; check that its answer goes through the codec of the registry."""
    spec = by_request(body)
    answer = pump.handle(Request(spec, body, who or caller()))
    if not isinstance(answer, Refusal):
        codec = codec_of(spec.response)
        assert codec.decode(codec.encode(answer)) == answer
    return answer


def status(pump: Pump) -> GetStatusResponse:
    answer: GetStatusResponse = ask(pump, GetStatusRequest())
    return answer


def active_program(pump: Pump) -> Program:
    active = pump.controller.therapy.active
    assert active is not None
    return active.program


def with_steps(program: Program, *steps: tuple[int, int], mode: ScheduleMode | None = None) -> Program:
    """Return ``program`` with a daily pattern of ``(start_min, rate_nl_h)``, doses declared to match."""
    if mode is None:
        mode = ScheduleMode.SIMPLE if len(steps) == 1 else ScheduleMode.DAILY
    schedule = Schedule(mode, tuple(Step(EVERY_DAY, start, rate) for start, rate in steps))
    return with_declared_doses(replace(program, schedule=schedule))


def with_declared_doses(program: Program) -> Program:
    """Return ``program`` with the doses of its (daily) schedule declared."""
    steps = program.schedule.steps
    ends = [*(step.start_min for step in steps[1:]), MINUTES_PER_DAY]
    volume = day_volume_nl(
        (step.rate_nl_h, end - step.start_min) for step, end in zip(steps, ends, strict=True)
    )
    doses = tuple(
        DoseDeclaration(drug.drug_code, dose_ng_per_day(volume, drug.conc_ng_ml)) for drug in program.drugs
    )
    return replace(program, dose_declarations=doses)


def begin(pump: Pump, image: bytes, intent: bytes = INTENT, base: int | None = None) -> int:
    """Open a transaction and stage the whole image; return its handle."""
    version = pump.controller.programs.table.newest_version if base is None else base
    opened = ask(pump, ProgBeginRequest(version, len(image), intent))
    assert isinstance(opened, ProgBeginResponse), opened
    for at in range(0, len(image), opened.max_block):
        staged = ask(pump, ProgStageRequest(opened.handle, at, image[at : at + opened.max_block]))
        assert not isinstance(staged, Refusal), staged
    return opened.handle


def verify(pump: Pump, handle: int, image: bytes) -> ProgVerifyResponse | Refusal:
    answer: ProgVerifyResponse | Refusal = ask(
        pump, ProgVerifyRequest(handle, hashlib.sha256(image).digest())
    )
    return answer


def commit_request(
    summary: ProgVerifyResponse,
    reason: OverrideReason = OverrideReason.NONE,
    effective_utc_s: int = 0,
    soft_ack: SoftLimit | None = None,
) -> ProgCommitRequest:
    ack = summary.soft_flags if soft_ack is None else soft_ack
    if ack and reason is OverrideReason.NONE and soft_ack is None:
        reason = OverrideReason.CLINICAL_JUDGEMENT
    return ProgCommitRequest(summary.handle, summary.token, ack, reason, effective_utc_s)


def verified(pump: Pump, program: Program, intent: bytes = INTENT) -> ProgVerifyResponse:
    """Stage and verify a program; return the pump's summary."""
    image = encode_program(program)
    summary = verify(pump, begin(pump, image, intent), image)
    assert isinstance(summary, ProgVerifyResponse), summary
    return summary


def commit(pump: Pump, program: Program, intent: bytes = INTENT, effective_utc_s: int = 0) -> ReceiptResponse:
    """Bring a program all the way into the pump; return the receipt."""
    receipt = ask(pump, commit_request(verified(pump, program, intent), effective_utc_s=effective_utc_s))
    assert isinstance(receipt, ReceiptResponse), receipt
    return receipt


def receipt_of(pump: Pump, intent: bytes = INTENT) -> ReceiptResponse:
    answer: ReceiptResponse = ask(pump, GetReceiptRequest(intent))
    return answer


def intent(number: int) -> bytes:
    return number.to_bytes(16, "big")


def log_of(pump: Pump) -> Iterator[LogRecord]:
    """Yield every record the pump holds, oldest first."""
    log = pump.controller.log
    seq = log.first_seq
    while seq <= log.last_seq:
        page = log.page(seq, 6)
        yield from page.records
        seq = page.records[-1].seq + 1
