"""`cisterna bench`: measure what the product is held to."""

from pathlib import Path

import click

from workbench.bench import bench_command
from workbench.commands.shared import fail
from workbench.exit_codes import ExitCode


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON; every key carries its unit.")
@click.option("--quick", is_flag=True, help="Shorter runs, for a first look.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page docs/performance.md is made of.",
)
def bench(as_json: bool, quick: bool, write: Path | None) -> None:
    """Measure speed as ratios to a baseline in the same run."""
    try:
        bench_command(as_json=as_json, quick=quick, write=write)
    except OSError as error:
        fail(f"Cannot write the page to {write}: {error.strerror}.", ExitCode.USAGE)
