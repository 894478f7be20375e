"""A programmer that keeps to the rules: one order at a time, an intent before each, and no guessing.

What became of an order whose answer is lost is found out in a new session by the real programmer's code:
`programmer_tui.outcomes` asks for the receipt, or reads the log where the order carries no intent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from support.ward.ledger import Key
from support.ward.world import Handle, World

from programmer_tui.intents import IntentKind
from programmer_tui.interrogation import interrogate
from programmer_tui.outcomes import resolve_outcome
from programmer_tui.views import Belief, Uncertain
from protocol.client import BondKey, PumpClient
from protocol.client_errors import ClientError, PumpRefusedError, SessionLostError
from protocol.frame import Direction
from protocol.link_error import LinkError
from protocol.messages.delivery import (
    BolusCancelRequest,
    BolusStartRequest,
    PatientBolusRequest,
    SetDeliveryRequest,
)
from protocol.messages.errors import ErrorBody
from protocol.messages.program import ProgCommitRequest
from protocol.messages.refill import RefillRecordRequest
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.vocabulary import ClientKind

KINDS: Final[dict[type, IntentKind]] = {
    ProgCommitRequest: IntentKind.PROGRAM,
    BolusStartRequest: IntentKind.BOLUS,
    PatientBolusRequest: IntentKind.PATIENT_BOLUS,
    RefillRecordRequest: IntentKind.REFILL,
    BolusCancelRequest: IntentKind.CANCEL,
    SetDeliveryRequest: IntentKind.DELIVERY,
}


class Lost:
    """No answer, and no session any more."""


LOST: Final = Lost()
Answer = Any
"""A response body, an `ErrorBody`, or `LOST`."""


@dataclass(frozen=True)
class Order:
    """A therapy request on its way: what the programmer wrote down before it sent it."""

    body: Any
    key: Key
    intent: bytes
    since_seq: int
    base_version: int
    digest: bytes


class Programmer:
    """One programmer with its bond.

    Args:
        world: the line to the pump.
        bond: its key.
        entropy: of its handshakes and intents.
        reads_programs: the pump holds real programs, so that a receipt is compared with what it holds.
    """

    def __init__(
        self,
        world: World,
        bond: BondKey,
        entropy: Callable[[int], bytes],
        *,
        reads_programs: bool = True,
    ) -> None:
        self._reads_programs = reads_programs
        self._world = world
        self._ledger = world.ledger
        self._bond = bond
        self._entropy = entropy
        self._client: PumpClient | None = None
        self._handle: Handle | None = None
        self.uncertain: Order | None = None

    @property
    def slot(self) -> int:
        return self._bond.slot

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    def new_intent(self) -> bytes:
        return self._entropy(16)

    # --- sessions -----------------------------------------------------------------------------------------

    def connect(self) -> bool:
        """Open a session; tell whether it worked."""
        self._world.remember()
        self._handle = handle = self._world.open_handle()
        self._client = client = PumpClient(
            handle, entropy=self._entropy, client_kind=ClientKind.TESTER, plaintext_tap=self._tap
        )
        try:
            client.connect(self._bond)
        except (ClientError, LinkError):
            self._client = None
            return False
        return True

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _tap(self, direction: Direction, plaintext: bytes) -> None:
        if direction is Direction.TO_PUMP:
            assert self._client is not None
            assert self._client.grant is not None
            assert self._handle is not None
            session_id = self._client.grant.session_id
            self._handle.key = self._ledger.ask(session_id, self.slot, plaintext)

    def ask(self, body: object) -> Answer:
        """Send a request and wait for what becomes of it."""
        client, handle = self._client, self._handle
        if client is None or handle is None or not client.connected:
            return LOST
        try:
            answer = client.request(body)
        except PumpRefusedError as error:
            answer = ErrorBody(error.spec.request_opcode, error.code, error.field, error.detail)
        except SessionLostError:
            self._client = None
            return LOST
        assert handle.key is not None
        self._ledger.answered(handle.key, answer)
        return answer

    def listen(self, ms: int) -> None:
        """Hear what the pump says unasked."""
        if self._client is not None:
            try:
                self._client.listen(ms)
            except LinkError:
                self._client = None

    # --- orders -------------------------------------------------------------------------------------------

    def order(self, body: object, intent: bytes = b"", digest: bytes = b"") -> Answer:
        """Send a therapy request; what became of it is claimed, or stands in ``uncertain``.

        Args:
            body: the request.
            intent: its intent, empty where it carries none.
            digest: SHA-256 of the program it makes, empty where it makes none.
        """
        assert self.uncertain is None
        noted = self.ask(GetStatusRequest())
        if not isinstance(noted, GetStatusResponse):
            return noted
        if not self.connected or self._handle is None:
            return LOST
        before = self._handle.key
        answer = self.ask(body)
        key = self._handle.key
        assert key is not None
        if key == before:
            return LOST
        if isinstance(answer, Lost):
            self.uncertain = Order(body, key, intent, noted.log_last_seq, noted.program_version, digest)
        else:
            self._ledger.claim(key, not isinstance(answer, ErrorBody))
        return answer

    def resolve(self) -> bool:
        """Find out what became of the uncertain order, in a new session where none is open."""
        order = self.uncertain
        if order is None:
            return True
        if not self.connected and not self.connect():
            return False
        client = self._client
        assert client is not None
        try:
            found = resolve_outcome(client, self._note_of(order), self._interrogate, may_read_log=True)
        except (ClientError, LinkError):
            if not client.connected:
                self._client = None
            return False
        self.uncertain = None
        self._ledger.claim(order.key, found.applied, absolute=not order.intent)
        return True

    def _note_of(self, order: Order) -> Uncertain:
        """The uncertain outcome as the clinic's records keep it."""
        kind = KINDS[type(order.body)]
        if kind is IntentKind.PROGRAM and not self._reads_programs:
            kind = IntentKind.BOLUS
        subject = getattr(order.body, "target_state", 0) or getattr(order.body, "bolus_id", 0)
        base, digest, seq = order.base_version, order.digest, order.since_seq
        return Uncertain(order.intent, base, digest, "an order", 0, kind, int(subject), seq, self.slot)

    def _interrogate(self) -> Belief:
        assert self._client is not None
        return interrogate(self._client, self._world.now_ms, lambda: 0)
