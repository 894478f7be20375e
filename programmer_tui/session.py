"""The session service: the one object between screens or scripts and the pump.

It owns the client, the transaction state IN_SYNC / PENDING / UNCERTAIN and the last belief. Methods block on
the link and raise `ServiceError`; `view` is always the newest frozen snapshot. An intent is stored before it
is sent; an answer that is lost is shown as unknown and resolved by the pump's receipt, never guessed. What it
reads, cares for and treats is in `reading_calls`, `care_calls` and `therapy_calls`.
"""

from programmer_tui.care_calls import CareCalls
from programmer_tui.clinic.readback import verdict_sentence
from programmer_tui.connection import CardDetails
from programmer_tui.emergency_calls import EmergencyCalls
from programmer_tui.intents import IntentKind
from programmer_tui.outcomes import resolve_outcome
from programmer_tui.problems import ServiceError, trouble
from programmer_tui.readback import check_readback
from programmer_tui.reading_calls import ReadingCalls
from programmer_tui.records import Intent
from programmer_tui.service_base import INTENT_SIZE
from programmer_tui.therapy_calls import TherapyCalls
from programmer_tui.transaction import APPLIED, stage_and_verify
from programmer_tui.views import CommitResult, LinkHealth, Problem, Proposal, Resolution, Trouble
from protocol.messages.program import ReceiptResponse
from protocol.program import Program, program_digest
from protocol.states import SyncInput
from protocol.vocabulary import OverrideReason, Role, SoftLimit


class SessionService(ReadingCalls, CareCalls, TherapyCalls, EmergencyCalls):
    """One programmer's work with one pump; for its arguments see `programmer_tui.service_base`."""

    # --- opening and closing ----------------------------------------------------------------------------

    def connect(self) -> None:
        """Open a session with the bonded pump on the link, and resolve what an earlier one left open.

        Raises:
            ServiceError: no link, no pump, the wrong one, no bond, busy, another version.
        """
        with self._working("connecting"):
            self._connect()
            if self._view.uncertain is not None:
                self._resolve()

    def enrol(self, card: CardDetails, label: str, role: Role = Role.CLINICIAN) -> None:
        """Bond this programmer to the pump of an implant card, in a role.

        Raises:
            ServiceError: as `connect`, and when the card does not fit the pump.
        """
        with self._working("enrolling"):
            self._drop_client()
            self._connector.enrol(card, label, role)

    def close(self) -> None:
        """Drop a proposal and an armed bolus, end the session and close the link. Never raises."""
        try:
            if self._view.proposal is not None:
                self.discard()
            if self._view.armed is not None:
                self.drop_bolus()
        except ServiceError:
            self._update(proposal=None, armed=None)
        finally:
            self._drop_client()
            self._update(link=LinkHealth.DOWN, busy="")

    def keep_alive(self) -> None:
        """Keep the session open.

        Raises:
            ServiceError: the session is lost.
        """
        with self._working(""):
            self._require_client().keepalive()

    def _connect(self) -> None:
        self._drop_client()
        self._update(link=LinkHealth.CONNECTING)
        connection = self._connection = self._connector.connect()
        session = connection.client.session
        # What was read in an earlier session says nothing of this one: interrogate before editing.
        self._update(
            link=LinkHealth.OK,
            problem=None,
            belief=None,
            armed=None,
            role=session.role if session else None,
            in_lab=connection.client.in_lab,
        )
        if self._view.uncertain is None and connection.takes_over:
            # Sent and never settled, perhaps before a crash: an uncertain outcome like any other.
            for intent in self._records.open_intents(connection.pump.static_public)[:1]:
                self._step(SyncInput.SEND)
                self._become_uncertain(intent)

    # --- programming ------------------------------------------------------------------------------------

    def propose(self, program: Program) -> Proposal:
        """Stage ``program`` and let the pump verify it; nothing changes in the therapy.

        Raises:
            ServiceError: no belief yet, an uncertain outcome is open, the pump refuses, or its own
                arithmetic differs from ours.
        """
        with self._working("the pump verifies the program"):
            self._require_certain()
            belief = self._view.belief
            if belief is None:
                raise trouble(Trouble.INPUT, "The pump was not read in this session.", "Interrogate first.")
            self._discard()
            intent_id = self._entropy(INTENT_SIZE)
            base = belief.program_info.version
            proposal = stage_and_verify(self._require_client(), program, base, intent_id)
            self._update(proposal=proposal, result=None, resolution=None, problem=None)
            return proposal

    def discard(self) -> None:
        """Drop the proposal in the pump and here.

        Raises:
            ServiceError: the link failed; the pump drops it with the session.
        """
        with self._working("discarding"):
            self._discard()

    def _discard(self) -> None:
        proposal = self._view.proposal
        self._update(proposal=None)
        if proposal is not None:
            self._require_client().prog_abort(proposal.handle)

    def commit(self, soft_ack: SoftLimit, reason: OverrideReason) -> CommitResult:
        """Make the proposal the pump's program, then read it back and compare every value.

        Raises:
            ServiceError: the pump refused (nothing changed), the outcome is unknown (``Trouble.UNCERTAIN``),
                or the read-back differs (``Trouble.NOT_VERIFIED``; the result is in the view).
        """
        with self._working("programming"):
            self._require_certain()
            proposal = self._view.proposal
            if proposal is None:
                raise trouble(Trouble.INPUT, "There is nothing to program.", "Prescribe and review first.")
            sent_utc_s = self._now_utc_s()
            receipt = self._send_commit(proposal, soft_ack, reason)
            accepted_utc_s = self._now_utc_s()
            belief = self._interrogate()
            checks = check_readback(proposal.program, proposal.image, receipt, belief)
            times = (sent_utc_s, accepted_utc_s, self._now_utc_s())
            result = CommitResult(receipt, checks, soft_ack, reason, *times)
            self._update(result=result)
            if not result.verified:
                raise ServiceError(_not_verified(result))
            return result

    def _send_commit(
        self, proposal: Proposal, soft_ack: SoftLimit, reason: OverrideReason
    ) -> ReceiptResponse:
        intent = self._intent_of(proposal)
        self._records.store_intent(intent)
        # Whatever comes, the pump does not take this proposal a second time.
        self._update(proposal=None)
        receipt: ReceiptResponse = self._send(
            intent,
            lambda pump: pump.prog_commit(proposal.handle, proposal.summary.token, soft_ack, reason),
        )
        self._settle(intent.intent_id, applied=receipt.state in APPLIED, version=receipt.version)
        return receipt

    def _intent_of(self, proposal: Proposal) -> Intent:
        pump = self._require_connection().pump
        return Intent(
            intent_id=proposal.intent_id,
            pump_public=pump.static_public,
            what=f"program to follow version {proposal.base_version}",
            base_version=proposal.base_version,
            digest=program_digest(proposal.image),
            created_utc_s=self._now_utc_s(),
            kind=IntentKind.PROGRAM,
            actor_slot=pump.slot,
        )

    # --- the uncertain state ----------------------------------------------------------------------------

    def resolve(self) -> Resolution:
        """Ask the pump for the receipt of the uncertain intent, connecting first where needed.

        Raises:
            ServiceError: still unknown: no link, or receipt and program contradict each other.
        """
        with self._working("resolving the unknown outcome"):
            if self._view.uncertain is None:
                raise trouble(Trouble.INPUT, "There is no unknown outcome to resolve.")
            if self._connection is None or not self._connection.client.connected:
                self._connect()
            return self._resolve()

    def _resolve(self) -> Resolution:
        uncertain = self._view.uncertain
        if uncertain is None:
            raise trouble(Trouble.INPUT, "There is no unknown outcome to resolve.")
        resolution = resolve_outcome(
            self._require_client(), uncertain, self._interrogate, may_read_log=self._may("LOG_READ")
        )
        version = resolution.receipt.version if resolution.receipt else uncertain.base_version
        self._settle(uncertain.intent_id, applied=resolution.applied, version=version)
        self._update(uncertain=None, resolution=resolution, problem=None)
        self._step(SyncInput.RESOLVED)
        return resolution


def _not_verified(result: CommitResult) -> Problem:
    wrong = ", ".join(check.label for check in result.checks if not check.same)
    return Problem(Trouble.NOT_VERIFIED, verdict_sentence(result.checks), f"Different: {wrong}.")
