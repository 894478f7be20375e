"""What a physical fault is: a name, a sentence, parameters with unit and range, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, unique

from firmware_model.plant.body import Body

Values = Mapping[str, int]


class FaultError(ValueError):
    """A fault that does not exist, cannot be, or has a wrong parameter; the text says what would be right."""


@unique
class Needs(Enum):
    """What a pump must have for a fault to be possible."""

    NOTHING = "nothing"
    LEVEL_SENSOR = "a level sensor"
    VALVES = "magnetic valves"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a fault.

    Attributes:
        name: as it is given.
        unit: its unit, empty for a number.
        low: lowest value.
        high: highest value.
        default: value where none is given.
        text: what it means.
    """

    name: str
    unit: str
    low: int
    high: int
    default: int
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One physical fault.

    Attributes:
        name: as scenarios give it.
        text: what happens, in a sentence.
        parameters: what it takes.
        apply: does it.
        clear: undoes it; None for what is over at once.
        needs: what the pump must have.
    """

    name: str
    text: str
    parameters: tuple[Parameter, ...]
    apply: Callable[[Body, Values], None]
    clear: Callable[[Body], None] | None
    needs: Needs = Needs.NOTHING

    def values(self, given: Values) -> dict[str, int]:
        """Return all parameters: those given, checked, and the defaults of the others.

        Raises:
            FaultError: a parameter does not exist, is no whole number, or is out of range.
        """
        known = {each.name: each for each in self.parameters}
        for name, value in given.items():
            if name not in known:
                raise FaultError(
                    f"fault {self.name} has no parameter {name!r}; it has: {', '.join(known) or 'none'}"
                )
            rule = known[name]
            span = f"{rule.low}..{rule.high} {rule.unit}".rstrip()
            if type(value) is not int or not rule.low <= value <= rule.high:
                raise FaultError(f"fault {self.name}: {name} = {value!r} is outside {span}")
        return {each.name: given.get(each.name, each.default) for each in self.parameters}

    def check_possible(self, body: Body) -> None:
        """Refuse a fault that this kind of pump cannot have.

        Raises:
            FaultError: the pump lacks what would fail.
        """
        profile = body.profile
        has = {
            Needs.NOTHING: True,
            Needs.LEVEL_SENSOR: profile.has_level_sensor,
            Needs.VALVES: profile.valve_open_field_mt > 0,
        }
        if not has[self.needs]:
            raise FaultError(
                f"fault {self.name} needs {self.needs.value}, which {profile.name} does not have"
            )
