"""Chance in the plant: one seed, a stream for each use, so that a new fault shifts no other."""

from dataclasses import dataclass, field

from firmware_model.streams import Stream


@dataclass(slots=True)
class Chance:
    """Named seeded streams and how far each was read.

    Attributes:
        seed: of all of them.
        taken: octets taken of each stream.
    """

    seed: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def between(self, name: str, low: int, high: int) -> int:
        """Draw a whole number in ``low``..``high`` from the stream called ``name``.

        Raises:
            ValueError: ``high`` is below ``low``, or 2^32 or more above it.
        """
        stream = Stream(self.seed, f"plant.{name}", self.taken.get(name, 0))
        value = low + stream.below(high - low + 1)
        # A new dict: copies of the state share the old one.
        self.taken = {**self.taken, name: stream.position}
        return value
