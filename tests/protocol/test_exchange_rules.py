"""The exactly-once rules of OITP/1 section 7, each end against a model of a few lines."""

from copy import copy

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.application import CACHED, build_error, build_message
from protocol.exchange import (
    BACKOFF_MS,
    MAX_TXN,
    RESPONSE_MS,
    RETRIES,
    WIRE_MS_PER_OCTET,
    ExchangeClient,
    ExchangeServer,
    Step,
    Verdict,
)
from protocol.messages.registry import MESSAGES, MessageSpec, by_name
from protocol.records import MAX_RECORDS
from protocol.vocabulary import ErrorCode

STATUS = by_name("GET_STATUS")
REQUEST = build_message(STATUS.request_opcode, 1, b"")


def answer_to(txn: int) -> bytes:
    return build_error(STATUS.request_opcode, txn, ErrorCode.BUSY, detail=txn)


def server_after(last: int) -> ExchangeServer:
    server = ExchangeServer()
    for txn in range(1, last + 1):
        server.judge(txn)
        server.complete(answer_to(txn) if txn == last else b"")
    return server


NEW, NEARLY_EXHAUSTED = server_after(0), server_after(MAX_TXN - 3)


class ServerRules(RuleBasedStateMachine):
    """Model: a list of what was executed, and whether the last is still running."""

    @initialize(server=st.sampled_from((NEW, NEARLY_EXHAUSTED)))
    def begin(self, server: ExchangeServer) -> None:
        self.server = copy(server)
        self.executed: list[int] = []
        self.running = False
        self.last = server.last

    @rule(txn=st.integers(0, MAX_TXN + 1), near=st.sampled_from((-1, 0, 1, 2, None)))
    def a_request_comes(self, txn: int, near: int | None) -> None:
        if near is not None:
            txn = max(0, self.last + near)
        verdict = self.server.judge(txn)
        if txn == self.last and txn:
            assert verdict is (Verdict.IN_PROGRESS if self.running else Verdict.REPEAT)
        elif txn == self.last + 1 and txn <= MAX_TXN and not self.running:
            assert verdict is Verdict.EXECUTE
            self.executed.append(txn)
            self.last, self.running = txn, True
        else:
            assert verdict is Verdict.OUT_OF_SEQUENCE

    @precondition(lambda self: self.running)
    @rule()
    def it_is_answered(self) -> None:
        self.server.complete(answer_to(self.last))
        self.running = False

    @precondition(lambda self: self.last and not self.running)
    @rule()
    def the_answer_is_repeated(self) -> None:
        repeated, plain = self.server.repeat(), answer_to(self.last)
        assert repeated == plain[:5] + bytes([CACHED]) + plain[6:]

    @precondition(lambda self: not self.running)
    @rule()
    def nothing_runs_that_could_be_answered(self) -> None:
        with pytest.raises(RuntimeError, match="no transaction is running"):
            self.server.complete(b"")

    @invariant()
    def nothing_is_executed_twice(self) -> None:
        if hasattr(self, "server"):
            assert len(set(self.executed)) == len(self.executed)
            assert self.server.last == self.last
            assert self.server.expected == self.last + 1
            assert self.server.exhausted == (self.last >= MAX_TXN)


class ClientRules(RuleBasedStateMachine):
    """Model: what waits, since when, and how often it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.client = ExchangeClient()
        self.now = 0
        self.txn = 0
        self.sent = 0
        self.since = 0

    @precondition(lambda self: self.sent == 0)
    @rule()
    def a_request_goes_out(self) -> None:
        assert self.client.next_txn() == self.txn + 1
        self.client.begin(STATUS, REQUEST, self.now)
        self.txn, self.sent, self.since = self.txn + 1, 1, self.now

    @precondition(lambda self: self.sent)
    @rule()
    def a_second_request_is_refused(self) -> None:
        with pytest.raises(RuntimeError, match="requests go one at a time"):
            self.client.begin(STATUS, REQUEST, self.now)

    @rule(late=st.integers(0, 2))
    def an_answer_comes(self, late: int) -> None:
        """Only the answer to what waits is taken; a late one, of an earlier transaction, is not."""
        mine = self.sent > 0 and late == 0
        assert self.client.answered(self.txn - late) == mine
        if mine:
            self.sent = 0

    @rule(passes=st.integers(0, 900))
    def time_passes(self, passes: int) -> None:
        deadline = self.client.next_deadline()
        assert (deadline is None) == (self.sent == 0)
        self.now += passes
        step = self.client.tick(self.now)
        if deadline is None or self.now < deadline:
            assert step is Step.NOTHING
        elif step is Step.SEND_AGAIN:
            self.sent += 1
            assert self.sent <= 1 + RETRIES
        elif step is Step.GIVE_UP:
            assert self.sent == 1 + RETRIES
            assert self.now - self.since >= sum(BACKOFF_MS) + (1 + RETRIES) * RESPONSE_MS
            self.sent = 0

    @invariant()
    def what_waits_is_known(self) -> None:
        waiting = self.client.waiting
        assert (waiting is None) == (self.sent == 0)
        assert waiting is None or (waiting.txn == self.txn and waiting.plaintext == REQUEST)


TestServer = ServerRules.TestCase
TestServer.settings = settings(max_examples=30, stateful_step_count=30)
TestClient = ClientRules.TestCase
TestClient.settings = settings(max_examples=50, stateful_step_count=40)


def timeline(client: ExchangeClient, spec: MessageSpec, plaintext: bytes) -> list[tuple[int, Step]]:
    """When a request without any answer is sent again, and when it is given up."""
    client.begin(spec, plaintext, 0)
    steps: list[tuple[int, Step]] = []
    while (deadline := client.next_deadline()) is not None:
        step = client.tick(deadline)
        if step is not Step.NOTHING:
            steps.append((deadline, step))
    return steps


def patience(spec: MessageSpec, plaintext: bytes) -> int:
    octets = len(plaintext) + spec.response_codec.max_size
    return RESPONSE_MS + WIRE_MS_PER_OCTET * octets + spec.bound_ms


@pytest.mark.parametrize("name", ["GET_STATUS", "PROG_VERIFY", "PROG_COMMIT"])
def test_a_request_is_repeated_four_times_with_growing_pauses(name: str) -> None:
    spec = by_name(name)
    wait = patience(spec, REQUEST)
    pauses = (0, 100, 300, 700)
    expected = [(n * wait + pauses[n - 1], Step.SEND_AGAIN) for n in (1, 2, 3, 4)]
    assert timeline(ExchangeClient(), spec, REQUEST) == [*expected, (5 * wait + 700, Step.GIVE_UP)]


@pytest.mark.parametrize(
    ("name", "bound_ms"), [("GET_STATUS", 100), ("PROG_VERIFY", 2_000), ("PROG_COMMIT", 3_000)]
)
def test_the_pump_gets_the_time_it_may_take(name: str, bound_ms: int) -> None:
    assert by_name(name).bound_ms == bound_ms
    assert timeline(ExchangeClient(retries=0), by_name(name), REQUEST)[0][0] > RESPONSE_MS + bound_ms


@pytest.mark.parametrize("retries", range(5))
def test_a_tester_may_want_fewer_repetitions(retries: int) -> None:
    steps = [step for _, step in timeline(ExchangeClient(retries), STATUS, REQUEST)]
    assert steps == [Step.SEND_AGAIN] * retries + [Step.GIVE_UP]


def test_transaction_ids_start_at_one_and_end_at_65535() -> None:
    client = ExchangeClient()
    for txn in range(1, MAX_TXN + 1):
        assert client.next_txn() == txn
        client.begin(STATUS, REQUEST, 0)
        client.answered(txn)
    assert client.exhausted
    with pytest.raises(RuntimeError, match="open a new session"):
        client.begin(STATUS, REQUEST, 0)


def test_a_session_runs_out_of_transactions_before_it_runs_out_of_records() -> None:
    assert MAX_TXN * (1 + RETRIES) < MAX_RECORDS


def test_a_server_without_a_transaction_has_nothing_to_repeat() -> None:
    with pytest.raises(RuntimeError, match="no answer to repeat"):
        ExchangeServer().repeat()


def test_every_bound_is_one_of_those_published() -> None:
    assert {spec.bound_ms for spec in MESSAGES} == {100, 2_000, 3_000}
