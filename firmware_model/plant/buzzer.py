"""The tone generator that makes alarms audible."""

from dataclasses import dataclass


@dataclass(slots=True)
class Buzzer:
    """A piezo sounder.

    Attributes:
        works: false tells the story of a broken one.
        tones: tones sounded since manufacture.
    """

    works: bool = True
    tones: int = 0

    def sound(self, tones: int = 1) -> bool:
        """Sound a number of tones; tell whether it could."""
        self.tones += tones * self.works
        return self.works
