"""The main job from end to end without a terminal: what `cisterna demo --check` runs.

Enrol with the implant card, interrogate, change the dose, let the pump verify it, commit, read back, close,
and ask the pump once more in a new session. Each step is told with the time it took.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Final

from programmer_tui.clinic.clinical_format import format_daily_dose
from programmer_tui.clinic.prescription import prescription_of_program, program_with, with_daily_dose
from programmer_tui.connection import CardDetails
from programmer_tui.session import SessionService
from programmer_tui.views import Belief, CommitResult
from protocol.program import DIGEST_SIZE, program_digest
from protocol.vocabulary import DeliveryState, OverrideReason

RAISE: Final = Fraction(9, 8)
"""The demonstrated change: one eighth more, a usual titration step."""


class DemoFailedError(Exception):
    """A step did not do what it must; the text says which and what was found."""


Say = Callable[[str], None]


class DemoCheck:
    """The steps of the check on one session service.

    Args:
        service: a service that is not connected yet.
        card: the pump's implant card.
        say: takes one line for each step.
    """

    def __init__(self, service: SessionService, card: CardDetails, say: Say) -> None:
        self._service = service
        self._card = card
        self._say = say

    def run(self) -> None:
        """Do every step.

        Raises:
            DemoFailedError: a step did not do what it must.
            ServiceError: a step could not be done.
        """
        with self._step("enrol with the implant card"):
            self._service.enrol(self._card, "demo")
        with self._step("open a session"):
            self._service.connect()
        with self._step("interrogate"):
            before = self._interrogate()
        with self._step("change the dose; the pump verifies it"):
            image = self._propose(before)
        with self._step("commit and read back"):
            result = self._commit()
        with self._step("close"):
            self._service.close()
        with self._step("ask again in a new session"):
            self._ask_again(image, result)
        self._service.close()

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._say(f"{1000 * (time.perf_counter() - start):8.1f} ms  {what}")

    def _interrogate(self) -> Belief:
        belief = self._service.interrogate()
        _require(belief.device.serial == self._card.serial, "the serial number is not the card's")
        _require(belief.status.delivery_state is DeliveryState.RUNNING, "the pump is not infusing")
        return belief

    def _propose(self, belief: Belief) -> bytes:
        if belief.program is None:
            raise DemoFailedError("the pump has no program")
        current = prescription_of_program(belief.program)
        new = with_daily_dose(current, current.daily_dose_ng * RAISE)
        proposal = self._service.propose(program_with(belief.program, new))
        old_dose = format_daily_dose(current.delivered_ng_per_day, current.unit)
        new_dose = format_daily_dose(new.delivered_ng_per_day, new.unit)
        self._say(f"             {old_dose} -> {new_dose}, verified by the pump's own arithmetic")
        return proposal.image

    def _commit(self) -> CommitResult:
        proposal = self._service.view.proposal
        if proposal is None:
            raise DemoFailedError("there is no proposal to commit")
        soft = proposal.summary.soft_flags
        reason = OverrideReason.TRAINING if soft else OverrideReason.NONE
        result = self._service.commit(soft, reason)
        _require(result.verified, "the read-back differs from what was sent")
        agreed = sum(check.same for check in result.checks)
        total = len(result.checks)
        self._say(f"             receipt version {result.receipt.version}, {agreed} of {total} values agree")
        return result

    def _ask_again(self, image: bytes, result: CommitResult) -> None:
        self._service.connect()
        belief = self._service.interrogate()
        digest = program_digest(image)[:DIGEST_SIZE]
        _require(belief.program_info.digest == digest, "the pump does not hold the new program")
        _require(belief.status.program_version == result.receipt.version, "the version is not the receipt's")
        receipt = self._service.receipt(result.receipt.intent_id)
        _require(receipt == result.receipt, "the pump's receipt has changed")


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise DemoFailedError(text)
