"""The generated Wireshark dissector, run by the real tshark, says of every packet what the codec says.

Two decoders of one protocol: the dissector walks tables of the registry in Lua, the codec is tied to the
`construct` layouts. Thousands of right and wrong packets go through both, and nothing may differ: no value,
no name of a word, no verdict.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from support.dissector_cases import MESSAGE_BODIES, FrameCase, frames, messages
from support.dissector_oracle import Expected, differences, expect_frame, expect_message
from support.tshark import MESSAGE_AT, REASON, TSHARK, Dissected, dissect, frame_packet, message_packet

from protocol.application import build_message
from protocol.capture.recorder import DOOMED, DROPPED
from protocol.drops import DropReason
from protocol.frame import Direction, Frame, FrameKind, encode_frame
from protocol.link_control import Ping, encode_link
from protocol.messages.registry import by_name
from protocol.vocabulary import ErrorCode
from workbench.generators.dissector import dissector_script
from workbench.generators.sample_session import session

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(TSHARK is None, reason=REASON)]

FRAME_ROUNDS = 600
"""Each gives one right frame and six that were made from it."""
MESSAGE_ROUNDS = 6
"""Each gives, for every opcode, a right message, six wrong ones, and one for each way a field is wrong."""

SEEN_BY_ANYONE = {
    DropReason.SIZE, DropReason.CRC, DropReason.PROTO, DropReason.KIND, DropReason.FLAGS, DropReason.LENGTH,
    DropReason.LINK_ID, DropReason.STATE, DropReason.LINK_MESSAGE, DropReason.HANDSHAKE,
    DropReason.RECORD_SHORT, DropReason.EXHAUSTED, DropReason.HEADER,
}  # fmt: skip
"""Reasons that need neither a key nor what went before."""
OF_THE_MESSAGE = {
    ErrorCode.UNKNOWN_OPCODE, ErrorCode.BAD_LENGTH, ErrorCode.UNSUPPORTED_REV, ErrorCode.BAD_ENUM,
    ErrorCode.OUT_OF_RANGE, ErrorCode.RESERVED_NONZERO, ErrorCode.TOO_LARGE,
    ErrorCode.OPCODE_NOT_A_CODEWORD, ErrorCode.BAD_TEXT,
}  # fmt: skip
"""Codes that the octets of a message alone decide."""

Compared = tuple[Sequence[FrameCase | bytes], Sequence[Expected], Sequence[Dissected]]


def expect(cases: Sequence[FrameCase | bytes]) -> list[Expected]:
    """What the codec says of packets."""
    return [
        expect_frame(case) if isinstance(case, FrameCase) else expect_message(case, MESSAGE_AT)
        for case in cases
    ]


def show(cases: Sequence[FrameCase | bytes], script: str, folder: Path) -> list[Dissected]:
    """What the dissector says of packets."""
    packets = [
        frame_packet(case.octets, case.direction) if isinstance(case, FrameCase) else message_packet(case)
        for case in cases
    ]
    return dissect(packets, script, folder)


def differing(compared: Compared) -> list[tuple[FrameCase | bytes, list[str]]]:
    """The packets of which the two say different things."""
    pairs = ((case, differences(wanted, shown)) for case, wanted, shown in zip(*compared, strict=True))
    return [(case, found) for case, found in pairs if found]


@pytest.fixture(scope="module")
def script() -> str:
    return dissector_script()


@pytest.fixture(scope="module")
def compared_frames(script: str, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    cases = list(frames(Random(2025), FRAME_ROUNDS))
    return cases, expect(cases), show(cases, script, tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="module")
def compared_messages(script: str, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    cases = list(messages(Random(2026), MESSAGE_ROUNDS))
    return cases, expect(cases), show(cases, script, tmp_path_factory.mktemp("messages"))


@pytest.fixture(scope="module")
def few() -> tuple[list[FrameCase | bytes], list[Expected]]:
    """Enough packets for any defect to show."""
    cases: list[FrameCase | bytes] = [*frames(Random(7), 15), *messages(Random(8), 1)]
    return cases, expect(cases)


def test_link_frames_are_read_alike(compared_frames: Compared) -> None:
    assert differing(compared_frames)[:5] == []


def test_messages_are_read_alike(compared_messages: Compared) -> None:
    assert differing(compared_messages)[:5] == []


def test_thousands_were_compared(compared_frames: Compared, compared_messages: Compared) -> None:
    """Both right and wrong packets, so that neither side can agree by refusing or accepting everything."""
    everything = [*compared_frames[1], *compared_messages[1]]
    right = sum(expected.drop is None and expected.verdict is None for expected in everything)
    assert len(everything) >= 5_000
    assert right >= 1_000
    assert len(everything) - right >= 3_000


def test_every_message_was_among_them_and_right(compared_messages: Compared) -> None:
    cases, expected, _ = compared_messages
    right = {
        int.from_bytes(case[:2], "little")
        for case, wanted in zip(cases, expected, strict=True)
        if isinstance(case, bytes) and wanted.verdict is None and wanted.drop is None
    }
    assert right >= {opcode for opcode, _ in MESSAGE_BODIES}


def test_every_step_and_every_fault_was_among_them(
    compared_frames: Compared, compared_messages: Compared
) -> None:
    assert {expected.drop for expected in compared_frames[1]} >= {reason.value for reason in SEEN_BY_ANYONE}
    assert {expected.verdict for expected in compared_messages[1]} >= {code.name for code in OF_THE_MESSAGE}


DEFECTS = {
    "a field of the frame is read elsewhere": (
        "frame_show.link_id, tvb(4, 2)",
        "frame_show.link_id, tvb(3, 2)",
    ),
    "a field of a message has another size": (
        'filter = "oitp.get_status.rate_nl_h", kind = "integer", size = 4',
        'filter = "oitp.get_status.rate_nl_h", kind = "integer", size = 2',
    ),
    "a bound is off by one": ("high = 1000", "high = 1001"),
    "a word has another number": ('[0x55] = "RUNNING"', '[0x56] = "RUNNING"'),
    "a word has another name": ('[0x3C] = "MIN_RATE"', '[0x3C] = "MINRATE"'),
    "a list may hold one more": ("limit = 11", "limit = 12"),
    "a sign is lost": ("signed = true", "signed = false"),
    "the polynomial of the CRC": ("0x82F63B78", "0x82F63B79"),
    "a row of the code of the opcodes": ("{ 15, 51,", "{ 15, 50,"),
    "an unseen character passes": ("{ 127, 160 }", "{ 127, 159 }"),
    "overlong UTF-8 passes": ("code < low or ", ""),
    "trailing octets pass": ("if wanted ~= there then", "if wanted > there then"),
}
"""What is put wrong in the dissector: the text that is there, and what takes its place."""


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_the_dissector_is_noticed(
    name: str, script: str, few: tuple[list[FrameCase | bytes], list[Expected]], tmp_path: Path
) -> None:
    there, instead = DEFECTS[name]
    assert there in script
    cases, expected = few
    assert differing((cases, expected, show(cases, script.replace(there, instead), tmp_path)))


# --- what no codec says -----------------------------------------------------------------------------------


def test_an_answer_names_the_frame_of_its_request_and_the_time_between(script: str, tmp_path: Path) -> None:
    status = by_name("GET_STATUS")
    asked, other = build_message(status.request_opcode, 5, b""), build_message(status.request_opcode, 6, b"")
    answered = next(sent.plaintext for sent in session() if sent.title == "GET_STATUS response")
    answer = answered[:2] + (5).to_bytes(2, "little") + answered[4:]
    packets = [message_packet(asked, 10), message_packet(other, 20), message_packet(answer, 35)]
    shown = dissect(packets, script, tmp_path)[2]
    assert shown.first("oitp.request_in") == "1"
    assert shown.first("oitp.response_time") == "0.025000000"


@pytest.mark.parametrize("mark", [DROPPED, DOOMED])
def test_octets_that_are_no_frame_are_not_taken_for_one(mark: str, script: str, tmp_path: Path) -> None:
    """A piece that is not COBS is in the capture as it came, and its comment says so."""
    sent = encode_frame(Frame(FrameKind.LINK, Direction.TO_PUMP, 1, 0xFFFF, encode_link(Ping(b"x"))))
    comment = f"{mark}cobs: expected a complete COBS block, received 12 octets that are none"
    (shown,) = dissect([frame_packet(sent, Direction.TO_PUMP, (comment,))], script, tmp_path)
    assert shown.first("oitp.drop") == "cobs"
    assert shown.first("oitp.raw") is not None
    assert shown.first("oitp.kind") is None


def test_what_the_endpoint_said_of_a_frame_is_shown_beside_the_verdict(script: str, tmp_path: Path) -> None:
    """Of a replay only the endpoint can tell; its comment becomes a field one can filter for."""
    sent = encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 1, 0x1234, bytes(28)))
    comment = f"{DROPPED}replay: expected a counter above 4, received 0"
    (shown,) = dissect([frame_packet(sent, Direction.TO_PUMP, ("a note", comment))], script, tmp_path)
    assert shown.first("oitp.drop") is None
    assert shown.first("oitp.drop_told") == "replay"
    assert shown.faults == ["oitp.drop.replay"]
    assert shown.trouble == []


def test_the_sample_session_is_shown_without_a_fault(script: str, tmp_path: Path) -> None:
    sent = list(session())
    packets = [frame_packet(encode_frame(one.frame), one.frame.direction) for one in sent]
    packets += [message_packet(one.plaintext) for one in sent if one.plaintext]
    shown = dissect(packets, script, tmp_path)
    assert [one.faults + one.trouble for one in shown] == [[]] * len(packets)


def test_an_empty_packet_is_passed_over(script: str, tmp_path: Path) -> None:
    """A note that belongs to no frame is an empty packet of the capture."""
    (shown,) = dissect([frame_packet(b"", None, ("the pump was reset",))], script, tmp_path)
    assert shown.fields == []
    assert shown.trouble == []
