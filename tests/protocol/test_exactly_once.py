"""Whatever the line does, a command is executed once, or the programmer knows that it does not know."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.device import HANDLE, TOKEN, CountingDevice
from support.faulty_line import GOOD, PLANS, Fault, Mishap
from support.protocol_pair import CONFIRM, KEY, ConnectionPair

from protocol.client import PumpClient
from protocol.client_errors import ClientError, SessionLostError
from protocol.drops import DropReason
from protocol.events import AnswerReceived, FrameDropped, SessionReady
from protocol.frame import Direction, Frame, decode_piece, to_wire
from protocol.framing import Drop
from protocol.messages.program import ProgCommitRequest
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import OverrideReason, SoftLimit

COMMANDS = 4
COMMIT = ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
OPENING_FRAMES = 3
"""HELLO, handshake and confirmation come before the first command."""


def connect(pair: ConnectionPair) -> PumpClient:
    """Connect as often as it takes; the plan of the line ends some time."""
    for _ in range(40):
        pair.line.broken = False
        client = pair.client()
        try:
            client.connect(KEY)
        except ClientError:
            continue
        return client
    raise AssertionError("never connected")


def ask_until_answered(pair: ConnectionPair, client: PumpClient) -> tuple[PumpClient, int]:
    """The program version, by a new session where the present one is lost."""
    while True:
        try:
            return client, client.get_status().program_version
        except SessionLostError as lost:
            certain(lost)
            client = connect(pair)


def certain(lost: SessionLostError) -> None:
    assert not lost.uncertain, "nobody need worry about a question"


def command_all(pair: ConnectionPair, commands: int = COMMANDS) -> tuple[int, int]:
    """Give commands; how many were executed as far as one knows, and how many were uncertain for a while."""
    client, known, lost = connect(pair), 0, 0
    for _ in range(commands):
        try:
            receipt = client.prog_commit(HANDLE, TOKEN)
        except SessionLostError as error:
            lost += error.uncertain
            client, told = ask_until_answered(pair, connect(pair))
            assert told in (known, known + 1)
            known = told
        else:
            assert receipt.version == known + 1
            known = receipt.version
    client.close()
    return known, lost


@settings(max_examples=300)
@given(PLANS, PLANS)
@example([GOOD] * OPENING_FRAMES + [Mishap(Fault.DROP)] * 5, [])
@example([], [GOOD] * OPENING_FRAMES + [Mishap(Fault.DROP)] * 5)
@example([], [GOOD] * OPENING_FRAMES + [Mishap(Fault.DELAY, 4_000)] * 5)
@example([GOOD] * OPENING_FRAMES + [Mishap(Fault.DELAY, 6_000)] * 5, [])
@example([GOOD, Mishap(Fault.DUPLICATE), Mishap(Fault.REPLAY, 1)], [Mishap(Fault.DUPLICATE)] * 8)
def test_every_command_is_executed_once_or_known_to_be_uncertain(
    out: list[Mishap], back: list[Mishap]
) -> None:
    pair = ConnectionPair(to_pump=out, to_programmer=back)
    known, lost = command_all(pair)
    check_books(pair, known)
    assert COMMANDS - lost <= known <= COMMANDS


def check_books(pair: ConnectionPair, known: int) -> None:
    """No transaction was executed twice, and what the programmer knows in the end is what the pump did."""
    commits = [key for key in pair.device.executed if key[2] == "PROG_COMMIT"]
    assert max(pair.device.executed.values()) == 1
    assert pair.device.commits == known == len(commits)


def test_a_long_day_on_a_bad_line_ends_with_equal_books() -> None:
    """Two frames of three are lost, late, cut or played again; many commands stay uncertain for a while."""
    chance = Random(20_260_302)
    faults = list(Fault) + [Fault.DROP] * 3
    plans = [[Mishap(chance.choice(faults), chance.randrange(5_000)) for _ in range(1_500)] for _ in range(2)]
    pair = ConnectionPair(to_pump=plans[0], to_programmer=plans[1])
    known, lost = command_all(pair, 120)
    check_books(pair, known)
    assert lost > 5
    assert 120 - lost <= known < 120


@settings(max_examples=50)
@given(st.lists(st.sampled_from((Fault.DROP, Fault.NONE)), max_size=4), st.booleans())
def test_a_few_lost_frames_are_made_good_without_anybody_noticing(faults: list[Fault], way_out: bool) -> None:
    """Four repetitions cover four losses."""
    plan: Iterable[Mishap] = [GOOD] * OPENING_FRAMES + [Mishap(fault) for fault in faults]
    pair = ConnectionPair(to_pump=plan if way_out else (), to_programmer=() if way_out else plan)
    assert command_all(pair) == (COMMANDS, 0)


def test_an_answer_that_comes_twice_is_taken_once() -> None:
    pair = ConnectionPair(to_programmer=[Mishap(Fault.DUPLICATE)] * 20)
    assert command_all(pair) == (COMMANDS, 0)


def test_a_repeated_command_gets_the_cached_answer() -> None:
    pair = ConnectionPair(to_programmer=[GOOD] * OPENING_FRAMES + [Mishap(Fault.DROP)]).open()
    answer = pair.ask(COMMIT)
    assert isinstance(answer, AnswerReceived)
    assert answer.cached
    assert answer.body.version == pair.device.commits == 1


def test_a_late_answer_to_an_earlier_request_is_not_taken_for_the_present_one() -> None:
    pair = ConnectionPair(to_programmer=[GOOD] * OPENING_FRAMES + [Mishap(Fault.DELAY, 3_800)]).open()
    first = pair.ask(COMMIT)
    second = pair.ask(GetStatusRequest())
    assert isinstance(first, AnswerReceived)
    assert isinstance(second, AnswerReceived)
    assert (first.cached, second.body.program_version) == (True, 1)
    late = pair.run_for(5_000)
    assert [event.drop.reason for event in late if isinstance(event, FrameDropped)] == [DropReason.REPLAY]
    assert not any(isinstance(event, AnswerReceived) for event in late)


# --- a recorded session -------------------------------------------------------------------------------------


def recorded_session(device: CountingDevice) -> tuple[list[bytes], list[bytes], ConnectionPair]:
    """Frames of a session with commands, both ways."""
    pair = ConnectionPair(device=device, seed=1)
    pair.open()
    for body in (COMMIT, GetStatusRequest(), COMMIT):
        assert isinstance(pair.ask(body), AnswerReceived)
    return list(pair.line.to_pump.frames), list(pair.line.to_programmer.frames), pair


def on_link(wire: bytes, link_id: int, direction: Direction = Direction.TO_PUMP) -> bytes:
    """The same frame with another link id and a right CRC, as an attacker would forge it."""
    frame = decode_piece(wire[1:-1], direction)
    assert not isinstance(frame, Drop)
    return to_wire(Frame(frame.kind, Direction.TO_PUMP, frame.seq, link_id, frame.payload))


@pytest.fixture
def device() -> CountingDevice:
    device = CountingDevice()
    device.add_bond()
    return device


@pytest.mark.parametrize("forged", [False, True], ids=["as recorded", "with the present link id"])
@pytest.mark.parametrize("restarted", [False, True], ids=["same pump", "pump restarted"])
def test_a_session_played_again_executes_nothing(
    device: CountingDevice, restarted: bool, forged: bool
) -> None:
    frames, _, pair = recorded_session(device)
    if restarted:
        pair = ConnectionPair(device=device, seed=2)
    pair.open()
    executed, live = device.executed.copy(), pair.pump.session
    assert live is not None
    for frame in frames:
        is_hello = b"\xa1\x0f" in frame
        pair.line.to_pump.put(on_link(frame, live.link_id) if forged and not is_hello else frame, pair.now_ms)
        pair.run_for(1)
    assert device.executed == executed
    assert pair.pump.session is live
    assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)


def test_a_session_played_to_a_pump_that_is_alone_opens_nothing(device: CountingDevice) -> None:
    frames, _, _ = recorded_session(device)
    pair = ConnectionPair(device=device, seed=2)
    executed = device.executed.copy()
    for frame in frames * 2:
        pair.line.to_pump.put(frame, pair.now_ms)
        pair.line.let_pass(10)
    assert device.executed == executed
    assert pair.pump.session is None


def test_frames_of_the_pump_sent_back_to_it_change_nothing(device: CountingDevice) -> None:
    _, answers, pair = recorded_session(device)
    executed, live = device.executed.copy(), pair.pump.session
    assert live is not None
    reflected = [on_link(frame, live.link_id, Direction.TO_PROGRAMMER) for frame in answers]
    for frame in answers + reflected:
        pair.line.to_pump.put(frame, pair.now_ms)
        pair.run_for(1)
    assert device.executed == executed
    assert pair.pump.counters.drops[DropReason.FLAGS] == len(answers)
    assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)


def test_a_copy_of_the_opening_does_not_come_between_a_session_and_its_records(
    device: CountingDevice,
) -> None:
    """A late duplicate of the first handshake message, on the very link of the session it opened."""
    frames, _, pair = recorded_session(device)
    for _ in range(3):
        pair.line.to_pump.put(frames[1], pair.now_ms)
        answer = pair.ask(GetStatusRequest())
        assert isinstance(answer, AnswerReceived)
        assert not answer.cached
    assert pair.pump.counters.drops[DropReason.STATE] == 3
    assert device.failures == []


def test_an_older_opening_of_the_same_discovery_does_not_disturb_the_session(device: CountingDevice) -> None:
    """Two handshakes on one link: a replay of the first makes a half-open session beside the second."""
    pair = ConnectionPair(device=device)
    pair.discover()
    assert isinstance(pair.shake_hands(), SessionReady)
    first_opening = pair.line.to_pump.frames[-1]
    assert isinstance(pair.shake_hands(), SessionReady)
    assert isinstance(pair.ask(CONFIRM), AnswerReceived)
    pair.line.to_pump.put(first_opening, pair.now_ms)
    pair.run_for(1)
    for _ in range(3):
        assert isinstance(pair.ask(GetStatusRequest()), AnswerReceived)
    assert pair.pump.counters.drops[DropReason.AUTH] == 0
    assert pair.now_ms < 100
