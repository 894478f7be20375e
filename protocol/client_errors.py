"""What can go wrong between a programmer and a pump, by whose turn it is to act.

Every text says what was wrong, where, and what would be right; `LinkError` of `protocol.link_error` covers
the byte pipe below.
"""

from protocol.messages.errors import ErrorBody
from protocol.messages.registry import Access, MessageSpec
from protocol.vocabulary import ErrorCode


class ClientError(Exception):
    """Base of all that `protocol.client.PumpClient` raises beside `LinkError`."""


class NoPumpError(ClientError):
    """Nobody answered HELLO."""


class WrongPumpError(ClientError):
    """A pump answered, and it is not the one this key belongs to."""


class VersionError(ClientError):
    """The pump speaks another major version."""


class BusyError(ClientError):
    """The pump is in a session with another programmer."""


class NotBondedError(ClientError):
    """The pump does not accept this programmer's key, or the card secret is wrong."""


class LockedOutError(ClientError):
    """Too many failed handshakes; the pump ignores handshakes for a while."""


class SessionLostError(ClientError):
    """A request found no answer; the pump may have executed it or not.

    Attributes:
        spec: the request.
        uncertain: whether the request could have changed therapy.
    """

    def __init__(self, spec: MessageSpec, text: str) -> None:
        super().__init__(text)
        self.spec = spec
        self.uncertain = spec.access is Access.THERAPY


class PumpRefusedError(ClientError):
    """The pump answered ERROR.

    Attributes:
        spec: the request.
        code: why.
        field: index of the offending field, 255 where none.
        detail: what the code says.
    """

    def __init__(self, spec: MessageSpec, error: ErrorBody) -> None:
        self.spec = spec
        self.code: ErrorCode = error.code
        self.field = error.field
        self.detail = error.detail
        super().__init__(f"The pump refused {spec.name}: {explain(error)}")


_TEXTS: dict[ErrorCode, str] = {
    ErrorCode.BUSY: "it is busy with another transaction",
    ErrorCode.HANDLE_UNKNOWN: "it knows no such programming transaction; begin again",
    ErrorCode.HANDLE_EXPIRED: "the programming transaction has expired; begin again",
    ErrorCode.VERSION_CONFLICT: "its program changed meanwhile to version {detail}; interrogate again",
    ErrorCode.IMAGE_INCOMPLETE: "octet {detail} of the staged program is missing",
    ErrorCode.DIGEST_MISMATCH: "the staged program is not the one that was announced",
    ErrorCode.TOKEN_MISMATCH: "the confirmation does not belong to what it verified",
    ErrorCode.NOT_VERIFIED: "the staged program has not been verified",
    ErrorCode.INTENT_REUSED: "this intent was used before; make a new one",
    ErrorCode.IMAGE_MALFORMED: "the program image is malformed in section {detail}",
    ErrorCode.SCHEDULE_INVALID: "the rate table is not valid",
    ErrorCode.HARD_LIMIT: "a hard limit is passed (limit {field}, value {detail})",
    ErrorCode.SOFT_LIMIT_UNACKED: "soft limits are passed and not acknowledged (mask {detail})",
    ErrorCode.DOSE_MISMATCH: "the declared dose differs from the pump's own arithmetic (drug 0x{detail:04X})",
    ErrorCode.RESERVOIR_INSUFFICIENT: "the reservoir is empty; refill first",
    ErrorCode.BRIDGE_REQUIRED: "drug or concentration changes, and no bridge bolus is planned",
    ErrorCode.ROLE_FORBIDDEN: "this programmer's role may not do that",
    ErrorCode.PROXIMITY_REQUIRED: "the programming head must be on the pump",
    ErrorCode.BOND_PROVISIONAL: "this programmer's bond is provisional and may only read",
    ErrorCode.BOND_REVOKED: "this programmer's bond was revoked",
    ErrorCode.BOND_TABLE_FULL: "it holds as many bonds as it can; revoke one",
    ErrorCode.LOG_EPOCH_CHANGED: "its log was wiped meanwhile; read the log again from the start",
    ErrorCode.INTERNAL: "an internal fault stopped it; interrogate again",
    ErrorCode.STORAGE: "its storage failed; nothing was changed",
    ErrorCode.SESSION_NOT_CONFIRMED: "the session was not confirmed",
}


def explain(error: ErrorBody) -> str:
    """Return an ERROR body in words, with its code."""
    text = _TEXTS.get(error.code, error.code.name.lower().replace("_", " "))
    return (
        f"{text.format(field=error.field, detail=error.detail)} (0x{int(error.code):02X} {error.code.name})."
    )
