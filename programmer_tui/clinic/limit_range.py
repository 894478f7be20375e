"""A range with two fences: past the soft one a reason is needed, past the hard one nothing helps."""

from dataclasses import dataclass
from enum import Enum

from programmer_tui.clinic.clinical_format import Exact


class Verdict(Enum):
    """Where a value lies in a `LimitRange`."""

    WITHIN = "within"
    BELOW_SOFT = "below the usual range"
    ABOVE_SOFT = "above the usual range"
    BELOW_HARD = "below the hard limit"
    ABOVE_HARD = "above the hard limit"

    @property
    def is_hard(self) -> bool:
        """Whether the value cannot be accepted at all."""
        return self in {Verdict.BELOW_HARD, Verdict.ABOVE_HARD}

    @property
    def is_soft(self) -> bool:
        """Whether the value needs a reason."""
        return self in {Verdict.BELOW_SOFT, Verdict.ABOVE_SOFT}


@dataclass(frozen=True, slots=True)
class LimitRange:
    """Hard and soft limits in one base unit; limits belong to the range, None means no limit.

    Raises:
        ValueError: the limits given are not in the order hard_min, soft_min, soft_max, hard_max.
    """

    hard_min: Exact | None = None
    soft_min: Exact | None = None
    soft_max: Exact | None = None
    hard_max: Exact | None = None

    def __post_init__(self) -> None:
        given = [
            limit
            for limit in (self.hard_min, self.soft_min, self.soft_max, self.hard_max)
            if limit is not None
        ]
        if given != sorted(given):
            raise ValueError("limits must ascend: hard minimum, soft minimum, soft maximum, hard maximum")

    def judge(self, value: Exact) -> Verdict:
        """Return where ``value`` lies; the hard verdict wins."""
        if self.hard_min is not None and value < self.hard_min:
            return Verdict.BELOW_HARD
        if self.hard_max is not None and value > self.hard_max:
            return Verdict.ABOVE_HARD
        if self.soft_min is not None and value < self.soft_min:
            return Verdict.BELOW_SOFT
        if self.soft_max is not None and value > self.soft_max:
            return Verdict.ABOVE_SOFT
        return Verdict.WITHIN

    def limit_of(self, verdict: Verdict) -> Exact:
        """Return the limit that ``verdict`` says was passed.

        Raises:
            ValueError: the verdict is WITHIN, or this range has no such limit.
        """
        limit = {
            Verdict.BELOW_HARD: self.hard_min,
            Verdict.BELOW_SOFT: self.soft_min,
            Verdict.ABOVE_SOFT: self.soft_max,
            Verdict.ABOVE_HARD: self.hard_max,
        }.get(verdict)
        if limit is None:
            raise ValueError(f"no limit is passed by a value that is {verdict.value}")
        return limit

    def scaled(self, factor: Exact) -> "LimitRange":
        """Return the same fences for a quantity ``factor`` times as large, exactly."""

        def times(limit: Exact | None) -> Exact | None:
            return None if limit is None else limit * factor

        return LimitRange(
            times(self.hard_min), times(self.soft_min), times(self.soft_max), times(self.hard_max)
        )
