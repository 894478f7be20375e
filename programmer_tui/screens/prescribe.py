"""Prescribing by dose: the mode, one row per dose, what it all gives, its limits and its chart."""

from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.entry_state import Key
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
from programmer_tui.dose_rows import TOTAL, with_dose
from programmer_tui.draft import Draft
from programmer_tui.editing import Editing
from programmer_tui.screens.dialogs import TimeDialog, reason_dialog, yes_dialog
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.screens.prescribe_text import (
    head_text,
    hint_text,
    limits_text,
    outcome_text,
    preview_text,
    totals_text,
)
from programmer_tui.widgets.dose_entry import DoseEntry, entry_key, row_content
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

    @property
    def editing(self) -> Editing:
        """The cursor and the open field."""
        return self.programmer.editing

    # --- painting -----------------------------------------------------------------------------------------

    def paint_body(self) -> None:
        draft = self.desk.draft
        if draft is None:
            return
        self._paint_rows(draft)
        self.query_one("#dose-head", TextArea).paint(head_text, draft)
        self.query_one("#dose-totals", TextArea).paint(totals_text, draft)
        findings = draft.findings(self.desk.library)
        self.query_one("#limits", Panel).paint(limits_text, draft, self.editing, findings)
        preview = self.query_one("#preview", Panel)
        preview.border_title = f"Preview 24 h   {draft.new.unit}/h"
        preview.paint(preview_text, draft, self.editing, *preview.content_size)
        self.query_one("#prescribe-hint", TextArea).paint(hint_text, self.desk)

    def _paint_rows(self, draft: Draft) -> None:
        wanted = self.editing.rows
        shown = list(self.query(DoseEntry))
        for widget in shown[len(wanted) :]:
            widget.remove()
        added = [DoseEntry(index) for index in range(len(shown), len(wanted))]
        if added:
            self.query_one("#dose-rows").mount(*added)
        for index, widget in enumerate([*shown, *added][: len(wanted)]):
            current = index == self.editing.cursor
            entry = self.editing.entry if current else None
            before = widget.shown
            outcome = partial(self._outcome, draft, index)
            widget.paint(partial(row_content, current=current), wanted[index], entry, outcome)
            if current and widget.shown != before:
                self.call_after_refresh(widget.scroll_visible, animate=False)

    def _outcome(self, draft: Draft, index: int, typed: int) -> str:
        try:
            return outcome_text(with_dose(draft.new, index, typed))
        except PrescriptionError as error:
            return str(error)

    # --- the entry ----------------------------------------------------------------------------------------

    def take_key(self, event: events.Key) -> bool:
        key = entry_key(event)
        taken = self.editing.press(key, self.programmer.key_time_ms(event))
        entry = self.editing.entry
        if taken and key == Key.ENTER and entry is not None and entry.needs_reason:
            self.programmer.open_dialog(reason_dialog([entry.message], self._reasoned))
        return taken

    def take_paste(self, event: events.Paste) -> None:
        self.editing.paste(self.programmer.key_time_ms(event))

    def leave(self, why: str) -> None:
        self.editing.leave(why, self.programmer.key_time_ms(None))

    @property
    def open_entry(self) -> str:
        """The field that is not finished."""
        return self.editing.unfinished

    def on_dose_entry_clicked(self, message: DoseEntry.Clicked) -> None:
        self.editing.go(message.index)
        self.programmer.repaint()

    def _reasoned(self, reason: OverrideReason | None) -> None:
        if reason is not None:
            self.desk.give_reason(reason)
            self.editing.give_reason(REASON_WORDS[reason], self.programmer.key_time_ms(None))

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
            dialog = yes_dialog(
                "Simple continuous?", text, "Keep the pattern", "Give the pattern up", self._simplified
            )
            self.programmer.open_dialog(dialog)

    def _simplified(self, yes: bool | None) -> None:
        if yes and self.desk.edit(as_simple):
            self.editing.go(TOTAL)

    def do_add_step(self) -> None:
        """Ask when a new step starts; it begins with the dose of that time."""
        text = "The new step starts at this time and goes on to the next one, at the dose of this time."
        self.programmer.open_dialog(TimeDialog("Add a step", text, self._added))

    def _added(self, minute: int | None) -> None:
        draft = self.desk.draft
        if minute is None or draft is None:
            return
        if self.desk.edit(lambda held: _with_step_at(held, minute, draft.reach.max_steps)):
            steps = self.desk.draft.new.steps if self.desk.draft is not None else ()
            self.editing.go(1 + [step.start_min for step in steps].index(minute))
            self.desk.notice = f"Step at {format_minute_of_day(minute)} added. Type its dose."

    def do_remove_step(self) -> None:
        """Remove the step under the cursor."""
        step = self._step_under_cursor()
        if step is not None and self.desk.edit(lambda held: without_step(held, step)):
            self.editing.go(step)

    def do_step_time(self) -> None:
        """Ask for another start of the step under the cursor."""
        step = self._step_under_cursor()
        if step is not None:
            text = f"Step {step + 1} starts at another time, between its neighbours."
            self.programmer.open_dialog(TimeDialog("Time of the step", text, partial(self._moved, step)))

    def _moved(self, step: int, minute: int | None) -> None:
        if minute is not None:
            self.desk.edit(lambda held: with_step_start(held, step, minute))

    def _step_under_cursor(self) -> int | None:
        if self.editing.cursor == TOTAL:
            self.desk.notice = "Go to the row of a step first (Down)."
            return None
        return self.editing.cursor - 1


def _with_step_at(held: Prescription, minute: int, max_steps: int) -> Prescription:
    return with_step(held, minute, held.dose_rate_at(minute), max_steps)
