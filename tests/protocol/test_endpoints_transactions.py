"""One transaction after the other: out of sequence, repeated, being executed, and the last of a session."""

import pytest
from support.protocol_pair import CONFIRM, ConnectionPair, spend_records
from support.raw_programmer import RawProgrammer, RawSession

from protocol.application import build_message, build_request
from protocol.drops import DropReason
from protocol.events import (
    AnswerReceived,
    AnswerRepeated,
    FrameDropped,
    RequestReceived,
    SessionClosed,
)
from protocol.exchange import MAX_TXN
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest
from protocol.records import MAX_RECORDS
from protocol.vocabulary import NO_FIELD, CloseReason, ErrorCode

CONFIRM_SPEC, STATUS = by_name("SESSION_CONFIRM"), by_name("GET_STATUS")


def confirm(raw: RawProgrammer, session: RawSession) -> None:
    (answer,) = raw.record(session, build_request(CONFIRM_SPEC, CONFIRM, 1))
    assert answer.header.opcode == CONFIRM_SPEC.response_opcode


@pytest.mark.parametrize("txn", [0, 3, 9, MAX_TXN])
def test_a_transaction_out_of_sequence_is_told_which_is_expected(txn: int) -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    session = raw.session()
    confirm(raw, session)
    (answer,) = raw.record(session, build_message(STATUS.request_opcode, txn, b""))
    assert answer.header.txn == txn
    assert answer.error == ErrorBody(STATUS.request_opcode, ErrorCode.TXN_SEQUENCE, NO_FIELD, 2)
    (answer,) = raw.record(session, build_message(STATUS.request_opcode, 2, b""))
    assert answer.header.opcode == STATUS.response_opcode


def test_a_record_too_short_for_a_header_is_dropped_and_uses_up_no_transaction() -> None:
    pair = ConnectionPair()
    raw = RawProgrammer(pair.host)
    raw.hello()
    session = raw.session()
    assert raw.record(session, b"seven..") == []
    assert pair.pump.counters.drops[DropReason.HEADER] == 1
    confirm(raw, session)


def test_a_copy_of_a_request_that_is_being_executed_waits_for_its_answer() -> None:
    """A slow device has not answered yet; the copy must neither run nor get an error."""
    pair = ConnectionPair().open()
    pair.programmer.request(KeepaliveRequest(), pair.now_ms)
    (request,) = pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms)
    assert isinstance(request, RequestReceived)
    pair.programmer.handle_timeout(deadline_of(pair))
    copy = pair.programmer.data_to_send()
    (dropped,) = pair.pump.receive(copy, deadline_of(pair))
    assert isinstance(dropped, FrameDropped)
    assert dropped.drop.reason is DropReason.STATE
    assert pair.pump.data_to_send() == b""
    pair.pump.respond(request, pair.device.handle(request.request))
    assert pair.pump.data_to_send() != b""
    pair.programmer.handle_timeout(deadline_of(pair))
    pair.programmer.handle_timeout(deadline_of(pair))
    assert pair.pump.receive(pair.programmer.data_to_send(), pair.now_ms) == [AnswerRepeated(2)]


def deadline_of(pair: ConnectionPair) -> int:
    deadline = pair.programmer.next_deadline()
    assert deadline is not None
    return deadline


def test_the_last_transaction_closes_the_session() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    session.exchange._last = MAX_TXN - 2
    client = pair.programmer._session
    assert client is not None
    client.exchange._txn = MAX_TXN - 2
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    assert pair.pump.session is session
    last = pair.ask(KeepaliveRequest())
    assert isinstance(last, AnswerReceived)
    assert last.txn == MAX_TXN
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.TXN_EXHAUSTED)
    assert pair.programmer.exhausted
    with pytest.raises(RuntimeError, match="open a new session"):
        pair.programmer.request(KeepaliveRequest(), pair.now_ms)


def test_the_last_record_closes_the_session() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    assert session is not None
    spend_records(session, MAX_RECORDS - 2)
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    assert pair.pump.session is session
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    assert pair.host.events[-1] == SessionClosed(session.session_id, CloseReason.EXPIRED)
