"""The exactly-once request layer: stop and wait, one transaction id, one cached answer (OITP/1 section 7).

The pump executes a transaction once and answers every repetition from its cache; the programmer repeats until
an answer comes or the retries are used up, and then says so instead of guessing.
"""

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

from protocol.application import mark_cached
from protocol.messages.registry import MessageSpec

MAX_TXN: Final = 0xFFFF
RETRIES: Final = 4
BACKOFF_MS: Final = (0, 100, 200, 400)
RESPONSE_MS: Final = 500
WIRE_MS_PER_OCTET: Final = 2
"""Allowance for a slow line: 2 ms an octet covers 9,600 baud with room for pauses between octets."""


@unique
class Verdict(Enum):
    """What the pump does with a transaction id."""

    EXECUTE = auto()
    REPEAT = auto()
    IN_PROGRESS = auto()
    OUT_OF_SEQUENCE = auto()


class ExchangeServer:
    """The pump's end: remembers the last transaction and its answer."""

    def __init__(self) -> None:
        self._last = 0
        self._answer: bytes | None = None
        self._running = False

    @property
    def last(self) -> int:
        """Transaction id executed last, 0 for none."""
        return self._last

    @property
    def running(self) -> bool:
        """Whether a request is being executed and has no answer yet."""
        return self._running

    @property
    def expected(self) -> int:
        """Transaction id that would be executed next."""
        return self._last + 1

    @property
    def exhausted(self) -> bool:
        """Whether the ids are used up and the session must close."""
        return self._last >= MAX_TXN

    def judge(self, txn: int) -> Verdict:
        """Say what to do with ``txn``; EXECUTE makes it the running transaction."""
        if txn == self._last and txn:
            return Verdict.IN_PROGRESS if self._running else Verdict.REPEAT
        if txn != self._last + 1 or txn > MAX_TXN or self._running:
            return Verdict.OUT_OF_SEQUENCE
        self._last, self._answer, self._running = txn, None, True
        return Verdict.EXECUTE

    def complete(self, answer: bytes) -> None:
        """Keep ``answer`` (header and body) of the running transaction."""
        if not self._running:
            raise RuntimeError("no transaction is running")
        self._answer, self._running = answer, False

    def repeat(self) -> bytes:
        """Return the cached answer, marked CACHED."""
        if self._answer is None:
            raise RuntimeError("there is no answer to repeat")
        return mark_cached(self._answer)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that has no answer yet.

    Attributes:
        spec: the message.
        txn: its transaction id.
        plaintext: header and body, the same in every attempt.
        attempt: 0 for the first transmission.
        deadline_ms: when the next step is due.
        backing_off: whether that step is sending again, not giving up on an answer.
    """

    spec: MessageSpec
    txn: int
    plaintext: bytes
    attempt: int
    deadline_ms: int
    backing_off: bool = False


@unique
class Step(Enum):
    """What the programmer must do when a deadline passes."""

    NOTHING = auto()
    SEND_AGAIN = auto()
    GIVE_UP = auto()


class ExchangeClient:
    """The programmer's end: one request at a time, repeated with back-off.

    Args:
        retries: transmissions after the first, 0..4; a tester may want fewer.
    """

    def __init__(self, retries: int = RETRIES) -> None:
        self._txn = 0
        self._retries = retries
        self._waiting: Waiting | None = None

    @property
    def waiting(self) -> Waiting | None:
        """The request that has no answer yet."""
        return self._waiting

    @property
    def exhausted(self) -> bool:
        """Whether the transaction ids are used up; a new session is needed."""
        return self._txn >= MAX_TXN

    def next_txn(self) -> int:
        """Return the id the next request will carry.

        Raises:
            RuntimeError: an earlier request has no answer yet, or the ids are used up.
        """
        if self._waiting is not None:
            raise RuntimeError(f"{self._waiting.spec.name} has no answer yet; requests go one at a time")
        if self.exhausted:
            raise RuntimeError("transaction ids are used up; open a new session")
        return self._txn + 1

    def begin(self, spec: MessageSpec, plaintext: bytes, now_ms: int) -> None:
        """Book ``plaintext`` as sent at ``now_ms``; raises as `next_txn`."""
        self._txn = self.next_txn()
        self._waiting = Waiting(spec, self._txn, plaintext, 0, now_ms + _patience_ms(spec, plaintext))

    def answered(self, txn: int) -> bool:
        """Book an answer; tell whether it belongs to the waiting request."""
        if self._waiting is None or txn != self._waiting.txn:
            return False
        self._waiting = None
        return True

    def next_deadline(self) -> int | None:
        """Return when `tick` must be called, or None."""
        return self._waiting.deadline_ms if self._waiting else None

    def tick(self, now_ms: int) -> Step:
        """Say what is due at ``now_ms``."""
        waiting = self._waiting
        if waiting is None or now_ms < waiting.deadline_ms:
            return Step.NOTHING
        if waiting.backing_off:
            deadline = now_ms + _patience_ms(waiting.spec, waiting.plaintext)
            self._waiting = Waiting(waiting.spec, waiting.txn, waiting.plaintext, waiting.attempt, deadline)
            return Step.SEND_AGAIN
        if waiting.attempt >= self._retries:
            self._waiting = None
            return Step.GIVE_UP
        pause = BACKOFF_MS[min(waiting.attempt, len(BACKOFF_MS) - 1)]
        self._waiting = Waiting(
            waiting.spec,
            waiting.txn,
            waiting.plaintext,
            waiting.attempt + 1,
            now_ms + pause,
            backing_off=True,
        )
        return self.tick(now_ms)


def _patience_ms(spec: MessageSpec, plaintext: bytes) -> int:
    """T_rsp plus the pump's bound for this message (OITP/1 section 9)."""
    wire = WIRE_MS_PER_OCTET * (len(plaintext) + spec.response_codec.max_size)
    return RESPONSE_MS + wire + spec.bound_ms
