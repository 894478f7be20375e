"""Tones: what is heard of the alarms, counted in closed form and never one by one.

The alarm that is heard gives a pattern: tones at its interval from the instant on at which it became the one
that is heard, until another pattern follows. A critical one sounds two tones in 3 s, a non-critical one a
single tone of 1 s; intervals, and whether non-critical ones sound at all, are those of the active program.
Two alarms of the same kind share one pattern, so that the second does not wait longer than the first did.
Pattern and counts are in the retained registers: a reset neither repeats a tone nor loses one.
Source: OITP/1 section 17; SR-16 of the safety requirements.
"""

from dataclasses import dataclass, replace
from typing import Final

from firmware_model.controller.alarms import Alarms
from firmware_model.controller.conditions import CONDITIONS
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.tone_pattern import ToneBook, TonePattern
from protocol.messages.alarms import Alarm
from protocol.program import AlarmSettings
from protocol.vocabulary import Switch

CRITICAL_TONE_MS: Final = 3_000
NON_CRITICAL_TONE_MS: Final = 1_000
FACTORY_CRITICAL_S: Final = 600
FACTORY_NON_CRITICAL_S: Final = 3_600
_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True)
class ToneRule:
    """How often tones sound; a pump without a readable program has these of the factory.

    Attributes:
        critical_ms: from one critical tone to the next.
        non_critical_ms: from one non-critical tone to the next.
        audible: whether non-critical ones sound.
    """

    critical_ms: int = FACTORY_CRITICAL_S * _MS_PER_S
    non_critical_ms: int = FACTORY_NON_CRITICAL_S * _MS_PER_S
    audible: bool = True

    @classmethod
    def of(cls, settings: AlarmSettings) -> "ToneRule":
        """Return what a program says."""
        return cls(
            settings.critical_interval_s * _MS_PER_S,
            settings.lowprio_interval_s * _MS_PER_S,
            settings.audible is Switch.ON,
        )

    def pattern(self, heard: Alarm | None, now_ms: int) -> TonePattern | None:
        """Return the pattern of the alarm that is heard from ``now_ms`` on, None for silence."""
        if heard is None:
            return None
        if CONDITIONS[heard.code].is_critical:
            return TonePattern(True, now_ms, self.critical_ms)
        return TonePattern(False, now_ms, self.non_critical_ms) if self.audible else None


FACTORY_RULE: Final = ToneRule()


class Tones:
    """Sounds the alarms.

    Args:
        hardware: the tone generator.
        alarms: the alarms.
        registers: keep pattern and counts.
    """

    def __init__(self, hardware: Hardware, alarms: Alarms, registers: RetainedRegisters) -> None:
        self._hardware = hardware
        self._alarms = alarms
        self._registers = registers

    @property
    def book(self) -> ToneBook:
        """Pattern and counts up to the instant that is settled."""
        return self._registers.tones

    def tune(self, settings: AlarmSettings | None) -> None:
        """Let the pattern follow the alarms as they stand at the instant that is settled.

        Args:
            settings: what the active program says of alarms, None where it cannot be read.
        """
        book = self._registers.tones
        if not self._alarms.count and book.pattern is None:
            return
        rule = FACTORY_RULE if settings is None else ToneRule.of(settings)
        wanted = rule.pattern(self._alarms.sounding, self._registers.settled_ms)
        if wanted is None or not wanted.is_like(book.pattern):
            self._registers.tones = replace(book, pattern=wanted)

    def settle(self, from_ms: int, to_ms: int) -> None:
        """Sound the tones from an instant up to before another; the alarms stood as they did at the first."""
        book = self._registers.tones
        count = book.tones_between(from_ms, to_ms)
        if count:
            self._hardware.sound_tones(count)
            self._registers.tones = book.counted(count)
