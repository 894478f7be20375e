"""A pump and a session service in one process, joined by a null modem on virtual time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emulator.clock import PumpClock
from emulator.host import Host
from emulator.links import MemoryPumpLink
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from programmer_tui.connection import CardDetails, Connector
from programmer_tui.records import Records
from programmer_tui.session import SessionService
from protocol.client import PumpClient
from protocol.endpoint_pump import PumpEndpoint
from protocol.link import system_entropy
from protocol.memory_link import VirtualClock, memory_link_pair
from protocol.vocabulary import ClientKind

DEMO_SETUP: Final = "morning-dose"
"""The situation the demo and its picture show: a pattern with steps that can be seen."""


@dataclass(frozen=True, slots=True)
class MemoryClinic:
    """One pump, one programmer, one clock."""

    pump: Pump
    service: SessionService
    card: CardDetails
    clock: VirtualClock


def memory_clinic(
    folder: Path,
    *,
    seed: int,
    utc_s: int,
    operator: str = "RN Lee",
    now_utc_s: Callable[[], int] | None = None,
) -> MemoryClinic:
    """Return a clinic whose records lie in ``folder``; each session opens a new line to the same pump.

    ``now_utc_s`` is the programmer's civil time, that of the virtual clock where it is not given.
    """
    pump = make_pump(seed=seed, utc_s=utc_s, setup=DEMO_SETUP)
    endpoint = PumpEndpoint(pump, system_entropy)
    clock = VirtualClock()
    pump_clock = PumpClock(clock.now_ms)

    def open_client() -> PumpClient:
        line, peer = memory_link_pair(clock)
        host = Host(pump, endpoint, MemoryPumpLink(peer), pump_clock)
        peer.attach(host.step)
        return PumpClient(line, client_kind=ClientKind.PROGRAMMER, operator=operator)

    service = SessionService(
        Connector(open_client, Records(folder / "records.sqlite", system_entropy)),
        link_name="memory",
        now_ms=clock.now_ms,
        now_utc_s=now_utc_s or (lambda: utc_s + clock.now_ms() // 1000),
        entropy=system_entropy,
        operator=operator,
    )
    card = CardDetails(pump.card.serial, pump.card.static_public, pump.card.secret)
    return MemoryClinic(pump, service, card, clock)
