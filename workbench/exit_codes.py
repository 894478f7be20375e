"""Exit codes of every `cisterna` command; documented in docs/reference/command-line.md."""

from enum import IntEnum, unique
from typing import Final

from programmer_tui.views import Trouble


@unique
class ExitCode(IntEnum):
    """What a command's exit says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    LINK = 3
    REFUSED_BY_PUMP = 4
    AUTH = 5
    UNCERTAIN = 6
    WRONG_PUMP = 7
    VERSION = 8
    NOT_VERIFIED = 9
    INTERNAL = 70


MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "a check failed, or the clinic's records cannot be used",
    ExitCode.USAGE: "the command line, a file or a value given is wrong",
    ExitCode.LINK: "the link or the pump on it cannot be reached, or was lost; therapy was not touched",
    ExitCode.REFUSED_BY_PUMP: "the pump refused the request, is busy, or its program changed meanwhile",
    ExitCode.AUTH: "this programmer has no valid bond with the pump, or the card secret is wrong",
    ExitCode.UNCERTAIN: "the answer to a therapy command was lost: the outcome is unknown",
    ExitCode.WRONG_PUMP: "another pump answered than the one asked for",
    ExitCode.VERSION: "the pump speaks another major version of the protocol",
    ExitCode.NOT_VERIFIED: "the pump computed or holds something else than was sent",
    ExitCode.INTERNAL: "a defect of this program; nothing more was sent",
}

OF_TROUBLE: Final[dict[Trouble, ExitCode]] = {
    Trouble.LINK: ExitCode.LINK,
    Trouble.NO_PUMP: ExitCode.LINK,
    Trouble.WRONG_PUMP: ExitCode.WRONG_PUMP,
    Trouble.NOT_BONDED: ExitCode.AUTH,
    Trouble.VERSION: ExitCode.VERSION,
    Trouble.BUSY: ExitCode.REFUSED_BY_PUMP,
    Trouble.REFUSED: ExitCode.REFUSED_BY_PUMP,
    Trouble.UNCERTAIN: ExitCode.UNCERTAIN,
    Trouble.CHANGED: ExitCode.REFUSED_BY_PUMP,
    Trouble.NOT_VERIFIED: ExitCode.NOT_VERIFIED,
    Trouble.RECORDS: ExitCode.FAILED,
    Trouble.INPUT: ExitCode.USAGE,
}
