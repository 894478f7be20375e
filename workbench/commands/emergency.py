"""`cisterna pump LINK emergency`: the little that anybody may do with the published emergency key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from programmer_tui.plain_data import status_data, therapy_data
from programmer_tui.plain_text import status_lines
from programmer_tui.plain_therapy import therapy_lines
from programmer_tui.session import SessionService
from protocol.request_words import DeliveryReason
from protocol.vocabulary import DeliveryState
from workbench.commands.pump_context import PumpContext
from workbench.commands.shared import json_option, load_card, to_json

_card = click.option(
    "--card",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The pump's implant card, for the pump's own key; a bonded programmer needs none.",
)


@click.group()
def emergency() -> None:
    """Read the pump, or slow it, with the published emergency key.

    It works on the near link only, after 30 s of the programming head on the pump, as far as the pump's
    program allows; each use is logged and alarmed.
    """


@emergency.command("status")
@_card
@json_option
@click.pass_obj
def emergency_status(context: PumpContext, card: Path | None, as_json: bool) -> None:
    """Show what the pump is doing."""
    with _after_dwell(context, card, as_json=as_json) as service:
        told = service.glance()
    click.echo(to_json(status_data(told)) if as_json else "\n".join(status_lines(told)))


@emergency.command()
@click.option(
    "--minutes",
    type=click.IntRange(1, 0xFFFF),
    required=True,
    help="After this time the program resumes by itself.",
)
@_card
@json_option
@click.pass_obj
def suspend(context: PumpContext, minutes: int, card: Path | None, as_json: bool) -> None:
    """Slow delivery to the minimum rate for a time; it never lifts what a clinician ordered."""
    with _after_dwell(context, card, as_json=as_json) as service:
        result = service.set_delivery(DeliveryState.MIN_RATE, minutes, DeliveryReason.EMERGENCY)
    click.echo(to_json(therapy_data(result)) if as_json else "\n".join(therapy_lines(result)))


@contextmanager
def _after_dwell(context: PumpContext, card: Path | None, *, as_json: bool) -> Iterator[SessionService]:
    details = load_card(card)
    with context.emergency(details.static_public if details else None, as_json=as_json) as service:
        service.wait_for_dwell(_say_left)
        yield service


def _say_left(seconds: int) -> None:
    click.echo(f"Keep the programming head on the pump: {seconds} s left.", err=True)
