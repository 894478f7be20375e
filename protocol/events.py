"""What the endpoints tell the program around them: frozen values, in the order things happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protocol.drops import Drop
from protocol.frame import Direction
from protocol.handshake import SessionGrant
from protocol.link_control import HelloResponse, LinkClass, LinkErrorCode
from protocol.messages.registry import MessageSpec, NotificationSpec
from protocol.requests import Caller, Request
from protocol.vocabulary import CloseReason


@dataclass(frozen=True, slots=True)
class FrameDropped:
    """Something arrived and was not accepted; it is counted and never answered."""

    drop: Drop


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """Pump: execute ``request``, then call ``respond`` with this event and the reply."""

    request: Request
    txn: int


@dataclass(frozen=True, slots=True)
class AnswerRepeated:
    """Pump: a repeated transaction was answered from the cache."""

    txn: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """Pump: a session was confirmed."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """Either end: the session is over."""

    session_id: int
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """Pump: someone tried to open a session and could not.

    ``guess`` says that the keys were wrong or the slot unknown, which counts towards the lockout of
    ``link_class``.
    """

    slot: int
    drop: Drop
    link_class: LinkClass
    guess: bool


@dataclass(frozen=True, slots=True)
class PumpFound:
    """Programmer: a pump answered HELLO."""

    response: HelloResponse


@dataclass(frozen=True, slots=True)
class SessionReady:
    """Programmer: keys are agreed; requests may go out, SESSION_CONFIRM first."""

    grant: SessionGrant


@dataclass(frozen=True, slots=True)
class AnswerReceived:
    """Programmer: the response or ERROR body that answers a request."""

    spec: MessageSpec
    txn: int
    body: Any
    cached: bool


@dataclass(frozen=True, slots=True)
class NotificationReceived:
    """Programmer: the pump said something unasked; ``repeated`` where it was received before."""

    spec: NotificationSpec
    body: Any
    repeated: bool


@dataclass(frozen=True, slots=True)
class RequestLost:
    """Programmer: the retries are used up; whether the pump executed the request is unknown."""

    spec: MessageSpec
    txn: int


@dataclass(frozen=True, slots=True)
class NoPump:
    """Programmer: nobody answered HELLO."""

    attempts: int


@dataclass(frozen=True, slots=True)
class HandshakeUnanswered:
    """Programmer: the handshake found no valid answer in time."""

    text: str


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """Programmer: the pump said no in plaintext; a hint, since anyone on the line could say it."""

    code: LinkErrorCode
    detail: int


PumpEvent = (
    FrameDropped | RequestReceived | AnswerRepeated | SessionOpened | SessionClosed | HandshakeFailed
)  # fmt: skip
ProgrammerEvent = (
    FrameDropped | PumpFound | SessionReady | AnswerReceived | NotificationReceived | RequestLost
    | SessionClosed | NoPump | HandshakeUnanswered | LinkRefused
)  # fmt: skip

PlaintextTap = Callable[[Direction, bytes], None]
"""Is shown every application message, header and body, when it is opened or sealed. Patient data."""
