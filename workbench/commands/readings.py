"""`cisterna pump LINK info`, `day-totals`, `security`, `link-stats` and `log`."""

import sys

import click

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.log_download import LogDownload
from programmer_tui.plain_care import (
    counter_lines,
    day_total_lines,
    download_lines,
    info_lines,
    verdict_lines,
)
from programmer_tui.plain_data import body_data, download_data, log_data, verdict_data
from programmer_tui.plain_text import log_lines
from programmer_tui.session import SessionService
from protocol.messages.status import MAX_DAY_BACK
from workbench.commands.pump_context import PumpContext
from workbench.commands.shared import json_option, to_json
from workbench.exit_codes import ExitCode

_SEQ = click.IntRange(1, 0xFFFF_FFFF)


@click.command()
@json_option
@click.pass_obj
def info(context: PumpContext, as_json: bool) -> None:
    """Show what this pump is and what it can do."""
    with context.session(as_json=as_json) as service:
        told = service.glance()
    click.echo(to_json(body_data(told.device)) if as_json else "\n".join(info_lines(told)))


@click.command("day-totals")
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAY_BACK + 1),
    default=7,
    show_default=True,
    help="How many local days, today included.",
)
@json_option
@click.pass_obj
def day_totals(context: PumpContext, days: int, as_json: bool) -> None:
    """Show what each of the last days brought, as commanded."""
    with context.session(as_json=as_json) as service:
        totals = service.day_totals(days)
        offset_min = service.clock().utc_offset_min
    data = {"days": [{"day_back": back} | body_data(total) for back, total in enumerate(totals)]}
    click.echo(to_json(data) if as_json else "\n".join(day_total_lines(totals, offset_min)))


@click.command()
@json_option
@click.pass_obj
def security(context: PumpContext, as_json: bool) -> None:
    """Show what attempts at the pump there were, and whether it is locked."""
    with context.session(as_json=as_json) as service:
        told = service.security()
    click.echo(to_json(body_data(told)) if as_json else "\n".join(counter_lines(told)))


@click.command("link-stats")
@json_option
@click.pass_obj
def link_stats(context: PumpContext, as_json: bool) -> None:
    """Show what the pump has received, refused and sent on this link."""
    with context.session(as_json=as_json) as service:
        told = service.link_stats()
    click.echo(to_json(body_data(told)) if as_json else "\n".join(counter_lines(told)))


@click.command()
@click.option(
    "--newest", type=click.IntRange(1, 4096), default=20, show_default=True, help="How many records."
)
@click.option("--all", "whole", is_flag=True, help="Download the whole log.")
@click.option("--verify", is_flag=True, help="Download it all, and compare it with the pump's own hash.")
@click.option("--digest", type=_SEQ, nargs=2, metavar="FROM TO", help="Ask for the hash of these records.")
@json_option
@click.pass_obj
def log(
    context: PumpContext,
    newest: int,
    whole: bool,
    verify: bool,
    digest: tuple[int, int] | None,
    as_json: bool,
) -> None:
    """Show the newest records of the pump's event log, or all of it; compare it with the pump's own hash."""
    if digest is not None and (whole or verify):
        raise click.UsageError("--digest asks for one hash; --all and --verify download the log. Give one.")
    with context.session(as_json=as_json) as service:
        if digest is not None:
            answer = service.log_digest(*digest)
            text = f"records {answer.from_seq} to {answer.to_seq}: {answer.chain.hex()}"
            click.echo(to_json(body_data(answer)) if as_json else text)
        elif whole or verify:
            if not _download(service, whole=whole, verify=verify, as_json=as_json):
                sys.exit(ExitCode.NOT_VERIFIED)
        else:
            _newest(service, newest, as_json=as_json)


def _newest(service: SessionService, newest: int, *, as_json: bool) -> None:
    unit, offset_min = _unit_and_offset(service)
    records = service.read_log(newest)
    belief = service.view.belief
    if as_json:
        epoch = {} if belief is None else {"log_epoch": belief.log_info.log_epoch}
        click.echo(to_json(epoch | {"records": log_data(records, unit)}))
    else:
        click.echo("\n".join(log_lines(records, unit, offset_min)))


def _unit_and_offset(service: SessionService) -> tuple[MassUnit, int]:
    """Return how doses and times are written; a role that may not read the program gets mg and UTC."""
    if not service.may_interrogate:
        return MassUnit.MG, 0
    belief = service.interrogate()
    unit = MassUnit.of_display(belief.program.primary_drug.display) if belief.program else MassUnit.MG
    return unit, belief.clock.utc_offset_min


def _download(service: SessionService, *, whole: bool, verify: bool, as_json: bool) -> bool:
    """Download the log, print what is asked for, and tell whether nothing speaks against it."""
    unit, offset_min = _unit_and_offset(service)
    show = sys.stderr.isatty()
    download: LogDownload = service.download_log(_show_progress if show else None)
    if show:
        click.echo(err=True)
    verdict = service.verify_log(download) if verify else None
    if as_json:
        data = download_data(download, unit)
        if not whole:
            del data["records"]
        click.echo(to_json(data | ({} if verdict is None else {"verdict": verdict_data(verdict)})))
    else:
        records = log_lines(download.records, unit, offset_min) if whole else ()
        compared = () if verdict is None else verdict_lines(verdict)
        click.echo("\n".join([*records, *download_lines(download), *compared]))
    return verdict is None or verdict.same


def _show_progress(read: int, total: int) -> None:
    click.echo(f"\r{read:,} of {total:,} records", nl=False, err=True)
