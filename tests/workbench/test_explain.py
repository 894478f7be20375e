"""`cisterna explain`: whatever octets a person has, in words, field by field and step by step."""

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import bodies
from support.wire import SAMPLES, flip, frames

from protocol.application import build_error, build_request, build_response
from protocol.capture.verdict import NOTHING, Knowledge
from protocol.client_errors import ERROR_TEXTS
from protocol.drops import Drop
from protocol.frame import Direction, Frame, FrameKind, decode_piece, encode_frame, to_wire
from protocol.messages.registry import MESSAGES, by_name
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import ErrorCode
from workbench.cli import main
from workbench.inspection.explain import explain_octets, text_lines
from workbench.inspection.source import PCAPNG_MAGIC, Form, InputError, parts_of, read_hex, recognise

RECORD = "a13c000134121c00000000fe3a0c75a9e4a4b52ceb133751d9cd8db635947b9af9e19a3ce24ef0"
WIRE = "0003a13c050134121c0101011dfe3a0c75a9e4a4b52ceb133751d9cd8db635947b9af9e19a3ce24ef000"


@dataclass(frozen=True)
class Said:
    returncode: int
    stdout: str
    stderr: str


def say(*arguments: str, stdin: bytes = b"") -> Said:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    feed = io.TextIOWrapper(io.BytesIO(stdin))
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["cisterna", *arguments]),
        patch.object(sys, "stdin", feed),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())


def explained(*arguments: str, stdin: bytes = b"") -> str:
    done = say("explain", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def data_of(*arguments: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(explained(*arguments, "--json"))["items"]
    return items


# --- what can be given ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        (RECORD,),
        (RECORD.upper(),),
        tuple(re.findall("..", RECORD)),
        (" ".join(f"0x{pair}," for pair in re.findall("..", RECORD)),),
        (":".join(re.findall("..", RECORD)),),
        (f"0x{RECORD}",),
    ],
)
def test_hex_may_be_spelt_in_any_usual_way(spelling: tuple[str, ...]) -> None:
    assert explained(*spelling) == explained(RECORD)


def test_wire_and_frame_of_the_same_octets_tell_the_same_fields() -> None:
    (frame,), (wire,) = data_of(RECORD), data_of(WIRE)
    assert frame["fields"] == wire["fields"]
    assert wire["steps"][0] == {
        "step": "cobs",
        "outcome": "passed",
        "expected": "a complete COBS block",
        "received": "one of 40 octets",
    }
    assert wire["steps"][1:] == frame["steps"]


@given(st.binary(min_size=1, max_size=60), st.data())
def test_every_spelling_reads_back(octets: bytes, data: st.DataObject) -> None:
    between = st.sampled_from(("", " ", "\n", ", ", ":", " 0x", "\t0X"))
    text = "".join(data.draw(between) + f"{octet:02x}" for octet in octets)
    assert read_hex(text) == octets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a13g", "position 4: 'g' is no hexadecimal digit"),
        ("0xa1 3", "position 6: 3 hexadecimal digits make no whole octets"),
        ("a1\n3c zz", "line 2, position 4: 'z' is no hexadecimal digit"),
        ("  ", "there are no hexadecimal digits"),
    ],
)
def test_bad_hex_is_told_with_its_position(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_hex(text)


def test_bad_input_ends_with_the_code_for_usage_and_one_line() -> None:
    done = say("explain", "a13g")
    assert done.returncode == 2
    assert done.stderr.startswith("cisterna: position 4: 'g' is no hexadecimal digit")
    assert done.stderr.count("\n") == 1
    done = say("explain", "/nowhere/at.all")
    assert done.returncode == 2
    assert "there is no file /nowhere/at.all" in done.stderr


def test_files_of_octets_and_of_hex_and_standard_input_are_read(tmp_path: Path) -> None:
    octets, text = tmp_path / "octets.bin", tmp_path / "hex.txt"
    octets.write_bytes(bytes.fromhex(RECORD))
    text.write_text(f"{RECORD[:20]}\n  {RECORD[20:]}\n", encoding="ascii")
    wanted = explained(RECORD)
    assert explained(str(octets)) == explained(str(text)) == wanted
    assert explained("-", stdin=bytes.fromhex(RECORD)) == wanted
    assert explained("-", stdin=RECORD.encode()) == wanted


def test_bad_hex_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hex.txt"
    path.write_text("a1 3c\na1 3x\n", encoding="ascii")
    done = say("explain", str(path))
    assert done.returncode == 2
    assert "line 2, position 5: 'x'" in done.stderr


def test_an_empty_file_is_no_capture_and_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert "is empty" in say("explain", str(path)).stderr


@given(frames())
def test_frames_and_their_wire_form_are_told_apart(frame: Frame) -> None:
    assert recognise(encode_frame(frame)) is Form.FRAME
    assert recognise(to_wire(frame)) is Form.WIRE
    (part,) = parts_of(to_wire(frame), Form.AUTO)
    assert part.octets == to_wire(frame).strip(b"\0")


@given(frames(), st.integers(0, 7))
def test_one_piece_of_the_wire_without_its_delimiters_is_recognised(frame: Frame, bit: int) -> None:
    piece = to_wire(frame).strip(b"\0")
    (one,) = explain_octets(piece, Form.AUTO, NOTHING)
    assert one.octets == encode_frame(frame)


def test_a_damaged_frame_is_still_a_frame() -> None:
    octets = flip(bytes.fromhex(RECORD), 100)
    assert recognise(octets) is Form.FRAME


# --- what is said ---------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=300))
def test_no_octets_whatever_are_too_strange(octets: bytes) -> None:
    """Every octet is in exactly one field, in its place, and a conclusion is drawn."""
    if not octets.strip(b"\0") or octets.startswith(PCAPNG_MAGIC):
        return
    for form in Form:
        for one in explain_octets(octets, form, NOTHING):
            assert one.conclusion
            at = 0
            for run in one.runs:
                if run.octets:
                    assert run.offset == at
                    at += len(run.octets)
            assert b"".join(run.octets for run in one.runs) == one.octets
            assert all(isinstance(line, str) for line in text_lines(one))


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: f"{frame.kind.name} {frame.direction.name}")
def test_every_single_bit_flip_is_explained_as_the_link_layer_judges_it(frame: Frame) -> None:
    piece = to_wire(frame).strip(b"\0")
    for bit in range(8 * len(piece)):
        damaged = flip(piece, bit)
        if 0 in damaged:
            continue
        found = decode_piece(damaged, frame.direction)
        assert isinstance(found, Drop)
        (one,) = explain_octets(damaged, Form.WIRE, Knowledge(frame.direction))
        assert one.reason is found.reason
        assert found.expected in one.conclusion
        assert found.received in one.conclusion


def test_steps_that_need_state_say_what_would_help() -> None:
    text = explained(RECORD)
    assert re.search(r"link_id +needs state .*--link-id", text)
    assert re.search(r"replay +needs state .*--last-counter", text)
    assert re.search(r"auth +needs state .*session's key", text)


def test_what_is_known_is_used() -> None:
    text = explained(RECORD, "--link-id", "0x1234", "--last-counter", "0", "--direction", "to-pump")
    assert re.search(r"link_id +passed", text)
    assert re.search(r"replay +FAILED +expected a counter above 0, received 0", text)
    assert "Dropped as replay" in text
    (item,) = data_of(RECORD, "--link-id", "4661")
    assert item["dropped"] == "link_id"
    (item,) = data_of(RECORD, "--direction", "to-programmer")
    assert item["dropped"] == "flags"


def test_a_number_out_of_range_is_refused() -> None:
    done = say("explain", RECORD, "--link-id", "0x12345")
    assert done.returncode == 2
    assert "0..65535" in done.stderr


def test_a_whole_stream_is_explained_piece_by_piece() -> None:
    items = data_of(WIRE + "0005ffff" + WIRE)
    assert [item["dropped"] for item in items] == [None, "cobs", None]
    assert items[1]["title"] == "Piece 2 of 3 of the wire, 3 octets that are no frame"


# --- plaintexts -----------------------------------------------------------------------------------------


@given(bodies(by_name("GET_STATUS").response))
def test_every_field_of_a_plaintext_is_named_with_its_value_and_unit(body: Any) -> None:  # noqa: ANN401
    plaintext = build_response(by_name("GET_STATUS"), body, 7)
    (one,) = explain_octets(plaintext, Form.PLAINTEXT, NOTHING)
    said = {run.name: run.meaning for run in one.runs}
    assert said["rate_nl_h"] == f"{body.rate_nl_h} nL/h"
    assert said["delivery_state"] == body.delivery_state.name
    assert said["opcode"].startswith("GET_STATUS response")
    assert one.conclusion == "A well-formed message."


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_every_request_of_the_catalogue_cut_short_is_refused_in_words(spec: Any) -> None:  # noqa: ANN401
    """The header's length no longer fits; the words are those of the error list."""
    from support.strategies import example_of

    plaintext = build_request(spec, example_of(spec.request), 3)
    (whole,) = explain_octets(plaintext, Form.PLAINTEXT, NOTHING)
    assert whole.conclusion == "A well-formed message."
    (cut,) = explain_octets(plaintext + b"\0", Form.PLAINTEXT, NOTHING)
    assert ERROR_TEXTS[ErrorCode.BAD_LENGTH] in cut.conclusion


def test_an_error_message_is_told_in_the_words_of_the_error_list() -> None:
    plaintext = build_error(by_name("PROG_COMMIT").request_opcode, 9, ErrorCode.VERSION_CONFLICT, 0, 5)
    text = explained("--plaintext", plaintext.hex())
    assert "its program changed meanwhile to version 5" in text
    assert "VERSION_CONFLICT" in text


def test_an_opcode_that_is_no_codeword_is_named() -> None:
    plaintext = bytearray(build_request(by_name("GET_STATUS"), GetStatusRequest(), 1))
    plaintext[0] ^= 1
    text = explained("--plaintext", bytes(plaintext).hex())
    assert ERROR_TEXTS[ErrorCode.OPCODE_NOT_A_CODEWORD] in text


def test_lab_plaintext_frames_show_their_message() -> None:
    plaintext = build_request(by_name("GET_STATUS"), GetStatusRequest(), 1)
    frame = Frame(FrameKind.CLEAR, Direction.TO_PUMP, 0, 0x1234, bytes(4) + plaintext)
    (item,) = data_of(encode_frame(frame).hex())
    assert {"name": "txn", "meaning": "1"}.items() <= {
        key: value for field in item["fields"] if field["name"] == "txn" for key, value in field.items()
    }.items()
