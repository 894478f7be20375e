"""`cisterna pump` on a whole clinic in memory: the real verbs, the real pump, a link that can go silent.

Only what opens links and reads clocks is replaced, so every verb runs as it does on a real line; time is
virtual. The pump is on a near link called ``near`` and, where it has the feature, on one called ``far``.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from support.rig import START_UTC_S, counting_entropy

from emulator.clock import PumpClock
from emulator.host import Host
from emulator.links import LinkEvent, MemoryPumpLink
from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from programmer_tui.session import SessionService
from protocol.endpoint_pump import PumpEndpoint
from protocol.link import Link, open_link
from protocol.link_control import LinkClass
from protocol.memory_link import MemoryLink, MemoryPeer, VirtualClock, memory_link_pair
from protocol.requests import Request
from protocol.vocabulary import Role
from workbench.card_file import write_card
from workbench.cli import main
from workbench.sessions import SessionOptions, make_service

_PACE_MS = 3_000
"""Between two verbs: the pump takes 30 handshakes a minute on its near link."""


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the verb prints
        """Its standard output as JSON."""
        assert self.code == 0, self.err + self.out
        return json.loads(self.out)


class Socket:
    """The pump's end of a link into which one line after the other is plugged; a `PumpLink`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.discarded_bytes = 0
        self.poll_interval_ms: int | None = None
        self._plugs: list[MemoryPumpLink] = []

    def plug(self, peer: MemoryPeer) -> None:
        self._plugs.append(MemoryPumpLink(peer))

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (), ()

    def start(self) -> None:
        pass

    def poll(self) -> list[LinkEvent]:
        return [event for plug in self._plugs for event in plug.poll()]

    def write(self, data: bytes) -> None:
        if self._plugs:
            self._plugs[-1].write(data)

    def close(self) -> None:
        pass


class Line:
    """A programmer's end that hears nothing while the clinic is mute."""

    def __init__(self, clinic: "HeadlessClinic", link: MemoryLink, name: str) -> None:
        self._clinic = clinic
        self._link = link
        self.description = name

    def read(self, timeout_ms: int) -> bytes:
        if self._clinic.interrupt_at_ms is not None and self.now_ms() >= self._clinic.interrupt_at_ms:
            self._clinic.interrupt_at_ms = None
            raise KeyboardInterrupt
        data = self._link.read(timeout_ms)
        return b"" if self._clinic.mute else data

    def write(self, data: bytes) -> None:
        self._link.write(data)

    def close(self) -> None:
        self._link.close()

    def now_ms(self) -> int:
        return self._link.now_ms()


class HeadlessClinic:
    """One pump and whoever runs verbs on it.

    Args:
        folder: where cards and records lie.
        setup: the situation the pump is in.
        far_link: whether it has the far-link feature, and a far link.
        lab_role: whether it answers lab plaintext, and in which role.
    """

    def __init__(
        self,
        folder: Path,
        *,
        setup: str = "first-visit",
        far_link: bool = False,
        lab_role: Role | None = None,
        seed: int = 1,
    ) -> None:
        self.folder = folder
        self.clock = VirtualClock()
        self.pump: Pump = make_pump(seed=seed, utc_s=START_UTC_S, setup=setup, far_link=far_link)
        self.mute = False
        self.interrupt_at_ms: int | None = None
        self._sockets = {"near": Socket("near"), "far": Socket("far")}
        entropy = counting_entropy("pump")
        near = PumpEndpoint(self.pump, entropy, lab_role=lab_role)
        self.pump_clock = PumpClock(self.clock.now_ms)
        self.host = Host(self.pump, near, self._sockets["near"], self.pump_clock)
        if far_link:
            far = PumpEndpoint(self.pump, entropy, link_class=LinkClass.FAR, lab_role=lab_role)
            self.host.add_link(far, self._sockets["far"])
        self.card = folder / "card.json"
        card = self.pump.card
        write_card(self.card, card.serial, card.static_public, card.secret)

    def open_link(self, text: str, **options: Any) -> Link:  # noqa: ANN401 - those of the real one
        """Plug a new line in; what `protocol.link.open_link` is replaced by."""
        if text not in self._sockets:
            return open_link(text, **options)
        link, peer = memory_link_pair(self.clock)
        self._sockets[text].plug(peer)
        peer.attach(self.host.step)
        return Line(self, link, text)

    @contextmanager
    def service(self, records: str = "clinic") -> Iterator[SessionService]:
        """Give a connected session service, for what no verb does."""
        with self._replaced():
            service = make_service(SessionOptions("near", self.folder / f"{records}.sqlite"))
            try:
                service.connect()
                yield service
            finally:
                service.close()

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        utc = SimpleNamespace(time=lambda: START_UTC_S + self.clock.now_ms() // 1_000)
        with (
            patch("workbench.sessions.open_link", self.open_link),
            patch("workbench.sessions.monotonic_ms", self.clock.now_ms),
            patch("workbench.sessions.time", utc),
            patch("workbench.commands.care.time", utc),
        ):
            yield

    # --- verbs ----------------------------------------------------------------------------------------------

    def run(self, *verb: str, records: str = "clinic", link: str = "near") -> Said:
        """Run one verb by the console script's own entry, at the pace of a person at a shell."""
        self.pass_ms(_PACE_MS)
        arguments = ["pump", "--records", str(self.folder / f"{records}.sqlite"), link, *verb]
        with self._replaced():
            return say(arguments)

    def json(self, *verb: str, records: str = "clinic", link: str = "near") -> Any:  # noqa: ANN401
        """Run one verb and return its JSON."""
        return self.run(*verb, "--json", records=records, link=link).json

    def enrol(self, role: str = "clinician", records: str = "clinic") -> None:
        """Bond a programmer, and let its first session confirm it where one can."""
        done = self.run("enrol", "--card", str(self.card), "--role", role, "--label", role, records=records)
        assert done.code == 0, done.err
        assert self.run("status", records=records).code == 0

    @contextmanager
    def losing_answers_to(self, message: str) -> Iterator[None]:
        """Let the line go silent once the pump has executed a request of that name, until the block ends."""
        handle = self.pump.handle

        def silenced(request: Request) -> Any:  # noqa: ANN401 - any response
            answer = handle(request)
            self.mute = self.mute or request.spec.name == message
            return answer

        with patch.object(self.pump, "handle", silenced):
            yield
        self.mute = False

    @contextmanager
    def losing_requests(self, message: str) -> Iterator[None]:
        """Let the line go silent when a request of that name arrives, before the pump executes it."""
        from firmware_model.controller.storage import PowerCut

        handle = self.pump.handle

        def cut(request: Request) -> Any:  # noqa: ANN401 - any response
            if request.spec.name == message:
                self.mute = True
                raise PowerCut("cut by the test")
            return handle(request)

        with patch.object(self.pump, "handle", cut):
            yield
        self.mute = False

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        self.clock.advance_to(self.clock.now_ms() + ms)
        self.host.step(self.clock.now_ms())


def say(arguments: list[str]) -> Said:
    """Call the console script's entry as the shell would."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["cisterna", *arguments]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())
