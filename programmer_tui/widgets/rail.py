"""The workflow rail at the left of wide screens: where the work stands, the session and the checklist."""

from collections.abc import Iterator
from typing import Final

from textual.content import Content

from programmer_tui.actions import BY_ID
from programmer_tui.clinic.workflow import Facts, Stage
from programmer_tui.desk import Desk
from programmer_tui.widgets.panel import Panel, Text

_STEPS: Final = (
    ("interrogate", frozenset({Stage.CONNECT, Stage.INTERROGATING})),
    (None, frozenset({Stage.OVERVIEW})),
    ("prescribe", frozenset({Stage.PRESCRIBE, Stage.VERIFYING})),
    ("alarms", frozenset({Stage.ALARMS})),
    ("log", frozenset({Stage.LOG})),
    ("review", frozenset({Stage.REVIEW})),
    (None, frozenset({Stage.PROGRAMMING, Stage.READ_BACK, Stage.VERIFIED, Stage.UNKNOWN})),
)
_UNNAMED: Final = ("Overview", "Result")


class WorkflowRail(Panel):
    """The rail; hidden below 110 columns."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__("Workflow", id=id)


def rail_text(desk: Desk) -> Text:
    """Return the rail: steps with their keys, the session, what is done."""
    facts = desk.facts()
    return Content("\n").join([*_steps(desk, facts), "", *_session(desk), "", *_checklist(desk, facts)])


def _steps(desk: Desk, facts: Facts) -> Iterator[Content]:
    unnamed = iter(_UNNAMED)
    for action_id, stages in _STEPS:
        mark = ">" if desk.stage in stages else " "
        if action_id is None:
            yield Content(f" {mark} --  {next(unnamed)}")
            continue
        action = BY_ID[action_id]
        text = f" {mark} {action.shown}  {action.label}{_count(desk, action_id)}"
        possible = mark == ">" or not action.why_not(desk, facts)
        yield Content(text) if possible else Content.styled(text, "$dim")


def _count(desk: Desk, action_id: str) -> str:
    if action_id == "alarms" and desk.view.belief is not None:
        return f"  {len(desk.alarms)}"
    if action_id == "log" and desk.view.belief is not None:
        return f"  {desk.view.belief.log_info.last_seq}"
    return ""


def _session(desk: Desk) -> Iterator[str]:
    yield " Session"
    yield f"  user  {desk.view.operator or '--  not named'}"
    yield f"  link  {desk.view.link_name or '--  not named'}"


def _checklist(desk: Desk, facts: Facts) -> Iterator[str]:
    done = {
        "interrogated": desk.view.belief is not None,
        "alarms read": desk.view.belief is not None and not facts.unread_alarms,
        "reviewed": desk.stage is Stage.VERIFIED or (desk.reviewing is not None and not facts.pages_unread),
        "programmed": desk.stage is Stage.VERIFIED,
    }
    yield " Checklist"
    for what, is_done in done.items():
        yield f"  [{'x' if is_done else ' '}] {what}"
