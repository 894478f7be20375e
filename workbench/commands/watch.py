"""`cisterna pump LINK watch`: what the pump tells unasked, as it comes."""

from collections.abc import Iterable

import click
import msgspec

from programmer_tui.plain_care import notification_line
from programmer_tui.plain_data import notification_data
from programmer_tui.session import SessionService
from protocol.events import NotificationReceived
from protocol.messages.session import MAX_STATUS_PERIOD_S
from protocol.request_words import EventMask
from workbench.commands.pump_context import PumpContext

_LISTEN_MS = 1_000
_MS = 1_000
_EVENTS = {event.name.lower(): event for event in EventMask if event.name}


@click.command()
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(list(_EVENTS)),
    help="What to be told of; repeat it. All of it where none is given.",
)
@click.option(
    "--status-period",
    type=click.IntRange(0, MAX_STATUS_PERIOD_S),
    default=10,
    show_default=True,
    metavar="S",
    help="Seconds between two status lines, 0 for none.",
)
@click.option("--for", "seconds", type=click.IntRange(min=1), metavar="S", help="End after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each notification.")
@click.pass_obj
def watch(
    context: PumpContext, events: tuple[str, ...], status_period: int, seconds: int | None, as_json: bool
) -> None:
    """Print what the pump tells as it comes, acknowledge it, and keep the session open; Ctrl+C ends it."""
    mask = EventMask(0)
    for name in events or _EVENTS:
        mask |= _EVENTS[name]
    with context.session(as_json=as_json) as service:
        try:
            service.subscribe(mask, status_period)
            _watch(service, None if seconds is None else seconds * _MS, as_json=as_json)
        except KeyboardInterrupt:
            click.echo("Ended; the pump goes on.", err=True)


def _watch(service: SessionService, span_ms: int | None, *, as_json: bool) -> None:
    began_ms = asked_ms = service.view.now_ms
    every_ms = service.idle_timeout_s * _MS // 3
    while True:
        now_ms = service.view.now_ms
        left_ms = _LISTEN_MS if span_ms is None else span_ms - (now_ms - began_ms)
        if left_ms <= 0:
            return
        told = service.listen(min(_LISTEN_MS, left_ms))
        _say(told, as_json=as_json)
        if service.view.now_ms - asked_ms >= every_ms:
            asked_ms = service.view.now_ms
            service.keep_alive()


def _say(told: Iterable[NotificationReceived], *, as_json: bool) -> None:
    for event in told:
        if as_json:
            click.echo(msgspec.json.encode(notification_data(event)).decode())
        elif not event.repeated:
            click.echo(notification_line(event))
