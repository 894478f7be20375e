"""Each kind of step that a scenario can be made of does what it says, seen at the pump."""

import pytest

from workbench.recalls.deeds import StepError
from workbench.recalls.files import parse_scenario
from workbench.recalls.model import Variant
from workbench.recalls.runner import Course, run_course
from workbench.recalls.sighting import Value

HEAD = """
id = "steps"
title = "t"
device = "t"
story = "t"
source = "t"
profile = "{profile}"
expect = [{{ seen = "truth.brown_outs", must = "==", value = 0, why = "w" }}]
steps = [{steps}]
"""


def course(*steps: str, profile: str = "peristaltic-20", variant: Variant = Variant.BUILT) -> Course:
    text = HEAD.format(profile=profile, steps=", ".join(f"{{ {step} }}" for step in steps))
    return run_course(parse_scenario(text, "steps.toml"), variant)


def seen(told: Course, name: str, step: int = -1) -> Value:
    return told.moments[step].sighting.value(name)


def test_delivery_is_stopped_for_a_time_and_resumes() -> None:
    told = course(
        'do = "set_delivery", target = "STOPPED", minutes = 60, reason = "PROCEDURE"',
        'do = "advance", minutes = 61',
        'do = "set_delivery", target = "MIN_RATE", minutes = 60',
        'do = "set_delivery", target = "RUNNING"',
    )
    states = [seen(told, "belief.delivery_state", step) for step in range(4)]
    assert states == ["STOPPED", "RUNNING", "MIN_RATE", "RUNNING"]


def test_a_patient_gets_what_the_program_allows_and_no_more() -> None:
    rule = "volume_nl = 4_000, duration_s = 600, lockout_min = 60, max_per_24h = 4, max_24h_nl = 16_000"
    told = course(
        'do = "patient_bolus"',
        f'do = "program", patient_bolus = {{ {rule} }}',
        'do = "patient_bolus"',
        'do = "advance", minutes = 30',
        'do = "patient_bolus"',
    )
    answers = [seen(told, "answer.outcome", step) for step in (0, 2, 4)]
    assert answers[1:] == ["OK", "LOCKOUT"]
    assert answers[0] not in ("OK", "nothing")
    assert seen(told, "log.BOLUS_START") == 1
    assert seen(told, "belief.gap_nl") == seen(told, "belief.gap_nl", 0)


def test_self_tests_tell_which_failed() -> None:
    told = course(
        'do = "self_test", tests = ["MOTOR", "ALARM_TONE"]',
        'do = "fault", name = "tone_generator_dead"',
        'do = "self_test", tests = ["MOTOR", "ALARM_TONE"]',
        'do = "clear", name = "tone_generator_dead"',
        'do = "self_test", tests = ["ALARM_TONE"]',
    )
    assert [seen(told, "answer.detail", step) for step in (0, 2, 4)] == [0, 1 << 6, 0]


def test_a_refill_that_is_not_recorded_moves_truth_alone() -> None:
    told = course(
        'do = "refill", filled_nl = 5_000_000, withdrawn_nl = 13_000_000, recorded = false, conc_ng_ml = 999'
    )
    assert int(seen(told, "belief.gap_nl")) > 7_000_000
    assert seen(told, "log.REFILL") == 0
    assert seen(told, "answer.outcome") == "nothing"


def test_memory_that_cannot_be_read_is_told_after_a_start() -> None:
    told = course(
        'do = "storage", action = "fail_reads", cell = "bank.0.a"',
        'do = "storage", action = "fail_reads", cell = "bank.0.b"',
        'do = "reset"',
        'do = "interrogate"',
    )
    assert seen(told, "alarm.PROGRAM_CORRUPT") == 1
    assert seen(told, "status.delivery_state") == "SAFE_STATE"
    assert seen(told, "status.program") not in ("READ", "nothing")


def test_a_transaction_ends_where_it_is_told_to() -> None:
    told = course(*(f'do = "program", until = "{until}"' for until in ("begin", "verify", "commit")))
    assert [seen(told, "log.PROG_COMMIT", step) for step in range(3)] == [0, 0, 1]
    assert int(seen(told, "answer.day_volume_nl", 1)) > 200_000


def test_a_soft_limit_is_passed_only_where_it_is_accepted() -> None:
    wanted = 'do = "program", steps = [[0, 25_000]]'
    told = course(f"{wanted}, accept_soft = false", wanted)
    assert [seen(told, "answer.outcome", step) for step in (0, 1)] == ["SOFT_LIMIT_UNACKED", "OK"]


def test_faults_and_syringes_beside_the_way_spare_the_healthy_twin() -> None:
    steps = (
        'do = "fault", name = "motor_seized"',
        'do = "inject_port", volume_nl = 10_000, conc_ng_ml = 1_000_000',
        'do = "advance", hours = 5',
    )
    assert seen(course(*steps), "truth.motor_stalled") == 1
    twin = course(*steps, variant=Variant.HEALTHY)
    assert len(twin.moments) == 1
    assert seen(twin, "truth.injected_ng") == 0


def test_a_step_that_cannot_be_done_is_told() -> None:
    with pytest.raises(StepError, match=r"step 'fault': .*level sensor"):
        course('do = "fault", name = "level_sensor_bias"')
    with pytest.raises(StepError, match="step 'refill': filled_nl = 30000000 does not fit"):
        course('do = "refill", filled_nl = 30_000_000')
