"""A pump that answers lab plaintext is announced on every screen and dialog while it is the pump."""

from pathlib import Path

import pytest
from support.fake_service import FakeService
from support.headless import HeadlessClinic
from support.tui import Desktop, desktop, driver

from programmer_tui.screens.registry import SCREENS
from programmer_tui.service_thread import ServiceThread
from programmer_tui.views import LinkHealth
from protocol.vocabulary import Role

SIZES = [(80, 24), (120, 40)]


def in_lab() -> FakeService:
    service = FakeService()
    service.change(in_lab=True)
    return service


def first_row(desk: Desktop) -> str:
    return desk.lines[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [(), ("f3",), ("f7",), ("f8",), ("f1",), ("ctrl+q",)])
async def test_the_first_row_of_every_screen_says_it(size: tuple[int, int], keys: tuple[str, ...]) -> None:
    async with desktop(in_lab(), size) as desk:
        for key in keys:
            await desk.keys(key)
        row = first_row(desk)
        assert "SIMULATION - NOT FOR CLINICAL USE - LAB PLAINTEXT" in row
        assert len(row) <= size[0]
        assert "10:41" in row, "the time still fits beside it"


async def test_it_stays_when_the_link_is_lost_and_in_a_small_window() -> None:
    async with desktop(in_lab(), (60, 18), connected=False) as desk:
        assert "LAB PLAINTEXT" in desk.text
        desk.service.lose_link()
        await desk.until(lambda: desk.service.view.link is LinkHealth.LOST)
        assert "LAB PLAINTEXT" in desk.text


async def test_without_it_nothing_is_said() -> None:
    async with desktop() as desk:
        assert "LAB" not in desk.text
    assert len(SCREENS) > 4


async def test_a_real_pump_of_the_laboratory_is_announced_in_a_session_with_keys(tmp_path: Path) -> None:
    """Whoever treats with a card must know that others need none."""
    clinic = HeadlessClinic(tmp_path, lab_role=Role.READER)
    clinic.enrol()
    with clinic.service() as service:
        service.interrogate()
        thread = ServiceThread(service, clinic.clock.now_ms)
        async with driver(thread) as desk:
            await desk.until_text("LAB PLAINTEXT", "Therapy now")
        thread.stop()
