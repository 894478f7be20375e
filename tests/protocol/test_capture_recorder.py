"""A recorder gives every frame as one packet, however it was cut, with what is to be said of it."""

from hypothesis import given
from hypothesis import strategies as st
from support.wire import frames, receive_all, streams

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    Packet,
    import_pdu,
    read_pcapng,
)
from protocol.capture.recorder import DISSECTOR, DOOMED, DROPPED, Recorder, drop_reason, drop_text
from protocol.drops import Drop, DropReason
from protocol.frame import Direction, Frame, FrameKind, encode_frame, to_wire
from protocol.framing import Deframer

TO_PUMP, TO_PROGRAMMER = Direction.TO_PUMP, Direction.TO_PROGRAMMER
NOISE = b"\x00\x05noise\x00"
FRAME = Frame(FrameKind.SECURE, TO_PUMP, 1, 0x1234, bytes(4) + b"sealed..." + bytes(16))


def packets_of(recorder: Recorder) -> list[Packet]:
    """Finish a recorder from which nothing was taken yet, and read its file."""
    _, packets = read_pcapng(recorder.header() + recorder.finish())
    return packets


@given(streams(TO_PUMP), st.lists(st.integers(0, 2_000), max_size=6))
def test_packets_are_what_the_deframer_makes_of_the_octets(data: bytes, cuts: list[int]) -> None:
    """The same splitting, under any cutting; and an endpoint's drops end up on the packets they belong to."""
    recorder = Recorder(endpoint=TO_PUMP)
    endpoint = Deframer(TO_PUMP)
    recorder.at(0)
    ends = [*sorted(cut for cut in cuts if cut < len(data)), len(data)]
    expected: list[Frame | Drop] = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        recorder.octets(TO_PUMP, data[start:end])
        for item in endpoint.receive(data[start:end], 0):
            expected.append(item)
            if isinstance(item, Drop):
                recorder.dropped(item)
    assert expected == receive_all(data, TO_PUMP)
    _, packets = read_pcapng(recorder.header() + recorder.take())
    assert [packet.octets for packet in packets] == [
        item.octets if isinstance(item, Drop) else encode_frame(item) for item in expected
    ]
    for item, packet in zip(expected, packets, strict=True):
        said = [comment for comment in packet.comments if comment.startswith(DROPPED)]
        assert said == ([DROPPED + drop_text(item)] if isinstance(item, Drop) else [])


@given(st.lists(frames(), max_size=5), st.sampled_from(Direction))
def test_without_an_endpoint_a_bystander_marks_what_any_receiver_drops(
    sent: list[Frame], way: Direction
) -> None:
    recorder = Recorder()
    recorder.at(0)
    recorder.octets(way, b"".join(map(to_wire, sent)) + NOISE)
    packets = packets_of(recorder)
    assert len(packets) == len(sent) + 1
    for frame, packet in zip(sent, packets, strict=False):
        if frame.direction is not way:
            assert drop_reason(packet.comments) is not None
            assert packet.comments[0].startswith(f"{DOOMED}flags: expected flags 0x0{int(way)}")
    assert packets[-1].octets == b"\x05noise"


def test_times_count_from_the_first_moment_and_pump_time_is_told_where_it_runs_differently() -> None:
    recorder = Recorder()
    recorder.at(10_000, 500)
    recorder.octets(TO_PUMP, to_wire(FRAME))
    recorder.at(10_250, 750)
    recorder.octets(TO_PUMP, to_wire(FRAME))
    recorder.at(11_000, 3_600_500)
    recorder.octets(TO_PUMP, to_wire(FRAME))
    first, second, third = packets_of(recorder)
    assert [packet.timestamp_ns for packet in (first, second, third)] == [0, 250_000_000, 1_000_000_000]
    assert not any(comment.startswith("pump time") for comment in first.comments + second.comments)
    assert "pump time 3600000 ms" in third.comments


def test_a_frame_that_stays_half_is_in_the_capture_after_its_gap() -> None:
    recorder = Recorder(gap_ms=100)
    recorder.at(0)
    recorder.octets(TO_PUMP, to_wire(FRAME)[:9])
    assert recorder.take() == b""
    recorder.at(100)
    (packet,) = packets_of(recorder)
    assert packet.octets == to_wire(FRAME)[1:9]
    found = drop_reason(packet.comments)
    assert found is not None
    assert found[0] is DropReason.GAP


def test_what_is_half_at_the_end_is_not_lost() -> None:
    recorder = Recorder()
    recorder.at(0)
    recorder.octets(TO_PROGRAMMER, to_wire(FRAME)[:9])
    (packet,) = packets_of(recorder)
    assert packet.octets == to_wire(FRAME)[1:9]
    assert packet.outbound


def test_a_fault_is_told_with_the_next_packet_or_by_itself_at_the_end() -> None:
    recorder = Recorder()
    recorder.at(0)
    recorder.note_fault("bit 3 of octet 7 flipped")
    recorder.octets(TO_PUMP, to_wire(FRAME))
    recorder.note_fault("frame held back for ever")
    first, last = packets_of(recorder)
    assert "fault injected: bit 3 of octet 7 flipped" in first.comments
    assert last.octets == b""
    assert last.comments == ("fault injected: frame held back for ever",)


def test_two_frames_alike_are_marked_one_after_the_other() -> None:
    """The endpoint drops the second of two equal frames as a replay, and only then the third."""
    recorder = Recorder(endpoint=TO_PUMP)
    recorder.at(0)
    recorder.octets(TO_PUMP, to_wire(FRAME) * 2)
    replay = Drop(DropReason.REPLAY, "a counter above 0", "0", encode_frame(FRAME))
    recorder.dropped(replay)
    recorder.dropped(replay)
    recorder.dropped(replay)
    assert [len(packet.comments) for packet in packets_of(recorder)] == [1, 1]


def sealed(way: Direction, counter: int, plaintext: bytes) -> Frame:
    return Frame(FrameKind.SECURE, way, 0, 7, counter.to_bytes(4, "little") + plaintext + bytes(16))


def test_no_tap_and_no_second_interface_unless_bodies_are_allowed() -> None:
    assert Recorder(endpoint=TO_PUMP).plaintext_tap is None
    interfaces, _ = read_pcapng(Recorder().header())
    assert [interface.linktype for interface in interfaces] == [LINKTYPE_USER0]
    interfaces, _ = read_pcapng(Recorder(bodies=True).header())
    assert [interface.linktype for interface in interfaces] == [LINKTYPE_USER0, LINKTYPE_WIRESHARK_UPPER_PDU]


def test_bodies_follow_the_frames_that_carried_them() -> None:
    """One that came in is told when it is opened, one that goes out when it is sealed, before its frame."""
    recorder = Recorder(bodies=True, endpoint=TO_PUMP)
    tap = recorder.plaintext_tap
    assert tap is not None
    recorder.at(0)
    recorder.octets(TO_PUMP, to_wire(sealed(TO_PUMP, 0, b"request.")))
    tap(TO_PUMP, b"request.")
    tap(TO_PROGRAMMER, b"never sent, the line broke")
    tap(TO_PROGRAMMER, b"response, longer")
    recorder.octets(TO_PROGRAMMER, to_wire(sealed(TO_PROGRAMMER, 0, b"response, longer")))
    packets = packets_of(recorder)
    assert [packet.interface for packet in packets] == [0, 1, 0, 1]
    bodies = [import_pdu(packet.octets) for packet in packets if packet.interface]
    assert bodies == [(DISSECTOR, b"request."), (DISSECTOR, b"response, longer")]
    assert [packet.outbound for packet in packets] == [False, False, True, True]


def test_a_line_that_broke_takes_unsent_bodies_with_it() -> None:
    recorder = Recorder(bodies=True, endpoint=TO_PUMP)
    tap = recorder.plaintext_tap
    assert tap is not None
    recorder.at(0)
    tap(TO_PROGRAMMER, b"of eight")
    recorder.restarted()
    recorder.octets(TO_PROGRAMMER, to_wire(sealed(TO_PROGRAMMER, 0, b"8 octets")))
    assert [packet.interface for packet in packets_of(recorder)] == [0]
