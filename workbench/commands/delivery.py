"""`cisterna pump LINK stop`, `minimum-rate`, `resume` and `refill`."""

import click

from programmer_tui.clinic.quantity_entry import parse_volume_nl
from programmer_tui.plain_data import therapy_data
from programmer_tui.plain_therapy import refill_lines, therapy_lines
from programmer_tui.views import TherapyResult
from protocol.request_words import DeliveryReason
from protocol.vocabulary import DeliveryState
from workbench.commands.confirmation import typed_again
from workbench.commands.pump_context import PumpContext
from workbench.commands.quantities import DELIVERY_REASONS, quantity
from workbench.commands.shared import fail, json_option, to_json
from workbench.exit_codes import ExitCode

_LOT_OCTETS = 12
_volume = quantity(parse_volume_nl)

_minutes = click.option(
    "--minutes",
    type=click.IntRange(1, 0xFFFF),
    required=True,
    help="After this time the program resumes by itself.",
)
_reason = click.option("--reason", type=click.Choice(list(DELIVERY_REASONS)), required=True, help="Why.")


@click.command()
@_minutes
@_reason
@json_option
@click.pass_obj
def stop(context: PumpContext, minutes: int, reason: str, as_json: bool) -> None:
    """Stop all delivery for a time. Sudden withdrawal of some drugs is dangerous."""
    _set(context, DeliveryState.STOPPED, minutes, DELIVERY_REASONS[reason], as_json=as_json)


@click.command("minimum-rate")
@_minutes
@_reason
@json_option
@click.pass_obj
def minimum_rate(context: PumpContext, minutes: int, reason: str, as_json: bool) -> None:
    """Slow delivery to the minimum rate for a time; it keeps the catheter open."""
    _set(context, DeliveryState.MIN_RATE, minutes, DELIVERY_REASONS[reason], as_json=as_json)


@click.command()
@_reason
@json_option
@click.pass_obj
def resume(context: PumpContext, reason: str, as_json: bool) -> None:
    """Resume the program after a stop or the minimum rate."""
    _set(context, DeliveryState.RUNNING, 0, DELIVERY_REASONS[reason], as_json=as_json)


@click.command()
@click.option(
    "--withdrawn",
    callback=_volume,
    required=True,
    metavar="VOLUME",
    help="Drawn out, as the syringe shows: 1.2mL.",
)
@click.option(
    "--filled",
    callback=_volume,
    required=True,
    metavar="VOLUME",
    help="Filled in, as the syringe shows: 20mL.",
)
@click.option("--lot", required=True, help="Lot number of the drug, up to 12 octets.")
@click.option("--commit", is_flag=True, help="Record it. Without this the volumes are only compared.")
@click.option("--confirm", callback=_volume, metavar="VOLUME", help="The volume filled in, typed again.")
@json_option
@click.pass_obj
def refill(
    context: PumpContext,
    withdrawn: int,
    filled: int,
    lot: str,
    commit: bool,
    confirm: int | None,
    as_json: bool,
) -> None:
    """Tell the pump that its reservoir was emptied and filled; program drug and strength with the program.

    Without --commit it only shows what was withdrawn beside what the pump had computed.
    """
    if len(lot.encode()) > _LOT_OCTETS or not lot.isprintable() or not lot:
        raise click.UsageError(f"--lot {lot!r} does not fit: 1 to {_LOT_OCTETS} octets of printable UTF-8.")
    with context.session(as_json=as_json) as service:
        belief = service.interrogate()
        if filled > belief.device.reservoir_capacity_nl:
            fail(
                "More than the reservoir holds was filled in; give what the syringe shows.",
                ExitCode.USAGE,
                as_json=as_json,
            )
        if not as_json:
            click.echo("\n".join(refill_lines(belief, withdrawn, filled)))
        if not commit:
            expected = {"recorded": False, "expected_residual_nl": belief.status.reservoir_nl}
            given = {"withdrawn_nl": withdrawn, "filled_nl": filled}
            words = "Nothing was recorded. Add --commit --confirm VOLUME, the volume filled in."
            click.echo(to_json(expected | given) if as_json else words)
            return
        typed_again(
            confirm,
            filled,
            "the volume filled in",
            parse_volume_nl,
            as_json=as_json,
        )
        result = service.record_refill(withdrawn, filled, lot)
    _say(result, as_json=as_json)


def _set(
    context: PumpContext, target: DeliveryState, minutes: int, reason: DeliveryReason, *, as_json: bool
) -> None:
    with context.session(as_json=as_json) as service:
        result = service.set_delivery(target, minutes, reason)
    _say(result, as_json=as_json)


def _say(result: TherapyResult, *, as_json: bool) -> None:
    click.echo(to_json(therapy_data(result)) if as_json else "\n".join(therapy_lines(result)))
