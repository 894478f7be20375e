"""State machines of OITP/1 section 10 as tables.

Rules of this file: every transition of the link, the session and the programmer's belief stands in one of
these tables and nowhere else; a table does not know which end it serves, what time it is, or what the octets
were. The endpoints name an input, the table names the next state, and what is not in a table is a defect of
the caller: `IllegalTransitionError`, never a guess.
"""

from collections.abc import Mapping
from enum import Enum, auto, unique
from types import MappingProxyType
from typing import Final, TypeVar

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


class IllegalTransitionError(RuntimeError):
    """An input that the present state has no transition for."""


@unique
class LinkState(Enum):
    """The pump's side of the link."""

    LISTENING = auto()
    OPEN = auto()


@unique
class LinkInput(Enum):
    """What can happen to the pump's side of the link."""

    HELLO = auto()
    CLOSE = auto()
    DISCONNECTED = auto()


@unique
class SessionState(Enum):
    """A session at either end."""

    NONE = auto()
    HALF_OPEN = auto()
    ESTABLISHED = auto()
    CONFIRMED = auto()


@unique
class SessionInput(Enum):
    """What can happen to a session."""

    HANDSHAKE = auto()
    VALID_RECORD = auto()
    CONFIRM = auto()
    END = auto()


@unique
class HeadState(Enum):
    """The programming head, as the pump's near link sees it."""

    ON = auto()
    LOST = auto()
    SUSPENDED = auto()
    GONE = auto()


@unique
class HeadInput(Enum):
    """What can happen to the programming head."""

    REMOVED = auto()
    RETURNED = auto()
    TIMEOUT = auto()


@unique
class SyncState(Enum):
    """How sure the programmer is of the pump."""

    IN_SYNC = auto()
    PENDING = auto()
    UNCERTAIN = auto()


@unique
class SyncInput(Enum):
    """What makes the programmer more or less sure."""

    SEND = auto()
    ANSWER = auto()
    LOST = auto()
    RESOLVED = auto()


LINK_TABLE: Final[Mapping[tuple[LinkState, LinkInput], LinkState]] = MappingProxyType(
    {
        (LinkState.LISTENING, LinkInput.HELLO): LinkState.OPEN,
        (LinkState.LISTENING, LinkInput.CLOSE): LinkState.LISTENING,
        (LinkState.LISTENING, LinkInput.DISCONNECTED): LinkState.LISTENING,
        # A programmer that lost the answer, or came back, asks again: the newest HELLO wins.
        (LinkState.OPEN, LinkInput.HELLO): LinkState.OPEN,
        (LinkState.OPEN, LinkInput.CLOSE): LinkState.LISTENING,
        (LinkState.OPEN, LinkInput.DISCONNECTED): LinkState.LISTENING,
    }
)

SESSION_TABLE: Final[Mapping[tuple[SessionState, SessionInput], SessionState]] = MappingProxyType(
    {
        (SessionState.NONE, SessionInput.HANDSHAKE): SessionState.HALF_OPEN,
        (SessionState.HALF_OPEN, SessionInput.HANDSHAKE): SessionState.HALF_OPEN,
        # Keys count as proven by the first record that opens, not by the handshake: its first message can
        # be a replay.
        (SessionState.HALF_OPEN, SessionInput.VALID_RECORD): SessionState.ESTABLISHED,
        (SessionState.HALF_OPEN, SessionInput.END): SessionState.NONE,
        (SessionState.ESTABLISHED, SessionInput.VALID_RECORD): SessionState.ESTABLISHED,
        (SessionState.ESTABLISHED, SessionInput.CONFIRM): SessionState.CONFIRMED,
        (SessionState.ESTABLISHED, SessionInput.END): SessionState.NONE,
        (SessionState.CONFIRMED, SessionInput.VALID_RECORD): SessionState.CONFIRMED,
        (SessionState.CONFIRMED, SessionInput.CONFIRM): SessionState.CONFIRMED,
        (SessionState.CONFIRMED, SessionInput.END): SessionState.NONE,
    }
)

HEAD_TABLE: Final[Mapping[tuple[HeadState, HeadInput], HeadState]] = MappingProxyType(
    {
        (HeadState.ON, HeadInput.REMOVED): HeadState.LOST,
        (HeadState.LOST, HeadInput.RETURNED): HeadState.ON,
        (HeadState.LOST, HeadInput.TIMEOUT): HeadState.SUSPENDED,
        (HeadState.SUSPENDED, HeadInput.RETURNED): HeadState.ON,
        (HeadState.SUSPENDED, HeadInput.TIMEOUT): HeadState.GONE,
        (HeadState.GONE, HeadInput.RETURNED): HeadState.ON,
    }
)

SYNC_TABLE: Final[Mapping[tuple[SyncState, SyncInput], SyncState]] = MappingProxyType(
    {
        (SyncState.IN_SYNC, SyncInput.SEND): SyncState.PENDING,
        (SyncState.PENDING, SyncInput.ANSWER): SyncState.IN_SYNC,
        (SyncState.PENDING, SyncInput.LOST): SyncState.UNCERTAIN,
        (SyncState.UNCERTAIN, SyncInput.LOST): SyncState.UNCERTAIN,
        (SyncState.UNCERTAIN, SyncInput.RESOLVED): SyncState.IN_SYNC,
    }
)


def next_state(table: Mapping[tuple[State, Input], State], state: State, happened: Input) -> State:
    """Return the state after ``happened``.

    Raises:
        IllegalTransitionError: the table has no such transition.
    """
    try:
        return table[state, happened]
    except KeyError:
        raise IllegalTransitionError(f"{happened.name} cannot happen in {state.name}") from None
