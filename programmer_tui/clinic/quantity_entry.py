"""Quantities as a script gives them: number and unit in one text, exact, without a float.

The number follows the grammar of the entry fields; the unit is never assumed: ``0.25mL`` or ``0.25 mL``,
``0.5mg``, ``300 mcg``, ``10min``.
"""

from collections.abc import Mapping
from typing import Final

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.entry_grammar import NumberFormat, parse_number
from protocol.quantities import NL_PER_ML

_VOLUME_FORM: Final = NumberFormat(digits=3, decimals=3)
_MASS_FORM: Final = NumberFormat(digits=5, decimals=3)
_TIME_FORM: Final = NumberFormat(digits=5, decimals=0)
_VOLUMES: Final = {"mL": NL_PER_ML}
_MASSES: Final = {unit.value: unit.ng for unit in MassUnit}
_TIMES: Final = {"s": 1, "min": 60, "h": 3_600}


def parse_volume_nl(text: str) -> int:
    """Return the volume in nL that ``0.25mL`` means.

    Raises:
        ValueError: anything else; the message says what is wrong and what would be right.
    """
    value, _ = _parse(text, _VOLUME_FORM, _VOLUMES, "0.25mL")
    return value


def parse_mass_ng(text: str) -> tuple[int, MassUnit]:
    """Return the drug mass in ng that ``0.5mg`` or ``300mcg`` means, and the unit it was given in.

    Raises:
        ValueError: as for `parse_volume_nl`.
    """
    value, unit = _parse(text, _MASS_FORM, _MASSES, "0.5mg or 300mcg")
    return value, MassUnit(unit)


def parse_duration_s(text: str) -> int:
    """Return the time in s that ``90s``, ``10min`` or ``1h`` means.

    Raises:
        ValueError: as for `parse_volume_nl`.
    """
    value, _ = _parse(text, _TIME_FORM, _TIMES, "90s, 10min or 1h")
    return value


def _parse(text: str, form: NumberFormat, units: Mapping[str, int], example: str) -> tuple[int, str]:
    unit = next((unit for unit in sorted(units, key=len, reverse=True) if text.endswith(unit)), None)
    if unit is None:
        raise ValueError(f"'{text}' names no unit; write {example}")
    return parse_number(text.removesuffix(unit).removesuffix(" "), form, units[unit]), unit
