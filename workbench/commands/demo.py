"""`cisterna demo`: a pump in a second process and the programmer on it, in a temporary folder."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from programmer_tui.connection import CardDetails
from programmer_tui.service_thread import ServiceThread
from programmer_tui.session import SessionService
from protocol.link import monotonic_ms
from protocol.vocabulary import ClientKind
from workbench.card_file import read_card
from workbench.cli import DISCLAIMER
from workbench.commands.shared import fail, reported
from workbench.demo import DemoCheck, DemoFailedError
from workbench.exit_codes import ExitCode
from workbench.in_memory import DEMO_SETUP, memory_clinic
from workbench.pump_process import PumpProcess, PumpProcessError
from workbench.sessions import SessionOptions, make_service

OPERATOR = "RN Lee"


@click.command()
@click.option("--check", is_flag=True, help="Run the dose change without a terminal and print each step.")
@click.option(
    "--link",
    type=click.Choice(["pty", "tcp", "memory"]),
    default="pty",
    show_default=True,
    help="How the two are joined; memory is for --check only.",
)
@click.option("--seed", type=click.IntRange(min=0), default=4711, show_default=True, help="Seed of the pump.")
@click.option("--speed", default="1", show_default=True, help="Pump seconds for one second, such as 60.")
def demo(check: bool, link: str, seed: int, speed: str) -> None:
    """Start a pump with a training patient and open the programmer on it."""
    if link == "memory" and not check:
        raise click.UsageError("--link memory has no second process; use it with --check.")
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Ending in order takes the pump and the folder along; the screens have a handler of their own.
        signal.signal(number, lambda code, _frame: sys.exit(128 + code))
    if check:
        click.echo(DISCLAIMER)
    with tempfile.TemporaryDirectory(prefix="cisterna-") as folder, ExitStack() as stack:
        try:
            if link == "memory":
                clinic = memory_clinic(Path(folder), seed=seed, utc_s=int(time.time()), operator=OPERATOR)
                service, card = clinic.service, clinic.card
            else:
                service, card = stack.enter_context(_in_a_process(Path(folder), link, seed, speed))
        except PumpProcessError as error:
            fail(str(error), ExitCode.FAILED)
        if check:
            _check(service, card)
            return
        with reported():
            service.enrol(card, "demo")
        # Here, not above: the check must not wait for the screens to load.
        from programmer_tui.app import run_programmer  # noqa: PLC0415

        code = run_programmer(ServiceThread(service, monotonic_ms))
    raise SystemExit(code)


def _check(service: SessionService, card: CardDetails) -> None:
    start = time.perf_counter()
    try:
        with reported():
            DemoCheck(service, card, click.echo).run()
    except DemoFailedError as error:
        fail(f"The check failed: {error}.", ExitCode.FAILED)
    finally:
        service.close()
    click.echo(f"{1000 * (time.perf_counter() - start):8.1f} ms  in all; every step did what it must")


@contextmanager
def _in_a_process(
    folder: Path, link: str, seed: int, speed: str
) -> Iterator[tuple[SessionService, CardDetails]]:
    """Give a service for a pump in a second process; it and its link are gone afterwards."""
    card = folder / "card.json"
    spec = f"pty:{folder / 'pump'}" if link == "pty" else "tcp:127.0.0.1:0"
    with PumpProcess(spec, card, ["--seed", str(seed), "--speed", speed, "--setup", DEMO_SETUP]) as process:
        options = SessionOptions(
            process.address, folder / "records.sqlite", OPERATOR, client_kind=ClientKind.PROGRAMMER
        )
        yield make_service(options), read_card(card)
