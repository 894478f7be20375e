"""Downloading the log of a pump that does not stand still: gaps, new records, a wipe, corrupt records."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from programmer_tui.log_download import (
    CHAIN_START,
    Gap,
    chain_of,
    download_log,
    octets_of,
    verify_log,
)
from programmer_tui.problems import ServiceError
from protocol.client_calls import PumpCalls, Response
from protocol.client_errors import PumpRefusedError
from protocol.log_record import (
    BootEvent,
    ChainCheckpointEvent,
    DataCorruptEvent,
    open_record,
    payload_octets,
    seal_record,
)
from protocol.messages.errors import ErrorBody
from protocol.messages.log import (
    LogDigestRequest,
    LogDigestResponse,
    LogInfoRequest,
    LogInfoResponse,
    LogReadRequest,
    LogReadResponse,
    LogRecord,
)
from protocol.messages.registry import by_request
from protocol.vocabulary import NO_FIELD, ErrorCode, EventType, LogPageFlag, LogRecordFlag


def record(seq: int, event: object = BootEvent(1), kind: EventType = EventType.BOOT) -> LogRecord:
    made = LogRecord(seq, seq, 0, kind, 0xFF, LogRecordFlag(0), payload_octets(event), 0)
    sealed = open_record(seal_record(made))
    assert sealed is not None
    return sealed


@dataclass
class FakeLog(PumpCalls):
    """The log of a pump; `between` is called before each page."""

    records: list[LogRecord]
    epoch: int = 1
    between: list[Any] = field(default_factory=list)
    lies: bool = False

    def call(self, body: object, expect: type[Response]) -> Response:
        match body:
            case LogInfoRequest():
                answer: Any = LogInfoResponse(self.epoch, self.records[0].seq, self.records[-1].seq, 32, 4096)
            case LogReadRequest():
                answer = self._read(body)
            case LogDigestRequest():
                run = [one for one in self.records if body.from_seq <= one.seq <= body.to_seq]
                chain = bytes(32) if self.lies else chain_of(tuple(run))
                answer = LogDigestResponse(body.from_seq, body.to_seq, chain)
            case _:
                raise AssertionError(body)
        assert isinstance(answer, expect)
        return answer

    def _read(self, body: LogReadRequest) -> LogReadResponse:
        if self.between:
            self.between.pop(0)(self)
        if body.log_epoch != self.epoch:
            raise PumpRefusedError(
                by_request(body), ErrorBody(0x1D21, ErrorCode.LOG_EPOCH_CHANGED, 0, self.epoch)
            )
        if body.from_seq > self.records[-1].seq + 1:
            raise PumpRefusedError(by_request(body), ErrorBody(0x1D21, ErrorCode.NO_RECORDS, NO_FIELD, 0))
        first = max(body.from_seq, self.records[0].seq)
        found = [one for one in self.records if one.seq >= first]
        flags = LogPageFlag.GAP if body.from_seq < self.records[0].seq else LogPageFlag(0)
        if len(found) > body.max_records:
            flags |= LogPageFlag.MORE
        page = tuple(found[: body.max_records])
        if any(one.payload.startswith(b"log.") for one in page):
            flags |= LogPageFlag.CORRUPT
        return LogReadResponse(self.epoch, first, flags, page)


def pump_with(count: int, first: int = 1) -> FakeLog:
    return FakeLog([record(seq) for seq in range(first, first + count)])


def append(pump: FakeLog) -> None:
    pump.records.append(record(pump.records[-1].seq + 1))


def overwrite_ten(pump: FakeLog) -> None:
    pump.records = pump.records[10:]


def wipe(pump: FakeLog) -> None:
    pump.epoch += 1
    pump.records = [record(seq) for seq in range(1, 4)]


@pytest.mark.parametrize("count", [1, 5, 6, 7, 12, 25])
def test_every_record_is_read_once_in_order(count: int) -> None:
    told: list[tuple[int, int]] = []
    download = download_log(
        pump_with(count, first=40), progress=lambda read, total: told.append((read, total))
    )
    assert [one.seq for one in download.records] == list(range(40, 40 + count))
    assert (download.gaps, download.corrupt) == ((), ())
    assert told[-1] == (count, count)


def test_what_is_written_meanwhile_stands_at_the_end() -> None:
    pump = pump_with(12)
    pump.between = [append, append, append]
    seqs = [one.seq for one in download_log(pump).records]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= 13


def test_what_was_overwritten_before_it_was_read_is_a_gap() -> None:
    pump = pump_with(30)
    pump.between = [lambda _: None, overwrite_ten]
    download = download_log(pump)
    assert download.gaps == (Gap(7, 10),)
    assert [one.seq for one in download.records] == [*range(1, 7), *range(11, 31)]
    verdict = verify_log(pump, replace(download, records=download.records[6:], gaps=()))
    assert verdict.same


def test_a_wipe_begins_the_download_anew() -> None:
    pump = pump_with(30)
    pump.between = [lambda _: None, wipe]
    download = download_log(pump)
    assert (download.log_epoch, download.restarts) == (2, 1)
    assert [one.seq for one in download.records] == [1, 2, 3]


def test_a_log_that_is_wiped_again_and_again_is_given_up() -> None:
    pump = pump_with(30)
    pump.between = [wipe] * 9
    with pytest.raises(ServiceError, match="wiped 4 times"):
        download_log(pump)


def test_a_reading_from_the_end_on_brings_nothing() -> None:
    assert download_log(pump_with(3), from_seq=4).records == ()
    assert download_log(pump_with(3), from_seq=9).records == ()


def test_a_placeholder_is_corrupt_and_a_record_of_other_corrupt_data_is_not() -> None:
    cells = (b"log.0002".ljust(12, b"\0"), b"bank.0.a".ljust(12, b"\0"))
    placeholder, real = (
        record(seq, DataCorruptEvent(cell), EventType.DATA_CORRUPT)
        for seq, cell in zip((2, 4), cells, strict=True)
    )
    pump = FakeLog([record(1), placeholder, record(3), real, record(5)])
    download = download_log(pump)
    assert download.corrupt == (2,)
    verdict = verify_log(pump, download)
    assert [(run.from_seq, run.to_seq) for run in verdict.runs] == [(1, 1), (3, 5)]
    assert verdict.same


def test_a_pump_that_hashes_something_else_is_found_out() -> None:
    pump = pump_with(5)
    download = download_log(pump)
    pump.lies = True
    verdict = verify_log(pump, download)
    assert not verdict.same
    assert verdict.runs[0].own != verdict.runs[0].pumps


def test_a_changed_record_is_found_by_its_check_sum() -> None:
    pump = pump_with(5)
    pump.records[2] = replace(pump.records[2], utc_s=77)
    verdict = verify_log(pump, download_log(pump))
    assert verdict.bad_crc == (3,)
    assert not verdict.same


@pytest.mark.parametrize("true_chain", [True, False])
def test_a_checkpoint_must_continue_the_chain_from_the_first_record_on(true_chain: bool) -> None:
    before = (record(1), record(2))
    chain = chain_of(before) if true_chain else CHAIN_START
    checkpoint = record(3, ChainCheckpointEvent(chain[:12]), EventType.CHAIN_CHECKPOINT)
    pump = FakeLog([*before, checkpoint, record(4)])
    verdict = verify_log(pump, download_log(pump))
    assert verdict.bad_checkpoints == (() if true_chain else (3,))
    later = FakeLog([checkpoint, record(4)])
    assert verify_log(later, download_log(later)).same, "its chain began before what is held"


def test_records_are_hashed_as_they_stand_in_the_ring() -> None:
    assert len(octets_of(record(1))) == 32
    assert cast(Any, octets_of(record(1))) == seal_record(record(1))
