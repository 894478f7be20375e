"""The way to the tip: delay, mixing, occlusion, leaks, ports, dumps, and what the record of the tip shows."""

from itertools import pairwise

import pytest
from support.plant_bench import ML, MORPHINE, Lab

from firmware_model.plant.dose_trace import COARSE_POINTS, FINE_POINTS
from firmware_model.plant.fluid import MASS_PER_NG, to_ng
from firmware_model.profiles import load_profile
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, nl_to_units

WEAK, STRONG = (500_000, 0, 0, 0), (2_000_000, 0, 0, 0)
CATHETER_NL = 89 * 2_200
LINES_NL = 140_000 + CATHETER_NL


def tip_ng(lab: Lab) -> int:
    return to_ng(lab.plant.state.tip.mass)[0]


def tip_conc(lab: Lab) -> int:
    return lab.plant.state.catheter.outlet_conc[0]


def test_plug_flow_brings_drug_to_the_tip_when_the_lines_have_passed_and_not_before() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.advance_to(LINES_NL * MS_PER_HOUR // 10_000)
    assert tip_ng(lab) == 0
    lab.hours(1)
    assert abs(tip_ng(lab) - 200_000) <= 2_000
    assert abs(lab.tip_nl - LINES_NL - 10_000) <= 1


def test_dispersion_brings_some_drug_early_and_the_rest_late_but_on_the_whole_as_much() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.plant.set_dispersion(mixes=True)
    lab.advance_to(LINES_NL * 7 // 10 * MS_PER_HOUR // 10_000)
    early = tip_conc(lab)
    assert 0 < early < MORPHINE[0] // 10
    lab.advance_to(LINES_NL * MS_PER_HOUR // 10_000)
    assert MORPHINE[0] * 4 // 10 < tip_conc(lab) < MORPHINE[0] * 6 // 10
    lab.advance_to(3 * LINES_NL * MS_PER_HOUR // 10_000)
    assert tip_conc(lab) == MORPHINE[0]
    plug_ng = 2 * LINES_NL * 20
    assert abs(tip_ng(lab) - plug_ng) < plug_ng // 500


def test_rs11_a_prime_computed_for_more_tubing_than_there_is_brings_drug_too_early() -> None:
    """0.199 mL instead of 0.140 mL: 0.059 mL of drug at 20 mg/mL reach the patient, 1.18 mg."""
    for tubing_nl, early_ng in ((199_000, 59_000 * 20), (140_000, 0)):
        lab = Lab.filled(rate_nl_h=1_000_000)
        lab.advance_to((tubing_nl + CATHETER_NL) * MS_PER_HOUR // 1_000_000)
        assert abs(tip_ng(lab) - early_ng) <= 2_000 * 20


def test_an_omitted_bridge_gives_four_times_the_dose_until_the_old_drug_is_through() -> None:
    """Worked example: baclofen 2000 to 500 mcg/mL at 600 mcg/day; 0.348 mL at 2400 mcg/day last 6.96 h."""
    lab = Lab(rate_nl_h=300_000 // 24)
    lab.plant.fit_lines(140_000, 208_000)
    lab.plant.refill(10 * ML, conc=STRONG)
    lab.days(10)
    lab.plant.refill(10 * ML, conc=WEAK)
    lab.rate_nl_h = 50_000
    before = tip_ng(lab)
    lab.hours(6)
    assert abs((tip_ng(lab) - before) - 600_000) < 500
    lab.hours(1)
    before = tip_ng(lab)
    lab.hours(24)
    assert abs((tip_ng(lab) - before) - 600_000) < 1_000


def test_a_refill_mixes_with_the_residual() -> None:
    lab = Lab()
    lab.plant.refill(10 * ML, conc=STRONG)
    lab.plant.refill(5 * ML, withdrawn_nl=5 * ML, conc=WEAK)
    assert lab.plant.state.reservoir.conc == (1_250_000, 0, 0, 0)
    lab.plant.refill(5 * ML, withdrawn_nl=9 * ML, conc=(0, 77, 0, 1_000_001))
    conc = lab.plant.state.reservoir.conc
    assert conc == (208_333, 64, 0, 833_334)
    assert lab.plant.state.reservoir.rest[0] == nl_to_units(1 * ML) * 1_250_000 - conc[0] * nl_to_units(
        6 * ML
    )


def test_the_syringe_holds_what_the_last_one_held_unless_it_is_told() -> None:
    lab = Lab()
    lab.plant.refill(5 * ML, conc=STRONG)
    lab.plant.refill(6 * ML)
    assert lab.plant.state.reservoir.conc == STRONG


def test_an_occlusion_holds_what_the_tubing_stretches_by_and_lets_it_go_at_once() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.days(3)
    lab.plant.apply_fault("catheter_occlusion")
    held_nl = load_profile("peristaltic-20").catheter_compliance_nl
    before, left = lab.tip_nl, lab.plant.state.reservoir.content_units
    lab.days(30)
    assert lab.tip_nl == before
    assert left - lab.plant.state.reservoir.content_units == nl_to_units(held_nl)
    assert lab.plant.state.junction.blocked_units == nl_to_units(30 * 240_000 - held_nl)
    assert lab.plant.motor_follows()
    assert lab.plant.aspirate_port(1 * ML) == 0
    lab.plant.clear_fault("catheter_occlusion")
    assert lab.tip_nl == before + held_nl <= before + 500_000
    assert lab.plant.state.junction.released_units == nl_to_units(held_nl)
    assert lab.plant.balance().missing == (0, 0, 0, 0)


@pytest.mark.parametrize("mixes", [False, True])
def test_an_occlusion_never_holds_more_than_the_tubing_stretches_by(mixes: bool) -> None:
    lab = Lab.filled(rate_nl_h=7_777)
    lab.plant.set_dispersion(mixes=mixes)
    lab.days(1)
    lab.plant.apply_fault("catheter_occlusion")
    for _ in range(50):
        lab.hours(1)
        assert lab.plant.state.junction.held_units <= nl_to_units(20_000)


def test_rs02_off_the_port_all_drug_runs_into_the_pocket_and_the_pump_sees_nothing() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.days(3)
    lab.plant.apply_fault("catheter_off")
    tip, content = lab.tip_nl, lab.plant.state.reservoir.content_units
    lab.days(10)
    assert lab.tip_nl == tip
    assert lab.pocket_nl == 2_400_000
    assert content - lab.plant.state.reservoir.content_units == nl_to_units(2_400_000)
    assert lab.plant.motor_follows()
    assert lab.plant.aspirate_port(1 * ML) == 0


def test_a_leak_takes_its_share() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.plant.apply_fault("catheter_leak", leak_ppm=300_000)
    lab.days(10)
    assert (lab.pocket_nl, lab.tip_nl) == (720_000, 1_680_000)


def test_rs25_a_growing_leak_takes_more_each_day() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.plant.apply_fault("catheter_leak_growth", leak_ppm=1_000_000, days=10)
    shares = []
    for _ in range(12):
        before = lab.pocket_nl
        lab.days(1)
        shares.append((lab.pocket_nl - before) // 2_400)
    assert shares == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100]


def test_rs07_a_pocket_fill_leaves_the_reservoir_short() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("pocket_fill", share_ppm=750_000)
    assert lab.plant.refill(20 * ML) == 19 * ML
    assert lab.plant.state.reservoir.content_units == nl_to_units(5 * ML)
    assert lab.pocket_nl == 15 * ML
    assert to_ng(lab.plant.state.pocket.mass)[0] == 300_000_000


def test_rs21_a_refill_into_the_side_port_is_a_bolus_of_the_whole_syringe() -> None:
    lab = Lab.filled()
    lab.plant.apply_fault("wrong_port", share_ppm=1_000_000)
    lab.plant.refill(10 * ML, conc=MORPHINE)
    assert lab.plant.state.reservoir.content_units == 0
    assert tip_ng(lab) == (10 * ML - CATHETER_NL) * 20


def test_aspirating_the_side_port_draws_the_drug_out_of_the_catheter() -> None:
    for mixes in (False, True):
        lab = Lab.filled(rate_nl_h=10_000)
        lab.plant.set_dispersion(mixes=mixes)
        lab.days(20)
        assert lab.plant.aspirate_port(2 * ML) == 2 * ML
        aspirated_ng = to_ng(lab.plant.state.aspirated.mass)[0]
        # Flow that waits for a whole step of the tanks is in the catheter too.
        assert 0 <= aspirated_ng - CATHETER_NL * 20 <= 1_000 * 20
        # All but what rounding left when the tanks were made one: less than a nanogram.
        assert to_ng(lab.plant.state.catheter.mass) == (0, 0, 0, 0)
        assert lab.plant.balance().missing == (0, 0, 0, 0)


def test_aspirating_a_little_draws_what_came_last() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.advance_to((140_000 + 50_000) * MS_PER_HOUR // 10_000)
    lab.plant.aspirate_port(50_000)
    assert lab.plant.state.catheter.mass == (0, 0, 0, 0)


def test_rs17_a_field_dumps_ten_microlitres_and_the_valve_stays_shut_until_it_is_reset() -> None:
    lab = Lab.filled("valve-quantum-20", rate_nl_h=10_000)
    lab.days(3)
    before = lab.tip_nl
    lab.plant.apply_fault("magnetic_field", field_mt=1_500)
    assert lab.tip_nl == before + 10_000
    assert lab.plant.flow_valve_closed()
    lab.plant.clear_fault("magnetic_field")
    lab.days(10)
    assert lab.tip_nl == before + 10_000
    lab.plant.reset_flow_valve()
    lab.days(1)
    assert lab.tip_nl == before + 10_000 + 240_000


def test_rs17_without_the_guard_the_whole_reservoir_runs_out() -> None:
    lab = Lab.filled("valve-quantum-20")
    lab.plant.apply_fault("valve_guard_broken")
    lab.plant.apply_fault("magnetic_field")
    assert lab.plant.state.reservoir.content_units == 0
    assert not lab.plant.flow_valve_closed()
    assert lab.plant.state.valve.dumped_units == nl_to_units(19 * ML)


def test_a_reservoir_that_was_emptied_first_dumps_nothing() -> None:
    lab = Lab.filled("valve-quantum-20")
    lab.plant.refill(0)
    lab.plant.apply_fault("magnetic_field")
    assert lab.plant.state.valve.dumped_units == 0


def test_resetting_the_valve_in_the_field_dumps_again() -> None:
    lab = Lab.filled("valve-quantum-20")
    lab.plant.apply_fault("magnetic_field")
    lab.plant.reset_flow_valve()
    assert lab.plant.state.valve.dumped_units == nl_to_units(20_000)
    assert lab.plant.flow_valve_closed()


def test_lines_have_a_volume() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Lab().plant.fit_lines(0, 100)


# --- the record -------------------------------------------------------------------------------------------


def test_the_course_of_the_dose_is_kept_on_demand() -> None:
    lab = Lab.filled(rate_nl_h=10_000)
    lab.hours(5)
    assert lab.plant.next_event_ms() is None
    lab.plant.record_every(MS_PER_HOUR)
    lab.hours(100)
    points = lab.plant.state.trace.points
    assert [point.at_ms for point in points] == [hour * MS_PER_HOUR for hour in range(5, 106)]
    hours = [later.tip_units - one.tip_units for one, later in pairwise(points)]
    assert set(hours) == {nl_to_units(10_000)}
    assert points[-1].tip_mass == lab.plant.state.tip.mass
    assert points[0].tip_mass[0] < points[-1].tip_mass[0]
    assert points[-1].tip_mass[0] % MASS_PER_NG == 0
    lab.plant.record_every(2 * MS_PER_HOUR)
    lab.plant.record_every(0)
    lab.hours(5)
    assert lab.plant.state.trace.points == points


def test_the_course_is_bounded_and_grows_coarse_with_age() -> None:
    lab = Lab.filled("peristaltic-40", rate_nl_h=300)
    lab.plant.record_every(MS_PER_HOUR)
    lab.days(200)
    trace = lab.plant.state.trace
    assert len(trace.fine) == FINE_POINTS
    assert [point.at_ms for point in trace.coarse] == [day * MS_PER_DAY for day in range(111)]
    lab.plant.record_every(MS_PER_DAY)
    lab.days(COARSE_POINTS + FINE_POINTS)
    assert len(lab.plant.state.trace.coarse) == COARSE_POINTS
    assert len(lab.plant.state.trace.fine) == FINE_POINTS


def test_a_course_back_in_time_is_refused() -> None:
    with pytest.raises(ValueError, match="every_ms = -1 must be 0 or more"):
        Lab().plant.record_every(-1)
