"""What a bad line does to whole frames: bursts, cuts and merged frames, against the endpoint in a session."""

from random import Random

import pytest
from support.faulty_line import Fault, Mishap
from support.ward.clinic import Clinic, frame_of
from support.wire import flip

from protocol.drops import DropReason
from protocol.frame import Direction, Frame, FrameKind, decode_frame, encode_frame

LONGEST_BURST = 32


@pytest.fixture
def clinic() -> Clinic:
    clinic = Clinic()
    assert clinic.doctor.connect()
    return clinic


def unused_frames(clinic: Clinic) -> bytes:
    """A genuine record that never arrived."""
    clinic.lose_requests(5)
    clinic.status(clinic.doctor)
    return clinic.recording()[0][-1]


def test_every_burst_as_long_as_the_check_is_caught() -> None:
    """A CRC of 32 bits misses no burst of up to 32 bits, wherever it lies."""
    random = Random(20)
    octets = encode_frame(Frame(FrameKind.SECURE, Direction.TO_PUMP, 7, 0x1234, random.randbytes(60)))
    for start in range(8 * len(octets) - LONGEST_BURST):
        pattern = random.getrandbits(LONGEST_BURST) | 1
        damaged = octets
        for bit in range(LONGEST_BURST):
            if pattern >> bit & 1:
                damaged = flip(damaged, start + bit)
        assert not isinstance(decode_frame(damaged, Direction.TO_PUMP), Frame)


def test_bursts_on_the_wire_lose_the_frame_and_nothing_else(clinic: Clinic) -> None:
    """Runs of wrong octets over delimiters and all: the frame is gone, the session is not."""
    random = Random(21)
    for number in range(60):
        wire = bytearray(clinic.recording()[0][-1])
        at = random.randrange(len(wire))
        wire[at : at + random.randrange(1, 12)] = random.randbytes(random.randrange(1, 12))
        clinic.attack(bytes(wire))
        if number % 20 == 0:
            assert clinic.status(clinic.doctor).program_version == clinic.version
    clinic.audit()


def test_every_truncation_of_a_record_is_refused_and_the_whole_one_then_taken(clinic: Clinic) -> None:
    wire = unused_frames(clinic)
    executed = len(clinic.world.ledger.executed)
    for length in range(1, len(wire) - 1):
        clinic.attack(wire[:length], b"\0")
    assert len(clinic.world.ledger.executed) == executed
    clinic.attack(wire)
    assert len(clinic.world.ledger.executed) == executed + 1


@pytest.mark.parametrize("delimiters", [0, 1, 2])
def test_two_frames_that_run_into_each_other(clinic: Clinic, delimiters: int) -> None:
    """Without a delimiter between them both are lost; with one or two, both are there."""
    wire = unused_frames(clinic)
    counters = clinic.world.endpoint.counters
    before = counters.frames
    clinic.attack(wire[:-1] + b"\0" * delimiters + wire[1:])
    assert counters.frames - before == (2 if delimiters else 0)


@pytest.mark.parametrize("size", [1, 10, 300, 5_000], ids=lambda size: f"{size} octets")
def test_pieces_too_short_or_too_long_are_counted_and_not_answered(clinic: Clinic, size: int) -> None:
    """Undersize and oversize, however large: nothing is kept, and nothing is said."""
    said = len(clinic.recording()[1])
    clinic.attack(b"\0" + b"\x55" * size + b"\0")
    assert len(clinic.recording()[1]) == said
    dropped = sum(clinic.drops(reason) for reason in (DropReason.COBS, DropReason.OVERRUN, DropReason.SIZE))
    assert dropped == 1
    assert clinic.world.endpoint._deframer.held == 0


def test_a_bad_day_on_the_line_costs_time_and_nothing_else(clinic: Clinic) -> None:
    """Each frame, both ways, is cut, flipped, doubled or lost with a chance of one in three."""
    random = Random(22)
    for channel in (clinic.world.to_pump, clinic.world.to_programmer):
        faults = [*[Fault.NONE] * 8, Fault.CUT, Fault.FLIP, Fault.DUPLICATE, Fault.DROP]
        channel.plan.extend(Mishap(random.choice(faults), random.randrange(4_000)) for _ in range(400))
    answered = 0
    for _ in range(100):
        if not clinic.doctor.connected and not clinic.doctor.connect():
            continue
        answered += hasattr(clinic.status(clinic.doctor), "uptime_s")
    assert answered > 90
    clinic.audit()
    assert frame_of(clinic.recording()[0][0]).kind is FrameKind.LINK
