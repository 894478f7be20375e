"""What the pump endpoint hands to the device and what it gets back."""

from dataclasses import dataclass
from typing import Any, Protocol

from protocol.link_control import LinkClass
from protocol.messages.alarms import Alarm
from protocol.messages.registry import MessageSpec
from protocol.vocabulary import (
    NO_FIELD,
    BolusState,
    BondState,
    CloseReason,
    DeliveryState,
    ErrorCode,
    Priority,
    Role,
)

ENROL_SLOT = 0xFF
"""Slot number of a session that has no bond: enrolment, and the pump itself in its log."""

EMERGENCY_SLOT = 0xFE
"""Slot number of the published emergency key, which no bond can take."""

LAB_SLOT = 0xFD
"""Slot number of a lab plaintext session, in the log and towards the device."""


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What the endpoint tells of its link, for LINK_STATS and SECURITY_STATUS; counters since it began.

    Attributes:
        link_class: near or far.
        rx_frames: well-formed frames received.
        rx_crc_err: frames with a wrong CRC-32C.
        rx_cobs_err: pieces that are no COBS block.
        rx_len_err: frames of a wrong size or length octet.
        rx_overrun: runs of octets too long for a frame.
        tx_frames: frames sent.
        retrans_served: requests answered again from the cache.
        rx_bytes: octets received.
        replay_drops: records dropped for a used counter.
        auth_drops: records dropped for a wrong tag.
    """

    link_class: LinkClass
    rx_frames: int = 0
    rx_crc_err: int = 0
    rx_cobs_err: int = 0
    rx_len_err: int = 0
    rx_overrun: int = 0
    tx_frames: int = 0
    retrans_served: int = 0
    rx_bytes: int = 0
    replay_drops: int = 0
    auth_drops: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        session_id: id of the session.
        slot: bond slot, 255 in an enrolment session.
        role: role of the bond.
        near: whether the programming head is on the pump.
        last_txn: transaction id before this request, 0 for the first.
        link: what the link has seen; only with the requests that ask for it.
        with_token: whether the session was opened with a proximity token.
    """

    session_id: int
    slot: int
    role: Role
    near: bool
    last_txn: int = 0
    link: LinkReport | None = None
    with_token: bool = False


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


@dataclass(frozen=True, slots=True)
class Observation:
    """What a subscriber may be told of, as the pump believes it now.

    Attributes:
        uptime_s: seconds since the firmware started.
        delivery_state: what the pump is doing.
        rate_nl_h: commanded rate, nL/h.
        reservoir_nl: computed content, nL.
        alarm_max_prio: highest priority among the standing alarms.
        log_last_seq: sequence number of the newest log record.
        bolus_id: number of the current or last bolus, 0 where there was none.
        bolus_state: where it stands.
        bolus_delivered_nl: delivered of it, nL.
        bolus_total_nl: its whole volume, nL.
        alarms: every alarm that stands.
    """

    uptime_s: int
    delivery_state: DeliveryState
    rate_nl_h: int
    reservoir_nl: int
    alarm_max_prio: Priority
    log_last_seq: int
    bolus_id: int
    bolus_state: BolusState
    bolus_delivered_nl: int
    bolus_total_nl: int
    alarms: tuple[Alarm, ...]


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

    @property
    def far_link(self) -> bool:
        """Whether the pump has the far-link feature."""

    def bond(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None; `EMERGENCY_SLOT` has one where the policy allows it."""

    def lockout_s(self, link_class: LinkClass) -> int:
        """Return for how many seconds of link time handshakes on a class of link are ignored, 0 none."""

    def admit_handshake(self, link_class: LinkClass) -> int:
        """Take one handshake out of the budget of a class of link, and its energy out of the battery.

        Returns 0 where it may go on, else the seconds of link time to wait; then no key is touched.
        """

    def proximity_psk(self, slot: int) -> bytes | None:
        """Return the token that a bond fetched on the near link, 32 octets, or None where none is good."""

    def session_elsewhere(self, session_id: int | None) -> bool:
        """Tell whether the pump is in a session other than ``session_id``, over another of its links."""


class Device(Keyring, Protocol):
    """The device behind the endpoint, as the host loop drives it."""

    def handle(self, request: Request) -> Any:
        """Execute ``request``; return the response body or a `Refusal`. Durable before it returns."""

    def session_opened(self, caller: Caller) -> None:
        """A session was confirmed: log it; a provisional bond rises by its first session."""

    def session_closed(self, session_id: int, reason: CloseReason) -> None:
        """A session ended: log it and wipe what was staged."""

    def handshake_failed(self, slot: int, link_class: LinkClass, guess: bool) -> None:
        """A handshake failed: count and log it; a guess (wrong keys, unknown slot) may lead to a lockout."""

    def observe(self) -> Observation:
        """Return what a subscriber may be told of."""
