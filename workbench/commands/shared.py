"""Options and error reporting that several commands share."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from emulator.capture_file import CaptureFileError
from programmer_tui.connection import CardDetails
from programmer_tui.problems import ServiceError
from programmer_tui.records import RecordsError
from workbench.card_file import CardFileError, read_card
from workbench.exit_codes import OF_TROUBLE, ExitCode
from workbench.recorded_link import ProgrammerCapture
from workbench.sessions import default_records

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON; every key carries its unit.")


def session_options(command: Command) -> Command:
    """Add the options of every command that opens a session."""
    for option in reversed(
        (
            click.option(
                "--records",
                type=click.Path(dir_okay=False, path_type=Path),
                default=default_records,
                show_default="per-user data folder",
                help="The clinic's records (key, bonds, intents).",
            ),
            click.option("--serial", default="", metavar="NUMBER", help="Serial number the pump must have."),
            click.option(
                "--operator",
                default="",
                metavar="NAME",
                callback=_check_operator,
                help="Who works here, up to 16 octets.",
            ),
            click.option(
                "--baud",
                type=click.IntRange(min=300),
                default=115_200,
                show_default=True,
                help="Speed of a real serial line.",
            ),
            click.option(
                "--near",
                default="",
                metavar="LINK",
                callback=_check_near,
                help="LINK is the far link; fetch the token that lets it treat on this near one.",
            ),
            click.option(
                "--lab",
                is_flag=True,
                is_eager=True,  # so that --near finds it wherever it stands
                help="Open a lab plaintext session: no bond, no key, nothing encrypted.",
            ),
        )
    ):
        command = option(command)
    return command


def capture_options(command: Command) -> Command:
    """Add the options of every command that can record its link."""
    for option in reversed(
        (
            click.option(
                "--capture",
                metavar="FILE",
                is_eager=True,  # so that --capture-bodies finds it wherever it stands
                help="Record the link in this pcapng file (mode 0600), - for standard output.",
            ),
            click.option(
                "--capture-bodies",
                is_flag=True,
                callback=_check_bodies,
                help="Record the messages decrypted too. The file then holds PATIENT DATA: doses, serial "
                "number, patient reference. Without it no decrypted octet is in the file.",
            ),
        )
    ):
        command = option(command)
    return command


def open_capture(path: str | None, bodies: bool) -> ProgrammerCapture | None:
    """Return the capture that the options ask for, None for none; it is closed when the command ends.

    A disk that fails is told of at the end: on a full-screen terminal no line would be seen before.
    """
    if path is None:
        return None
    troubles: list[str] = []
    try:
        capture = ProgrammerCapture(path, bodies, troubles.append)
    except CaptureFileError as error:
        fail(str(error), ExitCode.USAGE)

    def end() -> None:
        capture.close()
        for trouble in troubles:
            click.echo(f"cisterna: {trouble}", err=True)

    click.get_current_context().call_on_close(end)
    return capture


def _check_bodies(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    if value and not ctx.params.get("capture"):
        raise click.BadParameter("it says what goes into a capture; name one with --capture FILE.")
    return value


def _check_near(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and ctx.params.get("lab"):
        raise click.BadParameter(
            "a lab plaintext session has no bond and so no token; leave --lab or --near."
        )
    return value


def _check_operator(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if len(value.encode()) > 16 or not value.isprintable():
        raise click.BadParameter(f"{value!r} does not fit 16 octets of printable UTF-8; use a shorter name.")
    return value


def load_card(path: Path | None) -> CardDetails | None:
    """Return the implant card in ``path``, None where none was given."""
    if path is None:
        return None
    try:
        return read_card(path)
    except CardFileError as error:
        fail(str(error), ExitCode.USAGE)


def fail(text: str, code: ExitCode, *, as_json: bool = False) -> NoReturn:
    """Say what is wrong and leave with ``code``."""
    if as_json:
        click.echo(to_json({"error": {"text": text, "exit_code": int(code), "exit_name": code.name.lower()}}))
    click.echo(f"cisterna: {text}", err=True)
    sys.exit(int(code))


def announce_lab() -> None:
    """Say on standard error that the pump answers lab plaintext."""
    click.echo(
        "LAB PLAINTEXT: this pump obeys anybody on its link, and nothing there is encrypted. "
        "SIMULATION - NOT FOR CLINICAL USE.",
        err=True,
    )


@contextmanager
def reported(*, as_json: bool = False) -> Iterator[None]:
    """Turn troubles of a session into one line and an exit code."""
    try:
        yield
    except ServiceError as error:
        fail(str(error), OF_TROUBLE[error.problem.trouble], as_json=as_json)
    except RecordsError as error:
        fail(str(error), ExitCode.FAILED, as_json=as_json)


def to_json(value: object) -> str:
    """Return ``value`` as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
