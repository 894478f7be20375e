"""Storage that fails, and the records in two copies that are made for it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pump_bench import active_program, commit, log_of, pump_at_work, receipt_of, status, with_steps

from firmware_model.controller.records import COPIES, RecordName, RecordStore, cell_of
from firmware_model.controller.storage import PowerCut, Storage
from protocol.vocabulary import AlarmCode, DeliveryState, EventType, ReceiptState

NAME = RecordName.HOLD
CELLS = tuple(cell_of(NAME, copy) for copy in COPIES)


def store(*payloads: bytes) -> tuple[Storage, RecordStore]:
    storage = Storage()
    records = RecordStore.format(storage)
    for payload in payloads:
        records.put(NAME, payload)
    return storage, records


def reload(storage: Storage) -> bytes:
    return RecordStore.load(storage)[0].get(NAME)


# --- storage ----------------------------------------------------------------------------------------------


def test_a_clean_cut_leaves_the_old_octets_and_everything_after_it_dark() -> None:
    storage = Storage({"x": b"old"})
    storage.cut_power_at(2)
    storage.write("y", b"1")
    with pytest.raises(PowerCut, match="while x was written"):
        storage.write("x", b"new")
    with pytest.raises(PowerCut, match="must be reset"):
        storage.write("y", b"2")
    assert storage.image() == {"x": b"old", "y": b"1"}
    storage.power_up()
    storage.write("x", b"new")
    assert storage.read("x") == b"new"


def test_a_torn_write_leaves_part_of_the_new_octets_over_the_old() -> None:
    storage = Storage({"x": b"abcdef"})
    storage.cut_power_at(1, torn=2)
    with pytest.raises(PowerCut):
        storage.write("x", b"UVWX")
    assert storage.read("x") == b"UVcdef"


def test_an_ordered_cut_can_be_taken_back() -> None:
    storage = Storage()
    storage.cut_power_at(1)
    storage.cut_power_at(0)
    storage.write("x", b"1")
    assert storage.writes == 1
    for nth, torn in ((-1, 0), (1, -1)):
        with pytest.raises(ValueError, match="cannot cut power"):
            storage.cut_power_at(nth, torn=torn)


def test_reading_and_writing_can_be_made_to_fail() -> None:
    storage = Storage({"x": b"1"})
    storage.fail_reads("x")
    assert storage.read("x") is None
    assert not storage.is_blank("x")
    storage.fail_reads("x", fail=False)
    storage.fail_writes("x")
    storage.write("x", b"2")
    assert storage.read("x") == b"1"
    assert storage.read("nowhere") is None
    assert storage.is_blank("nowhere")


# --- records ----------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.binary(max_size=40), st.data())
def test_a_record_holds_the_old_or_the_new_payload_whenever_power_fails(
    before: list[bytes], after: bytes, data: st.DataObject
) -> None:
    storage, records = store(*before)
    storage.cut_power_at(data.draw(st.integers(1, 2)), torn=data.draw(st.integers(0, 60)))
    with pytest.raises(PowerCut):
        records.put(NAME, after)
    assert reload(storage) in (before[-1], after)


@given(st.integers(0, 8 * 13 - 1), st.sampled_from(CELLS))
def test_one_flipped_bit_in_either_copy_changes_nothing(bit: int, cell: str) -> None:
    """Not even to the value before: both copies hold the newest."""
    storage, _ = store(b"older", b"newer")
    storage.flip_bit(cell, bit)
    records, report = RecordStore.load(storage)
    assert records.get(NAME) == b"newer"
    assert report.damaged == ((NAME, cell),)
    records.repair(NAME)
    assert RecordStore.load(storage)[1].damaged == ()


def test_a_record_without_a_good_copy_is_lost() -> None:
    storage, _ = store(b"value")
    storage.flip_bit(CELLS[0], 1)
    storage.fail_reads(CELLS[1])
    records, report = RecordStore.load(storage)
    assert report.lost == (NAME,)
    assert records.get(NAME) == b""


def test_a_copy_in_the_wrong_place_is_not_believed() -> None:
    storage, _ = store(b"value")
    for copy in COPIES:
        storage.write(cell_of(NAME, copy), storage.read(cell_of(RecordName.CLOCK, copy)) or b"")
    assert RecordStore.load(storage)[1].lost == (NAME,)


@pytest.mark.parametrize("bad", COPIES)
@pytest.mark.parametrize("torn", [0, 3])
def test_mending_a_record_never_touches_the_good_copy(bad: str, torn: int) -> None:
    storage, _ = store(b"value")
    storage.flip_bit(cell_of(NAME, bad), 80)
    records, _report = RecordStore.load(storage)
    storage.cut_power_at(1, torn=torn)
    with pytest.raises(PowerCut, match=f"while {cell_of(NAME, bad)} was written"):
        records.repair(NAME)
    assert reload(storage) == b"value"
    storage.power_up()
    before = storage.writes
    records.repair(NAME)
    assert storage.writes - before == 1


def test_an_octet_string_too_short_for_a_copy_is_no_copy() -> None:
    storage, _ = store(b"value")
    storage.write(CELLS[0], b"\1\2")
    assert reload(storage) == b"value"


# --- in the pump ------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from(list(RecordName)), st.sampled_from(COPIES), st.data())
def test_one_damaged_copy_anywhere_is_mended_without_an_alarm(
    name: RecordName, copy: str, data: st.DataObject
) -> None:
    pump = pump_at_work()
    commit(pump, with_steps(active_program(pump), (0, 8_000)))
    pump.controller.therapy.order_hold(DeliveryState.MIN_RATE, 60)
    cell = cell_of(name, copy)
    octets = pump.storage.read(cell)
    assert octets is not None
    before = status(pump)
    pump.storage.flip_bit(cell, data.draw(st.integers(0, 8 * len(octets) - 1)))
    pump.reset()
    after = status(pump)
    assert after.delivery_state is DeliveryState.MIN_RATE
    assert after.program_version == before.program_version
    assert after.utc_s == before.utc_s
    assert receipt_of(pump).state is ReceiptState.COMMITTED
    assert pump.boot_count == 2
    assert [alarm.code for alarm in pump.controller.alarms.standing] == [AlarmCode.PUMP_RESET]
    told = [record for record in log_of(pump) if record.type is EventType.DATA_CORRUPT]
    assert [record.payload.rstrip(b"\0").decode() for record in told] == [cell]
    pump.reset()
    assert sum(record.type is EventType.DATA_CORRUPT for record in log_of(pump)) == 1


@pytest.mark.parametrize("name", [name for name in RecordName if name is not RecordName.PROGRAMS])
def test_a_lost_record_is_alarmed_and_delivery_goes_on(name: RecordName) -> None:
    pump = pump_at_work()
    for copy in COPIES:
        pump.storage.flip_bit(cell_of(name, copy), 0)
    pump.reset()
    seen = status(pump)
    assert seen.delivery_state is DeliveryState.RUNNING
    assert seen.rate_nl_h > 0
    assert pump.boot_count == 2
    codes = {alarm.code for alarm in pump.controller.alarms.standing}
    assert codes == {AlarmCode.PUMP_RESET, AlarmCode.MEMORY_FAULT}
    pump.reset()
    told = [record for record in log_of(pump) if record.type is EventType.DATA_CORRUPT]
    assert len(told) == 1
