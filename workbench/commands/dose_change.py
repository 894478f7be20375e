"""`cisterna pump LINK set-dose`: a dose change from the command line, with the same gates as the screens.

Without ``--commit`` the pump verifies the program and drops it again: a rehearsal that shows the review.
"""

from typing import Final

import click

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.clinical_time import parse_minute_of_day
from programmer_tui.clinic.drug_library import shipped_library
from programmer_tui.clinic.entry_grammar import NumberFormat, parse_number
from programmer_tui.clinic.limits import PumpReach, judge_prescription
from programmer_tui.clinic.prescription import (
    DoseStep,
    Prescription,
    PrescriptionError,
    prescription_of_program,
    program_with,
    simple_prescription,
    with_daily_dose,
)
from programmer_tui.clinic.review import Review, build_review, reentry_value_ng
from programmer_tui.plain_data import proposal_data, result_data
from programmer_tui.plain_text import result_lines, review_lines
from programmer_tui.session import SessionService
from programmer_tui.views import Belief, Proposal
from protocol.vocabulary import OverrideReason, ScheduleMode
from workbench.commands.pump_context import PumpContext
from workbench.commands.shared import fail, to_json
from workbench.exit_codes import ExitCode

_DOSE: Final = NumberFormat(digits=5, decimals=3)
_INTENT_DIGITS: Final = 32
REASONS: Final = {
    member.name.lower().replace("_", "-"): member
    for member in OverrideReason
    if member is not OverrideReason.NONE
}


def parse_intent_id(text: str) -> bytes:
    """Return the 16 octets of an intent id."""
    if len(text) != _INTENT_DIGITS or any(digit not in "0123456789abcdefABCDEF" for digit in text):
        raise click.BadParameter(f"{text!r} is no intent id; it has {_INTENT_DIGITS} hexadecimal digits.")
    return bytes.fromhex(text)


@click.command("set-dose")
@click.argument("daily_dose", required=False)
@click.option(
    "--unit",
    type=click.Choice([unit.value for unit in MassUnit]),
    required=True,
    help="Mass unit of every dose given.",
)
@click.option(
    "--simple",
    is_flag=True,
    help="Give DAILY_DOSE at one constant rate; otherwise the pattern in the pump is scaled.",
)
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="HH:MM=DOSE",
    help="Dose per hour from this local time on; repeat for a daily pattern from 00:00.",
)
@click.option("--commit", is_flag=True, help="Program it. Without this the pump only verifies it.")
@click.option("--confirm", metavar="DOSE", help="The new daily dose typed again; needed with --commit.")
@click.option("--reason", type=click.Choice(sorted(REASONS)), help="Why a soft limit is passed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; every key carries its unit.")
@click.pass_obj
def set_dose(
    context: PumpContext,
    daily_dose: str | None,
    unit: str,
    simple: bool,
    steps: tuple[str, ...],
    commit: bool,
    confirm: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Change the dose: DAILY_DOSE per day, or a daily pattern of --step doses per hour."""
    mass = MassUnit(unit)
    if (daily_dose is None) == (not steps):
        raise click.UsageError(
            "Give either DAILY_DOSE or a pattern of --step HH:MM=DOSE, not both and not neither."
        )
    if simple and steps:
        raise click.UsageError("--simple goes with DAILY_DOSE; a pattern of --step is never constant.")
    daily_ng = parse_dose(daily_dose, mass) if daily_dose is not None else None
    pattern = tuple(parse_step(step, mass) for step in steps)
    confirm_ng = parse_dose(confirm, mass) if confirm is not None else None
    with context.session(as_json=as_json) as service:
        belief = service.interrogate()
        current, new = _prescriptions(belief, mass, daily_ng, pattern, simple)
        review, proposal = _review(service, belief, current, new)
        if not as_json:
            click.echo("\n".join(review_lines(review)))
        if not commit:
            service.discard()
            _rehearsed(proposal, as_json)
            return
        _check_gates(review, new, confirm_ng, reason, as_json)
        result = service.commit(proposal.summary.soft_flags, _reason(review, reason))
    click.echo(to_json(result_data(result)) if as_json else "\n".join(result_lines(result)))


def parse_dose(text: str, unit: MassUnit) -> int:
    """Return a dose in ng, by the grammar of the dose fields."""
    try:
        return parse_number(text, _DOSE, unit.ng)
    except ValueError as error:
        raise click.BadParameter(f"dose {error}") from None


def parse_step(text: str, unit: MassUnit) -> DoseStep:
    """Return one step of ``HH:MM=DOSE``, dose per hour."""
    time, equals, dose = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is no step; write HH:MM=DOSE, as in 06:00=0.4")
    try:
        return DoseStep(parse_minute_of_day(time), parse_dose(dose, unit))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _prescriptions(
    belief: Belief, unit: MassUnit, daily_ng: int | None, pattern: tuple[DoseStep, ...], simple: bool
) -> tuple[Prescription, Prescription]:
    """Return the prescription in the pump and the one that is asked for."""
    if belief.program is None:
        fail("The pump has no program to change; it must be set up first.", ExitCode.REFUSED_BY_PUMP)
    try:
        current = prescription_of_program(belief.program)
        if current.unit is not unit:
            fail(
                f"This drug is dosed in {current.unit}; {unit} was given. Give doses in {current.unit}.",
                ExitCode.USAGE,
            )
        if pattern:
            mode = ScheduleMode.DAILY
            return current, Prescription(current.drug, current.conc_ng_ml, unit, mode, pattern)
        if simple or current.mode is ScheduleMode.SIMPLE:
            return current, simple_prescription(current.drug, current.conc_ng_ml, unit, daily_ng or 0)
        return current, with_daily_dose(current, daily_ng or 0)
    except PrescriptionError as error:
        fail(str(error), ExitCode.USAGE)


def _review(
    service: SessionService, belief: Belief, current: Prescription, new: Prescription
) -> tuple[Review, Proposal]:
    """Let the pump verify the new prescription and lay all three side by side."""
    findings = judge_prescription(new, shipped_library(), PumpReach.of_device(belief.device), current)
    hard = [finding.text for finding in findings if finding.kind == "hard"]
    if hard:
        fail("Hard limit: " + " ".join(hard), ExitCode.USAGE)
    if belief.program is None:
        fail("The pump has no program to change.", ExitCode.REFUSED_BY_PUMP)
    proposal = service.propose(program_with(belief.program, new))
    offset = belief.clock.utc_offset_min
    return build_review(current, new, proposal.summary, findings, utc_offset_min=offset), proposal


def _rehearsed(proposal: Proposal, as_json: bool) -> None:
    if as_json:
        click.echo(to_json({"committed": False, "proposal": proposal_data(proposal)}))
    else:
        click.echo(
            "Verified by the pump and dropped again; nothing was programmed. Add --commit --confirm DOSE."
        )


def _check_gates(
    review: Review, new: Prescription, confirm_ng: int | None, reason: str | None, as_json: bool
) -> None:
    """The gates of the review screen: the dose typed again, and a reason for every soft limit."""
    if confirm_ng != reentry_value_ng(new):
        text = "--confirm is missing" if confirm_ng is None else "--confirm is not the new daily dose"
        fail(
            f"{text}; type the new daily dose again to program it. Nothing was programmed.",
            ExitCode.USAGE,
            as_json=as_json,
        )
    if review.reasons_needed and reason is None:
        fail(
            f"Give --reason, since soft limits are passed: {' '.join(review.reasons_needed)} "
            "Nothing was programmed.",
            ExitCode.USAGE,
            as_json=as_json,
        )


def _reason(review: Review, reason: str | None) -> OverrideReason:
    if not review.reasons_needed or reason is None:
        return OverrideReason.NONE
    return REASONS[reason]
