"""Says in the log why frames were not accepted, without letting a noisy line flood it.

The first drop for a reason is told at once, in full. Those that follow for the same reason are counted, and
their number is told once in a while, with the last of them.
"""

import logging
from dataclasses import dataclass
from typing import Final

from protocol.drops import Drop, DropReason

_log = logging.getLogger(__name__)

QUIET_MS: Final = 10_000
"""Link time during which further drops for one reason are only counted."""


@dataclass(slots=True)
class _Quiet:
    until_ms: int
    repeats: int = 0
    last: Drop | None = None


class DropLog:
    """The log's view of what a link drops; all times are link time in ms."""

    def __init__(self) -> None:
        self._quiet: dict[DropReason, _Quiet] = {}

    def note(self, drop: Drop, now_ms: int) -> None:
        """Tell `drop`, or count it where its reason was told a moment ago."""
        self.tick(now_ms)
        quiet = self._quiet.get(drop.reason)
        if quiet is None:
            self._quiet[drop.reason] = _Quiet(now_ms + QUIET_MS)
            _log.info("not answered (%s): %s Octets: %s", drop.reason.value, drop, drop.octets.hex())
            return
        quiet.repeats += 1
        quiet.last = drop
        _log.debug("not answered (%s): %s Octets: %s", drop.reason.value, drop, drop.octets.hex())

    def tick(self, now_ms: int) -> None:
        """Tell the counts whose time has come."""
        for reason, quiet in list(self._quiet.items()):
            if now_ms < quiet.until_ms:
                continue
            if quiet.last is None:
                del self._quiet[reason]
                continue
            times = "time" if quiet.repeats == 1 else "times"
            _log.info(
                "not answered (%s): %d more %s; the last: %s", reason.value, quiet.repeats, times, quiet.last
            )
            self._quiet[reason] = _Quiet(now_ms + QUIET_MS)
