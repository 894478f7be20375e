"""Groups 3 and 4: programs, the programming transaction and receipts."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.program_store import NO_PROGRAM, ProgramEntry
from firmware_model.controller.programming import LIFE_MS, CommitOrder
from firmware_model.controller.receipts import no_receipt
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    GetProgramInfoRequest,
    GetProgramInfoResponse,
    GetReceiptRequest,
    ProgAbortRequest,
    ProgAbortResponse,
    ProgBeginRequest,
    ProgBeginResponse,
    ProgCommitRequest,
    ProgStageRequest,
    ProgStageResponse,
    ProgVerifyRequest,
    ProgVerifyResponse,
    ReadProgramRequest,
    ReadProgramResponse,
    ReceiptResponse,
)
from protocol.program import DIGEST_SIZE, program_digest
from protocol.requests import Caller, Refusal
from protocol.vocabulary import ErrorCode, Role, Which


def _staged_version(pump: Context) -> int:
    """Return the version the open transaction will make, 0 where there is none."""
    return pump.controller.programs.table.newest_version + 1 if pump.controller.programming.open else 0


def _program_info(pump: Context, body: GetProgramInfoRequest, _caller: Caller) -> GetProgramInfoResponse:
    table, opened = pump.controller.programs.table, pump.controller.programming.open
    if body.which is Which.STAGED and opened is not None:
        complete = opened.next_gap == len(opened.image)
        digest = program_digest(bytes(opened.image)) if complete else b""
        return GetProgramInfoResponse(
            body.which,
            _staged_version(pump),
            len(opened.image),
            digest[:DIGEST_SIZE].ljust(DIGEST_SIZE, b"\0"),
            0,
            opened.slot,
        )
    entry = {Which.ACTIVE: table.active, Which.PREVIOUS: table.previous}.get(body.which, table.pending)
    return GetProgramInfoResponse(
        body.which,
        entry.version,
        entry.image_len,
        entry.sha256[:DIGEST_SIZE],
        entry.committed_utc_s,
        entry.actor_slot,
    )


def _read_program(pump: Context, body: ReadProgramRequest, _caller: Caller) -> ReadProgramResponse | Refusal:
    image = _image_of(pump, body.version)
    if isinstance(image, Refusal):
        return image
    if body.offset >= len(image):
        return Refusal(ErrorCode.OUT_OF_RANGE, 1, len(image))
    return ReadProgramResponse(body.version, body.offset, image[body.offset : body.offset + body.length])


def _image_of(pump: Context, version: int) -> bytes | Refusal:
    table, opened = pump.controller.programs.table, pump.controller.programming.open
    if opened is not None and version == _staged_version(pump):
        complete = opened.next_gap == len(opened.image)
        return (
            bytes(opened.image) if complete else Refusal(ErrorCode.IMAGE_INCOMPLETE, detail=opened.next_gap)
        )
    entry = _entry_of(version, (table.active, table.previous, table.pending))
    if not entry:
        return Refusal(ErrorCode.VERSION_CONFLICT, 0, table.active.version)
    if entry is table.active:
        # Checked before each use: a copy that went bad since the start is found and mended here.
        pump.controller.therapy.program.load()
    image = pump.controller.programs.read(entry)
    return Refusal(ErrorCode.STORAGE) if image is None else image


def _entry_of(version: int, entries: tuple[ProgramEntry, ...]) -> ProgramEntry:
    return next((entry for entry in entries if entry and entry.version == version), NO_PROGRAM)


def _begin(pump: Context, body: ProgBeginRequest, caller: Caller) -> ProgBeginResponse | Refusal:
    opened = pump.controller.programming.begin(
        caller.session_id, caller.slot, body.base_version, body.image_len, body.intent_id, pump.link_ms
    )
    if isinstance(opened, Refusal):
        return opened
    return ProgBeginResponse(opened.handle, LIFE_MS // 1_000, MAX_STAGE_BLOCK)


def _stage(pump: Context, body: ProgStageRequest, caller: Caller) -> ProgStageResponse | Refusal:
    staged = pump.controller.programming.stage(
        caller.session_id, body.handle, body.offset, body.data, pump.link_ms
    )
    if isinstance(staged, Refusal):
        return staged
    return ProgStageResponse(staged.handle, staged.received, staged.next_gap)


def _verify(pump: Context, body: ProgVerifyRequest, caller: Caller) -> ProgVerifyResponse | Refusal:
    checked = pump.controller.programming.verify(caller.session_id, body.handle, body.sha256, pump.link_ms)
    if isinstance(checked, Refusal):
        return checked
    token, summary = checked
    return ProgVerifyResponse(
        handle=body.handle,
        token=token,
        rate_min_nl_h=summary.rate_min_nl_h,
        rate_max_nl_h=summary.rate_max_nl_h,
        day_volume_nl=summary.day_volume_nl,
        max_hour_nl=summary.max_hour_nl,
        reservoir_days_x10=summary.reservoir_days_x10,
        refill_by_utc_s=summary.refill_by_utc_s,
        soft_flags=summary.soft_flags,
        doses=summary.doses,
    )


def _commit(pump: Context, body: ProgCommitRequest, caller: Caller) -> ReceiptResponse | Refusal:
    order = CommitOrder(body.token, body.soft_ack, body.override_reason, body.effective_utc_s)
    return pump.controller.programming.commit(caller.session_id, body.handle, order, pump.link_ms)


def _abort(pump: Context, body: ProgAbortRequest, caller: Caller) -> ProgAbortResponse | Refusal:
    refusal = pump.controller.programming.abort(caller.session_id, body.handle, pump.link_ms)
    return refusal or ProgAbortResponse(body.handle)


def _receipt(pump: Context, body: GetReceiptRequest, caller: Caller) -> ReceiptResponse:
    """Answer for an intent; a patient is told of the intents of their own bond, and of no other."""
    controller = pump.controller
    armed = controller.boluses.receipt(body.intent_id, pump.link_ms)
    receipt = armed or controller.programming.receipt(body.intent_id, pump.link_ms)
    if caller.role is Role.PATIENT and controller.receipts.slot_of(body.intent_id) != caller.slot:
        return no_receipt(body.intent_id)
    return receipt


HANDLERS: Final[Mapping[type, Handler]] = {
    GetProgramInfoRequest: _program_info,
    ReadProgramRequest: _read_program,
    ProgBeginRequest: _begin,
    ProgStageRequest: _stage,
    ProgVerifyRequest: _verify,
    ProgCommitRequest: _commit,
    ProgAbortRequest: _abort,
    GetReceiptRequest: _receipt,
}
"""One handler for every request of these groups."""
