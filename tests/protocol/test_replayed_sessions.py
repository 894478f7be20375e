"""A recorded session, played again, does nothing: not to the same pump later, nor after a reset."""

from dataclasses import replace
from typing import Any

import pytest
from support.golden import load
from support.golden_replay import PumpReplay, frames_of
from support.golden_scenarios import SCENARIOS
from support.protocol_pair import PumpHost, SeededEntropy, whole

from protocol.endpoint_pump import PumpEndpoint
from protocol.events import RequestReceived, SessionOpened
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, decode_piece, to_wire

ENCRYPTED = [name for name in SCENARIOS if name != "lab_plaintext"]
LATER_MS = 3_600_000
every_session = pytest.mark.parametrize("name", ENCRYPTED)


def recorded(document: dict[str, Any]) -> list[Frame]:
    """Everything the programmer said."""
    pieces = [bytes.fromhex(entry["wire"])[1:-1] for entry in frames_of(document, Direction.TO_PUMP)]
    return [frame for piece in pieces if isinstance(frame := decode_piece(piece, Direction.TO_PUMP), Frame)]


def play(host: PumpHost, frames: list[Frame], *, adapt: bool) -> None:
    """Send the frames again; ``adapt`` writes the pump's present link into each and mends its CRC."""
    for number, frame in enumerate(frames):
        linked = adapt and frame.link_id != NO_LINK_ID
        said = replace(frame, link_id=host.pump._link.link_id) if linked else frame
        host.serve(to_wire(said), LATER_MS + number * 250)


def nothing_happened(host: PumpHost, since: int = 0) -> None:
    told = host.events[since:]
    assert not any(isinstance(event, RequestReceived | SessionOpened) for event in told)
    assert host.pump.session is None


@every_session
@pytest.mark.parametrize("adapt", [False, True], ids=["as it was", "with the new link"])
def test_a_session_played_to_a_pump_that_was_reset_is_refused(name: str, adapt: bool) -> None:
    """The same keys and bonds; link, nonce and ephemeral keys are drawn anew, as they are after a reset."""
    document = load(name)
    device = PumpReplay(document).device
    pump = PumpEndpoint(device, SeededEntropy("after the reset"))
    host = PumpHost(pump, device, whole)
    play(host, recorded(document), adapt=adapt)
    nothing_happened(host)
    assert device.executed.total() == 0


@every_session
@pytest.mark.parametrize("adapt", [False, True], ids=["as it was", "with the new link"])
def test_a_session_played_again_to_the_same_pump_is_refused(name: str, adapt: bool) -> None:
    document = load(name)
    replay = PumpReplay(document)
    replay.run()
    replay.pump.disconnected(LATER_MS - 1)
    replay.pump._link._entropy = replay.pump._entropy = SeededEntropy("later")
    replay.pump._handshake._entropy = SeededEntropy("later too")
    since = len(replay.host.events)
    play(replay.host, recorded(document), adapt=adapt)
    nothing_happened(replay.host, since)


@every_session
def test_what_the_pump_said_cannot_be_said_back_to_it(name: str) -> None:
    """Its own frames, as they were and turned round."""
    document = load(name)
    replay = PumpReplay(document)
    pieces = [bytes.fromhex(entry["wire"])[1:-1] for entry in frames_of(document, Direction.TO_PROGRAMMER)]
    frames = [decode_piece(piece, Direction.TO_PROGRAMMER) for piece in pieces]
    for number, frame in enumerate(frames):
        assert isinstance(frame, Frame)
        turned = replace(frame, direction=Direction.TO_PUMP)
        for said in (frame, turned):
            if said.kind is not FrameKind.LINK:
                replay.host.serve(to_wire(said), number)
    nothing_happened(replay.host)
