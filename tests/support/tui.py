"""Driving the programmer in tests: raw keys, their clock, waiting for a condition, the screen as text."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.fake_service import FakeService
from textual import events
from textual.pilot import Pilot

from programmer_tui.app import ProgrammerApp
from programmer_tui.service_port import ServicePort

SNAPSHOTS = Path(__file__).parent.parent / "programmer_tui" / "ui" / "snapshots"
UPDATE = "CISTERNA_UPDATE_SNAPSHOTS"
_PATIENCE_S = 10.0
_SPINS = 400
_CALM = 2
_CHARACTERS = {"space": " ", "full_stop": ".", "comma": ",", "plus": "+", "minus": "-", "question_mark": "?"}
_NAMES = {character: name for name, character in _CHARACTERS.items()} | {":": "colon"}


@dataclass
class KeyClock:
    """The clock of the keys: each reading is as late as the test says."""

    now_ms: int = 0

    def __call__(self) -> int:
        return self.now_ms

    def wait(self, ms: int) -> None:
        """Let time go on."""
        self.now_ms += ms


@dataclass
class Driver:
    """A running app, the clock of its keys, and the ways to use them."""

    app: ProgrammerApp
    pilot: Pilot[int]
    clock: KeyClock
    gap_ms: int = 120

    async def keys(self, *keys: str, gap_ms: int | None = None, settle: bool = True) -> None:
        """Press keys as the terminal's driver would hand them in, `gap_ms` apart on the key clock."""
        for key in keys:
            self.clock.wait(self.gap_ms if gap_ms is None else gap_ms)
            self.app.post_message(key_event(key))
            await self._taken()
        if settle:
            await self.settle()

    async def _taken(self) -> None:
        """Wait until the app has taken what was handed in: it does so wholly, one key after the other."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE_S
        while _has_mail(self.app) and self.app.is_running and loop.time() < end:
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def burst(self, *keys: str) -> None:
        """Hand in keys as fast as a terminal can, without waiting for the app between them."""
        for key in keys:
            self.app.post_message(key_event(key))
        await self.settle()

    async def type(self, text: str, gap_ms: int | None = None) -> None:
        """Type a text key by key."""
        await self.keys(*text, gap_ms=gap_ms)

    async def paste(self, text: str) -> None:
        """Paste a text as a terminal with bracketed paste does."""
        self.app.post_message(events.Paste(text))
        await self.settle()

    async def settle(self) -> None:
        """Wait until messages are handled and drawing changes nothing any more."""
        calm = 0
        for _ in range(_SPINS if self.app.is_running else 0):
            await self.pilot._wait_for_screen()
            self.app.repaint()
            await self.pilot._wait_for_screen()
            # Textual lays out at most 60 times a second; a test need not wait for its turn.
            self.app.screen._on_timer_update()
            calm = calm + 1 if _is_quiet(self.app) else 0
            if calm == _CALM:
                return

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, drawing the newest view between looks."""
        await until(self.pilot, condition)

    async def until_text(self, *texts: str) -> None:
        """Wait until all texts stand on the screen."""
        try:
            await self.until(lambda: all(text in self.text for text in texts))
        except AssertionError:
            raise AssertionError(f"{texts} not on the screen:\n{self.text}") from None

    @property
    def text(self) -> str:
        """The screen as text."""
        return screen_text(self.app)

    @property
    def lines(self) -> list[str]:
        """The screen's lines."""
        return self.text.split("\n")


def key_event(key: str) -> events.Key:
    """Return the event of a key: a character, or a name such as `enter`, `f9`, `ctrl+q`."""
    if len(key) == 1:
        return events.Key(_NAMES.get(key, key), key)
    return events.Key(key, _CHARACTERS.get(key))


@dataclass
class Desktop(Driver):
    """A running app on a scripted service."""

    service: FakeService = field(default_factory=FakeService)

    def asked(self) -> list[str]:
        """What the app asked of the service, in order, without polling and log reading."""
        return self.service.names()


@asynccontextmanager
async def driver(port: ServicePort, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Driver]:
    """Run the app on any service without a terminal."""
    async with _running(port, size) as (app, pilot, clock):
        yield Driver(app, pilot, clock)


@asynccontextmanager
async def desktop(
    service: FakeService | None = None, size: tuple[int, int] = (80, 24), *, connected: bool = True
) -> AsyncIterator[Desktop]:
    """Run the app on a scripted service; where `connected`, wait for the overview."""
    service = FakeService() if service is None else service
    async with _running(service, size) as (app, pilot, clock):
        desk = Desktop(app, pilot, clock, service=service)
        await desk.settle()
        if connected:
            await desk.until_text("Therapy now")
        yield desk


@asynccontextmanager
async def _running(
    port: ServicePort, size: tuple[int, int]
) -> AsyncIterator[tuple[ProgrammerApp, Pilot[int], KeyClock]]:
    clock = KeyClock()
    app = ProgrammerApp(port, key_clock=clock)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        yield app, pilot, clock


def _is_quiet(app: ProgrammerApp) -> bool:
    """Whether nothing waits to be handled, styled or laid out."""
    nodes: list[Any] = [app.screen, *app.screen.walk_children()]
    waits = any(node._layout_required or node._refresh_styles_required for node in nodes)
    return not waits and not any(_has_mail(node) for node in [app, *nodes])


def _has_mail(node: Any) -> bool:  # noqa: ANN401 - Textual hides the type of its queue
    return bool(node._message_queue.qsize())


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Poll a condition, handling messages between looks; never a fixed pause.

    Raises:
        AssertionError: it did not come true within the patience of a busy machine.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE_S
    while not condition():
        if loop.time() > end:
            raise AssertionError("the condition did not come true")
        if isinstance(pilot.app, ProgrammerApp):
            pilot.app.repaint()
        await pilot._wait_for_screen()
        await asyncio.sleep(0)


def screen_text(app: ProgrammerApp) -> str:
    """Return what stands on the screen, without colours."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def check_snapshot(name: str, text: str) -> None:
    """Compare a screen with the stored one; with CISTERNA_UPDATE_SNAPSHOTS set it is stored instead."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
        return
    assert path.exists(), f"no snapshot {name}; run with {UPDATE}=1, then read it"
    stored = path.read_text(encoding="utf-8").removesuffix("\n")
    assert text == stored, f"{name} differs from its snapshot; the screen is now:\n{text}"
