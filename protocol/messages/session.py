"""Group 0: session confirmation, keep-alive, notifications, close."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import flags32, label, u16, u32, word8
from protocol.request_words import EventMask
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


MAX_STATUS_PERIOD_S = 3_600


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """Says which notifications are wanted; replaces what was wanted before."""

    event_mask: Annotated[EventMask, flags32(EventMask, "kinds of notification wanted")]
    status_period_s: Annotated[int, u16("s", "time between two STATUS_PUSH, 0 none", 0, MAX_STATUS_PERIOD_S)]


@dataclass(frozen=True, slots=True)
class SubscribeResponse:
    """Which notifications will come."""

    event_mask: Annotated[EventMask, flags32(EventMask, "kinds of notification granted")]
    status_period_s: Annotated[int, u16("s", "time between two STATUS_PUSH, 0 for none")]


@dataclass(frozen=True, slots=True)
class NotifyAckRequest:
    """Acknowledges every notification up to a number."""

    notify_seq: Annotated[int, u32("", "highest number received without a gap that matters")]


@dataclass(frozen=True, slots=True)
class NotifyAckResponse:
    """How many notifications still wait for their acknowledgement."""

    pending: Annotated[int, u16("", "notifications that will be repeated")]


@dataclass(frozen=True, slots=True)
class SessionEnding:
    """The session ends soon; repeated until acknowledged."""

    notify_seq: Annotated[int, u32("", "number of the notification in this session")]
    reason: Annotated[CloseReason, word8(CloseReason, "why")]
    seconds: Annotated[int, u16("s", "time left")]
