"""Pump profiles: the constants of one kind of pump, each with its value, unit, tag and source.

A profile is a TOML file in ``profiles/``. The tags: ``P`` published, ``D`` our own decision or arithmetic
from published constants, ``K`` commonly held without a source at hand, so an editable default.
The pumps are generic, inspired by published behaviour; none of them is a real product.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

_FOLDER: Final = "profiles"
_MAX_SERIAL_PREFIX: Final = 9


class ProfileError(ValueError):
    """A profile that is missing or wrong; the text names the file, the constant and what would be right."""


class Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One constant of a profile with its provenance."""

    value: int
    unit: str
    tag: Literal["P", "D", "K"]
    source: str


class _ProfileFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile file holds."""

    name: str
    title: str
    about: str
    serial_prefix: str
    constants: dict[str, Constant]


def _in(unit: str, low: int, high: int) -> dict[str, Any]:
    return {"unit": unit, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Profile:
    """The constants of one kind of pump.

    Attributes:
        name: name of the profile, as `load_profile` takes it.
        title: one line for people.
        about: what the profile is modelled on.
        serial_prefix: first letters of its serial numbers.
        provenance: unit, tag and source of every constant below.
    """

    name: str
    title: str
    about: str
    serial_prefix: str
    provenance: Mapping[str, Constant] = field(repr=False)
    model_number: int = field(metadata=_in("", 1, 0xFFFF))
    hardware_revision: int = field(metadata=_in("", 1, 0xFFFF))
    reservoir_capacity_nl: int = field(metadata=_in("nL", 1_000_000, 100_000_000))
    minimum_rate_nl_h: int = field(metadata=_in("nL/h", 1, 1_000_000))
    rate_min_nl_h: int = field(metadata=_in("nL/h", 1, 1_000_000))
    rate_max_nl_h: int = field(metadata=_in("nL/h", 1, 1_000_000))
    bolus_max_nl: int = field(metadata=_in("nL", 1, 100_000_000))
    low_reservoir_nl: int = field(metadata=_in("nL", 1, 100_000_000))
    tubing_nl: int = field(metadata=_in("nL", 1, 10_000_000))
    catheter_nl_per_cm: int = field(metadata=_in("nL/cm", 1, 100_000))
    accuracy_permille: int = field(metadata=_in("0/00", 1, 1_000))
    service_life_days: int = field(metadata=_in("d", 1, 0xFFFF))
    eri_to_eos_days: int = field(metadata=_in("d", 1, 3_650))
    stop_max_min: int = field(metadata=_in("min", 1, 0xFFFF))
    long_stop_min: int = field(metadata=_in("min", 1, 0xFFFF))
    battery_capacity_uah: int = field(metadata=_in("uAh", 1, 100_000_000))
    battery_full_mv: int = field(metadata=_in("mV", 1, 0xFFFF))
    battery_empty_mv: int = field(metadata=_in("mV", 1, 0xFFFF))
    battery_low_mv: int = field(metadata=_in("mV", 1, 0xFFFF))
    idle_current_na: int = field(metadata=_in("nA", 1, 10_000_000))
    motor_charge_uah_per_ml: int = field(metadata=_in("uAh/mL", 1, 1_000_000))
    handshake_charge_nah: int = field(metadata=_in("nAh", 1, 1_000_000))
    stroke_nl: int = field(metadata=_in("nL", 1, 1_000_000))
    power_on_test_s: int = field(metadata=_in("s", 1, 70))
    stall_detect_min: int = field(metadata=_in("min", 0, 1_440))
    stall_recover_min: int = field(metadata=_in("min", 0, 1_440))
    rotor_hold_field_mt: int = field(metadata=_in("mT", 0, 100_000))
    field_recovery_max_min: int = field(metadata=_in("min", 0, 10_080))
    valve_open_field_mt: int = field(metadata=_in("mT", 0, 100_000))
    valve_dump_nl: int = field(metadata=_in("nL", 0, 100_000_000))
    catheter_cm: int = field(metadata=_in("cm", 1, 200))
    catheter_compliance_nl: int = field(metadata=_in("nL", 0, 10_000_000))
    dispersion_tanks: int = field(metadata=_in("", 1, 100))
    pressure_ppm_per_hpa: int = field(metadata=_in("ppm/hPa", -10_000, 10_000))
    temperature_ppm_per_k: int = field(metadata=_in("ppm/K", -200_000, 200_000))
    level_sensor: int = field(metadata=_in("", 0, 1))
    level_noise_nl: int = field(metadata=_in("nL", 0, 10_000_000))
    battery_knee_permille: int = field(metadata=_in("0/00", 1, 999))
    battery_knee_mv: int = field(metadata=_in("mV", 1, 0xFFFF))
    battery_resistance_mohm: int = field(metadata=_in("mohm", 0, 10_000_000))
    battery_resistance_ppm_per_k: int = field(metadata=_in("ppm/K", 0, 1_000_000))
    motor_pulse_ua: int = field(metadata=_in("uA", 0, 1_000_000))
    motor_stall_mv: int = field(metadata=_in("mV", 0, 0xFFFF))
    tone_charge_nah: int = field(metadata=_in("nAh", 0, 1_000_000))

    @property
    def has_level_sensor(self) -> bool:
        """Whether the content is measured; where not, it is only computed."""
        return self.level_sensor == 1


_CONSTANTS: Final = {item.name: item.metadata for item in fields(Profile) if item.metadata}

_ORDERED: Final = (
    ("minimum_rate_nl_h", "rate_min_nl_h"),
    ("rate_min_nl_h", "rate_max_nl_h"),
    ("low_reservoir_nl", "reservoir_capacity_nl"),
    ("bolus_max_nl", "reservoir_capacity_nl"),
    ("eri_to_eos_days", "service_life_days"),
    ("battery_empty_mv", "battery_low_mv"),
    ("battery_low_mv", "battery_full_mv"),
    ("motor_stall_mv", "battery_empty_mv"),
    ("battery_empty_mv", "battery_knee_mv"),
    ("battery_knee_mv", "battery_full_mv"),
    ("stroke_nl", "bolus_max_nl"),
    ("valve_dump_nl", "reservoir_capacity_nl"),
)
"""Pairs of constants of which the first must not be above the second."""


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with the product, sorted."""
    folder = files("firmware_model") / _FOLDER
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


@cache
def load_profile(name: str) -> Profile:
    """Return the profile called ``name``.

    Raises:
        ProfileError: there is none of that name, or its file is wrong.
    """
    if name not in profile_names():
        raise ProfileError(f"no pump profile {name!r}; there are: {', '.join(profile_names())}")
    text = (files("firmware_model") / _FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return parse_profile(text, f"{name}.toml")


def parse_profile(text: str, where: str) -> Profile:
    """Return the profile written in the TOML ``text``; ``where`` names it in errors.

    Raises:
        ProfileError: not TOML, an unknown or missing constant, a wrong unit, a value out of range.
    """
    try:
        file = msgspec.toml.decode(text, type=_ProfileFile)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProfileError(f"{where}: {error}") from None
    _check_text(file, where)
    _check_constants(file, where)
    values = {name: constant.value for name, constant in file.constants.items()}
    for lower, upper in _ORDERED:
        if values[lower] > values[upper]:
            raise ProfileError(
                f"{where}: {lower} = {values[lower]} must not be above {upper} = {values[upper]}"
            )
    return Profile(file.name, file.title, file.about, file.serial_prefix, dict(file.constants), **values)


def _check_text(file: _ProfileFile, where: str) -> None:
    for attribute in ("name", "title", "about"):
        if not getattr(file, attribute).strip():
            raise ProfileError(f"{where}: {attribute} is empty")
    prefix = file.serial_prefix
    if not (prefix.isascii() and prefix.isalnum() and len(prefix) <= _MAX_SERIAL_PREFIX):
        raise ProfileError(
            f"{where}: serial_prefix is {prefix!r}, must be 1..{_MAX_SERIAL_PREFIX} letters or digits"
        )


def _check_constants(file: _ProfileFile, where: str) -> None:
    missing = [name for name in _CONSTANTS if name not in file.constants]
    if missing:
        raise ProfileError(f"{where}: constants are missing: {', '.join(missing)}")
    for name, constant in file.constants.items():
        rule = _CONSTANTS.get(name)
        if rule is None:
            raise ProfileError(f"{where}: {name} is no constant of a profile")
        if constant.unit != rule["unit"]:
            raise ProfileError(f"{where}: {name} has unit {constant.unit!r}, must be {rule['unit']!r}")
        if not rule["low"] <= constant.value <= rule["high"]:
            raise ProfileError(
                f"{where}: {name} = {constant.value} is outside {rule['low']}..{rule['high']} {constant.unit}"
            )
        if not constant.source.strip():
            raise ProfileError(f"{where}: {name} names no source")
