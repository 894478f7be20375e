"""The action table: every key, every entry of the command palette and every key hint comes from it.

An action says on which stages it is offered and why it is not possible now. A blocked key never stays
silent: the reason is shown. Nothing here knows a screen; the app has one method for each id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from programmer_tui.clinic.workflow import Event, Facts, Stage
from programmer_tui.desk import Desk
from protocol.vocabulary import ScheduleMode

WhyNot = Callable[[Desk, Facts], tuple[str, ...]]

ALL: Final = frozenset(Stage) - {Stage.ENDED}
_P: Final = frozenset({Stage.PRESCRIBE})
_R: Final = frozenset({Stage.REVIEW})
_RESULT: Final = frozenset({Stage.VERIFIED, Stage.UNKNOWN})
_SIDE: Final = frozenset({Stage.ALARMS, Stage.LOG})
_EDITING: Final = frozenset({Stage.OVERVIEW, Stage.PRESCRIBE, Stage.REVIEW})
_BACK_FIRST: Final = ("Go back first (Esc).",)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    Attributes:
        id: name of the app's method and of the binding.
        keys: names of the keys; the first one is shown as ``shown``.
        label: the word in the key hints; ``sentence`` is what the palette and the help say.
        stages: where it is offered.
        why_not: why it is not possible now, empty where it is.
        hint: place in the key hints, from the left; what no longer fits is dropped, 0 leaves it out.
        hinted: the stages that show the hint.
        locked: the key may never be re-mapped (confirmation keys).
        in_entry: the screen takes the key itself, as it also goes to a field or to the confirmation.
        listed: the command palette offers it; steps of the confirmation are never done from a list.
    """

    id: str
    keys: tuple[str, ...]
    shown: str
    label: str
    sentence: str
    stages: frozenset[Stage]
    why_not: WhyNot
    hint: int = 0
    hinted: frozenset[Stage] = ALL
    locked: bool = False
    in_entry: bool = False
    listed: bool = True


def _always(_desk: Desk, _facts: Facts) -> tuple[str, ...]:
    return ()


def _why(desk: Desk, facts: Facts, event: Event) -> tuple[str, ...]:
    why = desk.why_not(event, facts)
    return _BACK_FIRST if why and desk.stage in _SIDE and event is not Event.BACK else why


def _by(event: Event) -> WhyNot:
    def why(desk: Desk, facts: Facts) -> tuple[str, ...]:
        return _why(desk, facts, event)

    return why


def _interrogate(desk: Desk, facts: Facts) -> tuple[str, ...]:
    return () if desk.stage is Stage.CONNECT else _why(desk, facts, Event.INTERROGATE)


def _log(desk: Desk, facts: Facts) -> tuple[str, ...]:
    return () if desk.stage is Stage.LOG else _why(desk, facts, Event.LOG)


def _discard(desk: Desk, _facts: Facts) -> tuple[str, ...]:
    if desk.in_flight:
        return ("A command is on its way to the pump. Wait for its answer.",)
    return () if desk.draft is not None else ("There is no change to discard.",)


def _acknowledge(desk: Desk, facts: Facts) -> tuple[str, ...]:
    if facts.uncertain:
        return ("The outcome is not known yet. It is asked for without a key press; F2 asks at once.",)
    return () if desk.stage in _RESULT else ("There is no result to acknowledge.",)


def _quit(desk: Desk, _facts: Facts) -> tuple[str, ...]:
    if desk.in_flight:
        return ("A command is on its way to the pump. Wait for its answer, then quit.",)
    return ()


def _daily(desk: Desk, _facts: Facts) -> tuple[str, ...]:
    if desk.draft is None or desk.draft.new.mode is not ScheduleMode.DAILY:
        return ("A simple continuous dose has no steps. Choose the flexible pattern first (M).",)
    return ()


def _removable(desk: Desk, facts: Facts) -> tuple[str, ...]:
    why = _daily(desk, facts)
    if not why and desk.draft is not None and len(desk.draft.new.steps) == 1:
        return ("The step at 00:00 cannot be removed; change its rate.",)
    return why


def _reason(desk: Desk, _facts: Facts) -> tuple[str, ...]:
    if desk.reviewing is None or not desk.reviewing.review.reasons_needed:
        return ("No limit is passed; no reason is needed.",)
    return ()


def _pages(desk: Desk, _facts: Facts) -> tuple[str, ...]:
    if desk.reviewing is None or desk.reviewing.pages == 1:
        return ("The review has one page.",)
    return ()


def _older(desk: Desk, facts: Facts) -> tuple[str, ...]:
    if not facts.link_up:
        return ("The link to the pump is down. Connect again (F2).",)
    belief = desk.view.belief
    if belief is not None and desk.log_wanted >= belief.log_info.last_seq - belief.log_info.first_seq + 1:
        return ("All records of the pump are asked for already.",)
    return ()


_LOOK: Final = ALL - {Stage.CONNECT, Stage.INTERROGATING, Stage.VERIFYING, Stage.PROGRAMMING, Stage.READ_BACK}
_BACK: Final = frozenset({Stage.PRESCRIBE, Stage.REVIEW, Stage.ALARMS, Stage.LOG})

ACTIONS: Final = (
    Action("help", ("f1", "question_mark"), "F1", "Help",
           "Show the help page of this screen and what each key does now.", ALL, _always, hint=1),
    Action("interrogate", ("f2",), "F2", "Interrogate",
           "Read the pump: device, status, clock, alarms, program. Opens the link where it is down.",
           ALL, _interrogate, hint=9),
    Action("prescribe", ("f3",), "F3", "Prescribe", "Change the daily dose or its pattern over 24 hours.",
           ALL, _by(Event.PRESCRIBE), hint=20),
    Action("alarms", ("f7",), "F7", "Alarms", "Show what each alarm means and what to do.",
           ALL, _by(Event.ALARMS), hint=21),
    Action("log", ("f8",), "F8", "Log", "Read and show the newest records of the pump's event log.",
           ALL, _log, hint=22),
    Action("review", ("f9",), "F9", "Review",
           "Let the pump check the changed program and compare it with the one in the pump.",
           ALL - _R, _by(Event.REVIEW), hint=7, hinted=_EDITING - _R, locked=True),
    Action("page_read", ("space",), "Space", "page read", "Mark the shown page of the review as read.",
           _R, _always, hint=2, locked=True, in_entry=True, listed=False),
    Action("page_next", ("pagedown",), "PgDn", "next page", "Show the next page of the review.",
           _R, _pages, hint=3, in_entry=True),
    Action("page_back", ("pageup",), "PgUp", "page before", "Show the page of the review before this one.",
           _R, _pages, in_entry=True),
    Action("reason", ("tab",), "Tab", "Reason", "Give the reason for passing a soft limit.",
           _R, _reason, hint=4, in_entry=True),
    Action("program", ("f9",), "F9", "Program",
           "After typing the new daily dose: arm the confirmation. Then wait 1 s and press Y within 10 s.",
           _R, _always, hint=5, locked=True, in_entry=True, listed=False),
    Action("confirm", ("y", "Y"), "Y", "confirm", "Program the pump: counts only 1 s to 10 s after F9.",
           _R, _always, locked=True, in_entry=True, listed=False),
    Action("edit", ("enter",), "Enter", "edit",
           "Open the field of this row for typing; in the field, accept what is typed.",
           _P, _always, hint=2, locked=True, in_entry=True, listed=False),
    Action("mode", ("m",), "M", "mode", "Switch between a continuous dose and a flexible 24 h pattern.",
           _P, _always, hint=3),
    Action("add_step", ("plus",), "+", "add", "Add a step to the pattern: asks for the time it starts.",
           _P, _daily, hint=4),
    Action("remove_step", ("minus",), "-", "remove", "Remove the step of this row.", _P, _removable, hint=5),
    Action("step_time", ("t",), "T", "step time", "Change the time at which the step of this row starts.",
           _P, _removable),
    Action("acknowledge", ("enter",), "Enter", "acknowledge",
           "Leave the result. What is not verified is read from the pump again first.",
           _RESULT, _acknowledge, hint=2),
    Action("older", ("o",), "O", "older", "Read older records of the event log.",
           frozenset({Stage.LOG}), _older, hint=6),
    Action("discard", ("ctrl+d",), "^D", "Discard all", "Drop all changes that were not sent (asks first).",
           ALL, _discard, hint=12, hinted=_EDITING),
    Action("commands", ("ctrl+p",), "^P", "Commands",
           "List what can be done now, and why the rest is not possible.", ALL, _always, hint=10),
    Action("theme", ("ctrl+t",), "^T", "Dark/light", "Switch between the dark and the light colours.",
           ALL, _always),
    Action("back", ("escape",), "Esc", "Back", "Go back one screen. Esc never confirms and never quits.",
           _BACK, _by(Event.BACK), hint=8),
    Action("quit", ("ctrl+q",), "^Q", "Quit", "End the session; asks while something is still open.",
           ALL, _quit, hint=11),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}


def offered(stage: Stage) -> tuple[Action, ...]:
    """Return the actions of a stage, in the order of the table."""
    return tuple(action for action in ACTIONS if stage in action.stages)


def action_for(key: str, stage: Stage) -> Action | None:
    """Return the action of a key on a stage; no key has two."""
    return next((action for action in offered(stage) if key in action.keys), None)


def hints(desk: Desk) -> tuple[tuple[Action, bool], ...]:
    """Return the actions of the key hints in their order, each with whether it is possible now."""
    facts = desk.facts()
    hinted = (action for action in offered(desk.stage) if action.hint and desk.stage in action.hinted)
    shown = sorted(hinted, key=lambda action: action.hint)
    return tuple((action, not action.why_not(desk, facts)) for action in shown)
