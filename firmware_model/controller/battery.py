"""What the controller makes of the cell's voltage: the charge that is left, and how long it will last.

The voltage is measured once an hour, on the hour of the counter, under a motor pulse, and what a sound cell
sags by is added; the estimate rests on the mean of the last `SAMPLES`. It follows the two straight lines of
the profile's discharge curve. One mV is 0.1 to 0.3 % of the charge, which is its error at best; an internal
resistance that grows (a film) makes it read too low, an offset of the converter by that offset.
Source: GIP 5.1.2 (mean of ten), R7.3.0(3) (an estimate within 25 %).
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, NL_PER_ML

SAMPLES: Final = 10
SAMPLE_MS: Final = MS_PER_HOUR
UNKNOWN_DAYS: Final = 0xFFFF
MAX_DAYS: Final = 0xFFFE
_UA_MOHM_PER_MV: Final = 1_000_000
_NA_PER_UA: Final = 1_000
_PERMILLE: Final = 1_000
_RESERVE_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class CellHistory:
    """What the retained registers keep of the cell.

    Attributes:
        samples: the last measured voltages, mV, oldest first, at most `SAMPLES`.
        sampled_ms: counter of the last full hour that was measured, or had no cell to measure.
        check_ms: counter at which the forecast is made anew, None where it waits for a program.
        forecast_ms: counter at which the cell is expected to be used up, less the reserve.
        forecast_version: newest program version at that forecast.
    """

    samples: tuple[int, ...] = ()
    sampled_ms: int = 0
    check_ms: int | None = None
    forecast_ms: int | None = None
    forecast_version: int = 0


def sample_instants(sampled_ms: int, now_ms: int) -> range:
    """Return the full hours after ``sampled_ms`` up to ``now_ms`` at which a sample still counts."""
    last_ms = now_ms - now_ms % SAMPLE_MS
    first_ms = max(sampled_ms + SAMPLE_MS, last_ms - (SAMPLES - 1) * SAMPLE_MS)
    return range(first_ms, last_ms + 1, SAMPLE_MS)


def next_sample(now_ms: int) -> int:
    """Return the first full hour after ``now_ms``."""
    return now_ms - now_ms % SAMPLE_MS + SAMPLE_MS


def sound_sag_mv(profile: Profile) -> int:
    """Return what a sound cell at body temperature sags by under a motor pulse, mV."""
    return profile.motor_pulse_ua * profile.battery_resistance_mohm // _UA_MOHM_PER_MV


def charge_left_uah(profile: Profile, open_mv: int) -> int:
    """Return the charge left, uAh, at an open-circuit voltage in mV; 0 .. the capacity."""
    empty_mv, knee_mv, full_mv = profile.battery_empty_mv, profile.battery_knee_mv, profile.battery_full_mv
    capacity = profile.battery_capacity_uah
    knee = capacity * profile.battery_knee_permille // _PERMILLE
    if open_mv <= empty_mv:
        return 0
    if open_mv < knee_mv:
        return knee * (open_mv - empty_mv) // (knee_mv - empty_mv)
    if open_mv >= full_mv:
        return capacity
    return knee + (capacity - knee) * (open_mv - knee_mv) // (full_mv - knee_mv)


def charge_permille(profile: Profile, open_mv: int) -> int:
    """Return the charge left, 0..1000, at an open-circuit voltage in mV."""
    return charge_left_uah(profile, open_mv) * _PERMILLE // profile.battery_capacity_uah


def mean_current_na(profile: Profile, rate_nl_h: int) -> int:
    """Return what the electronics and the motor take together at a mean rate, nA."""
    return profile.idle_current_na + rate_nl_h * profile.motor_charge_uah_per_ml * _NA_PER_UA // NL_PER_ML


def lasts_ms(profile: Profile, left_uah: int, rate_nl_h: int) -> int:
    """Return for how long a charge lasts at a mean rate, ms."""
    return left_uah * _NA_PER_UA * MS_PER_HOUR // mean_current_na(profile, rate_nl_h)


def reserve_ms(profile: Profile) -> int:
    """Return the reserve that a forecast keeps: a quarter of the notice, for an estimate within 25 %, ms."""
    return profile.eri_to_eos_days * MS_PER_DAY // _RESERVE_SHARE
