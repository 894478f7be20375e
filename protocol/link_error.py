"""Why a link could not be opened or used, in words that say what would be right."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

ACCEPTED_FORMS: Final = (
    "a path such as /tmp/pump, pty:PATH, serial:DEVICE, COM3, tcp:HOST:PORT or a pySerial URL"
)


class LinkFailure(Enum):
    """Why a link could not be opened or used."""

    MISSING = "missing"
    BUSY = "busy"
    VANISHED = "vanished"
    TIMEOUT = "timeout"
    PERMISSION = "permission"
    UNSUPPORTED = "unsupported"
    BAD_URL = "bad_url"
    REFUSED = "refused"


_MESSAGES: Final[Mapping[LinkFailure, str]] = {
    LinkFailure.MISSING: "link {} does not exist; start the pump first, or correct the name",
    LinkFailure.BUSY: "link {} is in use by another program; close that one, then connect again",
    LinkFailure.VANISHED: "link {} is gone; see that the pump runs and is connected, then connect again",
    LinkFailure.TIMEOUT: "link {} timed out; see that the pump runs and answers, then connect again",
    LinkFailure.PERMISSION: "link {} may not be opened by this user; ask for access to the device",
    LinkFailure.UNSUPPORTED: "link {} cannot be used as a serial line; give " + ACCEPTED_FORMS,
    LinkFailure.BAD_URL: "link {} is not understood; give " + ACCEPTED_FORMS,
    LinkFailure.REFUSED: "link {} refused the connection; start the pump there, or correct the port",
}


class LinkError(Exception):
    """A link could not be opened or used.

    Attributes:
        reason: what kind of failure it was.
    """

    def __init__(self, reason: LinkFailure, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def link_error(reason: LinkFailure, where: str, detail: str = "") -> LinkError:
    """Return the error for `reason` at the link `where`, with what the system said about it."""
    return LinkError(reason, _MESSAGES[reason].format(f"{where} ({detail})" if detail else where))
