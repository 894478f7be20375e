"""Power fails at every storage write of a commit: the old program or the new, and a receipt says which."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from support.pump_bench import (
    DAY_MS,
    HOUR_MS,
    INTENT,
    MONDAY_UTC_S,
    active_program,
    ask,
    begin,
    commit,
    commit_request,
    intent,
    log_of,
    pump_at_work,
    receipt_of,
    status,
    verified,
    verify,
    with_steps,
)

from firmware_model.controller.event_log import CAPACITY
from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot
from protocol.link_control import LinkClass
from protocol.log_record import BootEvent, ProgCommitEvent, read_payload
from protocol.messages.program import (
    GetProgramInfoRequest,
    ProgVerifyResponse,
    ReadProgramRequest,
    ReceiptResponse,
)
from protocol.program import Program, decode_program, encode_program, program_digest
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, DeliveryState, ErrorCode, EventType, ReceiptState, Which

TORN = (0, 1, 17, 100_000)
"""Octets of the interrupted write that reach storage: none, one, some, all of them."""

NEW_UTC_S = MONDAY_UTC_S + 7_200
EFFECTIVE_MS = 7_200_000


@dataclass(frozen=True)
class Case:
    """A pump with a verified change of its program from ``old`` to ``new``."""

    ready: PumpSnapshot
    summary: ProgVerifyResponse
    old: Program
    new: Program


def case(first_rate_nl_h: int = 8_000, log_seq: int = 0) -> Case:
    pump = pump_at_work()
    while pump.controller.log.last_seq < log_seq:
        pump.controller.log.write(BootEvent(9))
    old = active_program(pump)
    new = with_steps(old, (0, first_rate_nl_h), (720, 12_000))
    summary = verified(pump, new)
    return Case(pump.snapshot(), summary, old, new)


def cut_at_each_write(
    ready: PumpSnapshot, torn: int, act: Callable[[Pump], object]
) -> Iterator[tuple[int, Pump]]:
    """Run ``act`` on a fresh copy with power failing at write 1, 2, ... until it comes through whole."""
    for nth in count(1):
        pump = Pump.restore(ready)
        pump.storage.cut_power_at(nth, torn=torn)
        try:
            act(pump)
        except PowerCut:
            assert pump.storage.dark
            yield nth, pump
        else:
            assert nth > 1, "nothing was written at all"
            return


def read_back(pump: Pump) -> bytes:
    info = ask(pump, GetProgramInfoRequest(Which.ACTIVE))
    image = b""
    while len(image) < info.image_len:
        block = ask(pump, ReadProgramRequest(info.version, len(image), 192))
        assert not isinstance(block, Refusal), block
        image += block.data
    assert program_digest(image)[:16] == info.digest
    return image


def versions_committed(pump: Pump) -> list[int]:
    found = (read_payload(record) for record in log_of(pump) if record.type is EventType.PROG_COMMIT)
    return [event.version for event in found if isinstance(event, ProgCommitEvent)]


def assert_old_or_new(pump: Pump, given: Case) -> bool:
    """One program, whole; log, receipt and delivery agree on which. Tell whether it is the new one."""
    receipt = receipt_of(pump)
    is_new = receipt.state is ReceiptState.COMMITTED
    assert is_new or receipt.state is ReceiptState.UNKNOWN
    program = given.new if is_new else given.old
    assert decode_program(read_back(pump)) == program
    seen = status(pump)
    assert seen.program_version == (2 if is_new else 1)
    assert seen.delivery_state is DeliveryState.RUNNING
    assert seen.rate_nl_h == program.schedule.steps[0].rate_nl_h
    assert versions_committed(pump) == ([1, 2] if is_new else [1])
    if is_new:
        (told,) = pump.controller.log.page(receipt.log_seq, 1).records
        assert told.type in (EventType.PROG_COMMIT, EventType.PROG_ACTIVATED)
        assert receipt.version == 2
    return is_new


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("first_rate_nl_h", [8_000, 25_000], ids=["within limits", "past soft limits"])
def test_a_commit_that_loses_power_ends_old_or_new(first_rate_nl_h: int, torn: int) -> None:
    given = case(first_rate_nl_h)
    outcomes = []
    for _nth, pump in cut_at_each_write(
        given.ready, torn, lambda pump: ask(pump, commit_request(given.summary))
    ):
        pump.reset()
        outcomes.append(assert_old_or_new(pump, given))
    # First the old program, from some write on the new one, and both were seen.
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}
    assert len(outcomes) >= 12


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("log_seq", [61, 62, 63], ids=lambda seq: f"log at {seq}")
def test_a_checkpoint_of_the_log_in_the_middle_of_a_commit_changes_nothing(log_seq: int, torn: int) -> None:
    given = case(25_000, log_seq)
    outcomes = set()
    for _nth, pump in cut_at_each_write(
        given.ready, torn, lambda pump: ask(pump, commit_request(given.summary))
    ):
        pump.reset()
        outcomes.add(assert_old_or_new(pump, given))
    assert outcomes == {False, True}


def test_a_torn_record_over_an_old_one_of_the_ring_is_no_record() -> None:
    """The ring has been round: a torn write mixes the octets of two records."""
    given = case(log_seq=CAPACITY + 10)
    for nth, pump in cut_at_each_write(
        given.ready, 17, lambda pump: ask(pump, commit_request(given.summary))
    ):
        pump.reset()
        is_new = receipt_of(pump).state is ReceiptState.COMMITTED
        # Both copies of the bank come first, then the journal, which a torn first copy undoes.
        assert is_new == (nth > 3)
        assert versions_committed(pump) == ([2] if is_new else [])


@pytest.mark.parametrize("torn", [0, 9])
def test_power_may_fail_again_while_the_pump_recovers(torn: int) -> None:
    """Every write of the restart is cut as well; the restart after that must still end old or new."""
    given = case(25_000)
    recoveries = 0
    for _nth, pump in cut_at_each_write(
        given.ready, torn, lambda pump: ask(pump, commit_request(given.summary))
    ):
        cells, registers = pump.storage.image(), given.ready.registers
        for again in count(1):
            second = Pump.restore(given.ready)
            for cell, octets in cells.items():
                second.storage.write(cell, octets)
            assert second.controller.therapy.registers == registers
            second.storage.cut_power_at(again, torn=torn)
            try:
                second.reset()
            except PowerCut:
                recoveries += 1
                second.reset()
                assert_old_or_new(second, given)
            else:
                assert_old_or_new(second, given)
                break
    assert recoveries > 100


def test_an_interrupted_commit_leaves_a_pump_that_takes_the_next_one() -> None:
    given = case()
    for nth, pump in cut_at_each_write(given.ready, 5, lambda pump: ask(pump, commit_request(given.summary))):
        pump.reset()
        before = status(pump).program_version
        receipt = commit(pump, with_steps(given.old, (0, 7_000 + nth)), intent(99))
        assert receipt.version == before + 1
        assert status(pump).rate_nl_h == 7_000 + nth


def test_nothing_is_answered_without_power() -> None:
    given = case()
    pump = Pump.restore(given.ready)
    pump.storage.cut_power_at(1)
    with pytest.raises(PowerCut):
        ask(pump, commit_request(given.summary))
    with pytest.raises(PowerCut):
        status(pump)
    with pytest.raises(PowerCut):
        pump.advance_to(pump.now_ms + 1)
    pump.reset()
    assert status(pump).delivery_state is DeliveryState.RUNNING


@pytest.mark.parametrize("torn", TORN)
def test_a_scheduled_commit_that_loses_power_is_pending_or_was_never_made(torn: int) -> None:
    given = case()
    pending = set()
    for _nth, pump in cut_at_each_write(
        given.ready,
        torn,
        lambda pump: ask(pump, commit_request(given.summary, effective_utc_s=NEW_UTC_S)),
    ):
        pump.reset()
        state = receipt_of(pump).state
        pending.add(state)
        info = ask(pump, GetProgramInfoRequest(Which.STAGED))
        assert (info.version == 2) == (state is ReceiptState.SCHEDULED)
        assert status(pump).program_version == 1
        pump.advance_to(EFFECTIVE_MS)
        assert assert_old_or_new(pump, given) == (state is ReceiptState.SCHEDULED)
    assert pending == {ReceiptState.UNKNOWN, ReceiptState.SCHEDULED}


@pytest.mark.parametrize("torn", TORN)
def test_a_scheduled_program_takes_effect_though_power_fails_just_then(torn: int) -> None:
    given = case()
    pump = Pump.restore(given.ready)
    ask(pump, commit_request(given.summary, effective_utc_s=NEW_UTC_S))
    pump.advance_to(EFFECTIVE_MS - 1)
    assert status(pump).program_version == 1
    cuts = 0
    for _nth, dark in cut_at_each_write(pump.snapshot(), torn, lambda pump: pump.advance_to(EFFECTIVE_MS)):
        cuts += 1
        dark.reset()
        assert assert_old_or_new(dark, given)
        assert dark.now_ms == EFFECTIVE_MS
    assert cuts > 5


@pytest.mark.parametrize("torn", TORN)
def test_a_commit_over_a_pending_program_leaves_one_story(torn: int) -> None:
    """Whatever the power does, a pending program that is given up is reported as aborted, not as pending."""
    given = case()
    pump = Pump.restore(given.ready)
    ask(pump, commit_request(given.summary, effective_utc_s=NEW_UTC_S))
    third = with_steps(given.old, (0, 6_000))
    summary = verified(pump, third, intent(3))
    for _nth, dark in cut_at_each_write(
        pump.snapshot(), torn, lambda pump: ask(pump, commit_request(summary))
    ):
        dark.reset()
        first, second = receipt_of(dark, INTENT).state, receipt_of(dark, intent(3)).state
        pending = ask(dark, GetProgramInfoRequest(Which.STAGED)).version
        assert (first is ReceiptState.SCHEDULED) == (pending == 2)
        assert first in (ReceiptState.SCHEDULED, ReceiptState.ABORTED)
        assert second in (ReceiptState.UNKNOWN, ReceiptState.COMMITTED)
        dark.advance_to(EFFECTIVE_MS)
        expected = 3 if second is ReceiptState.COMMITTED else 2 if pending else 1
        assert status(dark).program_version == expected


def test_delivered_volume_is_exact_over_a_power_cut_in_the_middle_of_a_day() -> None:
    given = case()
    quiet = Pump.restore(given.ready)
    quiet.advance_to(DAY_MS)
    shaken = Pump.restore(given.ready)
    for hour in range(1, 24):
        shaken.advance_to(hour * HOUR_MS + 12_345)
        shaken.storage.cut_power_at(1, torn=3)
        with pytest.raises(PowerCut):
            shaken.handshake_failed(3, LinkClass.NEAR, False)
        shaken.reset()
    shaken.advance_to(DAY_MS)
    assert shaken.belief() == quiet.belief()
    assert shaken.truth() == quiet.truth()


def test_a_bank_that_does_not_hold_what_is_written_refuses_the_commit() -> None:
    given = case()
    pump = Pump.restore(given.ready)
    pump.storage.fail_writes("bank.1.b")
    refusal = ask(pump, commit_request(given.summary))
    assert refusal == Refusal(ErrorCode.STORAGE)
    assert decode_program(read_back(pump)) == given.old
    assert receipt_of(pump).state is ReceiptState.VERIFIED
    pump.storage.fail_writes("bank.1.b", fail=False)
    receipt = ask(pump, commit_request(given.summary))
    assert isinstance(receipt, ReceiptResponse)
    assert decode_program(read_back(pump)) == given.new


def test_a_reset_forgets_what_was_staged() -> None:
    given = case()
    pump = Pump.restore(given.ready)
    pump.reset()
    assert ask(pump, commit_request(given.summary)).code is ErrorCode.HANDLE_UNKNOWN
    assert receipt_of(pump).state is ReceiptState.UNKNOWN
    image = encode_program(given.new)
    assert isinstance(verify(pump, begin(pump, image), image), ProgVerifyResponse)


def test_a_commit_takes_the_alarm_of_a_reset_away() -> None:
    given = case()
    pump = Pump.restore(given.ready)
    pump.reset()
    assert pump.controller.alarms.stands(AlarmCode.PUMP_RESET)
    commit(pump, given.new)
    assert pump.controller.alarms.count == 0
