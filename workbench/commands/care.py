"""`cisterna pump LINK clock`, `alarms`, `bonds` and `self-test`."""

import sys
import time

import click

from programmer_tui.clinic.alarm_words import STATE_WORDS
from programmer_tui.plain_care import bond_lines, clock_lines, self_test_lines
from programmer_tui.plain_data import alarm_data, body_data, bond_data
from programmer_tui.plain_text import alarm_lines
from protocol.messages.alarms import MAX_HIGH_SILENCE_S, MAX_SILENCE_S
from protocol.messages.bonds import MAX_BONDS
from protocol.request_words import ClockSource, SelfTest
from workbench.commands.pump_context import PumpContext
from workbench.commands.quantities import NOW, parse_utc_s, quantity
from workbench.commands.shared import json_option, to_json
from workbench.exit_codes import ExitCode

_SLOT = click.IntRange(0, MAX_BONDS - 1)
_INSTANCE = click.IntRange(0, 0xFFFF)
_TESTS = {test.name.lower().replace("_", "-"): test for test in SelfTest if test.name}


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def clock(ctx: click.Context, as_json: bool) -> None:
    """Show the pump's clocks, or set its civil time."""
    if ctx.invoked_subcommand is None:
        context: PumpContext = ctx.obj
        with context.session(as_json=as_json) as service:
            told = service.clock()
        click.echo(to_json(body_data(told)) if as_json else "\n".join(clock_lines(told)))


@clock.command("set")
@click.option(
    "--utc",
    callback=quantity(parse_utc_s),
    required=True,
    metavar="TIME",
    help="now, or a UTC time as in 2026-03-02T10:41:07.",
)
@click.option(
    "--offset", type=click.IntRange(-840, 840), metavar="MIN", help="Offset of local time; as it is if left."
)
@json_option
@click.pass_obj
def set_clock(context: PumpContext, utc: int, offset: int | None, as_json: bool) -> None:
    """Set the pump's civil time. Lockouts and dose windows do not follow it."""
    source = ClockSource.PROGRAMMER if utc == NOW else ClockSource.OPERATOR
    with context.session(as_json=as_json) as service:
        before = service.clock()
        wanted = int(time.time()) if utc == NOW else utc
        answer = service.set_clock(wanted, before.utc_offset_min if offset is None else offset, source)
        after = service.clock()
    if as_json:
        click.echo(to_json({"answer": body_data(answer), "clock": body_data(after)}))
    else:
        step = f"{answer.step_s:+d} s" if before.utc_s else "was not set before"
        click.echo(f"Set; the step was {step} (log record {answer.log_seq}).")
        click.echo("\n".join(clock_lines(after)))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def alarms(ctx: click.Context, as_json: bool) -> None:
    """Show every alarm that stands; acknowledge or silence one."""
    if ctx.invoked_subcommand is None:
        context: PumpContext = ctx.obj
        with context.session(as_json=as_json) as service:
            told = service.glance()
        data = {"alarms": [alarm_data(alarm) for alarm in told.alarms]}
        lines = alarm_lines(told.alarms, told.clock.utc_offset_min if told.clock else 0)
        click.echo(to_json(data) if as_json else "\n".join(lines))


@alarms.command()
@click.argument("instance", type=_INSTANCE)
@json_option
@click.pass_obj
def ack(context: PumpContext, instance: int, as_json: bool) -> None:
    """Say that a person has seen the alarm INSTANCE; its condition clears by itself."""
    with context.session(as_json=as_json) as service:
        answer = service.acknowledge_alarm(instance)
    text = f"Alarm {answer.instance}: {STATE_WORDS[answer.state]}"
    click.echo(to_json(body_data(answer)) if as_json else text)


@alarms.command()
@click.argument("instance", type=_INSTANCE)
@click.option(
    "--seconds",
    type=click.IntRange(1, MAX_SILENCE_S),
    required=True,
    help=f"How long; one of high priority at most {MAX_HIGH_SILENCE_S}.",
)
@json_option
@click.pass_obj
def silence(context: PumpContext, instance: int, seconds: int, as_json: bool) -> None:
    """Silence the alarm INSTANCE for a time; it sounds again afterwards while its condition lasts."""
    with context.session(as_json=as_json) as service:
        answer = service.silence_alarm(instance, seconds)
    text = f"Alarm {answer.instance}: {STATE_WORDS[answer.state]}, until uptime {answer.until_uptime_s} s"
    click.echo(to_json(body_data(answer)) if as_json else text)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def bonds(ctx: click.Context, as_json: bool) -> None:
    """Show who is bonded with the pump; confirm or revoke a bond."""
    if ctx.invoked_subcommand is None:
        _list_bonds(ctx.obj, as_json=as_json)


@bonds.command("list")
@json_option
@click.pass_obj
def list_bonds(context: PumpContext, as_json: bool) -> None:
    """Show who is bonded with the pump."""
    _list_bonds(context, as_json=as_json)


def _list_bonds(context: PumpContext, *, as_json: bool) -> None:
    with context.session(as_json=as_json) as service:
        told = service.bonds()
    data = {"bonds": [bond_data(bond) for bond in told]}
    click.echo(to_json(data) if as_json else "\n".join(bond_lines(told)))


@bonds.command()
@click.argument("slot", type=_SLOT)
@json_option
@click.pass_obj
def confirm(context: PumpContext, slot: int, as_json: bool) -> None:
    """Vouch for the provisional bond in SLOT: from now on it may do what its role may."""
    with context.session(as_json=as_json) as service:
        answer = service.confirm_bond(slot)
    text = f"Bond {answer.slot} is confirmed (log record {answer.log_seq})."
    click.echo(to_json(body_data(answer)) if as_json else text)


@bonds.command()
@click.argument("slot", type=_SLOT)
@json_option
@click.pass_obj
def revoke(context: PumpContext, slot: int, as_json: bool) -> None:
    """End the bond in SLOT for good, and its session with it."""
    with context.session(as_json=as_json) as service:
        answer = service.revoke_bond(slot)
    text = f"Bond {answer.slot} is revoked (log record {answer.log_seq})."
    click.echo(to_json(body_data(answer)) if as_json else text)


@click.command("self-test")
@click.argument("names", nargs=-1, type=click.Choice(list(_TESTS)))
@json_option
@click.pass_obj
def self_test(context: PumpContext, names: tuple[str, ...], as_json: bool) -> None:
    """Let the pump test itself while it delivers, all or NAMES; needs a bond with the service role."""
    wanted = SelfTest(0)
    for name in names or _TESTS:
        wanted |= _TESTS[name]
    with context.session(as_json=as_json) as service:
        answer = service.self_test(wanted)
    click.echo(to_json(body_data(answer)) if as_json else "\n".join(self_test_lines(answer)))
    if answer.failed:
        sys.exit(ExitCode.FAILED)
