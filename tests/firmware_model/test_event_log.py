"""The log ring: sequence, pages, wrap, corrupt records and the hash chain."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pump_bench import (
    HOUR_MS,
    active_program,
    ask,
    caller,
    commit,
    intent,
    log_of,
    new_pump,
    pump_at_work,
    with_steps,
)

from firmware_model.controller.event_log import CAPACITY, CHECKPOINT_EVERY, cell_of
from firmware_model.controller.log_debt import NO_DEBT
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot
from protocol.log_record import HandshakeFailEvent, open_record, seal_record
from protocol.messages.log import (
    LogDigestRequest,
    LogDigestResponse,
    LogInfoRequest,
    LogInfoResponse,
    LogReadRequest,
    LogReadResponse,
)
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode, EventType, LogPageFlag, LogRecordFlag, Role


def fill(pump: Pump, until_seq: int) -> Pump:
    while pump.controller.log.last_seq < until_seq:
        note(pump)
    return pump


def note(pump: Pump) -> None:
    """Write a record that means nothing."""
    pump.controller.log.write(HandshakeFailEvent(3, 0))


def read(pump: Pump, from_seq: int, limit: int = 6, role: Role = Role.CLINICIAN) -> LogReadResponse:
    answer = ask(pump, LogReadRequest(1, from_seq, limit), caller(role=role))
    assert isinstance(answer, LogReadResponse), answer
    return answer


@pytest.fixture(scope="module")
def wrapped() -> PumpSnapshot:
    """A pump whose ring has been round once and a bit."""
    return fill(new_pump(), CAPACITY + 100).snapshot()


# --- pages ------------------------------------------------------------------------------------------------


def test_log_info_tells_the_span() -> None:
    pump = pump_at_work()
    last = pump.controller.log.last_seq
    assert ask(pump, LogInfoRequest()) == LogInfoResponse(1, 1, last, 32, CAPACITY)


def test_a_page_begins_where_it_was_asked_and_says_whether_more_follows() -> None:
    pump = fill(pump_at_work(), 20)
    page = read(pump, 3, 4)
    assert [record.seq for record in page.records] == [3, 4, 5, 6]
    assert (page.first_seq, page.flags) == (3, LogPageFlag.MORE)
    page = read(pump, 17)
    assert [record.seq for record in page.records] == [17, 18, 19, 20]
    assert page.flags == LogPageFlag(0)


def test_a_reader_that_follows_the_last_record_gets_every_one_once() -> None:
    pump = fill(pump_at_work(), 150)
    seen: list[int] = []
    at, more = 1, True
    while more:
        page = read(pump, at, 5)
        seen += [record.seq for record in page.records]
        at, more = seen[-1] + 1, bool(page.flags & LogPageFlag.MORE)
    assert seen == list(range(1, 151))


def test_one_past_the_newest_is_an_empty_page_and_beyond_there_are_no_records() -> None:
    pump = fill(pump_at_work(), 20)
    page = read(pump, 21)
    assert (page.first_seq, page.flags, page.records) == (21, LogPageFlag(0), ())
    assert ask(pump, LogReadRequest(1, 22, 6)) == Refusal(ErrorCode.NO_RECORDS, 1, 20)


def test_another_epoch_is_refused_with_the_present_one() -> None:
    assert ask(pump_at_work(), LogReadRequest(2, 1, 6)) == Refusal(ErrorCode.LOG_EPOCH_CHANGED, 0, 1)


def test_from_the_beginning_is_a_gap_only_if_something_is_gone(wrapped: PumpSnapshot) -> None:
    assert not read(pump_at_work(), 0).flags & LogPageFlag.GAP
    assert not read(pump_at_work(), 1).flags & LogPageFlag.GAP
    pump = Pump.restore(wrapped)
    first = pump.controller.log.first_seq
    assert first == 101
    page = read(pump, 5)
    assert page.flags == LogPageFlag.GAP | LogPageFlag.MORE
    assert (page.first_seq, page.records[0].seq) == (first, first)
    assert read(pump, first).flags == LogPageFlag.MORE


def test_the_ring_keeps_the_newest_records_over_a_reset(wrapped: PumpSnapshot) -> None:
    pump = Pump.restore(wrapped)
    before = [record.seq for record in log_of(pump)]
    assert before == list(range(101, CAPACITY + 101))
    chain = pump.controller.log.chain
    pump.reset()
    assert pump.controller.log.last_seq > CAPACITY + 100
    told = [record for record in log_of(pump) if record.seq <= CAPACITY + 100]
    assert [record.seq for record in told] == before[len(before) - len(told) :]
    assert chain != pump.controller.log.chain


def test_the_patient_sees_alarms_and_delivery_only() -> None:
    pump = fill(pump_at_work(), 30)
    pump.reset()
    fill(pump, 80)
    page = read(pump, 1, 2, Role.PATIENT)
    assert [record.type for record in page.records] == [EventType.DELIVERY_STATE] * 2
    assert page.flags == LogPageFlag.MORE
    rest = read(pump, page.records[-1].seq + 1, 6, Role.PATIENT)
    assert [record.type for record in rest.records] == [EventType.ALARM_RAISED, EventType.DELIVERY_STATE]
    assert rest.flags == LogPageFlag(0)


# --- records ----------------------------------------------------------------------------------------------


def test_records_are_stamped_with_both_clocks() -> None:
    pump = pump_at_work()
    pump.advance_to(HOUR_MS)
    pump.reset()
    pump.advance_to(HOUR_MS + 90_000)
    note(pump)
    *_, record = log_of(pump)
    assert (record.uptime_s, record.utc_s) == (90, 1_772_409_600 + 3_690)
    assert record.actor_slot == 255


def test_records_of_a_pump_without_clock_say_so() -> None:
    pump = new_pump(utc_s=0)
    assert all(record.flags & LogRecordFlag.CLOCK_UNSET for record in log_of(pump))
    assert not any(record.utc_s for record in log_of(pump))
    assert not any(record.flags & LogRecordFlag.CLOCK_UNSET for record in log_of(new_pump()))


def test_the_first_record_after_a_start_is_marked() -> None:
    pump = pump_at_work()
    pump.reset()
    marked = [record.type for record in log_of(pump) if record.flags & LogRecordFlag.FIRST_AFTER_BOOT]
    assert marked == [EventType.BOOT, EventType.BOOT]


def test_compound_records_name_the_bond_that_caused_them() -> None:
    pump = pump_at_work()
    last = pump.controller.log.last_seq
    commit(pump, with_steps(active_program(pump), (0, 8_000)))
    commit_record, activated = [record for record in log_of(pump) if record.seq > last]
    assert (commit_record.type, commit_record.actor_slot) == (EventType.PROG_COMMIT, 0)
    assert (activated.type, activated.flags) == (EventType.PROG_ACTIVATED, LogRecordFlag.CONTINUES)


# --- damage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flip", "unreadable"])
def test_a_corrupt_record_keeps_its_number(how: str) -> None:
    pump = fill(pump_at_work(), 20)
    if how == "flip":
        pump.storage.flip_bit(cell_of(9), 100)
    else:
        pump.storage.fail_reads(cell_of(9))
    page = read(pump, 8, 3)
    assert page.flags == LogPageFlag.CORRUPT | LogPageFlag.MORE
    assert [record.seq for record in page.records] == [8, 9, 10]
    placeholder = page.records[1]
    assert placeholder.type is EventType.DATA_CORRUPT
    assert placeholder.payload.rstrip(b"\0").decode() == cell_of(9)
    assert not read(pump, 10).flags & LogPageFlag.CORRUPT


def test_a_corrupt_newest_record_is_not_written_over_after_a_reset() -> None:
    pump = fill(pump_at_work(), 20)
    pump.storage.flip_bit(cell_of(20), 3)
    pump.reset()
    page = read(pump, 20, 2)
    assert page.flags & LogPageFlag.CORRUPT
    assert (page.records[0].seq, page.records[1].type) == (20, EventType.BOOT)


@given(st.integers(1, 31))
@settings(max_examples=31)
def test_a_torn_record_uses_its_number_up(torn: int) -> None:
    pump = fill(pump_at_work(), 20)
    pump.storage.cut_power_at(1, torn=torn)
    with pytest.raises(PowerCut):
        note(pump)
    pump.reset()
    boot = next(record for record in log_of(pump) if record.seq > 20 and record.type is EventType.BOOT)
    assert boot.seq == 22
    assert read(pump, 21, 1).flags & LogPageFlag.CORRUPT


def test_sequence_numbers_never_go_back_though_the_whole_ring_is_lost(wrapped: PumpSnapshot) -> None:
    pump = Pump.restore(wrapped)
    for seq in range(101, CAPACITY + 101):
        pump.storage.flip_bit(cell_of(seq), 5)
    pump.reset()
    assert pump.controller.log.last_seq > CAPACITY


# --- the chain --------------------------------------------------------------------------------------------


def test_every_sixty_fourth_record_is_a_checkpoint_of_the_chain() -> None:
    """The chain, computed here from the sealed records alone, is what the checkpoints say."""
    pump = fill(pump_at_work(), 5 * CHECKPOINT_EVERY)
    chain = hashlib.sha256(b"OITP/1 log").digest()
    checkpoints = []
    for seq in range(1, pump.controller.log.last_seq + 1):
        sealed = pump.storage.read(cell_of(seq))
        assert sealed is not None
        record = open_record(sealed)
        assert record is not None
        if record.type is EventType.CHAIN_CHECKPOINT:
            checkpoints.append(seq)
            assert record.payload == chain[:12]
        chain = hashlib.sha256(chain + sealed).digest()
    assert checkpoints == [64, 128, 192, 256, 320]
    assert pump.controller.log.chain == chain


@pytest.mark.parametrize("until", [63, 64, 65, 127, 128, 200])
def test_the_chain_is_found_again_after_a_reset(until: int) -> None:
    pump, twin = fill(pump_at_work(), until), fill(pump_at_work(), until)
    pump.reset()
    chain = twin.controller.log.chain
    for seq in range(twin.controller.log.last_seq + 1, pump.controller.log.last_seq + 1):
        chain = hashlib.sha256(chain + (pump.storage.read(cell_of(seq)) or b"")).digest()
    assert pump.controller.log.chain == chain


def test_a_record_changed_afterwards_breaks_the_chain() -> None:
    pump, twin = fill(pump_at_work(), 40), fill(pump_at_work(), 40)
    pump.storage.flip_bit(cell_of(30), 50)
    pump.reset()
    twin.reset()
    assert pump.controller.log.chain != twin.controller.log.chain


def test_sequence_numbers_are_without_gaps_over_years_and_resets() -> None:
    pump = pump_at_work()
    for number in range(1, 30):
        pump.advance_to(pump.now_ms + 20 * HOUR_MS)
        commit(pump, with_steps(active_program(pump), (0, 8_000 + number)), intent(number))
        if number % 7 == 0:
            pump.reset()
    seqs = [record.seq for record in log_of(pump)]
    assert all(second == first + 1 for first, second in pairwise(seqs))
    assert seqs[0] == 1


# --- digest -----------------------------------------------------------------------------------------------


def digest(pump: Pump, from_seq: int, to_seq: int, epoch: int = 1) -> LogDigestResponse | Refusal:
    answer: LogDigestResponse | Refusal = ask(pump, LogDigestRequest(epoch, from_seq, to_seq))
    return answer


def test_the_digest_is_the_chain_of_the_downloaded_records_alone() -> None:
    """A reader who keeps the records computes the same from what it was given."""
    pump = fill(pump_at_work(), 140)
    chain = bytes(32)
    for record in log_of(pump):
        if 5 <= record.seq <= 133:
            chain = hashlib.sha256(chain + seal_record(record)).digest()
    assert digest(pump, 5, 133) == LogDigestResponse(5, 133, chain)
    assert digest(pump, 7, 7) != digest(pump, 8, 8)


def test_the_digest_of_a_whole_ring_that_has_been_round(wrapped: PumpSnapshot) -> None:
    pump = Pump.restore(wrapped)
    first, last = pump.controller.log.first_seq, pump.controller.log.last_seq
    assert last - first + 1 == CAPACITY
    chain = bytes(32)
    for record in log_of(pump):
        chain = hashlib.sha256(chain + seal_record(record)).digest()
    assert digest(pump, first, last) == LogDigestResponse(first, last, chain)


def test_a_digest_is_of_records_that_are_held(wrapped: PumpSnapshot) -> None:
    pump = Pump.restore(wrapped)
    first, last = pump.controller.log.first_seq, pump.controller.log.last_seq
    assert digest(pump, first - 1, last) == Refusal(ErrorCode.NO_RECORDS, 1, first)
    assert digest(pump, first, last + 1) == Refusal(ErrorCode.NO_RECORDS, 2, last)
    assert digest(pump, first + 1, first) == Refusal(ErrorCode.OUT_OF_RANGE, 2, first + 1)
    assert digest(pump, first, last, epoch=2) == Refusal(ErrorCode.LOG_EPOCH_CHANGED, 0, 1)


def test_a_digest_tells_a_record_that_was_changed_or_cannot_be_read() -> None:
    pump = fill(pump_at_work(), 40)
    before = digest(pump, 1, 40)
    pump.storage.flip_bit(cell_of(30), 50)
    changed = digest(pump, 1, 40)
    raw = bytes(32)
    for seq in range(1, 41):
        raw = hashlib.sha256(raw + (pump.storage.read(cell_of(seq)) or b"")).digest()
    assert changed == LogDigestResponse(1, 40, raw) != before
    pump.storage.fail_reads(cell_of(30))
    assert digest(pump, 1, 40) not in (before, changed)
    assert digest(pump, 31, 40) == digest(fill(pump_at_work(), 40), 31, 40)


# --- what a stored change owes ----------------------------------------------------------------------------


def test_a_debt_is_paid_once() -> None:
    pump = fill(pump_at_work(), 20)
    log = pump.controller.log
    debt = log.owe(HandshakeFailEvent(1, 2), actor=3)
    assert [log.settle(debt), log.settle(debt)] == [21, 21]
    assert log.last_seq == 21
    assert log.settle(NO_DEBT) == 0


def test_a_debt_of_a_round_ago_was_paid() -> None:
    pump = pump_at_work()
    debt = pump.controller.log.owe(HandshakeFailEvent(1, 2))
    fill(pump, CAPACITY + 50)
    last = pump.controller.log.last_seq
    assert pump.controller.log.settle(debt) == 0
    assert pump.controller.log.last_seq == last
