"""Group 0: confirmation, keep-alive, close."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Context, Handler
from protocol.messages.registry import MESSAGES, Access
from protocol.messages.schema import schema_crc
from protocol.messages.session import (
    KeepaliveRequest,
    KeepaliveResponse,
    SessionCloseRequest,
    SessionCloseResponse,
    SessionConfirmRequest,
    SessionConfirmResponse,
)
from protocol.pump_session import IDLE_TIMEOUT_S
from protocol.requests import EMERGENCY_SLOT, LAB_SLOT, Caller
from protocol.vocabulary import BondState, EmergencyPolicy, Role

_READING: Final = frozenset((Access.SESSION, Access.READ))


def privileges(role: Role, state: BondState) -> int:
    """Return the mask of message groups of which a bond may send a request; provisional ones only read."""
    allowed = (
        spec.group
        for spec in MESSAGES
        if role in spec.roles
        and (role is Role.ENROL or state is BondState.CONFIRMED or spec.access in _READING)
    )
    return sum(1 << group for group in set(allowed))


def _trust(pump: Context, caller: Caller) -> BondState:
    """Return how far the caller is trusted: a lab session as its role, an emergency as the policy allows."""
    if caller.slot == LAB_SLOT:
        return BondState.CONFIRMED
    bond = pump.controller.access.bond(caller.slot)
    only_reads = caller.slot == EMERGENCY_SLOT and pump.controller.emergency_policy is EmergencyPolicy.READ
    return BondState.PROVISIONAL if bond is None or only_reads else bond.state


def _session_confirm(pump: Context, _body: SessionConfirmRequest, caller: Caller) -> SessionConfirmResponse:
    clock = pump.controller.clock
    return SessionConfirmResponse(
        session_id=caller.session_id,
        role=caller.role,
        privileges=privileges(caller.role, _trust(pump, caller)),
        idle_timeout_s=IDLE_TIMEOUT_S,
        schema_crc=schema_crc(),
        boot_count=clock.boot_count,
        uptime_s=clock.uptime_s,
    )


def _keepalive(pump: Context, _body: KeepaliveRequest, _caller: Caller) -> KeepaliveResponse:
    controller = pump.controller
    return KeepaliveResponse(
        uptime_s=controller.clock.uptime_s,
        delivery_state=controller.therapy.decision.state,
        alarm_max_prio=controller.alarms.highest,
        log_last_seq=controller.log.last_seq,
    )


def _session_close(_pump: Context, _body: SessionCloseRequest, _caller: Caller) -> SessionCloseResponse:
    return SessionCloseResponse()


HANDLERS: Final[Mapping[type, Handler]] = {
    SessionConfirmRequest: _session_confirm,
    KeepaliveRequest: _keepalive,
    SessionCloseRequest: _session_close,
}
"""One handler for every request of these groups."""
