"""The state machines of OITP/1 section 10: every pair of state and input is in a table, or an error."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from protocol.states import (
    LINK_TABLE,
    SESSION_TABLE,
    SYNC_TABLE,
    IllegalTransitionError,
    LinkInput,
    LinkState,
    SessionInput,
    SessionState,
    SyncInput,
    SyncState,
    next_state,
)

Table = Mapping[tuple[Any, Any], Any]

MACHINES: dict[str, tuple[Table, type[Enum], type[Enum], Enum]] = {
    "link": (LINK_TABLE, LinkState, LinkInput, LinkState.LISTENING),
    "session": (SESSION_TABLE, SessionState, SessionInput, SessionState.NONE),
    "sync": (SYNC_TABLE, SyncState, SyncInput, SyncState.IN_SYNC),
}
every_machine = pytest.mark.parametrize("name", MACHINES)

L, LI, S, SI, Y, YI = LinkState, LinkInput, SessionState, SessionInput, SyncState, SyncInput
ILLEGAL = {
    (S.NONE, SI.VALID_RECORD),
    (S.NONE, SI.CONFIRM),
    (S.NONE, SI.END),
    (S.HALF_OPEN, SI.CONFIRM),
    (S.ESTABLISHED, SI.HANDSHAKE),
    (S.CONFIRMED, SI.HANDSHAKE),
    (Y.IN_SYNC, YI.ANSWER),
    (Y.IN_SYNC, YI.LOST),
    (Y.IN_SYNC, YI.RESOLVED),
    (Y.PENDING, YI.SEND),
    (Y.PENDING, YI.RESOLVED),
    (Y.UNCERTAIN, YI.SEND),
    (Y.UNCERTAIN, YI.ANSWER),
}
"""What must never happen; above all, nothing is sent while an outcome is uncertain."""


@every_machine
def test_every_pair_is_a_transition_or_an_error(name: str) -> None:
    table, states, inputs, _ = MACHINES[name]
    for state in states:
        for happened in inputs:
            if (state, happened) in ILLEGAL:
                with pytest.raises(
                    IllegalTransitionError, match=f"{happened.name} cannot happen in {state.name}"
                ):
                    next_state(table, state, happened)
            else:
                assert next_state(table, state, happened) in states


@every_machine
def test_every_state_can_be_reached_and_left_for_the_start(name: str) -> None:
    table, states, _, start = MACHINES[name]
    after: dict[Enum, set[Enum]] = {state: set() for state in states}
    for (state, _), following in table.items():
        after[state].add(following)
    assert _reachable(after, start) == set(states)
    assert all(start in _reachable(after, state) for state in states)


def _reachable(after: dict[Enum, set[Enum]], start: Enum) -> set[Enum]:
    found, edge = {start}, {start}
    while edge:
        edge = {following for state in edge for following in after[state]} - found
        found |= edge
    return found


def test_a_handshake_alone_establishes_nothing() -> None:
    """Its first message can be a replay: only a record that opens proves the keys."""
    assert SESSION_TABLE[S.NONE, SI.HANDSHAKE] is S.HALF_OPEN
    assert [
        pair for pair, state in SESSION_TABLE.items() if state is S.ESTABLISHED and pair[0] is S.HALF_OPEN
    ] == [(S.HALF_OPEN, SI.VALID_RECORD)]


def test_only_a_confirmed_session_is_confirmed() -> None:
    confirmed_from = {pair for pair, state in SESSION_TABLE.items() if state is S.CONFIRMED}
    assert confirmed_from == {
        (S.ESTABLISHED, SI.CONFIRM),
        (S.CONFIRMED, SI.VALID_RECORD),
        (S.CONFIRMED, SI.CONFIRM),
    }


def test_only_resolution_ends_uncertainty() -> None:
    leaving = {
        pair[1] for pair, state in SYNC_TABLE.items() if pair[0] is Y.UNCERTAIN and state is not Y.UNCERTAIN
    }
    assert leaving == {YI.RESOLVED}
