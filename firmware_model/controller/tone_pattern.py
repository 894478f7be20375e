"""A pattern of tones, and how many of it sound between two instants."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TonePattern:
    """Tones at an interval.

    Attributes:
        is_critical: two tones in 3 s; else a single one of 1 s.
        first_ms: counter of the first.
        interval_ms: from one to the next, above 0.
    """

    is_critical: bool
    first_ms: int
    interval_ms: int

    def is_like(self, other: "TonePattern | None") -> bool:
        """Tell whether another pattern sounds the same, whenever it began."""
        return other is not None and (other.is_critical, other.interval_ms) == (
            self.is_critical,
            self.interval_ms,
        )

    def tones_between(self, from_ms: int, to_ms: int) -> int:
        """Return how many begin at or after ``from_ms`` and before ``to_ms``."""
        return self._before(to_ms) - self._before(from_ms)

    def _before(self, at_ms: int) -> int:
        return max(0, -((self.first_ms - at_ms) // self.interval_ms))

    def next_tone(self, now_ms: int) -> int:
        """Return the counter of the first that begins at or after ``now_ms``."""
        return self.first_ms + self._before(now_ms) * self.interval_ms


@dataclass(frozen=True, slots=True)
class ToneBook:
    """The pattern that sounds, and how many tones have sounded since manufacture; kept over a reset.

    Attributes:
        pattern: what sounds, None in silence.
        critical: critical tones.
        non_critical: non-critical tones.
    """

    pattern: TonePattern | None = None
    critical: int = 0
    non_critical: int = 0

    def tones_between(self, from_ms: int, to_ms: int) -> int:
        """Return how many tones of the pattern begin at or after ``from_ms`` and before ``to_ms``."""
        return 0 if self.pattern is None else self.pattern.tones_between(from_ms, to_ms)

    def counted(self, count: int) -> "ToneBook":
        """Return the book with ``count`` more tones of the pattern."""
        if self.pattern is not None and self.pattern.is_critical:
            return replace(self, critical=self.critical + count)
        return replace(self, non_critical=self.non_critical + count)
