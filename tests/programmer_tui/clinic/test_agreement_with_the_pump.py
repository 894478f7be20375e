"""Both ends work out the summary of a program by themselves; here they are held against each other."""

from hypothesis import given
from hypothesis import strategies as st

from firmware_model.controller.schedule import RateTable
from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.dose import table_max_hour_nl
from programmer_tui.clinic.prescription import DoseStep, Prescription, schedule_of
from protocol.quantities import MINUTES_PER_DAY, UNITS_PER_NL, dose_ng_per_day, round_half_up
from protocol.vocabulary import DrugCode, ScheduleMode


@st.composite
def prescriptions(draw: st.DrawFn) -> Prescription:
    """Any daily pattern at any strength."""
    starts = sorted(draw(st.sets(st.integers(1, MINUTES_PER_DAY - 1), max_size=47)) | {0})
    conc = draw(st.integers(1_000, 100_000_000))
    steps = tuple(DoseStep(start, draw(st.integers(0, conc))) for start in starts)
    return Prescription(DrugCode.MORPHINE, conc, MassUnit.MG, ScheduleMode.DAILY, steps)


@given(prescriptions())
def test_programmer_and_pump_compute_the_same_summary(prescription: Prescription) -> None:
    """OITP/1 section 11, step 6, from two independent pieces of arithmetic."""
    rates = [rate for _, rate in prescription.rate_table]
    pump = RateTable.from_schedule(schedule_of(prescription))
    day_nl = round_half_up(pump.largest_day_units(), UNITS_PER_NL)
    assert (pump.lowest_rate_nl_h, pump.highest_rate_nl_h) == (min(rates), max(rates))
    assert day_nl == prescription.day_volume_nl
    assert dose_ng_per_day(day_nl, prescription.conc_ng_ml) == prescription.delivered_ng_per_day
    assert round_half_up(pump.worst_hour_units(), UNITS_PER_NL) == table_max_hour_nl(prescription.rate_table)
