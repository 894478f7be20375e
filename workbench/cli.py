"""The `cisterna` command line.

Commands are imported when they are called, so that `cisterna --version` and a script's calls start quickly.
Whatever goes wrong becomes one clear line on stderr and a documented exit code; no traceback reaches a user.
"""

import importlib
import logging
import sys
from importlib.metadata import version
from typing import Final

import click

DISCLAIMER: Final = "SIMULATION - NOT FOR CLINICAL USE. Nothing here treats, or advises to treat, a patient."

_COMMANDS: Final = {
    "emulate": "workbench.commands.emulate:emulate",
    "program": "workbench.commands.program:program",
    "pump": "workbench.commands.pump:pump",
    "tap": "workbench.commands.tap:tap",
    "explain": "workbench.commands.explain:explain",
    "decode": "workbench.commands.decode:decode",
    "dissector": "workbench.commands.dissector:dissector",
    "demo": "workbench.commands.demo:demo",
    "accuracy": "workbench.commands.accuracy:accuracy",
    "recall": "workbench.commands.recall:recall",
    "bench": "workbench.commands.bench:bench",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a user's day."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"cisterna {version('cisterna')}")
        ctx.exit()


@click.group(cls=LazyGroup, epilog=DISCLAIMER, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    callback=_print_version,
    expose_value=False,
    is_eager=True,
    help="Show the version and exit.",
)
def cli() -> None:
    """A virtual implanted intrathecal drug pump and its clinician programmer."""


def main() -> None:
    """Run the command line; the console script."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; that is not an error of ours.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        logging.getLogger("cisterna").debug("internal error", exc_info=error)
        click.echo(
            f"Internal error: {type(error).__name__}: {error}\n"
            "This is a defect of cisterna, not of what you did; please report it with the command you ran.",
            err=True,
        )
        sys.exit(70)
