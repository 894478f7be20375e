"""Waiting for a pump link without sleeping: on its descriptors, as the host loop does."""

import select
from collections.abc import Callable

from emulator.links import LinkEvent, PumpLink, Received

PATIENCE_S = 10.0


def gather(link: PumpLink, enough: Callable[[list[LinkEvent]], bool]) -> list[LinkEvent]:
    """Poll `link` until the events so far are enough; fails when nothing happens for long."""
    events = link.poll()
    while not enough(events):
        readers, writers = link.wait_on()
        assert any(select.select(readers, writers, [], PATIENCE_S)), f"nothing more happened after {events}"
        events += link.poll()
    return events


def receive(link: PumpLink, count: int) -> bytes:
    """Poll `link` until `count` octets came in."""
    return octets(gather(link, lambda events: len(octets(events)) >= count))


def expect(link: PumpLink, kind: type[LinkEvent]) -> list[LinkEvent]:
    """Poll `link` until an event of `kind` came."""
    return gather(link, lambda events: any(isinstance(event, kind) for event in events))


def octets(events: list[LinkEvent]) -> bytes:
    """Return all octets of `events` together."""
    return b"".join(event.data for event in events if isinstance(event, Received))
