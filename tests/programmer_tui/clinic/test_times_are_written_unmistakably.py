"""Rule N12: dates with weekday, the 24-hour clock, durations in words; never a date that cannot be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmer_tui.clinic import clinical_time as ct

MON_2026_03_02 = 1_772_448_067
offsets = st.integers(-840, 840)


def test_the_texts_of_the_mock_ups() -> None:
    assert ct.format_date(MON_2026_03_02, 0) == "2026-03-02"
    assert ct.format_date_time(MON_2026_03_02, 0, weekday=True) == "Mon 2026-03-02 10:41:07"
    assert ct.format_time(MON_2026_03_02, 60, seconds=False) == "11:41"
    assert ct.format_interval(360, 540) == "06:00-09:00"
    assert ct.format_interval(540, 1_440) == "09:00-24:00"


@given(st.integers(1, 2**32 - 1), offsets)
def test_every_time_stamp_of_the_pump_gives_a_date(utc_s: int, offset_min: int) -> None:
    text = ct.format_date_time(utc_s, offset_min, weekday=True)
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)


@given(offsets)
def test_a_clock_that_is_not_set_shows_no_date(offset_min: int) -> None:
    for text in (
        ct.format_date(0, offset_min),
        ct.format_time(0, offset_min),
        ct.format_date_time(0, offset_min),
    ):
        assert text == "--  clock not set"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (16 * 60 + 42, "16 min 42 s"),
        (4 * 3_600, "4 h"),
        (3_600 + 12 * 60 + 5, "1 h 12 min"),
        (86_400, "1 day"),
        (46 * 86_400 + 7_199, "46 days 1 h"),
        (1_500 * 86_400, "1,500 days"),
        (86_400 + 59, "1 day"),
    ],
)
def test_durations_have_words(seconds: int, text: str) -> None:
    assert ct.format_duration_words(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00 ago"), (42, "0:42 ago"), (899, "14:59 ago"), (3_723, "1:02:03 ago")]
)
def test_ages(seconds: int, text: str) -> None:
    assert ct.format_age(seconds) == text


@pytest.mark.parametrize("write", [ct.format_age, ct.format_duration_words])
def test_negative_times_are_refused(write: type) -> None:
    with pytest.raises(ValueError, match="never negative"):
        write(-1)


@pytest.mark.parametrize(
    ("days", "text"), [(-5, "-5 days"), (1, "+1 day"), (0, "no change"), (46, "+46 days")]
)
def test_a_moved_date_is_told_in_days(days: int, text: str) -> None:
    assert ct.format_days_between(MON_2026_03_02, MON_2026_03_02 + days * 86_400, 0) == text


def test_a_date_that_is_not_known_did_not_move() -> None:
    assert ct.format_days_between(0, MON_2026_03_02, 0) == ""


@given(st.integers(0, 1_439))
def test_a_time_of_day_reads_back(minute: int) -> None:
    assert ct.parse_minute_of_day(ct.format_minute_of_day(minute)) == minute


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6:00",
        "24:00",
        "06:60",
        "0600",
        "06.00",
        " 06:00",
        "06:00:00",
        "\u0660\u0666:\u0660\u0660",
        "-1:00",
    ],
)
def test_anything_else_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="00:00 to 23:59"):
        ct.parse_minute_of_day(text)


def test_a_minute_outside_the_day_is_refused() -> None:
    with pytest.raises(ValueError, match="1441"):
        ct.format_minute_of_day(1_441)
