"""The programming head on the near link: whether it is on the pump, since when, and what its absence costs.

After 5 s without it the session is suspended, which refuses everything that needs the head; after 60 s the
session is closed. Delivery does not notice either. Source: OITP/1 section 9, "head lost".
"""

from typing import Final

from protocol.states import HEAD_TABLE, HeadInput, HeadState, next_state

SUSPEND_MS: Final = 5_000
CLOSE_MS: Final = 60_000


class Coupling:
    """Where the programming head is, on the pump to begin with; times in ms of link time."""

    def __init__(self) -> None:
        self._state = HeadState.ON
        self._since_ms: int | None = None

    @property
    def on(self) -> bool:
        """Whether the head is on the pump, or was a moment ago."""
        return self._state in (HeadState.ON, HeadState.LOST)

    @property
    def lost(self) -> bool:
        """Whether the head is off."""
        return self._state is not HeadState.ON

    def set(self, on: bool, now_ms: int) -> None:
        """Say that the head was put on or taken off; saying it twice changes nothing."""
        if on is not self.lost:
            return
        self._state = next_state(HEAD_TABLE, self._state, HeadInput.RETURNED if on else HeadInput.REMOVED)
        self._since_ms = now_ms

    def on_for_ms(self, since_ms: int, now_ms: int) -> int:
        """Return for how long the head has been on without a break, counted from ``since_ms`` at most."""
        if self.lost:
            return 0
        began = since_ms if self._since_ms is None else max(since_ms, self._since_ms)
        return max(0, now_ms - began)

    def deadline(self) -> int | None:
        """Return when `expire` must be called, or None."""
        if self._since_ms is None or self._state in (HeadState.ON, HeadState.GONE):
            return None
        return self._since_ms + (SUSPEND_MS if self._state is HeadState.LOST else CLOSE_MS)

    def expire(self, now_ms: int) -> bool:
        """Let time pass to ``now_ms``; tell whether the head is now gone for so long that sessions close."""
        was_gone = self._state is HeadState.GONE
        while (deadline := self.deadline()) is not None and now_ms >= deadline:
            self._state = next_state(HEAD_TABLE, self._state, HeadInput.TIMEOUT)
        return self._state is HeadState.GONE and not was_gone
