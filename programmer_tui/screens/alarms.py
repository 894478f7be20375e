"""The alarms: what happened, what it means for the patient, what to do. Only the cause clears an alarm."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from programmer_tui.clinic.alarm_words import ALARMS, MARKS, PRIORITY_WORDS, STATE_WORDS, detail_words
from programmer_tui.clinic.clinical_time import format_duration_words, format_time
from programmer_tui.desk import Desk
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.views import Belief
from programmer_tui.widgets.alarm_row import PRIORITY_STYLES
from programmer_tui.widgets.panel import Panel, Text, hanging
from programmer_tui.widgets.status_rows import old_words
from protocol.messages.alarms import Alarm


def alarms_text(desk: Desk, width: int) -> Text:
    """Return all standing alarms, highest priority first, each with its three sentences."""
    belief = desk.view.belief
    if belief is None:
        return "--  not read"
    if not desk.alarms:
        return (
            "No alarm stands. An alarm is cleared by the pump when its cause is gone, never from this screen."
        )
    return Content("\n\n").join([_alarm(alarm, belief, width) for alarm in desk.alarms])


def _alarm(alarm: Alarm, belief: Belief, width: int) -> Content:
    words = ALARMS[alarm.code]
    head = f"{MARKS[alarm.prio]} {PRIORITY_WORDS[alarm.prio]}  {words.title}"
    facts = [f"number {alarm.instance}", STATE_WORDS[alarm.state], detail_words(alarm)]
    said = (
        ("  Happened  ", words.happened),
        ("  Meaning   ", words.meaning),
        ("  To do     ", words.advice),
        ("  In pump   ", ", ".join(fact for fact in facts if fact)),
    )
    return Content.assemble(
        (head, PRIORITY_STYLES.get(alarm.prio, "bold")),
        f"  {_since(alarm, belief)}\n",
        "\n".join(hanging(label, text, width) for label, text in said),
    )


def _since(alarm: Alarm, belief: Belief) -> str:
    """When it began: by the pump's clock, and for how long it stood when the pump was read."""
    lasted = format_duration_words(max(0, belief.status.uptime_s - alarm.onset_uptime_s))
    return f"since {format_time(alarm.onset_utc_s, belief.clock.utc_offset_min)} (for {lasted} when read)"


class AlarmsScreen(FrameScreen):
    """All alarms; looking at them here is what "read" means."""

    HELP_PAGE = "alarms"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="alarms-scroll"):
            yield Panel("Alarms  (highest priority first)", id="alarms-box")

    def on_screen_resume(self) -> None:
        self.query_one("#alarms-scroll").focus()

    def paint_body(self) -> None:
        box = self.query_one("#alarms-box", Panel)
        box.paint(alarms_text, self.desk, box.content_size.width)
        box.mark_old(old_words(self.desk.view))
        self.desk.see_alarms()
