"""The rules that every program obeys, whatever the pump: drugs named once, a rate table without holes.

They leave exactly one way to write a program, so that its digest means something (OITP/1 section 12).
"""

from itertools import pairwise

from protocol.program_parts import EVERY_DAY, MAX_DRUGS, MAX_STEPS, Program, Schedule, Step
from protocol.vocabulary import ErrorCode, ScheduleMode


class ProgramImageError(ValueError):
    """An image or a program that breaks the rules.

    Attributes:
        code: IMAGE_MALFORMED for the encoding, SCHEDULE_INVALID for the rate table.
        section: id of the section at fault, 0 for the frame around them.
    """

    def __init__(self, code: ErrorCode, section: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.section = section


def check_program(program: Program) -> None:
    """Check what every image must obey whatever the pump.

    Raises:
        ProgramImageError: names the section and the rule.
    """
    _check_drugs(program)
    _check_schedule(program.schedule)


def _check_drugs(program: Program) -> None:
    codes = [drug.drug_code for drug in program.drugs]
    if not 1 <= len(codes) <= MAX_DRUGS:
        raise malformed(1, f"a program names 1..{MAX_DRUGS} drugs, not {len(codes)}")
    if len(set(codes)) != len(codes):
        raise malformed(1, "a drug is named twice")
    if sum(drug.primary for drug in program.drugs) != 1:
        raise malformed(1, "exactly one drug must be the primary one")
    if [declared.drug_code for declared in program.dose_declarations] != codes:
        raise malformed(3, "declared doses must name the drugs in the same order")


def _check_schedule(schedule: Schedule) -> None:
    steps = schedule.steps
    if not 1 <= len(steps) <= MAX_STEPS:
        raise _invalid(f"a schedule has 1..{MAX_STEPS} steps, not {len(steps)}")
    if any(a >= b for a, b in pairwise((step.days, step.start_min) for step in steps)):
        raise _invalid("steps must ascend strictly by days and start")
    if schedule.mode is not ScheduleMode.WEEKLY and any(step.days != EVERY_DAY for step in steps):
        raise _invalid("steps of a simple or daily schedule apply to every day")
    if schedule.mode is ScheduleMode.SIMPLE and len(steps) != 1:
        raise _invalid("a simple schedule has one step")
    if schedule.mode is ScheduleMode.DAILY and len(steps) == 1:
        raise _invalid("a daily schedule of one step is a simple one")
    if schedule.mode is ScheduleMode.WEEKLY and steps[0].days == EVERY_DAY:
        raise _invalid("a weekly schedule with one table for every day is a daily or simple one")
    _check_days(steps)


def _check_days(steps: tuple[Step, ...]) -> None:
    groups: dict[int, list[tuple[int, int]]] = {}
    for step in steps:
        groups.setdefault(step.days, []).append((step.start_min, step.rate_nl_h))
    covered = 0
    for days, table in groups.items():
        if days & covered:
            raise _invalid("a day belongs to two groups of steps")
        covered |= days
        if table[0][0] != 0:
            raise _invalid("every used day starts with a step at minute 0")
        if any(a[1] == b[1] for a, b in pairwise(table)):
            raise _invalid("two neighbouring steps have the same rate")
    if covered != EVERY_DAY:
        raise _invalid("the schedule leaves a day without steps")
    if len({tuple(table) for table in groups.values()}) != len(groups):
        raise _invalid("two groups of days hold the same steps; they must be one group")


def _invalid(message: str) -> ProgramImageError:
    return ProgramImageError(ErrorCode.SCHEDULE_INVALID, 2, message)


def malformed(section: int, message: str) -> ProgramImageError:
    """Return the error of a section whose encoding or content is wrong."""
    return ProgramImageError(ErrorCode.IMAGE_MALFORMED, section, message)
