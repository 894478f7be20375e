"""Group 9: bonds between programmers and the pump."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import label, octets, u16, word8
from protocol.vocabulary import Role


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
