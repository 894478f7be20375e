"""The session service: the one object between screens or scripts and the pump.

It owns the client, the transaction state IN_SYNC / PENDING / UNCERTAIN and the last belief. Methods block on
the link and raise `ServiceError`; `view` is always the newest frozen snapshot. An intent is stored before it
is sent; an answer that is lost is shown as unknown and resolved by the pump's receipt, never guessed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from programmer_tui.clinic.readback import verdict_sentence
from programmer_tui.connection import CardDetails, Connector
from programmer_tui.interrogation import interrogate, read_newest_log
from programmer_tui.problems import ServiceError, explain, trouble
from programmer_tui.readback import check_readback
from programmer_tui.records import Intent, RecordsError, StoredPump
from programmer_tui.transaction import APPLIED, judge_receipt, stage_and_verify
from programmer_tui.views import (
    Belief,
    CommitResult,
    LinkHealth,
    Problem,
    Proposal,
    Resolution,
    SessionView,
    Trouble,
    Uncertain,
)
from protocol.client import PumpClient
from protocol.client_errors import ClientError, PumpRefusedError
from protocol.link_error import LinkError
from protocol.messages.log import LogRecord
from protocol.messages.program import ReceiptResponse
from protocol.program import Program, program_digest
from protocol.states import SYNC_TABLE, SyncInput, SyncState, next_state
from protocol.vocabulary import OverrideReason, SoftLimit

INTENT_SIZE: Final = 16


class SessionService:
    """One programmer's work with one pump.

    Args:
        connector: opens sessions and knows the clinic's records.
        link_name: the link as a person names it.
        now_ms: link time in ms, also while the link is down.
        now_utc_s: the programmer's civil time.
        entropy: source of intent ids.
        operator: who sits here, up to 16 octets.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        link_name: str,
        now_ms: Callable[[], int],
        now_utc_s: Callable[[], int],
        entropy: Callable[[int], bytes],
        operator: str = "",
    ) -> None:
        self._connector = connector
        self._records = connector.records
        self._now_ms = now_ms
        self._now_utc_s = now_utc_s
        self._entropy = entropy
        self._client: PumpClient | None = None
        self._pump: StoredPump | None = None
        self._view = SessionView(now_ms(), now_utc_s(), link_name=link_name, operator=operator)

    @property
    def view(self) -> SessionView:
        """The newest snapshot, with the present time."""
        return replace(self._view, now_ms=self._now_ms(), now_utc_s=self._now_utc_s())

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

    def enrol(self, card: CardDetails, label: str) -> None:
        """Bond this programmer to the pump of an implant card.

        Raises:
            ServiceError: as `connect`, and when the card does not fit the pump.
        """
        with self._working("enrolling"):
            self._drop_client()
            self._connector.enrol(card, label)

    def close(self) -> None:
        """Drop a proposal, end the session and close the link. Never raises."""
        try:
            if self._view.proposal is not None:
                self.discard()
        except ServiceError:
            self._update(proposal=None)
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
        self._client, self._pump = self._connector.connect()
        # What was read in an earlier session says nothing of this one: interrogate before editing.
        self._update(link=LinkHealth.OK, problem=None, belief=None)
        if self._view.uncertain is None:
            # Sent and never settled, perhaps before a crash: an uncertain outcome like any other.
            for intent in self._records.open_intents(self._pump.static_public)[:1]:
                self._step(SyncInput.SEND)
                self._become_uncertain(intent)

    # --- reading ----------------------------------------------------------------------------------------

    def interrogate(self) -> Belief:
        """Read everything from the pump: device, status, clock, alarms, program, log state.

        Raises:
            ServiceError: the link failed, or the program read does not match its digest.
        """
        with self._working("interrogating"):
            return self._interrogate()

    def _interrogate(self) -> Belief:
        belief = interrogate(self._require_client(), self._now_ms, self._now_utc_s)
        self._update(belief=belief, problem=None)
        if self._pump is not None:
            self._pump = replace(
                self._pump,
                boot_count=belief.clock.boot_count,
                time_base=belief.clock.time_base,
                log_epoch=belief.log_info.log_epoch,
                log_last_seq=belief.log_info.last_seq,
            )
            self._records.remember_pump(self._pump)
        return belief

    def refresh(self) -> None:
        """Read status and alarms again; a changed program version makes the whole belief be read again.

        Raises:
            ServiceError: the link failed.
        """
        with self._working(""):
            client, belief = self._require_client(), self._view.belief
            status = client.get_status()
            if belief is None or belief.status.program_version != status.program_version:
                self._interrogate()
                return
            alarms = client.get_alarms().alarms
            fresh = replace(belief, status=status, alarms=alarms, read_at_ms=self._now_ms())
            self._update(belief=replace(fresh, read_at_utc_s=self._now_utc_s()))

    def read_log(self, newest: int = 100) -> tuple[LogRecord, ...]:
        """Read the newest log records, oldest first.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("reading the log"):
            records = read_newest_log(self._require_client(), newest)
            self._update(log=records)
            return records

    def receipt(self, intent_id: bytes) -> ReceiptResponse:
        """Ask what became of an intent; the pump keeps the last 16.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("asking for a receipt"):
            return self._require_client().get_receipt(intent_id)

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
        client, intent = self._require_client(), self._intent_of(proposal)
        self._records.store_intent(intent)
        self._records.mark_sent(intent.intent_id)
        self._step(SyncInput.SEND)
        # Whatever comes, the pump does not take this proposal a second time.
        self._update(proposal=None)
        try:
            receipt = client.prog_commit(proposal.handle, proposal.summary.token, soft_ack, reason)
        except PumpRefusedError:
            self._step(SyncInput.ANSWER)
            self._settle(intent.intent_id, applied=False, version=0)
            raise
        except (ClientError, LinkError):
            self._become_uncertain(intent)
            raise
        self._step(SyncInput.ANSWER)
        self._settle(intent.intent_id, applied=receipt.state in APPLIED, version=receipt.version)
        return receipt

    def _intent_of(self, proposal: Proposal) -> Intent:
        return Intent(
            intent_id=proposal.intent_id,
            pump_public=self._pump.static_public if self._pump else b"",
            what=f"program to follow version {proposal.base_version}",
            base_version=proposal.base_version,
            digest=program_digest(proposal.image),
            created_utc_s=self._now_utc_s(),
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
            if self._client is None or not self._client.connected:
                self._connect()
            return self._resolve()

    def _resolve(self) -> Resolution:
        uncertain = self._view.uncertain
        if uncertain is None:
            raise trouble(Trouble.INPUT, "There is no unknown outcome to resolve.")
        receipt = self._require_client().get_receipt(uncertain.intent_id)
        resolution = judge_receipt(uncertain, receipt, self._interrogate())
        self._settle(uncertain.intent_id, applied=resolution.applied, version=receipt.version)
        self._update(uncertain=None, resolution=resolution, problem=None)
        self._step(SyncInput.RESOLVED)
        return resolution

    def _become_uncertain(self, intent: Intent) -> None:
        self._step(SyncInput.LOST)
        note = Uncertain(intent.intent_id, intent.base_version, intent.digest, intent.what, self._now_ms())
        self._update(uncertain=note)

    # --- small parts ------------------------------------------------------------------------------------

    def _settle(self, intent_id: bytes, *, applied: bool, version: int) -> None:
        self._records.settle(intent_id, applied, version, self._now_utc_s())

    def _step(self, happened: SyncInput) -> None:
        self._update(sync=next_state(SYNC_TABLE, self._view.sync, happened))

    def _update(self, **changes: object) -> None:
        self._view = replace(self._view, **changes)  # type: ignore[arg-type]

    def _require_client(self) -> PumpClient:
        if self._client is None:
            raise trouble(Trouble.LINK, "No session with a pump is open.", "Connect first.")
        return self._client

    def _require_certain(self) -> None:
        if self._view.sync is SyncState.UNCERTAIN:
            raise trouble(
                Trouble.UNCERTAIN,
                "The outcome of an earlier command is unknown.",
                "It must be resolved by the pump's receipt before anything else is programmed.",
            )

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def _working(self, doing: str) -> Iterator[None]:
        """Show what is going on, and turn every trouble into a `ServiceError` that the view shows too."""
        self._update(busy=doing)
        try:
            yield
        except ServiceError as error:
            self._update(problem=error.problem)
            raise
        except (ClientError, LinkError, RecordsError) as error:
            if not isinstance(error, PumpRefusedError | RecordsError):
                self._drop_client()
                self._update(link=LinkHealth.LOST, proposal=None)
            problem = explain(error)
            self._update(problem=problem)
            raise ServiceError(problem) from error
        finally:
            self._update(busy="")


def _not_verified(result: CommitResult) -> Problem:
    wrong = ", ".join(check.label for check in result.checks if not check.same)
    return Problem(Trouble.NOT_VERIFIED, verdict_sentence(result.checks), f"Different: {wrong}.")
