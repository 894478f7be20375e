"""The programmer's own capture: all it said and heard over its links, with its endpoint's reasons."""

from pathlib import Path

import pytest
from support.faulty_line import GOOD, Fault, Mishap
from support.protocol_pair import KEY, ConnectionPair

from protocol.capture.pcapng import read_pcapng
from protocol.capture.recorder import DROPPED, drop_reason
from protocol.client import PumpClient
from protocol.drops import DropReason
from workbench.inspection.session import Listing, read_session
from workbench.recorded_link import ProgrammerCapture


def talk(pair: ConnectionPair, capture: ProgrammerCapture) -> None:
    """Open a session, ask twice, and leave."""
    client = PumpClient(
        capture.link(pair.line),
        observe=capture.observe,
        plaintext_tap=capture.recorder.plaintext_tap,
    )
    client.connect(KEY)
    client.get_status()
    client.get_status()
    client.end_session()


def listing_of(path: Path) -> Listing:
    return read_session(*read_pcapng(path.read_bytes()))


@pytest.mark.parametrize("bodies", [True, False], ids=["with bodies", "without bodies"])
def test_a_session_is_in_the_capture_of_the_programmer(tmp_path: Path, bodies: bool) -> None:
    capture = ProgrammerCapture(str(tmp_path / "c"), bodies, pytest.fail)
    talk(ConnectionPair(), capture)
    capture.close()
    listing = listing_of(tmp_path / "c")
    assert listing.has_bodies is bodies
    seen = listing.exchanges
    assert (seen.sessions, seen.requests, len(seen.round_trips_us), seen.left_open) == (1, 4, 4, 0)
    names = [row.message.name for row in listing.rows if row.message]
    assert names.count("GET_STATUS") == (4 if bodies else 0)


def test_two_links_one_after_the_other_are_one_capture(tmp_path: Path) -> None:
    """Each session counts its records anew; that is no replay."""
    capture = ProgrammerCapture(str(tmp_path / "c"), True, pytest.fail)
    pair = ConnectionPair()
    talk(pair, capture)
    talk(pair, capture)
    capture.close()
    seen = listing_of(tmp_path / "c").exchanges
    assert (seen.sessions, seen.requests) == (2, 8)
    assert not seen.drops


def test_what_the_programmers_endpoint_drops_has_its_own_words(tmp_path: Path) -> None:
    """An answer is damaged on the way: it is dropped, asked for again, and comes from the cache."""
    capture = ProgrammerCapture(str(tmp_path / "c"), True, pytest.fail)
    pair = ConnectionPair(to_programmer=[GOOD, GOOD, GOOD, Mishap(Fault.FLIP, 301)])
    talk(pair, capture)
    capture.close()
    _, packets = read_pcapng((tmp_path / "c").read_bytes())
    marked = [found for packet in packets if (found := drop_reason(packet.comments))]
    assert [reason for reason, _ in marked] == [DropReason.CRC]
    assert marked[0][1].startswith(f"{DROPPED}crc: expected CRC-32C 0x")
    seen = listing_of(tmp_path / "c").exchanges
    assert (seen.retransmissions, seen.cached, seen.left_open) == (1, 1, 0)


def test_what_was_heard_is_in_the_file_as_soon_as_it_is_judged(tmp_path: Path) -> None:
    """A reader that follows the file sees the last answer although nothing came after it."""
    capture = ProgrammerCapture(str(tmp_path / "c"), False, pytest.fail)
    pair = ConnectionPair()
    client = PumpClient(capture.link(pair.line), observe=capture.observe)
    client.connect(KEY)
    client.get_status()
    assert listing_of(tmp_path / "c").exchanges.left_open == 0
