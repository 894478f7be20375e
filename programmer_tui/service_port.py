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
    """Return what went wrong in words.

    What the service did not name is a fault of this program; as nobody knows what it left behind, it counts
    as an uncertain outcome.
    """
    problem = getattr(error, "problem", None)
    if isinstance(problem, Problem):
        return problem
    return Problem(
        Trouble.UNCERTAIN,
        f"This program failed inside: {type(error).__name__}.",
        "Interrogate the pump before anything else, and report it if it comes back.",
    )
