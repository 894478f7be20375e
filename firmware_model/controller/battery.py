"""What the controller makes of the cell's voltage, and of the calendar.

The estimate is linear between the profile's voltages of a full and an empty cell. The elective replacement
indicator (ERI) follows the calendar: the hard service life, less the notice.
"""

from typing import Final

from firmware_model.profiles import Profile

UNKNOWN_DAYS: Final = 0xFFFF
_SECONDS_PER_DAY: Final = 86_400


def charge_permille(profile: Profile, battery_mv: int) -> int:
    """Return the estimated charge left, 0..1000, from the cell voltage in mV."""
    span = profile.battery_full_mv - profile.battery_empty_mv
    above = battery_mv - profile.battery_empty_mv
    return max(0, min(1_000, above * 1_000 // span)) if span else 0


def eri_days(profile: Profile, implanted_utc_s: int, utc_s: int) -> int:
    """Return the days to the ERI, 65535 where the implantation or the time is not known.

    Args:
        profile: gives service life and notice.
        implanted_utc_s: UTC of the implantation, 0 unknown.
        utc_s: UTC now, 0 not set.
    """
    if not implanted_utc_s or not utc_s:
        return UNKNOWN_DAYS
    eri_utc_s = implanted_utc_s + (profile.service_life_days - profile.eri_to_eos_days) * _SECONDS_PER_DAY
    return max(0, min(UNKNOWN_DAYS - 1, (eri_utc_s - utc_s) // _SECONDS_PER_DAY))
