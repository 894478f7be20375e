"""Typing doses with raw keys: nothing dropped or repaired, nothing half-typed accepted, no wrong row."""

from support.beliefs import FLEX_5_4_MG, a_belief, a_program
from support.fake_service import FakeService
from support.tui import Desktop, desktop

from programmer_tui.clinic.entry_state import Phase


def flex() -> FakeService:
    return FakeService(a_belief(a_program(FLEX_5_4_MG)))


def phase(desk: Desktop) -> Phase:
    assert desk.app.editing.entry is not None
    return desk.app.editing.entry.phase


async def test_a_wrong_key_is_shown_and_locks_the_field() -> None:
    """E2, E3: `1,5` never becomes 15; only Backspace, Del and Esc work then."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("1,5")
        assert phase(desk) is Phase.ERROR
        assert "1,_ mg/day" in desk.text
        assert "^ NOT A NUMBER" in desk.text
        await desk.keys("enter")
        assert desk.app.desk.pending == 0
        await desk.keys("backspace")
        await desk.type(".23456")
        assert "TOO MANY DECIMALS" in desk.text
        await desk.keys("delete")
        assert "was 4.8 mg/day" in desk.text


async def test_a_value_that_is_not_finished_is_not_accepted() -> None:
    """E4: `5.` and an empty field accept nothing."""
    async with desktop() as desk:
        await desk.keys("f3", "enter", "enter")
        assert "Nothing is typed yet." in desk.text
        await desk.type("5.")
        await desk.keys("enter")
        assert phase(desk) is Phase.INCOMPLETE
        assert desk.app.desk.pending == 0
        await desk.keys("f9")
        assert "Daily dose '5.' is not accepted yet." in desk.text
        assert "propose" not in desk.asked()


async def test_a_bounced_digit_is_held_back() -> None:
    """E5: the same digit within 40 ms waits for a second press; Backspace drops it."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("4")
        await desk.type("4", gap_ms=15)
        assert "SAME KEY TWICE" in desk.text
        await desk.keys("backspace")
        await desk.type(".8")
        assert "4.8_ mg/day" in desk.text
        await desk.keys("delete")
        await desk.type("44")
        assert "44_ mg/day" in desk.text


async def test_the_old_value_stands_beside_a_blank_field_and_comes_back_with_escape() -> None:
    """E6: focus never pre-fills; Esc discards the field, a second Esc leaves the screen, none quits."""
    async with desktop() as desk:
        await desk.keys("f3", "enter")
        assert "was 4.8 mg/day" in desk.text
        await desk.type("7")
        await desk.keys("escape")
        assert "Old value 4.8 mg/day kept." in desk.text
        await desk.keys("escape")
        assert "> Daily dose          4.8 mg/day" in desk.text
        await desk.keys("escape")
        await desk.until_text("Therapy now")
        await desk.keys("escape", "escape")
        assert desk.app.is_running
        assert desk.app.desk.pending == 0


async def test_a_paste_is_refused_with_a_word() -> None:
    """E7, also before the field is open."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.paste("9.9")
        assert "Paste is refused here." in desk.text
        await desk.type("5")
        await desk.paste(".4")
        assert "5_ mg/day" in desk.text
        assert "Paste is refused here." in desk.text


async def test_value_ratio_and_outcome_follow_every_key_beside_the_entry() -> None:
    """E8: the line of the entry and the one under it, not another corner of the screen."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("5.4")
        row = next(place for place, line in enumerate(desk.lines) if "5.4_ mg/day" in line)
        assert "+12.5 %" in desk.lines[row]
        assert "= 5.4 mg/day = 0.27 mL/day" in desk.lines[row + 1]
        assert "= 0.011 mL/h" in desk.lines[row + 2]


async def test_step_keys_move_by_the_resolution_and_stop_at_the_limit() -> None:
    """E9."""
    async with desktop() as desk:
        await desk.keys("f3", "enter", "up", "pageup")
        assert "4.811_ mg/day" in desk.text
        await desk.keys("delete")
        await desk.type("19.999")
        await desk.keys("pageup")
        assert "20_ mg/day" in desk.text
        assert "Stopped at the upper limit 20 mg/day." in desk.text


async def test_a_hard_limit_cannot_be_accepted() -> None:
    """E11."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("21")
        await desk.keys("enter", "enter")
        assert "HARD LIMIT" in desk.text
        assert desk.app.desk.pending == 0


async def test_a_soft_limit_asks_for_a_reason_and_a_bounced_enter_gives_none() -> None:
    """E10, E11, C5: the first answer of the dialog is to go back."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("0.3")
        await desk.keys("enter", "enter", gap_ms=5)
        assert "REASON NEEDED" in desk.text
        assert desk.app.desk.pending == 0
        await desk.keys("enter")
        await desk.until_text("A reason is needed", "> No reason")
        await desk.keys("down", "enter")
        await desk.until_text("Daily dose 0.3 mg/day accepted.")
        assert desk.app.desk.pending == 1


async def test_leaving_the_screen_keeps_what_is_half_typed_as_not_accepted() -> None:
    """E14."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("6.")
        await desk.keys("f7")
        await desk.until_text("No alarm stands")
        await desk.keys("escape")
        await desk.until_text("NOT ACCEPTED", "'6.' was typed but not accepted")
        await desk.keys("enter")
        assert desk.app.desk.pending == 0


async def test_a_burst_of_keys_never_types_into_the_row_that_was_left() -> None:
    """Down, Down, 0.3 in one burst belong to the second step, whatever the screen is busy with."""
    async with desktop(flex()) as desk:
        await desk.burst("f3", "down", "down", *"0.3", "enter")
        draft = desk.app.desk.draft
        assert draft is not None
        rates = [step.dose_rate_ng_h for step in draft.new.steps]
        assert rates == [200_000, 300_000, 200_000]


async def test_digits_never_navigate() -> None:
    async with desktop() as desk:
        for digit in "0123456789":
            await desk.keys(digit)
        assert "Therapy now" in desk.text
        await desk.keys("f8", *"123")
        assert "Marked record" in desk.text


async def test_two_rows_never_share_a_screen_position() -> None:
    """E12: label and unit stand in the row of the entry, and each row has its own line."""
    async with desktop(flex()) as desk:
        await desk.keys("f3")
        await desk.type("6")
        total = next(place for place, line in enumerate(desk.lines) if "6_ mg/day" in line)
        await desk.keys("escape", "escape", "down")
        await desk.type("0.4")
        step = next(place for place, line in enumerate(desk.lines) if "0.4_ mg/h" in line)
        assert total != step
        assert "Daily dose" in desk.lines[total]
        assert "00:00-06:00" in desk.lines[step]
