"""Whole sessions, frozen octet by octet: a change of the protocol shows here before a pump shows it."""

import json
from typing import Any

import pytest
from support.golden import FROZEN, SCENARIOS, WAYS, build_document, render
from support.wire import slow_cobs_decode, slow_crc32c

from protocol.frame import FRAME_LAYOUT, Direction, Frame, decode_piece

Entry = dict[str, Any]

FILE: dict[str, Any] = json.loads(FROZEN.read_text(encoding="utf-8"))
EVERY_ENTRY: list[Entry] = [entry for entries in FILE["scenarios"].values() for entry in entries]
every_scenario = pytest.mark.parametrize("name", SCENARIOS)


def said(name: str) -> list[str]:
    """What is said in a scenario, in a few words each."""
    told = [entry["decoded"] for entry in FILE["scenarios"][name]]
    return [words.get("message") or f"{words['suite']} {words['step']}" for words in told]


def test_the_endpoints_say_today_what_was_frozen() -> None:
    assert render(build_document()) == FROZEN.read_text(encoding="utf-8"), (
        "the protocol has changed on the wire; if that is meant, bump its version and write the file anew: "
        "PYTHONPATH=tests python -m support.golden"
    )


def test_wire_frame_and_check_value_belong_together() -> None:
    """By the slow and simple readings of COBS and CRC-32C, and by the definition of the frame."""
    for entry in EVERY_ENTRY:
        wire, frame = bytes.fromhex(entry["wire"]), bytes.fromhex(entry["frame"])
        assert wire[0] == wire[-1] == 0
        assert slow_cobs_decode(wire[1:-1]) == frame
        parsed = FRAME_LAYOUT.parse(frame)
        assert (parsed.proto, parsed.seq, parsed.link_id) == (0xA1, entry["seq"], entry["link_id"])
        assert WAYS[Direction(parsed.flags)] == entry["way"]
        assert parsed.len == len(parsed.payload) == len(frame) - 11
        assert parsed.crc32c == slow_crc32c(frame[:-4])


def test_frames_of_each_direction_are_numbered_and_records_of_it_counted() -> None:
    for entries in FILE["scenarios"].values():
        for way in WAYS.values():
            mine = [entry for entry in entries if entry["way"] == way]
            assert [entry["seq"] for entry in mine] == list(range(len(mine)))
            records = [bytes.fromhex(entry["frame"]) for entry in mine if entry["kind"] == "SECURE"]
            assert [int.from_bytes(frame[7:11], "little") for frame in records] == list(range(len(records)))


def test_no_record_shows_its_plaintext() -> None:
    records = [entry for entry in EVERY_ENTRY if "plaintext" in entry]
    assert records
    for entry in records:
        assert entry["plaintext"] not in entry["frame"]
        assert len(entry["frame"]) // 2 == 11 + 4 + len(entry["plaintext"]) // 2 + 16


def test_handshake_frames_have_the_sizes_published() -> None:
    sizes = {
        (entry["decoded"]["step"], len(entry["frame"]) // 2, len(entry["wire"]) // 2)
        for entry in EVERY_ENTRY
        if entry["kind"] == "HANDSHAKE"
    }
    assert sizes == {("FIRST", 63, 66), ("SECOND", 79, 82)}


@every_scenario
def test_every_frame_is_one_that_its_receiver_takes(name: str) -> None:
    for entry in FILE["scenarios"][name]:
        way = next(way for way, text in WAYS.items() if text == entry["way"])
        assert isinstance(decode_piece(bytes.fromhex(entry["wire"])[1:-1], way), Frame)


def test_the_scenarios_say_what_they_are_there_for() -> None:
    opening = ["HELLO", "HELLO_RSP", "KK FIRST", "KK SECOND"]
    confirmed = [*opening, *["SESSION_CONFIRM"] * 2]
    farewell = ["SESSION_CLOSE"] * 2
    assert said("enrol") == [
        "HELLO",
        "HELLO_RSP",
        "NNPSK0 FIRST",
        "NNPSK0 SECOND",
        *["SESSION_CONFIRM"] * 2,
        *["BOND_ENROL"] * 2,
        *farewell,
    ]
    asked = ("GET_DEVICE_INFO", "GET_STATUS", "KEEPALIVE")
    assert said("status") == [*confirmed, *(name for name in asked for _ in range(2)), *farewell]
    commit = ["PROG_COMMIT"] * 4
    steps = [*["PROG_BEGIN"] * 2, *["PROG_STAGE"] * 4, *["PROG_VERIFY"] * 2, *commit, *["GET_RECEIPT"] * 2]
    assert said("programming") == [*confirmed, *steps, *farewell]
    assert said("refused") == ["HELLO", "HELLO_RSP", "KK FIRST", "LINK_ERROR", "CLOSE"]


def test_the_lost_answer_to_the_commit_comes_again_and_is_marked() -> None:
    entries = FILE["scenarios"]["programming"]
    commits = [entry for entry in entries if entry["decoded"].get("message") == "PROG_COMMIT"]
    request, answer, again, cached = (entry["decoded"] for entry in commits)
    assert request == again
    assert (answer["mflags"], cached["mflags"]) == (0, 1)
    assert answer["body"] == cached["body"]
    assert answer["body"]["state"] == "COMMITTED"
    assert commits[2]["at_ms"] > commits[0]["at_ms"]


def test_errors_name_the_request_the_reason_and_the_field() -> None:
    errors = [
        e["decoded"]["body"] for e in FILE["scenarios"]["errors"] if e["decoded"].get("message") == "ERROR"
    ]
    assert [(error["code"], error["field"], error["detail"]) for error in errors] == [
        ("SESSION_NOT_CONFIRMED", 255, 0),
        ("OUT_OF_RANGE", 2, 0),
        ("VERSION_CONFLICT", 0, 0),
    ]
