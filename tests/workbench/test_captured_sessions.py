"""What a capture of a whole dose change gives away: nothing about the patient, unless bodies are allowed."""

from pathlib import Path

import pytest
from support.captured import RecordedRig

from protocol.capture.pcapng import read_pcapng
from protocol.capture.recorder import DROPPED, drop_reason
from protocol.drops import DropReason
from protocol.frame import Direction, Frame, FrameKind, decode_frame, to_wire
from workbench.inspection.session import Listing, read_session

WINDOW = 8
"""A run of this many octets of a secret is not there by chance."""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedRig, tuple[bytes, bytes]]:
    rig = RecordedRig(tmp_path_factory.mktemp("closed"), bodies=False)
    return rig, rig.dose_change()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedRig, tuple[bytes, bytes]]:
    rig = RecordedRig(tmp_path_factory.mktemp("opened"), bodies=True)
    return rig, rig.dose_change()


def windows(secret: bytes) -> list[bytes]:
    """Return the runs of a secret that say something: those with enough different octets."""
    runs = (secret[at : at + WINDOW] for at in range(len(secret) - WINDOW + 1))
    return [run for run in runs if len(set(run)) >= 5]


def listing_of(rig: RecordedRig) -> Listing:
    return read_session(*read_pcapng(rig.octets()))


def test_an_eavesdropper_learns_no_dose_serial_label_or_patient(
    closed: tuple[RecordedRig, tuple[bytes, bytes]],
) -> None:
    """Not the names, not the drug, and no run of octets of the program before or after."""
    rig, (before, after) = closed
    octets = rig.octets()
    assert len(octets) > 5_000
    names = [rig.card.serial.encode(), b"test", rig.card.secret, rig.card.static_public]
    texts = [text for image in (before, after) for text in image.split(b"\0") if len(text) >= 5]
    for secret in (*names, *texts):
        assert secret not in octets
    for image in (before, after):
        found = [run for run in windows(image) if run in octets]
        assert found == []


def test_with_bodies_allowed_all_of_it_is_there(opened: tuple[RecordedRig, tuple[bytes, bytes]]) -> None:
    """The same search finds what it looks for, so the other test could fail."""
    rig, (before, after) = opened
    octets = rig.octets()
    for secret in (rig.card.serial.encode(), b"test", b"Morphine"):
        assert secret in octets
    for image in (before, after):
        assert all(run in octets for run in windows(image[:150]))


def test_the_two_captures_hold_the_same_frames(
    closed: tuple[RecordedRig, tuple[bytes, bytes]], opened: tuple[RecordedRig, tuple[bytes, bytes]]
) -> None:
    """Allowing bodies changes nothing on the wire."""
    frames = [
        [packet.octets for packet in read_pcapng(rig.octets())[1] if packet.interface == 0]
        for rig, _ in (closed, opened)
    ]
    assert frames[0] == frames[1]


def test_a_session_without_faults_has_no_drops_and_an_answer_to_everything(
    opened: tuple[RecordedRig, tuple[bytes, bytes]],
) -> None:
    listing = listing_of(opened[0])
    seen = listing.exchanges
    assert listing.has_bodies
    assert not seen.drops
    assert not seen.retransmissions
    assert not seen.left_open
    assert seen.requests == len(seen.round_trips_us) > 20
    assert seen.sessions == 2, "the enrolment and the dose change"
    names = {row.message.name for row in listing.rows if row.message}
    assert {"BOND_ENROL", "GET_STATUS", "PROG_STAGE", "PROG_VERIFY", "PROG_COMMIT"} <= names
    assert all(row.message is not None for row in listing.rows if row.kind == FrameKind.SECURE.name)


def test_without_bodies_order_and_size_tell_as_many_requests(
    closed: tuple[RecordedRig, tuple[bytes, bytes]], opened: tuple[RecordedRig, tuple[bytes, bytes]]
) -> None:
    blind, seeing = listing_of(closed[0]).exchanges, listing_of(opened[0]).exchanges
    assert blind.requests == seeing.requests
    assert len(blind.round_trips_us) == len(seeing.round_trips_us)
    assert blind.retransmissions == 0


def test_a_replayed_request_is_in_the_capture_with_the_pumps_own_reason(tmp_path: Path) -> None:
    rig = RecordedRig(tmp_path, bodies=False)
    service = rig.enrolled()
    _, packets = read_pcapng(rig.octets())
    records = [
        packet
        for packet in packets
        if not packet.outbound and packet.octets[1] == FrameKind.SECURE and packet.octets[4:6] != b"\xff\xff"
    ]
    frame = decode_frame(records[-1].octets, Direction.TO_PUMP)
    assert isinstance(frame, Frame)
    rig.lines[-1]._peer.put(to_wire(frame))  # as an attacker on the line would
    service.interrogate()
    service.close()
    rig.recording.close()
    _, packets = read_pcapng(rig.octets())
    marked = [found for packet in packets if (found := drop_reason(packet.comments))]
    assert [reason for reason, _ in marked] == [DropReason.REPLAY]
    assert marked[0][1].startswith(f"{DROPPED}replay: expected a counter above ")
