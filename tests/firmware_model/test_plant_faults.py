"""Every fault in the registry is observed on truth, and gone again when it is cleared."""

from collections.abc import Callable

import pytest
from support.plant_bench import ML, MORPHINE, Lab

from firmware_model.plant.fault import Fault, FaultError, Needs
from firmware_model.plant.plant import Plant
from firmware_model.profiles import load_profile, profile_names
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR

Observe = Callable[[Lab], int]


def moved(lab: Lab) -> int:
    """What the motor moves in ten days, nL."""
    before = lab.moved_nl
    lab.days(10)
    return lab.moved_nl - before


def at_tip(lab: Lab) -> int:
    """What comes out at the tip in ten days, nL."""
    before = lab.tip_nl
    lab.days(10)
    return lab.tip_nl - before


def drawn(lab: Lab) -> int:
    """What leaves the reservoir in ten days, nL."""
    before = lab.plant.state.reservoir.delivered_units
    lab.days(10)
    return (lab.plant.state.reservoir.delivered_units - before) // 3_600_000


def in_pocket(lab: Lab) -> int:
    """What a refill of 10 mL brings into the pocket, nL."""
    before = lab.pocket_nl
    lab.plant.refill(10 * ML)
    return lab.pocket_nl - before


def through_port(lab: Lab) -> int:
    """What a refill of 10 mL brings out at the tip at once, nL."""
    before = lab.tip_nl
    lab.plant.refill(10 * ML)
    return lab.tip_nl - before


def conc(lab: Lab) -> int:
    """What a refill after a full withdrawal leaves in the reservoir, ng/mL."""
    lab.plant.refill(10 * ML, conc=MORPHINE)
    return lab.plant.state.reservoir.conc[0]


def content(lab: Lab) -> int:
    """What a refill of 10 mL leaves in the reservoir, nL."""
    lab.plant.refill(10 * ML)
    return lab.plant.state.reservoir.content_units // 3_600_000


def level_error(lab: Lab) -> int:
    """How far the level sensor is off after ten days, without its scatter in mL, nL."""
    lab.days(10)
    level = lab.plant.level_nl()
    assert level is not None
    return round((level - lab.plant.state.reservoir.content_units // 3_600_000) / 500_000)


def scatter(lab: Lab) -> int:
    """Width of the readings of a hundred hours, half mL."""
    readings = []
    for _ in range(100):
        lab.hours(1)
        readings.append((lab.plant.level_nl() or 0) - lab.plant.state.reservoir.content_units // 3_600_000)
    return (max(readings) - min(readings)) // 500_000


def field_dump(lab: Lab) -> int:
    """What a scan lets run out of the reservoir, nL, and the valve is reset."""
    before = lab.plant.state.reservoir.content_units
    lab.plant.apply_fault("magnetic_field")
    lab.plant.clear_fault("magnetic_field")
    lab.plant.reset_flow_valve()
    lost = (before - lab.plant.state.reservoir.content_units) // 3_600_000
    lab.plant.refill(10 * ML)
    return lost


def pulse_mv(lab: Lab) -> int:
    """Sag of the cell under a motor pulse after ten days, mV."""
    lab.days(10)
    return lab.plant.battery_mv() - lab.plant.battery_pulse_mv()


def leak_charge(lab: Lab) -> int:
    """Charge that leaks away in ten days."""
    before = lab.plant.state.cell.leak_charge
    lab.days(10)
    return lab.plant.state.cell.leak_charge - before


def measured_mv(lab: Lab) -> int:
    """Voltage as it is measured, tens of mV."""
    return round(lab.plant.battery_mv() / 10)


def tones(lab: Lab) -> int:
    """Tones that sound of three."""
    before = lab.plant.state.buzzer.tones
    assert lab.plant.sound_tones(3) == lab.plant.state.buzzer.works
    return lab.plant.state.buzzer.tones - before


def temperature(lab: Lab) -> int:
    return lab.plant.temperature_cdeg()


def encoder_error(lab: Lab) -> int:
    """Strokes the encoder saw in a day in which the motor was seized."""
    lab.plant.apply_fault("motor_seized")
    before = lab.plant.encoder_strokes()
    lab.days(1)
    lab.plant.clear_fault("motor_seized")
    return lab.plant.encoder_strokes() - before


def woken(lab: Lab) -> int:
    return lab.plant.emi_pulses()


def catheter_volume(lab: Lab) -> int:
    return lab.plant.pathway.catheter_nl()


LEVEL, VALVE, PERISTALTIC = "level-sensor-20", "valve-quantum-20", "peristaltic-20"

# name: (profile, parameters, what is looked at, direction)
SEEN: dict[str, tuple[str, dict[str, int], Observe, int]] = {
    "motor_gain": (PERISTALTIC, {}, moved, +1),
    "motor_gain_drift": (PERISTALTIC, {"gain_ppm": 500_000, "days": 5}, moved, -1),
    "motor_slip": (PERISTALTIC, {}, moved, -1),
    "motor_stall": (PERISTALTIC, {"minutes": 1_440}, moved, -1),
    "motor_stall_bursts": (PERISTALTIC, {"gap_min": 60}, moved, -1),
    "motor_seized": (PERISTALTIC, {}, moved, -1),
    "motor_reversed": (PERISTALTIC, {}, at_tip, -1),
    "encoder_lies": (PERISTALTIC, {}, encoder_error, +1),
    "gas_in_reservoir": (PERISTALTIC, {}, drawn, -1),
    "pocket_fill": (PERISTALTIC, {}, in_pocket, +1),
    "wrong_port": (PERISTALTIC, {}, through_port, +1),
    "wrong_concentration": (PERISTALTIC, {}, conc, +1),
    "wrong_volume": (PERISTALTIC, {}, content, -1),
    "level_sensor_bias": (LEVEL, {}, level_error, +1),
    "level_sensor_gain": (LEVEL, {}, level_error, -1),
    "level_sensor_drift": (LEVEL, {"nl_per_day": -500_000}, level_error, -1),
    "level_sensor_noise": (LEVEL, {"noise_nl": 3 * ML}, scatter, +1),
    "valve_guard_broken": (VALVE, {}, field_dump, +1),
    "catheter_occlusion": (PERISTALTIC, {}, at_tip, -1),
    "catheter_off": (PERISTALTIC, {}, at_tip, -1),
    "catheter_leak": (PERISTALTIC, {}, at_tip, -1),
    "catheter_leak_growth": (PERISTALTIC, {"days": 5}, at_tip, -1),
    "dead_volume": (PERISTALTIC, {}, catheter_volume, +1),
    "cell_film": (PERISTALTIC, {"ohm_per_month": 30}, pulse_mv, +1),
    "feedthrough_leak": (PERISTALTIC, {}, leak_charge, +1),
    "battery_adc_offset": (PERISTALTIC, {}, measured_mv, +1),
    "tone_generator_dead": (PERISTALTIC, {}, tones, -1),
    "magnetic_field": (PERISTALTIC, {}, moved, -1),
    "emi_pulses": (PERISTALTIC, {}, woken, +1),
    "temperature": (PERISTALTIC, {}, temperature, +1),
    "ambient_pressure": (LEVEL, {}, moved, +1),
}


def test_every_fault_is_looked_at() -> None:
    assert SEEN.keys() == Plant.faults.keys()


@pytest.mark.parametrize("name", Plant.faults)
def test_a_fault_shows_on_truth_and_ends(name: str) -> None:
    profile, values, observe, direction = SEEN[name]
    sound, sick = Lab.filled(profile), Lab.filled(profile)
    for lab in (sound, sick):
        lab.days(2)
    sick.plant.apply_fault(name, **values)
    usual, seen = observe(sound), observe(sick)
    assert (seen > usual) if direction > 0 else (seen < usual), (usual, seen)
    if Plant.faults[name].clear is None:
        assert name not in sick.plant.active_faults
        return
    sick.plant.clear_fault(name)
    assert name not in sick.plant.active_faults
    # After a scan the rotor may take a day to come free; what an occlusion held comes out when it clears.
    for lab in (sound, sick):
        lab.days(2)
        lab.plant.refill(19 * ML, conc=MORPHINE)
    usual, seen = observe(sound), observe(sick)
    assert abs(seen - usual) <= 1, (usual, seen)


@pytest.mark.parametrize("fault", Plant.faults.values(), ids=Plant.faults)
def test_every_fault_says_what_it_is(fault: Fault) -> None:
    assert fault.text.endswith(".")
    assert len({each.name for each in fault.parameters}) == len(fault.parameters)
    for each in fault.parameters:
        assert each.text
        assert each.low <= each.default <= each.high


@pytest.mark.parametrize("fault", Plant.faults.values(), ids=Plant.faults)
def test_a_parameter_out_of_range_is_a_hard_error_and_changes_nothing(fault: Fault) -> None:
    lab = Lab.filled(SEEN[fault.name][0])
    before = lab.plant.state.copy()
    for each in fault.parameters:
        for wrong in (each.low - 1, each.high + 1):
            with pytest.raises(
                FaultError, match=rf"{fault.name}: {each.name} = {wrong} is outside {each.low}"
            ):
                lab.plant.apply_fault(fault.name, **{each.name: wrong})
    with pytest.raises(FaultError, match=rf"{fault.name} has no parameter 'colour'; it has: "):
        lab.plant.apply_fault(fault.name, colour=1)
    assert lab.plant.state == before


def test_an_unknown_fault_names_those_there_are() -> None:
    plant = Lab.filled().plant
    for act in (plant.apply_fault, plant.clear_fault):
        with pytest.raises(FaultError, match="no fault 'rust'; there are: motor_gain, motor_gain_drift"):
            act("rust")
    with pytest.raises(FaultError, match="no fault 'rust'"):
        plant.schedule_fault(1_000, "rust")
    with pytest.raises(FaultError, match="motor_reversed is over at once"):
        plant.clear_fault("motor_reversed")


@pytest.mark.parametrize("profile", profile_names())
def test_a_pump_cannot_have_the_fault_of_a_part_it_does_not_have(profile: str) -> None:
    constants, lab = load_profile(profile), Lab.filled(profile)
    for fault in Plant.faults.values():
        lacks = (fault.needs is Needs.LEVEL_SENSOR and not constants.has_level_sensor) or (
            fault.needs is Needs.VALVES and not constants.valve_open_field_mt
        )
        if lacks:
            with pytest.raises(FaultError, match=f"fault {fault.name} needs {fault.needs.value}"):
                lab.plant.apply_fault(fault.name)
        else:
            lab.plant.apply_fault(fault.name)


def test_faults_by_appointment_come_and_go_on_time() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.plant.schedule_fault(10 * MS_PER_HOUR, "motor_seized")
    lab.plant.schedule_clear(14 * MS_PER_HOUR, "motor_seized")
    lab.plant.schedule_fault(12 * MS_PER_HOUR, "temperature", temperature_cdeg=3_600)
    assert lab.plant.next_event_ms() == 10 * MS_PER_HOUR
    lab.hours(24)
    assert lab.moved_nl == 20 * 10_000
    assert lab.plant.active_faults == {"temperature": {"temperature_cdeg": 3_600}}
    assert lab.plant.next_event_ms() is None
    with pytest.raises(FaultError, match="is not after now"):
        lab.plant.schedule_fault(MS_PER_DAY, "motor_seized")


def test_a_stall_that_is_over_is_not_told_as_standing() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("motor_stall", minutes=90)
    assert lab.plant.active_faults == {"motor_stall": {"minutes": 90}}
    lab.hours(2)
    assert lab.plant.active_faults == {}
