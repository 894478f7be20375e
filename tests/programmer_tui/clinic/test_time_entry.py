"""A time of day is typed as strictly as a number."""

from hypothesis import given
from hypothesis import strategies as st

from programmer_tui.clinic.clinical_time import format_minute_of_day
from programmer_tui.clinic.time_entry import TimeEntry, TimePhase, paste_time, press_time


def typed(*keys: str) -> TimeEntry:
    entry = TimeEntry()
    for key in keys:
        entry = press_time(entry, key)
    return entry


@given(st.integers(0, 1_439))
def test_every_minute_of_the_day_can_be_typed(minute: int) -> None:
    assert typed(*format_minute_of_day(minute), "enter").minute == minute


@given(st.text(alphabet="0123456789:.,hx ", max_size=8))
def test_nothing_but_a_time_of_day_is_accepted(text: str) -> None:
    entry = typed(*text, "enter")
    if entry.minute is not None:
        assert format_minute_of_day(entry.minute) == text


def test_a_wrong_key_is_shown_and_locks_until_it_is_taken_back() -> None:
    entry = typed(*"6:")
    assert entry.phase is TimePhase.ERROR
    assert entry.text == "6:"
    assert press_time(entry, "0") == entry
    assert press_time(entry, "enter") == entry
    assert press_time(entry, "backspace").text == "6"
    assert press_time(entry, "delete") == TimeEntry()


def test_an_impossible_time_and_an_unfinished_one_say_what_would_be_right() -> None:
    for text in ("24:00", "12:60", "06:0"):
        entry = typed(*text, "enter")
        assert entry.minute is None
        assert "00:00 to 23:59" in entry.message


def test_a_paste_and_the_keys_of_others_change_nothing() -> None:
    entry = typed("0", "6")
    assert paste_time(entry).text == "06"
    assert "refused" in paste_time(entry).message
    assert press_time(entry, "f9") == entry
