"""The first two rows of every screen: SIMULATION and the time; patient, pump, link and age."""

from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from programmer_tui.clinic.clinical_format import format_volume_ml
from programmer_tui.clinic.clinical_time import format_age, format_date_time
from programmer_tui.clinic.freshness import Freshness, freshness
from programmer_tui.views import Belief, LinkHealth, SessionView
from programmer_tui.widgets.panel import TextArea

SIMULATION: Final = "SIMULATION - NOT FOR CLINICAL USE"
LAB: Final = "LAB PLAINTEXT"
LAB_WIDE: Final = "LAB PLAINTEXT: this pump obeys anybody"
"""Beside the simulation line for as long as the pump found last answers without keys."""
WIDE: Final = 110
LINK_WORDS: Final = {
    LinkHealth.DOWN: "LINK down",
    LinkHealth.CONNECTING: "LINK opening",
    LinkHealth.OK: "LINK ok",
    LinkHealth.LOST: "LINK LOST",
}
_MS: Final = 1_000


def offset_min(view: SessionView) -> int | None:
    """Return the offset of the pump's local time from UTC, None before it was read."""
    return None if view.belief is None else view.belief.clock.utc_offset_min


def age_words(view: SessionView) -> str:
    """Return how old the reading is, with OLD where it is, or that nothing was read."""
    if view.age_ms is None:
        return "not read"
    mark = "" if age_of(view) is Freshness.FRESH else " OLD"
    return f"read {format_age(view.age_ms // _MS)}{mark}"


def age_of(view: SessionView) -> Freshness:
    """Return how fresh the reading is."""
    return freshness(None if view.age_ms is None else 0, view.age_ms or 0)


def old_words(view: SessionView) -> str:
    """Return the words that mark old values in a frame, empty where they are fresh or there are none."""
    if view.age_ms is None:
        return ""
    if view.link is not LinkHealth.OK:
        return f"OLD - {LINK_WORDS[view.link]}, {age_words(view)}"
    return "" if age_of(view) is Freshness.FRESH else f"OLD - {age_words(view)}"


def two_ends(left: str, right: str, width: int) -> str:
    """Return both texts in one line of ``width`` cells; where they do not fit, one space parts them."""
    return f" {left}{' ' * max(1, width - len(left) - len(right) - 2)}{right} "


def simulation_line(view: SessionView, width: int) -> str:
    """Return the first row: the simulation line, lab plaintext where there is, the programmer's time."""
    lab = f"{SIMULATION} - {LAB_WIDE if width >= WIDE else LAB}"
    offset = offset_min(view)
    now = format_date_time(view.now_utc_s, offset or 0, weekday=True)
    zone = " UTC" if offset is None else ""
    return two_ends(lab if view.in_lab else SIMULATION, f"{now}{zone}", width)


def identity_line(view: SessionView, width: int) -> str:
    """Return the second row: patient, pump, link and age of the reading."""
    right = f"{LINK_WORDS[view.link]}  {age_words(view)}"
    if view.belief is None:
        return two_ends(f"Patient --  not read   Pump {view.link_name or '--  not read'}", right, width)
    return two_ends(_who(view.belief, wide=width >= WIDE), right, width)


def _who(belief: Belief, *, wide: bool) -> str:
    patient = (
        "--  no program" if belief.program is None else belief.program.implant.patient_ref or "--  not named"
    )
    if not wide:
        return f"{patient}   Pump {belief.device.serial}"
    size = format_volume_ml(belief.device.reservoir_capacity_nl)
    return f"Patient {patient}    Pump model {belief.device.model}  S/N {belief.device.serial}  {size}"


class StatusRows(Vertical):
    """Rows 1 and 2."""

    def compose(self) -> ComposeResult:
        yield TextArea(f" {SIMULATION}", id="simulation")
        yield TextArea(" Patient --  not read", id="identity")

    def paint(self, view: SessionView) -> None:
        """Paint both rows."""
        width = self.app.size.width
        self.query_one("#simulation", TextArea).paint(lambda: Content(simulation_line(view, width)))
        self.query_one("#identity", TextArea).paint(lambda: Content(identity_line(view, width)))
