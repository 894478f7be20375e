"""The answer to a commit is lost: it cannot be missed, therapy is locked, the receipt resolves it (C8)."""

from support.tui import Desktop, desktop

from programmer_tui.clinic.workflow import Stage
from programmer_tui.views import LinkHealth, Trouble
from protocol.states import SyncState

BANNER = "!!! OUTCOME UNKNOWN"


async def to_unknown(desk: Desktop) -> None:
    """Program 5.4 mg/day and lose the answer."""
    desk.service.lose_commit()
    await desk.keys("f3", *"5.4", "enter", "f9")
    await desk.until_text("Review before programming")
    await desk.keys("space", *"5.4", "f9")
    await desk.keys("y", gap_ms=1_100)
    await desk.until_text(BANNER)


async def test_the_banner_stands_on_every_screen_and_dialog_and_therapy_is_locked() -> None:
    async with desktop() as desk:
        await to_unknown(desk)
        assert "LINK LOST" in desk.text
        assert "PENDING outcome UNKNOWN" in desk.text
        assert "[?] UNKNOWN" in desk.text
        for key in ("f3", "f9", "enter", "space", "y"):
            await desk.keys(key)
            assert desk.app.desk.stage is Stage.UNKNOWN, key
        for key, words in (("f7", "No alarm stands"), ("f8", "Marked record")):
            await desk.keys(key)
            await desk.until_text(words, BANNER)
            await desk.keys("escape")
        for key, words in (("f1", "Help: result"), ("ctrl+p", "Search"), ("ctrl+q", "End the session?")):
            await desk.keys(key)
            await desk.until_text(words, BANNER)
            await desk.keys("escape")
        assert desk.asked().count("propose") == 1


async def test_it_resolves_by_itself_and_the_receipt_is_shown_until_acknowledged() -> None:
    async with desktop() as desk:
        await to_unknown(desk)
        desk.service.advance_s(75)
        await desk.until_text("(1:15 ago)")
        desk.service.resolve_now(applied=True)
        await desk.until_text("RECEIPT - APPLIED", "Version      8", "Log record   119")
        assert BANNER not in desk.text
        await desk.keys("escape", "space")
        assert "RESOLVED" in desk.text
        await desk.keys("enter")
        await desk.until_text("Therapy now", "Daily dose     5.4", "PENDING none")
        assert desk.asked()[-1] == "interrogate"


async def test_not_applied_keeps_the_wish_as_pending() -> None:
    async with desktop() as desk:
        await to_unknown(desk)
        desk.service.resolve_now(applied=False)
        await desk.until_text("NOT APPLIED: the OLD program runs on.")
        await desk.keys("enter")
        await desk.until_text("Therapy now", "Daily dose     4.8", "PENDING 1 change (not sent)")


async def test_f2_asks_for_the_receipt_at_once() -> None:
    async with desktop() as desk:
        await to_unknown(desk)
        await desk.keys("f2")
        await desk.until_text("RESOLVED BY THE PUMP'S RECEIPT - APPLIED")
        assert desk.asked()[-1] == "resolve"


async def test_an_outcome_of_an_earlier_session_is_told_after_connecting() -> None:
    async with desktop(connected=False) as desk:
        await desk.until_text("Therapy now")
        desk.service.resolve_now(applied=False)
        await desk.until_text("An earlier command is resolved", "The pump did NOT take the new program.")
        await desk.keys("enter")
        await desk.until_text("Therapy now")


async def test_quitting_with_an_unknown_outcome_needs_a_reason() -> None:
    async with desktop() as desk:
        await to_unknown(desk)
        await desk.keys("ctrl+q")
        await desk.until_text("An outcome is not known;", "> Stay")
        await desk.keys("enter", "enter")
        assert desk.app.is_running
        await desk.keys("ctrl+q", "down", "enter")
        await desk.until(lambda: desk.app.return_value == 0)


async def test_a_commit_without_a_known_end_is_never_taken_for_a_refusal() -> None:
    """Accepted, but the link was lost before the read-back: not verified, and the pump is read again."""
    async with desktop() as desk:
        await desk.keys("f3", *"5.4", "enter", "f9")
        await desk.until_text("Review before programming")
        await desk.keys("space", *"5.4", "f9")
        lost = {"link": LinkHealth.LOST, "sync": SyncState.IN_SYNC}
        desk.service.fail("commit", Trouble.LINK, "The link was lost.", "Connect again.", **lost)
        await desk.keys("y", gap_ms=1_100)
        await desk.until_text("NOT VERIFIED - it is not known what the pump holds now.")
        await desk.keys("enter")
        await desk.until_text("Therapy now")
        assert desk.asked()[-2:] == ["connect", "interrogate"]
