"""The numeric entry automaton: keys and their times in, a new state out; nothing is dropped or repaired.

A wrong key is shown and locks the field until Backspace, Del or Esc; a digit that comes twice within the
bounce time is held back until it is pressed again; a value counts only after Enter, and outside its limits
only with a reason (soft) or not at all (hard). The old value stays beside the blank entry and comes back
with Esc. Every key is kept with its time.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final

from programmer_tui.clinic.clinical_format import format_ratio
from programmer_tui.clinic.dose import is_out_by_ten
from programmer_tui.clinic.entry_grammar import Reading, base_to_number, number_to_base, read_number
from programmer_tui.clinic.entry_state import EntrySpec, EntryState, Key, Keystroke, Phase

LOCKED: Final = "Entry locked. Backspace removes the last key, Del clears the field."
_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"
_PAGE: Final = 10


def start_entry(spec: EntrySpec, was: int | None) -> EntryState:
    """Return a blank entry beside the old value (base units, None where there is none)."""
    return EntryState(spec, was)


def press(state: EntryState, key: str, at_ms: int) -> EntryState:
    """Return the state after ``key`` (a single character or a `Key`) at ``at_ms`` on a steady clock.

    Keys that mean nothing to an entry (Tab, F9, ...) leave the state as it is: they are the screen's.
    """
    kind = _kind_of(key)
    if kind is None:
        return state
    after = _TABLE[state.phase][kind](state, key, at_ms)
    return _logged(after, key, at_ms)


def paste(state: EntryState, at_ms: int) -> EntryState:
    """Return the state after a paste: nothing goes in, and the field says so."""
    return _logged(_say(state, "Paste is refused here. Type the value."), "paste", at_ms)


def give_reason(state: EntryState, reason: str, at_ms: int) -> EntryState:
    """Return the state after a reason for an out-of-limits value; an empty one is asked for again."""
    if not state.needs_reason:
        return state
    if not reason.strip():
        return _logged(_say(state, "A reason is needed to accept this value."), "reason", at_ms)
    return _logged(_accept(state, reason.strip()), "reason", at_ms)


def leave(state: EntryState, why: str, at_ms: int) -> EntryState:
    """Return the state after the field lost its screen (``why``: "alarm", "link lost", ...).

    A half-typed value is never accepted: it stays visible, INCOMPLETE, and must be cleared or corrected.
    """
    if state.phase in {Phase.EMPTY, Phase.ACCEPTED, Phase.ERROR}:
        return state
    message = f"'{state.text}' was typed but not accepted ({why}). Del clears it; type the value again."
    left = replace(
        state, phase=Phase.INCOMPLETE, badge="NOT ACCEPTED", message=message, caret=None, interrupted=True
    )
    return _logged(left, f"left: {why}", at_ms)


def _logged(state: EntryState, key: str, at_ms: int) -> EntryState:
    return replace(state, log=(*state.log, Keystroke(at_ms, key, state.text, state.phase)))


# --- actions ------------------------------------------------------------------------------------------------


def _say(state: EntryState, message: str) -> EntryState:
    return replace(state, message=message)


def _read(state: EntryState, text: str) -> EntryState:
    """Return the state in which the field holds ``text``, judged by the grammar alone."""
    reading, fault = read_number(text, state.spec.form)
    clean = EntryState(state.spec, state.was, text=text, log=state.log)
    if fault is not None:
        message = f"{fault.message} {LOCKED}"
        return replace(clean, phase=Phase.ERROR, badge=fault.badge, message=message, caret=fault.place)
    phase = {Reading.EMPTY: Phase.EMPTY, Reading.INCOMPLETE: Phase.INCOMPLETE}.get(reading, Phase.TYPING)
    return replace(clean, phase=phase)


def _type(state: EntryState, key: str, at_ms: int) -> EntryState:
    if state.interrupted:
        return _say(state, f"This entry was interrupted. {LOCKED}")
    if _bounced(state, key, at_ms):
        kept = state.text + key
        message = f"Same key twice: press {key} again to keep '{kept}', Backspace to keep '{state.text}'."
        return replace(
            state,
            phase=Phase.REPEAT_SUSPECT,
            badge="SAME KEY TWICE",
            message=message,
            caret=None,
            suspect=key,
        )
    return _read(state, state.text + (key if key.isprintable() else _UNPRINTABLE))


def _bounced(state: EntryState, key: str, at_ms: int) -> bool:
    last = state.log[-1] if state.log else None
    repeats = last is not None and last.key == key and at_ms - last.at_ms <= state.spec.bounce_ms
    return state.spec.bounce_ms > 0 and key.isdecimal() and repeats


def _decide_repeat(state: EntryState, key: str, at_ms: int) -> EntryState:
    if key != state.suspect or _bounced(state, key, at_ms):
        return state
    return _read(state, state.text + key)


def _erase(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return _read(state, state.text[:-1])


def _forget_repeat(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return _read(state, state.text)


def _clear(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return _read(state, "")


def _cancel(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    kept = (
        "There was no old value." if state.was is None else f"Old value {state.spec.shown(state.was)} kept."
    )
    return _say(_read(state, ""), kept)


def _locked(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return state


def _nothing_typed(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return _say(state, "Nothing is typed yet.")


def _not_finished(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    if state.interrupted:
        return state
    return _say(state, f"'{state.text}' is not finished. Type the digits after the point, or Backspace.")


def _already_accepted(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return _say(state, "This value is accepted. Del clears it to type another, Esc brings the old one back.")


def _judge(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    value = number_to_base(state.text, state.spec.scale)
    verdict = state.spec.limits.judge(value)
    shown = state.spec.shown(value)
    if verdict.is_hard:
        limit = state.spec.shown(state.spec.limits.limit_of(verdict))
        message = f"{shown} is {verdict.value} {limit} and cannot be accepted."
        return replace(state, phase=Phase.OUT_OF_HARD, badge="HARD LIMIT", message=message)
    remarks = []
    if verdict.is_soft:
        limit = state.spec.shown(state.spec.limits.limit_of(verdict))
        remarks.append(f"{shown} is {verdict.value} (limit {limit}).")
    if state.was is not None and is_out_by_ten(state.was, value):
        old = state.spec.shown(state.was)
        remarks.append(
            f"{shown} is {format_ratio(state.was, value)} the value before, {old}. Check the point."
        )
    if not remarks:
        return _accept(state, "")
    message = " ".join([*remarks, "Give a reason to accept it, or correct it."])
    return replace(state, phase=Phase.OUT_OF_SOFT, badge="REASON NEEDED", message=message)


def _accept(state: EntryState, reason: str) -> EntryState:
    return replace(state, phase=Phase.ACCEPTED, badge="", message="", caret=None, reason=reason)


def _ask_reason(state: EntryState, _key: str, _at_ms: int) -> EntryState:
    return state


_STEPS: Final = {Key.UP: 1, Key.DOWN: -1, Key.PAGE_UP: _PAGE, Key.PAGE_DOWN: -_PAGE}


def _step(state: EntryState, key: str, _at_ms: int) -> EntryState:
    start = state.was if state.phase is Phase.EMPTY else state.typed
    if start is None:
        return _say(state, "There is no value to step from. Type one.")
    target, word = _stepped(state.spec, start, _STEPS[Key(key)])
    if target is None:
        return _say(state, word)
    return _say(_read(state, base_to_number(target, state.spec.scale)), word)


def _stepped(spec: EntrySpec, start: int, steps: int) -> tuple[int | None, str]:
    """Return ``start`` moved by whole resolution steps and stopped at the limits, with a word if stopped."""
    grid = spec.resolution
    lowest, highest = _reach(spec)
    if steps > 0:
        word = f"Stopped at the upper limit {spec.shown(highest)}."
        target = (start // grid + steps) * grid
        return (target, "") if target <= highest else (highest if start < highest else None, word)
    word = f"Stopped at the lower limit {spec.shown(lowest)}."
    target = (-(-start // grid) + steps) * grid
    return (target, "") if target >= lowest else (lowest if start > lowest else None, word)


def _reach(spec: EntrySpec) -> tuple[int, int]:
    """Return the lowest and highest value the step keys reach: hard limits, or what can be typed."""
    grid = spec.resolution
    low, high = spec.limits.hard_min, spec.limits.hard_max
    most = 10**spec.form.digits * spec.scale - grid
    lowest = 0 if low is None else int(-(-low // grid)) * grid
    highest = most if high is None else min(most, int(high // grid) * grid)
    return lowest, highest


# --- the table ----------------------------------------------------------------------------------------------


class _Kind(Enum):
    CHARACTER = "character"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    DELETE = "delete"
    STEP = "step"


_KINDS: Final[dict[str, _Kind]] = {
    Key.ENTER: _Kind.ENTER,
    Key.ESCAPE: _Kind.ESCAPE,
    Key.BACKSPACE: _Kind.BACKSPACE,
    Key.DELETE: _Kind.DELETE,
    **dict.fromkeys(_STEPS, _Kind.STEP),
}


def _kind_of(key: str) -> _Kind | None:
    return _Kind.CHARACTER if len(key) == 1 else _KINDS.get(key)


_Action = Callable[[EntryState, str, int], EntryState]


def _row(character: _Action, enter: _Action, backspace: _Action, step: _Action) -> dict[_Kind, _Action]:
    return {
        _Kind.CHARACTER: character,
        _Kind.ENTER: enter,
        _Kind.BACKSPACE: backspace,
        _Kind.STEP: step,
        _Kind.DELETE: _clear,
        _Kind.ESCAPE: _cancel,
    }


_TABLE: Final[dict[Phase, dict[_Kind, _Action]]] = {
    #                           character          enter              backspace        step
    Phase.EMPTY: _row(          _type,             _nothing_typed,    _nothing_typed,  _step),
    Phase.TYPING: _row(         _type,             _judge,            _erase,          _step),
    Phase.INCOMPLETE: _row(     _type,             _not_finished,     _erase,          _not_finished),
    Phase.ERROR: _row(          _locked,           _locked,           _erase,          _locked),
    Phase.REPEAT_SUSPECT: _row( _decide_repeat,    _locked,           _forget_repeat,  _locked),
    Phase.OUT_OF_SOFT: _row(    _type,             _ask_reason,       _erase,          _step),
    Phase.OUT_OF_HARD: _row(    _type,             _locked,           _erase,          _step),
    Phase.ACCEPTED: _row(       _already_accepted, _already_accepted, _erase,          _step),
}  # fmt: skip
