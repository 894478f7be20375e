"""Both real endpoints over the worst line there is, checked after each step against independent books.

Once in front of a pump that only counts what it is made to do, once with the real firmware. The longer form
of each is marked slow.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.pump_bench import active_program
from support.ward.chart import Chart
from support.ward.clinic import Clinic
from support.ward.counted_rules import CountedRules
from support.ward.defects import DEFECTS, FIRMWARE_DEFECTS, LOCKOUT_FORGOTTEN
from support.ward.firmware_rules import FirmwareRules
from support.ward.implant import PATIENT_BOLUS
from support.ward.rules import WardRules

from protocol.messages.delivery import PatientBolusRequest

SHORT = settings(max_examples=50, stateful_step_count=30)
LONG = settings(max_examples=60, stateful_step_count=50, suppress_health_check=list(HealthCheck))
HUNT = settings(
    max_examples=400,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
"""Enough to find each defect, the same in every run, without the time it takes to shrink what was found."""

MACHINES = [CountedRules, FirmwareRules]
both = pytest.mark.parametrize("machine", MACHINES, ids=["counted", "firmware"])


@both
def test_nothing_is_done_twice_or_unknown_over_the_worst_line(machine: type[WardRules]) -> None:
    run_state_machine_as_test(machine, settings=SHORT)


@pytest.mark.slow
@both
def test_nothing_is_done_twice_or_unknown_for_long(machine: type[WardRules]) -> None:
    run_state_machine_as_test(machine, settings=LONG)


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_machine_finds_a_defect_that_is_put_in(defect: str) -> None:
    """A machine that finds nothing proves nothing: each of these mistakes must fail it."""
    with DEFECTS[defect](), pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(CountedRules, settings=HUNT)


@pytest.mark.parametrize("defect", FIRMWARE_DEFECTS)
def test_the_machine_finds_a_defect_of_the_firmware(defect: str) -> None:
    with FIRMWARE_DEFECTS[defect](), pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(FirmwareRules, settings=HUNT)


def test_the_chart_finds_a_lockout_that_a_reset_has_freed() -> None:
    with LOCKOUT_FORGOTTEN():
        clinic = Clinic()
        chart = Chart(clinic.pump, active_program(clinic.pump).limits, PATIENT_BOLUS)
        for _ in range(2):
            assert clinic.patient.connect()
            intent = clinic.patient.new_intent()
            clinic.patient.order(PatientBolusRequest(intent), intent)
            clinic.world.lose_power()
            clinic.world.jump_pump(15_000)  # No bolus begins during the tests of a start.
        with pytest.raises(AssertionError, match="the lockout was passed"):
            chart.read()
