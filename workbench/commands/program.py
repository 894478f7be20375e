"""`cisterna program LINK`: the clinician programmer on a terminal."""

from pathlib import Path

import click

from programmer_tui.app import run_programmer
from programmer_tui.service_thread import ServiceThread
from protocol.link import monotonic_ms
from protocol.vocabulary import ClientKind
from workbench.commands.shared import load_card, reported, session_options
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
def program(
    link: str, card: Path | None, label: str, records: Path, serial: str, operator: str, baud: int
) -> None:
    """Open the clinician programmer on LINK.

    LINK is a pseudo-terminal path, pty:PATH, serial:DEVICE, tcp:HOST:PORT or any pySerial URL.
    """
    details = load_card(card)
    options = SessionOptions(link, records, operator, serial, baud, ClientKind.PROGRAMMER)
    with reported():
        service = make_service(options)
        if details is not None:
            service.enrol(details, label)
    raise SystemExit(run_programmer(ServiceThread(service, monotonic_ms)))
