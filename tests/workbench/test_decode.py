"""`cisterna decode`: a capture as a list of what happened, its round trips, repetitions and refusals."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import example_of

from protocol.application import build_error, build_request, build_response, mark_cached
from protocol.capture.pcapng import Interface, Packet, PcapngWriter
from protocol.capture.recorder import BODIES, LINK, Recorder
from protocol.capture.verdict import NOTHING
from protocol.drops import Drop, DropReason
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, encode_frame, to_wire
from protocol.link_control import Hello, HelloResponse, LinkClass, SuiteBit, encode_link
from protocol.messages.registry import by_name
from protocol.vocabulary import ErrorCode
from workbench.cli import main

OUT, BACK = Direction.TO_PUMP, Direction.TO_PROGRAMMER
STATUS = by_name("GET_STATUS")


class Story:
    """A capture made frame by frame, on a clock of its own."""

    def __init__(self, *, bodies: bool) -> None:
        self.recorder = Recorder(bodies=bodies, endpoint=OUT)
        self.counters = {OUT: 0, BACK: 0}
        self.now_ms = 0
        self.recorder.at(0)

    def after(self, ms: int) -> "Story":
        self.now_ms += ms
        self.recorder.at(self.now_ms)
        return self

    def send(self, frame: Frame) -> Frame:
        self.recorder.octets(frame.direction, to_wire(frame))
        return frame

    def link(self, message: Any, way: Direction) -> None:  # noqa: ANN401 - any link control message
        self.send(Frame(FrameKind.LINK, way, 0, NO_LINK_ID, encode_link(message)))

    def record(self, plaintext: bytes, way: Direction) -> Frame:
        tap = self.recorder.plaintext_tap
        counter, self.counters[way] = self.counters[way], self.counters[way] + 1
        payload = counter.to_bytes(4, "little") + bytes(len(plaintext)) + bytes(16)
        frame = Frame(FrameKind.SECURE, way, 0, 0x1234, payload)
        if tap is not None and way is BACK:
            tap(way, plaintext)
        self.send(frame)
        if tap is not None and way is OUT:
            tap(way, plaintext)
        return frame

    def ask(self, txn: int) -> Frame:
        return self.record(build_request(STATUS, example_of(STATUS.request), txn), OUT)

    def answer(self, txn: int, *, cached: bool = False) -> Frame:
        plaintext = build_response(STATUS, example_of(STATUS.response), txn)
        return self.record(mark_cached(plaintext) if cached else plaintext, BACK)

    def refuse(self, txn: int, code: ErrorCode) -> Frame:
        return self.record(build_error(STATUS.request_opcode, txn, code), BACK)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.recorder.header() + self.recorder.finish())
        return path


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["cisterna", *arguments]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return code, out.getvalue(), err.getvalue()


def decoded(path: Path) -> dict[str, Any]:
    code, out, err = run("decode", str(path), "--json")
    assert code == 0, err
    data: dict[str, Any] = json.loads(out)
    return data


def lines_of(path: Path) -> str:
    code, out, err = run("decode", str(path))
    assert code == 0, err
    return out


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.pcapng"


def test_discovery_is_told_with_what_it_says_and_how_long_it_took(path: Path) -> None:
    story = Story(bodies=False)
    story.link(Hello(1, 1, SuiteBit.KK, b"eight oc"), OUT)
    story.after(12)
    story.link(
        HelloResponse(1, 0x1234, LinkClass.NEAR, SuiteBit.KK, b"eight oc", b"the pump", b"hint", 0, 253), BACK
    )
    text = lines_of(story.write(path))
    assert "HELLO versions 1..1, KK" in text
    assert "HELLO_RSP link 0x1234, near, KK [after 12 ms]" in text
    assert [row["round_trip_us"] for row in decoded(path)["frames"]] == [None, 12_000]


@pytest.mark.parametrize("bodies", [True, False], ids=["with bodies", "without bodies"])
def test_round_trips_are_counted_from_the_first_transmission(path: Path, bodies: bool) -> None:
    story = Story(bodies=bodies)
    story.ask(1)
    story.after(40).answer(1)
    story.after(5).ask(2)
    story.after(500).ask(2)
    story.after(25).answer(2)
    data = decoded(story.write(path))
    summary = data["summary"]
    assert summary["requests"] == summary["answered"] == 2
    assert summary["retransmissions"] == 1
    assert summary["round_trip_us"] == {"min": 40_000, "median": 525_000, "max": 525_000}
    assert [row["retransmission"] for row in data["frames"]] == [False, False, False, True, False]
    assert "retransmission" in lines_of(path)


def test_an_answer_from_the_cache_is_told_and_counts_once(path: Path) -> None:
    """The first answer got lost behind the capture: the request came again, and so did the answer."""
    story = Story(bodies=True)
    story.ask(1)
    story.after(10).answer(1)
    story.after(600).ask(1)
    story.after(10).answer(1, cached=True)
    data = decoded(story.write(path))
    assert data["summary"]["repeated_from_cache"] == 1
    assert data["summary"]["retransmissions"] == 1
    assert data["summary"]["requests"] == data["summary"]["answered"] == 1
    assert [row["repeated_from_cache"] for row in data["frames"]] == [False, False, False, True]
    assert "repeated from the pump's cache" in lines_of(path)


def test_a_request_without_an_answer_is_counted(path: Path) -> None:
    story = Story(bodies=True)
    story.ask(1)
    story.after(10).answer(1)
    story.ask(2)
    summary = decoded(story.write(path))["summary"]
    assert (summary["requests"], summary["answered"], summary["unanswered"]) == (2, 1, 1)


def test_a_refusal_is_told_with_its_words(path: Path) -> None:
    story = Story(bodies=True)
    story.ask(1)
    story.after(3).refuse(1, ErrorCode.ROLE_FORBIDDEN)
    text = lines_of(story.write(path))
    assert "refused: this programmer's role may not do that (0xE0 ROLE_FORBIDDEN)" in text
    assert decoded(path)["summary"]["errors"] == {"ROLE_FORBIDDEN": 1}


def test_fields_are_named_with_their_units(path: Path) -> None:
    story = Story(bodies=True)
    story.ask(1)
    story.answer(1)
    wanted: Any = example_of(STATUS.response)
    assert f"rate_nl_h={wanted.rate_nl_h} nL/h" in lines_of(story.write(path))
    message = decoded(path)["frames"][1]["message"]
    assert (message["name"], message["class"], message["txn"]) == ("GET_STATUS", "response", 1)
    assert message["fields"]["rate_nl_h"] == wanted.rate_nl_h
    assert message["fields"]["delivery_state"] == wanted.delivery_state.name


def test_drops_and_faults_stand_with_their_frames(path: Path) -> None:
    story = Story(bodies=False)
    story.recorder.note_fault("bit 3 flipped")
    frame = story.ask(1)
    story.recorder.dropped(Drop(DropReason.AUTH, "a good record", "a forged one", encode_frame(frame)))
    story.recorder.octets(OUT, b"\0\x07no\0")
    data = decoded(story.write(path))
    assert [row["dropped"] for row in data["frames"]] == ["auth", "cobs"]
    assert data["summary"]["dropped"] == {"auth": 1, "cobs": 1}
    assert data["summary"]["requests"] == 0, "a frame that was not accepted asks nothing"
    text = lines_of(path)
    assert "[dropped: auth: expected a good record, received a forged one; fault injected: bit 3 " in text


def test_a_new_session_counts_its_transactions_anew(path: Path) -> None:
    """The same number after a handshake is another request, not a retransmission."""
    story = Story(bodies=True)
    story.ask(1)
    story.answer(1)
    second = b"\x0f\x33\x00\x00" + bytes(64)
    story.send(Frame(FrameKind.HANDSHAKE, BACK, 0, 0x1234, second))
    story.counters = {OUT: 0, BACK: 0}
    story.ask(1)
    story.answer(1)
    summary = decoded(story.write(path))["summary"]
    assert (summary["requests"], summary["answered"], summary["retransmissions"]) == (2, 2, 0)
    assert summary["sessions"] == 1


def test_what_is_no_capture_is_refused_in_a_line(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("no capture")
    for name, words in ((other, "no pcapng file"), (tmp_path / "none", "No such file")):
        code, out, err = run("decode", str(name))
        assert (code, out) == (2, "")
        assert words in err
        assert err.count("\n") == 1
    foreign = tmp_path / "foreign.pcapng"
    writer = PcapngWriter([Interface(1, "eth0", "Ethernet")])
    foreign.write_bytes(writer.header() + writer.packet(Packet(0, 0, b"\0" * 60)))
    code, _, err = run("decode", str(foreign))
    assert code == 2
    assert "holds no OITP/1 packets" in err


def test_a_torn_end_does_not_hide_what_came_before(path: Path) -> None:
    story = Story(bodies=False)
    story.ask(1)
    story.after(2).answer(1)
    path.write_bytes(story.write(path).read_bytes()[:-7])
    code, out, err = run("decode", str(path))
    assert code == 0
    assert "record 0" in out
    assert "the file is cut short" in err


@given(
    st.lists(
        st.builds(
            Packet,
            st.integers(0, 1),
            st.integers(0, 10**12),
            st.binary(max_size=80),
            st.sampled_from((None, True, False)),
            st.lists(st.sampled_from(("dropped: cobs: x", "dropped: ", "would be dropped: crc: y", "z"))).map(
                tuple
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_no_packets_whatever_are_too_strange(packets: list[Packet]) -> None:
    """Neither decode nor explain falls over what another program may have put into a file."""
    from workbench.inspection.explain import explain_octets
    from workbench.inspection.listing import listing_data, listing_lines
    from workbench.inspection.session import read_session
    from workbench.inspection.source import Form, InputError

    listing = read_session((LINK, BODIES), packets)
    assert list(listing_lines(listing))
    assert listing_data(listing)["frames"] is not None
    writer = PcapngWriter((LINK, BODIES))
    octets = writer.header() + b"".join(map(writer.packet, packets))
    try:
        found = explain_octets(octets, Form.AUTO, NOTHING)
    except InputError:
        return
    assert all(one.conclusion for one in found)


def test_explain_takes_a_capture_too(path: Path) -> None:
    """Each packet in full, with what the capture says of it; a body with all its fields."""
    story = Story(bodies=True)
    story.recorder.note_fault("one octet more")
    story.recorder.octets(OUT, b"\0\x07no\0")
    frame = story.ask(1)
    story.recorder.dropped(Drop(DropReason.AUTH, "a good record", "a forged one", encode_frame(frame)))
    story.answer(1)
    code, out, err = run("explain", str(story.write(path)))
    assert code == 0, err
    assert "Packet 1: a piece that is no frame" in out
    assert "comment: fault injected: one octet more" in out
    assert "The receiver dropped it as auth" in out
    assert "GET_STATUS response txn 1" in out
    code, out, _ = run("explain", str(path), "--json")
    assert [item["dropped"] for item in json.loads(out)["items"]] == ["cobs", "auth", None, None, None]


def test_bodies_are_asked_for_with_a_capture_only() -> None:
    code, _, err = run("pump", "pty:/nowhere", "--capture-bodies", "status")
    assert code == 2
    assert "name one with --capture FILE" in err


def test_a_record_without_its_body_does_not_take_that_of_the_next(path: Path) -> None:
    """A capture may miss a body, for instance of a record that nobody could open."""
    story = Story(bodies=True)
    tapless = Frame(FrameKind.SECURE, OUT, 0, 0x1234, bytes(4) + bytes(8) + bytes(16))
    story.counters[OUT] = 1
    story.send(tapless)
    story.answer(7)
    story.ask(8)
    frames = decoded(story.write(path))["frames"]
    assert [frame["message"] and frame["message"]["txn"] for frame in frames] == [None, 7, 8]
