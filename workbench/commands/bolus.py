"""`cisterna pump LINK bolus` and `patient-bolus`: with the gates of a dose change."""

from collections.abc import Callable

import click

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.quantity_entry import parse_duration_s, parse_mass_ng, parse_volume_nl
from programmer_tui.plain_data import armed_data, therapy_data
from programmer_tui.plain_therapy import armed_lines, therapy_lines
from programmer_tui.session import SessionService
from programmer_tui.views import Belief, TherapyResult
from protocol.program import Drug
from protocol.quantities import NL_PER_ML, round_half_up
from protocol.request_words import BolusKind
from workbench.commands.confirmation import soft_limit_reason, typed_again
from workbench.commands.dose_change import REASONS
from workbench.commands.pump_context import PumpContext
from workbench.commands.quantities import quantity
from workbench.commands.shared import fail, json_option, to_json
from workbench.exit_codes import ExitCode

_KINDS = {kind.name.lower(): kind for kind in BolusKind if kind is not BolusKind.PATIENT}
Dose = tuple[int, MassUnit]


@click.group()
def bolus() -> None:
    """Give a bolus, or end the one that is being delivered."""


@bolus.command()
@click.option("--kind", type=click.Choice(list(_KINDS)), required=True, help="What it is for.")
@click.option(
    "--volume", callback=quantity(parse_volume_nl), metavar="VOLUME", help="How much, as a volume: 0.05mL."
)
@click.option(
    "--dose",
    callback=quantity(parse_mass_ng),
    metavar="DOSE",
    help="How much, as a dose of the primary drug: 0.5mg or 300mcg.",
)
@click.option(
    "--duration",
    callback=quantity(parse_duration_s),
    required=True,
    metavar="TIME",
    help="Time it takes: 90s, 10min or 1h.",
)
@click.option("--commit", is_flag=True, help="Give it. Without this the pump only checks it.")
@click.option("--confirm", metavar="VALUE", help="Volume or dose typed again, as it was given.")
@click.option("--reason", type=click.Choice(sorted(REASONS)), help="Why a soft limit is passed.")
@json_option
@click.pass_context
def give(
    ctx: click.Context,
    kind: str,
    volume: int | None,
    dose: Dose | None,
    duration: int,
    commit: bool,
    confirm: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Give a bolus over the basal rate: the pump checks it, shows its own arithmetic, then starts it.

    Without --commit the pump only checks it: a rehearsal.
    """
    if (volume is None) == (dose is None):
        raise click.UsageError("Give either --volume or --dose, not both and not neither.")
    wanted: int | Dose | None = volume if dose is None else dose
    what = "the volume" if dose is None else "the dose"
    parse: Callable[[str], int | Dose] = parse_volume_nl if dose is None else parse_mass_ng
    confirmed = None if confirm is None else quantity(parse)(ctx, _param(ctx, "confirm"), confirm)
    context: PumpContext = ctx.obj
    with context.session(as_json=as_json) as service:
        belief = service.interrogate()
        drug = _drug(belief, as_json=as_json)
        volume_nl = volume if volume is not None else _volume_of(dose, drug, as_json=as_json)
        armed = service.arm_bolus(_KINDS[kind], volume_nl, duration)
        if not as_json:
            click.echo("\n".join(armed_lines(armed, drug, belief.status)))
        if not commit:
            service.drop_bolus()
            rehearsal = {"started": False, "bolus": armed_data(armed)}
            words = "Checked by the pump and taken back; nothing was delivered. Add --commit --confirm VALUE."
            click.echo(to_json(rehearsal) if as_json else words)
            return
        typed_again(confirmed, wanted, what, parse, as_json=as_json)
        why = soft_limit_reason(armed.answer.soft_flags, reason, as_json=as_json)
        result = service.start_bolus(armed.answer.soft_flags, why)
    _say(result, as_json=as_json)


@bolus.command()
@json_option
@click.pass_obj
def cancel(context: PumpContext, as_json: bool) -> None:
    """End the bolus that is being delivered; a patient may end only their own."""
    _run(context, SessionService.cancel_bolus, as_json=as_json)


@click.command("patient-bolus")
@json_option
@click.pass_obj
def patient_bolus(context: PumpContext, as_json: bool) -> None:
    """Ask for a bolus of the prescription; needs a bond with the patient role."""
    _run(context, SessionService.ask_patient_bolus, as_json=as_json)


def _run(context: PumpContext, act: Callable[[SessionService], TherapyResult], *, as_json: bool) -> None:
    with context.session(as_json=as_json) as service:
        result = act(service)
    _say(result, as_json=as_json)


def _say(result: TherapyResult, *, as_json: bool) -> None:
    click.echo(to_json(therapy_data(result)) if as_json else "\n".join(therapy_lines(result)))


def _param(ctx: click.Context, name: str) -> click.Parameter:
    return next(param for param in ctx.command.params if param.name == name)


def _drug(belief: Belief, *, as_json: bool) -> Drug:
    if belief.program is None:
        fail("The pump has no program, so it gives no bolus.", ExitCode.REFUSED_BY_PUMP, as_json=as_json)
    return belief.program.primary_drug


def _volume_of(dose: Dose | None, drug: Drug, *, as_json: bool) -> int:
    """Return the volume in nL that holds a dose, rounded half up once."""
    dose_ng, unit = dose or (0, MassUnit.MG)
    wanted = MassUnit.of_display(drug.display)
    if unit is not wanted:
        fail(
            f"This drug is dosed in {wanted}; {unit} was given. Give the dose in {wanted}.",
            ExitCode.USAGE,
            as_json=as_json,
        )
    return round_half_up(dose_ng * NL_PER_ML, drug.conc_ng_ml)
