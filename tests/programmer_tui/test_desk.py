"""The clinician's desk without any screen: what is asked of the service, and what is refused."""

import pytest
from support.beliefs import FLEX_5_4_MG, a_belief, a_program
from support.fake_service import FakeService

from programmer_tui.clinic.prescription import Prescription, with_daily_dose
from programmer_tui.clinic.workflow import Event, Stage
from programmer_tui.desk import Desk
from programmer_tui.draft import DraftError, draft_of
from programmer_tui.editing import Editing
from programmer_tui.service_port import problem_of
from programmer_tui.views import LinkHealth, Trouble
from protocol.vocabulary import DisplayUnit, DrugCode, OverrideReason


def raised(held: Prescription) -> Prescription:
    return with_daily_dose(held, 5_400_000)


def desk_at(service: FakeService | None = None) -> tuple[Desk, FakeService]:
    """A desk on the overview."""
    service = FakeService() if service is None else service
    desk = Desk(service)
    desk.connect()
    for _ in range(3):
        desk.pull()
    assert desk.stage is Stage.OVERVIEW
    return desk, service


def stages(desk: Desk) -> list[Stage]:
    """The stage now; in a list, as it changes between two looks."""
    return [desk.stage]


def at_review() -> tuple[Desk, FakeService]:
    """A desk with a review before it."""
    desk, service = desk_at()
    desk.prescribe()
    assert desk.edit(raised)
    desk.ask_review()
    desk.pull()
    assert desk.stage is Stage.REVIEW
    return desk, service


def test_connecting_reads_the_pump_and_its_latest_events() -> None:
    _, service = desk_at()
    assert [name for name, _ in service.calls] == ["connect", "interrogate", "read_log"]


def test_the_pump_is_polled_every_five_seconds_while_nothing_goes_on_and_never_else() -> None:
    desk, service = desk_at()
    for _ in range(20):
        service.advance_s(1)
        desk.pull()
    assert [name for name, _ in service.calls].count("refresh") == 4
    service.lose_link()
    service.advance_s(60)
    desk.pull()
    assert [name for name, _ in service.calls].count("refresh") == 4


def test_answers_are_taken_in_the_order_of_asking() -> None:
    service = FakeService()
    service.held = {"connect"}
    desk = Desk(service)
    desk.connect()
    desk.connect()
    assert "being opened already" in desk.notice
    desk.pull()
    assert stages(desk) == [Stage.CONNECT]
    service.release("connect")
    for _ in range(3):
        desk.pull()
    assert stages(desk) == [Stage.OVERVIEW]


def test_a_lost_link_ends_the_review_and_keeps_the_changes() -> None:
    desk, service = at_review()
    service.lose_link()
    desk.pull()
    assert desk.stage is Stage.PRESCRIBE
    assert desk.reviewing is None
    assert desk.pending == 1
    assert "must be started again" in desk.notice


def test_a_link_lost_behind_the_log_ends_the_review_as_well() -> None:
    desk, service = at_review()
    desk.open_log()
    service.lose_link()
    desk.pull()
    desk.back()
    assert desk.stage is Stage.PRESCRIBE
    assert desk.reviewing is None


def test_a_program_that_changed_in_the_pump_is_compared_again() -> None:
    desk, service = desk_at()
    desk.prescribe()
    desk.edit(raised)
    service.pump = a_belief(a_program(FLEX_5_4_MG), version=9)
    service.advance_s(6)
    for _ in range(2):
        desk.pull()
    assert desk.draft is not None
    assert desk.draft.base_version == 9
    assert "changed since it was read" in desk.notice
    assert desk.pending > 0


@pytest.mark.parametrize("behind_the_log", [False, True])
def test_a_review_of_a_program_that_is_no_longer_in_the_pump_is_left(behind_the_log: bool) -> None:
    """Another programmer was faster: what is on the screen as "in pump now" would be wrong."""
    desk, service = at_review()
    if behind_the_log:
        desk.open_log()
        desk.pull()
    service.pump = a_belief(a_program(FLEX_5_4_MG), version=9)
    service.advance_s(6)
    for _ in range(2):
        desk.pull()
    if behind_the_log:
        desk.back()
    assert desk.stage is Stage.PRESCRIBE
    assert desk.reviewing is None


def test_changes_for_another_drug_are_dropped() -> None:
    desk, service = desk_at()
    desk.prescribe()
    desk.edit(raised)
    other = a_program(((0, 10_000),), 2_000_000, DrugCode.BACLOFEN, DisplayUnit.MCG)
    service.pump = a_belief(other, version=9)
    service.advance_s(6)
    for _ in range(2):
        desk.pull()
    assert desk.draft is None
    assert desk.stage is Stage.OVERVIEW
    assert "another drug or strength" in desk.notice


def test_going_back_from_the_review_drops_the_proposal_in_the_pump() -> None:
    desk, service = at_review()
    desk.back()
    assert service.names()[-1] == "discard"
    assert desk.reviewing is None
    assert desk.pending == 1


def test_discarding_in_the_review_leaves_nothing_behind() -> None:
    desk, service = at_review()
    desk.discard()
    assert desk.stage is Stage.OVERVIEW
    assert desk.draft is None
    assert service.names()[-1] == "discard"


def test_discarding_from_the_log_drops_the_review_behind_it() -> None:
    desk, service = at_review()
    desk.open_log()
    desk.discard()
    assert service.names()[-1] == "discard"
    assert desk.reviewing is None
    desk.back()
    assert desk.stage is Stage.OVERVIEW


def test_a_reason_is_sent_only_where_a_limit_is_passed() -> None:
    desk, service = at_review()
    desk.give_reason(OverrideReason.TRAINING)
    assert desk.reviewing is not None
    desk.reviewing = desk.reviewing.laid_out(1).marked()
    for at_ms, key in enumerate("5.4"):
        desk.gate_key(key, 100 * at_ms)
    desk.gate_key("f9", 1_000)
    desk.gate_key("y", 2_100)
    assert service.calls[-1] == ("commit", (0, OverrideReason.NONE))


def test_a_draft_is_refused_in_words_where_the_pump_cannot_be_edited() -> None:
    desk, _ = desk_at()
    with pytest.raises(DraftError, match="was not read"):
        draft_of(None, desk.library)
    strange = a_belief(a_program(display=DisplayUnit.MCG))
    with pytest.raises(DraftError, match="never mixed"):
        draft_of(strange, desk.library)
    saline = a_belief(a_program(drug=DrugCode.SALINE))
    with pytest.raises(DraftError, match="not in the drug library"):
        draft_of(saline, desk.library)


def test_an_error_the_service_did_not_name_counts_as_uncertain() -> None:
    problem = problem_of(RuntimeError("x"))
    assert problem.trouble is Trouble.UNCERTAIN
    assert "RuntimeError" in problem.text


def test_the_end_needs_a_reason_while_something_is_open() -> None:
    desk, _ = desk_at()
    desk.prescribe()
    desk.edit(raised)
    assert not desk.end("")
    assert "changes that were not sent" in desk.notice
    assert desk.end("training only")
    assert desk.stage is Stage.ENDED


def test_an_enter_that_bounces_after_accepting_does_not_open_the_field_again() -> None:
    desk, _ = desk_at()
    desk.prescribe()
    editing = Editing(desk)
    for at_ms, key in enumerate(("5", "enter", "enter")):
        editing.press(key, 100 * at_ms)
    assert editing.entry is None
    assert desk.pending == 1
    editing.press("enter", 1_000)
    assert editing.entry is not None


def test_an_open_field_holds_the_cursor() -> None:
    desk, _ = desk_at(FakeService(a_belief(a_program(FLEX_5_4_MG))))
    desk.prescribe()
    editing = Editing(desk)
    editing.press("down", 0)
    editing.press("1", 100)
    editing.go(0)
    assert editing.cursor == 1
    editing.press("escape", 200)
    editing.press("escape", 300)
    for _ in range(9):
        editing.press("down", 400)
    assert editing.cursor == 3


def test_a_retry_after_a_lost_reading_opens_the_link_first() -> None:
    desk, service = desk_at()
    service.fail("interrogate", Trouble.LINK, "The link was lost.", link=LinkHealth.LOST)
    desk.interrogate()
    desk.pull()
    assert stages(desk) == [Stage.CONNECT]
    assert desk.problem is not None
    desk.interrogate()
    for _ in range(3):
        desk.pull()
    assert stages(desk) == [Stage.OVERVIEW]
    assert service.names()[-2:] == ["connect", "interrogate"]
    assert desk.why_not(Event.PRESCRIBE) == ()
