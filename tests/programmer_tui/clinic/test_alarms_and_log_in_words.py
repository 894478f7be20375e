"""Alarms and log records are told in words, by the rules of numbers, and none is left without them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.beliefs import a_record, an_alarm
from support.error_prone import error_prone
from support.strategies import bodies

from programmer_tui.clinic.alarm_words import ALARMS, MARKS, RANK, detail_words, marked_title, standing
from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.log_words import TITLES, is_high, record_actor, record_title, record_words
from protocol.log_record import (
    PAYLOADS,
    AlarmRaisedEvent,
    ProgCommitEvent,
    SessionOpenEvent,
    SoftLimitOverrideEvent,
)
from protocol.vocabulary import (
    AlarmCode,
    AlarmState,
    EventType,
    LogRecordFlag,
    OverrideReason,
    Priority,
    Role,
)


def test_every_alarm_says_what_happened_what_it_means_and_what_to_do() -> None:
    assert set(ALARMS) == set(AlarmCode)
    for words in ALARMS.values():
        for sentence in (words.happened, words.meaning, words.advice):
            assert sentence.endswith(".")
            assert error_prone(sentence) == []
        assert words.title == words.title.upper()
    assert len({words.title for words in ALARMS.values()}) == len(ALARMS)


def test_every_priority_has_a_mark_of_its_own_and_a_rank() -> None:
    assert len(set(MARKS.values())) == len(Priority)
    assert sorted(Priority, key=RANK.__getitem__)[-1] is Priority.HIGH


def test_standing_alarms_are_sorted_and_cleared_ones_are_gone() -> None:
    low = an_alarm(AlarmCode.BATTERY_LOW, Priority.LOW, 1)
    high = an_alarm(AlarmCode.MOTOR_STALL, Priority.HIGH, 2)
    earlier = dataclasses.replace(high, instance=3, onset_uptime_s=5)
    gone = dataclasses.replace(high, instance=4, state=AlarmState.CLEARED)
    assert standing((low, high, gone, earlier)) == (earlier, high, low)
    assert marked_title(high) == "*** MOTOR STALL"


def test_a_detail_is_told_only_where_it_says_something() -> None:
    assert detail_words(an_alarm(AlarmCode.RESERVOIR_LOW, Priority.LOW, detail=1_900_000)).endswith("1.9 mL")
    assert detail_words(an_alarm(AlarmCode.MOTOR_STALL, Priority.HIGH, detail=7)) == ""


def test_every_record_type_has_a_title() -> None:
    assert set(TITLES) == set(EventType)


@pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: kind.name)
@given(data=st.data())
def test_every_payload_is_told_in_words_and_by_the_rules_of_numbers(
    kind: EventType, data: st.DataObject
) -> None:
    event = data.draw(bodies(PAYLOADS[kind]))
    for unit in MassUnit:
        words = record_words(a_record(1, event, kind), unit)
        assert words or kind is EventType.DATA_CORRUPT
        if kind is not EventType.DATA_CORRUPT:
            assert "not readable" not in words
            assert error_prone(words) == []


def test_a_commit_is_told_in_the_unit_of_the_drug() -> None:
    record = a_record(9, ProgCommitEvent(7, 270_000, 5_400_000), EventType.PROG_COMMIT, actor=1)
    assert record_words(record, MassUnit.MG) == "version 7: 5.4 mg/day, 0.27 mL/day"
    assert record_words(record, MassUnit.MCG) == "version 7: 5,400 mcg/day, 0.27 mL/day"
    assert (record_title(record), record_actor(record)) == ("programmed", "bond 1")


def test_what_cannot_be_read_is_shown_as_it_is_and_not_hidden() -> None:
    record = a_record(9, b"\x01", EventType.DAY_TOTAL)
    assert record_words(record, MassUnit.MG).startswith("details not readable: 01 00")
    after_boot = dataclasses.replace(a_record(9, b"", EventType.BOOT), flags=LogRecordFlag.FIRST_AFTER_BOOT)
    assert record_words(after_boot, MassUnit.MG) == "start number 0, first after start"
    assert record_actor(record) == "pump"


@pytest.mark.parametrize(
    ("slot", "who", "opener"),
    [(3, "bond 3", "bond 3"), (253, "lab", "lab plaintext"), (254, "emerg.", "published key")],
)
def test_whoever_has_no_bond_is_named(slot: int, who: str, opener: str) -> None:
    opened = SessionOpenEvent(1, slot, Role.CLINICIAN)
    record = a_record(1, opened, EventType.SESSION_OPEN, actor=slot)
    assert record_actor(record) == who
    assert opener in record_words(record, MassUnit.MG)


def test_only_trouble_is_marked_high() -> None:
    stall = AlarmRaisedEvent(3, AlarmCode.MOTOR_STALL, Priority.HIGH, 0)
    assert is_high(a_record(1, stall, EventType.ALARM_RAISED))
    assert not is_high(a_record(1, dataclasses.replace(stall, prio=Priority.LOW), EventType.ALARM_RAISED))
    assert is_high(a_record(1, b"bank.0.a", EventType.DATA_CORRUPT))


def test_the_reason_of_an_override_is_told() -> None:
    event = SoftLimitOverrideEvent(8, 4, OverrideReason.PALLIATIVE_CARE)
    assert (
        record_words(a_record(1, event, EventType.SOFT_LIMIT_OVERRIDE), MassUnit.MG)
        == "version 8, palliative care"
    )
