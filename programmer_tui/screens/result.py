"""Programming and its end: in progress, VERIFIED, NOT VERIFIED, or an unknown outcome and its resolution."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from programmer_tui.clinic.clinical_time import format_age, format_time
from programmer_tui.clinic.readback import format_digest, verdict_sentence
from programmer_tui.clinic.workflow import Stage
from programmer_tui.desk import Desk
from programmer_tui.intents import IntentKind
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.views import CommitResult, Resolution
from programmer_tui.widgets.compare_table import RESULT_HEADS, result_cells, table_lines
from programmer_tui.widgets.panel import Panel, TextArea, hanging
from programmer_tui.widgets.status_rows import LINK_WORDS, offset_min
from protocol.vocabulary import ReceiptState

RECEIPT_WORDS = {
    ReceiptState.UNKNOWN: "the pump does not know this command: it was never applied",
    ReceiptState.STAGED: "staged only: not applied",
    ReceiptState.VERIFIED: "checked only: not applied",
    ReceiptState.COMMITTED: "committed: the new program is in the pump",
    ReceiptState.SCHEDULED: "committed, takes effect later",
    ReceiptState.ABORTED: "dropped: not applied",
    ReceiptState.EXPIRED: "expired: not applied",
}

_NOT_READ_BACK = "NOT VERIFIED - the pump could not be read again. Interrogate it (F2)."


def result_text(desk: Desk, width: int) -> Content:
    """Return what is known of the command that was sent."""
    if desk.stage in (Stage.PROGRAMMING, Stage.READ_BACK):
        return Content("\n".join(_in_progress(width)))
    if desk.uncertain:
        return Content("\n".join(_unknown(desk, width)))
    if desk.resolution is not None:
        return _resolved(desk.resolution, desk, width)
    if desk.result is not None:
        return _read_back(desk.result, desk, width)
    return Content("\n".join(_not_known(desk, width)))


def _in_progress(width: int) -> list[str]:
    text = (
        "The command is on its way. The pump answers with a receipt; then it is read again and every value "
        "is compared. Nothing can be changed until then."
    )
    return [" PROGRAMMING - keep the programmer on the pump.", "", hanging(" ", text, width)]


_MEANING = (
    "The pump holds the old program or the new one, never a mix. Therapy goes on.",
    "This programmer connects again by itself and asks the pump for the receipt of the command.",
    "Until then nothing can be programmed. Do not send it a second time from elsewhere.",
    "F2 asks at once, F7 shows the alarms, F8 the log read so far.",
)


def _unknown(desk: Desk, width: int) -> list[str]:
    view = desk.view
    lines = [" OUTCOME UNKNOWN", ""]
    if view.uncertain is not None:
        since = format_age(max(0, view.now_ms - view.uncertain.since_ms) // 1_000)
        lines += [hanging(" Sent         ", view.uncertain.what, width), f" No answer    since {since}"]
    lines += [
        f" Link         {LINK_WORDS[view.link]}",
        f" Doing        {view.busy or 'waiting to ask again'}",
        "",
        *(hanging(" ", text, width) for text in _MEANING),
    ]
    problem = desk.problem or view.problem
    if problem is not None:
        lines += ["", hanging(" Last problem ", str(problem), width)]
    return lines


def outcome_words(resolution: Resolution) -> str:
    """Return in one sentence what became of a command whose answer was lost."""
    if resolution.kind is not IntentKind.PROGRAM:
        return "APPLIED: the pump did it." if resolution.applied else "NOT APPLIED: the pump did not do it."
    if resolution.applied:
        return "APPLIED: the NEW program is in the pump."
    return "NOT APPLIED: the OLD program runs on."


def _resolved(resolution: Resolution, desk: Desk, width: int) -> Content:
    receipt = resolution.receipt
    source = "LOG" if receipt is None else "RECEIPT"
    lines = ["", hanging(" ", resolution.text, width), ""]
    if receipt is not None:
        lines.append(f" Receipt      {RECEIPT_WORDS[receipt.state]}")
        lines += _receipt_lines(desk, receipt.version, receipt.utc_s, receipt.log_seq)
        lines.append("")
    lines.append(" [Enter] reads the pump again and returns to the overview.")
    head = f" RESOLVED BY THE PUMP'S {source} - {outcome_words(resolution)}\n"
    return Content.assemble((head, "bold"), "\n".join(lines))


def _receipt_lines(desk: Desk, version: int, utc_s: int, log_seq: int) -> list[str]:
    lines = []
    if version:
        lines.append(f" Version      {version}")
    if utc_s:
        lines.append(f" Pump time    {format_time(utc_s, offset_min(desk.view) or 0)}")
    if log_seq:
        lines.append(f" Log record   {log_seq:,}")
    return lines


def _read_back(result: CommitResult, desk: Desk, width: int) -> Content:
    table = table_lines(RESULT_HEADS, result_cells(result.checks), width)
    verdict = verdict_sentence(result.checks) if result.checks else _NOT_READ_BACK
    offset = offset_min(desk.view) or 0
    receipt = result.receipt
    times = (
        f" Time line   {format_time(result.sent_utc_s, offset)} sent"
        f"   {format_time(result.accepted_utc_s, offset)} pump accepted"
        f"   {format_time(result.read_back_utc_s, offset)} read back"
    )
    style = "bold" if result.verified else "bold $fault-ink"
    paper = (
        f" Receipt     version {receipt.version}   checksum {format_digest(receipt.digest)}"
        f"   log record {receipt.log_seq:,}"
    )
    return Content.assemble((f" {verdict}\n", style), f"{paper}\n{times}\n\n", "\n".join(table))


def _not_known(desk: Desk, width: int) -> list[str]:
    lines = [" NOT VERIFIED - it is not known what the pump holds now. Interrogate it (F2).", ""]
    return [*lines, hanging(" ", str(desk.problem), width)] if desk.problem is not None else lines


def foot_text(desk: Desk) -> str:
    """Return what to do next."""
    if desk.stage is Stage.VERIFIED:
        return " [Enter] acknowledge and return to the overview"
    if desk.stage is Stage.UNKNOWN and not desk.uncertain:
        return " [Enter] acknowledge: the pump is read again, then the overview"
    return ""


def result_title(desk: Desk) -> str:
    """Return the title of the box."""
    if desk.result is not None and not desk.uncertain:
        when = format_time(desk.result.read_back_utc_s, offset_min(desk.view) or 0)
        return f"Programming result   {when}"
    return "Programming"


class ResultScreen(FrameScreen):
    """Stays until it is acknowledged."""

    HELP_PAGE = "result"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="result-scroll"):
            yield Panel("Programming", id="result-box")
        yield TextArea(id="result-foot")

    def on_screen_resume(self) -> None:
        self.query_one("#result-scroll").focus()

    def paint_body(self) -> None:
        box = self.query_one("#result-box", Panel)
        box.border_title = result_title(self.desk)
        box.paint(result_text, self.desk, box.content_size.width)
        more = " (Up/Down: more rows)" if self.query_one("#result-scroll").max_scroll_y else ""
        self.query_one("#result-foot", TextArea).paint(lambda: f"{foot_text(self.desk)}{more}")
