"""`cisterna accuracy PROFILE`: how exactly a simulated pump delivers, as table, JSON and picture."""

from pathlib import Path

import click

from firmware_model.plant.fault import FaultError
from firmware_model.plant.faults import find_fault
from firmware_model.plant.motor import PPM
from firmware_model.profiles import Profile, load_profile
from workbench.accuracy.picture import PictureError, check_drawable, draw
from workbench.accuracy.plan import Rate, parse_rate, usual_rates
from workbench.accuracy.report import Report, measure
from workbench.accuracy.stand import StandError
from workbench.accuracy.text import text_lines
from workbench.commands.shared import fail, json_option, to_json
from workbench.exit_codes import ExitCode


def _check_gain(_ctx: click.Context, _param: click.Parameter, value: int) -> int:
    try:
        return find_fault("motor_gain").values({"gain_ppm": value})["gain_ppm"]
    except FaultError as error:
        raise click.BadParameter(f"{error}.") from None


@click.command()
@click.argument("profile")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="ML_PER_DAY",
    show_default="lowest, middle, highest",
    help="Measure this rate, as in 0.5; may be given again.",
)
@click.option(
    "--gain",
    "gain_ppm",
    type=int,
    default=PPM,
    show_default=True,
    metavar="PPM",
    callback=_check_gain,
    help="Volume the motor moves per volume commanded; 1145000 over-infuses by 14.5 %.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Identity of the pump, chance in it, and when boluses begin.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the trumpet curves and the boluses too, into an .svg or .png (needs the extra plots).",
)
@json_option
def accuracy(
    profile: str, rates: tuple[str, ...], gain_ppm: int, seed: int, picture: Path | None, as_json: bool
) -> None:
    """Let pumps of one kind deliver for two weeks of simulated time, and report how exactly they did.

    Flow: worst windows of 1 to 168 hours beside the quantum bound, that of one stroke. Boluses: the smallest,
    a middle and the largest, 20 of each. The profiles are those of `cisterna emulate --profile`.
    """
    try:
        kind = load_profile(profile)
        chosen = _rates(rates, kind)
        if picture is not None:
            check_drawable(picture)
    except (ValueError, PictureError) as error:
        fail(f"{error}.", ExitCode.USAGE, as_json=as_json)
    try:
        report = measure(kind, chosen, seed=seed, gain_ppm=gain_ppm)
        if picture is not None:
            draw(report, picture)
    except StandError as error:
        fail(f"{error}.", ExitCode.FAILED, as_json=as_json)
    except OSError as error:
        fail(f"cannot write the picture to {picture}: {error.strerror}.", ExitCode.USAGE, as_json=as_json)
    _tell(report, as_json)


def _rates(texts: tuple[str, ...], profile: Profile) -> tuple[Rate, ...]:
    return tuple(parse_rate(text, profile) for text in texts) or usual_rates(profile)


def _tell(report: Report, as_json: bool) -> None:
    click.echo(to_json(report) if as_json else "\n".join(text_lines(report)))
    if report.unexplained:
        # The report stands whole on standard output; this is why the exit code is not 0.
        fail(f"neither strokes nor gain explain {'; '.join(report.unexplained)}.", ExitCode.FAILED)
