"""Motor, reservoir and cell in exact integers."""

from inspect import getmembers

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_model.controller.battery import charge_permille
from firmware_model.controller.hardware import Hardware
from firmware_model.plant.cell import Cell
from firmware_model.plant.motor import PPM, Motor
from firmware_model.plant.plant import Plant
from firmware_model.plant.reservoir import Reservoir
from firmware_model.profiles import load_profile
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, nl_to_units

PROFILE = load_profile("peristaltic-20")
DAY_S = 86_400

parts = st.lists(st.integers(0, 10**12), max_size=10)


@given(parts, st.integers(0, 3 * PPM))
def test_a_gain_loses_nothing_however_the_turn_is_cut(units: list[int], gain_ppm: int) -> None:
    motor = Motor(gain_ppm)
    moved = sum(motor.turn(part) for part in units)
    assert moved == motor.moved_units == sum(units) * gain_ppm // PPM
    assert motor.commanded_units == sum(units)


def test_a_motor_never_turns_back() -> None:
    with pytest.raises(ValueError, match="cannot deliver -1"):
        Motor().turn(-1)


@given(st.integers(0, 10**13), parts)
def test_a_reservoir_gives_what_it_has_and_keeps_the_balance(filled: int, draws: list[int]) -> None:
    reservoir = Reservoir(10**13)
    reservoir.fill(filled)
    drawn = sum(reservoir.draw(part) for part in draws)
    assert drawn == min(sum(draws), filled) == reservoir.delivered_units
    assert reservoir.dry_units == sum(draws) - drawn
    assert reservoir.content_units == filled - drawn


def test_a_reservoir_is_not_overfilled_and_not_overdrawn() -> None:
    reservoir = Reservoir(100)
    reservoir.fill(60)
    for act, units in ((reservoir.fill, 41), (reservoir.fill, -1), (reservoir.withdraw, 61)):
        with pytest.raises(ValueError, match="cannot"):
            act(units)
    assert (reservoir.content_units, reservoir.filled_units, reservoir.wasted_units) == (60, 60, 0)


@given(parts, st.lists(st.integers(0, 10**9), max_size=6))
def test_the_cell_is_drained_the_same_however_time_and_turns_are_cut(
    units: list[int], spans: list[int]
) -> None:
    in_parts, at_once = Cell(0), Cell(0)
    now_ms = 0
    for part in units:
        in_parts.drive(PROFILE, part)
    for span in spans:
        now_ms += span
        in_parts.advance_to(PROFILE, now_ms)
    at_once.drive(PROFILE, sum(units))
    at_once.advance_to(PROFILE, now_ms)
    assert in_parts == at_once


def test_seven_years_at_half_a_millilitre_a_day_leave_charge_in_the_cell() -> None:
    cell = Cell(0)
    cell.advance_to(PROFILE, PROFILE.service_life_days * MS_PER_DAY)
    cell.drive(PROFILE, nl_to_units(500_000 * PROFILE.service_life_days))
    # 25 uA for 2556 days and 1 mAh for each of 1278 mL, of 3.2 Ah.
    used_uah = 25 * 24 * 2_556 + 1_000 * 1_278
    assert cell.idle_charge + cell.motor_charge == used_uah * 1_000 * MS_PER_HOUR
    assert charge_permille(PROFILE, cell.voltage_mv(PROFILE)) == 121


def test_the_voltage_runs_from_full_to_empty_and_no_further() -> None:
    cell = Cell(0)
    assert cell.voltage_mv(PROFILE) == PROFILE.battery_full_mv
    cell.advance_to(PROFILE, 100 * 366 * MS_PER_DAY)
    assert cell.voltage_mv(PROFILE) == PROFILE.battery_empty_mv


@pytest.mark.parametrize(
    ("mv", "permille"), [(9_999, 1_000), (3_100, 1_000), (2_700, 500), (2_300, 0), (0, 0)]
)
def test_the_charge_is_estimated_from_the_voltage(mv: int, permille: int) -> None:
    assert charge_permille(PROFILE, mv) == permille


def test_a_plant_is_hardware_to_the_controller_and_nothing_more() -> None:
    """What the controller can call tells nothing of the true volume."""
    offered = {name for name, _ in getmembers(Hardware) if not name.startswith("_")}
    assert offered == {
        "run_motor",
        "stop",
        "stalled",
        "motor_follows",
        "spend_handshake",
        "sound_tone",
        "sound_tones",
        "battery_mv",
        "battery_pulse_mv",
        "brown_outs",
        "temperature_cdeg",
    }
    plant = Plant.new(PROFILE, 0)
    plant.refill(1_000)
    plant.run_motor(nl_to_units(400))
    assert plant.state.reservoir.content_units == nl_to_units(600)
    plant.state.environment.temperature_cdeg = 3_950
    assert plant.temperature_cdeg() == 3_950
