"""From edit to pump: nothing but the typed dose, F9, a second of silence and Y programs it (C1 to C7)."""

import pytest
from support.beliefs import FLEX_5_4_MG, a_belief, a_program
from support.fake_service import FakeService
from support.tui import Desktop, desktop

from programmer_tui.clinic.workflow import Stage
from programmer_tui.screens.dialogs import Choice, ChoiceDialog
from programmer_tui.views import Trouble
from protocol.vocabulary import OverrideReason, SoftLimit


async def to_review(desk: Desktop, dose: str = "5.4") -> None:
    """Type a daily dose and open its review."""
    await desk.keys("f3")
    await desk.type(dose)
    await desk.keys("enter", "f9")
    await desk.until_text("Review before programming")


async def read_all(desk: Desktop) -> None:
    """Mark every page as read."""
    reviewing = desk.app.desk.reviewing
    assert reviewing is not None
    for _ in range(reviewing.pages):
        await desk.keys("space", "pagedown")


async def to_armed(desk: Desktop, dose: str = "5.4") -> None:
    """Everything up to F9."""
    await to_review(desk, dose)
    await read_all(desk)
    await desk.type(dose)
    await desk.keys("f9")


async def test_nothing_can_be_edited_before_the_pump_was_read() -> None:
    """C1."""
    service = FakeService()
    service.held = {"interrogate"}
    async with desktop(service, connected=False) as desk:
        await desk.keys("f3")
        assert desk.app.desk.stage is Stage.INTERROGATING
        assert desk.app.desk.draft is None
        assert "not possible here" in desk.text


async def test_an_old_reading_locks_editing_and_review() -> None:
    """C1: after 15 min the pump must be read again."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("5.4")
        await desk.keys("enter")
        desk.service.held = {"refresh"}
        desk.service.advance_s(16 * 60)
        await desk.keys("f9")
        assert "more than 15 min old" in desk.text
        assert "propose" not in desk.asked()


async def test_the_review_shows_now_sent_computed_and_change_in_every_row() -> None:
    """C2, N6: one screen, side by side, units in both columns, changes by a mark and a word."""
    async with desktop(size=(120, 40)) as desk:
        await to_review(desk)
        head = next(line for line in desk.lines if "IN PUMP NOW" in line)
        assert all(name in head for name in ("WILL BE SENT", "PUMP COMPUTES", "CHANGE"))
        dose = next(line for line in desk.lines if "* Daily dose" in line or "*   Daily dose" in line)
        assert dose.count("mg/day") == 3
        assert "+12.5 %" in dose
        assert "Will program: DOE Jane TRAIN-07 - VP20-004711 - morphine 5.4 mg per day" in desk.text


async def test_every_page_must_be_read() -> None:
    """C3: with one page not marked, F9 says so and does not arm."""
    service = FakeService(a_belief(a_program(FLEX_5_4_MG)))
    async with desktop(service) as desk:
        await to_review(desk, "5.9")
        reviewing = desk.app.desk.reviewing
        assert reviewing is not None
        assert reviewing.pages > 1
        await desk.keys("space", "space", "space")
        await desk.type("5.9")
        await desk.keys("f9")
        assert "The review is not read to" in desk.text
        desk.clock.wait(1_500)
        await desk.keys("y")
        assert "commit" not in desk.asked()


async def test_no_bouncing_key_programs_the_pump() -> None:
    """C4, and the bounced Enter above all: four times each key, 0 to 500 ms apart, after everything else."""
    async with desktop() as desk:
        await to_armed(desk)
        for key in ("enter", "space", "f9", "y", "tab", "a"):
            for gap_ms in (0, 50, 500):
                await desk.keys("escape", "delete", *"5.4", "f9", settle=False)
                await desk.keys(*[key] * 4, gap_ms=gap_ms, settle=False)
                assert "commit" not in desk.asked(), (key, gap_ms)
        assert desk.app.desk.stage is Stage.REVIEW


async def test_a_click_breaks_the_silence() -> None:
    """C4: the mouse never confirms, and Y after it is too early."""
    async with desktop() as desk:
        await to_armed(desk)
        desk.clock.wait(1_050)
        await desk.pilot.click("#review-box")
        await desk.keys("y", gap_ms=10)
        assert "Too early" in desk.text
        assert "commit" not in desk.asked()


async def test_y_counts_from_one_to_ten_seconds_after_f9() -> None:
    """C4."""
    async with desktop() as desk:
        await to_armed(desk)
        for wait_ms, words in ((900, "Too early"), (999, "Too early"), (10_001, "Too late")):
            await desk.keys("f9")
            await desk.keys("y", gap_ms=wait_ms)
            assert words in desk.text
            assert "commit" not in desk.asked()
        await desk.keys("f9")
        desk.clock.wait(1_001)
        await desk.settle()
        assert "Press Y to program the pump (9 s left), Esc to stop." in desk.text
        await desk.keys("Y", gap_ms=8_900)
        assert desk.asked()[-1] == "commit"


async def test_the_typed_dose_is_not_prefilled_not_pasted_and_must_match() -> None:
    """C4."""
    async with desktop() as desk:
        await to_review(desk)
        await read_all(desk)
        assert "type the new daily dose:  _" in desk.text
        await desk.paste("5.4")
        assert "Paste is refused here." in desk.text
        await desk.keys("f9")
        assert "What is typed is missing." in desk.text
        await desk.type("5.5")
        await desk.keys("f9")
        assert "does not match" in desk.text
        assert "commit" not in desk.asked()


async def test_a_verified_result_stays_until_it_is_acknowledged() -> None:
    """C7, and what was sent to the service."""
    async with desktop() as desk:
        await to_armed(desk)
        await desk.keys("y", gap_ms=1_100)
        await desk.until_text("VERIFIED. The pump was read again", "Receipt     version 8")
        assert desk.service.calls[-1] == ("commit", (SoftLimit(0), OverrideReason.NONE))
        desk.service.advance_s(3_600)
        await desk.keys("escape", "space", "y")
        assert "VERIFIED." in desk.text
        await desk.keys("enter")
        await desk.until_text("Therapy now", "Daily dose     5.4", "PENDING none")


async def test_an_altered_read_back_is_not_verified() -> None:
    """C7."""
    async with desktop() as desk:
        desk.service.altered_readback = True
        await to_armed(desk)
        await desk.keys("y", gap_ms=1_100)
        await desk.until_text("NOT VERIFIED - 1 of", "DIFFERS", "baclofen")
        assert desk.app.desk.stage is Stage.UNKNOWN
        await desk.keys("f3")
        assert desk.app.desk.stage is Stage.UNKNOWN
        await desk.keys("enter")
        await desk.until_text("Therapy now")
        assert desk.asked()[-1] == "interrogate"


async def test_while_programming_nothing_is_possible_and_the_screen_says_so() -> None:
    async with desktop() as desk:
        desk.service.held = {"commit"}
        await to_armed(desk)
        await desk.keys("y", gap_ms=1_100)
        await desk.until_text("PROGRAMMING - keep the programmer on the pump.")
        for key in ("f2", "f3", "f7", "f8", "f9", "escape", "enter", "ctrl+d"):
            await desk.keys(key)
            assert "PROGRAMMING - keep" in desk.text, key
        await desk.keys("ctrl+q")
        assert "A command is on its way to the pump." in desk.text
        assert desk.app.is_running
        desk.service.release("commit")
        await desk.until_text("VERIFIED.")


async def test_a_refused_program_goes_back_to_the_edit_with_the_pumps_words() -> None:
    async with desktop() as desk:
        words = "The pump refused PROG_VERIFY: HARD_LIMIT."
        desk.service.fail("propose", Trouble.REFUSED, words, "Lower it.")
        await desk.keys("f3")
        await desk.type("5.4")
        await desk.keys("enter", "f9")
        await desk.until_text("NOT PROGRAMMED: The pump refused PROG_VERIFY", "Lower it.", "PENDING 1 change")


async def test_a_refused_commit_goes_back_to_the_edit() -> None:
    async with desktop() as desk:
        words = "The pump refused PROG_COMMIT: TOKEN_MISMATCH."
        desk.service.fail("commit", Trouble.REFUSED, words, "Review again.")
        await to_armed(desk)
        await desk.keys("y", gap_ms=1_100)
        await desk.until_text("NOT PROGRAMMED: The pump refused PROG_COMMIT", "PENDING 1 change")
        assert desk.app.desk.stage is Stage.PRESCRIBE


async def test_a_soft_limit_of_the_pump_needs_a_reason_before_f9() -> None:
    async with desktop() as desk:
        desk.service.soft_flags = SoftLimit.DAY_VOLUME
        await to_review(desk)
        await read_all(desk)
        await desk.type("5.4")
        await desk.keys("f9")
        assert "A soft limit is passed without a reason." in desk.text
        assert "* SOFT LIMIT  The pump says: the volume of the day is above" in desk.text
        await desk.keys("tab")
        await desk.until_text("A reason is needed")
        await desk.keys("down", "down", "enter")
        await desk.until_text("tolerant patient")
        await desk.keys("f9")
        await desk.keys("y", gap_ms=1_100)
        assert desk.service.calls[-1] == ("commit", (SoftLimit.DAY_VOLUME, OverrideReason.TOLERANT_PATIENT))


async def test_leaving_the_review_drops_the_proposal_and_keeps_the_changes() -> None:
    """C10: a new visit starts with nothing read and nothing typed."""
    async with desktop() as desk:
        await to_review(desk)
        await read_all(desk)
        await desk.type("5.4")
        await desk.keys("escape", "escape")
        await desk.until_text("Field limits", "PENDING 1 change")
        assert desk.asked()[-1] == "discard"
        await desk.keys("escape")
        await desk.until_text("Therapy now", "PENDING 1 change (not sent)")
        await desk.keys("f9")
        await desk.until_text("Review before programming", "Pages read  [ ] 1", "new daily dose:  _")


async def test_another_window_size_makes_the_review_be_read_again() -> None:
    service = FakeService(a_belief(a_program(FLEX_5_4_MG)))
    async with desktop(service) as desk:
        await to_review(desk, "5.9")
        await read_all(desk)
        await desk.pilot.resize_terminal(120, 40)
        await desk.until_text("Pages read  [ ] 1")


async def test_no_dialog_has_a_default_yes() -> None:
    """C5: the marked answer changes nothing, and a dialog whose first one did could not be made."""
    async with desktop() as desk:
        await desk.keys("f3")
        await desk.type("5.4")
        await desk.keys("enter", "ctrl+d")
        await desk.until_text("Discard all changes?", "> Keep the changes")
        await desk.keys("enter", "enter", gap_ms=5)
        assert desk.app.desk.pending == 1
    with pytest.raises(ValueError, match="first choice must change nothing"):
        ChoiceDialog("Sure?", "", (Choice("Yes", value=True),), lambda _: None)
