"""Software defects are off unless asked for, announced when on, and each does what it says and no more."""

import pytest
from support.bolus_bench import give, told
from support.pump_bench import DAY_MS, HOUR_MS, MONDAY_UTC_S, active_program, ask, begin, caller, status

from emulator.service import Emulator, EmulatorConfig
from firmware_model.defective_pump import LATE_DAYS, OLD_TUBING_NL, DefectivePump
from firmware_model.defects import DEFECTS, NO_DEFECTS, Defect, announcement, find_defects, labels_of
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from firmware_model.snapshot import SnapshotError
from protocol.log_record import FaultEvent
from protocol.messages.program import ProgAbortRequest
from protocol.program import encode_program
from protocol.vocabulary import DeliveryState


def spoiled(defect: Defect) -> Pump:
    return make_pump(seed=1, utc_s=MONDAY_UTC_S, defects=defect)


def sound() -> Pump:
    return make_pump(seed=1, utc_s=MONDAY_UTC_S)


def test_a_pump_has_no_defect_unless_asked_for() -> None:
    pump = sound()
    assert type(pump) is Pump
    assert told(pump, FaultEvent) == []
    assert announcement(NO_DEFECTS) == ""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.label)
def test_a_defect_is_announced_at_the_hand_over_and_after_every_start(defect: Defect) -> None:
    pump = spoiled(defect)
    assert told(pump, FaultEvent) == [FaultEvent(int(defect))]
    pump.reset()
    assert told(pump, FaultEvent) == [FaultEvent(int(defect))] * 2
    assert announcement(defect) == f"DEFECTS PUT IN ON PURPOSE: {defect.label}"


def test_the_ready_line_of_the_emulator_announces_defects() -> None:
    both = find_defects(("late-replace-date", "telemetry-lock"))
    with Emulator(EmulatorConfig("tcp:127.0.0.1:0", defects=both)) as emulator:
        assert "DEFECTS PUT IN ON PURPOSE: late-replace-date, telemetry-lock" in emulator.ready_line
        assert isinstance(emulator.pump, DefectivePump)
    with Emulator(EmulatorConfig("tcp:127.0.0.1:0")) as emulator:
        assert "DEFECTS" not in emulator.ready_line


def test_defects_are_named_and_a_wrong_name_is_told() -> None:
    assert labels_of(Defect.STALE_PROGRAM | Defect.LATE_REPLACE_DATE) == (
        "late-replace-date",
        "stale-program",
    )
    with pytest.raises(ValueError, match="no defect 'late'; there are: late-replace-date"):
        find_defects(("late",))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.label)
def test_a_pump_with_defects_lives_a_quiet_week_like_a_sound_one(defect: Defect) -> None:
    """Defects act where they say; in between the firmware is the sound one."""
    bad, good = spoiled(defect), sound()
    bad.advance_to(7 * DAY_MS)
    good.advance_to(7 * DAY_MS)
    assert bad.belief() == good.belief()
    assert bad.truth() == good.truth()


def test_a_pump_with_defects_is_not_saved_as_a_sound_one() -> None:
    with pytest.raises(SnapshotError, match="defects put in on purpose"):
        spoiled(Defect.STALE_PROGRAM).snapshot()


def test_the_date_of_replacement_is_told_too_late() -> None:
    assert status(spoiled(Defect.LATE_REPLACE_DATE)).eri_days == status(sound()).eri_days + LATE_DAYS


def test_the_program_tells_the_old_tubing_volume_and_the_tubing_is_as_it_is() -> None:
    bad, good = spoiled(Defect.OLD_TUBING_VOLUME), sound()
    assert active_program(bad).implant.tubing_nl == OLD_TUBING_NL
    assert active_program(good).implant.tubing_nl == good.profile.tubing_nl
    assert bad.plant.pathway.tubing_nl() == good.plant.pathway.tubing_nl()


def test_a_change_that_is_begun_stops_the_pump_and_one_that_is_dropped_starts_it() -> None:
    pump = spoiled(Defect.UPDATE_STOPS_PUMP)
    handle = begin(pump, encode_program(active_program(pump)))
    assert pump.belief().delivery_state is DeliveryState.STOPPED
    ask(pump, ProgAbortRequest(handle))
    assert pump.belief().delivery_state is DeliveryState.RUNNING


def test_a_pulse_locks_the_motor_only_while_an_alarm_sounds() -> None:
    pump = spoiled(Defect.TELEMETRY_LOCK)
    pump.apply_fault("emi_pulses")
    before = pump.truth().delivered_units
    pump.advance_to(HOUR_MS)
    assert pump.truth().delivered_units > before
    pump.reset()  # PUMP_RESET sounds until somebody has seen it
    pump.apply_fault("emi_pulses")
    locked = pump.truth().delivered_units
    pump.advance_to(5 * HOUR_MS)
    assert pump.truth().delivered_units == locked
    assert pump.belief().delivery_state is DeliveryState.RUNNING
    pump.session_opened(caller())
    pump.advance_to(6 * HOUR_MS)
    assert pump.truth().delivered_units > locked


def test_a_bolus_alone_is_given_right_with_the_counter_defect() -> None:
    bad, good = spoiled(Defect.BOLUS_COUNTER_REUSED), sound()
    for pump in (bad, good):
        give(pump)
        pump.advance_to(HOUR_MS)
    assert bad.truth() == good.truth()


def test_a_bolus_without_a_change_before_brings_nothing_back() -> None:
    bad, good = spoiled(Defect.STALE_PROGRAM), sound()
    for pump in (bad, good):
        give(pump)
        pump.advance_to(HOUR_MS)
    assert bad.belief() == good.belief()
