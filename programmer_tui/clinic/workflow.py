"""The flow of the programmer as one table: stage, event, guards, next stage. Screens only draw it.

The same table answers whether something is possible now and, if not, why. There is one row that leads to
PROGRAMMING, and its guards are all that review and confirmation demand; the outcome of PROGRAMMING is a
read-back or an UNKNOWN pump, never an assumption.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from programmer_tui.clinic.freshness import Freshness


class Stage(Enum):
    """Where the clinician is."""

    CONNECT = "connect"
    INTERROGATING = "interrogating"
    OVERVIEW = "overview"
    PRESCRIBE = "prescribe"
    ALARMS = "alarms"
    LOG = "log"
    VERIFYING = "verifying"
    REVIEW = "review"
    PROGRAMMING = "programming"
    READ_BACK = "read back"
    VERIFIED = "verified"
    UNKNOWN = "unknown"
    ENDED = "ended"


class Event(Enum):
    """What can happen: a wish of the clinician, an answer of the pump, or the loss of the link."""

    LINK_OPENED = "link opened"
    INTERROGATE = "interrogate"
    READ_DONE = "pump read"
    READ_FAILED = "reading failed"
    PRESCRIBE = "prescribe"
    ALARMS = "alarms"
    LOG = "log"
    BACK = "back"
    REVIEW = "review"
    SUMMARY = "pump verified the program"
    REFUSED = "pump refused"
    PROGRAM = "program"
    ACCEPTED = "pump accepted"
    NO_ANSWER = "no answer"
    SAME = "read-back is the same"
    DIFFERS = "read-back differs"
    ACKNOWLEDGE = "acknowledge"
    LINK_LOST = "link lost"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards look at; the session and the screens know it.

    Attributes:
        link_up: a session with the pump is open.
        freshness: of the last reading.
        pump_changed: the pump's program is no longer the one that was read.
        uncertain: the outcome of a command is not known yet.
        pending: changes made and not sent.
        hard_findings: values outside hard limits.
        reasons_missing: soft limits without a reason.
        summary_agrees: the pump computed what this programmer did.
        pages_unread: pages of the review not visited.
        gate_confirmed: the confirmation gate of this review is passed.
        unread_alarms: alarms nobody has looked at.
        end_reason_given: the clinician said why the session ends with something open.
    """

    link_up: bool = False
    freshness: Freshness = Freshness.NEVER_READ
    pump_changed: bool = False
    uncertain: bool = False
    pending: int = 0
    hard_findings: int = 0
    reasons_missing: int = 0
    summary_agrees: bool = False
    pages_unread: int = 1
    gate_confirmed: bool = False
    unread_alarms: int = 0
    end_reason_given: bool = False


Guard = Callable[[Facts], str]
"""Returns why not, or an empty text."""


def _link(facts: Facts) -> str:
    return "" if facts.link_up else "The link to the pump is down. Connect again."


def _certain(facts: Facts) -> str:
    return "The outcome of the last command is unknown. Interrogate the pump." if facts.uncertain else ""


def _uncertain(facts: Facts) -> str:
    return "" if facts.uncertain else "The outcome of the last command is known."


def _read(facts: Facts) -> str:
    if facts.freshness.editing_allowed:
        return ""
    if facts.freshness is Freshness.NEVER_READ:
        return "The pump was not read in this session. Interrogate it first (F2)."
    return "The last reading is more than 15 min old. Interrogate again (F2)."


def _unchanged(facts: Facts) -> str:
    return (
        "The pump's program changed since it was read. Interrogate again (F2)." if facts.pump_changed else ""
    )


def _pending(facts: Facts) -> str:
    return "" if facts.pending else "There is no change to review."


def _no_hard(facts: Facts) -> str:
    return "A value is outside its hard limits. Correct it." if facts.hard_findings else ""


def _reasons(facts: Facts) -> str:
    return "A soft limit is passed without a reason. Give one." if facts.reasons_missing else ""


def _agrees(facts: Facts) -> str:
    return "" if facts.summary_agrees else "The pump computed other values than this programmer."


def _pages(facts: Facts) -> str:
    return "The review is not read to its end. Mark every page read (Space)." if facts.pages_unread else ""


def _gate(facts: Facts) -> str:
    return "" if facts.gate_confirmed else "Type the new daily dose, press F9, wait 1 s, then Y."


def _nothing_open(facts: Facts) -> str:
    if facts.end_reason_given:
        return ""
    still = [word for word, there in (
        ("an outcome that is not known", facts.uncertain),
        ("changes that were not sent", bool(facts.pending)),
        ("alarms that were not read", bool(facts.unread_alarms)),
    ) if there]  # fmt: skip
    return f"There are {' and '.join(still)}. Resolve that or give a reason." if still else ""


_WRITE: Final[tuple[Guard, ...]] = (_link, _certain, _read, _unchanged)
_TO_REVIEW: Final[tuple[Guard, ...]] = (*_WRITE, _pending, _no_hard)
_TO_PROGRAM: Final[tuple[Guard, ...]] = (*_TO_REVIEW, _reasons, _agrees, _pages, _gate)
_CAME_FROM: Final = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; ``next`` None means back to where the clinician came from."""

    stage: Stage
    event: Event
    guards: tuple[Guard, ...]
    next: Stage | None


def _rules() -> tuple[Rule, ...]:
    s, e = Stage, Event
    rows: list[tuple[Stage, Event, tuple[Guard, ...], Stage | None]] = [
        (s.CONNECT, e.LINK_OPENED, (_link,), s.INTERROGATING),
        (s.INTERROGATING, e.READ_DONE, (_certain,), s.OVERVIEW),
        (s.INTERROGATING, e.READ_DONE, (_uncertain,), s.UNKNOWN),
        (s.INTERROGATING, e.READ_FAILED, (_certain,), s.CONNECT),
        (s.INTERROGATING, e.READ_FAILED, (_uncertain,), s.UNKNOWN),
        (s.INTERROGATING, e.LINK_LOST, (_certain,), s.CONNECT),
        (s.INTERROGATING, e.LINK_LOST, (_uncertain,), s.UNKNOWN),
        (s.OVERVIEW, e.PRESCRIBE, _WRITE, s.PRESCRIBE),
        (s.OVERVIEW, e.REVIEW, _TO_REVIEW, s.VERIFYING),
        (s.PRESCRIBE, e.REVIEW, _TO_REVIEW, s.VERIFYING),
        (s.PRESCRIBE, e.BACK, (), s.OVERVIEW),
        (s.VERIFYING, e.SUMMARY, (), s.REVIEW),
        (s.VERIFYING, e.REFUSED, (), s.PRESCRIBE),
        (s.VERIFYING, e.NO_ANSWER, (), s.PRESCRIBE),
        (s.VERIFYING, e.LINK_LOST, (), s.PRESCRIBE),
        (s.REVIEW, e.BACK, (), s.PRESCRIBE),
        (s.REVIEW, e.LINK_LOST, (), s.PRESCRIBE),
        (s.REVIEW, e.PROGRAM, _TO_PROGRAM, s.PROGRAMMING),
        (s.PROGRAMMING, e.ACCEPTED, (), s.READ_BACK),
        (s.PROGRAMMING, e.REFUSED, (), s.PRESCRIBE),
        (s.PROGRAMMING, e.NO_ANSWER, (), s.UNKNOWN),
        (s.PROGRAMMING, e.LINK_LOST, (), s.UNKNOWN),
        (s.READ_BACK, e.SAME, (), s.VERIFIED),
        (s.READ_BACK, e.DIFFERS, (), s.UNKNOWN),
        (s.READ_BACK, e.NO_ANSWER, (), s.UNKNOWN),
        (s.READ_BACK, e.LINK_LOST, (), s.UNKNOWN),
        (s.VERIFIED, e.ACKNOWLEDGE, (), s.OVERVIEW),
        (s.ALARMS, e.BACK, (), _CAME_FROM),
        (s.LOG, e.BACK, (), _CAME_FROM),
    ]
    resting = (s.OVERVIEW, s.PRESCRIBE, s.VERIFIED, s.UNKNOWN)
    rows += [(stage, e.INTERROGATE, (), s.INTERROGATING) for stage in resting]
    rows += [(stage, e.ALARMS, (), s.ALARMS) for stage in (*resting, s.REVIEW)]
    rows += [(stage, e.LOG, (), s.LOG) for stage in (*resting, s.REVIEW)]
    open_to_quit = (*resting, s.CONNECT, s.INTERROGATING, s.REVIEW, s.ALARMS, s.LOG)
    rows += [(stage, e.QUIT, (_nothing_open,), s.ENDED) for stage in open_to_quit]
    return tuple(Rule(*row) for row in rows)


RULES: Final = _rules()
"""The whole flow; of two rows for the same stage and event, the first whose guards pass is taken."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The stage, and the one to go back to from ALARMS and LOG."""

    stage: Stage = Stage.CONNECT
    came_from: Stage = Stage.OVERVIEW


@dataclass(frozen=True, slots=True)
class Move:
    """The outcome of an event: the flow after it, and why it was refused (empty where it was not)."""

    flow: Flow
    refused: tuple[str, ...] = ()


def blockers(flow: Flow, event: Event, facts: Facts) -> tuple[str, ...]:
    """Return why ``event`` cannot happen now, empty where it can; also the answer to "why not?"."""
    rules = [rule for rule in RULES if rule.stage is flow.stage and rule.event is event]
    if not rules:
        return (f"'{event.value.capitalize()}' is not possible here ({flow.stage.value}).",)
    reasons = [tuple(why for guard in rule.guards if (why := guard(facts))) for rule in rules]
    return () if () in reasons else reasons[0]


def legal_events(flow: Flow, facts: Facts) -> tuple[Event, ...]:
    """Return the events that can happen now, in the order of `Event`."""
    return tuple(event for event in Event if not blockers(flow, event, facts))


def advance(flow: Flow, event: Event, facts: Facts) -> Move:
    """Return the flow after ``event``; one that cannot happen leaves it where it is and says why.

    The loss of the link is never refused: where no row names it, the clinician stays and the facts change.
    """
    if event is Event.LINK_LOST:
        flow = Flow(flow.stage, _without_staged(flow.came_from))
    why = blockers(flow, event, facts)
    if why:
        return Move(flow, () if event is Event.LINK_LOST else why)
    rule = next(
        rule
        for rule in RULES
        if rule.stage is flow.stage and rule.event is event and not any(guard(facts) for guard in rule.guards)
    )
    stage = flow.came_from if rule.next is None else rule.next
    leaving_to_look = stage in {Stage.ALARMS, Stage.LOG}
    return Move(Flow(stage, flow.stage if leaving_to_look else flow.came_from))


def _without_staged(stage: Stage) -> Stage:
    """Return where to go back to after the link was lost: a review needs the program staged again."""
    return Stage.PRESCRIBE if stage is Stage.REVIEW else stage
