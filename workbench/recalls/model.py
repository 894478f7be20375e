"""What a recall scenario is: a pump, a course of steps, and what every observer has to see."""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final

import msgspec

from workbench.recalls.steps import Step


@unique
class Variant(StrEnum):
    """One course of a scenario.

    HEALTHY is the twin in which nothing fails, to compare with. BUILT is the failure on the firmware as is.
    RECALLED is the failure on a system with the software defect of the notice put in on purpose.
    """

    HEALTHY = "healthy"
    BUILT = "built"
    RECALLED = "recalled"


@unique
class Comparison(StrEnum):
    """How a value is compared with the one that is expected."""

    EQUAL = "=="
    UNEQUAL = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="

    def holds(self, measured: int | str, wanted: int | str) -> bool:
        """Tell whether ``measured`` is as ``wanted`` asks; words can only be equal or not.

        Raises:
            TypeError: the values are of two kinds, or words are to be ordered.
        """
        if type(measured) is not type(wanted):
            raise TypeError(f"{measured!r} cannot be compared with {wanted!r}")
        if self is Comparison.EQUAL:
            return measured == wanted
        if self is Comparison.UNEQUAL:
            return measured != wanted
        if not isinstance(measured, int) or not isinstance(wanted, int):
            raise TypeError(f"words are equal or not: {measured!r} {self} {wanted!r}")
        return {
            Comparison.BELOW: measured < wanted,
            Comparison.AT_MOST: measured <= wanted,
            Comparison.ABOVE: measured > wanted,
            Comparison.AT_LEAST: measured >= wanted,
        }[self]


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that an observer has to see.

    Attributes:
        seen: observer and quantity, e.g. ``truth.tip_ng``, ``log.ALARM_RAISED.MOTOR_STALL``.
        must: how it is compared.
        value: with what.
        why: what that teaches.
        unit: unit of the value; it has to be that of the quantity, and 0/00 with ``of_healthy``.
        at: mark of the step after which it is looked at, empty for the last one.
        since: mark of the step from which on a number is counted, empty for the hand-over.
        of_healthy: the value is a share in 0/00 of what it is in the healthy twin.
        runs: courses in which it has to hold, empty for all but the healthy one.
        awaits: what the firmware still lacks for it, empty where nothing is missing.
    """

    seen: str
    must: Comparison
    value: int | str
    why: str
    unit: str = ""
    at: str = ""
    since: str = ""
    of_healthy: bool = False
    runs: tuple[Variant, ...] = ()
    awaits: str = ""


class SetupChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is otherwise in the situation that a scenario starts in; None leaves it as it is."""

    implanted_days_ago: int | None = None
    therapy_days: int | None = None
    reservoir_left_nl: int | None = None
    limits: Mapping[str, int] = {}


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recall as a scenario.

    Attributes:
        id: ``rs`` and the number of the notice.
        title: what happens, in a few words.
        device: class of the device it happened to.
        story: what happened, and what is to be learned.
        source: the notice, by date and kind; no product is named.
        profile: kind of pump.
        steps: what happens, in order.
        expect: what has to be seen.
        setup: situation the pump is in.
        change: what is otherwise in it.
        seed: of the pump, its chance, and all keys.
        utc_s: civil time at the hand-over, Unix seconds.
        defects: software defects of the recalled course.
        mixes: drug and fluid mix on their way to the tip; else each flows as a plug.
        window_h: windows in which the dose of the patient is compared with that of the twin, h.
    """

    id: str
    title: str
    device: str
    story: str
    source: str
    profile: str
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    setup: str = "first-visit"
    change: SetupChange = SetupChange()
    seed: int = 1
    utc_s: int = 1_772_409_600
    defects: tuple[str, ...] = ()
    mixes: bool = False
    window_h: int = 24

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The courses it has besides the healthy one."""
        told = any(Variant.RECALLED in step.runs and Variant.BUILT not in step.runs for step in self.steps)
        return (Variant.BUILT, Variant.RECALLED) if self.defects or told else (Variant.BUILT,)

    def steps_of(self, variant: Variant) -> tuple[Step, ...]:
        """Return the steps of one course."""
        return tuple(step for step in self.steps if variant in step.in_runs)

    def expected_of(self, variant: Variant) -> tuple[Expectation, ...]:
        """Return what has to be seen in one course."""
        return tuple(each for each in self.expect if variant in (each.runs or (*FAILING,)))


FAILING: Final = (Variant.BUILT, Variant.RECALLED)

WITHOUT_SCENARIO: Final[Mapping[str, str]] = {
    "rs14": "A consent decree on complaint handling and design control, 2015: no device failed. It is the "
    "reason why every requirement here is traced to a test.",
    "rs24": "An external syringe pump, 2024: alarm and reality disagreed after software errors. The pattern, "
    "delivery under an alarm, is that of rs23 and rs27; this device has no such state to re-create.",
}
"""Notices of the list that are no scenario, and why."""
