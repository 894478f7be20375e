"""What stands on every screen: simulation, identity, link and age, pump state, alarms, pending changes."""

from dataclasses import replace

from support.beliefs import NOW_UTC_S, a_belief, an_alarm, without_program
from support.fake_service import FakeService
from support.tui import desktop

from programmer_tui.screens.result import ResultScreen
from programmer_tui.views import LinkHealth, Trouble
from programmer_tui.widgets.alarm_row import Beat, alarm_line
from protocol.messages.alarms import Alarm
from protocol.vocabulary import AlarmCode, AlarmState, DeliveryState, Priority

STALL = an_alarm(AlarmCode.MOTOR_STALL, Priority.HIGH, 1)
LOW = an_alarm(AlarmCode.RESERVOIR_LOW, Priority.MEDIUM, 2, detail=1_900_000)
DENIED = an_alarm(AlarmCode.PATIENT_BOLUS_DENIED, Priority.LOW, 3)


async def test_the_first_rows_stand_on_every_screen_and_dialog() -> None:
    async with desktop() as desk:
        for keys in (
            (),
            ("f3",),
            ("f1",),
            ("escape", "ctrl+p"),
            ("escape", "escape", "f7"),
            ("escape", "f8"),
        ):
            await desk.keys(*keys)
            first, second, third = desk.lines[:3]
            assert first.startswith(" SIMULATION - NOT FOR CLINICAL USE"), keys
            assert first.endswith("Mon 2026-03-02 10:41:07"), keys
            assert "DOE Jane TRAIN-07   Pump VP20-004711" in second, keys
            assert "LINK ok  read 0:00 ago" in second, keys
            assert third.startswith(" [>] INFUSING   ALARMS none   PENDING none"), keys


async def test_alarms_are_polled_sorted_and_stand_over_dialogs() -> None:
    """A1, A3: a high alarm that comes while a dialog is open is seen at once, the highest first."""
    async with desktop() as desk:
        await desk.keys("f1")
        await desk.until_text("Help: overview")
        desk.service.pump = replace(desk.service.pump, alarms=(DENIED, LOW, STALL))
        desk.service.advance_s(6)
        await desk.until_text("*** MOTOR STALL  ** LOW RESERVOIR  (3)", "Help: overview")
        await desk.keys("escape", "f7")
        await desk.until_text("*** HIGH  MOTOR STALL", "No drug is being", "computed content then 1.9 mL")
        assert desk.text.index("MOTOR STALL  since") < desk.text.index("LOW RESERVOIR  since")


async def test_quitting_past_unread_alarms_asks_and_reading_them_settles_it() -> None:
    async with desktop(FakeService(a_belief(alarms=(LOW,)))) as desk:
        await desk.keys("ctrl+q")
        await desk.until_text("Some alarms were not read (F7).", "> Stay")
        await desk.keys("enter", "f7")
        await desk.until_text("** MEDIUM  LOW RESERVOIR")
        await desk.keys("escape", "ctrl+q")
        await desk.until(lambda: desk.app.return_value == 0)


async def test_only_the_mark_flashes_and_never_the_words() -> None:
    """A2: high at 2 Hz, medium at 0.5 Hz, low steady; all steady where flashing is off."""
    async with desktop(FakeService(a_belief(alarms=(STALL, LOW)))) as desk:
        for alarms, period in (((STALL,), 2), ((LOW,), 8), ((DENIED,), 0)):
            desk.service.alarm(alarms=alarms)
            await desk.settle()
            lines = [alarm_line(desk.app.desk, Beat(tick, flashing=True), 80) for tick in range(8)]
            assert len({line.plain for line in lines}) == 1
            assert len({str(line.spans) for line in lines}) == (2 if period else 1)
        steady = [str(alarm_line(desk.app.desk, Beat(tick), 80).spans) for tick in range(8)]
        assert len(set(steady)) == 1
    assert [Beat(tick, flashing=True).reversed_now(Priority.HIGH) for tick in range(4)] == [
        False, True, False, True,
    ]  # fmt: skip


async def test_a_cleared_alarm_leaves_the_row() -> None:
    cleared = Alarm(1, AlarmCode.MOTOR_STALL, Priority.HIGH, AlarmState.CLEARED, 0, NOW_UTC_S, 0)
    async with desktop(FakeService(a_belief(alarms=(cleared,)))) as desk:
        assert "ALARMS none" in desk.lines[2]


async def test_values_show_their_age_and_are_marked_old() -> None:
    """I3: after 5 min OLD in words, in the second row and in each frame."""
    async with desktop() as desk:
        desk.service.held = {"refresh"}
        desk.service.advance_s(299)
        await desk.until_text("read 4:59 ago")
        assert "OLD" not in desk.text
        desk.service.advance_s(2)
        await desk.until_text("read 5:01 ago OLD", "OLD - read 5:01 ago")


async def test_a_lost_link_makes_state_and_moment_values_unknown() -> None:
    async with desktop() as desk:
        desk.service.lose_link()
        await desk.until_text("LINK LOST", "[?] UNKNOWN", "Flow now      --  link lost", "OLD - LINK LOST")
        assert "ALARMS none  (as last read)" in desk.text
        assert "Daily dose" in desk.text
        await desk.keys("f2")
        await desk.until_text("LINK ok", "[>] INFUSING")
        assert desk.asked()[-2:] == ["connect", "interrogate"]


async def test_what_was_not_read_says_so_and_is_never_a_zero() -> None:
    service = FakeService()
    service.held = {"connect"}
    async with desktop(service, connected=False) as desk:
        await desk.until_text("Patient --  not read", "ALARMS --  not read", "[?] UNKNOWN")


async def test_a_pump_without_a_program_cannot_be_prescribed_for() -> None:
    async with desktop(FakeService(without_program(a_belief()))) as desk:
        await desk.until_text("Program       none in the pump", "[!] STOPPED")
        await desk.keys("f3")
        assert "The pump holds no program." in desk.text
        assert desk.app.desk.draft is None


async def test_each_delivery_state_has_a_mark_and_a_word() -> None:
    async with desktop() as desk:
        words = set()
        for state in DeliveryState:
            desk.service.alarm(status=replace(desk.service.pump.status, delivery_state=state))
            await desk.settle()
            words.add(desk.lines[2].split("   ")[0])
        assert len(words) == len(DeliveryState)
        assert {" [!] STOPPED", " [>] INFUSING", " [?] UNKNOWN"} < words


async def test_what_cannot_be_drawn_is_a_display_fault_and_the_rest_goes_on() -> None:
    """A6: a value that cannot be written never shows as another value."""
    async with desktop() as desk:
        broken = replace(desk.service.pump.status, reservoir_nl=-1)
        desk.service.alarm(status=broken)
        await desk.until_text("DISPLAY FAULT", "Therapy now", "Daily dose")


async def test_problems_of_connecting_are_told_with_what_to_do_and_tried_again() -> None:
    service = FakeService()
    service.fail("connect", Trouble.WRONG_PUMP, "Wrong pump: VP20-9 answered.", "Check the link.")
    async with desktop(service, connected=False) as desk:
        await desk.until_text("PROBLEM", "Wrong pump: VP20-9 answered.", "Check the link.", "F2 tries again")
        desk.service.fail("interrogate", Trouble.LINK, "The link was lost.", link=LinkHealth.LOST)
        await desk.keys("f2")
        await desk.until_text("The link was lost.", "LINK LOST")
        await desk.keys("f2")
        await desk.until_text("Therapy now")
        assert desk.asked() == ["connect", "connect", "interrogate", "connect", "interrogate"]


async def test_below_80_by_24_the_alarm_row_and_a_hint_remain_and_nothing_can_be_done() -> None:
    async with desktop(FakeService(a_belief(alarms=(STALL,))), size=(60, 18), connected=False) as desk:
        assert "*** MOTOR STALL" in desk.text
        assert "Enlarge this window to 80x24 or more (now 60x18)." in desk.text
        await desk.keys("f3")
        assert "Enlarge the window first." in desk.text
        await desk.keys(*"9", "enter", "f9")
        assert desk.app.desk.draft is None
        await desk.pilot.resize_terminal(80, 24)
        await desk.until_text("Therapy now")
        await desk.keys("f3", *"6")
        await desk.pilot.resize_terminal(60, 18)
        await desk.until_text("Enlarge this window")
        await desk.keys("enter")
        await desk.pilot.resize_terminal(80, 24)
        await desk.until_text("NOT ACCEPTED")
        assert desk.app.desk.pending == 0


async def test_a_new_alarm_rings_the_bell_where_that_is_wanted() -> None:
    rung: list[int] = []
    async with desktop() as desk:
        desk.app._bell = True
        desk.app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        desk.app.beat()
        desk.service.alarm(alarms=(STALL,))
        desk.app.beat()
        desk.app.beat()
        assert rung == [1]
        assert not isinstance(desk.app.screen, ResultScreen)
