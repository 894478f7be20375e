"""Group 7: the event log."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.event_log import CAPACITY, RECORD_SIZE
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.log import LogInfoRequest, LogInfoResponse, LogReadRequest, LogReadResponse
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


HANDLERS: Final[Mapping[type, Handler]] = {
    LogInfoRequest: _log_info,
    LogReadRequest: _log_read,
}
"""One handler for every request of these groups."""
