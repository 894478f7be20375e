"""What a programmer is told when a request fails, and whether it must fear for the therapy."""

from dataclasses import replace

import pytest
from support.device import HANDLE, TOKEN
from support.faulty_line import Channel, Fault, Mishap
from support.protocol_pair import KEY, ConnectionPair
from support.published import CATALOGUE
from support.strategies import example_of

from protocol.client import PumpClient
from protocol.client_calls import PumpCalls
from protocol.client_errors import ClientError, PumpRefusedError, SessionLostError, explain
from protocol.exchange import MAX_TXN
from protocol.frame import Direction, Frame, FrameKind, to_wire
from protocol.link_control import LinkError, LinkErrorCode, encode_link
from protocol.messages.errors import ErrorBody
from protocol.messages.log import LogReadRequest
from protocol.messages.program import (
    GetProgramInfoRequest,
    GetProgramInfoResponse,
    ProgStageRequest,
    ReadProgramRequest,
    ReadProgramResponse,
)
from protocol.messages.registry import MESSAGES, MessageSpec
from protocol.messages.session import KeepaliveResponse
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import NO_FIELD, CloseReason, ErrorCode, Role, Which

LOST = Mishap(Fault.DROP)
every_message = pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)


def connected() -> tuple[ConnectionPair, PumpClient]:
    pair = ConnectionPair()
    client = pair.client()
    client.connect(KEY)
    return pair, client


def loss(client: PumpClient, body: object) -> SessionLostError:
    with pytest.raises(SessionLostError) as caught:
        client.request(body)
    assert not client.connected
    return caught.value


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_every_error_is_explained_in_words_with_its_code(code: ErrorCode) -> None:
    text = explain(ErrorBody(0x1144, code, 3, 4_711))
    words = text.removesuffix(f" (0x{int(code):02X} {code.name}).")
    assert words != text
    assert "{" not in text
    assert "}" not in text
    assert len(words.split()) >= 3


@every_message
def test_a_link_that_is_cut_leaves_only_therapy_uncertain(spec: MessageSpec) -> None:
    pair, client = connected()
    pair.line.broken = True
    lost = loss(client, example_of(spec.request))
    assert lost.spec is spec
    assert lost.uncertain == CATALOGUE[spec.name].treats
    assert str(lost) == f"The link failed while {spec.name} had no answer: the test line was cut"


@every_message
def test_an_answer_that_never_comes_leaves_only_therapy_uncertain(spec: MessageSpec) -> None:
    pair, client = connected()
    pair.line.to_programmer = Channel([LOST] * 9)
    lost = loss(client, example_of(spec.request))
    assert lost.uncertain == CATALOGUE[spec.name].treats
    assert str(lost) == f"{spec.name} found no answer in time; the session is lost."


def test_a_pump_that_has_no_session_any_more_says_so() -> None:
    pair, client = connected()
    pair.line.let_pass(120_000)
    lost = loss(client, GetStatusRequest())
    assert "The pump has no session with this programmer; connect again." in str(lost)
    assert client.connect(KEY).role is Role.CLINICIAN


@pytest.mark.parametrize("code", [code for code in LinkErrorCode if code is not LinkErrorCode.NO_SESSION])
def test_other_refusals_in_plaintext_are_not_believed_inside_a_session(code: LinkErrorCode) -> None:
    pair, client = connected()
    session = pair.pump.session
    assert session is not None
    payload = encode_link(LinkError(code, 0))
    forged = to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, session.link_id, payload))
    pair.line.to_programmer.put(forged, pair.now_ms)
    assert client.keepalive() == example_of(KeepaliveResponse)


def test_nothing_is_sent_and_nothing_is_uncertain_without_a_session() -> None:
    pair = ConnectionPair()
    client = pair.client()
    with pytest.raises(SessionLostError) as caught:
        client.prog_commit(HANDLE, TOKEN)
    assert not caught.value.uncertain
    assert str(caught.value) == "PROG_COMMIT was not sent: no session is open. Connect to the pump first."
    assert pair.line.to_pump.frames == []


def test_after_a_loss_nothing_is_sent_until_one_connects_again() -> None:
    pair, client = connected()
    pair.line.to_programmer = Channel([LOST] * 5)
    assert loss(client, GetStatusRequest()).spec.name == "GET_STATUS"
    sent = len(pair.line.to_pump.frames)
    assert "no session is open" in str(loss(client, GetStatusRequest()))
    assert len(pair.line.to_pump.frames) == sent
    client.connect(KEY)
    assert client.get_status().uptime_s >= 0


def test_after_a_broken_pipe_nothing_waits_any_more() -> None:
    pair, client = connected()
    pair.line.broken = True
    assert loss(client, GetStatusRequest()).spec.name == "GET_STATUS"
    pair.line.broken = False
    client.connect(KEY)
    assert client.get_status().uptime_s >= 0


def test_a_session_that_has_used_up_its_requests_says_so() -> None:
    pair, client = connected()
    session, ours = pair.pump.session, client._endpoint._session
    assert session is not None
    assert ours is not None
    session.exchange._last = ours.exchange._txn = MAX_TXN - 1
    client.keepalive()
    assert not client.connected
    lost = loss(client, GetStatusRequest())
    assert not lost.uncertain
    assert str(lost) == (
        "GET_STATUS was not sent: the session has used up its 65535 requests. Connect again."
    )
    assert client.connect(KEY).role is Role.CLINICIAN


def test_a_refusal_says_what_was_refused_and_why() -> None:
    pair, client = connected()
    pair.device.commits = 8
    with pytest.raises(PumpRefusedError) as caught:
        client.prog_begin(7, 637, b"intent 123456789")
    error = caught.value
    assert (error.spec.name, error.code, error.field, error.detail) == (
        "PROG_BEGIN",
        ErrorCode.VERSION_CONFLICT,
        0,
        8,
    )
    assert str(error) == (
        "The pump refused PROG_BEGIN: its program changed meanwhile to version 8; interrogate again "
        "(0xB5 VERSION_CONFLICT)."
    )
    assert client.connected


def test_a_request_that_is_out_of_range_is_refused_by_the_pump() -> None:
    _, client = connected()
    with pytest.raises(PumpRefusedError) as caught:
        client.request(LogReadRequest(1, 1, 7))
    assert (caught.value.code, caught.value.field) == (ErrorCode.OUT_OF_RANGE, 2)


def test_a_request_that_fits_no_octets_is_not_sent_and_ends_nothing() -> None:
    pair, client = connected()
    sent = len(pair.line.to_pump.frames)
    with pytest.raises(ValueError, match="at most 192"):
        client.request(ProgStageRequest(HANDLE, 0, bytes(193)))
    assert len(pair.line.to_pump.frames) == sent
    assert client.keepalive().uptime_s >= 0


def test_a_response_of_another_kind_is_a_mistake_of_the_caller() -> None:
    _, client = connected()
    with pytest.raises(
        TypeError, match="GetStatusRequest is answered by GetStatusResponse, not KeepaliveResp"
    ):
        client.call(GetStatusRequest(), KeepaliveResponse)


@every_message
def test_every_message_can_be_asked_by_its_request(spec: MessageSpec) -> None:
    _, client = connected()
    try:
        answer = client.request(example_of(spec.request))
    except PumpRefusedError as refused:
        answer = refused.spec.response
        assert refused.spec is spec  # noqa: PT017 - either end is right here
    assert answer is spec.response or isinstance(answer, spec.response)


class OneBlockPump(PumpCalls):
    """Gives a program in blocks of at most ``largest`` octets."""

    def __init__(self, image: bytes, largest: int) -> None:
        self.image, self.largest = image, largest

    def call(self, body: object, expect: type) -> object:  # type: ignore[override]
        assert isinstance(body, ReadProgramRequest)
        assert 1 <= body.length <= 192
        end = body.offset + min(body.length, self.largest)
        return ReadProgramResponse(body.version, body.offset, self.image[body.offset : end])


@pytest.mark.parametrize("size", [0, 1, 191, 192, 193, 637])
@pytest.mark.parametrize("largest", [50, 192])
def test_a_whole_image_is_read_in_blocks(size: int, largest: int) -> None:
    image = bytes(at & 0xFF for at in range(size))
    info = replace(example_of(GetProgramInfoResponse), image_len=size)
    assert OneBlockPump(image, largest).read_image(info) == image


def test_a_pump_that_gives_nothing_is_not_asked_for_ever() -> None:
    info = replace(example_of(GetProgramInfoResponse), image_len=20)
    with pytest.raises(ClientError, match="The pump sent nothing at octet 10 of the 20 of its program"):
        OneBlockPump(bytes(10), 192).read_image(info)


def test_a_client_that_is_closed_ends_its_session() -> None:
    pair = ConnectionPair()
    with pair.client() as client:
        client.connect(KEY)
    assert [reason for _, reason in pair.device.closed] == [CloseReason.DONE]
    assert pair.line.broken


@pytest.mark.parametrize("trouble", ["not connected", "cut", "silent", "expired"])
def test_closing_never_fails(trouble: str) -> None:
    pair = ConnectionPair()
    client = pair.client()
    if trouble != "not connected":
        client.connect(KEY)
    pair.line.broken = trouble == "cut"
    if trouble == "silent":
        pair.line.to_programmer = Channel([LOST] * 9)
    if trouble == "expired":
        pair.line.let_pass(120_000)
    client.close()
    client.close()
    assert pair.line.broken
    assert not client.connected


def test_a_session_is_ended_once() -> None:
    pair, client = connected()
    client.end_session(CloseReason.LINK_LOST)
    client.end_session()
    assert [reason for _, reason in pair.device.closed] == [CloseReason.LINK_LOST]


def test_an_error_without_a_field_says_so_by_number() -> None:
    pair, client = connected()
    pair.device.bonds.clear()
    with pytest.raises(PumpRefusedError) as caught:
        client.request(GetProgramInfoRequest(Which.ACTIVE))
    assert (caught.value.code, caught.value.field) == (ErrorCode.BOND_REVOKED, NO_FIELD)
