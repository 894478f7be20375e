"""`cisterna bench`: measure what the product is held to."""

from pathlib import Path

import click

from workbench.bench import bench_command


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
    bench_command(as_json=as_json, quick=quick, write=write)
