"""Questions and answers of a captured session: which belong together, how long they took, what got none."""

from collections import Counter
from dataclasses import dataclass, field

from protocol.drops import DropReason
from protocol.frame import Direction


@dataclass(slots=True)
class Exchanges:
    """How the questions of one capture fared. Times are us."""

    frames: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Frames by kind and direction."""
    drops: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    requests: int = 0
    retransmissions: int = 0
    cached: int = 0
    notifications: int = 0
    unanswered: int = 0
    """Requests whose turn was over without an answer."""
    round_trips_us: list[int] = field(default_factory=list)
    """Of requests only, from the first transmission to the first answer."""
    _open: dict[str, tuple[str, int]] = field(default_factory=dict)
    _done: dict[str, str] = field(default_factory=dict)

    def count(self, kind: str, direction: Direction | None, drop: DropReason | None) -> None:
        """Count one frame, or one piece that is none."""
        if drop is not None:
            self.drops[drop.value] += 1
        way = direction.name.lower() if direction is not None else "unknown"
        if kind != "BODY":
            self.frames[(kind.lower() or "no frame", way)] += 1

    def asked(self, key: str, name: str, time_us: int) -> bool:
        """Take a question; True where the same was asked before and this is a repetition.

        A ``name`` of digits is a transaction number, which stands for one question only; of any other, two in
        a row are the same question only as long as there is no answer.
        """
        waiting = self._open.get(key)
        again = waiting is not None and waiting[0] == name
        late = name.isdigit() and self._done.get(key) == name
        if again or late:
            if key == "request":
                self.retransmissions += 1
            if late and not again:
                self._open[key] = (name, time_us)
            return True
        if key == "request":
            self.requests += 1
            self.unanswered += waiting is not None
        self._open[key] = (name, time_us)
        return False

    def waiting(self, key: str) -> str:
        """Return the name of the question that has no answer yet, empty where there is none."""
        return self._open[key][0] if key in self._open else ""

    def answered(self, key: str, name: str, time_us: int) -> int | None:
        """Take an answer; return the time since its question first went out, None where nothing waits."""
        waiting = self._open.get(key)
        if waiting is None or waiting[0] != name:
            return None
        del self._open[key]
        again = name.isdigit() and self._done.get(key) == name
        self._done[key] = name
        took_us = time_us - waiting[1]
        if key == "request" and not again:
            self.round_trips_us.append(took_us)
        return took_us

    def new_session(self) -> None:
        """Take the pump's answer to a handshake: transactions begin anew."""
        self.sessions += 1
        self.unanswered += "request" in self._open
        self._open.pop("request", None)
        self._done.pop("request", None)

    @property
    def left_open(self) -> int:
        """Requests without an answer, the last one too."""
        return self.unanswered + ("request" in self._open)
