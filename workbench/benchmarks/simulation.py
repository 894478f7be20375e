"""How fast a pump's time passes while nothing but therapy happens."""

from collections.abc import Callable, Iterator
from typing import Final

from firmware_model.factory import build_pump
from firmware_model.pump import Pump
from firmware_model.setups import parse_setup
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR
from protocol.vocabulary import AlarmCode, DeliveryState
from workbench.benchmarks.measure import Effort, alone
from workbench.benchmarks.report import Row, Target, Unit

LEAST: Final = Target(200.0, least=True)
STEPS: Final = 24
_PROFILE: Final = "peristaltic-20"
_UTC_S: Final = 1_760_000_000
_SEED: Final = 1
_YEAR_MS: Final = 365 * MS_PER_DAY
_RATES_NL_H: Final = (10_000, 10_500)
_FULL_NL: Final = 20_000_000
_QUIET_YEARS: Final = 64
_LIFE_YEARS: Final = 6
"""What a pump lives before it says that it wants to be replaced."""
_WATCHED_YEARS: Final = 2
_US_PER_S: Final = 1_000_000

_SETUP: Final = """\
title = "A table of one step an hour"
story = "Therapy for the benchmarks."

[therapy]
patient_ref = "BENCHMARK"
implanted_days_ago = 1
therapy_days = 1
utc_offset_min = 0
reservoir_left_nl = 19_000_000
low_reservoir_nl = 2_000_000
catheter_cm = 78
drug_shelf_days = 90
steps = [
{steps}
]

[therapy.drug]
code = "MORPHINE"
name = "Morphine"
conc_ng_ml = 20_000_000
display = "MG"

[therapy.limits]
hard_rate_nl_h = 50_000
hard_hour_nl = 50_000
hard_day_nl = 750_000
hard_bolus_nl = 50_000
soft_rate_nl_h = 20_000
soft_hour_nl = 20_000
soft_day_nl = 400_000
soft_bolus_nl = 25_000
"""


class SimulationError(Exception):
    """The simulated therapy did not run as it must: a defect."""


def treated_pump() -> Pump:
    """Return a pump that delivers a daily table of 24 steps."""
    steps = (
        f"    {{ start_min = {60 * hour}, rate_nl_h = {_RATES_NL_H[hour % 2]} }}," for hour in range(STEPS)
    )
    setup = parse_setup(_SETUP.format(steps="\n".join(steps)), "benchmark")
    return build_pump(_PROFILE, _SEED, _UTC_S, setup, "benchmark")


def live(pump: Pump, years: int) -> int:
    """Let ``years`` pass from event to event, refilled at each low-reservoir alarm; return the refills.

    Raises:
        SimulationError: the pump is not infusing at the end.
    """
    end_ms = pump.now_ms + years * _YEAR_MS
    refills = 0
    while (next_ms := pump.next_event_ms()) is not None and next_ms <= end_ms:
        pump.advance_to(next_ms)
        if pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW):
            pump.refill(_FULL_NL)
            refills += 1
    pump.advance_to(end_ms)
    if pump.belief().delivery_state is not DeliveryState.RUNNING:
        raise SimulationError(f"after {years} years the pump is {pump.belief().delivery_state.name}")
    return refills


def watch(pump: Pump, years: int) -> int:
    """As `live`, and look at the pump each hour; return the refills."""
    refills = 0
    for _ in range(years * _YEAR_MS // MS_PER_HOUR):
        pump.advance_to(pump.now_ms + MS_PER_HOUR)
        pump.belief()
        if pump.controller.alarms.stands(AlarmCode.RESERVOIR_LOW):
            pump.refill(_FULL_NL)
            refills += 1
    return refills


def simulation_rows(effort: Effort) -> Iterator[Row]:
    """Measure a quiet therapy, left alone and looked at each hour."""
    years = effort.calls(_QUIET_YEARS)
    quiet_us = _each_with_new_pumps(live, years, effort)
    yield Row(
        "simulation_quiet",
        f"quiet therapy, table of {STEPS} steps, alarms on, refilled when low",
        Unit.PUMP_YEARS_PER_SECOND,
        years * _US_PER_S / quiet_us,
        target=LEAST,
    )
    watched_years = effort.calls(_WATCHED_YEARS)
    watched_us = _each_with_new_pumps(watch, watched_years, effort)
    yield Row(
        "simulation_watched",
        "the same, its belief read each hour",
        Unit.PUMP_YEARS_PER_SECOND,
        watched_years * _US_PER_S / watched_us,
    )


def _each_with_new_pumps(let_pass: Callable[[Pump, int], int], years: int, effort: Effort) -> float:
    lives = [min(_LIFE_YEARS, years - begun) for begun in range(0, years, _LIFE_YEARS)]
    rounds = iter([[treated_pump() for _ in lives] for _ in range(effort.repeats + 1)])

    def all_lives() -> None:
        for pump, each in zip(next(rounds), lives, strict=True):
            let_pass(pump, each)

    return alone(all_lives, 1, effort.repeats)
