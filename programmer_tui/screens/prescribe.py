"""Prescribing by dose: the mode, one row per dose, what it all gives, its limits and its chart."""

from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import ScreenResume

from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.log_words import REASON_WORDS
from programmer_tui.clinic.prescription import (
    Prescription,
    PrescriptionError,
    as_daily,
    as_simple,
    with_step,
    with_step_start,
    without_step,
)
from programmer_tui.clinic.workflow import Stage
from programmer_tui.draft import Draft
from programmer_tui.screens.dialogs import TimeDialog, reason_dialog, yes_dialog
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.screens.prescribe_text import (
    TOTAL,
    faces,
    head_text,
    hint_text,
    limits_text,
    outcome_text,
    preview_text,
    totals_text,
    with_dose,
)
from programmer_tui.widgets.dose_entry import DoseEntry
from programmer_tui.widgets.panel import Panel, TextArea
from protocol.vocabulary import OverrideReason, ScheduleMode


class PrescribeScreen(FrameScreen):
    """The prescription under edit."""

    HELP_PAGE = "prescribe"

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="prescribe-top"):
            with Vertical(id="prescribe-box") as box:
                box.border_title = "Prescribe"
                yield TextArea(id="dose-head")
                yield VerticalScroll(id="dose-rows", can_focus=False)
                yield TextArea(id="dose-totals")
            with Vertical(id="prescribe-side"):
                yield Panel("Field limits", id="limits")
                yield Panel("Preview 24 h", id="preview")
        yield TextArea(id="prescribe-hint")

    # --- painting -----------------------------------------------------------------------------------------

    def paint_body(self) -> None:
        draft = self.desk.draft
        if draft is None:
            return
        self._sync_rows(draft)
        row = self.current_row
        self.query_one("#dose-head", TextArea).paint(head_text, draft)
        self.query_one("#dose-totals", TextArea).paint(totals_text, draft)
        self.query_one("#limits", Panel).paint(limits_text, draft, row, draft.findings(self.desk.library))
        preview = self.query_one("#preview", Panel)
        preview.border_title = f"Preview 24 h   {draft.new.unit}/h"
        preview.paint(preview_text, draft, row, *preview.content_size)
        self.query_one("#prescribe-hint", TextArea).paint(hint_text, self.desk)

    @property
    def rows(self) -> list[DoseEntry]:
        """The rows in their order."""
        return list(self.query(DoseEntry))

    @property
    def current_row(self) -> DoseEntry | None:
        """The row the keys go to."""
        return self.focused if isinstance(self.focused, DoseEntry) else None

    def _sync_rows(self, draft: Draft) -> None:
        wanted = faces(draft)
        rows = self.rows
        for row, face in zip(rows, wanted, strict=False):
            row.locked = self.desk.stage is not Stage.PRESCRIBE
            if row.face != face:
                row.wear(face)
        for row in rows[len(wanted) :]:
            row.remove()
        new = [
            DoseEntry(index, wanted[index], self.programmer.key_time_ms, partial(self._outcome, index))
            for index in range(len(rows), len(wanted))
        ]
        if new:
            self.query_one("#dose-rows").mount(*new)
            for row in new:
                row.repaint()
        if self.focused is None and self.is_current and self.rows:
            self.set_focus(self.rows[0])

    def _outcome(self, index: int, typed: int) -> str:
        draft = self.desk.draft
        if draft is None:
            return ""
        try:
            return outcome_text(with_dose(draft.new, index, typed))
        except PrescriptionError as error:
            return str(error)

    def on_screen_resume(self, event: ScreenResume) -> None:
        if self.focused is None and self.rows:
            self.set_focus(self.rows[0])

    # --- the entry ----------------------------------------------------------------------------------------

    @property
    def open_entry(self) -> str:
        """The field that is not finished."""
        for row in self.rows:
            if row.entry is not None:
                typed = f"{row.face.name} '{row.entry.text}'"
                return f"{typed} is not accepted yet. Enter accepts it, Esc discards it."
        return ""

    def leave(self, why: str) -> None:
        for row in self.rows:
            row.leave(why, self.programmer.key_time_ms(None))

    def on_dose_entry_accepted(self, message: DoseEntry.Accepted) -> None:
        if self.desk.edit(lambda held: with_dose(held, message.row.index, message.value)):
            shown = message.row.face.spec.shown(message.value)
            self.desk.notice = f"{message.row.face.name} {shown} accepted. Nothing was sent to the pump."
        self.programmer.repaint()

    def on_dose_entry_reason_wanted(self, message: DoseEntry.ReasonWanted) -> None:
        entry = message.row.entry
        if entry is not None:
            self.app.push_screen(reason_dialog([entry.message]), partial(self._reasoned, message.row))

    def _reasoned(self, row: DoseEntry, reason: OverrideReason | None) -> None:
        if reason is not None:
            self.desk.give_reason(reason)
            row.give_reason(REASON_WORDS[reason], self.programmer.key_time_ms(None))

    def on_dose_entry_moved(self, message: DoseEntry.Moved) -> None:
        rows = self.rows
        place = min(max(message.row.index + message.by, 0), len(rows) - 1)
        self.set_focus(rows[place])

    # --- actions of this screen ---------------------------------------------------------------------------

    def do_mode(self) -> None:
        """Switch between simple and daily; a pattern of several steps asks before it is given up."""
        draft = self.desk.draft
        if draft is None:
            return
        if draft.new.mode is ScheduleMode.SIMPLE:
            self.desk.edit(as_daily)
        elif len(draft.new.steps) == 1:
            self.desk.edit(as_simple)
        else:
            text = f"The pattern of {len(draft.new.steps)} steps becomes one rate with the same daily dose."
            dialog = yes_dialog("Simple continuous?", text, "Keep the pattern", "Give the pattern up")
            self.app.push_screen(dialog, self._simplified)

    def _simplified(self, yes: bool | None) -> None:
        if yes and self.desk.edit(as_simple):
            self.set_focus(self.rows[TOTAL])
        self.programmer.repaint()

    def do_add_step(self) -> None:
        """Ask when a new step starts; it begins with the dose of that time."""
        text = "The new step starts at this time and goes on to the next one, at the dose of this time."
        self.app.push_screen(TimeDialog("Add a step", text), self._added)

    def _added(self, minute: int | None) -> None:
        if minute is not None and self.desk.edit(lambda held: _with_step_at(held, minute, self.max_steps)):
            self.programmer.repaint()
            self._focus_step_at(minute)
            self.desk.notice = f"Step at {format_minute_of_day(minute)} added. Type its dose."
        self.programmer.repaint()

    @property
    def max_steps(self) -> int:
        """How many steps this pump holds."""
        draft = self.desk.draft
        return 0 if draft is None else draft.reach.max_steps

    def do_remove_step(self) -> None:
        """Remove the step of the current row."""
        row = self.current_row
        if row is None or row.index == TOTAL:
            self.desk.notice = "Go to the row of a step first (Down)."
        elif self.desk.edit(lambda held: without_step(held, row.index - 1)):
            self.set_focus(self.rows[row.index - 1])
        self.programmer.repaint()

    def do_step_time(self) -> None:
        """Ask for another start of the step of the current row."""
        row = self.current_row
        if row is None or row.index == TOTAL:
            self.desk.notice = "Go to the row of a step first (Down)."
            return
        text = f"{row.face.name} starts at another time, between its neighbours."
        self.app.push_screen(TimeDialog("Time of the step", text), partial(self._moved, row.index - 1))

    def _moved(self, step: int, minute: int | None) -> None:
        if minute is not None:
            self.desk.edit(lambda held: with_step_start(held, step, minute))
        self.programmer.repaint()

    def _focus_step_at(self, minute: int) -> None:
        draft = self.desk.draft
        if draft is None:
            return
        place = next(i for i, step in enumerate(draft.new.steps) if step.start_min == minute)
        self.call_after_refresh(lambda: self.set_focus(self.rows[place + 1]))


def _with_step_at(held: Prescription, minute: int, max_steps: int) -> Prescription:
    return with_step(held, minute, held.dose_rate_at(minute), max_steps)
