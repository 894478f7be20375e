"""Every refusal of the programming transaction: code, field, detail, and what it leaves behind."""

import hashlib

import pytest
from support.pump_bench import (
    INTENT,
    MONDAY_UTC_S,
    active_program,
    ask,
    begin,
    caller,
    commit,
    commit_request,
    intent,
    log_of,
    new_pump,
    pump_at_work,
    receipt_of,
    status,
    verified,
    verify,
    with_steps,
)

from firmware_model.pump import Pump
from protocol.log_record import ProgAbortEvent, SoftLimitOverrideEvent, read_payload
from protocol.messages.program import (
    GetProgramInfoRequest,
    ProgAbortRequest,
    ProgAbortResponse,
    ProgBeginRequest,
    ProgBeginResponse,
    ProgCommitRequest,
    ProgStageRequest,
    ProgStageResponse,
    ProgVerifyRequest,
    ReadProgramRequest,
    ReceiptResponse,
)
from protocol.program import Program, encode_program
from protocol.requests import Refusal
from protocol.vocabulary import (
    CloseReason,
    ErrorCode,
    EventType,
    OverrideReason,
    ReceiptState,
    SoftLimit,
    Which,
)

MINUTE_MS = 60_000


@pytest.fixture
def pump() -> Pump:
    return pump_at_work()


@pytest.fixture
def new(pump: Pump) -> Program:
    return with_steps(active_program(pump), (0, 8_000), (720, 12_000))


@pytest.fixture
def risky(pump: Pump) -> Program:
    """Passes soft limits for rate, hour and day."""
    return with_steps(active_program(pump), (0, 25_000))


def open_one(pump: Pump, image_len: int = 300, number: bytes = INTENT) -> ProgBeginResponse:
    opened = try_open(pump, image_len, number)
    assert isinstance(opened, ProgBeginResponse), opened
    return opened


def try_open(pump: Pump, image_len: int = 300, number: bytes = INTENT) -> ProgBeginResponse | Refusal:
    base = pump.controller.programs.table.newest_version
    answer: ProgBeginResponse | Refusal = ask(pump, ProgBeginRequest(base, image_len, number))
    return answer


# --- begin ------------------------------------------------------------------------------------------------


def test_begin_tells_handle_life_and_block(pump: Pump) -> None:
    opened = open_one(pump)
    assert (opened.expires_s, opened.max_block) == (900, 192)
    assert opened.handle > 0


@pytest.mark.parametrize("base", [0, 2, 0xFFFF_FFFF])
def test_begin_on_another_version_names_the_current_one(pump: Pump, base: int) -> None:
    assert ask(pump, ProgBeginRequest(base, 300, INTENT)) == Refusal(ErrorCode.VERSION_CONFLICT, 0, 1)


def test_begin_on_a_new_pump_starts_from_version_zero() -> None:
    pump = new_pump()
    assert ask(pump, ProgBeginRequest(1, 300, INTENT)) == Refusal(ErrorCode.VERSION_CONFLICT, 0, 0)
    assert isinstance(ask(pump, ProgBeginRequest(0, 300, INTENT)), ProgBeginResponse)


def test_begin_while_a_transaction_is_open_is_busy_with_its_handle(pump: Pump) -> None:
    opened = open_one(pump)
    assert try_open(pump, number=intent(2)) == Refusal(ErrorCode.BUSY, detail=opened.handle)


def test_an_intent_that_has_a_receipt_is_not_taken_again(pump: Pump, new: Program) -> None:
    commit(pump, new)
    assert try_open(pump) == Refusal(ErrorCode.INTENT_REUSED, 2)
    assert ask(pump, ProgBeginRequest(1, 300, INTENT)).code is ErrorCode.INTENT_REUSED


def test_an_aborted_intent_is_not_taken_again(pump: Pump) -> None:
    ask(pump, ProgAbortRequest(open_one(pump).handle))
    assert try_open(pump) == Refusal(ErrorCode.INTENT_REUSED, 2)


# --- stage ------------------------------------------------------------------------------------------------


def test_blocks_may_come_in_any_order_and_twice(pump: Pump, new: Program) -> None:
    image = encode_program(new)
    handle = open_one(pump, len(image)).handle
    blocks = [(at, image[at : at + 100]) for at in range(0, len(image), 100)]
    last_offset, last = blocks[-1]
    staged = ask(pump, ProgStageRequest(handle, last_offset, last))
    assert staged == ProgStageResponse(handle, len(last), 0)
    staged = ask(pump, ProgStageRequest(handle, 0, blocks[0][1]))
    assert staged == ProgStageResponse(handle, len(last) + 100, 100)
    for offset, data in reversed(blocks):
        staged = ask(pump, ProgStageRequest(handle, offset, data))
        staged = ask(pump, ProgStageRequest(handle, offset, data))
    assert staged == ProgStageResponse(handle, len(image), len(image))
    assert not isinstance(verify(pump, handle, image), Refusal)


def test_a_block_past_the_end_is_out_of_range(pump: Pump) -> None:
    handle = open_one(pump, 300).handle
    assert ask(pump, ProgStageRequest(handle, 200, bytes(101))) == Refusal(ErrorCode.OUT_OF_RANGE, 1, 300)
    assert not isinstance(ask(pump, ProgStageRequest(handle, 200, bytes(100))), Refusal)


def test_an_empty_block_is_out_of_range(pump: Pump) -> None:
    handle = open_one(pump).handle
    assert ask(pump, ProgStageRequest(handle, 0, b"")) == Refusal(ErrorCode.OUT_OF_RANGE, 2)


# --- handles ----------------------------------------------------------------------------------------------


def requests_with(handle: int) -> list[object]:
    return [
        ProgStageRequest(handle, 0, b"x"),
        ProgVerifyRequest(handle, bytes(32)),
        ProgCommitRequest(handle, bytes(8), SoftLimit(0), OverrideReason.NONE, 0),
        ProgAbortRequest(handle),
    ]


@pytest.mark.parametrize("which", range(4))
def test_an_unknown_handle_is_refused(pump: Pump, which: int) -> None:
    unknown = Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    assert ask(pump, requests_with(5)[which]) == unknown
    handle = open_one(pump).handle
    assert ask(pump, requests_with(handle ^ 1)[which]) == unknown
    assert ask(pump, requests_with(handle)[which], caller(session_id=8)) == unknown


@pytest.mark.parametrize("which", range(4))
def test_a_handle_lives_five_idle_minutes(pump: Pump, which: int) -> None:
    handle = open_one(pump).handle
    pump.advance_to(5 * MINUTE_MS)
    assert ask(pump, requests_with(handle)[which]) == Refusal(ErrorCode.HANDLE_EXPIRED, 0)
    assert ask(pump, requests_with(handle)[which]) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    assert receipt_of(pump).state is ReceiptState.EXPIRED


def test_a_handle_lives_fifteen_minutes_however_busy(pump: Pump) -> None:
    handle = open_one(pump).handle
    for minute in range(1, 15):
        pump.advance_to(minute * MINUTE_MS)
        assert not isinstance(ask(pump, ProgStageRequest(handle, 0, b"x")), Refusal)
    pump.advance_to(15 * MINUTE_MS)
    assert ask(pump, ProgStageRequest(handle, 0, b"x")) == Refusal(ErrorCode.HANDLE_EXPIRED, 0)


def test_an_expired_transaction_makes_room(pump: Pump) -> None:
    open_one(pump)
    pump.advance_to(5 * MINUTE_MS)
    open_one(pump, number=intent(2))
    assert receipt_of(pump).state is ReceiptState.EXPIRED


def test_a_handle_ages_in_link_time_once_that_is_told(pump: Pump) -> None:
    """A pump that runs a month in a second does not take the time from the people at the link."""
    pump.set_link_time(1_000)
    handle = open_one(pump).handle
    pump.advance_to(20 * 24 * 60 * MINUTE_MS)
    assert not isinstance(ask(pump, ProgStageRequest(handle, 0, b"x")), Refusal)
    pump.set_link_time(1_000 + 5 * MINUTE_MS)
    assert ask(pump, ProgStageRequest(handle, 0, b"x")) == Refusal(ErrorCode.HANDLE_EXPIRED, 0)


def test_a_link_clock_that_begins_anew_ends_what_was_open(pump: Pump) -> None:
    pump.set_link_time(50_000)
    handle = open_one(pump).handle
    pump.set_link_time(0)
    assert ask(pump, ProgStageRequest(handle, 0, b"x")) == Refusal(ErrorCode.HANDLE_EXPIRED, 0)


# --- verify -----------------------------------------------------------------------------------------------


def test_an_incomplete_image_is_refused_with_its_gap(pump: Pump) -> None:
    handle = open_one(pump, 300).handle
    ask(pump, ProgStageRequest(handle, 0, bytes(100)))
    ask(pump, ProgStageRequest(handle, 150, bytes(150)))
    refusal = ask(pump, ProgVerifyRequest(handle, bytes(32)))
    assert refusal == Refusal(ErrorCode.IMAGE_INCOMPLETE, detail=100)


def test_an_image_with_another_digest_is_refused(pump: Pump, new: Program) -> None:
    image = encode_program(new)
    handle = begin(pump, image)
    digest = bytearray(hashlib.sha256(image).digest())
    digest[31] ^= 1
    assert ask(pump, ProgVerifyRequest(handle, bytes(digest))) == Refusal(ErrorCode.DIGEST_MISMATCH, 1)


def test_a_malformed_image_is_refused(pump: Pump, new: Program) -> None:
    image = bytearray(encode_program(new))
    image[20] ^= 1
    refusal = verify(pump, begin(pump, bytes(image)), bytes(image))
    assert refusal == Refusal(ErrorCode.IMAGE_MALFORMED, detail=0)


def test_a_failed_verify_voids_the_token(pump: Pump, new: Program) -> None:
    summary = verified(pump, new)
    assert isinstance(ask(pump, ProgVerifyRequest(summary.handle, bytes(32))), Refusal)
    assert ask(pump, commit_request(summary)) == Refusal(ErrorCode.NOT_VERIFIED)


def test_staging_after_the_verify_voids_the_token(pump: Pump, new: Program) -> None:
    summary = verified(pump, new)
    ask(pump, ProgStageRequest(summary.handle, 0, encode_program(new)[:10]))
    assert ask(pump, commit_request(summary)) == Refusal(ErrorCode.NOT_VERIFIED)


def test_a_second_verify_gives_another_token(pump: Pump, new: Program) -> None:
    first = verified(pump, new)
    second = verify(pump, first.handle, encode_program(new))
    assert not isinstance(second, Refusal)
    assert first.token != second.token
    assert ask(pump, commit_request(first)) == Refusal(ErrorCode.TOKEN_MISMATCH, 1)
    assert isinstance(ask(pump, commit_request(second)), ReceiptResponse)


# --- commit -----------------------------------------------------------------------------------------------


def test_a_commit_without_a_verify_is_refused(pump: Pump, new: Program) -> None:
    handle = begin(pump, encode_program(new))
    refusal = ask(pump, ProgCommitRequest(handle, bytes(8), SoftLimit(0), OverrideReason.NONE, 0))
    assert refusal == Refusal(ErrorCode.NOT_VERIFIED)


def test_soft_limits_must_be_acknowledged_one_by_one(pump: Pump, risky: Program) -> None:
    summary = verified(pump, risky)
    passed = SoftLimit.RATE | SoftLimit.HOUR_VOLUME | SoftLimit.DAY_VOLUME
    assert summary.soft_flags == passed
    for flag in passed:
        request = commit_request(summary, OverrideReason.TRAINING, soft_ack=passed & ~flag)
        assert ask(pump, request) == Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 2, flag)
    request = commit_request(summary, OverrideReason.NONE, soft_ack=passed)
    assert ask(pump, request) == Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 3, passed)
    receipt = ask(pump, commit_request(summary, OverrideReason.TOLERANT_PATIENT))
    assert isinstance(receipt, ReceiptResponse)
    told = [read_payload(record) for record in log_of(pump) if record.type is EventType.SOFT_LIMIT_OVERRIDE]
    assert told == [SoftLimitOverrideEvent(2, passed, OverrideReason.TOLERANT_PATIENT)]


@pytest.mark.parametrize("ahead_s", [-1, 0, 30 * 86_400 + 1])
def test_an_effective_time_that_is_not_ahead_is_out_of_range(pump: Pump, new: Program, ahead_s: int) -> None:
    summary = verified(pump, new)
    request = commit_request(summary, effective_utc_s=MONDAY_UTC_S + ahead_s)
    assert ask(pump, request) == Refusal(ErrorCode.OUT_OF_RANGE, 4, MONDAY_UTC_S)


def test_an_effective_time_needs_a_clock(new: Program) -> None:
    pump = new_pump(utc_s=0)
    pump.refill(20_000_000)
    summary = verified(pump, with_steps(new, (0, 8_000)))
    request = commit_request(summary, effective_utc_s=MONDAY_UTC_S)
    assert ask(pump, request) == Refusal(ErrorCode.CLOCK_REQUIRED, 4)


def test_a_refused_commit_changes_nothing_and_may_be_corrected(pump: Pump, new: Program) -> None:
    summary = verified(pump, new)
    before = (status(pump), pump.storage.image())
    wrong = ProgCommitRequest(summary.handle, bytes(8), SoftLimit(0), OverrideReason.NONE, 0)
    assert ask(pump, wrong) == Refusal(ErrorCode.TOKEN_MISMATCH, 1)
    assert (status(pump), pump.storage.image()) == before
    assert isinstance(ask(pump, commit_request(summary)), ReceiptResponse)


def test_a_receipt_tells_version_time_record_and_digest(pump: Pump, new: Program) -> None:
    pump.advance_to(90_500)
    receipt = commit(pump, new)
    digest = hashlib.sha256(encode_program(new)).digest()[:16]
    assert receipt == ReceiptResponse(
        ReceiptState.COMMITTED,
        2,
        status(pump).uptime_s,
        MONDAY_UTC_S + 90,
        receipt.log_seq,
        digest,
        INTENT,
    )
    assert receipt_of(pump) == receipt
    pump.reset()
    assert receipt_of(pump) == receipt


def test_the_last_sixteen_receipts_are_kept(pump: Pump) -> None:
    program = active_program(pump)
    for number in range(1, 19):
        commit(pump, with_steps(program, (0, 5_000 + number)), intent(number))
    states = [receipt_of(pump, intent(number)).state for number in range(1, 19)]
    assert states == [ReceiptState.UNKNOWN] * 2 + [ReceiptState.COMMITTED] * 16
    pump.reset()
    assert [receipt_of(pump, intent(number)).state for number in range(1, 19)] == states


# --- the end of a transaction -----------------------------------------------------------------------------


def test_receipts_follow_the_transaction(pump: Pump, new: Program) -> None:
    assert receipt_of(pump).state is ReceiptState.UNKNOWN
    image = encode_program(new)
    handle = begin(pump, image)
    assert receipt_of(pump).state is ReceiptState.STAGED
    verify(pump, handle, image)
    assert receipt_of(pump).state is ReceiptState.VERIFIED
    assert ask(pump, ProgAbortRequest(handle)) == ProgAbortResponse(handle)
    assert receipt_of(pump).state is ReceiptState.ABORTED
    assert ask(pump, ProgAbortRequest(handle)) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)


def test_the_end_of_the_session_drops_what_was_staged(pump: Pump, new: Program) -> None:
    pump.session_opened(caller())
    handle = begin(pump, encode_program(new))
    before = active_program(pump)
    pump.session_closed(7, CloseReason.LINK_LOST)
    assert ask(pump, requests_with(handle)[0]) == Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
    assert receipt_of(pump).state is ReceiptState.ABORTED
    assert active_program(pump) == before
    told = [read_payload(record) for record in log_of(pump) if record.type is EventType.PROG_ABORT]
    assert told == [ProgAbortEvent(handle, 1)]


def test_the_end_of_another_session_drops_nothing(pump: Pump, new: Program) -> None:
    image = encode_program(new)
    handle = begin(pump, image)
    pump.session_closed(99, CloseReason.IDLE)
    assert not isinstance(verify(pump, handle, image), Refusal)


# --- reading ----------------------------------------------------------------------------------------------


def test_staged_active_and_previous_programs_can_be_told_and_read(pump: Pump, new: Program) -> None:
    old = encode_program(active_program(pump))
    image = encode_program(new)
    begin(pump, image)
    staged = ask(pump, GetProgramInfoRequest(Which.STAGED))
    assert (staged.version, staged.image_len) == (2, len(image))
    assert staged.digest == hashlib.sha256(image).digest()[:16]
    assert ask(pump, ReadProgramRequest(2, 10, 50)).data == image[10:60]
    pump.session_closed(7, CloseReason.DONE)
    commit(pump, new, intent(2))
    active = ask(pump, GetProgramInfoRequest(Which.ACTIVE))
    previous = ask(pump, GetProgramInfoRequest(Which.PREVIOUS))
    assert (active.version, active.actor_slot, active.committed_utc_s) == (2, 0, MONDAY_UTC_S)
    assert (previous.version, previous.actor_slot) == (1, 255)
    assert ask(pump, ReadProgramRequest(1, 0, 192)).data == old[:192]
    assert ask(pump, GetProgramInfoRequest(Which.STAGED)).version == 0


def test_reading_an_incomplete_staged_image_names_the_gap(pump: Pump) -> None:
    handle = open_one(pump, 300).handle
    ask(pump, ProgStageRequest(handle, 0, bytes(7)))
    assert ask(pump, GetProgramInfoRequest(Which.STAGED)).digest == bytes(16)
    assert ask(pump, ReadProgramRequest(2, 0, 10)) == Refusal(ErrorCode.IMAGE_INCOMPLETE, detail=7)


def test_reading_another_version_names_the_active_one(pump: Pump) -> None:
    assert ask(pump, ReadProgramRequest(9, 0, 10)) == Refusal(ErrorCode.VERSION_CONFLICT, 0, 1)
    assert ask(new_pump(), ReadProgramRequest(0, 0, 10)) == Refusal(ErrorCode.VERSION_CONFLICT, 0, 0)


def test_reading_past_the_end_is_out_of_range(pump: Pump) -> None:
    size = ask(pump, GetProgramInfoRequest(Which.ACTIVE)).image_len
    assert ask(pump, ReadProgramRequest(1, size, 1)) == Refusal(ErrorCode.OUT_OF_RANGE, 1, size)
    assert len(ask(pump, ReadProgramRequest(1, size - 5, 192)).data) == 5
