"""`cisterna recall` lists, shows and runs scenarios; its exit code is that of the oracles."""

import json

import pytest
from click.testing import CliRunner, Result

from workbench.cli import cli
from workbench.recalls.files import scenario_names


def recall(*words: str) -> Result:
    return CliRunner().invoke(cli, ["recall", *words])


def test_the_list_names_every_scenario() -> None:
    told = recall("list")
    assert told.exit_code == 0
    lines = {line.split()[0] for line in told.output.splitlines()}
    assert set(scenario_names()) <= lines
    assert {"rs14", "rs24"} <= lines
    rows = json.loads(recall("list", "--json").output)["scenarios"]
    assert [row["id"] for row in rows] == list(scenario_names())


def test_a_scenario_is_shown_with_its_steps_and_what_has_to_be_seen() -> None:
    told = recall("show", "rs19")
    assert told.exit_code == 0
    assert "Courses: built, recalled" in told.output
    assert (
        "program: the link is lost between the first block and the commit  [built, recalled]" in told.output
    )
    assert "status.LONG_STOP == 1 at 'seen': then it alarms  [recalled]" in told.output


def test_a_run_tells_truth_beside_belief_and_what_could_be_seen() -> None:
    told = recall("run", "rs12")
    assert told.exit_code == 0
    assert "TRUTH left" in told.output
    assert "BELIEF left" in told.output
    assert "residual    low (OVERINFUSION_SUSPECT)" in told.output
    assert told.output.endswith("expectations hold.\n")


def test_defects_are_asked_for_and_announced() -> None:
    assert "DEFECTS" not in recall("run", "rs08").output
    told = recall("run", "rs08", "--defects")
    assert told.exit_code == 0
    assert "Course: as recalled. DEFECTS PUT IN ON PURPOSE: late-replace-date" in told.output
    runs = json.loads(recall("run", "rs08", "--defects", "--json").output)
    assert runs[0]["course"] == "recalled"


def test_a_run_that_does_not_hold_fails() -> None:
    told = recall("run", "rs13", "rs12")
    assert told.exit_code == 1
    assert "does not hold yet; the firmware lacks" in told.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "rs99"), "no scenario 'rs99'; there are: rs01"),
        (("show", "rs99"), "no scenario 'rs99'; there are: rs01"),
        (("run", "rs02", "--defects"), "rs02 re-creates no software defect; run it without --defects"),
    ],
)
def test_what_cannot_be_run_is_told(words: tuple[str, ...], told: str) -> None:
    result = recall(*words)
    assert result.exit_code == 2
    assert told in result.output
