"""What the screens may ask of the session service: its newest view, and to do things in order."""

from concurrent.futures import Future
from typing import Any, Protocol

from programmer_tui.views import Problem, SessionView, Trouble


class ServicePort(Protocol):
    """The one way from a screen to the pump; nothing here blocks."""

    @property
    def view(self) -> SessionView:
        """The newest snapshot, safe to read from any thread."""

    def submit(self, name: str, *args: object) -> Future[Any]:
        """Queue the service method ``name`` behind those already queued; its error comes in the future."""

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the service's thread and close the link."""


def problem_of(error: BaseException) -> Problem:
    """Return what went wrong in words; what is not a problem the service named is a fault of this program."""
    problem = getattr(error, "problem", None)
    if isinstance(problem, Problem):
        return problem
    return Problem(
        Trouble.INPUT,
        f"This program failed inside: {type(error).__name__}.",
        "Nothing more was sent. Interrogate again, and report it if it comes back.",
    )
