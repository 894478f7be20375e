"""`cisterna program LINK`: the clinician programmer on a terminal."""

from pathlib import Path

import click

from emulator.capture_file import STDOUT
from programmer_tui.app import run_programmer
from programmer_tui.service_thread import ServiceThread
from protocol.link import monotonic_ms
from protocol.vocabulary import ClientKind
from workbench.commands.shared import (
    capture_options,
    fail,
    load_card,
    open_capture,
    reported,
    session_options,
)
from workbench.exit_codes import ExitCode
from workbench.sessions import SessionOptions, make_service


@click.command()
@click.argument("link")
@click.option(
    "--card",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Enrol with this implant card first.",
)
@click.option(
    "--label", default="programmer", show_default=True, help="Name of this programmer when enrolling."
)
@session_options
@capture_options
def program(
    link: str,
    card: Path | None,
    label: str,
    records: Path,
    serial: str,
    operator: str,
    baud: int,
    near: str,
    lab: bool,
    capture: str | None,
    capture_bodies: bool,
) -> None:
    """Open the clinician programmer on LINK.

    LINK is a pseudo-terminal path, pty:PATH, serial:DEVICE, tcp:HOST:PORT or any pySerial URL.
    """
    details = load_card(card)
    options = SessionOptions(link, records, operator, serial, baud, ClientKind.PROGRAMMER, near, lab)
    if capture == STDOUT:
        fail("The screens need standard output; give --capture a file.", ExitCode.USAGE)
    with reported():
        service = make_service(options, open_capture(capture, capture_bodies))
        if details is not None:
            service.enrol(details, label)
    raise SystemExit(run_programmer(ServiceThread(service, monotonic_ms)))
