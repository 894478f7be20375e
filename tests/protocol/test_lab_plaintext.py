"""Lab plaintext: refused unless asked for, and then the same checks in the same order without encryption."""

from collections.abc import Callable

import pytest
from support.device import HANDLE, TOKEN, CountingDevice
from support.protocol_pair import CONFIRM, KEY, ConnectionPair
from support.raw_programmer import Answer, RawProgrammer

from protocol.application import build_message, build_request
from protocol.clear_records import CLEAR_LAYOUT, ClearReceiver, ClearSender
from protocol.client_errors import NoPumpError
from protocol.drops import Drop, DropReason
from protocol.events import AnswerReceived, FrameDropped, LinkRefused, RequestReceived, SessionClosed
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.link_control import LinkClass, LinkError, LinkErrorCode, SuiteBit, decode_link
from protocol.messages.errors import ErrorBody
from protocol.messages.program import ProgCommitRequest
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest, SessionCloseRequest
from protocol.messages.status import GetStatusRequest
from protocol.records import MAX_PLAINTEXT, MAX_RECORDS, RecordsExhausted
from protocol.requests import LAB_SLOT
from protocol.vocabulary import NO_FIELD, CloseReason, ErrorCode, OverrideReason, Role, SoftLimit

COMMIT = ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
CONFIRM_RECORD = build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1)


def status(txn: int) -> bytes:
    return build_request(by_name("GET_STATUS"), GetStatusRequest(), txn)


def lab(role: Role | None = Role.CLINICIAN) -> tuple[ConnectionPair, RawProgrammer]:
    pair = ConnectionPair(lab_role=role)
    raw = RawProgrammer(pair.host)
    raw.hello()
    return pair, raw


def drops(pair: ConnectionPair) -> dict[str, int]:
    return {reason.value: count for reason, count in pair.pump.counters.drops.items() if count}


# --- whether ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [bytes(4) + CONFIRM_RECORD, bytes(4), b""])
def test_a_pump_that_was_not_asked_to_does_not_speak_it(payload: bytes) -> None:
    pair, raw = lab(role=None)
    assert raw.send(FrameKind.CLEAR, payload) == []
    assert drops(pair) == {"state": 1}
    assert pair.device.executed.total() == 0


@pytest.mark.parametrize("link_class", LinkClass)
def test_it_is_announced_to_everybody(link_class: LinkClass) -> None:
    for role in (None, Role.READER):
        pair = ConnectionPair(lab_role=role, link_class=link_class)
        suites = RawProgrammer(pair.host).hello().suites
        assert (SuiteBit.LAB_PLAINTEXT in suites) == (role is not None)


def test_a_link_that_was_not_discovered_has_no_session() -> None:
    pair = ConnectionPair(lab_role=Role.CLINICIAN)
    raw = RawProgrammer(pair.host)
    (frame,) = raw.send(FrameKind.CLEAR, bytes(4) + CONFIRM_RECORD, link_id=NO_LINK_ID)
    assert decode_link(frame.payload) == LinkError(LinkErrorCode.NO_SESSION, 0)
    raw.hello()
    assert raw.clear(0, CONFIRM_RECORD, link_id=raw.link_id ^ 1) == []
    assert drops(pair) == {"state": 1, "link_id": 1}


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER])
def test_the_role_is_the_one_of_the_option(role: Role) -> None:
    pair, raw = lab(role)
    (answer,) = raw.clear(0, CONFIRM_RECORD)
    assert by_name("SESSION_CONFIRM").response_codec.decode(answer.body).role is role
    (caller,) = pair.device.opened
    assert (caller.slot, caller.role, caller.near) == (LAB_SLOT, role, True)


# --- the same checks in the same order ----------------------------------------------------------------------


def test_a_session_is_confirmed_first() -> None:
    pair, raw = lab()
    (answer,) = raw.clear(0, status(1))
    assert answer.error == ErrorBody(0x0909, ErrorCode.SESSION_NOT_CONFIRMED, NO_FIELD, 0)
    assert pair.device.opened == []


def test_requests_are_numbered_from_one_and_repeated_from_the_cache() -> None:
    pair, raw = lab()
    (first,) = raw.clear(0, status(2))
    assert (first.error.code, first.error.detail) == (ErrorCode.TXN_SEQUENCE, 1)
    raw.clear(1, CONFIRM_RECORD)
    commit = build_request(by_name("PROG_COMMIT"), COMMIT, 2)
    (told,) = raw.clear(2, commit)
    (again,) = raw.clear(3, commit)
    assert told.body == again.body
    assert (told.header.mflags, again.header.mflags, pair.device.commits) == (0, 1, 1)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x01\0\0", "record_short"),
        (MAX_RECORDS.to_bytes(4, "little") + status(2), "exhausted"),
        (b"\xff\xff\xff\xff" + status(2), "exhausted"),
        (bytes(4) + status(2), "replay"),
        (b"\x01\0\0\0" + bytes(MAX_PLAINTEXT + 1), "length"),
        (b"\x01\0\0\0" + status(2)[:7], "header"),
    ],
)
def test_what_is_wrong_with_a_record_is_counted_and_not_answered(payload: bytes, reason: str) -> None:
    pair, raw = lab()
    raw.clear(0, CONFIRM_RECORD)
    assert raw.send(FrameKind.CLEAR, payload) == []
    assert drops(pair) == {reason: 1}
    assert pair.pump.session is not None


def test_a_record_that_is_refused_moves_no_counter_on() -> None:
    _, raw = lab()
    raw.clear(5, CONFIRM_RECORD)
    for counter in (MAX_RECORDS, 5, 4):
        assert raw.clear(counter, status(2)) == []
    assert len(raw.clear(6, status(2))) == 1


def test_errors_are_those_of_an_encrypted_session() -> None:
    """Word for word: the same request, right or wrong, in a lab session and in a real one."""
    wrong = [
        build_message(0x1145, 2, b""),
        build_message(0x0066, 3, b""),
        status(4)[:4] + b"\x02" + status(4)[5:],
        status(5) + b"\0",
        build_request(by_name("PATIENT_BOLUS"), _patient_bolus(), 6),
        status(7),
    ]
    pair, raw = lab()
    in_lab = [_one(raw.clear(number, data)) for number, data in enumerate([CONFIRM_RECORD, *wrong])]
    real = ConnectionPair()
    programmer = RawProgrammer(real.host)
    programmer.hello()
    session = programmer.session()
    sealed = [_one(programmer.record(session, data)) for data in (CONFIRM_RECORD, *wrong)]
    assert in_lab[1:] == sealed[1:]
    assert [pair.device.executed.total(), real.device.executed.total()] == [2, 2]


def _patient_bolus() -> object:
    return by_name("PATIENT_BOLUS").request(b"\x01" * 16)


def _one(answers: list[Answer]) -> Answer:
    (answer,) = answers
    return answer


def test_a_lab_session_ends_like_any_other() -> None:
    pair, raw = lab()
    raw.clear(0, CONFIRM_RECORD)
    raw.clear(1, build_request(by_name("SESSION_CLOSE"), SessionCloseRequest(CloseReason.DONE), 2))
    assert [reason for _, reason in pair.device.closed] == [CloseReason.DONE]
    raw.clear(0, CONFIRM_RECORD)
    pair.line.clock.advance_to(120_000)
    pair.host.serve(b"", 120_000)
    assert [reason for _, reason in pair.device.closed] == [CloseReason.DONE, CloseReason.IDLE]


def test_a_half_open_lab_session_is_dropped_after_five_seconds() -> None:
    pair, raw = lab()
    assert raw.send(FrameKind.CLEAR, b"\0") == []
    assert pair.pump.next_deadline() == 5_000
    pair.host.serve(b"", 5_000)
    assert pair.pump.next_deadline() is None
    assert len(raw.clear(0, CONFIRM_RECORD, 6_000)) == 1


# --- beside other sessions ----------------------------------------------------------------------------------


def test_a_real_session_is_not_disturbed() -> None:
    pair = ConnectionPair(lab_role=Role.CLINICIAN).open()
    session = pair.pump.session
    raw = RawProgrammer(pair.host)
    raw.hello()
    (frame,) = raw.send(FrameKind.CLEAR, bytes(4) + CONFIRM_RECORD)
    assert decode_link(frame.payload) == LinkError(LinkErrorCode.BUSY, 0)
    assert pair.pump.session is session
    assert drops(pair) == {"state": 1}
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)


def test_a_clear_record_on_the_link_of_a_real_session_is_not_one_of_it() -> None:
    pair = ConnectionPair(lab_role=Role.CLINICIAN).open()
    assert pair.pump.session is not None
    raw = RawProgrammer(pair.host)
    raw.clear(7, status(2), link_id=pair.pump.session.link_id)
    assert pair.device.executed.total() == 1
    assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)


def test_a_secure_record_on_the_link_of_a_lab_session_is_not_one_of_it() -> None:
    pair, raw = lab()
    raw.clear(0, CONFIRM_RECORD)
    raw.send(FrameKind.SECURE, b"\x01\0\0\0" + status(2) + bytes(16))
    assert pair.device.executed.total() == 1
    assert drops(pair) == {"state": 1}


@pytest.mark.parametrize("in_lab", [True, False])
def test_a_programmer_takes_no_record_of_the_other_kind(in_lab: bool) -> None:
    """In a real session least of all: anybody could write a clear one."""
    pair = ConnectionPair(lab_role=Role.CLINICIAN)
    pair.open_lab() if in_lab else pair.open()
    kind = FrameKind.SECURE if in_lab else FrameKind.CLEAR
    told = b"\x09\0\0\0" + build_message(0x9C0A, 0, bytes(8))
    assert pair.pump.session is not None
    frame = Frame(kind, Direction.TO_PROGRAMMER, 0, pair.pump.session.link_id, told)
    (event,) = pair.programmer.receive(to_wire(frame), pair.now_ms)
    assert isinstance(event, FrameDropped)
    assert event.drop.reason is DropReason.STATE
    assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)


def test_a_real_programmer_finds_a_lab_session_busy() -> None:
    pair = ConnectionPair(lab_role=Role.CLINICIAN)
    pair.open_lab()
    pair.discover()
    assert pair.shake_hands() == LinkRefused(LinkErrorCode.BUSY, 0)
    assert pair.pump.session is not None


def test_the_pump_has_no_session_here_while_it_is_in_one_elsewhere() -> None:
    pair, raw = lab()
    pair.device.elsewhere = True
    (frame,) = raw.send(FrameKind.CLEAR, bytes(4) + CONFIRM_RECORD)
    assert decode_link(frame.payload) == LinkError(LinkErrorCode.BUSY, 0)
    assert pair.device.opened == []


def test_a_new_hello_begins_anew_and_replaces_the_lab_session() -> None:
    pair, raw = lab()
    raw.clear(9, CONFIRM_RECORD)
    first, old_link = pair.pump.session, raw.link_id
    assert first is not None
    raw.hello(b"another ")
    assert len(raw.clear(10, status(2), link_id=old_link)) == 1
    assert pair.pump.session is first
    assert len(raw.clear(0, CONFIRM_RECORD)) == 1
    assert pair.pump.session is not first
    closed = [event for event in pair.host.events if isinstance(event, SessionClosed)]
    assert closed == [SessionClosed(first.session_id, CloseReason.REPLACED)]


def test_a_lab_session_needs_no_key_and_no_handshake() -> None:
    device = CountingDevice()
    pair = ConnectionPair(device=device, lab_role=Role.READER)
    pair.open_lab()
    assert device.bonds == {}
    assert device.admitted.total() == 0
    received = [event for event in pair.host.events if isinstance(event, RequestReceived)]
    assert [event.request.caller.slot for event in received] == [LAB_SLOT]


# --- records and the client ---------------------------------------------------------------------------------


def test_a_clear_record_is_laid_out_as_its_definition_says() -> None:
    sender = ClearSender(Direction.TO_PUMP, 7)
    for counter, plaintext in enumerate((b"", b"abc", bytes(MAX_PLAINTEXT))):
        frame = sender.seal(3, plaintext)
        assert (frame.kind, frame.direction, frame.seq, frame.link_id) == (FrameKind.CLEAR, 0, 3, 7)
        assert frame.payload == CLEAR_LAYOUT.build(
            {"counter": counter, "plaintext": plaintext}, plaintext_size=len(plaintext)
        )
        assert ClearReceiver().open(frame) == plaintext


def test_a_clear_sender_ends_where_a_session_must() -> None:
    sender = ClearSender(Direction.TO_PUMP, 7)
    with pytest.raises(ValueError, match="at most 222"):
        sender.seal(0, bytes(MAX_PLAINTEXT + 1))
    assert sender.remaining == MAX_RECORDS
    sender._counter = MAX_RECORDS - 1
    assert ClearReceiver().open(sender.seal(0, b"last")) == b"last"
    with pytest.raises(RecordsExhausted):
        sender.seal(0, b"one more")


def test_a_clear_receiver_explains_a_replay() -> None:
    receiver = ClearReceiver()
    frame = Frame(FrameKind.CLEAR, Direction.TO_PUMP, 0, 7, b"\x05\0\0\0abc")
    assert receiver.open(frame) == b"abc"
    drop = receiver.open(frame)
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.expected, drop.received) == (DropReason.REPLAY, "a counter above 5", "5")


def test_a_client_opens_a_lab_session_with_a_pump_that_has_one() -> None:
    pair = ConnectionPair(lab_role=Role.SERVICE)
    client = pair.client()
    client.discover()
    assert client.in_lab
    assert client.open_lab_session().role is Role.SERVICE
    assert client.get_status().uptime_s
    client.end_session()
    assert [reason for _, reason in pair.device.closed] == [CloseReason.DONE]


def test_a_client_says_that_a_pump_speaks_no_lab_plaintext() -> None:
    client = ConnectionPair().client()
    with pytest.raises(NoPumpError, match="No pump was looked for; discover one first"):
        client.open_lab_session()
    client.discover()
    assert not client.in_lab
    with pytest.raises(NoPumpError, match="does not answer lab plaintext"):
        client.open_lab_session()


def test_a_client_in_a_real_session_knows_of_the_lab() -> None:
    client = ConnectionPair(lab_role=Role.READER).client()
    client.connect(KEY)
    assert client.in_lab


@pytest.mark.parametrize("ready", [lambda pair: None, lambda pair: pair.discover()], ids=["no", "other"])
def test_a_programmer_endpoint_opens_none_either(ready: Callable[[ConnectionPair], object]) -> None:
    pair = ConnectionPair()
    ready(pair)
    with pytest.raises(RuntimeError, match=r"no pump was found|does not answer lab plaintext"):
        pair.programmer.open_lab_session()
