"""Group 0: session confirmation, keep-alive, close."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import label, u16, u32, word8
from protocol.vocabulary import ClientKind, CloseReason, DeliveryState, Priority, Role


@dataclass(frozen=True, slots=True)
class SessionConfirmRequest:
    """First record after the handshake."""

    client_kind: Annotated[ClientKind, word8(ClientKind, "what kind of program asks")]
    client_version: Annotated[int, u16("", "version of the client, major * 256 + minor")]
    operator: Annotated[str, label(16, "who sits at the programmer")]


@dataclass(frozen=True, slots=True)
class SessionConfirmResponse:
    """The session is established."""

    session_id: Annotated[int, u32("", "id of this session")]
    role: Annotated[Role, word8(Role, "role of the bond")]
    privileges: Annotated[int, u32("", "bit n set: message group n has a request this role may send")]
    idle_timeout_s: Annotated[int, u16("s", "silence after which the pump closes the session")]
    schema_crc: Annotated[int, u32("", "CRC-32C of the canonical message schema")]
    boot_count: Annotated[int, u32("", "starts of the pump's firmware")]
    uptime_s: Annotated[int, u32("s", "time since that start")]


@dataclass(frozen=True, slots=True)
class KeepaliveRequest:
    """Says that the programmer is still there."""


@dataclass(frozen=True, slots=True)
class KeepaliveResponse:
    """The least one wants to know."""

    uptime_s: Annotated[int, u32("s", "time since start")]
    delivery_state: Annotated[DeliveryState, word8(DeliveryState, "what the pump is doing")]
    alarm_max_prio: Annotated[Priority, word8(Priority, "highest priority among the standing alarms")]
    log_last_seq: Annotated[int, u32("", "sequence number of the newest log record")]


@dataclass(frozen=True, slots=True)
class SessionCloseRequest:
    """Ends the session."""

    reason: Annotated[CloseReason, word8(CloseReason, "why")]


@dataclass(frozen=True, slots=True)
class SessionCloseResponse:
    """The session is closed; nothing follows."""
