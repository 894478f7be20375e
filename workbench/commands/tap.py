"""`cisterna tap LINK`: stands between a programmer and a pump, and records what passes."""

import logging
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from emulator.capture_file import CaptureFile, CaptureFileError, Recording
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links import PumpLink, make_link, parse_link_spec
from emulator.links.base import EMULATED_GAP_MS
from emulator.signals import stop_on_signals
from protocol.capture.recorder import Recorder
from protocol.link import open_link
from protocol.link_error import LinkError, LinkFailure
from workbench.commands.shared import fail
from workbench.exit_codes import ExitCode
from workbench.relay import Relay

_USAGE = frozenset((EmulatorFailure.BAD_LINK, EmulatorFailure.REMOTE_REFUSED))


def _default_listen() -> str:
    return f"pty:{Path(tempfile.gettempdir()) / f'cisterna-tap-{os.getpid()}'}"


@click.command()
@click.argument("link")
@click.option(
    "--listen",
    default=_default_listen,
    show_default="a new pty",
    help="Where the programmer connects: pty:PATH, tcp:HOST:PORT or serial:DEVICE.",
)
@click.option(
    "--capture", required=True, metavar="FILE", help="The pcapng file (mode 0600), - for standard output."
)
@click.option(
    "--baud",
    type=click.IntRange(min=300),
    default=115_200,
    show_default=True,
    help="Speed of real serial lines, on both sides.",
)
@click.option("--allow-remote", is_flag=True, help="Let tcp: listen on an address other machines can reach.")
def tap(link: str, listen: str, capture: str, baud: int, allow_remote: bool) -> None:
    """Record what passes between a programmer and the pump on LINK.

    The tap opens LINK as a programmer would, and offers another link to the programmer; octets pass
    unchanged. It holds no key: the capture has frames, never what is in them. To watch live:

        cisterna tap LINK --capture - | wireshark -k -i -
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    with _troubles():
        programmer = make_link(parse_link_spec(listen), baud=baud, allow_remote=allow_remote)
        pump = open_link(link, baud=baud)
        try:
            _run(Relay(pump, programmer, _recording(capture)), programmer, link)
        finally:
            pump.close()
            programmer.close()


def _recording(capture: str) -> Recording:
    file = CaptureFile(capture, lambda text: click.echo(f"cisterna: {text}", err=True))
    return Recording(Recorder(gap_ms=EMULATED_GAP_MS, application="cisterna tap"), file)


def _run(relay: Relay, programmer: PumpLink, link: str) -> None:
    with stop_on_signals(relay.stop):
        try:
            programmer.start()
            click.echo(
                f"Tap ready: {programmer.address}  to {link}  "
                f"Connect with: cisterna program {shlex.quote(programmer.address)}",
                err=True,
            )
            relay.run()
        finally:
            relay.recording.close()


@contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except EmulatorError as error:
        fail(str(error), ExitCode.USAGE if error.reason in _USAGE else ExitCode.LINK)
    except CaptureFileError as error:
        fail(str(error), ExitCode.USAGE)
    except LinkError as error:
        fail(str(error), ExitCode.USAGE if error.reason is LinkFailure.BAD_URL else ExitCode.LINK)
