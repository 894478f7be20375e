"""One visit of the review: what is shown, which pages were read, and how far the confirmation is."""

from dataclasses import dataclass, replace

from programmer_tui.clinic.confirm_gate import ConfirmGate, GatePhase, open_gate, paste_gate, press_gate
from programmer_tui.clinic.drug_library import DrugLibrary
from programmer_tui.clinic.review import Review, build_review, final_sentence, reentry_value_ng
from programmer_tui.draft import Draft
from programmer_tui.views import Belief, Proposal


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The review of one proposal, from the pump's answer until it is left.

    Attributes:
        review: the rows and findings.
        proposal: what the pump verified.
        sentence: patient, pump, drug and dose, as they will be programmed.
        gate: the confirmation.
        pages: how many pages the screen needs for it; ``page`` counts from 0.
        read: the pages that were marked as read.
    """

    review: Review
    proposal: Proposal
    sentence: str
    gate: ConfirmGate
    pages: int = 1
    page: int = 0
    read: frozenset[int] = frozenset()

    @property
    def pages_unread(self) -> int:
        """How many pages were not marked as read."""
        return self.pages - len(self.read)

    @property
    def is_open(self) -> bool:
        """Whether Esc has something to undo here: a typed dose or an armed confirmation."""
        return self.gate.phase is GatePhase.ARMING or bool(self.gate.entry.text)

    def laid_out(self, pages: int) -> "Reviewing":
        """Return the review cut into ``pages``; another cut than before has to be read again."""
        if pages == self.pages:
            return self
        return replace(self, pages=pages, page=0, read=frozenset())

    def turned(self, by: int) -> "Reviewing":
        """Return the review with another page shown; it stops at the first and the last one."""
        return replace(self, page=min(max(self.page + by, 0), self.pages - 1))

    def marked(self) -> "Reviewing":
        """Return the review with the shown page read.

        The page stays: with a held key, turning by itself would mark pages nobody saw.
        """
        return replace(self, read=self.read | {self.page})

    def pressed(self, key: str, at_ms: int) -> "Reviewing":
        """Return the review after a key reached the confirmation."""
        return replace(self, gate=press_gate(self.gate, key, at_ms))

    def pasted(self, at_ms: int) -> "Reviewing":
        """Return the review after a paste reached the confirmation."""
        return replace(self, gate=paste_gate(self.gate, at_ms))


def start_reviewing(draft: Draft, belief: Belief, proposal: Proposal, library: DrugLibrary) -> Reviewing:
    """Return a fresh review of what the pump verified; nothing is read and nothing is typed."""
    offset_min = draft.base.clock.utc_offset_min
    review = build_review(
        draft.current, draft.new, proposal.summary, draft.findings(library), utc_offset_min=offset_min
    )
    patient = proposal.program.implant.patient_ref or "patient not named"
    sentence = final_sentence(patient, belief.device.serial, draft.new)
    gate = open_gate(reentry_value_ng(draft.new), draft.new.unit)
    return Reviewing(review, proposal, sentence, gate)
