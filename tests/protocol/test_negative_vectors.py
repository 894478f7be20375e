"""Frozen frames that are wrong in one way: each moves the counter or gets the error that stands beside it."""

from typing import Any

import pytest
from support.frame_cases import CASES
from support.golden import load, path_of, render
from support.negative import answer_in_words, build_negative

from protocol.drops import DropReason
from protocol.events import AnswerReceived, RequestReceived
from protocol.frame import FrameKind
from protocol.vocabulary import ErrorCode

FILE: dict[str, Any] = load("negative")
FRAMES = {entry["frame"]: entry for entry in FILE["frames"]}
RECORDS = (FrameKind.SECURE, FrameKind.CLEAR)
EVERY = [
    pytest.param(name, mutation, id=f"{name}: {mutation['what']}")
    for name, entry in FRAMES.items()
    for mutation in entry["mutations"]
]


@pytest.mark.parametrize(("name", "mutation"), EVERY)
def test_what_is_wrong_moves_its_counter_and_gets_its_answer(name: str, mutation: dict[str, Any]) -> None:
    case = CASES[name]()
    moved, data, events = case.hear(bytes.fromhex(mutation["wire"]))
    assert moved == ({} if mutation["drop"] is None else {mutation["drop"]: 1})
    assert answer_in_words(case, data) == mutation["answer"]
    assert not any(isinstance(event, RequestReceived | AnswerReceived) for event in events)
    assert case.pair.device.executed.total() == executed_before(name)
    if mutation["drop"] is not None:
        # What was sealed as it should be has used its counter, whatever it said; all else changed nothing.
        used = case.frame.kind in RECORDS and mutation["drop"] in ("header", "state")
        moved, _, _ = case.hear(case.wire)
        assert moved == ({"replay": 1} if used else {} if case.taken else {"state": 1})


def executed_before(name: str) -> int:
    """The confirmation, and the request whose answer is under way."""
    return {"request": 1, "response": 2}.get(name.partition(" ")[2], 0)


@pytest.mark.parametrize("name", CASES)
def test_the_genuine_frame_is_the_one_in_the_file(name: str) -> None:
    case = CASES[name]()
    assert case.wire.hex() == FRAMES[name]["genuine"]
    assert FRAMES[name]["to"] == ("pump" if case.receiver is case.pair.pump else "programmer")


def test_the_file_is_what_the_generator_makes() -> None:
    assert render(build_negative(FILE["version"])) == path_of("negative").read_text(encoding="utf-8")


def test_every_reason_that_one_frame_can_have_is_there() -> None:
    """A gap is no frame, and a lockout belongs to the state: both are tested by themselves."""
    drops = {mutation["drop"] for entry in FRAMES.values() for mutation in entry["mutations"]} - {None}
    assert drops == {reason.value for reason in DropReason} - {"gap", "lockout"}


def test_every_error_that_a_form_can_have_is_there() -> None:
    answers = [mutation["answer"] or {} for entry in FRAMES.values() for mutation in entry["mutations"]]
    told = {answer["error"] for answer in answers if "error" in answer}
    form = {code.name for code in ErrorCode if code >> 4 == 7} - {"FEATURE_ABSENT", "OUT_OF_RANGE"}
    assert told >= form | {"OUT_OF_RANGE", "TXN_SEQUENCE", "ROLE_FORBIDDEN"}
