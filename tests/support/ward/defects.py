"""Defects to put in, so that the state machine can show that it would find them.

Each is one small mistake that an implementer could make; `DEFECTS` names them and patches them in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from support.ward.counted import CountedPump
from support.ward.programmer import Answer, Programmer

from firmware_model.controller.bolus_book import BolusBook
from firmware_model.controller.receipts import Receipts
from protocol.drops import Drop
from protocol.exchange import ExchangeServer, Verdict
from protocol.frame import Frame
from protocol.messages.program import ReceiptResponse
from protocol.records import COUNTER_SIZE, RecordReceiver
from protocol.requests import Request

Defect = Callable[[], Any]


def _cache_off_by_one() -> Any:  # noqa: ANN401 - a patcher
    """The cache knows the transaction before the last, so that a repetition is out of sequence."""
    judge = ExchangeServer.judge

    def wrong(server: ExchangeServer, txn: int) -> Verdict:
        verdict = judge(server, txn)
        return Verdict.OUT_OF_SEQUENCE if verdict is Verdict.REPEAT else verdict

    return patch.object(ExchangeServer, "judge", wrong)


def _duplicates_executed() -> Any:  # noqa: ANN401
    """A repetition is executed again, as if there were no cache."""
    judge = ExchangeServer.judge

    def wrong(server: ExchangeServer, txn: int) -> Verdict:
        verdict = judge(server, txn)
        if verdict is Verdict.REPEAT:
            server._running = True
            return Verdict.EXECUTE
        return verdict

    return patch.object(ExchangeServer, "judge", wrong)


def _counter_not_checked() -> Any:  # noqa: ANN401
    """A record is opened as often as it comes."""
    opened = RecordReceiver.open

    def wrong(receiver: RecordReceiver, frame: Frame) -> bytes | Drop:
        number = int.from_bytes(frame.payload[:COUNTER_SIZE], "little")
        receiver._highest = min(receiver._highest, number - 1)
        return opened(receiver, frame)

    return patch.object(RecordReceiver, "open", wrong)


def _receipt_after_the_answer() -> Any:  # noqa: ANN401
    """The receipt of a change is stored when the next request comes, not before its own answer."""
    remember = CountedPump._remember
    handle = CountedPump.handle
    late: list[tuple[CountedPump, Request]] = []

    def put_off(pump: CountedPump, request: Request) -> None:
        late.append((pump, request))

    def wrong(pump: CountedPump, request: Request) -> Any:  # noqa: ANN401
        while late:
            remember(*late.pop())
        return handle(pump, request)

    return _both(patch.object(CountedPump, "_remember", put_off), patch.object(CountedPump, "handle", wrong))


def _silence_is_taken_for_no() -> Any:  # noqa: ANN401
    """A programmer that got no answer believes that nothing was done."""
    order = Programmer.order

    def wrong(who: Programmer, body: object, intent: bytes = b"") -> Answer:
        answer = order(who, body, intent)
        if who.uncertain is not None:
            who._ledger.claim(who.uncertain.key, False)
            who.uncertain = None
        return answer

    return patch.object(Programmer, "order", wrong)


def _receipts_in_ram() -> Any:  # noqa: ANN401
    """The firmware keeps its receipts where a reset finds none."""

    def wrong(receipts: Receipts, receipt: ReceiptResponse, slot: int) -> None:
        receipts._receipts[receipt.intent_id] = receipt
        receipts._slots[receipt.intent_id] = slot

    return patch.object(Receipts, "put", wrong)


def _lockout_forgotten() -> Any:  # noqa: ANN401
    """The firmware forgets with a reset which boluses the patient had."""
    recover = BolusBook.recover

    def wrong(book: BolusBook, *, lost: bool) -> None:
        recover(book, lost=lost)
        book._put(replace(book._page, past=()))

    return patch.object(BolusBook, "recover", wrong)


@contextmanager
def _both(*patches: Any) -> Iterator[None]:  # noqa: ANN401
    with patches[0], patches[1]:
        yield


DEFECTS: dict[str, Defect] = {
    "cache off by one": _cache_off_by_one,
    "duplicates executed": _duplicates_executed,
    "counter not checked": _counter_not_checked,
    "receipt after the answer": _receipt_after_the_answer,
    "silence taken for no": _silence_is_taken_for_no,
}
"""Defects of the protocol's two ends, which the pump of counters brings to light."""

FIRMWARE_DEFECTS: dict[str, Defect] = {
    "receipts in RAM": _receipts_in_ram,
}
"""Defects of the device behind the endpoint."""

LOCKOUT_FORGOTTEN: Defect = _lockout_forgotten
"""A defect that only a story of one patient and one reset tells soon enough."""
