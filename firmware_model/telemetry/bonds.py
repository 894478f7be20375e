"""Group 9: bonds and attempts to get one."""

from collections.abc import Mapping
from typing import Final

from firmware_model.controller.access import link_class_of
from firmware_model.controller.bonds import CONFIRM_WITHIN_S
from firmware_model.telemetry.context import Context, Handler
from protocol.messages.bonds import (
    TOKEN_LIFE_S,
    BondConfirmRequest,
    BondConfirmResponse,
    BondEnrolRequest,
    BondEnrolResponse,
    BondListRequest,
    BondListResponse,
    BondRevokeRequest,
    BondRevokeResponse,
    ProximityTokenRequest,
    ProximityTokenResponse,
    SecurityStatusRequest,
    SecurityStatusResponse,
)
from protocol.requests import Caller, LinkReport, Refusal
from protocol.vocabulary import ErrorCode

_U16: Final = 0xFFFF
_U32: Final = 0xFFFF_FFFF


def _enrol(pump: Context, body: BondEnrolRequest, _caller: Caller) -> BondEnrolResponse | Refusal:
    bond = pump.controller.access.bonds.enrol(body.static_pub, body.role, body.label, pump.link_ms)
    if isinstance(bond, Refusal):
        return bond
    return BondEnrolResponse(bond.slot, pump.identity.static_public, CONFIRM_WITHIN_S)


def _list(pump: Context, _body: BondListRequest, _caller: Caller) -> BondListResponse:
    return BondListResponse(pump.controller.access.bonds.entries)


def _revoke(pump: Context, body: BondRevokeRequest, caller: Caller) -> BondRevokeResponse | Refusal:
    seq = pump.controller.access.revoke(body.slot, caller.slot)
    return seq if isinstance(seq, Refusal) else BondRevokeResponse(body.slot, seq)


def _confirm(pump: Context, body: BondConfirmRequest, caller: Caller) -> BondConfirmResponse | Refusal:
    seq = pump.controller.access.bonds.confirm(body.slot, caller.slot)
    return seq if isinstance(seq, Refusal) else BondConfirmResponse(body.slot, seq)


def _security(pump: Context, _body: SecurityStatusRequest, caller: Caller) -> SecurityStatusResponse:
    access, link_class = pump.controller.access, link_class_of(caller)
    report = caller.link or LinkReport(link_class)
    return SecurityStatusResponse(
        hs_fail_total=access.guard.total,
        hs_fail_streak=access.guard.streak(link_class),
        lockout_left_s=access.guard.lockout_s(link_class, pump.link_ms),
        replay_drops=report.replay_drops & _U32,
        auth_drops=report.auth_drops & _U32,
        bonding_window_s=min(access.bonds.window_s(pump.link_ms), _U16),
    )


def _token(pump: Context, _body: ProximityTokenRequest, caller: Caller) -> ProximityTokenResponse | Refusal:
    if not pump.far_link:
        return Refusal(ErrorCode.FEATURE_ABSENT)
    # A token belongs to a bond; a lab session has none.
    if pump.controller.access.bonds.find(caller.slot) is None:
        return Refusal(ErrorCode.NOT_APPLICABLE)
    secret = pump.controller.access.tokens.issue(caller.slot, pump.link_ms)
    return ProximityTokenResponse(secret, TOKEN_LIFE_S)


HANDLERS: Final[Mapping[type, Handler]] = {
    BondEnrolRequest: _enrol,
    BondListRequest: _list,
    BondRevokeRequest: _revoke,
    BondConfirmRequest: _confirm,
    SecurityStatusRequest: _security,
    ProximityTokenRequest: _token,
}
"""One handler for every request of this group."""
