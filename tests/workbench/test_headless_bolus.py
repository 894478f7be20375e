"""`cisterna pump LINK bolus` and `patient-bolus` on the whole clinic in memory: what reaches the pump."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.headless import HeadlessClinic

from programmer_tui.records import IntentState, Records
from protocol.program import PatientBolus
from protocol.request_words import BolusKind
from protocol.vocabulary import BolusState, OverrideReason, Switch
from workbench.exit_codes import ExitCode

GIVE = ("bolus", "give", "--kind", "clinician", "--volume", "0.02mL", "--duration", "3h")
"""0.02 mL of 20 mg/mL: 0.4 mg, within every soft limit of the setup."""

VOLUME_NL = 20_000
DURATION_MS = 10_800_000


@pytest.fixture
def clinic(tmp_path: Path) -> HeadlessClinic:
    clinic = HeadlessClinic(tmp_path)
    clinic.enrol()
    return clinic


def running(clinic: HeadlessClinic) -> object:
    """The bolus that the pump is delivering, None where there is none."""
    return clinic.pump.controller.therapy.boluses.running


def intents(clinic: HeadlessClinic, records: str = "clinic") -> list[IntentState]:
    store = Records(clinic.folder / f"{records}.sqlite", bytes)
    return [intent.state for intent in store.intents()]


def test_a_rehearsal_shows_both_arithmetics_and_delivers_nothing(clinic: HeadlessClinic) -> None:
    done = clinic.run(*GIVE)
    assert done.code == 0, done.err
    assert "PUMP COMPUTES" in done.out
    assert done.out.count("0.4 mg") == 2, "here and in the pump"
    assert "nothing was delivered" in done.out
    assert running(clinic) is None
    assert clinic.pump.controller.boluses.armed is None, "it was taken back"
    assert intents(clinic) == [IntentState.NOT_APPLIED]


def test_a_bolus_is_given_with_its_receipt_and_read_back(clinic: HeadlessClinic) -> None:
    result = clinic.json(*GIVE, "--commit", "--confirm", "0.02mL")
    assert result["verified"] is True
    assert result["receipt"]["state"] == "committed"
    assert result["receipt"]["intent_id"] == result["intent_id"]
    assert result["status"]["bolus_state"] == "delivering"
    bolus = clinic.pump.controller.therapy.boluses.running
    assert bolus is not None
    assert (bolus.volume_nl, bolus.duration_s, bolus.kind) == (
        VOLUME_NL,
        DURATION_MS // 1_000,
        BolusKind.CLINICIAN,
    )
    assert bolus.intent.hex() == result["intent_id"]
    assert clinic.json("receipt", result["intent_id"]) == result["receipt"]
    assert intents(clinic) == [IntentState.APPLIED]
    clinic.pass_ms(DURATION_MS)
    assert running(clinic) is None
    assert clinic.json("day-totals", "--days", "1")["days"][0]["clinician_bolus_nl"] == VOLUME_NL


def test_a_dose_is_given_as_the_volume_that_holds_it(clinic: HeadlessClinic) -> None:
    dose = ("--kind", "prime", "--dose", "0.4mg", "--duration", "10800s")
    result = clinic.json("bolus", "give", *dose, "--commit", "--confirm", "0.4 mg")
    assert result["verified"] is True
    bolus = clinic.pump.controller.therapy.boluses.running
    assert bolus is not None
    assert (bolus.volume_nl, bolus.kind) == (VOLUME_NL, BolusKind.PRIME)


def test_a_bolus_is_ended_and_both_parts_are_told(clinic: HeadlessClinic) -> None:
    clinic.json(*GIVE, "--commit", "--confirm", "0.02mL")
    clinic.pass_ms(DURATION_MS // 2)
    result = clinic.json("bolus", "cancel")
    assert result["verified"] is True
    answer = result["answer"]
    assert answer["delivered_nl"] + answer["cancelled_nl"] == VOLUME_NL
    assert abs(answer["delivered_nl"] - VOLUME_NL // 2) < 100
    past = clinic.pump.controller.therapy.boluses.past[-1]
    assert past.state is BolusState.CANCELLED
    assert running(clinic) is None


def test_ending_what_is_not_there_is_told(clinic: HeadlessClinic) -> None:
    done = clinic.run("bolus", "cancel")
    assert done.code == ExitCode.USAGE
    assert "No bolus is being delivered" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*GIVE, "--commit"), "--confirm is missing"),
        ((*GIVE, "--commit", "--confirm", "0.5mL"), "not the volume"),
        ((*GIVE, "--commit", "--confirm", "0.05"), "no unit"),
        ((*GIVE, "--dose", "1mg"), "not both"),
        (GIVE[:4] + GIVE[6:], "not neither"),
        ((*GIVE[:4], "--volume", "0.0501234mL", *GIVE[6:]), "At most 3 decimals"),
        ((*GIVE[:4], "--volume", "1e-1mL", *GIVE[6:]), "is not accepted"),
        ((*GIVE[:4], "--dose", "300mcg", *GIVE[6:]), "dosed in mg"),
        ((*GIVE[:6], "--duration", "10"), "90s, 10min or 1h"),
        ((*GIVE[:6], "--duration", "59s"), "A bolus takes from 1 min to 1 day"),
        ((*GIVE[:3], "patient", *GIVE[4:]), "patient"),
    ],
)
def test_bad_input_is_told_in_words_and_delivers_nothing(
    clinic: HeadlessClinic, arguments: tuple[str, ...], words: str
) -> None:
    done = clinic.run(*arguments)
    assert done.code == ExitCode.USAGE, done.out + done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert running(clinic) is None
    assert clinic.pump.controller.boluses.armed is None


def test_a_limit_of_the_pump_is_told_as_its_refusal(clinic: HeadlessClinic) -> None:
    done = clinic.run("bolus", "give", "--kind", "clinician", "--volume", "0.05mL", "--duration", "10min")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert "HARD_LIMIT" in done.err
    assert running(clinic) is None


def test_a_soft_limit_needs_a_reason_and_the_pump_logs_it(clinic: HeadlessClinic) -> None:
    volume = ("--volume", "0.026mL", "--duration", "6h", "--confirm", "0.026mL")
    asked = ("bolus", "give", "--kind", "clinician", *volume, "--commit")
    done = clinic.run(*asked)
    assert done.code == ExitCode.USAGE, done.out + done.err
    assert "--reason" in done.err
    assert "bolus volume" in done.err
    assert running(clinic) is None
    result = clinic.json(*asked, "--reason", "palliative-care")
    assert result["verified"] is True
    note = clinic.json("log")["records"]
    started = [record for record in note if record["type"] == "bolus_start"]
    assert "palliative care" in started[-1]["words"]


def test_a_lost_answer_is_unknown_blocks_and_is_resolved_by_the_receipt(clinic: HeadlessClinic) -> None:
    with clinic.losing_answers_to("BOLUS_START"):
        done = clinic.run(*GIVE, "--commit", "--confirm", "0.02mL")
    assert done.code == ExitCode.UNCERTAIN
    assert "UNKNOWN OUTCOME" in done.err
    assert "may have done it or not" in done.err
    assert intents(clinic) == [IntentState.SENT]
    assert running(clinic) is not None
    clinic.pass_ms(130_000)
    resolution = clinic.json("resolve")["resolution"]
    assert resolution["applied"] is True
    assert resolution["receipt"]["state"] == "committed"
    assert "DID it" in resolution["text"]
    assert intents(clinic) == [IntentState.APPLIED]
    assert clinic.json("resolve")["resolution"] is None


def test_a_lost_start_that_never_happened_is_resolved_too(clinic: HeadlessClinic) -> None:
    with clinic.losing_requests("BOLUS_START"):
        done = clinic.run(*GIVE, "--commit", "--confirm", "0.02mL")
    assert done.code == ExitCode.UNCERTAIN, done.out + done.err
    resolution = clinic.json("resolve")["resolution"]
    assert resolution["applied"] is False
    assert "did NOT do it" in resolution["text"]
    assert intents(clinic) == [IntentState.NOT_APPLIED]
    assert running(clinic) is None


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_end_of_a_bolus_is_resolved_by_the_log(clinic: HeadlessClinic, executed: bool) -> None:
    clinic.json(*GIVE, "--commit", "--confirm", "0.02mL")
    with clinic.losing_answers_to("BOLUS_CANCEL") if executed else clinic.losing_requests("BOLUS_CANCEL"):
        assert clinic.run("bolus", "cancel").code == ExitCode.UNCERTAIN
    clinic.pass_ms(130_000)
    resolution = clinic.json("resolve")["resolution"]
    assert resolution["receipt"] is None
    if executed:
        assert resolution["applied"] is True
        assert "CANCELLED" in resolution["text"]
    else:
        # The power cut of the test ended it as well, by itself.
        assert resolution["applied"] is False
        assert "FAULTED" in resolution["text"]


# --- the patient --------------------------------------------------------------------------------------------


@pytest.fixture
def prescribed(clinic: HeadlessClinic) -> HeadlessClinic:
    """A pump whose program grants patient boluses, and a patient's programmer that is confirmed."""
    rules = PatientBolus(Switch.ON, 5_000, 3_600, 60, 2, 20_000)
    with clinic.service() as service:
        belief = service.interrogate()
        assert belief.program is not None
        proposal = service.propose(replace(belief.program, patient_bolus=rules))
        reason = OverrideReason.TRAINING if proposal.summary.soft_flags else OverrideReason.NONE
        assert service.commit(proposal.summary.soft_flags, reason).verified
    clinic.enrol("patient", records="patient")
    bonds = clinic.json("bonds")["bonds"]
    if bonds[1]["state"] != "confirmed":
        clinic.json("bonds", "confirm", "1")
    return clinic


def test_a_patient_asks_for_a_bolus_and_is_told_what_is_left(prescribed: HeadlessClinic) -> None:
    result = prescribed.json("patient-bolus", records="patient")
    assert result["verified"] is True
    assert result["answer"]["left_today"] == 1
    assert result["answer"]["lockout_s"] == 3_600
    bolus = prescribed.pump.controller.therapy.boluses.running
    assert bolus is not None
    assert (bolus.kind, bolus.volume_nl) == (BolusKind.PATIENT, 5_000)
    assert intents(prescribed, "patient") == [IntentState.APPLIED]


def test_the_lockout_is_told_with_the_time_that_is_left(prescribed: HeadlessClinic) -> None:
    prescribed.json("patient-bolus", records="patient")
    prescribed.pass_ms(1_200_000)
    assert "BOLUS_ACTIVE" in prescribed.run("patient-bolus", records="patient").err
    prescribed.json("bolus", "cancel", records="patient")
    done = prescribed.run("patient-bolus", records="patient")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert re.search(r"\b23\d\d s left", done.err), done.err
    assert intents(prescribed, "patient") == [
        IntentState.APPLIED,
        IntentState.NOT_APPLIED,
        IntentState.APPLIED,
        IntentState.NOT_APPLIED,
    ]


def test_a_patient_ends_their_own_bolus_and_not_a_clinicians(prescribed: HeadlessClinic) -> None:
    prescribed.json("patient-bolus", records="patient")
    assert prescribed.json("bolus", "cancel", records="patient")["verified"] is True
    prescribed.pass_ms(7_200_000)
    prescribed.json(*GIVE, "--commit", "--confirm", "0.02mL")
    done = prescribed.run("bolus", "cancel", records="patient")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert running(prescribed) is not None


def test_a_lost_patient_bolus_is_resolved_by_the_patients_own_receipt(prescribed: HeadlessClinic) -> None:
    with prescribed.losing_answers_to("PATIENT_BOLUS"):
        assert prescribed.run("patient-bolus", records="patient").code == ExitCode.UNCERTAIN
    prescribed.pass_ms(130_000)
    resolution = prescribed.json("resolve", records="patient")["resolution"]
    assert resolution["applied"] is True


def test_a_clinician_does_not_ask_as_a_patient(clinic: HeadlessClinic) -> None:
    done = clinic.run("patient-bolus")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert "ROLE_FORBIDDEN" in done.err
