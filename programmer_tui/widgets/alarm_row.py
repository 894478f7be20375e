"""The third row of every screen and dialog: pump state, alarms, pending changes; the banner of UNKNOWN."""

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from programmer_tui.clinic.alarm_words import MARKS, alarm_title
from programmer_tui.clinic.clinical_time import format_age
from programmer_tui.desk import Desk
from programmer_tui.intents import IntentKind
from programmer_tui.views import LinkHealth, SessionView
from programmer_tui.widgets.panel import TextArea
from protocol.messages.alarms import Alarm
from protocol.states import SyncState
from protocol.vocabulary import DeliveryState, Priority

STATES: Final = {
    DeliveryState.UNDETERMINED: "[?] UNKNOWN",
    DeliveryState.STOPPED: "[!] STOPPED",
    DeliveryState.MIN_RATE: "[>] MINIMUM RATE",
    DeliveryState.RUNNING: "[>] INFUSING",
    DeliveryState.BOLUS: "[>] BOLUS",
    DeliveryState.PRIMING: "[>] PRIMING",
    DeliveryState.SAFE_STATE: "[!] SAFE STATE",
}
PRIORITY_STYLES: Final = {
    Priority.HIGH: "bold $high-ink on $high",
    Priority.MEDIUM: "$medium-ink on $medium",
    Priority.LOW: "$low-ink on $low",
}
_SHOWN: Final = 2
_GAP: Final = "   "
_MARKED: Final = "reverse"


@dataclass(frozen=True, slots=True)
class Beat:
    """Where the flashing stands: high marks at 2 Hz, medium ones at 0.5 Hz; never where flashing is off."""

    ticks: int = 0
    flashing: bool = False

    def reversed_now(self, priority: Priority) -> bool:
        """Return whether the mark of this priority is drawn reversed now (four ticks make one second)."""
        if not self.flashing:
            return False
        period = {Priority.HIGH: 2, Priority.MEDIUM: 8}.get(priority, 0)
        return period > 0 and self.ticks % period >= period // 2


def state_words(view: SessionView) -> str:
    """Return mark and word of what the pump does; without a link nobody knows."""
    if view.belief is None or view.link is not LinkHealth.OK:
        return STATES[DeliveryState.UNDETERMINED]
    return STATES[view.belief.status.delivery_state]


def pending_words(desk: Desk, *, short: bool = False) -> str:
    """Return the changes that were not sent, or that an outcome is not known."""
    if desk.uncertain:
        return "PENDING outcome UNKNOWN"
    count = desk.pending
    if not count:
        return "PENDING none"
    return f"PENDING {count} change{'' if count == 1 else 's'}{'' if short else ' (not sent)'}"


def alarm_line(desk: Desk, beat: Beat, width: int) -> Content:
    """Return the third row; the mark flashes, the words never do. What is too long wraps, nothing is cut."""
    parts: list[Content | str] = [" ", state_words(desk.view), _GAP, *_alarms(desk, beat)]
    if desk.view.belief is not None and desk.view.link is not LinkHealth.OK:
        parts.append("  (as last read)")
    line = Content.assemble(*parts, _GAP, pending_words(desk))
    return line if len(line) <= width else Content.assemble(*parts, _GAP, pending_words(desk, short=True))


def _alarms(desk: Desk, beat: Beat) -> list[Content | str]:
    if desk.view.belief is None:
        return ["ALARMS --  not read"]
    if not desk.alarms:
        return ["ALARMS none"]
    parts: list[Content | str] = []
    for alarm in desk.alarms[:_SHOWN]:
        parts += [_marked(alarm, beat), "  "]
    return [*parts, f"({len(desk.alarms)})"]


def _marked(alarm: Alarm, beat: Beat) -> Content:
    style = PRIORITY_STYLES.get(alarm.prio, "bold")
    mark = f"{style} {_MARKED}" if beat.reversed_now(alarm.prio) else style
    return Content.assemble((MARKS[alarm.prio], mark), (f" {alarm_title(alarm.code)}", style))


def banner_words(view: SessionView) -> str:
    """Return the lines of the banner, empty where every outcome is known."""
    if view.sync is not SyncState.UNCERTAIN:
        return ""
    what, meaning = "the last command", "holds the OLD or the NEW program"
    if view.uncertain is not None:
        since = format_age(max(0, view.now_ms - view.uncertain.since_ms) // 1_000)
        what = f"{view.uncertain.what} ({since})"
        if view.uncertain.kind is not IntentKind.PROGRAM:
            meaning = "has done it or has NOT"
    return (
        f" !!! OUTCOME UNKNOWN - no answer to: {what}\n"
        f" !!! The pump {meaning}. Locked until its receipt came."
    )


class AlarmRow(TextArea):
    """Row 3."""


class UnknownBanner(TextArea):
    """Two more rows that stand on every screen while an outcome is not known."""

    def show_outcome(self, view: SessionView) -> None:
        """Paint the banner, or take it away."""
        words = banner_words(view)
        self.display = bool(words)
        self.show(words)
