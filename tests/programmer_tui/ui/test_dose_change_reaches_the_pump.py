"""The whole dose change with raw keys on the real pump behind the real host loop, asserted on the pump."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.rig import Rig
from support.tui import Driver, driver

from programmer_tui.clinic.prescription import prescription_of_program
from programmer_tui.clinic.workflow import Stage
from programmer_tui.service_thread import ServiceThread
from programmer_tui.session import SessionService
from protocol.program import Program, decode_program
from protocol.states import SyncState
from protocol.vocabulary import EventType

NEW_DOSE = "5.4"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def bonded(rig: Rig) -> SessionService:
    """A service that has a bond and is not connected yet."""
    rig.enrolled().close()
    return rig.service()


@asynccontextmanager
async def programmer(rig: Rig) -> AsyncIterator[Driver]:
    """Run the app on the real service in its real thread."""
    thread = ServiceThread(bonded(rig), rig.clock.now_ms)
    try:
        async with driver(thread) as desk:
            await desk.until_text("Therapy now", "[>] INFUSING")
            yield desk
    finally:
        thread.stop()


def program_in_pump(rig: Rig) -> Program:
    """What the pump itself holds, read from its storage and not over the link."""
    store = rig.pump.controller.programs
    image = store.read(store.table.active)
    assert image is not None
    return decode_program(image)


async def to_confirmation(desk: Driver, dose: str) -> None:
    """Type a dose, have it checked, read all pages, type it again: everything but F9 and Y."""
    await desk.keys("f3")
    await desk.type(dose)
    await desk.keys("enter", "f9")
    await desk.until_text("Review before programming")
    for _ in range(desk.app.desk.reviewing.pages if desk.app.desk.reviewing else 0):
        await desk.keys("space", "pagedown")
    await desk.type(dose)
    await desk.until_text("The dose matches")


async def confirm(desk: Driver) -> None:
    """F9, a second of silence, Y."""
    await desk.keys("f9")
    desk.clock.wait(1_100)
    await desk.keys("y")


async def test_a_typed_dose_reaches_the_pump_and_is_read_back(rig: Rig) -> None:
    before = program_in_pump(rig)
    async with programmer(rig) as desk:
        await to_confirmation(desk, NEW_DOSE)
        assert program_in_pump(rig) == before
        await confirm(desk)
        await desk.until_text("VERIFIED. The pump was read again")
        assert "Receipt     version 2" in desk.text
        await desk.keys("enter")
        await desk.until_text("Daily dose     5.4")
    held = prescription_of_program(program_in_pump(rig))
    assert held.delivered_ng_per_day == pytest.approx(5_400_000, abs=500)
    assert rig.pump.belief().rate_nl_h in {rate for _, rate in held.rate_table}


async def test_everything_but_the_last_key_leaves_the_pump_as_it_was(rig: Rig) -> None:
    before = program_in_pump(rig)
    async with programmer(rig) as desk:
        await to_confirmation(desk, NEW_DOSE)
        await desk.keys("f9")
        desk.clock.wait(1_100)
        await desk.keys("enter", "enter", "space", "escape")
        await desk.settle()
        assert desk.app.desk.stage is Stage.REVIEW
    assert program_in_pump(rig) == before


async def test_a_lost_answer_is_shown_and_resolved_by_the_pump(rig: Rig) -> None:
    before = program_in_pump(rig)
    async with programmer(rig) as desk:
        await to_confirmation(desk, NEW_DOSE)
        line = rig.lines[-1]
        line._swallow_from = line.writes
        await confirm(desk)
        await desk.until(lambda: desk.app.desk.resolution is not None)
        await desk.until_text("RESOLVED BY THE PUMP'S RECEIPT - APPLIED")
        assert desk.app.desk.view.sync is SyncState.IN_SYNC
    assert program_in_pump(rig) != before


async def test_the_change_stands_in_the_log_of_the_pump(rig: Rig) -> None:
    async with programmer(rig) as desk:
        await to_confirmation(desk, NEW_DOSE)
        await confirm(desk)
        await desk.until_text("VERIFIED.")
        await desk.keys("f8")
        await desk.until(lambda: any(r.type is EventType.PROG_COMMIT for r in desk.app.desk.view.log))
        await desk.until_text("programmed", "version 2: 5.4 mg/")
