"""The tone generator that makes alarms audible."""

from dataclasses import dataclass


@dataclass(slots=True)
class Buzzer:
    """A piezo sounder.

    Attributes:
        works: false tells the story of a broken one.
        tones: test tones sounded since manufacture.
    """

    works: bool = True
    tones: int = 0

    def sound(self) -> bool:
        """Sound once; tell whether it could."""
        self.tones += self.works
        return self.works
