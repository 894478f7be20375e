"""Group 10: link statistics and self-tests."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.access import link_class_of
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.service import LinkStatsRequest, LinkStatsResponse, SelfTestRequest, SelfTestResponse
from protocol.requests import Caller, LinkReport, Refusal
from protocol.vocabulary import ErrorCode

_TESTS_FIELD: Final = 0
_U32: Final = 0xFFFF_FFFF


def _link_stats(_pump: Context, _body: LinkStatsRequest, caller: Caller) -> LinkStatsResponse:
    report = caller.link or LinkReport(link_class_of(caller))
    return LinkStatsResponse(
        rx_frames=report.rx_frames & _U32,
        rx_crc_err=report.rx_crc_err & _U32,
        rx_cobs_err=report.rx_cobs_err & _U32,
        rx_len_err=report.rx_len_err & _U32,
        rx_overrun=report.rx_overrun & _U32,
        tx_frames=report.tx_frames & _U32,
        retrans_served=report.retrans_served & _U32,
        rx_bytes=report.rx_bytes & _U32,
    )


def _self_test(pump: Context, body: SelfTestRequest, caller: Caller) -> SelfTestResponse | Refusal:
    if not body.tests:
        return Refusal(ErrorCode.OUT_OF_RANGE, _TESTS_FIELD)
    verdict = pump.controller.self_test(body.tests, caller.slot)
    return SelfTestResponse(verdict.run, verdict.failed, verdict.duration_ms)


HANDLERS: Final[Mapping[type, Handler]] = {
    LinkStatsRequest: _link_stats,
    SelfTestRequest: _self_test,
}
"""One handler for every request of this group."""
