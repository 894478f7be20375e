"""Group 7: the event log."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.event_log import CAPACITY, RECORD_SIZE
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.log import (
    LogDigestRequest,
    LogDigestResponse,
    LogInfoRequest,
    LogInfoResponse,
    LogReadRequest,
    LogReadResponse,
)
from protocol.requests import Caller, Refusal
from protocol.vocabulary import ErrorCode, Role


def _log_info(pump: Context, _body: LogInfoRequest, _caller: Caller) -> LogInfoResponse:
    log = pump.controller.log
    return LogInfoResponse(log.epoch, log.first_seq, log.last_seq, RECORD_SIZE, CAPACITY)


def _log_read(pump: Context, body: LogReadRequest, caller: Caller) -> LogReadResponse | Refusal:
    log = pump.controller.log
    if body.log_epoch != log.epoch:
        return Refusal(ErrorCode.LOG_EPOCH_CHANGED, 0, log.epoch)
    # One past the newest is where a reader waits for more; beyond it there will be nothing for long.
    if body.from_seq > log.last_seq + 1:
        return Refusal(ErrorCode.NO_RECORDS, 1, log.last_seq)
    page = log.page(body.from_seq, body.max_records, patient=caller.role is Role.PATIENT)
    return LogReadResponse(log.epoch, page.first_seq, page.flags, page.records)


def _log_digest(pump: Context, body: LogDigestRequest, _caller: Caller) -> LogDigestResponse | Refusal:
    log = pump.controller.log
    if body.log_epoch != log.epoch:
        return Refusal(ErrorCode.LOG_EPOCH_CHANGED, 0, log.epoch)
    if body.to_seq < body.from_seq:
        return Refusal(ErrorCode.OUT_OF_RANGE, 2, body.from_seq)
    # What is held is at most one round of the ring, so that bounds the work as well.
    if body.from_seq < log.first_seq:
        return Refusal(ErrorCode.NO_RECORDS, 1, log.first_seq)
    if body.to_seq > log.last_seq:
        return Refusal(ErrorCode.NO_RECORDS, 2, log.last_seq)
    return LogDigestResponse(body.from_seq, body.to_seq, log.digest(body.from_seq, body.to_seq))


HANDLERS: Final[Mapping[type, Handler]] = {
    LogInfoRequest: _log_info,
    LogReadRequest: _log_read,
    LogDigestRequest: _log_digest,
}
"""One handler for every request of these groups."""
