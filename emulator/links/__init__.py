"""The pump's ends of links: pseudo-terminal, TCP port, serial device, and an in-process null modem."""

from emulator.links.base import Connected, Disconnected, LinkEvent, PumpLink, Received
from emulator.links.memory import MemoryPumpLink
from emulator.links.spec import LinkSpec, make_link, parse_link_spec

__all__ = [
    "Connected",
    "Disconnected",
    "LinkEvent",
    "LinkSpec",
    "MemoryPumpLink",
    "PumpLink",
    "Received",
    "make_link",
    "parse_link_spec",
]
