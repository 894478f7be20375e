"""The first screen: the link, what was reached, and a problem in words with what to do about it."""

from textual.app import ComposeResult

from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.views import LinkHealth
from programmer_tui.widgets.panel import Panel

_STATE = {
    LinkHealth.DOWN: "down",
    LinkHealth.CONNECTING: "opening: the pump is asked who it is",
    LinkHealth.OK: "open, the pump proved who it is",
    LinkHealth.LOST: "LOST",
}


def connect_text(desk: Desk) -> str:
    """Return the link's state, the steps reached, and the problem with its remedy."""
    view = desk.view
    linked = view.link is LinkHealth.OK
    lines = [
        f" Link       {view.link_name or '--  not named'}",
        f" State      {_STATE[view.link]}",
        f" Doing      {_doing(desk)}",
        "",
        f" [{_x(linked)}] link opened and session confirmed with the pump",
        f" [{_x(view.belief is not None and desk.stage is not Stage.INTERROGATING)}] pump read",
        "",
    ]
    problem = desk.problem or view.problem
    if problem is not None:
        lines += [" PROBLEM", f" {problem.text}", ""]
        if problem.advice:
            lines += [" WHAT TO DO", f" {problem.advice}", ""]
    if desk.stage is Stage.CONNECT and not desk.outbox.waiting:
        lines.append(
            " F2 tries again. Ctrl+Q quits. The pump goes on with its therapy without this programmer."
        )
    return "\n".join(lines)


def _doing(desk: Desk) -> str:
    if "connect" in desk.outbox.waiting:
        return "opening the link and a secured session"
    if desk.stage is Stage.INTERROGATING:
        return "reading device, status, clock, alarms and program"
    return desk.view.busy or "nothing"


def _x(done: bool) -> str:
    return "x" if done else " "


class ConnectScreen(FrameScreen):
    """Connect and interrogate."""

    HELP_PAGE = "connect"

    def compose_body(self) -> ComposeResult:
        yield Panel("Connect", id="connect-box")

    def paint_body(self) -> None:
        self.query_one("#connect-box", Panel).paint(connect_text, self.desk)
