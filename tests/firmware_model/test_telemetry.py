"""Every message of the registry has its handler, and what it answers is what the pump is."""

import inspect
from dataclasses import replace

import pytest
from support.pump_bench import DAY_MS, HOUR_MS, ask, caller, new_pump, pump_at_work, status

from firmware_model.telemetry import HANDLERS
from protocol.endpoint_pump import ENDPOINT_MESSAGES
from protocol.messages.clock import GetClockRequest, GetClockResponse
from protocol.messages.device import GetDeviceInfoRequest
from protocol.messages.registry import MESSAGES
from protocol.messages.schema import schema_crc
from protocol.messages.session import (
    KeepaliveRequest,
    KeepaliveResponse,
    SessionCloseRequest,
    SessionCloseResponse,
    SessionConfirmRequest,
)
from protocol.messages.status import GetStatusRequest
from protocol.program import MAX_DRUGS, MAX_STEPS
from protocol.requests import Device, Request
from protocol.vocabulary import (
    ClientKind,
    ClockState,
    CloseReason,
    DeliveryState,
    Feature,
    OpState,
    Priority,
)

FEATURES = Feature.WEEKLY_SCHEDULE | Feature.BOLUS | Feature.NOTIFICATIONS


def test_every_request_of_the_registry_has_a_handler_and_none_besides() -> None:
    """Except those that the endpoint answers by itself."""
    assert set(HANDLERS) == {spec.request for spec in MESSAGES if spec.name not in ENDPOINT_MESSAGES}
    assert len(set(HANDLERS.values())) == len(HANDLERS)


def test_a_body_outside_the_registry_is_a_defect_of_the_caller() -> None:
    with pytest.raises(KeyError):
        pump_at_work().handle(Request(MESSAGES[0], object(), caller()))


def as_device(pump: Device) -> Device:
    """Let the type checker see that a pump is what the endpoint's host wants."""
    return pump


def test_the_pump_is_a_device() -> None:
    pump = pump_at_work()
    assert as_device(pump) is pump
    asked = [name for name, _ in inspect.getmembers(Device) if not name.startswith("_")]
    assert all(hasattr(pump, name) for name in asked)
    assert (len(pump.static_private), len(pump.enrol_psk), pump.boot_count) == (32, 32, 1)
    assert pump.uptime_s == 35 * 86_400


def test_session_confirm_tells_the_schema_and_the_start() -> None:
    answer = ask(pump_at_work(), SessionConfirmRequest(ClientKind.PROGRAMMER, 256, "Dr. Test"))
    assert (answer.schema_crc, answer.boot_count, answer.uptime_s) == (schema_crc(), 1, 35 * 86_400)


def test_keepalive_tells_the_least_one_wants_to_know() -> None:
    pump = pump_at_work()
    pump.reset()
    pump.advance_to(4_999)
    last = pump.controller.log.last_seq
    assert ask(pump, KeepaliveRequest()) == KeepaliveResponse(4, DeliveryState.RUNNING, Priority.MEDIUM, last)


def test_session_close_is_answered() -> None:
    assert ask(pump_at_work(), SessionCloseRequest(CloseReason.DONE)) == SessionCloseResponse()


@pytest.mark.parametrize(
    ("profile", "model", "capacity_ml"), [("peristaltic-20", 2001, 20), ("peristaltic-40", 4001, 40)]
)
def test_device_info_is_the_profile(profile: str, model: int, capacity_ml: int) -> None:
    pump = pump_at_work(profile=profile)
    info = ask(pump, GetDeviceInfoRequest())
    assert info.serial == pump.card.serial
    assert info.serial.startswith(f"VP{capacity_ml}-")
    assert (info.model, info.hw_rev, info.fw_version) == (model, 1, 0x000100)
    assert info.reservoir_capacity_nl == capacity_ml * 1_000_000
    assert (info.rate_min_nl_h, info.rate_max_nl_h, info.bolus_max_nl) == (2_000, 1_000_000, 1_000_000)
    assert (info.max_steps, info.max_drugs, info.log_capacity) == (MAX_STEPS, MAX_DRUGS, 4_096)
    assert info.implanted_utc_s == info.made_utc_s == 1_772_409_600 - 35 * 86_400
    assert (info.service_life_days, info.features) == (2_556, FEATURES)


def test_a_pump_from_the_shelf_is_not_implanted() -> None:
    pump = new_pump()
    info = ask(pump, GetDeviceInfoRequest())
    assert (info.implanted_utc_s, info.made_utc_s) == (0, 1_772_409_600)
    seen = status(pump)
    assert (seen.op_state, seen.eri_days, seen.next_change_s) == (OpState.SHELF, 65_535, 0xFFFF_FFFF)


def test_status_tells_belief() -> None:
    pump = pump_at_work()
    pump.advance_to(10 * DAY_MS)
    seen = status(pump)
    assert (seen.reservoir_nl, seen.lifetime_nl) == (10_800_000, 9_120_000)
    assert seen.eri_days == 2_556 - 90 - 45
    assert seen.temp_cdeg == 3_700
    assert 0 <= 1_000 - seen.battery_permille <= 20
    assert (seen.program_version, seen.active_step, seen.bolus_id) == (1, 0, 0)


def test_status_names_the_transaction_before() -> None:
    assert ask(pump_at_work(), GetStatusRequest(), replace(caller(), last_txn=41)).last_txn_id == 41


def test_eri_days_count_down_to_zero_and_stay() -> None:
    pump = pump_at_work()
    pump.advance_to((2_556 - 90 - 35) * DAY_MS)
    assert status(pump).eri_days == 0
    pump.advance_to(3_000 * DAY_MS)
    assert status(pump).eri_days == 0


def test_the_clock_knows_uptime_civil_time_and_offset() -> None:
    pump = pump_at_work()
    pump.reset()
    pump.advance_to(HOUR_MS + 7)
    assert ask(pump, GetClockRequest()) == GetClockResponse(
        HOUR_MS + 7, 1_772_413_200, 60, 2, 1, ClockState.SET
    )


def test_a_clock_that_was_never_set_says_so() -> None:
    answer = ask(new_pump(utc_s=0), GetClockRequest())
    assert (answer.utc_s, answer.time_base, answer.state) == (0, 0, ClockState.NOT_SET)
