"""Defects to put in, so that the state machine can show that it would find them.

Each is one small mistake that an implementer could make; `DEFECTS` names them and patches them in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from support.ward.counted import CountedPump

from protocol.drops import Drop
from protocol.exchange import ExchangeServer, Verdict
from protocol.frame import Frame
from protocol.pump_session import PumpSession
from protocol.records import COUNTER_SIZE, RecordReceiver
from protocol.requests import Request

Defect = Callable[[], Any]


def _cache_off_by_one() -> Any:  # noqa: ANN401 - a patcher
    """The cache answers for the transaction before the last, so that a repetition counts as out of sequence."""
    judge = ExchangeServer.judge

    def wrong(server: ExchangeServer, txn: int) -> Verdict:
        verdict = judge(server, txn)
        return Verdict.OUT_OF_SEQUENCE if verdict is Verdict.REPEAT else verdict

    return patch.object(ExchangeServer, "judge", wrong)


def _cache_one_behind() -> Any:  # noqa: ANN401
    """The cache hands out the body before the last under the number of the last."""
    complete = ExchangeServer.complete

    def wrong(server: ExchangeServer, answer: bytes) -> None:
        before = getattr(server, "_answer_before", None)
        complete(server, answer)
        server._answer_before = answer  # type: ignore[attr-defined]
        if before is not None and len(before) == len(answer):
            server._answer = answer[:8] + before[8:]

    return patch.object(ExchangeServer, "complete", wrong)


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


def _session_survives_a_reset() -> Any:  # noqa: ANN401
    """The keys of a session are kept over a reset, and its transactions begin anew."""
    end = PumpSession.end

    def wrong(session: PumpSession) -> None:
        end(session)

    return patch.object(PumpSession, "end", wrong)


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


@contextmanager
def _both(*patches: Any) -> Iterator[None]:  # noqa: ANN401
    with patches[0], patches[1]:
        yield


DEFECTS: dict[str, Defect] = {
    "cache off by one": _cache_off_by_one,
    "cache one answer behind": _cache_one_behind,
    "duplicates executed": _duplicates_executed,
    "counter not checked": _counter_not_checked,
    "receipt after the answer": _receipt_after_the_answer,
}
