"""Troubles in words a clinician or an engineer can act on."""

from typing import Final

from programmer_tui.records import RecordsError
from programmer_tui.views import Problem, Trouble
from protocol.client_errors import (
    BusyError,
    LockedOutError,
    NoPumpError,
    NotBondedError,
    PumpRefusedError,
    SessionLostError,
    VersionError,
    WrongPumpError,
)
from protocol.link_error import LinkError
from protocol.vocabulary import ErrorCode


class ServiceError(Exception):
    """Something a person must know.

    Attributes:
        problem: what was wrong, where, and what would be right.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


_TROUBLES: Final[tuple[tuple[type[Exception], Trouble], ...]] = (
    (LinkError, Trouble.LINK),
    (NoPumpError, Trouble.NO_PUMP),
    (WrongPumpError, Trouble.WRONG_PUMP),
    (NotBondedError, Trouble.NOT_BONDED),
    (LockedOutError, Trouble.NOT_BONDED),
    (VersionError, Trouble.VERSION),
    (BusyError, Trouble.BUSY),
    (RecordsError, Trouble.RECORDS),
)


def trouble(kind: Trouble, text: str, advice: str = "") -> ServiceError:
    """Return the error that says ``text`` and ``advice``."""
    return ServiceError(Problem(kind, text, advice))


def explain(error: Exception) -> Problem:
    """Return the problem behind an error of the client, the link or the store."""
    if isinstance(error, PumpRefusedError):
        changed = error.code is ErrorCode.VERSION_CONFLICT
        return Problem(Trouble.CHANGED if changed else Trouble.REFUSED, str(error))
    if isinstance(error, SessionLostError):
        if error.uncertain:
            programming = error.spec.name == "PROG_COMMIT"
            return Problem(
                Trouble.UNCERTAIN,
                f"UNKNOWN OUTCOME. {error}",
                "The pump may hold the old program or the new one; its receipt will tell after reconnecting."
                if programming
                else "The pump may have done it or not; it will be asked after reconnecting.",
            )
        return Problem(Trouble.LINK, str(error), "The therapy was not touched. Connect again.")
    kind = next((kind for raised, kind in _TROUBLES if isinstance(error, raised)), Trouble.LINK)
    return Problem(kind, str(error))
