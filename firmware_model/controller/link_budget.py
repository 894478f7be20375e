"""Limits in link time: so many at once, and one more after each period."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket of ``burst`` tokens that gains one in ``period_ms``."""

    burst: int
    period_ms: int


@dataclass(slots=True)
class Bucket:
    """How far a bucket is used up; a new one is full.

    Attributes:
        owed_ms: time until it is full again, as of ``at_ms``.
        at_ms: link time of the last look.
    """

    owed_ms: int = 0
    at_ms: int = 0

    def wait_ms(self, limit: Limit, link_ms: int) -> int:
        """Return the ms until there is a token, 0 where there is one."""
        self.owed_ms = max(0, self.owed_ms - max(0, link_ms - self.at_ms))
        self.at_ms = link_ms
        return max(0, self.owed_ms - (limit.burst - 1) * limit.period_ms)

    def take(self, limit: Limit) -> None:
        """Take the token that `wait_ms` has just told of."""
        self.owed_ms += limit.period_ms
