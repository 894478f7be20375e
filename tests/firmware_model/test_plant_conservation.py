"""No unit of volume or drug is lost, and no cut of time makes a difference, whatever happens to a pump."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plant_bench import ML, MORPHINE, Lab

from firmware_model.plant.fault import Fault, FaultError
from firmware_model.plant.fluid import NO_DRUG, Conc, Mass
from firmware_model.plant.line import Line
from firmware_model.plant.plant import Plant, PlantState
from firmware_model.profiles import load_profile, profile_names
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR

HOUR, DAY = MS_PER_HOUR, MS_PER_DAY

concs = st.tuples(*[st.sampled_from([0, 1, 24_999, 500_000, 20_000_001])] * 4)
profiles = st.sampled_from(profile_names())


@st.composite
def faults(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """Draw a fault with parameters of its ranges."""
    fault: Fault = draw(st.sampled_from(list(Plant.faults.values())))
    values = {each.name: draw(st.integers(each.low, each.high)) for each in fault.parameters}
    return fault.name, values


Act = Callable[[Lab], object]


def _fill(amount: tuple[int, int], conc: Conc) -> Act:
    def act(lab: Lab) -> None:
        reservoir = lab.plant.state.reservoir
        withdrawn = reservoir.content_units // 3_600_000 * amount[0] // 100
        with suppress(ValueError):  # more than fits
            lab.plant.refill(amount[1], withdrawn, conc)

    return act


def _begin(fault: tuple[str, dict[str, int]]) -> Act:
    def act(lab: Lab) -> None:
        with suppress(FaultError):  # of something this kind of pump does not have
            lab.plant.apply_fault(fault[0], **fault[1])

    return act


def _schedule(in_ms: int, fault: tuple[str, dict[str, int]]) -> Act:
    def act(lab: Lab) -> None:
        with suppress(FaultError):
            at_ms = lab.plant.now_ms + in_ms
            lab.plant.schedule_fault(at_ms, fault[0], **fault[1])
            lab.plant.schedule_clear(at_ms + 3 * DAY, fault[0])

    return act


def _end_all(lab: Lab) -> None:
    for name in list(lab.plant.active_faults):
        lab.plant.clear_fault(name)


acts: st.SearchStrategy[Act] = st.one_of(
    st.integers(0, 20 * DAY).map(lambda ms: lambda lab: lab.advance_to(lab.plant.now_ms + ms)),
    st.builds(_fill, st.tuples(st.integers(0, 100), st.integers(0, 20 * ML)), concs),
    faults().map(_begin),
    st.just(_end_all),
    st.booleans().map(lambda mixes: lambda lab: lab.plant.set_dispersion(mixes=mixes)),
    st.tuples(st.integers(0, 400_000), concs).map(lambda pair: lambda lab: lab.plant.inject_port(*pair)),
    st.integers(0, 2 * ML).map(lambda nl: lambda lab: lab.plant.aspirate_port(nl)),
    st.integers(0, 400_000).map(lambda rate: lambda lab: setattr(lab, "rate_nl_h", rate)),
    st.booleans().map(lambda whole: lambda lab: lab.plant.stop(whole)),
    st.just(lambda lab: lab.plant.reset_flow_valve()),
    st.sampled_from([0, HOUR, DAY]).map(lambda ms: lambda lab: lab.plant.record_every(ms)),
    st.tuples(st.integers(1, 30 * DAY), faults()).map(lambda pair: _schedule(*pair)),
)


def check(lab: Lab) -> None:
    reservoir = lab.plant.state.reservoir
    left = reservoir.delivered_units + reservoir.content_units + reservoir.wasted_units
    assert reservoir.filled_units == left
    assert reservoir.content_units >= 0
    balance = lab.plant.balance()
    assert balance.missing == NO_DRUG
    assert all(min(place) >= 0 for place in astuple(balance))
    next_ms = lab.plant.next_event_ms()
    assert next_ms is None or next_ms > lab.plant.now_ms


@settings(max_examples=150)
@given(profiles, st.lists(acts, max_size=20))
def test_every_drug_that_went_in_is_somewhere(profile: str, story: list[Act]) -> None:
    lab = Lab.filled(profile, conc=(20_000_000, 500_000, 24_999, 1))
    for act in story:
        act(lab)
        check(lab)


@settings(max_examples=100)
@given(profiles, st.lists(acts, max_size=12), st.booleans(), st.lists(st.integers(0, 30 * DAY), max_size=10))
def test_any_cut_of_the_time_gives_the_same_plant(
    profile: str, story: list[Act], mixes: bool, stops: list[int]
) -> None:
    lab = Lab.filled(profile)
    lab.plant.set_dispersion(mixes=mixes)
    for act in story:
        act(lab)
    begun = lab.plant.state.copy()
    lab.advance_to(lab.plant.now_ms + 30 * DAY)
    other = Lab.filled(profile, lab.rate_nl_h)
    other.plant = Plant(load_profile(profile), begun.copy())
    start_ms = begun.cell.settled_ms
    other.visit(start_ms + stop for stop in sorted(stops))
    other.advance_to(start_ms + 30 * DAY)
    assert other.plant.state == lab.plant.state


@settings(max_examples=50)
@given(profiles, st.lists(acts, max_size=12))
def test_a_plant_survives_json(profile: str, story: list[Act]) -> None:
    """Also on values far beyond 64 bits: masses are."""
    lab = Lab.filled(profile)
    for act in story:
        act(lab)
    state = lab.plant.state
    copy = msgspec.json.decode(msgspec.json.encode(state), type=PlantState)
    assert copy == state
    again = Lab(profile, lab.rate_nl_h)
    again.plant = Plant(load_profile(profile), copy)
    for each in (lab, again):
        each.days(20)
    assert again.plant.state == lab.plant.state


@given(st.lists(acts, max_size=8))
def test_a_copy_is_a_value(story: list[Act]) -> None:
    """What happens afterwards does not reach into a copy."""
    lab = Lab.filled()
    before = lab.plant.state.copy()
    octets = msgspec.json.encode(before)
    for act in story:
        act(lab)
    assert msgspec.json.encode(before) == octets


def test_ten_years_at_one_concentration_cost_as_little_as_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the tanks hold what comes in, no further step is computed; as a plug there is one piece."""
    moves: list[int] = []
    move = Line._move

    def counted(rows: list[list[int]], step: int, inflow: Mass) -> Conc:
        moves.append(step)
        return move(rows, step, inflow)

    monkeypatch.setattr(Line, "_move", staticmethod(counted))
    lab = Lab.filled("peristaltic-40", rate_nl_h=400)
    lab.plant.set_dispersion(mixes=True)
    lab.days(200)
    assert 300 < len(moves) < 3_000
    moves.clear()
    lab.days(3_650)
    assert len(moves) <= 2
    lab.plant.set_dispersion(mixes=False)
    assert lab.plant.balance().missing == NO_DRUG
    lab.days(100)
    assert len(lab.plant.state.catheter.pieces) == 1


@pytest.mark.parametrize("mixes", [False, True])
def test_what_comes_out_at_the_tip_has_the_concentration_of_the_reservoir(mixes: bool) -> None:
    lab = Lab.filled(rate_nl_h=50_000, conc=MORPHINE)
    lab.plant.set_dispersion(mixes=mixes)
    lab.days(3)
    before = lab.plant.state.tip.mass[0], lab.plant.state.tip.units
    lab.days(1)
    mass, units = lab.plant.state.tip.mass[0] - before[0], lab.plant.state.tip.units - before[1]
    assert mass == units * MORPHINE[0]
