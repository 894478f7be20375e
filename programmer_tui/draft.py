"""The prescription under edit: what the pump holds, what is wanted instead, and how far the two are apart."""

from dataclasses import dataclass, replace

from programmer_tui.clinic.drug_library import DrugEntry, DrugLibrary, DrugLibraryError
from programmer_tui.clinic.limits import LimitFinding, PumpReach, judge_prescription
from programmer_tui.clinic.prescription import (
    Prescription,
    PrescriptionError,
    prescription_of_program,
    program_with,
    schedule_of,
)
from programmer_tui.views import Belief
from protocol.program import Program
from protocol.vocabulary import OverrideReason


class DraftError(ValueError):
    """No prescription can be edited; the message says why, for the clinician."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit of the program that was read from the pump.

    Attributes:
        base: the program in the pump, ``base_version`` its version.
        current: the prescription it makes.
        new: the one that is wanted.
        drug: the library's entry of the drug.
        reach: what the pump can be asked for.
        reason: why a soft limit is passed, NONE where no reason was given.
    """

    base: Program
    base_version: int
    current: Prescription
    new: Prescription
    drug: DrugEntry
    reach: PumpReach
    reason: OverrideReason = OverrideReason.NONE

    @property
    def program(self) -> Program:
        """The whole program that would be sent."""
        return program_with(self.base, self.new)

    @property
    def changes(self) -> int:
        """How many things differ from the pump: the mode, and each step that is new, other or gone."""
        before, after = schedule_of(self.current), schedule_of(self.new)
        steps = set(before.steps) ^ set(after.steps)
        return (before.mode is not after.mode) + len({(step.days, step.start_min) for step in steps})

    def findings(self, library: DrugLibrary) -> tuple[LimitFinding, ...]:
        """Return everything about the new prescription that needs a reason or another value."""
        return judge_prescription(self.new, library, self.reach, self.current)

    def edited(self, new: Prescription) -> "Draft":
        """Return the draft with another prescription wanted."""
        return replace(self, new=new)


def draft_of(belief: Belief | None, library: DrugLibrary) -> Draft:
    """Return a draft without any change, made from what was read.

    Raises:
        DraftError: nothing was read, or the pump holds what cannot be edited here.
    """
    if belief is None:
        raise DraftError("The pump was not read in this session. Interrogate it first (F2).")
    if belief.program is None:
        raise DraftError(
            "The pump holds no program. A first program needs a refill, which is not offered here."
        )
    try:
        current = prescription_of_program(belief.program)
        drug = library.entry(current.drug)
    except (PrescriptionError, DrugLibraryError) as error:
        raise DraftError(str(error)) from None
    if drug.unit is not current.unit:
        raise DraftError(
            f"The pump writes {drug.name} in {current.unit}, the drug library in {drug.unit}; "
            "the two are never mixed. Use a library with the pump's unit."
        )
    reach = PumpReach.of_device(belief.device)
    return Draft(belief.program, belief.program_info.version, current, current, drug, reach)


def rebased(draft: Draft, belief: Belief, library: DrugLibrary) -> Draft:
    """Return the same wish on the ground of a newer reading.

    Raises:
        DraftError: the pump now holds another drug, another strength or nothing that can be edited.
    """
    fresh = draft_of(belief, library)
    same_vial = (draft.new.drug, draft.new.conc_ng_ml, draft.new.unit)
    if same_vial != (fresh.current.drug, fresh.current.conc_ng_ml, fresh.current.unit):
        raise DraftError("The pump holds another drug or strength than before; the changes were dropped.")
    return replace(fresh, new=draft.new, reason=draft.reason)
