"""`cisterna pump LINK VERB`: everything the screens do, for scripts and people without them."""

from pathlib import Path

import click

from emulator.capture_file import STDOUT
from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.plain_data import (
    alarm_data,
    log_data,
    program_data,
    receipt_data,
    resolution_data,
    status_data,
)
from programmer_tui.plain_text import alarm_lines, log_lines, program_lines, status_lines
from workbench.commands.dose_change import parse_intent_id, set_dose
from workbench.commands.pump_context import PumpContext
from workbench.commands.shared import (
    capture_options,
    fail,
    load_card,
    open_capture,
    reported,
    session_options,
    to_json,
)
from workbench.exit_codes import ExitCode
from workbench.sessions import SessionOptions

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON; every key carries its unit.")


# The options of the group may stand before LINK, after it, or after the verb: people write them everywhere.
@click.group(context_settings={"allow_interspersed_args": True, "ignore_unknown_options": True})
@click.argument("link")
@session_options
@capture_options
@click.pass_context
def pump(
    ctx: click.Context,
    link: str,
    records: Path,
    serial: str,
    operator: str,
    baud: int,
    capture: str | None,
    capture_bodies: bool,
) -> None:
    """Talk to the pump on LINK without screens.

    LINK is a pseudo-terminal path, pty:PATH, serial:DEVICE, tcp:HOST:PORT or any pySerial URL. The first
    time, enrol this programmer with the pump's implant card: cisterna pump LINK enrol --card FILE
    """
    if capture == STDOUT:
        fail("What the verb prints needs standard output; give --capture a file.", ExitCode.USAGE)
    capture_of_links = open_capture(capture, capture_bodies)
    ctx.obj = PumpContext(SessionOptions(link, records, operator, serial, baud), capture_of_links)


@pump.command()
@click.option(
    "--card",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The pump's implant card.",
)
@click.option(
    "--label", default="programmer", show_default=True, help="Name of this programmer, up to 16 octets."
)
@click.pass_obj
def enrol(context: PumpContext, card: Path, label: str) -> None:
    """Bond this programmer to the pump, once, with its implant card."""
    details = load_card(card)
    with reported():
        service = context.service()
        try:
            if details is not None:
                service.enrol(details, label)
                click.echo(
                    f"Enrolled with pump {details.serial}. The bond is confirmed by the first session."
                )
        finally:
            service.close()


@pump.command()
@_JSON
@click.pass_obj
def status(context: PumpContext, as_json: bool) -> None:
    """Interrogate the pump and show what it believes."""
    belief = context.read(as_json=as_json)
    click.echo(to_json(status_data(belief)) if as_json else "\n".join(status_lines(belief)))


@pump.command()
@_JSON
@click.pass_obj
def program(context: PumpContext, as_json: bool) -> None:
    """Show the active program."""
    belief = context.read(as_json=as_json)
    click.echo(to_json(program_data(belief)) if as_json else "\n".join(program_lines(belief)))


@pump.command()
@_JSON
@click.pass_obj
def alarms(context: PumpContext, as_json: bool) -> None:
    """Show every alarm that stands."""
    belief = context.read(as_json=as_json)
    data = [alarm_data(alarm) for alarm in belief.alarms]
    lines = alarm_lines(belief.alarms, belief.clock.utc_offset_min)
    click.echo(to_json({"alarms": data}) if as_json else "\n".join(lines))


@pump.command()
@_JSON
@click.option(
    "--newest", type=click.IntRange(1, 4096), default=20, show_default=True, help="How many records."
)
@click.pass_obj
def log(context: PumpContext, as_json: bool, newest: int) -> None:
    """Show the newest records of the pump's event log."""
    with context.session(as_json=as_json) as service:
        belief = service.interrogate()
        records = service.read_log(newest)
    unit = MassUnit.of_display(belief.program.primary_drug.display) if belief.program else MassUnit.MG
    if as_json:
        click.echo(to_json({"log_epoch": belief.log_info.log_epoch, "records": log_data(records, unit)}))
    else:
        click.echo("\n".join(log_lines(records, unit, belief.clock.utc_offset_min)))


@pump.command()
@_JSON
@click.argument("intent_id")
@click.pass_obj
def receipt(context: PumpContext, intent_id: str, as_json: bool) -> None:
    """Ask what became of INTENT_ID (32 hexadecimal digits)."""
    wanted = parse_intent_id(intent_id)
    with context.session(as_json=as_json) as service:
        answer = service.receipt(wanted)
    if as_json:
        click.echo(to_json(receipt_data(answer)))
    else:
        click.echo(f"{answer.state.name.lower()}, version {answer.version}, log record {answer.log_seq}")


@pump.command()
@_JSON
@click.pass_obj
def resolve(context: PumpContext, as_json: bool) -> None:
    """Resolve an unknown outcome by the pump's receipt; says so when there is none."""
    with context.session(as_json=as_json) as service:
        resolution = service.view.resolution
    if resolution is None:
        click.echo(to_json({"resolution": None}) if as_json else "There is no unknown outcome.")
    else:
        click.echo(to_json({"resolution": resolution_data(resolution)}) if as_json else resolution.text)


pump.add_command(set_dose)
