"""How old what the screen shows is, and what that allows: shown plainly, marked OLD, or closed to editing."""

from enum import Enum
from typing import Final

OLD_AFTER_MS: Final = 5 * 60_000
LOCKED_AFTER_MS: Final = 15 * 60_000


class Freshness(Enum):
    """What the last reading of the pump is good for."""

    NEVER_READ = "never read"
    FRESH = "fresh"
    OLD = "old"
    LOCKED = "locked"

    @property
    def editing_allowed(self) -> bool:
        """Whether a prescription may be edited and sent on the ground of this reading."""
        return self in {Freshness.FRESH, Freshness.OLD}


def freshness(read_at_ms: int | None, now_ms: int) -> Freshness:
    """Return how fresh a reading is: OLD after 5 min, LOCKED after 15 min.

    Both times come from one steady clock; ``read_at_ms`` is None before the first reading.

    Raises:
        ValueError: the reading lies in the future, so two clocks were mixed.
    """
    if read_at_ms is None:
        return Freshness.NEVER_READ
    age_ms = now_ms - read_at_ms
    if age_ms < 0:
        raise ValueError(f"a reading at {read_at_ms} ms is later than now, {now_ms} ms")
    if age_ms > LOCKED_AFTER_MS:
        return Freshness.LOCKED
    return Freshness.OLD if age_ms > OLD_AFTER_MS else Freshness.FRESH
