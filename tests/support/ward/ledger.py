"""What was asked, what was executed and what was answered: the books of the exactly-once rules.

The ledger knows nothing of sessions, counters or caches. It is told by the programmer's side what was asked
under which session and transaction, by a witness in front of the device what is executed, and by the line how
often each request was sent; from that it finds whatever must not be.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protocol.application import read_header
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import Access, by_request, by_request_opcode
from protocol.requests import Refusal, Request

Key = tuple[int, int]
"""Session and transaction."""


@dataclass(frozen=True)
class Asked:
    """One request as a programmer made it."""

    slot: int
    name: str
    body: bytes


@dataclass
class Executed:
    """One request as the device got it. ``reply`` is None where power failed before there was one."""

    body: Any
    reply: Any = None
    applied: bool | None = None
    """Whether it took effect; None while that is not known."""


class Ledger:
    """The books. ``violations`` must stay empty."""

    def __init__(self) -> None:
        self.asked: dict[Key, Asked] = {}
        self.sent: Counter[Key] = Counter()
        self.opened: Counter[Key] = Counter()
        self.executed: dict[Key, Executed] = {}
        self.denied: set[Key] = set()
        """Orders of which a programmer was told, or has found out, that they did nothing."""
        self.in_doubt: list[Key] = []
        """Therapy requests during which power failed, until somebody has looked."""
        self.fresh: list[Key] = []
        """What was executed since somebody looked."""
        self.indifferent: set[Key] = set()
        """Orders of what was in force already, during which power failed: done or not is the same."""
        self.violations: list[str] = []

    # --- what each side tells -----------------------------------------------------------------------------

    def ask(self, session_id: int, slot: int, plaintext: bytes) -> Key:
        """A programmer is about to send a request for the first time."""
        header = read_header(plaintext)
        assert header is not None
        spec = by_request_opcode(header.opcode)
        key = (session_id, header.txn)
        self.asked[key] = Asked(slot, spec.name if spec else "?", plaintext[8:])
        return key

    def open(self, session_id: int, plaintext: bytes) -> None:
        """The pump has taken a record for good."""
        header = read_header(plaintext)
        key = (session_id, header.txn if header else 0)
        self.opened[key] += 1
        if key not in self.asked:
            self._blame(f"a record {key} was opened that nobody sent")
        elif self.opened[key] > self.sent[key]:
            self._blame(f"{key} was sent {self.sent[key]} times and opened more often: a record was replayed")

    def begin(self, request: Request) -> Executed:
        """The device is about to execute."""
        caller, spec = request.caller, request.spec
        key = (caller.session_id, caller.last_txn + 1)
        executed = Executed(request.body)
        asked = self.asked.get(key)
        if asked is None:
            self._blame(f"{spec.name} {key} is executed and was never asked for")
        elif (asked.slot, asked.name, asked.body) != (
            caller.slot,
            spec.name,
            spec.request_codec.encode(request.body),
        ):
            self._blame(f"{spec.name} {key} is executed and {asked.name} was asked for")
        if key in self.executed:
            self._blame(f"{spec.name} {key} is executed a second time")
        if key in self.denied:
            self._blame(f"{spec.name} {key} is executed after it was said not to have been")
        self.executed[key] = executed
        self.fresh.append(key)
        if spec.access is Access.THERAPY:
            self.in_doubt.append(key)
        return executed

    def end(self, key: Key, reply: Any) -> None:  # noqa: ANN401 - any response body
        """The device has executed."""
        executed = self.executed[key]
        executed.reply, executed.applied = reply, not isinstance(reply, Refusal)
        if key in self.in_doubt:
            self.in_doubt.remove(key)

    def answered(self, key: Key, answer: Any) -> None:  # noqa: ANN401
        """A programmer got the answer to what it asked."""
        executed = self.executed.get(key)
        if executed is None:
            if not isinstance(answer, ErrorBody) and self.asked[key].name not in (
                "SUBSCRIBE",
                "NOTIFY_ACK",
            ):
                self._blame(f"{key} was answered and never executed")
        elif isinstance(executed.reply, Refusal):
            told = executed.reply
            if not isinstance(answer, ErrorBody) or (answer.code, answer.field) != (told.code, told.field):
                self._blame(f"{key} was refused with {told} and answered with {answer}")
        elif answer != executed.reply:
            self._blame(f"{key} gave {executed.reply} and was answered with {answer}")

    # --- what a programmer claims -------------------------------------------------------------------------

    def claim(self, key: Key, applied: bool, *, absolute: bool = False) -> None:
        """A programmer says what became of an order.

        Of an ``absolute`` order it says whether what was ordered is so. Somebody else may have brought that
        about, so only a wrong no counts: the order was done, and its programmer believes that it was not.
        """
        name = self.asked[key].name
        truth = self.took_effect(key)
        if truth and not applied and self._was_scheduled(key):
            truth = (
                False  # a later program or a clock step drops a program that waits, and its receipt says so
            )
        wrong = bool(truth) and not applied if absolute else truth is not applied
        if wrong and key not in self.indifferent:
            self._blame(f"{name} {key}: the programmer believes {applied}, the truth is {truth}")
        if not applied:
            self.denied.add(key)

    def _was_scheduled(self, key: Key) -> bool:
        return bool(getattr(self.executed[key].body, "effective_utc_s", 0))

    def took_effect(self, key: Key) -> bool | None:
        """Whether an order has taken effect by now."""
        executed = self.executed.get(key)
        return False if executed is None else executed.applied

    def applied_orders(self) -> Counter[str]:
        """How many orders of each kind have taken effect."""
        orders = Counter[str]()
        for executed in self.executed.values():
            spec = by_request(executed.body)
            if executed.applied and spec.access is Access.THERAPY:
                orders[spec.name] += 1
        return orders

    def settle(self, key: Key, applied: bool | None) -> None:
        """Somebody has looked at the pump after a cut of power: this is what became of the order.

        None where it ordered what was in force already.
        """
        self.executed[key].applied = bool(applied)
        if applied is None:
            self.indifferent.add(key)
        self.in_doubt.remove(key)

    def _blame(self, text: str) -> None:
        self.violations.append(text)


class Witness:
    """Stands in front of a device and writes down what it executes; everything else passes through.

    ``after`` looks at the device right after it has executed and before it is answered.
    """

    def __init__(self, device: Any, ledger: Ledger) -> None:  # noqa: ANN401 - any device
        self._device = device
        self._ledger = ledger
        self.after: Callable[[Request, Any], None] = lambda _request, _reply: None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._device, name)

    def handle(self, request: Request) -> Any:  # noqa: ANN401
        """Execute, and write down."""
        key = (request.caller.session_id, request.caller.last_txn + 1)
        self._ledger.begin(request)
        reply = self._device.handle(request)
        self._ledger.end(key, reply)
        self.after(request, reply)
        return reply
