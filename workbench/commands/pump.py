"""`cisterna pump LINK VERB`: everything the screens do, for scripts and people without them."""

from pathlib import Path

import click

from emulator.capture_file import STDOUT
from programmer_tui.plain_data import program_data, receipt_data, resolution_data, status_data
from programmer_tui.plain_text import program_lines, status_lines
from protocol.vocabulary import Role
from workbench.commands.bolus import bolus, patient_bolus
from workbench.commands.care import alarms, bonds, clock, self_test
from workbench.commands.delivery import minimum_rate, refill, resume, stop
from workbench.commands.dose_change import parse_intent_id, set_dose
from workbench.commands.emergency import emergency
from workbench.commands.pump_context import PumpContext
from workbench.commands.readings import day_totals, info, link_stats, log, security
from workbench.commands.shared import (
    capture_options,
    fail,
    json_option,
    load_card,
    open_capture,
    reported,
    session_options,
    to_json,
)
from workbench.commands.verb_group import VerbGroup
from workbench.commands.watch import watch
from workbench.exit_codes import ExitCode
from workbench.sessions import SessionOptions

_ROLES = (Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER)


# The options of the group may stand before LINK, after it, or after the verb: people write them everywhere.
@click.group(
    cls=VerbGroup, context_settings={"allow_interspersed_args": True, "ignore_unknown_options": True}
)
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
    near: str,
    lab: bool,
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
    options = SessionOptions(link, records, operator, serial, baud, near=near, lab=lab)
    ctx.obj = PumpContext(options, capture_of_links)


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
@click.option(
    "--role",
    type=click.Choice([role.name.lower() for role in _ROLES]),
    default="clinician",
    show_default=True,
    help="What the bond may do. A store of records holds one bond for each pump.",
)
@click.pass_obj
def enrol(context: PumpContext, card: Path, label: str, role: str) -> None:
    """Bond this programmer to the pump, once, with its implant card."""
    details = load_card(card)
    with reported():
        service = context.service()
        try:
            if details is not None:
                service.enrol(details, label, Role[role.upper()])
                click.echo(
                    f"Enrolled with pump {details.serial}. The bond is confirmed by the first session."
                )
        finally:
            service.close()


@pump.command()
@json_option
@click.pass_obj
def status(context: PumpContext, as_json: bool) -> None:
    """Interrogate the pump and show what it believes."""
    with context.session(as_json=as_json) as service:
        belief = service.interrogate() if service.may_interrogate else service.glance()
    click.echo(to_json(status_data(belief)) if as_json else "\n".join(status_lines(belief)))


@pump.command()
@json_option
@click.pass_obj
def program(context: PumpContext, as_json: bool) -> None:
    """Show the active program."""
    belief = context.read(as_json=as_json)
    click.echo(to_json(program_data(belief)) if as_json else "\n".join(program_lines(belief)))


@pump.command()
@json_option
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
@json_option
@click.pass_obj
def resolve(context: PumpContext, as_json: bool) -> None:
    """Resolve an unknown outcome by the pump's receipt; says so when there is none."""
    with context.session(as_json=as_json) as service:
        resolution = service.view.resolution
    if resolution is None:
        click.echo(to_json({"resolution": None}) if as_json else "There is no unknown outcome.")
    else:
        click.echo(to_json({"resolution": resolution_data(resolution)}) if as_json else resolution.text)


for command in (
    set_dose,
    bolus,
    patient_bolus,
    stop,
    minimum_rate,
    resume,
    refill,
    info,
    day_totals,
    clock,
    alarms,
    log,
    bonds,
    security,
    link_stats,
    self_test,
    watch,
    emergency,
):
    pump.add_command(command)
