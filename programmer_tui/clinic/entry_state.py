"""What a numeric entry is: the field's specification, its state, and the log of its keys."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from fractions import Fraction
from typing import Final

from programmer_tui.clinic.clinical_format import Shown, format_change, format_quantity
from programmer_tui.clinic.entry_grammar import NumberFormat, Reading, number_to_base, read_number
from programmer_tui.clinic.limit_range import LimitRange, Verdict

BOUNCE_MS: Final = 40
"""The same digit again within this time is a bouncing key until the person says otherwise."""


class Phase(Enum):
    """Where an entry stands."""

    EMPTY = "empty"
    TYPING = "typing"
    INCOMPLETE = "incomplete"
    ERROR = "error"
    REPEAT_SUSPECT = "repeat suspect"
    OUT_OF_SOFT = "out of soft limits"
    OUT_OF_HARD = "out of hard limits"
    ACCEPTED = "accepted"


class Key(StrEnum):
    """Keys with a meaning of their own; any single character is typed text."""

    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    DELETE = "delete"
    UP = "up"
    DOWN = "down"
    PAGE_UP = "pageup"
    PAGE_DOWN = "pagedown"


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """What one field accepts.

    Attributes:
        label: what the value is, with no unit.
        unit: the unit it is typed in.
        scale: base units in one ``unit`` (for example ng in one mg); must resolve the last decimal.
        form: digits before and after the point.
        limits: hard and soft limits in base units.
        bounce_ms: bounce time of E5; 0 turns the check off.

    Raises:
        ValueError: the scale does not resolve the decimals.
    """

    label: str
    unit: str
    scale: int
    form: NumberFormat
    limits: LimitRange = field(default_factory=LimitRange)
    bounce_ms: int = BOUNCE_MS

    def __post_init__(self) -> None:
        if self.scale % 10**self.form.decimals:
            raise ValueError(
                f"one {self.unit} of {self.scale} base units has no {self.form.decimals} decimals"
            )

    @property
    def resolution(self) -> int:
        """Base units of the last decimal; also one step of the Up and Down keys."""
        step: int = self.scale // 10**self.form.decimals
        return step

    def shown(self, value: int | Fraction) -> Shown:
        """Return a value in base units as it is written."""
        return format_quantity(Fraction(value) / self.scale, self.unit)


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One key of an edit: when, which, and what the field held after it."""

    at_ms: int
    key: str
    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class EntryState:
    """One field under edit; made by `start_entry`, changed by `press` and its sisters only.

    Attributes:
        was: the value before the edit in base units, None where there was none.
        text: what was typed and is shown, a wrong key included.
        badge: two or three words for the ERROR line.
        message: a sentence for the person, empty where there is nothing to say.
        caret: index of the wrong character in ``text``.
        suspect: the digit held back as a bounce, empty where none is.
        interrupted: the screen was left while a number was half typed.
        reason: why an out-of-limits value was accepted.
    """

    spec: EntrySpec
    was: int | None
    phase: Phase = Phase.EMPTY
    text: str = ""
    badge: str = ""
    message: str = ""
    caret: int | None = None
    suspect: str = ""
    interrupted: bool = False
    reason: str = ""
    log: tuple[Keystroke, ...] = ()

    @property
    def typed(self) -> int | None:
        """The typed value in base units while it reads as a number, for the live display only."""
        if self.interrupted or self.phase in {Phase.ERROR, Phase.REPEAT_SUSPECT}:
            return None
        reading, _ = read_number(self.text, self.spec.form)
        return number_to_base(self.text, self.spec.scale) if reading is Reading.NUMBER else None

    @property
    def accepted(self) -> int | None:
        """The accepted value in base units, None in every other phase."""
        return self.typed if self.phase is Phase.ACCEPTED else None

    @property
    def held(self) -> int | None:
        """The value the field stands for: the accepted one, else the old one."""
        return self.was if self.accepted is None else self.accepted

    @property
    def verdict(self) -> Verdict | None:
        """Where the typed value lies in the limits, None while there is no number."""
        return None if self.typed is None else self.spec.limits.judge(self.typed)

    @property
    def change(self) -> str:
        """The typed value against the old one (``x2``, ``+12.5 %``), empty where either is missing."""
        if self.typed is None or self.was is None:
            return ""
        return format_change(self.was, self.typed)

    @property
    def needs_reason(self) -> bool:
        """Whether the value waits for a reason."""
        return self.phase is Phase.OUT_OF_SOFT
