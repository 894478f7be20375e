"""What a LINK_ERROR of the pump means to the person at the programmer."""

from collections.abc import Callable
from typing import Final

from protocol.client_errors import (
    BusyError,
    ClientError,
    LockedOutError,
    NoPumpError,
    NotBondedError,
    VersionError,
)
from protocol.link_control import LinkErrorCode
from protocol.pump_link import HandshakeFault


def _handshake_refusal(detail: int) -> ClientError:
    reasons = {
        HandshakeFault.UNKNOWN_SLOT: "it has no such bond; enrol this programmer with the implant card",
        HandshakeFault.WRONG_KEYS: "key or card secret do not match; check the card, or enrol again",
        HandshakeFault.REVOKED: "the bond was revoked; enrol again with the implant card",
        HandshakeFault.PROXIMITY: "it needs the programming head, or a proximity token fetched with it",
        HandshakeFault.SUITE: "it does not offer this kind of handshake",
    }
    text = next(
        (text for fault, text in reasons.items() if fault == detail), "it calls the handshake malformed"
    )
    return NotBondedError(f"The pump does not accept this programmer: {text}.")


REFUSALS: Final[dict[LinkErrorCode, Callable[[int], ClientError]]] = {
    LinkErrorCode.BUSY: lambda _: BusyError(
        "The pump is in a session with another programmer. Close that one, or wait 2 minutes."
    ),
    LinkErrorCode.VERSION: lambda detail: VersionError(
        f"The pump speaks OITP versions {detail >> 8} to {detail & 0xFF}; this programmer speaks version 1."
    ),
    LinkErrorCode.LOCKED_OUT: lambda detail: LockedOutError(
        f"The pump ignores handshakes for {detail} s: there were too many, or too many that failed."
    ),
    LinkErrorCode.HANDSHAKE_MALFORMED: _handshake_refusal,
    LinkErrorCode.NO_SESSION: lambda _: NoPumpError(
        "The pump has no session with this programmer; connect again."
    ),
}
"""The error that each refusal becomes, from the detail it carries."""
