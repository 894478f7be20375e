"""The scenario files: finding, reading and checking them."""

from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from firmware_model.defects import find_defects
from firmware_model.plant.fault import FaultError
from firmware_model.plant.faults import find_fault
from firmware_model.profiles import profile_names
from firmware_model.setups import setup_names
from protocol.program import Limits
from protocol.request_words import SelfTest
from protocol.vocabulary import AlarmCode
from workbench.recalls.model import Comparison, Expectation, Scenario
from workbench.recalls.sighting import is_known, unit_of
from workbench.recalls.steps import AcknowledgeStep, ClearStep, FaultStep, ProgramStep, SelfTestStep, Step

_FOLDER: Final = "scenarios"
_SHARE: Final = "0/00"
_LIMITS: Final = tuple(each.name for each in fields(Limits))


class ScenarioError(ValueError):
    """A scenario that is missing or wrong; the text names file and field, and what would be right."""


def scenario_names() -> dict[str, str]:
    """Return the file of every scenario by its id, sorted."""
    folder = files("workbench.recalls") / _FOLDER
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {name.partition("_")[0]: name for name in names}


@cache
def load_scenario(name: str) -> Scenario:
    """Return the scenario with an id.

    Raises:
        ScenarioError: there is none, or its file is wrong.
    """
    names = scenario_names()
    if name not in names:
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(names)}")
    text = (files("workbench.recalls") / _FOLDER / names[name]).read_text(encoding="utf-8")
    scenario = parse_scenario(text, names[name])
    if scenario.id != name:
        raise ScenarioError(f"{names[name]}: id is {scenario.id!r}, the name of the file says {name!r}")
    return scenario


def parse_scenario(text: str, where: str) -> Scenario:
    """Return the scenario written in the TOML ``text``; ``where`` names it in errors.

    Raises:
        ScenarioError: not TOML, a field that is missing, unknown or wrong, a name that does not exist.
    """
    try:
        scenario = msgspec.toml.decode(text, type=Scenario)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{where}: {error}") from None
    try:
        _check(scenario)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
    return scenario


def _check(scenario: Scenario) -> None:
    _member("profile", scenario.profile, profile_names())
    _member("setup", scenario.setup, setup_names())
    for name in scenario.change.limits:
        _member("change.limits", name, _LIMITS)
    find_defects(scenario.defects)
    if not scenario.steps or not scenario.expect:
        raise ValueError("a scenario needs steps and expectations")
    for number, step in enumerate(scenario.steps):
        _check_step(f"steps[{number}]", step)
    marks = [step.mark for step in scenario.steps if step.mark]
    if len(set(marks)) < len(marks):
        raise ValueError(f"marks stand twice: {', '.join(sorted(marks))}")
    for number, expectation in enumerate(scenario.expect):
        _check_expectation(f"expect[{number}]", expectation, marks)


def _check_step(where: str, step: Step) -> None:
    try:
        if isinstance(step, FaultStep):
            find_fault(step.name).values(step.values)
        elif isinstance(step, ClearStep) and find_fault(step.name).clear is None:
            raise FaultError(f"fault {step.name} is over at once: there is nothing to clear")
    except FaultError as error:
        raise ValueError(f"{where}: {error}") from None
    for name in step.limits if isinstance(step, ProgramStep) else ():
        _member(f"{where}.limits", name, _LIMITS)
    if isinstance(step, AcknowledgeStep):
        _member(f"{where}.code", step.code, AlarmCode.__members__)
    for test in step.tests if isinstance(step, SelfTestStep) else ():
        _member(f"{where}.tests", test, SelfTest.__members__)


def _check_expectation(where: str, wanted: Expectation, marks: list[str]) -> None:
    if not is_known(wanted.seen):
        raise ValueError(f"{where}.seen: there is no quantity {wanted.seen!r}")
    unit = _SHARE if wanted.of_healthy else unit_of(wanted.seen)
    if wanted.unit != unit:
        raise ValueError(f"{where}.unit: {wanted.seen} is told in {unit!r}, not in {wanted.unit!r}")
    for name, mark in (("at", wanted.at), ("since", wanted.since)):
        if mark:
            _member(f"{where}.{name}", mark, marks)
    is_word, ordered = isinstance(wanted.value, str), (Comparison.EQUAL, Comparison.UNEQUAL)
    if is_word and (wanted.must not in ordered or wanted.of_healthy or wanted.since or unit):
        raise ValueError(f"{where}: a word is equal or not, has no unit, and is not counted")


def _member(where: str, value: str, members: Iterable[str]) -> None:
    known = list(members)
    if value not in known:
        raise ValueError(f"{where} is {value!r}, must be one of {', '.join(known)}")
