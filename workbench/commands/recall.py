"""`cisterna recall`: recalls and field notices as scenarios, to read and to run."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from firmware_model.profiles import ProfileError
from firmware_model.setups import SetupError
from workbench.commands.shared import fail, json_option
from workbench.exit_codes import ExitCode
from workbench.recalls.deeds import StepError
from workbench.recalls.files import ScenarioError, load_scenario, scenario_names
from workbench.recalls.model import WITHOUT_SCENARIO, Scenario, Variant
from workbench.recalls.report import expectation_words, run_json, run_text, verdict
from workbench.recalls.runner import run_scenario
from workbench.recalls.steps import kind_of

_ALL = "all"


@click.group()
def recall() -> None:
    """Recalls, field notices and case reports as scenarios: what went wrong, and who could see it.

    Each is run on virtual time, beside a pump of the same seed in which nothing fails.

    SIMULATION - NOT FOR CLINICAL USE.
    """
    # What the pump goes through is told by the run; the warnings of the host would tell it twice.
    logging.getLogger("emulator").addHandler(logging.NullHandler())


@contextmanager
def _told(*, as_json: bool = False) -> Iterator[None]:
    try:
        yield
    except (ScenarioError, StepError, SetupError, ProfileError) as error:
        fail(str(error), ExitCode.USAGE, as_json=as_json)


@recall.command("list")
@json_option
def list_scenarios(as_json: bool) -> None:
    """List the scenarios, and the notices that are none."""
    with _told(as_json=as_json):
        scenarios = [load_scenario(name) for name in scenario_names()]
    if as_json:
        rows = [{"id": each.id, "title": each.title, "courses": _courses(each)} for each in scenarios]
        click.echo(json.dumps({"scenarios": rows, "no_scenario": WITHOUT_SCENARIO}, indent=2))
        return
    for each in scenarios:
        defects = f"  [--defects: {', '.join(each.defects)}]" if each.defects else ""
        click.echo(f"{each.id:6} {each.title}{defects}")
    for name, why in WITHOUT_SCENARIO.items():
        click.echo(f"{name:6} no scenario: {why}")


def _courses(scenario: Scenario) -> list[str]:
    return [variant.value for variant in scenario.variants]


@recall.command()
@click.argument("scenario_id", metavar="ID")
def show(scenario_id: str) -> None:
    """Show scenario ID: the notice, the steps, and what has to be seen."""
    with _told():
        scenario = load_scenario(scenario_id)
    click.echo(f"{scenario.id}  {scenario.title}\n{scenario.device}. {scenario.source}.\n")
    click.echo(f"{scenario.story}\n\nCourses: {', '.join(_courses(scenario))}\nSteps:")
    for number, step in enumerate(scenario.steps, 1):
        courses = "" if len(step.in_runs) == len(Variant) else f"  [{', '.join(step.in_runs)}]"
        click.echo(f"  {number:2} {kind_of(step)}{f': {step.note}' if step.note else ''}{courses}")
    click.echo("Expected:")
    for wanted in scenario.expect:
        courses = f"  [{', '.join(wanted.runs)}]" if wanted.runs else ""
        click.echo(f"  {expectation_words(wanted)}: {wanted.why}{courses}")


@recall.command()
@click.argument("scenario_ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--defects",
    is_flag=True,
    help="Run the course as recalled, with the software defects of the notice put in.",
)
@json_option
def run(scenario_ids: tuple[str, ...], defects: bool, as_json: bool) -> None:
    """Run scenarios, or `all`, step by step; the exit code is 1 where an oracle does not hold."""
    variant = Variant.RECALLED if defects else Variant.BUILT
    names = tuple(scenario_names()) if _ALL in scenario_ids else scenario_ids
    with _told(as_json=as_json):
        scenarios = [load_scenario(name) for name in names]
        if _ALL in scenario_ids:
            scenarios = [each for each in scenarios if variant in each.variants]
        for each in scenarios:
            if variant not in each.variants:
                raise ScenarioError(f"{each.id} re-creates no software defect; run it without --defects")
        runs = [run_scenario(each, variant) for each in scenarios]
    if as_json:
        click.echo(json.dumps([run_json(each) for each in runs], indent=2))
    elif _ALL in scenario_ids:
        click.echo("\n".join(verdict(each) for each in runs))
    else:
        click.echo("\n\n".join(run_text(each) for each in runs))
    if not all(each.holds for each in runs):
        raise SystemExit(ExitCode.FAILED)
