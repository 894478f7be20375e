"""Every message of the catalogue has a typed call that asks what its name says, arguments in place."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from support.device import TOKEN
from support.published import CATALOGUE

from protocol.client_calls import PumpCalls
from protocol.messages import (
    alarms,
    bonds,
    clock,
    delivery,
    device,
    log,
    program,
    refill,
    service,
    session,
    status,
)
from protocol.messages.registry import by_name, by_request
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask, SelfTest
from protocol.vocabulary import DeliveryState, OverrideReason, SoftLimit, Which

INTENT = b"intent 123456789"
SOFT = SoftLimit.RATE | SoftLimit.DAY_VOLUME
WHY = OverrideReason.PALLIATIVE_CARE
BY_THE_CLIENT = {"SESSION_CONFIRM", "SESSION_CLOSE", "BOND_ENROL"}
"""What `PumpClient` says by itself, in `connect`, `end_session` and `enrol`."""

CALLS: list[tuple[Callable[[PumpCalls], Any], object]] = [
    (lambda pump: pump.keepalive(), session.KeepaliveRequest()),
    (lambda pump: pump.subscribe(EventMask.ALARM, 9), session.SubscribeRequest(EventMask.ALARM, 9)),
    (lambda pump: pump.subscribe(EventMask.BOLUS), session.SubscribeRequest(EventMask.BOLUS, 0)),
    (lambda pump: pump.notify_ack(7), session.NotifyAckRequest(7)),
    (lambda pump: pump.get_device_info(), device.GetDeviceInfoRequest()),
    (lambda pump: pump.get_status(), status.GetStatusRequest()),
    (lambda pump: pump.get_day_totals(), status.GetDayTotalsRequest(0)),
    (lambda pump: pump.get_day_totals(30), status.GetDayTotalsRequest(30)),
    (lambda pump: pump.get_program_info(), program.GetProgramInfoRequest(Which.ACTIVE)),
    (lambda pump: pump.get_program_info(Which.STAGED), program.GetProgramInfoRequest(Which.STAGED)),
    (lambda pump: pump.read_program(1, 2, 3), program.ReadProgramRequest(1, 2, 3)),
    (lambda pump: pump.prog_begin(4, 637, INTENT), program.ProgBeginRequest(4, 637, INTENT)),
    (lambda pump: pump.prog_stage(5, 192, b"block"), program.ProgStageRequest(5, 192, b"block")),
    (lambda pump: pump.prog_verify(5, bytes(32)), program.ProgVerifyRequest(5, bytes(32))),
    (
        lambda pump: pump.prog_commit(5, TOKEN, SOFT, WHY, 99),
        program.ProgCommitRequest(5, TOKEN, SOFT, WHY, 99),
    ),
    (
        lambda pump: pump.prog_commit(5, TOKEN),
        program.ProgCommitRequest(5, TOKEN, SoftLimit(0), OverrideReason.NONE, 0),
    ),
    (lambda pump: pump.prog_abort(5), program.ProgAbortRequest(5)),
    (lambda pump: pump.get_receipt(INTENT), program.GetReceiptRequest(INTENT)),
    (
        lambda pump: pump.bolus_arm(BolusKind.PRIME, 1_000, 60, 20, INTENT),
        delivery.BolusArmRequest(BolusKind.PRIME, 1_000, 60, 20, INTENT),
    ),
    (lambda pump: pump.bolus_start(3, TOKEN, SOFT, WHY), delivery.BolusStartRequest(3, TOKEN, SOFT, WHY)),
    (
        lambda pump: pump.bolus_start(3, TOKEN),
        delivery.BolusStartRequest(3, TOKEN, SoftLimit(0), OverrideReason.NONE),
    ),
    (lambda pump: pump.bolus_cancel(3), delivery.BolusCancelRequest(3)),
    (lambda pump: pump.patient_bolus(INTENT), delivery.PatientBolusRequest(INTENT)),
    (
        lambda pump: pump.set_delivery(DeliveryState.STOPPED, 30, DeliveryReason.PROCEDURE, 4),
        delivery.SetDeliveryRequest(DeliveryState.STOPPED, 30, DeliveryReason.PROCEDURE, 4),
    ),
    (lambda pump: pump.get_clock(), clock.GetClockRequest()),
    (
        lambda pump: pump.set_clock(1_000, -60, ClockSource.OPERATOR),
        clock.SetClockRequest(1_000, -60, ClockSource.OPERATOR),
    ),
    (lambda pump: pump.set_clock(1_000), clock.SetClockRequest(1_000, 0, ClockSource.PROGRAMMER)),
    (lambda pump: pump.log_info(), log.LogInfoRequest()),
    (lambda pump: pump.log_read(1, 2, 3), log.LogReadRequest(1, 2, 3)),
    (lambda pump: pump.log_read(1, 2), log.LogReadRequest(1, 2, 6)),
    (lambda pump: pump.log_digest(1, 2, 3), log.LogDigestRequest(1, 2, 3)),
    (lambda pump: pump.get_alarms(), alarms.GetAlarmsRequest()),
    (lambda pump: pump.alarm_ack(8), alarms.AlarmAckRequest(8)),
    (lambda pump: pump.alarm_silence(8, 300), alarms.AlarmSilenceRequest(8, 300)),
    (lambda pump: pump.bond_list(), bonds.BondListRequest()),
    (lambda pump: pump.bond_confirm(2), bonds.BondConfirmRequest(2)),
    (lambda pump: pump.bond_revoke(2), bonds.BondRevokeRequest(2)),
    (lambda pump: pump.proximity_token(), bonds.ProximityTokenRequest()),
    (lambda pump: pump.security_status(), bonds.SecurityStatusRequest()),
    (lambda pump: pump.link_stats(), service.LinkStatsRequest()),
    (lambda pump: pump.self_test(SelfTest.MOTOR), service.SelfTestRequest(SelfTest.MOTOR)),
    (
        lambda pump: pump.refill_record(1, 20_000_000, 4, "LOT 7", INTENT),
        refill.RefillRecordRequest(1, 20_000_000, 4, "LOT 7", INTENT),
    ),
]


class Recorder(PumpCalls):
    """Keeps what is asked, and what is expected in return."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, type]] = []

    def call(self, body: object, expect: type) -> Any:  # noqa: ANN401
        self.asked.append((body, expect))
        return body


@pytest.mark.parametrize(("call", "request_body"), CALLS, ids=lambda value: type(value).__name__)
def test_a_call_asks_what_its_name_says(call: Callable[[PumpCalls], Any], request_body: object) -> None:
    recorder = Recorder()
    call(recorder)
    assert recorder.asked == [(request_body, by_request(request_body).response)]


def test_every_message_has_its_call_and_every_call_its_message() -> None:
    calls = {
        name.upper()
        for name, value in vars(PumpCalls).items()
        if inspect.isfunction(value) and name not in ("call", "read_image")
    }
    assert calls == CATALOGUE.keys() - BY_THE_CLIENT
    assert {by_request(body).name for _, body in CALLS} == calls


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - BY_THE_CLIENT))
def test_a_call_is_named_as_its_message_in_its_text(name: str) -> None:
    """The first words of the help are the name that stands in logs, captures and the reference."""
    text = getattr(PumpCalls, by_name(name).name.lower()).__doc__
    assert text.startswith(f"{name}: ")
