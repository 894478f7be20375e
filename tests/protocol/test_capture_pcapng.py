"""Captures are written so that they read back as they were, and damaged ones are refused in words."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    CaptureError,
    Interface,
    Packet,
    PcapngWriter,
    export_pdu,
    import_pdu,
    read_pcapng,
    salvage_pcapng,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
INTERFACES = st.builds(Interface, st.integers(0, 0xFFFF), TEXTS, TEXTS)
LINKS = (
    Interface(LINKTYPE_USER0, "link", "frames"),
    Interface(LINKTYPE_WIRESHARK_UPPER_PDU, "bodies", "decrypted"),
)


@st.composite
def captures(draw: st.DrawFn) -> tuple[list[Interface], list[Packet]]:
    """Draw interfaces, and packets that belong to them."""
    interfaces = draw(st.lists(INTERFACES, min_size=1, max_size=4))
    packets = st.builds(
        Packet,
        st.integers(0, len(interfaces) - 1),
        st.integers(0, (1 << 64) - 1),
        st.binary(max_size=300),
        st.sampled_from((None, True, False)),
        st.lists(TEXTS, max_size=3).map(tuple),
    )
    return interfaces, draw(st.lists(packets, max_size=8))


def written(interfaces: list[Interface], packets: list[Packet]) -> bytes:
    writer = PcapngWriter(interfaces, comments=("a test",))
    return writer.header() + b"".join(map(writer.packet, packets))


@given(captures())
def test_what_is_written_reads_back_as_it_was(capture: tuple[list[Interface], list[Packet]]) -> None:
    assert read_pcapng(written(*capture)) == capture


@given(captures(), st.data())
def test_a_capture_cut_short_gives_back_what_came_before(
    capture: tuple[list[Interface], list[Packet]], data: st.DataObject
) -> None:
    """A writer that was killed leaves a torn end; every whole packet before it is still read."""
    interfaces, packets = capture
    whole = written(interfaces, packets)
    cut = data.draw(st.integers(0, len(whole) - 1))
    found_interfaces, found, trouble = salvage_pcapng(whole[:cut])
    assert found_interfaces == interfaces[: len(found_interfaces)]
    assert found == packets[: len(found)]
    ends = {len(written(interfaces, packets[:count])) for count in range(len(packets) + 1)}
    if trouble is None:
        assert cut in ends or found_interfaces != interfaces
    else:
        assert str(trouble)


@given(st.binary(max_size=400))
def test_no_octets_whatever_make_the_reader_fail_otherwise(noise: bytes) -> None:
    """Only `CaptureError` comes out, also behind a good beginning."""
    for octets in (noise, written(list(LINKS), []) + noise):
        _, _, trouble = salvage_pcapng(octets)
        assert trouble is None or str(trouble)


@given(captures(), st.data())
def test_a_flipped_octet_never_makes_the_reader_fail_otherwise(
    capture: tuple[list[Interface], list[Packet]], data: st.DataObject
) -> None:
    octets = bytearray(written(*capture))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    _, _, trouble = salvage_pcapng(bytes(octets))
    assert trouble is None or str(trouble)


def test_a_file_of_another_kind_is_named_as_such() -> None:
    with pytest.raises(CaptureError, match="no pcapng file"):
        read_pcapng(b"\xd4\xc3\xb2\xa1" + bytes(20))


def test_two_lengths_that_differ_are_named_with_their_place() -> None:
    octets = bytearray(written(list(LINKS), [Packet(0, 1, b"abc")]))
    octets[-1] ^= 1
    with pytest.raises(CaptureError, match=r"block at offset \d+ is damaged"):
        read_pcapng(bytes(octets))


def test_a_packet_of_an_undescribed_interface_is_refused_on_both_sides() -> None:
    with pytest.raises(ValueError, match="interface 2; there are 2"):
        PcapngWriter(LINKS).packet(Packet(2, 0, b""))
    octets = PcapngWriter(LINKS[:1]).header() + PcapngWriter(LINKS).packet(Packet(1, 0, b""))
    with pytest.raises(CaptureError, match="interface 1, which is not described"):
        read_pcapng(octets)


def test_a_time_outside_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="a time is"):
        PcapngWriter(LINKS).packet(Packet(0, -1, b""))


def test_times_of_other_writers_are_understood() -> None:
    """A big-endian file without if_tsresol counts microseconds, as the format says."""

    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(">I", len(body) + 12)
        return struct.pack(">I", kind) + size + body + size

    octets = (
        block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
        + block(1, struct.pack(">HHI", 147, 0, 0))
        + block(0xBAD, b"of a kind that nobody knows.")
        + block(6, struct.pack(">IIIII", 0, 0, 7, 2, 2) + b"ab\0\0")
    )
    interfaces, packets = read_pcapng(octets)
    assert interfaces == [Interface(147, "", "")]
    assert packets == [Packet(0, 7_000, b"ab")]


def test_a_second_section_counts_its_interfaces_anew() -> None:
    one, two = written([LINKS[0]], [Packet(0, 1, b"x")]), written([LINKS[1]], [Packet(0, 2, b"y")])
    interfaces, packets = read_pcapng(one + two)
    assert interfaces == list(LINKS)
    assert [packet.interface for packet in packets] == [0, 1]


@given(st.binary(max_size=50), st.sampled_from(("oitp.app", "oitp", "x")))
def test_an_exported_pdu_carries_its_dissector(octets: bytes, dissector: str) -> None:
    assert import_pdu(export_pdu(dissector, octets)) == (dissector, octets)


def test_an_exported_pdu_without_an_end_is_refused() -> None:
    with pytest.raises(CaptureError, match="have no end"):
        import_pdu(export_pdu("oitp.app", b"")[:-4])
