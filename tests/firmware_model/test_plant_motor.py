"""The motor moves whole strokes, and what stalls, stops and fields do to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plant_bench import ML, Lab

from firmware_model.plant.motor import PPM, Motor
from firmware_model.profiles import load_profile, profile_names
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, nl_to_units

STROKE = 360

parts = st.lists(st.integers(0, 2_000), max_size=20)


@given(parts, st.lists(st.booleans(), max_size=20))
def test_moved_is_within_one_stroke_of_commanded_whatever_is_stopped(
    units: list[int], stops: list[bool]
) -> None:
    motor, moved = Motor(), 0
    for number, part in enumerate(units):
        moved += motor.turn(part, STROKE)
        assert moved % STROKE == 0
        assert abs(moved - motor.commanded_units) < STROKE
        if number < len(stops) and stops[number]:
            moved += motor.complete_stroke(STROKE)
            assert 0 <= moved - motor.commanded_units < STROKE
    assert moved == motor.moved_units == motor.strokes * STROKE == motor.encoder_strokes * STROKE


@given(parts, st.integers(0, PPM), st.integers(0, 3 * PPM))
def test_strokes_slip_and_gain_do_not_depend_on_how_the_turn_is_cut(
    units: list[int], slip_ppm: int, gain_ppm: int
) -> None:
    cut, whole = Motor(gain_ppm, slip_ppm=slip_ppm), Motor(gain_ppm, slip_ppm=slip_ppm)
    for part in units:
        cut.turn(part, STROKE)
    whole.turn(sum(units), STROKE)
    assert cut == whole
    strokes = sum(units) // STROKE
    assert whole.slipped_strokes == strokes * slip_ppm // PPM
    assert whole.moved_units == (strokes - whole.slipped_strokes) * STROKE * gain_ppm // PPM


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_delivers_in_its_own_quantum(name: str) -> None:
    """Ten strokes' worth an hour, looked at every minute: whole strokes come out, none early."""
    profile, lab = load_profile(name), Lab.filled(name)
    lab.rate_nl_h = 10 * profile.stroke_nl
    for minute in range(1, 61):
        lab.advance_to(minute * MS_PER_MINUTE)
        assert lab.moved_nl == minute // 6 * profile.stroke_nl
    assert (profile.stroke_nl, name[:5]) in {(100, "peris"), (2_500, "valve"), (1_000, "level")}


def test_an_operators_stop_completes_the_stroke_and_a_fault_stop_does_not() -> None:
    lab = Lab.filled("valve-quantum-20", rate_nl_h=2_500)
    lab.advance_to(MS_PER_HOUR + 30 * MS_PER_MINUTE)
    lab.plant.stop(False)
    assert lab.moved_nl == 2_500
    lab.plant.stop(True)
    assert lab.moved_nl == 5_000
    lab.plant.stop(True)
    assert lab.moved_nl == 5_000
    # What came early is paid back: after three hours three strokes were made.
    lab.advance_to(2 * MS_PER_HOUR + 59 * MS_PER_MINUTE)
    assert lab.moved_nl == 5_000
    lab.advance_to(3 * MS_PER_HOUR)
    assert lab.moved_nl == 7_500


def test_a_stop_between_two_strokes_moves_nothing() -> None:
    lab = Lab.filled("valve-quantum-20", rate_nl_h=2_500)
    lab.hours(2)
    lab.plant.stop(True)
    assert lab.moved_nl == 5_000


def test_a_temporary_stall_loses_its_strokes_and_the_encoder_sees_it() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.hours(1)
    lab.plant.apply_fault("motor_stall", minutes=90)
    assert lab.plant.next_event_ms() == MS_PER_HOUR + 90 * MS_PER_MINUTE
    lab.hours(1)
    assert not lab.plant.motor_follows()
    assert (lab.moved_nl, lab.plant.encoder_strokes()) == (10_000, 100)
    lab.hours(2)
    assert lab.plant.motor_follows()
    assert (lab.moved_nl, lab.plant.encoder_strokes()) == (25_000, 250)
    assert lab.plant.state.motor.missed_strokes == 150


def test_rs18_a_seized_motor_never_comes_back() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("motor_seized")
    lab.days(3_000)
    assert (lab.moved_nl, lab.tip_nl, lab.plant.motor_follows()) == (0, 0, False)
    assert lab.plant.state.reservoir.content_units == nl_to_units(19 * ML)


def test_rs03_a_lying_encoder_hides_a_stall() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("encoder_lies")
    lab.plant.apply_fault("motor_seized")
    lab.days(1)
    assert lab.plant.motor_follows()
    assert (lab.moved_nl, lab.plant.encoder_strokes()) == (0, 2_400)


def test_slip_is_not_seen_by_the_encoder() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("motor_slip", slip_ppm=250_000)
    lab.days(1)
    assert (lab.moved_nl, lab.plant.encoder_strokes(), lab.plant.motor_follows()) == (180_000, 2_400, True)


def test_rs05_a_field_holds_the_rotor_and_it_comes_free_within_a_day_after_it() -> None:
    delays = set()
    for seed in range(40):
        lab = Lab.filled(seed=seed)
        lab.hours(1)
        lab.plant.apply_fault("magnetic_field", field_mt=1_500)
        lab.plant.schedule_clear(lab.plant.now_ms + 40 * MS_PER_MINUTE, "magnetic_field")
        lab.hours(30)
        lost_nl = 31 * 10_000 - lab.moved_nl
        delay_ms = lost_nl * MS_PER_HOUR // 10_000 - 40 * MS_PER_MINUTE
        assert -MS_PER_MINUTE <= delay_ms <= MS_PER_DAY
        assert lab.plant.motor_follows()
        delays.add(delay_ms // MS_PER_HOUR)
    assert len(delays) > 12
    assert {min(delays), max(delays)} <= {0, 1, 2, 21, 22, 23, 24}


def test_a_weak_field_does_nothing_and_a_second_scan_begins_anew() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("magnetic_field", field_mt=100)
    assert lab.plant.motor_follows()
    lab.plant.apply_fault("magnetic_field", field_mt=101)
    assert not lab.plant.motor_follows()
    lab.plant.clear_fault("magnetic_field")
    late_ms = lab.plant.next_event_ms()
    assert late_ms is not None
    lab.plant.apply_fault("magnetic_field")
    assert lab.plant.next_event_ms() is None
    lab.advance_to(late_ms + 1)
    assert not lab.plant.motor_follows()


def test_a_scan_comes_out_the_same_though_another_fault_uses_chance() -> None:
    plain, busy = Lab.filled(seed=9), Lab.filled(seed=9)
    busy.plant.apply_fault("motor_stall_bursts")
    for lab in (plain, busy):
        lab.plant.apply_fault("magnetic_field")
        lab.plant.clear_fault("magnetic_field")
    assert plain.plant.state.motor.recovers_ms == busy.plant.state.motor.recovers_ms


def test_reverse_strokes_are_counted_and_paid_back_before_any_drug_moves() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.hours(5)
    before = lab.plant.state.reservoir.delivered_units
    lab.plant.apply_fault("motor_reversed", strokes=30)
    lab.advance_to(5 * MS_PER_HOUR + 18 * MS_PER_MINUTE)
    assert lab.plant.state.reservoir.delivered_units == before
    lab.hours(1)
    assert lab.plant.state.reservoir.delivered_units == before + nl_to_units(10_000)
    assert lab.plant.state.motor.reversed_strokes == 30


def test_rs12_over_infusion_that_grows_empties_the_reservoir_early() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.plant.apply_fault("motor_gain_drift", gain_ppm=3 * PPM, days=20)
    days = []
    for _ in range(30):
        before = lab.moved_nl
        lab.days(1)
        days.append(lab.moved_nl - before)
    # One step a day, evenly, from 0.24 mL to three times as much.
    assert days[:3] == [240_000, 264_000, 288_000]
    assert days[20:] == [720_000] * 10
    assert lab.plant.next_event_ms() is None


def test_rs10_bursts_of_stalls_come_again_and_again() -> None:
    lab = Lab.filled("peristaltic-40", rate_nl_h=10_000)
    lab.plant.apply_fault("motor_stall_bursts", gap_min=600, stall_min=120)
    stalls, stalled = 0, False
    for _ in range(60 * 24):
        lab.advance_to(lab.plant.now_ms + MS_PER_HOUR)
        stalls += stalled and lab.plant.motor_follows()
        stalled = not lab.plant.motor_follows()
    assert 60 < stalls < 180
    assert 0 < lab.plant.state.motor.missed_strokes < 60 * 24 * 100 // 4


def test_pressure_and_warmth_shift_only_what_is_driven_by_pressure() -> None:
    for name, shifted in (("peristaltic-20", False), ("valve-quantum-20", False), ("level-sensor-20", True)):
        lab = Lab.filled(name)
        lab.plant.apply_fault("ambient_pressure", pressure_hpa=750)
        lab.days(5)
        thin_air_nl = lab.moved_nl
        lab.plant.apply_fault("ambient_pressure", pressure_hpa=2_000)
        lab.plant.apply_fault("temperature", temperature_cdeg=3_700)
        lab.days(5)
        assert (thin_air_nl > 1_300_000) is shifted
        assert (lab.moved_nl - thin_air_nl < 500_000) is shifted
