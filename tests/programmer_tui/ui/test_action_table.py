"""The action table: its rules, and for every action in it one effect that can be seen."""

from collections.abc import Callable, Coroutine

import pytest
from support.beliefs import FLEX_5_4_MG, a_belief, a_program
from support.error_prone import error_prone
from support.fake_service import FakeService
from support.tui import Desktop, desktop

from programmer_tui.actions import ACTIONS, ALL, BY_ID, action_for, offered
from programmer_tui.app import ProgrammerApp
from programmer_tui.clinic.workflow import Stage
from programmer_tui.screens.help import page_text
from programmer_tui.screens.palette import palette_lines
from programmer_tui.screens.registry import SCREEN_OF, SCREENS
from programmer_tui.widgets.themes import LIGHT
from protocol.vocabulary import OverrideReason, ScheduleMode, SoftLimit

Effect = Callable[[Desktop], Coroutine[None, None, None]]
EFFECTS: dict[str, Effect] = {}


def effect(of: Effect) -> Effect:
    """Register the test of one action under its id."""
    EFFECTS[of.__name__.removeprefix("shows_")] = of
    return of


async def to_review(desk: Desktop) -> None:
    await desk.keys("f3", "down", *"0.3", "enter", "f9")
    await desk.until_text("Review before programming")


@effect
async def shows_help(desk: Desktop) -> None:
    await desk.keys("f1")
    await desk.until_text("Help: overview", "What the pump says about itself")
    await desk.keys("escape", "question_mark")
    await desk.until_text("Help: overview")


@effect
async def shows_interrogate(desk: Desktop) -> None:
    await desk.keys("f2")
    assert desk.asked() == ["connect", "interrogate", "interrogate"]


@effect
async def shows_prescribe(desk: Desktop) -> None:
    await desk.keys("f3")
    assert "Field limits" in desk.text


@effect
async def shows_alarms(desk: Desktop) -> None:
    await desk.keys("f7")
    assert "No alarm stands." in desk.text


@effect
async def shows_log(desk: Desktop) -> None:
    await desk.keys("f8")
    assert "Marked record" in desk.text
    assert desk.service.calls[-1] == ("read_log", (100,))


@effect
async def shows_older(desk: Desktop) -> None:
    await desk.keys("f8", "o")
    assert desk.service.calls[-1] == ("read_log", (200,))
    await desk.keys("o")
    assert "All records of the pump are asked for already." in desk.text


@effect
async def shows_review(desk: Desktop) -> None:
    await to_review(desk)
    assert desk.asked()[-1] == "propose"


@effect
async def shows_page_read(desk: Desktop) -> None:
    await to_review(desk)
    await desk.keys("space")
    assert "Pages read  [x] 1  [ ] 2" in desk.text


@effect
async def shows_page_next(desk: Desktop) -> None:
    await to_review(desk)
    await desk.keys("pagedown")
    assert "page 2 of" in desk.text


@effect
async def shows_page_back(desk: Desktop) -> None:
    await shows_page_next(desk)
    await desk.keys("pageup")
    assert "page 1 of" in desk.text


@effect
async def shows_reason(desk: Desktop) -> None:
    desk.service.soft_flags = SoftLimit.RATE
    await to_review(desk)
    await desk.keys("tab", "down", "enter")
    draft = desk.app.desk.draft
    assert draft is not None
    assert draft.reason is OverrideReason.CLINICAL_JUDGEMENT


@effect
async def shows_program(desk: Desktop) -> None:
    await to_review(desk)
    await desk.keys("f9")
    assert "The review is not read to its end." in desk.text


@effect
async def shows_confirm(desk: Desktop) -> None:
    await to_review(desk)
    await desk.keys("space", "pagedown", "space", *"6", "f9")
    await desk.keys("y", gap_ms=1_100)
    assert desk.asked()[-1] == "commit"


@effect
async def shows_acknowledge(desk: Desktop) -> None:
    await shows_confirm(desk)
    await desk.until_text("VERIFIED.")
    await desk.keys("enter")
    assert "Therapy now" in desk.text


@effect
async def shows_edit(desk: Desktop) -> None:
    await desk.keys("f3", "enter")
    assert "was 5.4 mg/day" in desk.text


@effect
async def shows_mode(desk: Desktop) -> None:
    await desk.keys("f3", "m")
    assert "> Keep the pattern" in desk.text
    await desk.keys("down", "enter")
    draft = desk.app.desk.draft
    assert draft is not None
    assert draft.new.mode is ScheduleMode.SIMPLE
    assert draft.new.daily_dose_ng == draft.current.daily_dose_ng
    await desk.keys("m")
    assert desk.app.desk.draft is not None
    assert desk.app.desk.draft.new.mode is ScheduleMode.DAILY


@effect
async def shows_add_step(desk: Desktop) -> None:
    await desk.keys("f3", "plus", *"1200")
    assert "'0' is not accepted here" in desk.text
    await desk.keys("delete", *"12:00", "enter")
    assert "> 4* 12:00-24:00      0.2 mg/h" in desk.text


@effect
async def shows_remove_step(desk: Desktop) -> None:
    await desk.keys("f3", "minus")
    assert "Go to the row of a step first" in desk.text
    await desk.keys("down", "down", "minus")
    assert "1  00:00-09:00" in desk.text


@effect
async def shows_step_time(desk: Desktop) -> None:
    await desk.keys("f3", "down", "down", "t", *"09:30", "enter")
    assert "This step starts after 00:00 and before 09:00." in desk.text
    await desk.keys("t", *"05:00", "enter")
    assert "2* 05:00-09:00" in desk.text


@effect
async def shows_discard(desk: Desktop) -> None:
    await desk.keys("f3", "down", *"0.3", "enter", "ctrl+d", "down", "enter")
    await desk.until_text("The changes were discarded.", "Therapy now", "PENDING none")


@effect
async def shows_commands(desk: Desktop) -> None:
    await desk.keys("ctrl+p", *"daily dose")
    await desk.until_text("F3     Prescribe")
    await desk.keys("enter")
    assert "Field limits" in desk.text


@effect
async def shows_theme(desk: Desktop) -> None:
    await desk.keys("ctrl+t")
    assert desk.app.theme == LIGHT


@effect
async def shows_back(desk: Desktop) -> None:
    await desk.keys("f3", "escape")
    assert "Therapy now" in desk.text


@effect
async def shows_quit(desk: Desktop) -> None:
    await desk.keys("ctrl+q")
    await desk.until(lambda: desk.app.return_value == 0)


@pytest.mark.parametrize("action_id", sorted(BY_ID))
async def test_an_action_has_an_effect(action_id: str) -> None:
    async with desktop(FakeService(a_belief(a_program(FLEX_5_4_MG)))) as desk:
        await EFFECTS[action_id](desk)


def test_every_action_has_its_test_and_no_test_is_without_action() -> None:
    assert set(EFFECTS) == set(BY_ID)
    assert len(BY_ID) == len(ACTIONS)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage in ALL])
def test_no_key_means_two_things_on_one_stage(stage: Stage) -> None:
    keys = [key for action in offered(stage) for key in action.keys]
    assert len(keys) == len(set(keys))
    assert all(action_for(key, stage) is not None for key in keys)


def test_no_key_is_a_digit_and_the_browser_keeps_its_own() -> None:
    keys = {key for action in ACTIONS for key in action.keys}
    assert not keys & {*"0123456789", "f5", "f11", "f12", "ctrl+w", "ctrl+n", "ctrl+c"}


def test_confirmation_keys_are_locked_and_not_in_the_palette() -> None:
    locked = {action.id for action in ACTIONS if action.locked}
    assert {"review", "program", "confirm", "page_read", "edit"} <= locked
    assert not any(BY_ID[name].listed for name in ("program", "confirm", "page_read", "edit"))


def test_every_action_has_its_method_on_the_app_or_on_the_screens_of_its_stages() -> None:
    for action in ACTIONS:
        if not action.listed and action.id != "page_read":
            continue
        screens = {SCREENS[SCREEN_OF[stage]] for stage in action.stages}
        owners = [ProgrammerApp, *screens]
        assert any(hasattr(owner, f"do_{action.id}") for owner in owners), action.id


def test_every_stage_has_a_screen_and_every_screen_a_help_page() -> None:
    assert set(SCREEN_OF) == ALL
    for name, screen in SCREENS.items():
        page = page_text(screen().HELP_PAGE)
        assert page.startswith("# "), name
        assert error_prone(page) == [], name


async def test_the_palette_says_why_the_rest_is_not_possible() -> None:
    async with desktop() as desk:
        lines = palette_lines(desk.app.desk, "")
        possible = [not line.why_not for line in lines]
        assert possible == sorted(possible, reverse=True)
        by_id = {line.action.id: line.why_not for line in lines}
        assert by_id["review"] == ("There is no change to review.",)
        assert by_id["discard"] == ("There is no change to discard.",)
        await desk.keys("f9")
        assert "There is no change to review." in desk.text
        await desk.keys("f1")
        await desk.until_text("Help: overview")
        await desk.keys(*["pagedown"] * 3)
        await desk.until_text("Not now: There is no change to review.")


@pytest.mark.parametrize("keys", [("f3", "9"), ("f8",), ("f7",), ("f3", "down", *"0.3", "enter", "f9")])
async def test_the_session_can_be_ended_from_every_screen(keys: tuple[str, ...]) -> None:
    """A half-typed value is no change; changes that were not sent make it ask."""
    async with desktop(FakeService(a_belief(a_program(FLEX_5_4_MG)))) as desk:
        await desk.keys(*keys, "ctrl+q")
        if desk.app.desk.pending:
            assert "1 change not sent will be gone." in desk.text
            await desk.keys("down", "enter")
        await desk.until(lambda: desk.app.return_value == 0)


async def test_nothing_is_offered_that_does_not_exist_yet() -> None:
    """No dead keys: refill, bolus and stop are not there."""
    words = " ".join(f"{action.label} {action.sentence}" for action in ACTIONS).lower()
    assert "bolus" not in words
    assert "refill" not in words
    async with desktop() as desk:
        for key in ("f4", "f5", "f6", "f10", "ctrl+o"):
            await desk.keys(key)
            assert "Therapy now" in desk.text
