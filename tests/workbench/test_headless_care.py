"""Clock, alarms, bonds, self-tests, log, statistics and notifications by `cisterna pump`, in memory."""

import json
from pathlib import Path

import pytest
from support.headless import HeadlessClinic
from support.rig import START_UTC_S

from firmware_model.controller.event_log import cell_of
from protocol.vocabulary import AlarmState, BondState, Role
from workbench.exit_codes import ExitCode


@pytest.fixture
def clinic(tmp_path: Path) -> HeadlessClinic:
    clinic = HeadlessClinic(tmp_path)
    clinic.enrol()
    return clinic


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> HeadlessClinic:
    """A clinic that is only read."""
    clinic = HeadlessClinic(tmp_path_factory.mktemp("steady"))
    clinic.enrol()
    return clinic


def test_what_the_pump_can_do_is_told_by_name(steady: HeadlessClinic) -> None:
    text = steady.run("info").out
    assert "weekly schedules" in text
    assert steady.pump.identity.serial in text
    assert "weekly_schedule" in steady.json("info")["features"]


def test_the_totals_of_the_days_begin_today_and_end_where_the_pump_has_none(steady: HeadlessClinic) -> None:
    days = steady.json("day-totals", "--days", "31")["days"]
    assert [day["day_back"] for day in days] == list(range(len(days)))
    assert 28 <= len(days) <= 31
    assert days[1]["basal_nl"] == 240_000
    text = steady.run("day-totals", "--days", "2").out
    assert "so far" in text
    assert "0.24 mL" in text


def test_link_and_security_are_told_with_what_they_mean(steady: HeadlessClinic) -> None:
    assert steady.json("link-stats")["rx_frames"] > 0
    assert "frames with a wrong CRC-32C" in steady.run("link-stats").out
    assert steady.json("security")["hs_fail_total"] == 0
    assert "failed handshakes" in steady.run("security").out


# --- the clock ----------------------------------------------------------------------------------------------


def test_the_clock_is_shown_and_set_to_a_time(clinic: HeadlessClinic) -> None:
    assert clinic.json("clock")["utc_offset_min"] == 60
    assert "UTC+01:00" in clinic.run("clock").out
    done = clinic.json("clock", "set", "--utc", "2026-03-02T11:00:00Z", "--offset", "-300")
    assert abs(done["answer"]["step_s"] - (START_UTC_S // 3_600 * 3_600 + 3_600 - START_UTC_S)) < 60
    assert clinic.pump.controller.clock.utc_s == done["clock"]["utc_s"]
    log = clinic.json("log")["records"]
    assert any(record["type"] == "clock_set" and "typed in" in record["words"] for record in log)


def test_the_clock_is_set_to_now_and_its_offset_stays(clinic: HeadlessClinic) -> None:
    clinic.json("clock", "set", "--utc", "2026-01-01 00:00:00")
    done = clinic.run("clock", "set", "--utc", "now")
    assert done.code == 0, done.err
    told = clinic.json("clock")
    assert 0 <= told["utc_s"] - START_UTC_S < 60
    assert told["utc_offset_min"] == 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--utc", "yesterday"), "write now, or date and time"),
        (("--utc", "1969-12-31T23:59:59"), "outside 1970 to 2106"),
        (("--utc", "2200-01-01T00:00:00"), "outside 1970 to 2106"),
        (("--utc", "now", "--offset", "900"), "900"),
        ((), "--utc"),
    ],
)
def test_a_bad_time_is_told(steady: HeadlessClinic, arguments: tuple[str, ...], words: str) -> None:
    before = steady.pump.controller.clock.setting
    done = steady.run("clock", "set", *arguments)
    assert done.code == ExitCode.USAGE
    assert words in done.err
    assert steady.pump.controller.clock.setting == before


# --- alarms -------------------------------------------------------------------------------------------------


def test_alarms_are_shown_acknowledged_and_silenced(clinic: HeadlessClinic) -> None:
    assert clinic.run("alarms").out == "No alarms.\n"
    clinic.json("emergency", "suspend", "--minutes", "60")
    (alarm,) = clinic.json("alarms")["alarms"]
    number = str(alarm["instance"])
    assert f"number {number}" in clinic.run("alarms").out
    silenced = clinic.json("alarms", "silence", number, "--seconds", "300")
    assert silenced["state"] == "silenced"
    assert clinic.json("alarms", "ack", number)["state"] == "acked"
    (standing,) = clinic.pump.controller.alarms.standing
    assert standing.state is AlarmState.ACKED


def test_a_high_alarm_is_not_silent_for_long(clinic: HeadlessClinic) -> None:
    clinic.json("emergency", "suspend", "--minutes", "60")
    number = str(clinic.json("alarms")["alarms"][0]["instance"])
    done = clinic.run("alarms", "silence", number, "--seconds", "301")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert clinic.run("alarms", "silence", number, "--seconds", "3601").code == ExitCode.USAGE


def test_an_alarm_that_is_not_there_is_refused(steady: HeadlessClinic) -> None:
    assert steady.run("alarms", "ack", "77").code == ExitCode.REFUSED_BY_PUMP
    assert steady.run("alarms", "ack", "x").code == ExitCode.USAGE


# --- bonds and roles ----------------------------------------------------------------------------------------


def test_a_provisional_bond_is_confirmed_and_a_bond_revoked(clinic: HeadlessClinic) -> None:
    card = ("enrol", "--card", str(clinic.card), "--role", "reader", "--label", "ward 3")
    assert clinic.run(*card, records="reader").code == 0
    (_, bond) = clinic.json("bonds")["bonds"]
    assert (bond["role"], bond["state"], bond["label"]) == ("reader", "provisional", "ward 3")
    assert "ward 3" in clinic.run("bonds", "list").out
    assert "confirmed" in clinic.run("bonds", "confirm", "1").out
    assert clinic.run("status", records="reader").code == 0
    refused = clinic.run("stop", "--minutes", "5", "--reason", "clinical", records="reader")
    assert "ROLE_FORBIDDEN" in refused.err
    assert clinic.json("bonds", "revoke", "1")["slot"] == 1
    held = clinic.pump.controller.access.bond(1)
    assert held is None or held.state is BondState.REVOKED
    assert clinic.run("status", records="reader").code == ExitCode.AUTH


def test_a_slot_that_cannot_be_is_told(steady: HeadlessClinic) -> None:
    assert steady.run("bonds", "revoke", "8").code == ExitCode.USAGE
    assert steady.run("bonds", "confirm", "5").code == ExitCode.REFUSED_BY_PUMP


def test_the_pump_tests_itself_for_the_service(clinic: HeadlessClinic) -> None:
    clinic.enrol("service", records="service")
    answer = clinic.json("self-test", records="service")
    assert set(answer["results"]) >= {"memory", "program", "log_chain", "clock", "battery", "motor"}
    assert answer["failed"] == []
    text = clinic.run("self-test", "memory", "log-chain", records="service").out
    assert text.count("passed") == 2
    assert clinic.run("self-test").code == ExitCode.REFUSED_BY_PUMP, "a clinician is not the service"
    assert clinic.run("self-test", "brain", records="service").code == ExitCode.USAGE


def test_a_self_test_that_fails_has_its_exit_code(clinic: HeadlessClinic) -> None:
    clinic.enrol("service", records="service")
    clinic.pump.storage.flip_bit(cell_of(clinic.pump.controller.log.last_seq), 40)
    done = clinic.run("self-test", "log-chain", records="service")
    assert done.code == ExitCode.FAILED, done.out + done.err
    assert "FAILED" in done.out


def test_a_patient_sees_the_status_and_not_the_program(clinic: HeadlessClinic) -> None:
    clinic.enrol("patient", records="patient")
    status = clinic.json("status", records="patient")
    assert status["status"]["delivery_state"] == "running"
    done = clinic.run("program", records="patient")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert "ROLE_FORBIDDEN" in done.err
    assert clinic.run("log", records="patient").code == 0


# --- the log ------------------------------------------------------------------------------------------------


def test_the_whole_log_is_downloaded_and_is_what_the_pump_holds(steady: HeadlessClinic) -> None:
    data = steady.json("log", "--all", "--verify")
    held = steady.pump.controller.log
    seqs = [record["seq"] for record in data["records"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= held.last_seq - 2, "its own session was logged after it"
    assert data["verdict"]["same"] is True
    assert data["gaps"] == data["corrupt_seqs"] == []
    text = steady.run("log", "--verify").out
    assert "VERIFIED" in text
    assert "session opened" not in text, "the records are printed with --all only"


def test_the_hash_of_a_part_is_asked_for(steady: HeadlessClinic) -> None:
    answer = steady.json("log", "--digest", "2", "5")
    assert answer["chain"] == steady.pump.controller.log.digest(2, 5).hex()
    done = steady.run("log", "--digest", "1", "99999")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert steady.run("log", "--digest", "1", "5", "--verify").code == ExitCode.USAGE
    assert steady.run("log", "--digest", "0", "5").code == ExitCode.USAGE


def test_a_corrupt_record_stands_in_the_log_and_splits_what_is_compared(clinic: HeadlessClinic) -> None:
    clinic.pump.storage.flip_bit(cell_of(3), 40)
    data = clinic.json("log", "--verify")
    assert data["corrupt_seqs"] == [3]
    assert data["verdict"]["runs"][0]["to_seq"] == 2
    assert data["verdict"]["same"] is True
    assert "Corrupt" in clinic.run("log", "--verify").out


# --- watch --------------------------------------------------------------------------------------------------


def test_what_the_pump_tells_is_printed_as_it_comes(clinic: HeadlessClinic) -> None:
    clinic.json("emergency", "suspend", "--minutes", "1")
    done = clinic.run("watch", "--for", "200", "--status-period", "60", "--json")
    assert done.code == 0, done.err
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [event["message"] for event in told].count("status_push") == 3
    alarms = [event["state"] for event in told if event["message"] == "alarm_event"]
    assert alarms[0] == "active"
    assert alarms[-1] == "cleared", "the pump resumed by itself meanwhile"
    assert any(event["message"] == "log_appended" for event in told)
    assert not any(event["message"] == "session_ending" for event in told), "the session was kept alive"


def test_only_what_is_asked_for_is_told(clinic: HeadlessClinic) -> None:
    done = clinic.run("watch", "--for", "130", "--event", "status", "--status-period", "60")
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()] == ["status", "status"]


def test_a_bolus_is_watched_to_its_end(clinic: HeadlessClinic) -> None:
    bolus = ("--kind", "prime", "--volume", "0.001mL", "--duration", "10min")
    clinic.json("bolus", "give", *bolus, "--commit", "--confirm", "0.001mL")
    done = clinic.run("watch", "--for", "620", "--event", "bolus")
    assert done.out.count("delivering") > 10
    assert done.out.rstrip().endswith("done, 0.001 mL of 0.001 mL")


def test_ctrl_c_ends_it_in_order(clinic: HeadlessClinic) -> None:
    clinic.interrupt_at_ms = clinic.clock.now_ms() + 20_000
    done = clinic.run("watch")
    assert (done.code, done.err) == (0, "Ended; the pump goes on.\n")
    assert done.out.startswith("status")
    assert clinic.run("status").code == 0, "the session was closed"


# --- laboratory and far link --------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path) -> HeadlessClinic:
    return HeadlessClinic(tmp_path, lab_role=Role.CLINICIAN)


def test_a_lab_pump_is_commanded_without_a_card_and_that_is_said(lab: HeadlessClinic) -> None:
    done = lab.run("--lab", "stop", "--minutes", "5", "--reason", "training")
    assert done.code == 0, done.err
    assert done.err.startswith("LAB PLAINTEXT")
    assert "VERIFIED" in done.out
    assert lab.pump.belief().delivery_state.name == "STOPPED"
    assert lab.run("status").code == ExitCode.AUTH, "without --lab a bond is needed"
    lab.enrol()
    assert "LAB PLAINTEXT" in lab.run("status").err, "said also in a session with keys"


def test_a_pump_outside_the_laboratory_is_not_opened_as_one(steady: HeadlessClinic) -> None:
    done = steady.run("--lab", "status")
    assert done.code == ExitCode.LINK
    assert "--lab-plaintext" in done.err
    assert "LAB PLAINTEXT" not in steady.run("status").err


def test_a_lost_answer_in_the_laboratory_is_resolved_too(lab: HeadlessClinic) -> None:
    with lab.losing_answers_to("SET_DELIVERY"):
        done = lab.run("--lab", "stop", "--minutes", "5", "--reason", "training")
    assert done.code == ExitCode.UNCERTAIN
    lab.pass_ms(130_000)
    assert lab.run("--lab", "resolve", "--json").json["resolution"]["applied"] is True


def test_a_far_link_reads_and_with_a_token_of_the_near_one_treats(tmp_path: Path) -> None:
    clinic = HeadlessClinic(tmp_path, far_link=True)
    clinic.enrol()
    assert clinic.run("status", link="far").code == 0
    stop = ("stop", "--minutes", "5", "--reason", "training")
    refused = clinic.run(*stop, link="far")
    assert "PROXIMITY_REQUIRED" in refused.err
    done = clinic.run(*stop, "--near", "near", link="far")
    assert done.code == 0, done.err
    assert clinic.pump.belief().delivery_state.name == "STOPPED"
    assert clinic.run("status", "--near", "near", "--lab", link="far").code == ExitCode.USAGE


def test_a_pump_without_the_feature_gives_no_token(clinic: HeadlessClinic) -> None:
    done = clinic.run("status", "--near", "near")
    assert done.code == ExitCode.REFUSED_BY_PUMP
    assert "FEATURE_ABSENT" in done.err or "cannot do that" in done.err


def test_every_verb_answers_help_itself(steady: HeadlessClinic) -> None:
    assert "--duration" in steady.run("bolus", "give", "--help").out
    assert "INSTANCE" in steady.run("alarms", "ack", "-h").out
