"""What can go wrong between a programmer and a pump, by whose turn it is to act.

Every text says what was wrong, where, and what would be right; `LinkError` of `protocol.link_error` covers
the byte pipe below.
"""

from collections.abc import Mapping
from typing import Final

from protocol.messages.errors import ErrorBody
from protocol.messages.registry import Access, MessageSpec
from protocol.vocabulary import ErrorCode, LimitField


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
    """A request found no answer, and its session is over; the pump may have executed the request or not.

    Attributes:
        spec: the request.
        uncertain: whether the request went out and could have changed therapy.
    """

    def __init__(self, spec: MessageSpec, text: str, *, sent: bool = True) -> None:
        super().__init__(text)
        self.spec = spec
        self.uncertain = sent and spec.access is Access.THERAPY


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


ERROR_TEXTS: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.UNKNOWN_OPCODE: "it does not know this message",
    ErrorCode.BAD_LENGTH: "the message has the wrong length",
    ErrorCode.UNSUPPORTED_REV: "it does not know this revision of the message",
    ErrorCode.BAD_ENUM: "field {field} holds a word that is not defined",
    ErrorCode.OUT_OF_RANGE: "field {field} is outside its range",
    ErrorCode.RESERVED_NONZERO: "reserved bits or octets are not zero (field {field})",
    ErrorCode.FEATURE_ABSENT: "this pump cannot do that",
    ErrorCode.TOO_LARGE: "field {field} holds more than fits",
    ErrorCode.OPCODE_NOT_A_CODEWORD: "the opcode is no codeword",
    ErrorCode.BAD_TEXT: "the text in field {field} is not printable UTF-8",
    ErrorCode.BUSY: "it is busy with another transaction",
    ErrorCode.TXN_SEQUENCE: "requests came out of sequence; it expects number {detail}",
    ErrorCode.NOT_APPLICABLE: "that does not apply in its present state",
    ErrorCode.HANDLE_UNKNOWN: "it knows no such programming transaction; begin again",
    ErrorCode.HANDLE_EXPIRED: "the programming transaction has expired; begin again",
    ErrorCode.VERSION_CONFLICT: "its program changed meanwhile to version {detail}; interrogate again",
    ErrorCode.IMAGE_INCOMPLETE: "octet {detail} of the staged program is missing",
    ErrorCode.DIGEST_MISMATCH: "the staged program is not the one that was announced",
    ErrorCode.TOKEN_MISMATCH: "the confirmation does not belong to what it verified",
    ErrorCode.NOT_VERIFIED: "the staged program has not been verified",
    ErrorCode.NO_RECORDS: "it holds no such records",
    ErrorCode.LOG_EPOCH_CHANGED: "its log was wiped meanwhile; read the log again from the start",
    ErrorCode.INTENT_REUSED: "this intent was used before; make a new one",
    ErrorCode.IMAGE_MALFORMED: "the program image is malformed in section {detail}",
    ErrorCode.SCHEDULE_INVALID: "the rate table is not valid",
    ErrorCode.HARD_LIMIT: "the hard limit of {limit} is passed (value {detail})",
    ErrorCode.SOFT_LIMIT_UNACKED: "soft limits are passed and not acknowledged (mask {detail})",
    ErrorCode.DOSE_MISMATCH: "the declared dose differs from the pump's own arithmetic (drug 0x{detail:04X})",
    ErrorCode.LOCKOUT: "the lockout of the last bolus has {detail} s left",
    ErrorCode.DAILY_MAX: "the boluses of the last 24 hours are used up",
    ErrorCode.RESERVOIR_INSUFFICIENT: "the reservoir is empty; refill first",
    ErrorCode.BOLUS_ACTIVE: "a bolus is being delivered",
    ErrorCode.BRIDGE_REQUIRED: "drug or concentration changes, and no bridge bolus is planned",
    ErrorCode.DELIVERY_STOPPED: "delivery is stopped",
    ErrorCode.CLOCK_REQUIRED: "its clock is not set; set it first",
    ErrorCode.ROLE_FORBIDDEN: "this programmer's role may not do that",
    ErrorCode.PROXIMITY_REQUIRED: "the programming head must be on the pump",
    ErrorCode.SESSION_NOT_CONFIRMED: "the session was not confirmed",
    ErrorCode.BOND_REVOKED: "this programmer's bond was revoked",
    ErrorCode.LOCKED_OUT: "it is locked for {detail} s after too many failures",
    ErrorCode.BOND_TABLE_FULL: "it holds as many bonds as it can; revoke one",
    ErrorCode.BOND_PROVISIONAL: "this programmer's bond is provisional and may only read",
    ErrorCode.POLICY_FORBIDS: "its stored policy forbids that",
    ErrorCode.SIMULATION_ONLY: "only a simulated pump could do that",
    ErrorCode.INTERNAL: "an internal fault stopped it; interrogate again",
    ErrorCode.STORAGE: "its storage failed; nothing was changed",
    ErrorCode.MOTOR: "its motor failed",
    ErrorCode.POWER: "its battery is too weak for that",
    ErrorCode.CLOCK_INVALID: "its clock is not valid",
    ErrorCode.SAFE_STATE: "it is in its safe state",
    ErrorCode.SELF_TEST_FAILED: "a self-test failed",
}
"""Every code as the end of a sentence, with ``{field}``, ``{detail}`` and ``{limit}`` where it needs them."""


LIMIT_NAMES: Final[Mapping[int, str]] = {
    LimitField.RATE: "the rate (nL/h)",
    LimitField.HOUR_VOLUME: "the volume of an hour (nL)",
    LimitField.DAY_VOLUME: "the volume of a day (nL)",
    LimitField.BOLUS_VOLUME: "the volume of a bolus (nL)",
    LimitField.FACTORY_LIMITS: "the factory",
}
"""What ``field`` of HARD_LIMIT says, for people."""


def explain(error: ErrorBody) -> str:
    """Return an ERROR body in words, with its code."""
    limit = LIMIT_NAMES.get(error.field, f"limit {error.field}")
    text = ERROR_TEXTS[error.code].format(field=error.field, detail=error.detail, limit=limit)
    return f"{text} (0x{int(error.code):02X} {error.code.name})."
