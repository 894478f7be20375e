"""How dates, times and durations are written: unmistakable, in words where it matters, free of locale.

Dates are ``2026-03-02`` with the weekday, times on the 24-hour clock, durations ``4 h 12 min``. A pump
whose clock is not set says so instead of showing 1970.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from protocol.quantities import MINUTES_PER_DAY

CLOCK_NOT_SET: Final = "--  clock not set"
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_S_PER_MIN: Final = 60
_S_PER_H: Final = 3_600
_S_PER_DAY: Final = 86_400


def _local(utc_s: int, offset_min: int) -> datetime:
    return _EPOCH + timedelta(seconds=utc_s, minutes=offset_min)


def format_date(utc_s: int, offset_min: int, *, weekday: bool = False) -> str:
    """Return the local date of a pump time stamp (Unix seconds, 0 = clock not set), as ``Mon 2026-03-02``."""
    if utc_s == 0:
        return CLOCK_NOT_SET
    local = _local(utc_s, offset_min)
    date = f"{local.year:04d}-{local.month:02d}-{local.day:02d}"
    return f"{_WEEKDAYS[local.weekday()]} {date}" if weekday else date


def format_time(utc_s: int, offset_min: int, *, seconds: bool = True) -> str:
    """Return the local time of a pump time stamp (Unix seconds, 0 = clock not set), as ``10:41:07``."""
    if utc_s == 0:
        return CLOCK_NOT_SET
    local = _local(utc_s, offset_min)
    minutes = f"{local.hour:02d}:{local.minute:02d}"
    return f"{minutes}:{local.second:02d}" if seconds else minutes


def format_date_time(utc_s: int, offset_min: int, *, weekday: bool = False, seconds: bool = True) -> str:
    """Return local date and time, as ``Mon 2026-03-02 10:41:07``; one sentence where the clock is not set."""
    if utc_s == 0:
        return CLOCK_NOT_SET
    return (
        f"{format_date(utc_s, offset_min, weekday=weekday)} {format_time(utc_s, offset_min, seconds=seconds)}"
    )


def format_days_between(old_utc_s: int, new_utc_s: int, offset_min: int) -> str:
    """Return by how many calendar days a date moved, as ``-5 days``; empty where either is not known."""
    if old_utc_s == 0 or new_utc_s == 0:
        return ""
    days = (_local(new_utc_s, offset_min).date() - _local(old_utc_s, offset_min).date()).days
    return "no change" if days == 0 else f"{days:+d} day{'' if abs(days) == 1 else 's'}"


def format_minute_of_day(minute: int) -> str:
    """Return a local minute of the day (0..1440) as ``06:00``; the end of the day is ``24:00``.

    Raises:
        ValueError: the minute is outside 0..1440.
    """
    if not 0 <= minute <= MINUTES_PER_DAY:
        raise ValueError(f"a day has the minutes 0..{MINUTES_PER_DAY}, not {minute}")
    return f"{minute // 60:02d}:{minute % 60:02d}"


def parse_minute_of_day(text: str) -> int:
    """Return the local minute of the day (0..1439) that ``HH:MM`` names, two digits each.

    Raises:
        ValueError: anything else, with what would be right.
    """
    hours, colon, minutes = text.partition(":")
    pairs = all(len(pair) == 2 and pair.isascii() and pair.isdigit() for pair in (hours, minutes))
    if not colon or not pairs or int(hours) > 23 or int(minutes) > 59:
        raise ValueError(f"'{text}' is not a time of day; write hours and minutes from 00:00 to 23:59")
    return int(hours) * 60 + int(minutes)


def format_interval(start_min: int, end_min: int) -> str:
    """Return a part of the day, as ``06:00-09:00``."""
    return f"{format_minute_of_day(start_min)}-{format_minute_of_day(end_min)}"


def format_duration_words(seconds: int) -> str:
    """Return a duration in its two largest units, cut off below them, as ``46 days 2 h`` or ``4 h 12 min``.

    Raises:
        ValueError: the duration is negative.
    """
    if seconds < 0:
        raise ValueError(f"a duration is never negative, got {seconds} s")
    days, rest = divmod(seconds, _S_PER_DAY)
    hours, rest = divmod(rest, _S_PER_H)
    minutes, rest = divmod(rest, _S_PER_MIN)
    parts = ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [part for place, part in enumerate(parts[first : first + 2]) if part[0] or place == 0]
    return " ".join(f"{count:,} {unit}" for count, unit in shown)


def format_age(seconds: int) -> str:
    """Return how old a reading is, as ``0:42 ago`` or ``1:02:03 ago``.

    Raises:
        ValueError: the age is negative.
    """
    if seconds < 0:
        raise ValueError(f"an age is never negative, got {seconds} s")
    hours, rest = divmod(seconds, _S_PER_H)
    minutes, rest = divmod(rest, _S_PER_MIN)
    return f"{hours}:{minutes:02d}:{rest:02d} ago" if hours else f"{minutes}:{rest:02d} ago"
