"""The review: in the pump now, will be sent, pump computes, change; then the typed dose, F9, a second, Y.

Every key comes to this screen first, and every key, also one that means nothing here, breaks the silence
that the confirmation needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.content import Content

from programmer_tui.clinic.confirm_gate import MOUSE, GatePhase, view_gate
from programmer_tui.clinic.entry_state import Key
from programmer_tui.clinic.log_words import REASON_WORDS
from programmer_tui.desk import Desk
from programmer_tui.reviewing import Reviewing
from programmer_tui.screens.dialogs import reason_dialog
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.widgets.compare_table import REVIEW_HEADS, review_cells, table_lines
from programmer_tui.widgets.dose_entry import entry_key
from programmer_tui.widgets.panel import Panel, TextArea, hanging
from programmer_tui.widgets.status_rows import old_words
from protocol.vocabulary import OverrideReason

FIELD_CELLS: Final = 9
_FOOT_LINES: Final = 5
_FRAME_LINES: Final = 2
_FIXED: Final = 2
"""Lines of each page that are not rows: the heading and the checks."""
ELSEWHERE: Final = "elsewhere"
"""What the confirmation is told of a key that is not meant for it: it breaks the silence all the same."""
_ACTIONS: Final = {" ": "page_read", "pagedown": "page_next", "pageup": "page_back", "tab": "reason"}
_PASSED_ON: Final = frozenset({"f1", "f2", "f3", "f7", "f8", "ctrl+p", "ctrl+d", "ctrl+q", "ctrl+t"})


@dataclass(frozen=True, slots=True)
class Page:
    """What one page shows: a run of table lines, or sentences about limits."""

    lines: tuple[str, ...]


def review_pages(desk: Desk, reviewing: Reviewing, width: int, height: int) -> tuple[Page, ...]:
    """Return the pages of the review for an area of ``width`` by ``height`` cells; none is ever cut."""
    head, *rows = table_lines(REVIEW_HEADS, review_cells(reviewing.review.rows), width)
    room = max(1, height - _FIXED)
    pages = [Page((head, *rows[start : start + room])) for start in range(0, len(rows), room)]
    notes = [
        line for head, text in _notes(desk, reviewing) for line in hanging(head, text, width).splitlines()
    ]
    pages += [Page(tuple(notes[start : start + room])) for start in range(0, len(notes), room)]
    return tuple(pages)


def _notes(desk: Desk, reviewing: Reviewing) -> Iterable[tuple[str, str]]:
    """The page of limits: everything that blocks, everything that needs a reason, and the reason."""
    review = reviewing.review
    yield from (("! HARD LIMIT  ", finding.text) for finding in review.hard)
    yield from (("* SOFT LIMIT  ", sentence) for sentence in review.reasons_needed)
    if review.rounding:
        yield "  ROUNDING    ", review.rounding
    if review.reasons_needed:
        reason = OverrideReason.NONE if desk.draft is None else desk.draft.reason
        given = "NOT GIVEN - press Tab" if reason is OverrideReason.NONE else REASON_WORDS[reason]
        yield "  REASON      ", given


def checks_line(desk: Desk, reviewing: Reviewing) -> str:
    """Return the line of checks: limits and the pump's own arithmetic."""
    review, facts = reviewing.review, desk.facts()
    hard = "OK" if not review.hard else "PASSED"
    soft = (
        "OK"
        if not review.reasons_needed
        else "REASON GIVEN"
        if not facts.reasons_missing
        else "REASON NEEDED"
    )
    same = "agrees" if not review.disagreements else "DIFFERS"
    return f"  Checks:  hard limits {hard}   soft limits {soft}   pump {same}"


def page_text(desk: Desk, reviewing: Reviewing, pages: tuple[Page, ...]) -> Content:
    """Return the shown page; changed rows are bold, and marked by a sign and a word."""
    page = pages[min(reviewing.page, len(pages) - 1)]
    lines = [
        Content.styled(line, "bold $change-ink") if line[:1] in "*!" and line else Content(line)
        for line in page.lines
    ]
    return Content("\n").join([*lines, checks_line(desk, reviewing)])


def foot_text(reviewing: Reviewing, now_ms: int) -> Content:
    """Return the lines below: pages read, the typed dose, what the confirmation waits for, the sentence."""
    gate = reviewing.gate
    entry = gate.entry
    marks = "  ".join(
        f"[{'x' if page in reviewing.read else ' '}] {page + 1}" for page in range(reviewing.pages)
    )
    changed = reviewing.review.changed_count
    shown = view_gate(gate, now_ms)
    badge = (
        f"  !! {entry.badge}" if entry.badge else "  matches" if gate.phase is not GatePhase.TYPING else ""
    )
    last = f" {entry.message}" if entry.message else f" {reviewing.sentence}"
    return Content.assemble(
        f" Pages read  {marks}    {changed} changed row{'' if changed == 1 else 's'}, marked by *\n",
        " To program, type the new daily dose:  ",
        (f"{entry.text + '_':<{FIELD_CELLS}}", "bold $field-ink on $field"),
        f" {entry.spec.unit}",
        (f"{badge}\n", "bold $fault-ink" if entry.badge else ""),
        (f" {shown.text}\n", "bold reverse" if shown.ready else ""),
        (last, "$fault-ink" if entry.message else "bold"),
    )


class ReviewScreen(FrameScreen):
    """The last look before programming."""

    HELP_PAGE = "review"

    def compose_body(self) -> ComposeResult:
        yield Panel("Review before programming", id="review-box")
        yield TextArea(id="review-foot")

    def paint_body(self) -> None:
        if self.desk.reviewing is None:
            return
        box = self.query_one("#review-box", Panel)
        width, height = self._room()
        pages = review_pages(self.desk, self.desk.reviewing, width, height)
        self.desk.reviewing = reviewing = self.desk.reviewing.laid_out(len(pages))
        place = f"page {reviewing.page + 1} of {reviewing.pages}"
        box.border_title = f"Review before programming   {place}   read all, then press Space"
        box.paint(page_text, self.desk, reviewing, pages)
        box.mark_old(old_words(self.desk.view))
        self.query_one("#review-foot", TextArea).paint(
            foot_text, reviewing, self.programmer.key_time_ms(None)
        )

    def _room(self) -> tuple[int, int]:
        """Return the cells inside the box; computed, as the box must not depend on what it shows."""
        body = self.query_one("#body").size
        return body.width - _FRAME_LINES, body.height - _FRAME_LINES - _FOOT_LINES

    # --- keys ---------------------------------------------------------------------------------------------

    def take_key(self, event: events.Key) -> bool:
        reviewing = self.desk.reviewing
        if reviewing is None:
            return False
        key = entry_key(event)
        at_ms = self.programmer.key_time_ms(event)
        leaving = key == Key.ESCAPE and not reviewing.is_open
        if key in _PASSED_ON or leaving:
            self.desk.gate_key(ELSEWHERE, at_ms)
            return False
        action = _ACTIONS.get(key)
        self.desk.gate_key(key if action is None else ELSEWHERE, at_ms)
        if action is not None:
            self.programmer.perform(action)
        return True

    def take_paste(self, event: events.Paste) -> None:
        if self.desk.reviewing is not None:
            self.desk.reviewing = self.desk.reviewing.pasted(self.programmer.key_time_ms(event))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.desk.gate_key(MOUSE, self.programmer.key_time_ms(event))

    # --- actions of this screen ---------------------------------------------------------------------------

    def do_page_read(self) -> None:
        """Mark the shown page as read."""
        if self.desk.reviewing is not None:
            self.desk.reviewing = self.desk.reviewing.marked()

    def do_page_next(self) -> None:
        """Show the next page."""
        self._turn(1)

    def do_page_back(self) -> None:
        """Show the page before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        if self.desk.reviewing is not None:
            self.desk.reviewing = self.desk.reviewing.turned(by)

    def do_reason(self) -> None:
        """Ask why soft limits are passed."""
        if self.desk.reviewing is not None:
            sentences = self.desk.reviewing.review.reasons_needed
            self.programmer.open_dialog(reason_dialog(sentences, self._reasoned))

    def _reasoned(self, reason: OverrideReason | None) -> None:
        if reason is not None:
            self.desk.give_reason(reason)
