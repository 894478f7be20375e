"""The last gate before programming, as a pure automaton: the new dose typed again, then F9, silence, then Y.

A bounced or held key, a burst of bytes, a paste or a click must never program a pump. So Y counts only
after one second without any key since F9, and only within ten seconds of it; whatever comes earlier or later
disarms. Enter, Space and the mouse do nothing. Times are milliseconds of one steady clock.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.entry import paste, press, start_entry
from programmer_tui.clinic.entry_fields import reentry_field
from programmer_tui.clinic.entry_state import EntryState, Key, Phase

ARMING_MS: Final = 1_000
WINDOW_MS: Final = 10_000
PROGRAM_KEY: Final = "f9"
CONFIRM_KEYS: Final = frozenset("yY")
MOUSE: Final = "mouse"
"""What a screen hands in for a click, so that it breaks the silence like a key."""

_EDITING: Final = frozenset({Key.BACKSPACE.value, Key.DELETE.value})
_STEPS: Final = frozenset({Key.UP.value, Key.DOWN.value, Key.PAGE_UP.value, Key.PAGE_DOWN.value})


class GatePhase(Enum):
    """How far the confirmation is."""

    TYPING = "typing"
    MATCHED = "matched"
    ARMING = "arming"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class ConfirmGate:
    """One confirmation; made by `open_gate`, changed by `press_gate` and `paste_gate` only.

    A gate belongs to one visit of the review: leaving it, or a change of what is reviewed, needs a new one.
    A confirmation counts once and at once: where programming is refused after it, the gate is spent.

    Attributes:
        entry: the field in which the new daily dose is typed again; it starts blank.
        expected_ng: the daily dose that must be typed, in ng.
        armed_at_ms: when F9 was pressed; counts in the phase ARMING only.
        last_key_ms: when any key came last.
    """

    entry: EntryState
    expected_ng: int
    phase: GatePhase = GatePhase.TYPING
    armed_at_ms: int = 0
    last_key_ms: int = 0
    message: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the person confirmed."""
        return self.phase is GatePhase.CONFIRMED


@dataclass(frozen=True, slots=True)
class GateView:
    """What the gate shows at a moment: a sentence, and whether Y would count now."""

    text: str
    ready: bool


def open_gate(expected_ng: int, unit: MassUnit) -> ConfirmGate:
    """Return a new gate for a daily dose (see `reentry_value_ng`), typed in ``unit`` per day."""
    return ConfirmGate(start_entry(reentry_field(unit), None), expected_ng)


def press_gate(gate: ConfirmGate, key: str, at_ms: int) -> ConfirmGate:
    """Return the gate after any key, also one that means nothing here: it breaks the silence Y needs."""
    if gate.confirmed:
        return gate
    return replace(_pressed(gate, key, at_ms), last_key_ms=at_ms)


def paste_gate(gate: ConfirmGate, at_ms: int) -> ConfirmGate:
    """Return the gate after a paste, which is refused."""
    if gate.confirmed:
        return gate
    return replace(gate, entry=paste(gate.entry, at_ms), last_key_ms=at_ms)


def view_gate(gate: ConfirmGate, at_ms: int) -> GateView:
    """Return what to show at ``at_ms``; asking changes nothing."""
    if gate.phase is not GatePhase.ARMING:
        return GateView(gate.message or _PROMPTS[gate.phase], ready=False)
    if at_ms - gate.armed_at_ms > WINDOW_MS:
        return GateView("Too late. Press F9 again.", ready=False)
    if at_ms - gate.last_key_ms < ARMING_MS:
        return GateView("Wait 1 s without touching a key.", ready=False)
    left_s = -(-(WINDOW_MS - (at_ms - gate.armed_at_ms)) // 1_000)
    return GateView(f"Press Y to program the pump ({left_s} s left), Esc to stop.", ready=True)


_PROMPTS: Final = {
    GatePhase.TYPING: "Type the new daily dose. Enter does nothing here.",
    GatePhase.MATCHED: "The dose matches. Press F9, wait 1 s, then Y.",
    GatePhase.CONFIRMED: "Confirmed.",
}


def _pressed(gate: ConfirmGate, key: str, at_ms: int) -> ConfirmGate:
    if key == PROGRAM_KEY:
        return _arm(gate, at_ms)
    if key in CONFIRM_KEYS:
        return _confirm(gate, at_ms)
    if key == Key.ESCAPE and gate.phase is GatePhase.ARMING:
        return _disarmed(gate, "Stopped. Nothing was sent. Press F9 to start again.")
    if key in _STEPS:
        return replace(gate, message="Type the dose; step keys do nothing here.")
    if key == Key.ESCAPE or key in _EDITING or (len(key) == 1 and key != " "):
        return _typed(gate, press(gate.entry, key, at_ms))
    return gate


def _typed(gate: ConfirmGate, entry: EntryState) -> ConfirmGate:
    matched = entry.phase is Phase.TYPING and entry.typed == gate.expected_ng
    return replace(gate, entry=entry, phase=GatePhase.MATCHED if matched else GatePhase.TYPING, message="")


def _arm(gate: ConfirmGate, at_ms: int) -> ConfirmGate:
    if gate.phase is GatePhase.TYPING:
        typed = "does not match the new daily dose" if gate.entry.text else "is missing"
        return replace(gate, message=f"What is typed {typed}. Type the new daily dose first.")
    return replace(gate, phase=GatePhase.ARMING, armed_at_ms=at_ms, message="")


def _confirm(gate: ConfirmGate, at_ms: int) -> ConfirmGate:
    if gate.phase is not GatePhase.ARMING:
        return replace(gate, message="Y counts only after the dose is typed and F9 was pressed.")
    if at_ms - gate.armed_at_ms > WINDOW_MS:
        return _disarmed(gate, "Too late: Y counts within 10 s of F9. Press F9 again.")
    if at_ms - gate.last_key_ms < ARMING_MS:
        return _disarmed(gate, "Too early: Y counts after 1 s without a key. Press F9 again.")
    return replace(gate, phase=GatePhase.CONFIRMED, message="")


def _disarmed(gate: ConfirmGate, message: str) -> ConfirmGate:
    return replace(gate, phase=GatePhase.MATCHED, message=message)
