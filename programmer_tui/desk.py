"""The clinician's desk: the stage of the work, the draft, the review and what was asked of the pump.

Screens draw what lies here and hand in wishes; whether a wish is granted is decided by the table in
`programmer_tui.clinic.workflow` alone. Nothing here blocks, knows a screen or reads a clock.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from programmer_tui.clinic.alarm_words import standing
from programmer_tui.clinic.confirm_gate import PROGRAM_KEY
from programmer_tui.clinic.drug_library import DrugLibrary, shipped_library
from programmer_tui.clinic.freshness import freshness
from programmer_tui.clinic.limits import hard_findings
from programmer_tui.clinic.prescription import Prescription, PrescriptionError
from programmer_tui.clinic.workflow import Event, Facts, Flow, Stage, advance, blockers
from programmer_tui.draft import Draft, DraftError, draft_of, rebased
from programmer_tui.outbox import Answer, Outbox
from programmer_tui.reviewing import Reviewing, start_reviewing
from programmer_tui.service_port import ServicePort
from programmer_tui.views import Belief, CommitResult, LinkHealth, Problem, Resolution, Trouble
from protocol.messages.alarms import Alarm
from protocol.states import SyncState
from protocol.vocabulary import OverrideReason

REFRESH_MS: Final = 5_000
"""How often the pump is asked for status and alarms while nothing else is going on."""
LOG_PAGE: Final = 100
LATEST_EVENTS: Final = 20
IN_FLIGHT: Final = frozenset({Stage.VERIFYING, Stage.PROGRAMMING, Stage.READ_BACK})
_NOTHING_CHANGED: Final = frozenset({Trouble.REFUSED, Trouble.CHANGED, Trouble.BUSY, Trouble.RECORDS})
"""Ends of a commit that surely left the pump as it was; every other one makes its program UNKNOWN."""


class Desk:
    """What one clinician has before them; made for one service, used from one thread."""

    def __init__(self, port: ServicePort, library: DrugLibrary | None = None) -> None:
        self.library = shipped_library() if library is None else library
        self.outbox = Outbox(port)
        self._port = port
        self.view = port.view
        self.flow = Flow()
        self.draft: Draft | None = None
        self.reviewing: Reviewing | None = None
        self.result: CommitResult | None = None
        self.resolution: Resolution | None = None
        self.problem: Problem | None = None
        self.notice = ""
        self.end_reason = ""
        self.seen_alarms: frozenset[int] = frozenset()
        self.log_wanted = LOG_PAGE
        self._known_resolution = self.view.resolution
        self._asked_at_ms = self.view.now_ms

    # --- what is so now -----------------------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        """Where the clinician is."""
        return self.flow.stage

    @property
    def uncertain(self) -> bool:
        """Whether the outcome of a command is not known."""
        return self.view.sync is SyncState.UNCERTAIN

    @property
    def pending(self) -> int:
        """Changes made and not sent."""
        return 0 if self.draft is None else self.draft.changes

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms that stand, highest priority first."""
        return () if self.view.belief is None else standing(self.view.belief.alarms)

    @property
    def in_flight(self) -> bool:
        """Whether a command for the pump waits for its answer."""
        return self.stage in IN_FLIGHT

    def facts(self) -> Facts:
        """Return what the guards of the workflow look at."""
        belief, draft, reviewing = self.view.belief, self.draft, self.reviewing
        findings = () if draft is None else draft.findings(self.library)
        read_at_ms = None if belief is None else min(belief.read_at_ms, self.view.now_ms)
        return Facts(
            link_up=self.view.link is LinkHealth.OK,
            freshness=freshness(read_at_ms, self.view.now_ms),
            pump_changed=belief is not None and _changed(belief),
            uncertain=self.uncertain,
            pending=self.pending,
            hard_findings=len(hard_findings(findings)),
            reasons_missing=self._reasons_missing(),
            summary_agrees=reviewing is not None and not reviewing.review.disagreements,
            pages_unread=1 if reviewing is None else reviewing.pages_unread,
            gate_confirmed=reviewing is not None and reviewing.gate.confirmed,
            unread_alarms=sum(alarm.instance not in self.seen_alarms for alarm in self.alarms),
            end_reason_given=bool(self.end_reason),
        )

    def _reasons_missing(self) -> int:
        if self.reviewing is None or self.draft is None or self.draft.reason is not OverrideReason.NONE:
            return 0
        return len(self.reviewing.review.reasons_needed)

    def why_not(self, event: Event, facts: Facts | None = None) -> tuple[str, ...]:
        """Return why ``event`` cannot happen now, empty where it can; ``facts`` are those of now."""
        why = blockers(self.flow, event, self.facts() if facts is None else facts)
        if not why and event is Event.PRESCRIBE and self.draft is None:
            try:
                draft_of(self.view.belief, self.library)
            except DraftError as error:
                return (str(error),)
        return why

    # --- time goes on -------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Take the newest view and the answers that have come."""
        self.view = self._port.view
        self.outbox.deliver()
        self.view = self._port.view
        self._see_resolution()
        self._keep_draft_on_its_ground()
        self._lose_link()
        self._refresh()

    def _see_resolution(self) -> None:
        if self.view.resolution is not self._known_resolution:
            self._known_resolution = self.view.resolution
            self.resolution = self.view.resolution

    def _keep_draft_on_its_ground(self) -> None:
        belief = self.view.belief
        if self.draft is None or belief is None or belief.program_info.version == self.draft.base_version:
            return
        if not self.in_flight:
            self._drop_review()
        try:
            self.draft = rebased(self.draft, belief, self.library)
        except DraftError as error:
            self.draft = None
            if self.stage is Stage.PRESCRIBE:
                self._happened(Event.BACK)
            self.notice = str(error)
            return
        if self.draft.changes:
            self.notice = "The pump's program changed since it was read; compare the changes again."
        elif self.stage is not Stage.PRESCRIBE:
            self.draft = None

    def _lose_link(self) -> None:
        """Leave what needs the link; a request on its way is left to its own answer."""
        waits = self.in_flight or self.stage is Stage.INTERROGATING
        if self.view.link is LinkHealth.LOST and not waits and self._drop_review():
            self.notice = "The link was lost: the review must be started again. The changes are kept."

    def _drop_review(self) -> bool:
        """Leave a review that lost its ground, also one behind alarms or log; tell whether there was one.

        The workflow's word for it is the loss of the link: what was staged is gone, the edit goes on.
        """
        self.flow = advance(self.flow, Event.LINK_LOST, self.facts()).flow
        dropped, self.reviewing = self.reviewing is not None, None
        return dropped

    def _refresh(self) -> None:
        due = self.view.now_ms - self._asked_at_ms >= REFRESH_MS
        idle = not self.outbox.waiting and not self.view.busy and not self.uncertain
        settled = (
            self.view.belief is not None and not self.in_flight and self.stage is not Stage.INTERROGATING
        )
        if due and idle and settled and self.view.link is LinkHealth.OK:
            self._ask("refresh", then=_nothing)

    def _ask(self, name: str, *args: object, then: Callable[[Answer], None]) -> None:
        self._asked_at_ms = self.view.now_ms
        self.outbox.send(name, *args, then=then)

    # --- connecting and reading ---------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the link and read the pump."""
        if "connect" in self.outbox.waiting:
            self.notice = "The link is being opened already."
            return
        self.problem = None
        self._ask("connect", then=self._connected)

    def _connected(self, answer: Answer) -> None:
        self.problem = answer.problem
        self.view = self._port.view
        if answer.problem is None and self._happened(Event.LINK_OPENED):
            self._read()

    def interrogate(self) -> None:
        """Read the pump again; a link that is down is opened first, an unknown outcome is resolved."""
        if self.stage is Stage.CONNECT:
            self.connect()
        elif self.uncertain:
            self.notice = "Asking the pump for the receipt of the last command."
            self._ask("resolve", then=self._took)
        elif self._happened(Event.INTERROGATE):
            self.result, self.reviewing = None, None
            if self.view.link is LinkHealth.OK:
                self._read()
            else:
                self._ask("connect", then=self._reconnected)

    def _reconnected(self, answer: Answer) -> None:
        if answer.problem is None:
            self._read()
        else:
            self._was_read(answer)

    def _read(self) -> None:
        self._ask("interrogate", then=self._was_read)

    def _was_read(self, answer: Answer) -> None:
        self.view = self._port.view
        self.problem = answer.problem
        self._happened(Event.READ_DONE if answer.problem is None else Event.READ_FAILED)
        if self.stage is Stage.OVERVIEW:
            self._ask("read_log", LATEST_EVENTS, then=_nothing)

    def _took(self, answer: Answer) -> None:
        self.problem = answer.problem

    # --- looking ------------------------------------------------------------------------------------------

    def open_alarms(self) -> None:
        """Show the alarms; looking at them is what "read" means."""
        if self._happened(Event.ALARMS):
            self.see_alarms()

    def see_alarms(self) -> None:
        """Note that the alarms that stand now are before the clinician's eyes."""
        self.seen_alarms |= {alarm.instance for alarm in self.alarms}

    def open_log(self) -> None:
        """Show the log and read it."""
        if self.stage is Stage.LOG or self._happened(Event.LOG):
            self.read_log(self.log_wanted)

    def read_log(self, newest: int) -> None:
        """Read the newest records, where the link is up; what was read before stays."""
        self.log_wanted = newest
        if self.view.link is LinkHealth.OK and not self.uncertain and "read_log" not in self.outbox.waiting:
            self._ask("read_log", newest, then=self._log_read)

    def _log_read(self, answer: Answer) -> None:
        if answer.problem is not None:
            self.notice = str(answer.problem)

    def back(self) -> None:
        """Go back one screen; pending changes stay."""
        was_review = self.stage is Stage.REVIEW
        if self._happened(Event.BACK) and was_review:
            self._leave_review()

    # --- editing ------------------------------------------------------------------------------------------

    def prescribe(self) -> None:
        """Open the prescription for editing."""
        why = self.why_not(Event.PRESCRIBE)
        if why:
            self.notice = " ".join(why)
        elif self._happened(Event.PRESCRIBE) and self.draft is None:
            self.draft = draft_of(self.view.belief, self.library)

    def edit(self, change: Callable[[Prescription], Prescription]) -> bool:
        """Change the draft's prescription; return whether that was possible, else the notice says why."""
        if self.draft is None:
            return False
        try:
            self.draft = self.draft.edited(change(self.draft.new))
        except PrescriptionError as error:
            self.notice = str(error)
            return False
        self.notice = ""
        return True

    def give_reason(self, reason: OverrideReason) -> None:
        """Note why soft limits are passed."""
        if self.draft is not None:
            self.draft = replace(self.draft, reason=reason)

    def discard(self) -> None:
        """Drop all changes and what the pump was asked to check."""
        if self.stage is Stage.REVIEW:
            self._happened(Event.BACK)
        if self.reviewing is not None:
            self._leave_review()
        self.draft = None
        if self.stage is Stage.PRESCRIBE:
            self._happened(Event.BACK)
        elif self.flow.came_from in {Stage.PRESCRIBE, Stage.REVIEW}:
            self.flow = Flow(self.stage)
        self.notice = "The changes were discarded. The program in the pump was not touched."

    def _leave_review(self) -> None:
        self.reviewing = None
        self._ask("discard", then=_nothing)

    # --- review and programming ---------------------------------------------------------------------------

    def ask_review(self) -> None:
        """Send the changed program to the pump for checking; its answer opens the review."""
        if self.draft is not None and self._happened(Event.REVIEW):
            self.problem = None
            self._ask("propose", self.draft.program, then=self._proposed)

    def _proposed(self, answer: Answer) -> None:
        self.view = self._port.view
        self.problem = answer.problem
        if answer.problem is not None or self.draft is None or self.view.belief is None:
            self._happened(Event.REFUSED)
            return
        self.reviewing = start_reviewing(self.draft, self.view.belief, answer.value, self.library)
        self._happened(Event.SUMMARY)

    def gate_key(self, key: str, at_ms: int) -> None:
        """Hand one key to the confirmation; F9 counts only when nothing else is in the way."""
        if self.reviewing is None:
            return
        open_otherwise = replace(self.facts(), gate_confirmed=True)
        why = blockers(self.flow, Event.PROGRAM, open_otherwise) if key == PROGRAM_KEY else ()
        self.notice = " ".join(why)
        self.reviewing = self.reviewing.pressed("blocked" if why else key, at_ms)
        if self.reviewing.gate.confirmed:
            self._program(self.reviewing)

    def _program(self, reviewing: Reviewing) -> None:
        if self.draft is None or not self._happened(Event.PROGRAM):
            self.reviewing = None
            return
        needed = bool(reviewing.review.reasons_needed)
        reason = self.draft.reason if needed else OverrideReason.NONE
        self.result, self.resolution, self.problem = None, None, None
        self._ask("commit", reviewing.proposal.summary.soft_flags, reason, then=self._committed)

    def _committed(self, answer: Answer) -> None:
        self.view = self._port.view
        self.problem = answer.problem
        self.reviewing = None
        if answer.problem is None:
            self.result, self.draft = answer.value, None
            self._happened(Event.ACCEPTED)
            self._happened(Event.SAME if answer.value.verified else Event.DIFFERS)
        elif answer.problem.trouble in _NOTHING_CHANGED and not self.uncertain:
            self._happened(Event.REFUSED)
        else:
            # A read-back that differs is in the view; without one, nothing is known of it.
            self.result = self.view.result
            self._happened(Event.NO_ANSWER)

    def acknowledge(self) -> None:
        """Leave the result: verified goes to the overview, anything else reads the pump again."""
        if self.stage is Stage.VERIFIED:
            self._happened(Event.ACKNOWLEDGE)
            self.result = None
        elif self.stage is Stage.UNKNOWN and not self.uncertain:
            self.resolution = None
            self.interrogate()

    def resolution_seen(self) -> None:
        """Note that the clinician has read how an unknown outcome was resolved."""
        self.resolution = None

    # --- the end ------------------------------------------------------------------------------------------

    def end(self, reason: str) -> bool:
        """End the session; return whether it may end, ``reason`` says why where something is still open."""
        self.end_reason = reason
        return self._happened(Event.QUIT)

    def _happened(self, event: Event) -> bool:
        move = advance(self.flow, event, self.facts())
        self.flow = move.flow
        self.notice = " ".join(move.refused)
        return not move.refused


def _changed(belief: Belief) -> bool:
    return belief.status.program_version != belief.program_info.version


def _nothing(answer: Answer) -> None:
    """Take an answer that changes nothing but the view."""
