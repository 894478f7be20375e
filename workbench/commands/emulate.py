"""`cisterna emulate`: one emulated pump on one link, until it is stopped."""

import logging
from functools import partial
from pathlib import Path

import click

from emulator.capture_file import STDOUT, CaptureFileError
from emulator.clock import parse_speed
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.lab import LAB_ROLES
from emulator.service import EmulatorConfig, run_emulator
from firmware_model.defects import DEFECTS, find_defects
from firmware_model.profiles import profile_names
from firmware_model.pump import Pump
from firmware_model.setups import setup_names
from protocol.link_control import LinkClass
from protocol.vocabulary import Role
from workbench.card_file import CardFileError, write_card
from workbench.commands.shared import capture_options, fail
from workbench.exit_codes import ExitCode

_USAGE = frozenset(
    (
        EmulatorFailure.BAD_LINK,
        EmulatorFailure.BAD_SPEED,
        EmulatorFailure.BAD_SETUP,
        EmulatorFailure.UNKNOWN_PROFILE,
        EmulatorFailure.REMOTE_REFUSED,
        EmulatorFailure.LAB_REFUSED,
    )
)


@click.command()
@click.option("--link", required=True, help="pty:PATH, tcp:HOST:PORT or serial:DEVICE.")
@click.option(
    "--link-class",
    type=click.Choice(["near", "far"]),
    default="near",
    show_default=True,
    help="Kind of that link: under the programming head, or far.",
)
@click.option("--far-link-feature", is_flag=True, help="Build the pump with the far-link feature.")
@click.option("--far-link", metavar="LINK", help="A second, far link of the same pump; needs the feature.")
@click.option(
    "--profile",
    default="peristaltic-20",
    show_default=True,
    help=f"Kind of pump: {', '.join(profile_names())}.",
)
@click.option(
    "--setup",
    default="first-visit",
    show_default=True,
    help=f"Situation it is in: {', '.join(setup_names())}.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Gives serial number, keys and card.",
)
@click.option(
    "--speed", default="1", show_default=True, help="Pump seconds for one second: 1, 60, 0.5 or 1/2."
)
@click.option(
    "--card",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the implant card to this file (holds its secret; mode 0600).",
)
@click.option(
    "--baud",
    type=click.IntRange(min=300),
    default=115_200,
    show_default=True,
    help="Speed of a real serial line.",
)
@click.option("--allow-remote", is_flag=True, help="Let tcp: listen on an address other machines can reach.")
@click.option(
    "--lab-plaintext",
    type=click.Choice([role.name.lower() for role in LAB_ROLES]),
    help="For the laboratory: whoever opens the link has this role, without keys or encryption. Only on a "
    "pty or a loopback port.",
)
@click.option(
    "--defect",
    "defects",
    multiple=True,
    type=click.Choice([defect.label for defect in DEFECTS]),
    help="Put a software defect into the pump on purpose, for teaching; may be given again. Announced in the "
    "ready line and in the pump's log.",
)
@click.option("--end-with-stdin", is_flag=True, help="End when standard input ends.")
@capture_options
@click.option("--verbose", is_flag=True, help="Tell every frame that was not accepted, and why.")
def emulate(
    link: str,
    link_class: str,
    far_link_feature: bool,
    far_link: str | None,
    profile: str,
    setup: str,
    seed: int,
    speed: str,
    card: Path | None,
    baud: int,
    allow_remote: bool,
    lab_plaintext: str | None,
    defects: tuple[str, ...],
    end_with_stdin: bool,
    capture: str | None,
    capture_bodies: bool,
    verbose: bool,
) -> None:
    """Emulate a pump until it is stopped by Ctrl+C or a signal.

    It prints one line when it is ready: its link, its serial number, and how to connect. The signal SIGUSR1
    takes the programming head off the pump, and puts it back the next time.

    SIMULATION - NOT FOR CLINICAL USE.
    """
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(message)s")

    def write(pump: Pump) -> None:
        if card is not None:
            write_card(card, pump.card.serial, pump.card.static_public, pump.card.secret)

    try:
        config = EmulatorConfig(
            link=link,
            profile=profile,
            seed=seed,
            setup=setup,
            speed=parse_speed(speed),
            baud=baud,
            allow_remote=allow_remote,
            end_with_stdin=end_with_stdin,
            capture=capture,
            capture_bodies=capture_bodies,
            link_class=LinkClass[link_class.upper()],
            far_link=far_link,
            far_link_feature=far_link_feature,
            lab_role=Role[lab_plaintext.upper()] if lab_plaintext else None,
            defects=find_defects(defects),
        )
        run_emulator(config, partial(click.echo, err=capture == STDOUT), on_start=write)
    except EmulatorError as error:
        if error.reason is EmulatorFailure.PUMP_FAILED:
            fail(str(error), ExitCode.INTERNAL)
        fail(str(error), ExitCode.USAGE if error.reason in _USAGE else ExitCode.LINK)
    except (CardFileError, CaptureFileError) as error:
        fail(str(error), ExitCode.USAGE)
