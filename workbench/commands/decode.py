"""`cisterna decode FILE`: a captured session, one line for each frame."""

import sys
from pathlib import Path

import click

from protocol.capture.pcapng import salvage_pcapng
from workbench.commands.shared import fail, to_json
from workbench.exit_codes import ExitCode
from workbench.inspection.listing import listing_data, listing_lines
from workbench.inspection.session import read_session
from workbench.inspection.source import MOST_OCTETS, InputError, read_file


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; times are in microseconds.")
def decode(file: str, as_json: bool) -> None:
    """List a pcapng capture of OITP/1: each frame, what it is, and how long its answer took.

    With - the capture is read from standard input. Messages are named where the capture was made with
    --capture-bodies.
    """
    try:
        octets = sys.stdin.buffer.read(MOST_OCTETS) if file == "-" else read_file(Path(file))
    except InputError as error:
        fail(f"{error}.", ExitCode.USAGE, as_json=as_json)
    interfaces, packets, trouble = salvage_pcapng(octets)
    if trouble is not None and not packets:
        fail(f"{file}: {trouble}.", ExitCode.USAGE, as_json=as_json)
    listing = read_session(interfaces, packets)
    if not listing.rows:
        fail(f"{file} holds no OITP/1 packets (link type 147 or 252).", ExitCode.USAGE, as_json=as_json)
    if as_json:
        click.echo(to_json(listing_data(listing)))
    else:
        click.echo("\n".join(listing_lines(listing)))
    if trouble is not None:
        click.echo(f"cisterna: the rest of {file} cannot be read: {trouble}.", err=True)
