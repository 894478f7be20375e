"""A programmer that keeps to the rules: one order at a time, an intent before each, and no guessing.

What it does when an answer is lost is what every programmer of OITP/1 must do. An order with an intent is
settled by GET_RECEIPT in a new session. SET_DELIVERY and BOLUS_CANCEL carry none: the programmer notes the
status before it sends, and in a new session reads the log from there; `support.ward.hindsight` judges what it
finds. Either way the new session matters: the one that could still have carried the order is over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from support.ward.hindsight import took_place
from support.ward.ledger import Key
from support.ward.world import Handle, World

from protocol.client import BondKey, PumpClient
from protocol.client_errors import ClientError, PumpRefusedError, SessionLostError
from protocol.frame import Direction
from protocol.link_error import LinkError
from protocol.messages.errors import ErrorBody
from protocol.messages.log import LogInfoRequest, LogReadRequest, LogRecord
from protocol.messages.program import GetReceiptRequest
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.vocabulary import ClientKind, LogPageFlag, ReceiptState

APPLIED: Final = frozenset((ReceiptState.COMMITTED, ReceiptState.SCHEDULED))
PAGE: Final = 6


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
    before: GetStatusResponse | None


class Programmer:
    """One programmer with its bond.

    Args:
        world: the line to the pump.
        bond: its key.
        entropy: of its handshakes and intents.
    """

    def __init__(self, world: World, bond: BondKey, entropy: Callable[[int], bytes]) -> None:
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

    def order(self, body: object, intent: bytes = b"") -> Answer:
        """Send a therapy request; what became of it is claimed, or stands in ``uncertain``."""
        assert self.uncertain is None
        noted = None
        if not intent:
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
            self.uncertain = Order(body, key, intent, noted)
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
        applied = self._by_receipt(order) if order.intent else self._by_log(order)
        if isinstance(applied, Lost):
            return False
        self.uncertain = None
        if applied is not None:
            self._ledger.claim(order.key, applied)
        return True

    def _by_receipt(self, order: Order) -> bool | Lost:
        receipt = self.ask(GetReceiptRequest(order.intent))
        if isinstance(receipt, Lost):
            return receipt
        assert not isinstance(receipt, ErrorBody), receipt
        return receipt.state in APPLIED

    def _by_log(self, order: Order) -> bool | Lost | None:
        """Judge by the log; None where the status has to say what is in force."""
        assert order.before is not None
        info = self.ask(LogInfoRequest())
        if isinstance(info, Lost):
            return info
        wanted, told = order.before.log_last_seq + 1, list[LogRecord]()
        while wanted <= info.last_seq:
            page = self.ask(LogReadRequest(info.log_epoch, wanted, PAGE))
            if isinstance(page, Lost):
                return page
            assert not isinstance(page, ErrorBody), page
            assert LogPageFlag.GAP not in page.flags, "the log has wrapped over the answer"
            told += page.records
            if not page.records:
                break
            wanted = page.records[-1].seq + 1
        verdict = took_place(order.body, self.slot, order.before, told)
        return verdict if verdict is not None else self._in_force()

    def _in_force(self) -> Lost | None:
        """Look at what is in force now, by this order or the one before it."""
        status = self.ask(GetStatusRequest())
        return status if isinstance(status, Lost) else None
