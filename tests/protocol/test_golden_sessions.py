"""Whole sessions, frozen octet by octet: a change of the protocol shows here before a pump shows it."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support import golden
from support.golden import VECTORS, build_document, load, main, path_of, render
from support.golden_reader import DIRECTIONS, WAYS
from support.golden_replay import ProgrammerReplay, PumpReplay, frames_of, said
from support.golden_scenarios import SCENARIOS
from support.published import CATALOGUE, NOTIFICATIONS
from support.wire import slow_cobs_decode, slow_crc32c

from protocol.frame import FRAME_LAYOUT, Direction, Frame, decode_piece
from protocol.handshake import Suite
from protocol.link_control import LinkErrorCode, LinkOp
from protocol.vocabulary import ErrorCode

Entry = dict[str, Any]

FILES: dict[str, Entry] = {name: load(name) for name in SCENARIOS}
EVERY_FRAME = [entry for file in FILES.values() for entry in file["timeline"] if "wire" in entry]
DECODED = [entry["decoded"] for entry in EVERY_FRAME if entry["decoded"]]
every_scenario = pytest.mark.parametrize("name", SCENARIOS)


def said_in(name: str) -> list[str]:
    """What is said in a scenario, in a few words each."""
    told = [entry["decoded"] for entry in FILES[name]["timeline"] if entry.get("decoded")]
    return [words.get("message") or f"{words['suite']} {words['step']}" for words in told]


def errors_in(name: str) -> list[tuple[str, int, int]]:
    told = [entry["decoded"] for entry in FILES[name]["timeline"] if entry.get("decoded")]
    bodies = [words["body"] for words in told if words.get("message") == "ERROR"]
    return [(body["code"], body["field"], body["detail"]) for body in bodies]


# --- both endpoints say today what was frozen ---------------------------------------------------------------


@every_scenario
def test_the_endpoints_make_the_file_again(name: str) -> None:
    assert render(build_document(name, FILES[name]["version"])) == path_of(name).read_text(
        encoding="utf-8"
    ), f"the protocol has changed on the wire; if that is meant: python -m support.golden --version N {name}"


@every_scenario
def test_a_pump_that_is_played_to_answers_the_same_octets_at_the_same_time(name: str) -> None:
    replay = PumpReplay(FILES[name])
    assert replay.run() == said(FILES[name], Direction.TO_PROGRAMMER)
    assert replay.draws.used_up()


@every_scenario
def test_a_programmer_that_is_played_to_says_the_same_octets_at_the_same_time(name: str) -> None:
    replay = ProgrammerReplay(FILES[name])
    assert replay.run() == said(FILES[name], Direction.TO_PUMP)
    assert replay.draws.used_up()


def test_every_file_has_its_scenario_and_every_scenario_its_file() -> None:
    files = {path.stem for path in VECTORS.glob("*.json")}
    assert files == {*SCENARIOS, "noise", "negative"}
    for name, file in FILES.items():
        assert (file["protocol"], file["layout"], file["scenario"]) == ("OITP/1", 2, name)
        assert file["about"]


# --- the files hold together by themselves ------------------------------------------------------------------


def test_wire_frame_and_check_value_belong_together() -> None:
    """By the slow and simple readings of COBS and CRC-32C, and by the definition of the frame."""
    for entry in EVERY_FRAME:
        wire, frame = bytes.fromhex(entry["wire"]), bytes.fromhex(entry["frame"])
        assert wire[0] == wire[-1] == 0
        assert slow_cobs_decode(wire[1:-1]) == frame
        parsed = FRAME_LAYOUT.parse(frame)
        assert (parsed.proto, parsed.seq, parsed.link_id) == (0xA1, entry["seq"], entry["link_id"])
        assert WAYS[Direction(parsed.flags)] == entry["way"]
        assert parsed.len == len(parsed.payload) == len(frame) - 11
        assert parsed.crc32c == slow_crc32c(frame[:-4])
        assert isinstance(decode_piece(wire[1:-1], DIRECTIONS[entry["way"]]), Frame)


@every_scenario
def test_frames_of_each_direction_are_numbered_and_time_does_not_run_back(name: str) -> None:
    times = [entry["at_ms"] for entry in FILES[name]["timeline"]]
    assert times == sorted(times)
    for way in Direction:
        numbers = [entry["seq"] for entry in frames_of(FILES[name], way)]
        assert numbers == list(range(len(numbers)))


@every_scenario
def test_the_records_of_a_session_are_counted_from_nought(name: str) -> None:
    for way in Direction:
        counters = []
        for entry in frames_of(FILES[name], way):
            if entry["kind"] == "HANDSHAKE":
                counters.append(-1)
            elif "plaintext" in entry:
                counters.append(int.from_bytes(bytes.fromhex(entry["frame"])[7:11], "little"))
        assert all(after in (before + 1, -1) for before, after in pairwise(counters))


def test_no_record_but_a_clear_one_shows_its_plaintext() -> None:
    records = [entry for entry in EVERY_FRAME if "plaintext" in entry]
    assert {entry["kind"] for entry in records} == {"SECURE", "CLEAR"}
    for entry in records:
        clear = entry["kind"] == "CLEAR"
        assert (entry["plaintext"] in entry["frame"]) == clear
        assert len(entry["frame"]) // 2 == 11 + 4 + len(entry["plaintext"]) // 2 + (0 if clear else 16)


def test_handshake_frames_have_the_sizes_published() -> None:
    shakes = [entry for entry in EVERY_FRAME if entry["kind"] == "HANDSHAKE"]
    sizes = {
        (entry["decoded"]["step"], len(entry["frame"]) // 2, len(entry["wire"]) // 2) for entry in shakes
    }
    assert sizes == {("FIRST", 63, 66), ("SECOND", 79, 82)}


def test_what_an_eavesdropper_sees_holds_no_dose_serial_or_name() -> None:
    """Of all sessions but the plaintext one; the words are those of the scripted pump and of its people."""
    on_the_line = b"".join(bytes.fromhex(entry["frame"]) for entry in EVERY_FRAME if entry["kind"] != "CLEAR")
    for secret in (b"TEST-0001", b"TRAIN-07", b"morphine", "office µ".encode(), b"golden", b"LOT-2026"):
        assert secret not in on_the_line
    for number in (13_200_000, 5_400_000, 1_000_000, 5_000_000_000):
        assert number.to_bytes(8, "little").rstrip(b"\0") not in on_the_line


# --- they say what they are there for -----------------------------------------------------------------------


def test_every_message_notification_and_error_is_said_somewhere() -> None:
    """With every code but those that no request can get any more."""
    said_as = {(words.get("class"), words.get("message")) for words in DECODED}
    for name in CATALOGUE:
        assert {("request", name), ("response", name)} <= said_as
    assert {name for kind, name in said_as if kind == "notification"} == NOTIFICATIONS.keys()
    codes = {words["body"]["code"] for words in DECODED if words.get("message") == "ERROR"}
    assert codes == {code.name for code in ErrorCode}


def test_every_link_message_refusal_and_handshake_is_said_somewhere() -> None:
    links = [entry["decoded"] for entry in EVERY_FRAME if entry["kind"] == "LINK"]
    assert {words["message"] for words in links} == {op.name for op in LinkOp}
    refusals = {words["body"]["code"] for words in links if words["message"] == "LINK_ERROR"}
    assert refusals == {code.name for code in LinkErrorCode}
    suites = {words["suite"] for words in DECODED if "suite" in words}
    assert suites == {suite.name for suite in Suite}


@pytest.mark.parametrize("family", "7bdef")
def test_each_family_of_errors_is_whole_and_in_its_own_file(family: str) -> None:
    whole = {code.name for code in ErrorCode if code >> 4 == int(family, 16)}
    assert {code for code, _, _ in errors_in(f"errors_{family}")} == whole


OPENING = ["HELLO", "HELLO_RSP", "KK FIRST", "KK SECOND", *["SESSION_CONFIRM"] * 2]


def asked(*names: str) -> list[str]:
    """A conversation of requests and their responses."""
    return [name for name in names for _ in range(2)]


def test_the_scenarios_are_told_in_their_order() -> None:
    farewell = asked("SESSION_CLOSE")
    assert said_in("hello") == ["HELLO", "HELLO_RSP", "PING", "PONG", "HELLO", "LINK_ERROR", "CLOSE"]
    assert said_in("enrol")[2:] == [
        *("NNPSK0 FIRST", "NNPSK0 SECOND"), *asked("SESSION_CONFIRM", "BOND_ENROL"), *farewell,
    ]  # fmt: skip
    assert said_in("bolus") == [*OPENING, *asked("BOLUS_ARM", "BOLUS_START", "BOLUS_CANCEL"), *farewell]
    assert said_in("delivery") == [*OPENING, *asked(*["SET_DELIVERY"] * 3), *farewell]
    assert said_in("clock") == [*OPENING, *asked("GET_CLOCK", "SET_CLOCK", "GET_CLOCK"), *farewell]
    assert said_in("refill") == [*OPENING, *asked("REFILL_RECORD", "GET_RECEIPT"), *farewell]
    steps = ["PROG_BEGIN", "PROG_ABORT", "PROG_BEGIN", *["PROG_STAGE"] * 2, "PROG_VERIFY"]
    assert said_in("program_commit") == [
        *OPENING, *asked(*steps), *["PROG_COMMIT"] * 4, *asked("GET_RECEIPT"), *farewell,
    ]  # fmt: skip


def test_the_lost_answer_to_the_commit_comes_again_and_is_marked() -> None:
    timeline = FILES["program_commit"]["timeline"]
    commits = [entry for entry in timeline if entry["decoded"].get("message") == "PROG_COMMIT"]
    request, answer, again, cached = (entry["decoded"] for entry in commits)
    assert request == again
    assert (answer["mflags"], cached["mflags"]) == (0, 1)
    assert answer["body"] == cached["body"]
    assert answer["body"]["state"] == "COMMITTED"
    assert [entry.get("lost", False) for entry in commits] == [False, True, False, False]
    assert commits[2]["at_ms"] > commits[0]["at_ms"]


def test_the_log_pages_tell_of_a_gap_of_more_and_of_a_corrupt_record() -> None:
    pages = [
        words["body"]
        for words in DECODED
        if (words.get("message"), words.get("class")) == ("LOG_READ", "response")
    ]
    assert [page["flags"] for page in pages] == [0x03, 0x04, 0]
    assert [len(page["records"]) for page in pages] == [2, 1, 0]


def test_notifications_are_repeated_on_their_schedule_and_stop_with_the_session() -> None:
    timeline = FILES["notifications"]["timeline"]
    told: dict[str, list[int]] = {}
    for entry in timeline:
        words = entry.get("decoded") or {}
        if words.get("class") == "notification":
            told.setdefault(words["message"], []).append(entry["at_ms"])
    first = told["ALARM_EVENT"][0]
    assert [at - first for at in told["ALARM_EVENT"]] == [0, 1_000, 3_000, 7_000, 15_000, 31_000]
    first = told["SESSION_ENDING"][0]
    assert [at - first for at in told["SESSION_ENDING"]] == [0, 1_000, 3_000, 7_000]
    assert Counter({name: len(times) for name, times in told.items()}) == {
        "STATUS_PUSH": 1, "BOLUS_PROGRESS": 3, "LOG_APPENDED": 2, "ALARM_EVENT": 6, "SESSION_ENDING": 4,
    }  # fmt: skip
    assert timeline[-1]["decoded"]["body"]["code"] == "NO_SESSION"


def test_the_emergency_key_waits_thirty_seconds() -> None:
    assert errors_in("emergency") == [("PROXIMITY_REQUIRED", 255, 30)]


# --- freezing -----------------------------------------------------------------------------------------------


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(golden, "VECTORS", tmp_path)
    return tmp_path


def made(version: int) -> Entry:
    return {"version": version, "made": True}


def test_a_missing_file_is_made_and_a_frozen_one_is_left_alone(folder: Path) -> None:
    (folder / "old.json").write_text(render({"version": 3}), encoding="utf-8")
    assert main([], {"old": made, "new": made}) == 0
    assert (folder / "old.json").read_text(encoding="utf-8") == render({"version": 3})
    assert (folder / "new.json").read_text(encoding="utf-8") == render(made(1))


@pytest.mark.parametrize("arguments", [["old"], ["--version", "3", "old"], ["--version", "2", "old", "new"]])
def test_a_frozen_file_needs_a_higher_version(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old.json").write_text(render({"version": 3}), encoding="utf-8")
    assert main(arguments, {"old": made, "new": made}) == 1
    assert "old.json is frozen as version 3. If the protocol is meant to change" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["old.json"]
    assert (folder / "old.json").read_text(encoding="utf-8") == render({"version": 3})


def test_a_higher_version_is_written(folder: Path) -> None:
    (folder / "old.json").write_text(render({"version": 3}), encoding="utf-8")
    assert main(["--version", "4", "old"], {"old": made}) == 0
    assert (folder / "old.json").read_text(encoding="utf-8") == render(made(4))
