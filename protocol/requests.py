"""What the pump endpoint hands to the device and what it gets back."""

from dataclasses import dataclass
from typing import Any, Protocol

from protocol.messages.registry import MessageSpec
from protocol.vocabulary import NO_FIELD, BondState, CloseReason, ErrorCode, Role

ENROL_SLOT = 0xFF
"""Slot number of a session that has no bond: enrolment, and the pump itself in its log."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        session_id: id of the session.
        slot: bond slot, 255 in an enrolment session.
        role: role of the bond.
        near: whether the programming head is on the pump.
        last_txn: transaction id before this request, 0 for the first.
    """

    session_id: int
    slot: int
    role: Role
    near: bool
    last_txn: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A request that passed every check up to state: codeword, body, session, role, proximity."""

    spec: MessageSpec
    body: Any
    caller: Caller


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device's no: becomes an ERROR message (OITP/1 section 15)."""

    code: ErrorCode
    field: int = NO_FIELD
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Bond:
    """One programmer the pump knows.

    Attributes:
        slot: 0..7.
        static_public: the programmer's X25519 public key, 32 octets.
        role: what it may do once confirmed.
        state: provisional, confirmed or revoked.
        label: name given at enrolment.
    """

    slot: int
    static_public: bytes
    role: Role
    state: BondState
    label: str


class Keyring(Protocol):
    """What the pump endpoint must be able to ask the device during a handshake."""

    @property
    def static_private(self) -> bytes:
        """The pump's X25519 private key, 32 octets."""

    @property
    def enrol_psk(self) -> bytes:
        """Pre-shared key of an enrolment session, 32 octets, derived from the implant-card secret."""

    @property
    def boot_count(self) -> int:
        """Starts of the firmware."""

    @property
    def uptime_s(self) -> int:
        """Seconds since that start."""

    def bond(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None."""


class Device(Keyring, Protocol):
    """The device behind the endpoint, as the host loop drives it."""

    def handle(self, request: Request) -> Any:
        """Execute ``request``; return the response body or a `Refusal`. Durable before it returns."""

    def session_opened(self, caller: Caller) -> None:
        """A session was confirmed: log it; a provisional bond rises by its first session."""

    def session_closed(self, session_id: int, reason: CloseReason) -> None:
        """A session ended: log it and wipe what was staged."""

    def handshake_failed(self, slot: int) -> None:
        """A handshake failed: count and log it."""
