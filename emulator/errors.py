"""What can keep an emulator from running, in words for the person who started it."""

from enum import Enum, unique


@unique
class EmulatorFailure(Enum):
    """Why the emulator did not start or had to end."""

    BAD_LINK = "bad_link"
    """The link text is not understood."""
    REMOTE_REFUSED = "remote_refused"
    """The link would open the pump to other machines, and that was not asked for."""
    LAB_REFUSED = "lab_refused"
    """Lab plaintext was asked for on a link that others may reach."""
    BAD_SPEED = "bad_speed"
    """The speed of pump time is not a number above 0."""
    UNKNOWN_PROFILE = "unknown_profile"
    """There is no pump profile of that name."""
    BAD_SETUP = "bad_setup"
    """There is no such start situation, or it cannot be with this profile or at this time."""
    LINK_BUSY = "link_busy"
    """The path, port or device belongs to somebody else."""
    LINK_DENIED = "link_denied"
    """The user may not use that path, port or device."""
    LINK_MISSING = "link_missing"
    """The directory, address or device is not there."""
    LINK_UNSUPPORTED = "link_unsupported"
    """This machine has no such kind of link."""
    LINK_LOST = "link_lost"
    """A link that worked is gone."""
    PUMP_FAILED = "pump_failed"
    """The model itself failed: a defect."""


class EmulatorError(Exception):
    """The emulator cannot run; the message says what is wrong, where, and what would be right.

    Attributes:
        reason: what kind of failure it was.
    """

    def __init__(self, reason: EmulatorFailure, message: str) -> None:
        super().__init__(message)
        self.reason = reason
