"""Hypothesis strategies derived from the field annotations: valid bodies, examples, programs."""

from functools import reduce
from operator import or_
from typing import Any, TypeVar, cast

from hypothesis import strategies as st

from protocol.messages.fields import Field, FieldKind, fields_of
from protocol.messages.text import first_unprintable
from protocol.program import (
    EVERY_DAY,
    MAX_DRUGS,
    MAX_STEPS,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    Step,
)
from protocol.quantities import MINUTES_PER_DAY
from protocol.vocabulary import DrugCode, ScheduleMode

Body = TypeVar("Body")

_PRINTABLE = st.characters(
    codec="utf-8", categories=("L", "M", "N", "P", "S"), include_characters=" "
).filter(lambda character: first_unprintable(character) is None)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Valid values of one field, its limits more often than chance would bring them."""
    if field.kind is FieldKind.INTEGER:
        return st.sampled_from((field.low, field.high)) | st.integers(field.low, field.high)
    if field.kind is FieldKind.WORD:
        assert field.members is not None
        return st.sampled_from(list(field.members))
    if field.kind is FieldKind.FLAGS:
        members: Any = field.members
        return st.sets(st.sampled_from(list(members))).map(lambda some: reduce(or_, some, members(0)))
    if field.kind is FieldKind.TEXT:
        return st.text(_PRINTABLE, max_size=field.size).map(lambda text: fit_text(text, field.size))
    if field.kind is FieldKind.RECORDS:
        assert field.item is not None
        return st.lists(bodies(field.item), max_size=field.limit).map(tuple)
    return _octets_of(field)


def _octets_of(field: Field) -> st.SearchStrategy[bytes]:
    if field.kind is FieldKind.RESERVED:
        return st.just(bytes(field.size))
    if field.kind is FieldKind.BLOCK:
        return st.binary(max_size=field.limit)
    octets = st.binary(min_size=field.size, max_size=field.size)
    return octets.filter(any) if field.nonzero else octets


def bodies(body: type) -> st.SearchStrategy[Any]:
    """Valid bodies of one class."""
    return st.builds(body, **{name: values_of(field) for name, field in fields_of(body).items()})


def fit_text(text: str, size: int) -> str:
    """Cut ``text`` to what fits in ``size`` octets of UTF-8."""
    while len(text.encode()) > size:
        text = text[:-1]
    return text


def example_of(body: type[Body]) -> Body:
    """The plainest valid body of a class: low numbers, first words, octets of ones, short texts, no items."""
    make: Any = body
    return cast(Body, make(**{name: _example_value(field) for name, field in fields_of(body).items()}))


def _example_value(field: Field) -> object:
    if field.kind is FieldKind.INTEGER:
        return max(field.low, 0)
    if field.kind is FieldKind.WORD:
        assert field.members is not None
        return next(iter(field.members))
    if field.kind is FieldKind.FLAGS:
        assert field.members is not None
        return field.members(0)
    plain = {
        FieldKind.TEXT: "x",
        FieldKind.RESERVED: bytes(field.size),
        FieldKind.OCTETS: b"\x01" * field.size,
        FieldKind.BLOCK: b"block",
        FieldKind.RECORDS: (),
    }
    return plain[field.kind]


# --- programs -----------------------------------------------------------------------------------------------


@st.composite
def rate_tables(draw: st.DrawFn, max_steps: int, min_steps: int = 1) -> tuple[tuple[int, int], ...]:
    """One day of ``(start_min, rate_nl_h)``: from minute 0 on, ascending, neighbours different."""
    later = st.sets(
        st.integers(1, MINUTES_PER_DAY - 1), min_size=min_steps - 1, max_size=min(max_steps - 1, 12)
    )
    starts = [0, *sorted(draw(later))]
    rates = draw(st.lists(st.integers(0, 0xFFFF_FFFF), min_size=len(starts), max_size=len(starts)))
    for at in range(1, len(rates)):
        if rates[at] == rates[at - 1]:
            rates[at] ^= 1
    return tuple(zip(starts, rates, strict=True))


@st.composite
def weekly_tables(draw: st.DrawFn) -> dict[int, tuple[tuple[int, int], ...]]:
    """Two to four groups of days, by mask, no two with the same table."""
    of_day = draw(st.lists(st.integers(0, 3), min_size=7, max_size=7).filter(lambda all_: len(set(all_)) > 1))
    groups = sorted(set(of_day))
    each = rate_tables(MAX_STEPS // len(groups))
    tables = draw(st.lists(each, min_size=len(groups), max_size=len(groups), unique=True))
    return {
        sum(1 << day for day in range(7) if of_day[day] == group): table
        for group, table in zip(groups, tables, strict=True)
    }


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Rate tables of each mode, in their one valid form."""
    mode = draw(st.sampled_from(ScheduleMode))
    if mode is ScheduleMode.SIMPLE:
        tables = {EVERY_DAY: draw(rate_tables(1))}
    elif mode is ScheduleMode.DAILY:
        tables = {EVERY_DAY: draw(rate_tables(MAX_STEPS, min_steps=2))}
    else:
        tables = draw(weekly_tables())
    return Schedule(mode, tuple(Step(days, *step) for days in sorted(tables) for step in tables[days]))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs that every pump could read, whatever its limits."""
    codes = draw(st.lists(st.sampled_from(DrugCode), min_size=1, max_size=MAX_DRUGS, unique=True))
    primary = draw(st.integers(0, len(codes) - 1))
    fields = fields_of(Drug)
    fixed = {"drug_code", "primary"}
    drugs = tuple(
        Drug(
            drug_code=code,
            primary=int(index == primary),
            **{name: draw(values_of(field)) for name, field in fields.items() if name not in fixed},
        )
        for index, code in enumerate(codes)
    )
    doses = draw(st.lists(st.integers(0, 0xFFFF_FFFF), min_size=len(codes), max_size=len(codes)))
    return Program(
        drugs=drugs,
        schedule=draw(schedules()),
        dose_declarations=tuple(DoseDeclaration(*pair) for pair in zip(codes, doses, strict=True)),
        patient_bolus=draw(bodies(PatientBolus)),
        limits=draw(bodies(Limits)),
        alarms=draw(bodies(AlarmSettings)),
        emergency=draw(bodies(Emergency)),
        implant=draw(bodies(Implant)),
        clock=draw(bodies(ScheduleClock)),
    )
