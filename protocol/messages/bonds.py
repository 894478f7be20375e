"""Group 9: bonds between programmers and the pump."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import label, octets, records, u16, u32, word8
from protocol.vocabulary import BondState, Role

MAX_BONDS = 8
TOKEN_SIZE = 32
TOKEN_LIFE_S = 120
"""How long a proximity token is good."""


@dataclass(frozen=True, slots=True)
class BondEnrolRequest:
    """Hands the pump a programmer's static key."""

    static_pub: Annotated[bytes, octets(32, "X25519 public key of the programmer", nonzero=True)]
    role: Annotated[Role, word8(Role, "role asked for")]
    label: Annotated[str, label(16, "name of the programmer")]


@dataclass(frozen=True, slots=True)
class BondEnrolResponse:
    """The bond is stored, provisional until its first session."""

    slot: Annotated[int, u16("", "number of the bond, 0..7")]
    pump_static_pub: Annotated[bytes, octets(32, "X25519 public key of the pump")]
    confirm_within_s: Annotated[int, u16("s", "how long the provisional bond waits for its first session")]


@dataclass(frozen=True, slots=True)
class BondEntry:
    """One bond, 24 octets."""

    slot: Annotated[int, u16("", "number of the bond")]
    role: Annotated[Role, word8(Role, "role")]
    state: Annotated[BondState, word8(BondState, "how far it is trusted")]
    last_utc_s: Annotated[int, u32("s", "UTC of its last session, 0 where there was none or no clock")]
    label: Annotated[str, label(16, "name of the programmer")]


@dataclass(frozen=True, slots=True)
class BondListRequest:
    """Asks who is bonded."""


@dataclass(frozen=True, slots=True)
class BondListResponse:
    """Every bond, by slot; revoked ones until their slot is taken."""

    bonds: Annotated[tuple[BondEntry, ...], records(BondEntry, MAX_BONDS, "bonds")]


@dataclass(frozen=True, slots=True)
class BondRevokeRequest:
    """Ends a bond for good."""

    slot: Annotated[int, u16("", "number of the bond")]


@dataclass(frozen=True, slots=True)
class BondRevokeResponse:
    """The bond is revoked, durably."""

    slot: Annotated[int, u16("", "number of the bond")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]


@dataclass(frozen=True, slots=True)
class SecurityStatusRequest:
    """Asks what attempts there were."""


@dataclass(frozen=True, slots=True)
class SecurityStatusResponse:
    """Attempts and refusals; the drops are of the link it is asked over."""

    hs_fail_total: Annotated[int, u32("", "failed handshakes since manufacture")]
    hs_fail_streak: Annotated[int, u16("", "failed handshakes in a row on this class of link")]
    lockout_left_s: Annotated[int, u16("s", "time in which handshakes on this class of link are ignored")]
    replay_drops: Annotated[int, u32("", "records dropped for a used counter")]
    auth_drops: Annotated[int, u32("", "records dropped for a wrong tag")]
    bonding_window_s: Annotated[int, u16("s", "time left to the newest provisional bond, 0 where none waits")]


@dataclass(frozen=True, slots=True)
class BondConfirmRequest:
    """Vouches for a provisional bond."""

    slot: Annotated[int, u16("", "number of the bond")]


@dataclass(frozen=True, slots=True)
class BondConfirmResponse:
    """The bond is confirmed, durably."""

    slot: Annotated[int, u16("", "number of the bond")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]


@dataclass(frozen=True, slots=True)
class ProximityTokenRequest:
    """Asks, on the near link, for the token of one far-link session."""


@dataclass(frozen=True, slots=True)
class ProximityTokenResponse:
    """A token good for one KKpsk2 handshake of the same bond."""

    token: Annotated[bytes, octets(TOKEN_SIZE, "pre-shared key of the handshake", nonzero=True)]
    expires_s: Annotated[int, u16("s", "how long it is good")]
