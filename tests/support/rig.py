"""A whole clinic in memory: the real pump behind the real host loop, and session services that talk to it.

Link time is virtual. The link can be cut after a number of octets in either direction, and answers can be
swallowed, so that a test can break a session at any point of the wire.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from emulator.clock import PumpClock
from emulator.host import Host
from emulator.links import MemoryPumpLink
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from programmer_tui.clinic.prescription import prescription_of_program, program_with, with_daily_dose
from programmer_tui.connection import CardDetails, Connector
from programmer_tui.records import Records
from programmer_tui.session import SessionService
from programmer_tui.views import Belief
from protocol.client import PumpClient
from protocol.endpoint_pump import PumpEndpoint
from protocol.link_error import LinkError, LinkFailure
from protocol.memory_link import MemoryPeer, VirtualClock, memory_link_pair
from protocol.program import Program

START_UTC_S = 1_772_448_067
"""Monday 2026-03-02 10:41:07 UTC."""


def counting_entropy(name: str) -> Callable[[int], bytes]:
    """Return a reproducible source of octets, never the same twice."""
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{name} {drawn}".encode()).digest(count)

    return draw


class Line:
    """A link to the pump that can break.

    Args:
        cut_after: octets from the programmer after which the link is gone, None for never.
        swallow_answers_from: number of the write (0 is the first) from which on nothing comes back.
    """

    def __init__(
        self, rig: "Rig", cut_after: int | None = None, swallow_answers_from: int | None = None
    ) -> None:
        self._link, self._peer = memory_link_pair(rig.clock)
        self._rig = rig
        self._cut_after = cut_after
        self._swallow_from = swallow_answers_from
        self.octets = 0
        self.writes = 0
        self.boundaries: list[int] = []
        rig.attach(self._peer)

    @property
    def description(self) -> str:
        return "memory"

    def now_ms(self) -> int:
        return self._link.now_ms()

    def read(self, timeout_ms: int) -> bytes:
        self._check()
        data = self._link.read(timeout_ms)
        swallowing = self._swallow_from is not None and self.writes > self._swallow_from
        return b"" if swallowing else data

    def write(self, data: bytes) -> None:
        self._check()
        self.writes += 1
        if self._cut_after is not None and self.octets + len(data) > self._cut_after:
            data = data[: self._cut_after - self.octets]
        self.octets += len(data)
        self.boundaries.append(self.octets)
        self._link.write(data)
        # What has left is on its way, also when the link breaks now.
        self._peer.serve(self.now_ms())

    def close(self) -> None:
        self._link.close()

    def _check(self) -> None:
        if self._cut_after is not None and self.octets >= self._cut_after:
            self._link.close()
            raise LinkError(LinkFailure.VANISHED, "link memory is gone (cut by the test); connect again")


class Rig:
    """One pump, and whatever links and programmers a test gives it."""

    def __init__(self, tmp_path: Path, seed: int = 1) -> None:
        self.tmp_path = tmp_path
        self.clock = VirtualClock()
        self.pump_clock = PumpClock(self.clock.now_ms)
        self.pump: Pump = make_pump("peristaltic-20", seed=seed, utc_s=START_UTC_S, setup="first-visit")
        self.endpoint = PumpEndpoint(self.pump, counting_entropy("pump"))
        self.host: Host | None = None
        self._entropy = counting_entropy("programmer")
        card = self.pump.card
        self.card = CardDetails(card.serial, card.static_public, card.secret)
        self.lines: list[Line] = []

    def attach(self, peer: MemoryPeer) -> None:
        """Put the pump on a new line, as when a client opens the pseudo-terminal again."""
        self.host = Host(self.pump, self.endpoint, MemoryPumpLink(peer), self.pump_clock)
        peer.attach(self.host.step)

    def reset_pump(self) -> None:
        """Power-cycle the pump: sessions are gone."""
        self.pump.reset()
        self.endpoint = PumpEndpoint(self.pump, counting_entropy("pump after reset"))

    def service(
        self, records: str = "records.sqlite", *, serial: str = "", line: Callable[[], Line] | None = None
    ) -> SessionService:
        """Return a session service with its own records, not connected."""

        def open_client() -> PumpClient:
            opened = line() if line else Line(self)
            self.lines.append(opened)
            return PumpClient(opened, entropy=self._entropy)

        store = Records(self.tmp_path / records, self._entropy)
        return SessionService(
            Connector(open_client, store, serial),
            link_name="memory",
            now_ms=self.clock.now_ms,
            now_utc_s=lambda: START_UTC_S + self.clock.now_ms() // 1000,
            entropy=self._entropy,
            operator="RN Lee",
        )

    def enrolled(self, records: str = "records.sqlite", **options: object) -> SessionService:
        """Return a service that is bonded, connected and has interrogated."""
        service = self.service(records)
        service.enrol(self.card, "test")
        service.connect()
        service.interrogate()
        return service


def raised_dose(belief: Belief, percent: int = 10) -> Program:
    """Return the program of ``belief`` with its daily dose raised."""
    assert belief.program is not None
    current = prescription_of_program(belief.program)
    return program_with(
        belief.program, with_daily_dose(current, current.daily_dose_ng * (100 + percent) / 100)
    )
