"""Group 9: bonds and attempts to get one."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.access import CONFIRM_WITHIN_S
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.bonds import BondEnrolRequest, BondEnrolResponse
from protocol.requests import Caller, Refusal


def _enrol(pump: Context, body: BondEnrolRequest, _caller: Caller) -> BondEnrolResponse | Refusal:
    bond = pump.controller.access.enrol(body.static_pub, body.role, body.label)
    if isinstance(bond, Refusal):
        return bond
    return BondEnrolResponse(bond.slot, pump.identity.static_public, CONFIRM_WITHIN_S)


HANDLERS: Final[Mapping[type, Handler]] = {
    BondEnrolRequest: _enrol,
}
"""One handler for every request of these groups."""
