"""Every screen as text at three sizes: the stored pictures, their essential rows, and the rules of numbers.

`CISTERNA_UPDATE_SNAPSHOTS=1` stores them anew; then read the difference before you believe it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.beliefs import FLEX_5_4_MG, a_belief, a_program, a_record, an_alarm
from support.error_prone import error_prone
from support.fake_service import FakeService
from support.tui import SNAPSHOTS, Desktop, check_snapshot, desktop

from protocol.log_record import (
    AlarmRaisedEvent,
    DeliveryStateEvent,
    ProgCommitEvent,
    RefillEvent,
    SessionOpenEvent,
)
from protocol.request_words import DeliveryReason
from protocol.vocabulary import AlarmCode, DeliveryState, DisplayUnit, DrugCode, EventType, Priority, Role

LOG = (
    a_record(113, RefillEvent(1_200_000, 20_000_000, 1_150_000), EventType.REFILL, actor=1),
    a_record(114, SessionOpenEvent(5, 1, Role.CLINICIAN), EventType.SESSION_OPEN, actor=1),
    a_record(115, ProgCommitEvent(7, 270_000, 5_400_000), EventType.PROG_COMMIT, actor=1),
    a_record(
        116,
        DeliveryStateEvent(DeliveryState.STOPPED, DeliveryState.RUNNING, 10_000, 0, DeliveryReason.NONE),
        EventType.DELIVERY_STATE,
    ),
    a_record(117, AlarmRaisedEvent(3, AlarmCode.MOTOR_STALL, Priority.HIGH, 0), EventType.ALARM_RAISED),
    a_record(118, b"\x01\x02", EventType.DAY_TOTAL),
)
ALARMS = (
    an_alarm(AlarmCode.MOTOR_STALL, Priority.HIGH),
    an_alarm(AlarmCode.RESERVOIR_LOW, Priority.MEDIUM, 2, 1_900_000),
)
SIZES = ((80, 24), (120, 40))
STEPS = ("f3", "down", "down", *"0.5")


async def overview(desk: Desktop) -> None:
    """Nothing to do: it is there."""


async def prescribe(desk: Desktop) -> None:
    await desk.keys(*STEPS)


async def prescribe_error(desk: Desktop) -> None:
    await desk.keys("f3", *"1,5")


async def review(desk: Desktop) -> None:
    await desk.keys(*STEPS, "enter", "down", "enter", "f9")
    await desk.until_text("Review before programming")
    await desk.keys("space", *"5.7", "f9")


async def result(desk: Desktop) -> None:
    await desk.keys("f3", *"5.5", "enter", "f9")
    await desk.until_text("Review before programming")
    reviewing = desk.app.desk.reviewing
    assert reviewing is not None
    await desk.keys(*["space", "pagedown"] * reviewing.pages, *"5.5", "f9")
    await desk.keys("y", gap_ms=1_100)
    await desk.until_text("VERIFIED.")


async def unknown(desk: Desktop) -> None:
    desk.service.lose_commit()
    await desk.keys("f3", *"5.5", "enter", "f9")
    await desk.until_text("Review before programming")
    reviewing = desk.app.desk.reviewing
    assert reviewing is not None
    await desk.keys(*["space", "pagedown"] * reviewing.pages, *"5.5", "f9")
    await desk.keys("y", gap_ms=1_100)
    await desk.until_text("OUTCOME UNKNOWN")


async def alarms(desk: Desktop) -> None:
    desk.service.alarm(alarms=ALARMS)
    await desk.keys("f7")


async def log(desk: Desktop) -> None:
    await desk.keys("f8", "down")


async def dialog(desk: Desktop) -> None:
    desk.service.alarm(alarms=ALARMS)
    await desk.keys("f3", "down", *"0.3", "enter", "ctrl+d")


SHOWN: dict[str, tuple[Callable[[Desktop], Awaitable[None]], tuple[str, ...]]] = {
    "overview": (overview, ("Daily dose     5.4", "13.2   mL  (calculated)", "┌", "66 % of 20 mL")),
    "prescribe": (prescribe, ("0.5_ mg/h  +25 %", "= 5.7 mg/day", "morphine 20 mg/mL")),
    "prescribe_error": (prescribe_error, ("1,_ mg/day", "^ NOT A NUMBER", "Use '.' as decimal point")),
    "review": (review, ("IN PUMP NOW", "PUMP COMPUTES", "+5.6 %", "Will program: DOE Jane")),
    "result": (result, ("VERIFIED.", "SENT", "PUMP REPORTS NOW", "= same", "Receipt     version 8")),
    "unknown": (unknown, ("!!! OUTCOME UNKNOWN", "LINK LOST", "F2 asks at once")),
    "alarms": (alarms, ("*** HIGH  MOTOR STALL", "** MEDIUM  LOW RESERVOIR", "To do")),
    "log": (log, (">   117", "!! ALARM", "MOTOR STALL, HIGH", "Details")),
    "dialog": (dialog, ("*** MOTOR STALL", "Discard all changes?", "> Keep the changes")),
}


@asynccontextmanager
async def shown(name: str, size: tuple[int, int]) -> AsyncIterator[Desktop]:
    """The app on the screen of that name."""
    async with desktop(FakeService(a_belief(a_program(FLEX_5_4_MG)), LOG), size) as desk:
        await SHOWN[name][0](desk)
        yield desk


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SHOWN)
async def test_a_screen_is_drawn_as_stored(name: str, size: tuple[int, int]) -> None:
    async with shown(name, size) as desk:
        text = desk.text
        missing = [words for words in SHOWN[name][1] if words not in text]
        assert not missing, text
        assert max(len(line) for line in desk.lines) <= size[0]
        assert len(desk.lines) == size[1]
        assert error_prone(text) == []
        assert ("Workflow" in text) is (size[0] >= 110 and name != "dialog")
        check_snapshot(f"{name}-{size[0]}x{size[1]}", text)


async def test_a_window_that_is_too_small_is_drawn_as_stored() -> None:
    async with desktop(FakeService(a_belief(alarms=ALARMS)), (60, 18), connected=False) as desk:
        assert "*** MOTOR STALL" in desk.text
        check_snapshot("too_small-60x18", desk.text)


async def test_the_connect_screen_is_drawn_as_stored() -> None:
    service = FakeService()
    service.held = {"connect"}
    async with desktop(service, connected=False) as desk:
        check_snapshot("connect-80x24", desk.text)


async def test_a_drug_in_micrograms_is_never_mixed_with_milligrams() -> None:
    """N4, N7: a baclofen pump shows mcg everywhere, with commas from 1,000."""
    table = ((0, 20_000),)
    program = a_program(table, 2_000_000, DrugCode.BACLOFEN, DisplayUnit.MCG)
    async with desktop(FakeService(a_belief(program), LOG), (120, 40)) as desk:
        texts = [desk.text]
        for keys in (("f3", *"1000"), ("enter", "down", "enter", "f9"), ("escape", "escape", "f8")):
            await desk.keys(*keys)
            texts.append(desk.text)
        assert "2,000 mcg/mL" in texts[1]
        for text in texts:
            assert "mg" not in text.replace("mcg", "")
            assert error_prone(text) == []


def test_no_stored_picture_breaks_a_rule_of_numbers() -> None:
    pictures = sorted(SNAPSHOTS.glob("*.txt"))
    assert len(pictures) == len(SHOWN) * len(SIZES) + 2
    for picture in pictures:
        assert error_prone(picture.read_text(encoding="utf-8")) == [], picture.name
