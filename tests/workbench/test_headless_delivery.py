"""`cisterna pump LINK stop`, `minimum-rate`, `resume`, `refill` and `emergency` on a clinic in memory."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.headless import HeadlessClinic

from programmer_tui.records import IntentState, Records
from protocol.program import Emergency
from protocol.quantities import units_to_nl
from protocol.vocabulary import AlarmCode, DeliveryState, EmergencyPolicy, OverrideReason
from workbench.exit_codes import ExitCode

REFILL = ("refill", "--withdrawn", "13.1mL", "--filled", "20mL", "--lot", "A1B2")


@pytest.fixture
def clinic(tmp_path: Path) -> HeadlessClinic:
    clinic = HeadlessClinic(tmp_path)
    clinic.enrol()
    return clinic


def state(clinic: HeadlessClinic) -> DeliveryState:
    return clinic.pump.belief().delivery_state


def content_nl(clinic: HeadlessClinic) -> int:
    return units_to_nl(clinic.pump.belief().content_units)


def intents(clinic: HeadlessClinic) -> list[tuple[str, IntentState]]:
    store = Records(clinic.folder / "clinic.sqlite", bytes)
    return [(intent.what, intent.state) for intent in store.intents()]


@pytest.mark.parametrize(
    ("verb", "reached"), [("stop", DeliveryState.STOPPED), ("minimum-rate", DeliveryState.MIN_RATE)]
)
def test_delivery_is_held_for_a_time_and_goes_on_by_itself(
    clinic: HeadlessClinic, verb: str, reached: DeliveryState
) -> None:
    result = clinic.json(verb, "--minutes", "30", "--reason", "procedure")
    assert result["verified"] is True
    assert result["answer"]["delivery_state"] == reached.name.lower()
    assert result["answer"]["auto_resume_utc_s"] > 0
    assert state(clinic) is reached
    clinic.pass_ms(29 * 60_000)
    assert state(clinic) is reached
    clinic.pass_ms(61_000)
    assert state(clinic) is DeliveryState.RUNNING
    assert "for 30 min" in intents(clinic)[0][0]
    ordered = [record for record in clinic.json("log")["records"] if record["type"] == "delivery_state"]
    assert any("procedure" in record["words"] for record in ordered)


def test_delivery_is_resumed_before_its_time(clinic: HeadlessClinic) -> None:
    clinic.json("stop", "--minutes", "30", "--reason", "clinical")
    text = clinic.run("resume", "--reason", "device-check")
    assert text.code == 0, text.err
    assert "INFUSING" in text.out
    assert "VERIFIED" in text.out
    assert state(clinic) is DeliveryState.RUNNING


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("stop", "--reason", "clinical"), "--minutes"),
        (("stop", "--minutes", "5"), "--reason"),
        (("stop", "--minutes", "0", "--reason", "clinical"), "0 is not in the range"),
        (("stop", "--minutes", "1.5", "--reason", "clinical"), "not a valid integer"),
        (("resume", "--reason", "none"), "'none' is not one of"),
    ],
)
def test_bad_orders_are_told_in_words(clinic: HeadlessClinic, arguments: tuple[str, ...], words: str) -> None:
    done = clinic.run(*arguments)
    assert done.code == ExitCode.USAGE
    assert words in done.err
    assert state(clinic) is DeliveryState.RUNNING


def test_a_stop_that_is_too_long_is_refused_by_the_pump(clinic: HeadlessClinic) -> None:
    done = clinic.run("stop", "--minutes", "65535", "--reason", "clinical")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert state(clinic) is DeliveryState.RUNNING
    assert intents(clinic)[-1][1] is IntentState.NOT_APPLIED


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_stop_is_resolved_by_the_log(clinic: HeadlessClinic, executed: bool) -> None:
    with clinic.losing_answers_to("SET_DELIVERY") if executed else clinic.losing_requests("SET_DELIVERY"):
        done = clinic.run("stop", "--minutes", "30", "--reason", "clinical")
    assert done.code == ExitCode.UNCERTAIN
    clinic.pass_ms(130_000)
    resolution = clinic.json("resolve")["resolution"]
    assert resolution["applied"] is executed
    assert resolution["receipt"] is None
    assert ("did NOT" in resolution["text"]) is not executed
    assert intents(clinic) == [
        ("stop delivery for 30 min", IntentState.APPLIED if executed else IntentState.NOT_APPLIED)
    ]


def test_an_earlier_stop_of_ours_is_not_taken_for_the_lost_one(clinic: HeadlessClinic) -> None:
    """Only what the log tells after the command was made counts."""
    clinic.json("stop", "--minutes", "30", "--reason", "clinical")
    with clinic.losing_requests("SET_DELIVERY"):
        clinic.run("stop", "--minutes", "60", "--reason", "clinical")
    assert clinic.json("resolve")["resolution"]["applied"] is False


# --- refill -------------------------------------------------------------------------------------------------


def test_what_was_withdrawn_stands_beside_what_was_computed(clinic: HeadlessClinic) -> None:
    done = clinic.run(*REFILL)
    assert done.code == 0, done.err
    for words in ("13.2 mL (calculated", "13.1 mL", "0.1 mL less than computed", "Nothing was recorded"):
        assert words in done.out
    assert "LOOK" not in done.out
    assert content_nl(clinic) < 13_200_000
    data = clinic.json(*REFILL)
    assert data["recorded"] is False
    assert data["withdrawn_nl"] == 13_100_000


def test_a_residual_that_is_far_off_is_pointed_at(clinic: HeadlessClinic) -> None:
    done = clinic.run("refill", "--withdrawn", "1mL", "--filled", "20mL", "--lot", "A1")
    assert "LOOK: that is more than 2 mL" in done.out


def test_a_refill_is_recorded_with_its_receipt(clinic: HeadlessClinic) -> None:
    result = clinic.json(*REFILL, "--commit", "--confirm", "20mL")
    assert result["verified"] is True
    assert result["receipt"]["state"] == "committed"
    assert result["answer"]["reservoir_nl"] == 20_000_000
    assert 19_990_000 < content_nl(clinic) <= 20_000_000
    record = clinic.pump.controller.therapy.refills.last
    assert record is not None
    assert (record.withdrawn_nl, record.filled_nl, record.lot) == (13_100_000, 20_000_000, "A1B2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*REFILL, "--commit"), "--confirm is missing"),
        ((*REFILL, "--commit", "--confirm", "19mL"), "not the volume filled in"),
        ((*REFILL[:3], "--filled", "25mL", "--lot", "A"), "More than the reservoir holds"),
        ((*REFILL[:5], "--lot", "ABCDEFGHIJKLM"), "12 octets"),
        ((*REFILL[:5], "--lot", ""), "12 octets"),
        ((*REFILL[:3], "--filled", "20", "--lot", "A"), "no unit"),
        ((*REFILL[:3], "--filled", "20ml", "--lot", "A"), "no unit"),
    ],
)
def test_a_bad_refill_is_told_and_not_recorded(
    clinic: HeadlessClinic, arguments: tuple[str, ...], words: str
) -> None:
    done = clinic.run(*arguments)
    assert done.code == ExitCode.USAGE, done.out
    assert words in done.err
    assert content_nl(clinic) < 13_200_000


def test_a_lost_refill_is_resolved_by_its_receipt(clinic: HeadlessClinic) -> None:
    with clinic.losing_answers_to("REFILL_RECORD"):
        done = clinic.run(*REFILL, "--commit", "--confirm", "20mL")
    assert done.code == ExitCode.UNCERTAIN
    clinic.pass_ms(130_000)
    resolution = clinic.json("resolve")["resolution"]
    assert resolution["applied"] is True
    assert resolution["kind"] == "refill"


def test_an_answer_and_a_lost_read_back_are_told_apart(clinic: HeadlessClinic) -> None:
    """The pump has said that it did it; only the reading afterwards failed."""
    with clinic.losing_answers_to("GET_RECEIPT"):
        done = clinic.run(*REFILL, "--commit", "--confirm", "20mL")
    assert done.code == ExitCode.NOT_VERIFIED
    assert "has done it" in done.err
    assert intents(clinic)[-1][1] is IntentState.APPLIED


# --- emergency ----------------------------------------------------------------------------------------------


def test_the_published_key_reads_after_the_dwell_that_is_shown(clinic: HeadlessClinic) -> None:
    before_ms = clinic.clock.now_ms()
    done = clinic.run("emergency", "status", "--card", str(clinic.card), records="stranger")
    assert done.code == 0, done.err
    assert clinic.clock.now_ms() - before_ms >= 30_000
    assert "30 s left" in done.err
    assert "5 s left" in done.err
    assert "INFUSING" in done.out
    data = clinic.json("emergency", "status")
    assert data["clock"] is None, "the role may not ask for it"
    assert data["status"]["delivery_state"] == "running"


def test_the_published_key_slows_the_pump_and_that_is_alarmed(clinic: HeadlessClinic) -> None:
    result = clinic.json("emergency", "suspend", "--minutes", "10", "--card", str(clinic.card))
    assert result["verified"] is True
    assert state(clinic) is DeliveryState.MIN_RATE
    codes = [alarm.code for alarm in clinic.pump.controller.alarms.standing]
    assert AlarmCode.EMERGENCY_SUSPEND in codes
    clinic.pass_ms(10 * 60_000)
    assert state(clinic) is DeliveryState.RUNNING


def test_an_open_outcome_of_the_clinic_does_not_hold_up_an_emergency(clinic: HeadlessClinic) -> None:
    with clinic.losing_answers_to("SET_DELIVERY"):
        clinic.run("resume", "--reason", "clinical")
    clinic.pass_ms(130_000)
    assert clinic.json("emergency", "suspend", "--minutes", "10")["verified"] is True
    assert clinic.json("resolve")["resolution"]["applied"] is True


def test_an_emergency_suspend_whose_answer_was_lost_is_resolved_by_the_clinic(clinic: HeadlessClinic) -> None:
    with clinic.losing_answers_to("SET_DELIVERY"):
        done = clinic.run("emergency", "suspend", "--minutes", "10")
    assert done.code == ExitCode.UNCERTAIN
    clinic.pass_ms(130_000)
    assert clinic.json("resolve")["resolution"]["applied"] is True


def test_without_the_pumps_key_the_published_one_is_of_no_use(clinic: HeadlessClinic) -> None:
    done = clinic.run("emergency", "status", records="stranger")
    assert done.code == ExitCode.AUTH
    assert "--card" in done.err


def test_a_head_that_is_not_there_is_told_in_the_end(clinic: HeadlessClinic) -> None:
    clinic.host.set_head(False)
    done = clinic.run("emergency", "status")
    assert done.code in (ExitCode.REFUSED_BY_PUMP, ExitCode.LINK)
    assert "Traceback" not in done.err


def test_a_pump_on_the_shelf_has_nothing_to_slow(tmp_path: Path) -> None:
    clinic = HeadlessClinic(tmp_path, setup="shelf")
    done = clinic.run("emergency", "suspend", "--minutes", "10", "--card", str(clinic.card))
    assert done.code == ExitCode.REFUSED_BY_PUMP, "a pump without a program cannot be slowed"
    assert state(clinic) is DeliveryState.STOPPED


def test_a_program_that_forbids_the_key_is_told(clinic: HeadlessClinic) -> None:
    with clinic.service() as service:
        belief = service.interrogate()
        assert belief.program is not None
        forbidden = replace(belief.program, emergency=Emergency(EmergencyPolicy.NONE, 0))
        proposal = service.propose(forbidden)
        service.commit(proposal.summary.soft_flags, OverrideReason.NONE)
    done = clinic.run("emergency", "status")
    assert done.code == ExitCode.AUTH
    assert "its program forbids it" in done.err
