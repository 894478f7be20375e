"""What was asked of the session service and is not answered yet; answers are taken in the order of asking."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from programmer_tui.service_port import ServicePort, problem_of
from programmer_tui.views import Problem


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request: its value, or the problem it ended in."""

    value: Any
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    future: Future[Any]
    then: Callable[[Answer], None]


class Outbox:
    """Requests on their way; `deliver` hands out what has been answered and never waits."""

    def __init__(self, port: ServicePort) -> None:
        self._port = port
        self._asked: deque[_Asked] = deque()

    def send(self, name: str, *args: object, then: Callable[[Answer], None]) -> None:
        """Ask the service for ``name``; ``then`` is called by a later `deliver`."""
        self._asked.append(_Asked(name, self._port.submit(name, *args), then))

    def deliver(self) -> None:
        """Hand out the answers that have come."""
        while self._asked and self._asked[0].future.done():
            asked = self._asked.popleft()
            asked.then(_answer(asked.future))

    @property
    def waiting(self) -> tuple[str, ...]:
        """Names of the requests without an answer, oldest first."""
        return tuple(asked.name for asked in self._asked)


def _answer(future: Future[Any]) -> Answer:
    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    return Answer(future.result(), None) if error is None else Answer(None, problem_of(error))
