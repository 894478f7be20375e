"""The drug library: what each drug may be entered as, from a checked data file.

Limits have a source and say whether it was verified; the screens show both. Hard limits the file leaves out
are those of the program image (OITP/1 section 12): a dose of at least 1 ng/day, a concentration from 1 mcg/mL
to 100 mg/mL.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.limit_range import LimitRange
from protocol.vocabulary import DrugCode

SHIPPED: Final = "drug_library.toml"
_DOSE_NG: Final = (1, 2**32 - 1)
_CONC_NG_ML: Final = (1_000, 100_000_000)
_SANE_MAGNITUDE: Final = 12


class DrugLibraryError(ValueError):
    """The drug library is not usable, or has no entry for a drug; the message says where and why."""


class _Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    hard_min: Decimal | None = None
    soft_min: Decimal | None = None
    soft_max: Decimal | None = None
    hard_max: Decimal | None = None


class _Drug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit: MassUnit
    daily_dose: _Range
    concentration: _Range


@dataclass(frozen=True, slots=True)
class SourcedLimits:
    """Limits in base units with where they come from."""

    limits: LimitRange
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class DrugEntry:
    """One drug: the unit it is written in, daily dose limits in ng/day, concentration limits in ng/mL."""

    code: DrugCode
    unit: MassUnit
    daily_dose: SourcedLimits
    concentration: SourcedLimits

    @property
    def name(self) -> str:
        """The generic name, lower case."""
        return self.code.name.lower()

    @property
    def verified(self) -> bool:
        """Whether all limits of this drug were checked against their source."""
        return self.daily_dose.verified and self.concentration.verified


@dataclass(frozen=True, slots=True)
class DrugLibrary:
    """All drugs that can be prescribed."""

    entries: Mapping[DrugCode, DrugEntry]

    def entry(self, code: DrugCode) -> DrugEntry:
        """Return the entry of a drug.

        Raises:
            DrugLibraryError: the library has none.
        """
        if code not in self.entries:
            known = ", ".join(sorted(entry.name for entry in self.entries.values()))
            raise DrugLibraryError(f"{code.name.lower()} is not in the drug library, which has {known}")
        return self.entries[code]


@cache
def shipped_library() -> DrugLibrary:
    """Return the library that comes with the programmer."""
    return parse_library(files("programmer_tui.clinic").joinpath(SHIPPED).read_text("utf-8"), SHIPPED)


def parse_library(text: str, where: str) -> DrugLibrary:
    """Return the library written in TOML; ``where`` names it in messages.

    Raises:
        DrugLibraryError: not TOML, an unknown drug or key, a value of the wrong kind, limits out of order.
    """
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise DrugLibraryError(f"{where} is not TOML: {error}") from None
    if not tables:
        raise DrugLibraryError(f"{where} names no drug; at least one is needed")
    entries = [_entry(name, table, where) for name, table in tables.items()]
    return DrugLibrary(MappingProxyType({entry.code: entry for entry in entries}))


def _entry(name: str, table: object, where: str) -> DrugEntry:
    known = {code.name.lower(): code for code in DrugCode}
    if name not in known:
        raise DrugLibraryError(f"{where}: unknown drug '{name}'; known are {', '.join(sorted(known))}")
    try:
        drug = msgspec.convert(table, _Drug)
    except msgspec.ValidationError as error:
        raise DrugLibraryError(f"{where}, [{name}]: {error}") from None
    dose = _sourced(drug.daily_dose, drug.unit, f"{where}, [{name}.daily_dose]", _DOSE_NG)
    conc = _sourced(drug.concentration, drug.unit, f"{where}, [{name}.concentration]", _CONC_NG_ML)
    return DrugEntry(known[name], drug.unit, dose, conc)


def _sourced(written: _Range, unit: MassUnit, where: str, reach: tuple[int, int]) -> SourcedLimits:
    if not written.source.strip():
        raise DrugLibraryError(f"{where}: source is empty; say where the limits come from")
    hard_max = _to_ng(written.hard_max, unit, where, "hard_max")
    if hard_max is None:
        raise DrugLibraryError(f"{where}: hard_max is missing; every range needs one")
    hard_min = _to_ng(written.hard_min, unit, where, "hard_min")
    if (hard_min is not None and hard_min < reach[0]) or hard_max > reach[1]:
        raise DrugLibraryError(f"{where}: hard limits lie within {reach[0]} to {reach[1]} ng here")
    try:
        limits = LimitRange(
            hard_min=reach[0] if hard_min is None else hard_min,
            soft_min=_to_ng(written.soft_min, unit, where, "soft_min"),
            soft_max=_to_ng(written.soft_max, unit, where, "soft_max"),
            hard_max=hard_max,
        )
    except ValueError as error:
        raise DrugLibraryError(f"{where}: {error}") from None
    return SourcedLimits(limits, written.source, written.verified)


def _to_ng(value: Decimal | None, unit: MassUnit, where: str, key: str) -> int | None:
    if value is None:
        return None
    if not value.is_finite() or abs(value.adjusted()) > _SANE_MAGNITUDE or Fraction(value) * unit.ng % 1:
        raise DrugLibraryError(f"{where}: {key} = {value} {unit} is not a whole number of ng")
    return int(Fraction(value) * unit.ng)
