"""The application header: what its octets mean, and in which order a request is judged by them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bodies import plain_container
from support.strategies import bodies, example_of

from protocol.application import (
    CACHED,
    HEADER,
    HEADER_SIZE,
    MAX_BODY,
    ApplicationError,
    build_error,
    build_message,
    build_request,
    build_response,
    mark_cached,
    parse_answer,
    parse_request,
    read_header,
)
from protocol.messages.codec import BodyError
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, MessageSpec, by_name
from protocol.records import MAX_PLAINTEXT
from protocol.vocabulary import NO_FIELD, ErrorCode

every_message = pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
COMMIT = by_name("PROG_COMMIT")
STAGE = by_name("PROG_STAGE")


def refusal(plaintext: bytes) -> tuple[ErrorCode, int]:
    header = read_header(plaintext)
    assert header is not None
    with pytest.raises(BodyError) as caught:
        parse_request(header, plaintext)
    assert str(caught.value)
    return caught.value.code, caught.value.field


@given(st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE + 8))
def test_the_header_is_read_as_its_definition_says(octets: bytes) -> None:
    header = read_header(octets)
    assert header is not None
    assert {name: getattr(header, name) for name in header.__dataclass_fields__} == plain_container(
        HEADER.parse(octets)
    )


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=MAX_BODY), st.integers(0, 0xFF))
def test_the_header_is_built_as_its_definition_says(opcode: int, txn: int, body: bytes, mflags: int) -> None:
    values = {"opcode": opcode, "txn": txn, "rev": 1, "mflags": mflags, "body_len": len(body)}
    assert build_message(opcode, txn, body, mflags=mflags) == HEADER.build(values) + body


@given(st.binary(max_size=HEADER_SIZE - 1))
def test_too_few_octets_hold_no_header(octets: bytes) -> None:
    assert read_header(octets) is None


def test_header_and_largest_body_fill_one_record() -> None:
    assert len(build_message(0x0909, 1, bytes(MAX_BODY))) == MAX_PLAINTEXT
    with pytest.raises(ValueError, match="body has 215 octets, at most 214"):
        build_message(0x0909, 1, bytes(MAX_BODY + 1))


def test_the_cached_flag_changes_nothing_else() -> None:
    plain = build_response(COMMIT, example_of(COMMIT.response), 7)
    cached = mark_cached(plain)
    assert cached == plain[:5] + bytes([CACHED]) + plain[6:]
    assert mark_cached(cached) == cached


@every_message
@settings(max_examples=10)
@given(data=st.data())
def test_requests_and_responses_survive_the_wire(spec: MessageSpec, data: st.DataObject) -> None:
    request, response = data.draw(bodies(spec.request)), data.draw(bodies(spec.response))
    plaintext = build_request(spec, request, 9)
    header = read_header(plaintext)
    assert header is not None
    assert header.txn == 9
    assert parse_request(header, plaintext) == (spec, request)
    answer = mark_cached(build_response(spec, response, 9))
    header = read_header(answer)
    assert header is not None
    assert parse_answer(spec, header, answer) == response


@every_message
def test_an_error_answers_every_request(spec: MessageSpec) -> None:
    plaintext = build_error(spec.request_opcode, 3, ErrorCode.BUSY, 2, 77)
    header = read_header(plaintext)
    assert header is not None
    assert (header.opcode, header.txn) == (ERROR_OPCODE, 3)
    assert parse_answer(spec, header, plaintext) == ErrorBody(spec.request_opcode, ErrorCode.BUSY, 2, 77)


@pytest.mark.parametrize(("detail", "sent"), [(-1, 0), (1 << 32, 0xFFFF_FFFF), (5, 5)])
def test_the_detail_of_an_error_is_kept_within_its_field(detail: int, sent: int) -> None:
    plaintext = build_error(0x1144, 1, ErrorCode.HARD_LIMIT, detail=detail)
    header = read_header(plaintext)
    assert header is not None
    assert parse_answer(COMMIT, header, plaintext) == ErrorBody(0x1144, ErrorCode.HARD_LIMIT, NO_FIELD, sent)


# --- the order of judgement ---------------------------------------------------------------------------------


def wrong(opcode: int = 0x1144, rev: int = 1, mflags: int = 0, length: int = 0, reason: int = 0x0F) -> bytes:
    """A PROG_COMMIT that is wrong in the ways chosen."""
    body = bytearray(COMMIT.request_codec.encode(example_of(COMMIT.request)))
    body[16] = reason
    body += bytes(max(length, 0))
    del body[len(body) + min(length, 0) :]
    values = {"opcode": opcode, "txn": 1, "rev": rev, "mflags": mflags, "body_len": len(body)}
    return bytes(HEADER.build(values)) + bytes(body)


def test_a_right_request_is_not_refused() -> None:
    plaintext = wrong()
    header = read_header(plaintext)
    assert header is not None
    assert parse_request(header, plaintext) == (COMMIT, example_of(COMMIT.request))


def test_a_word_that_is_no_codeword_is_told_apart_from_an_unknown_message() -> None:
    for bit in range(16):
        assert refusal(wrong(opcode=0x1144 ^ 1 << bit)) == (ErrorCode.OPCODE_NOT_A_CODEWORD, NO_FIELD)
    for unknown in (COMMIT.response_opcode, ERROR_OPCODE, 0x0066, 0x881E):
        assert refusal(wrong(opcode=unknown)) == (ErrorCode.UNKNOWN_OPCODE, NO_FIELD)


@pytest.mark.parametrize("rev", [0, 2, 255])
def test_another_revision_is_refused(rev: int) -> None:
    assert refusal(wrong(rev=rev)) == (ErrorCode.UNSUPPORTED_REV, NO_FIELD)


def test_a_length_in_the_header_that_is_not_that_of_the_body_is_refused() -> None:
    for plaintext in (wrong() + b"\0", wrong()[:-1]):
        assert refusal(plaintext) == (ErrorCode.BAD_LENGTH, NO_FIELD)


@pytest.mark.parametrize("bit", range(8))
def test_flags_of_a_request_are_reserved(bit: int) -> None:
    assert refusal(wrong(mflags=1 << bit)) == (ErrorCode.RESERVED_NONZERO, NO_FIELD)


STEPS: tuple[tuple[str, dict[str, int], ErrorCode], ...] = (
    ("opcode", {"opcode": 0x1145}, ErrorCode.OPCODE_NOT_A_CODEWORD),
    ("rev", {"rev": 2}, ErrorCode.UNSUPPORTED_REV),
    ("length", {"length": 1}, ErrorCode.BAD_LENGTH),
    ("flags", {"mflags": 2}, ErrorCode.RESERVED_NONZERO),
    ("word", {"reason": 0}, ErrorCode.BAD_ENUM),
)


@pytest.mark.parametrize("later", range(len(STEPS)), ids=[name for name, _, _ in STEPS])
@pytest.mark.parametrize("earlier", range(len(STEPS)), ids=[name for name, _, _ in STEPS])
def test_of_two_faults_the_earlier_in_the_order_is_told(earlier: int, later: int) -> None:
    first, second = STEPS[min(earlier, later)], STEPS[max(earlier, later)]
    assert (
        refusal(wrong(**second[1], **first[1]) if first is not second else wrong(**first[1]))[0] is first[2]
    )


def test_the_length_of_a_block_is_judged_before_the_flags() -> None:
    body = STAGE.request_codec.encode(example_of(STAGE.request)) + b"\0"
    assert refusal(build_message(STAGE.request_opcode, 1, body, mflags=1)) == (ErrorCode.BAD_LENGTH, NO_FIELD)


def test_a_block_larger_than_the_pump_takes_is_told_as_too_large() -> None:
    body = bytes(6) + bytes([193]) + bytes(193)
    assert refusal(build_message(STAGE.request_opcode, 1, body)) == (ErrorCode.TOO_LARGE, 2)


# --- answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plaintext", "text"),
    [
        (build_message(0x5050, 1, bytes(48)), "answer to PROG_COMMIT: body has 48 octets, needs 49"),
        (build_message(0x5050, 1, bytes(49)), "answer to PROG_COMMIT: state = 0x00 is no ReceiptState"),
        (build_message(0x481D, 1, b""), "PROG_COMMIT was answered by GET_STATUS response (0x481D)"),
        (build_message(0x1144, 1, b""), "PROG_COMMIT was answered by PROG_COMMIT request (0x1144)"),
        (build_message(0x5050, 1, b"", mflags=2), "answer to PROG_COMMIT has a malformed header"),
        (build_message(0x5050, 1, b"") + b"\0", "answer to PROG_COMMIT has a malformed header"),
        (build_message(0xC00C, 1, bytes(7)), "answer to PROG_COMMIT: body has 7 octets, needs 8"),
    ],
)
def test_an_answer_that_is_none_is_not_believed(plaintext: bytes, text: str) -> None:
    header = read_header(plaintext)
    assert header is not None
    with pytest.raises(ApplicationError) as caught:
        parse_answer(COMMIT, header, plaintext)
    assert str(caught.value) == text


def test_an_answer_of_another_revision_is_not_believed() -> None:
    plaintext = bytearray(build_response(COMMIT, example_of(COMMIT.response), 1))
    plaintext[4] = 2
    header = read_header(bytes(plaintext))
    assert header is not None
    with pytest.raises(ApplicationError, match="malformed header"):
        parse_answer(COMMIT, header, bytes(plaintext))
