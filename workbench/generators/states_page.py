"""The page of the state machines: a diagram and a table for each, made from the transition tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, Final

from firmware_model.controller.delivery import PRIORITIES
from protocol import states
from workbench.generators.markdown import code, join, page, summary, table


@dataclass(frozen=True, slots=True)
class Machine:
    """One state machine: its transition table, and the state it starts in."""

    title: str
    transitions: Mapping[tuple[Any, Any], Enum]
    start: Enum

    @property
    def states(self) -> type[Enum]:
        """Its states."""
        return type(self.start)

    @property
    def inputs(self) -> type[Enum]:
        """Its inputs."""
        happened: Enum = next(iter(self.transitions))[1]
        return type(happened)


_TITLES: Final = {"HEAD_TABLE": "Programming head", "SYNC_TABLE": "Synchrony"}


def machines(module: ModuleType) -> tuple[Machine, ...]:
    """Return the machine of every ``.._TABLE`` in ``module``; each begins in the first of its states."""
    found = []
    for name, transitions in vars(module).items():
        if name.endswith("_TABLE"):
            states_of: type[Enum] = type(next(iter(transitions))[0])
            title = _TITLES.get(name) or name.removesuffix("_TABLE").replace("_", " ").capitalize()
            found.append(Machine(title, transitions, next(iter(states_of))))
    return tuple(found)


MACHINES: Final = machines(states)


def states_page() -> str:
    """Return the page of the state machines."""
    about = (
        "Every transition stands in one table of the code; what is not in it cannot happen, and the code "
        "treats it as a defect of the caller. A dash says so below."
    )
    return page("State machines", about, *map(_machine_part, MACHINES), _delivery_part())


def _machine_part(machine: Machine) -> str:
    return join(
        f"## {machine.title}",
        summary(machine.states),
        code(diagram(machine), "mermaid"),
        table(
            ("state", *(f"`{happened.name}`" for happened in machine.inputs)),
            [(f"`{state.name}`", *_next_states(machine, state)) for state in machine.states],
        ),
    )


def _delivery_part() -> str:
    about = (
        "What the pump delivers is no machine but one list of rules, strongest first; the first that applies "
        "decides, so that no order of events can lead to a state of its own. A bolus that is being delivered "
        "goes on over the basal rate or ends; nothing pauses it, and no bolus pre-empts another."
    )
    rows = [
        (
            str(number),
            rule.when,
            f"`{rule.decision.state.name}`",
            f"`{rule.decision.flow.name}`",
            "goes on" if rule.decision.ends_bolus is None else f"`{rule.decision.ends_bolus.name}`",
        )
        for number, rule in enumerate(PRIORITIES, start=1)
    ]
    return join(
        "## Delivery", about, table(("rule", "where", "delivery state", "rate from", "a bolus"), rows)
    )


def _next_states(machine: Machine, state: Enum) -> list[str]:
    found = [machine.transitions.get((state, happened)) for happened in machine.inputs]
    return ["-" if after is None else f"`{after.name}`" for after in found]


def diagram(machine: Machine) -> str:
    """Return the machine as a Mermaid state diagram; inputs that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, happened), after in machine.transitions.items():
        arrows.setdefault((state.name, after.name), []).append(happened.name)
    lines = [f"    {before} --> {after}: {', '.join(labels)}" for (before, after), labels in arrows.items()]
    return "\n".join(("stateDiagram-v2", f"    [*] --> {machine.start.name}", *lines))
