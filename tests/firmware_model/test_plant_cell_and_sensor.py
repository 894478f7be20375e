"""The cell under load, tones, and the level sensor."""

from itertools import pairwise

import pytest
from support.plant_bench import ML, Lab

from firmware_model.plant.cell import Cell
from firmware_model.plant.level_sensor import LevelSensor
from firmware_model.profiles import load_profile, profile_names
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR

BODY_CDEG = 3_700
MONTH_DAYS = 30


@pytest.mark.parametrize("name", profile_names())
def test_the_discharge_curve_falls_from_full_over_the_knee_to_empty(name: str) -> None:
    profile = load_profile(name)
    capacity = profile.battery_capacity_uah * 1_000 * MS_PER_HOUR
    volts = [Cell(0, idle_charge=capacity * used // 1_000).voltage_mv(profile) for used in range(1_001)]
    assert volts[0] == profile.battery_full_mv
    assert volts[1_000 - profile.battery_knee_permille] == profile.battery_knee_mv
    assert volts[-1] == profile.battery_empty_mv
    assert all(one >= later for one, later in pairwise(volts))
    assert Cell(0, idle_charge=2 * capacity).voltage_mv(profile) == profile.battery_empty_mv
    assert Cell(0, idle_charge=capacity).is_flat(profile)
    assert not Cell(0, idle_charge=capacity - 1).is_flat(profile)


def test_a_pulse_sags_by_current_times_resistance_and_more_in_the_cold() -> None:
    profile, cell = load_profile("peristaltic-20"), Cell(0)
    # 5 mA through 10 ohm; 7 K colder it is 14 % more.
    assert cell.rest_mv(profile, BODY_CDEG) - cell.pulse_mv(profile, BODY_CDEG) == 50
    assert cell.rest_mv(profile, 3_000) - cell.pulse_mv(profile, 3_000) == 57


def test_rs06_a_film_lets_the_voltage_sag_under_pulses_from_its_month_on() -> None:
    lab = Lab.filled("peristaltic-40", rate_nl_h=250)
    lab.plant.apply_fault("cell_film", delay_days=45 * MONTH_DAYS, ohm_per_month=20)
    lab.days(45 * MONTH_DAYS)
    assert lab.plant.battery_mv() - lab.plant.battery_pulse_mv() in (49, 50, 51)
    assert (lab.plant.brown_outs(), lab.plant.motor_follows()) == (0, True)
    rest_mv = lab.plant.battery_mv()
    lab.days(3 * MONTH_DAYS)
    sag_mv = lab.plant.battery_mv() - lab.plant.battery_pulse_mv()
    # 60 ohm more at 5 mA, while the voltage at rest shows next to nothing.
    assert 345 <= sag_mv <= 352
    assert rest_mv - lab.plant.battery_mv() < 40
    lab.days(9 * MONTH_DAYS)
    assert lab.plant.brown_outs() == 1
    assert not lab.plant.motor_follows()
    assert lab.plant.state.motor.missed_strokes > 0
    lab.plant.clear_fault("cell_film")
    assert lab.plant.motor_follows()
    assert lab.plant.next_event_ms() is None


def test_rs10_a_feedthrough_leak_drains_the_cell_years_early() -> None:
    sound, leaking = Lab(rate_nl_h=0), Lab(rate_nl_h=0)
    leaking.plant.apply_fault("feedthrough_leak", leak_na=100_000, days=90)
    for lab in (sound, leaking):
        lab.days(3 * 365)
    assert sound.plant.battery_mv() - leaking.plant.battery_mv() > 400
    assert leaking.plant.state.cell.leak_na == 100_000
    # It grows by a ninetieth a day; then it stays.
    grown = sum(100_000 * day // 90 for day in range(90)) + 100_000 * (3 * 365 - 90)
    assert leaking.plant.state.cell.leak_charge == grown * MS_PER_DAY


def test_tones_take_their_charge() -> None:
    lab = Lab()
    assert lab.plant.sound_tones(1_000)
    assert lab.plant.sound_tone()
    per_tone = load_profile("peristaltic-20").tone_charge_nah * MS_PER_HOUR
    assert lab.plant.state.cell.tone_charge == 1_001 * per_tone
    lab.plant.apply_fault("tone_generator_dead")
    assert not lab.plant.sound_tone()
    assert lab.plant.state.cell.tone_charge == 1_001 * per_tone


def test_a_field_does_not_reach_the_reading_but_an_offset_does() -> None:
    lab = Lab()
    before = lab.plant.battery_mv()
    lab.plant.apply_fault("battery_adc_offset", offset_mv=-120)
    assert lab.plant.battery_mv() == before - 120
    assert lab.plant.state.cell.voltage_mv(lab.plant.profile) == before


# --- level sensor -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", profile_names())
def test_only_one_kind_of_pump_measures_its_content(name: str) -> None:
    level = Lab.filled(name).plant.level_nl()
    assert (level is not None) is name.startswith("level-sensor")


def test_readings_scatter_round_the_content_and_looking_twice_shows_the_same() -> None:
    lab = Lab.filled("level-sensor-20", rate_nl_h=0)
    readings = []
    for _ in range(400):
        lab.hours(1)
        level = lab.plant.level_nl()
        assert level is not None
        assert level == lab.plant.level_nl()
        readings.append(level)
    assert max(readings) - min(readings) > 180_000
    assert all(abs(reading - 19 * ML) <= 100_000 for reading in readings)
    assert abs(sum(readings) // 400 - 19 * ML) < 12_000


def test_rs13_bias_scale_and_drift_show_and_the_scale_ends_at_full_and_empty() -> None:
    def read(sensor: LevelSensor, content_nl: int, days: int = 0) -> int:
        return sensor.reading_nl(content_nl, 20 * ML, 0, 1, days * MS_PER_DAY)

    assert read(LevelSensor(), 7 * ML) == 7 * ML
    assert read(LevelSensor(bias_nl=-3 * ML), 7 * ML) == 4 * ML
    assert read(LevelSensor(gain_ppm=500_000), 7 * ML) == 3_500_000
    drifting = LevelSensor(drift_nl_per_day=20_000, drift_from_ms=10 * MS_PER_DAY)
    assert [read(drifting, 7 * ML, day) for day in (10, 11, 60)] == [7 * ML, 7_020_000, 8 * ML]
    assert read(LevelSensor(bias_nl=-3 * ML), 2 * ML) == 0
    assert read(LevelSensor(bias_nl=3 * ML), 19 * ML) == 20 * ML
