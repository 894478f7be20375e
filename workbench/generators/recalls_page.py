"""The page of the recall scenarios: notice, steps and oracle of each, and the software defects that exist."""

from collections.abc import Iterator
from typing import Final

import msgspec

from firmware_model.defects import DEFECTS
from workbench.generators.markdown import join, page, table
from workbench.recalls.files import load_scenario, scenario_names
from workbench.recalls.model import WITHOUT_SCENARIO, Scenario, Variant
from workbench.recalls.report import expectation_words
from workbench.recalls.steps import BaseStep, Step, kind_of

_SAID_ELSEWHERE: Final = frozenset(each.name for each in msgspec.structs.fields(BaseStep))


def recalls_page() -> str:
    """Return the page of the recall scenarios."""
    about = (
        "Each scenario is a TOML file in `workbench/recalls/scenarios`; `cisterna recall run ID` runs it. "
        "What they teach is told in the explanation *Recalls as scenarios*. The course *built* is "
        "the failure on the firmware as it is, *recalled* that with the software defect of the notice, "
        "*healthy* the twin in which nothing fails. Quantities are named by observer: `truth` is the plant, "
        "`belief` the controller, `log` counts records, `alarm` is what stands, `status` what a programmer "
        "read last through the protocol, `residual` the last refill, `answer` the last request."
    )
    return page(
        "Recall scenarios",
        about,
        _defects(),
        *(_scenario(load_scenario(name)) for name in scenario_names()),
        "## Notices that are no scenario",
        table(("notice", "why"), WITHOUT_SCENARIO.items()),
    )


def _defects() -> str:
    rows = [(f"`{defect.label}`", note.recall, note.text) for defect, note in DEFECTS.items()]
    return join(
        "## Software defects",
        "Off unless asked for, by `cisterna recall run ID --defects` or `cisterna emulate --defect NAME`; "
        "announced in the ready line and, with a FAULT record after every start, in the log.",
        table(("defect", "scenario", "what the pump does wrong"), rows),
    )


def _scenario(scenario: Scenario) -> str:
    pump = f"Profile `{scenario.profile}`, setup `{scenario.setup}`, seed {scenario.seed}."
    defects = ", ".join(f"`{label}`" for label in scenario.defects)
    return join(
        f"## {scenario.id}: {scenario.title}",
        f"{scenario.device}. {scenario.source}.",
        " ".join(scenario.story.split()),
        f"{pump} Defects of the recalled course: {defects}." if defects else pump,
        table(("step", "what", "courses"), _steps(scenario)),
        table(("has to be seen", "why", "courses"), _expected(scenario)),
    )


def _steps(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    for step in scenario.steps:
        courses = "all" if len(step.in_runs) == len(Variant) else ", ".join(step.in_runs)
        yield f"`{kind_of(step)}`", "; ".join(text for text in (_values(step), step.note) if text), courses


def _values(step: Step) -> str:
    """Return what a step says beyond its defaults."""
    said: list[str] = []
    for each in msgspec.structs.fields(step):
        value = getattr(step, each.name)
        if each.name in _SAID_ELSEWHERE or value == each.default or value in ((), {}, None):
            continue
        said.append(f"{each.name} = {_words(value)}")
    return ", ".join(said)


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    if isinstance(value, msgspec.Struct):
        return _words(msgspec.structs.asdict(value))
    return str(value)


def _expected(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    for wanted in scenario.expect:
        courses = ", ".join(wanted.runs) if wanted.runs else ", ".join(scenario.variants)
        awaits = f" (not yet: {wanted.awaits})" if wanted.awaits else ""
        yield f"`{expectation_words(wanted)}`", wanted.why + awaits, courses
