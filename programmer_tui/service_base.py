"""What every part of the session service stands on: the client, the view, and how a therapy command is sent.

An intent is stored before it is sent. A command whose answer is lost makes the state UNCERTAIN, and nothing
that could change therapy goes out until `programmer_tui.session.SessionService.resolve` has settled it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from programmer_tui.connection import Connection, Connector
from programmer_tui.intents import Intent, IntentKind
from programmer_tui.problems import ServiceError, explain, trouble
from programmer_tui.records import RecordsError
from programmer_tui.views import LinkHealth, SessionView, Trouble, Uncertain
from protocol.client import PumpClient
from protocol.client_errors import ClientError, PumpRefusedError, SessionLostError
from protocol.link_error import LinkError
from protocol.messages.registry import by_name
from protocol.pump_session import IDLE_TIMEOUT_S
from protocol.states import SYNC_TABLE, SyncInput, SyncState, next_state

INTENT_SIZE: Final = 16

Answer = TypeVar("Answer")


class ServiceBase:
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
        self._connection: Connection | None = None
        self._view = SessionView(now_ms(), now_utc_s(), link_name=link_name, operator=operator)

    @property
    def view(self) -> SessionView:
        """The newest snapshot, with the present time."""
        return replace(self._view, now_ms=self._now_ms(), now_utc_s=self._now_utc_s())

    @property
    def idle_timeout_s(self) -> int:
        """Silence after which the pump closes the session, in s.

        Raises:
            ServiceError: no session is open.
        """
        session = self._require_client().session
        return IDLE_TIMEOUT_S if session is None else session.idle_timeout_s

    # --- sending ------------------------------------------------------------------------------------------

    def _new_intent(
        self,
        kind: IntentKind,
        what: str,
        base_version: int,
        *,
        digest: bytes = b"",
        subject: int = 0,
        log_seq: int = 0,
    ) -> Intent:
        """Store a new intent; what has no receipt in the pump needs the number of its newest log record."""
        connection = self._require_connection()
        intent = Intent(
            intent_id=self._entropy(INTENT_SIZE),
            pump_public=connection.pump.static_public,
            what=what,
            base_version=base_version,
            digest=digest,
            created_utc_s=self._now_utc_s(),
            kind=kind,
            subject=subject,
            log_seq=log_seq,
            actor_slot=connection.pump.slot,
        )
        self._records.store_intent(intent)
        return intent

    def _send(self, intent: Intent, ask: Callable[[PumpClient], Answer]) -> Answer:
        """Send what carries out a stored ``intent``, and leave the intent open until `_settle` closes it.

        Raises:
            ClientError, LinkError: refused or never sent, so that it is settled as not done; or its answer
                was lost, which leaves it open and the state UNCERTAIN.
        """
        client = self._require_client()
        self._records.mark_sent(intent.intent_id)
        self._step(SyncInput.SEND)
        try:
            answer = ask(client)
        except (ClientError, LinkError) as error:
            never_sent = isinstance(error, SessionLostError) and not error.uncertain
            if never_sent or isinstance(error, PumpRefusedError):
                self._step(SyncInput.ANSWER)
                self._settle(intent.intent_id, applied=False, version=0)
            else:
                self._become_uncertain(intent)
            raise
        self._step(SyncInput.ANSWER)
        return answer

    def _become_uncertain(self, intent: Intent) -> None:
        self._step(SyncInput.LOST)
        note = Uncertain(
            intent.intent_id,
            intent.base_version,
            intent.digest,
            intent.what,
            self._now_ms(),
            intent.kind,
            intent.subject,
            intent.log_seq,
            intent.actor_slot,
        )
        self._update(uncertain=note)

    # --- small parts ------------------------------------------------------------------------------------

    def _settle(self, intent_id: bytes, *, applied: bool, version: int) -> None:
        self._records.settle(intent_id, applied, version, self._now_utc_s())

    def _step(self, happened: SyncInput) -> None:
        self._update(sync=next_state(SYNC_TABLE, self._view.sync, happened))

    def _update(self, **changes: object) -> None:
        self._view = replace(self._view, **changes)  # type: ignore[arg-type]

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise trouble(Trouble.LINK, "No session with a pump is open.", "Connect first.")
        return self._connection

    def _require_client(self) -> PumpClient:
        return self._require_connection().client

    def _require_certain(self) -> None:
        if self._view.sync is SyncState.UNCERTAIN:
            raise trouble(
                Trouble.UNCERTAIN,
                "The outcome of an earlier command is unknown.",
                "It must be resolved by the pump's receipt before anything else is programmed.",
            )

    def _may(self, name: str) -> bool:
        """Return whether the role of this session may send the message of that name."""
        return self._view.role is not None and self._view.role in by_name(name).roles

    def _drop_client(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.client.close()

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
                self._update(link=LinkHealth.LOST, proposal=None, armed=None)
            problem = explain(error)
            self._update(problem=problem)
            raise ServiceError(problem) from error
        finally:
            self._update(busy="")
