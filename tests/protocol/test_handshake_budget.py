"""What an attempt costs the pump: nothing in a lockout, nothing while busy, never a second session."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from support.device import CountingDevice
from support.protocol_pair import CONFIRM, KEY, ConnectionPair, PumpHost, SeededEntropy, whole
from support.raw_programmer import RawProgrammer
from support.sessions import secret

from protocol.application import build_request
from protocol.client_errors import BusyError, LockedOutError
from protocol.drops import DropReason
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import AnswerReceived, FrameDropped, HandshakeFailed
from protocol.frame import FrameKind
from protocol.handshake import ResponderHandshake, Suite
from protocol.link_control import LinkClass, LinkError, LinkErrorCode, Ping
from protocol.messages.registry import by_name
from protocol.messages.session import KeepaliveRequest
from protocol.pump_link import HandshakeFault
from protocol.requests import EMERGENCY_SLOT, Bond
from protocol.vocabulary import Role

NEAR, FAR = LinkClass.NEAR, LinkClass.FAR
LOCKED_OUT, BUSY = LinkErrorCode.LOCKED_OUT, LinkErrorCode.BUSY


class WatchedDevice(CountingDevice):
    """Notes what it is asked during a handshake."""

    asked: list[str]

    def bond(self, slot: int) -> Bond | None:
        self.asked.append(f"bond {slot}")
        return super().bond(slot)

    def session_elsewhere(self, session_id: int | None) -> bool:
        self.asked.append(f"elsewhere {session_id}")
        return super().session_elsewhere(session_id)


class Watched:
    """A pump that counts its key operations and the octets of entropy it draws."""

    def __init__(self, link_class: LinkClass = NEAR) -> None:
        self.device = WatchedDevice()
        self.device.asked = []
        self.device.add_bond(0)
        self.drawn = 0
        self.entropy = SeededEntropy("watched")
        self.pump = PumpEndpoint(self.device, self.draw, link_class=link_class)
        self.host = PumpHost(self.pump, self.device, whole)
        self.raw = RawProgrammer(self.host)

    def draw(self, count: int) -> bytes:
        self.drawn += count
        return self.entropy(count)


@pytest.fixture(name="keys_made")
def _keys_made() -> Iterator[list[int]]:
    """One entry for every handshake state the pump makes, which is where its Diffie-Hellman is."""
    made: list[int] = []
    real = ResponderHandshake.__init__

    def counted(self: ResponderHandshake, *arguments: Any) -> None:  # noqa: ANN401
        made.append(1)
        real(self, *arguments)

    with patch.object(ResponderHandshake, "__init__", counted):
        yield made


# --- lockout ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link_class", LinkClass)
@pytest.mark.parametrize(("lockout_s", "told_s"), [(0, 0), (1, 1), (3_600, 3_600), (100_000, 0xFFFF)])
def test_hello_tells_for_how_long_handshakes_are_ignored(
    link_class: LinkClass, lockout_s: int, told_s: int
) -> None:
    watched = Watched(link_class)
    watched.device.lockouts[link_class] = lockout_s
    assert watched.raw.hello().lockout_s == told_s


@pytest.mark.parametrize("suite", [Suite.KK, Suite.NNPSK0])
def test_a_handshake_in_a_lockout_costs_no_key_operation(suite: Suite, keys_made: list[int]) -> None:
    watched = Watched()
    watched.raw.hello()
    watched.raw.begin(suite=suite)
    watched.device.lockouts[NEAR] = 7
    drawn = watched.drawn
    assert watched.raw.refused(watched.raw.opening) == LinkError(LOCKED_OUT, 7)
    assert (watched.drawn, keys_made, watched.device.asked) == (drawn, [], [])
    assert (watched.device.failures, watched.device.admitted.total()) == ([], 0)
    assert watched.pump.counters.drops[DropReason.LOCKOUT] == 1
    (event,) = watched.host.events
    assert isinstance(event, FrameDropped)
    assert str(event.drop) == (
        "Too many handshakes, or too many failed ones, came over this class of link. "
        "Expected no handshake for another 7 s, received a handshake."
    )


@pytest.mark.parametrize("opening", [b"", b"\x0f\x0f", bytes(52), b"\xff" * 60], ids=len)
def test_a_malformed_handshake_in_a_lockout_costs_nothing_and_is_no_guess(
    opening: bytes, keys_made: list[int]
) -> None:
    watched = Watched()
    watched.raw.hello()
    watched.device.lockouts[NEAR] = 7
    drawn = watched.drawn
    watched.raw.send(FrameKind.HANDSHAKE, opening)
    assert (watched.drawn, keys_made, watched.device.asked, watched.device.admitted) == (drawn, [], [], {})
    assert watched.device.guesses[NEAR] == 0


@pytest.mark.parametrize(
    ("link_class", "suite", "slot", "passes"),
    [
        (NEAR, Suite.KK, EMERGENCY_SLOT, True),
        (NEAR, Suite.KK, 0, False),
        (NEAR, Suite.KKPSK2, EMERGENCY_SLOT, False),
        (FAR, Suite.KK, EMERGENCY_SLOT, False),
    ],
)
def test_only_the_published_emergency_key_on_the_near_link_passes_a_lockout(
    link_class: LinkClass, suite: Suite, slot: int, passes: bool
) -> None:
    """There is nothing to guess about it, and a lockout must not keep help away."""
    watched = Watched(link_class)
    watched.device.add_bond(EMERGENCY_SLOT, Role.EMERGENCY)
    watched.raw.hello()
    watched.device.lockouts[link_class] = 60
    watched.raw.begin(slot, suite=suite, token=secret("token") if suite is Suite.KKPSK2 else None)
    (frame,) = watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening)
    assert (frame.kind is FrameKind.HANDSHAKE) == passes
    assert watched.device.admitted.total() == passes


def test_the_emergency_key_has_a_budget_too() -> None:
    watched = Watched()
    watched.device.add_bond(EMERGENCY_SLOT, Role.EMERGENCY)
    watched.raw.hello()
    watched.device.lockouts[NEAR] = 60
    watched.device.waits[NEAR] = 5
    watched.raw.begin(EMERGENCY_SLOT)
    assert watched.raw.refused(watched.raw.opening) == LinkError(LOCKED_OUT, 5)


def test_a_lockout_of_the_far_link_is_none_of_the_near_one() -> None:
    watched = Watched(NEAR)
    watched.device.lockouts[FAR] = 600
    watched.device.waits[FAR] = 600
    assert watched.raw.hello().lockout_s == 0
    assert watched.raw.session().grant.session_id
    assert watched.device.admitted == {NEAR: 1}


def test_a_lockout_ends_no_session_and_opens_no_new_one() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    pair.device.lockouts[NEAR] = 60
    raw = RawProgrammer(pair.host)
    raw.hello()
    raw.begin()
    assert raw.refused(raw.opening) == LinkError(LOCKED_OUT, 60)
    assert pair.pump.session is session
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)


def test_whoever_knocks_on_is_told_once_a_second() -> None:
    watched = Watched()
    watched.raw.hello()
    watched.raw.begin()
    watched.device.lockouts[NEAR] = 60
    told = [
        at for at in range(0, 3_000, 100) if watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening, at)
    ]
    assert told == [0, 1_000, 2_000]
    assert watched.pump.counters.drops[DropReason.LOCKOUT] == 30


@pytest.mark.parametrize(("seconds", "told"), [(1, 1), (59, 59), (70_000, 0xFFFF)])
def test_a_budget_that_is_used_up_puts_the_handshake_off(
    seconds: int, told: int, keys_made: list[int]
) -> None:
    watched = Watched()
    watched.raw.hello()
    watched.raw.begin()
    watched.device.waits[NEAR] = seconds
    drawn = watched.drawn
    assert watched.raw.refused(watched.raw.opening) == LinkError(LOCKED_OUT, told)
    assert (watched.drawn, keys_made, watched.device.failures) == (drawn, [], [])
    assert watched.device.admitted == {NEAR: 1}
    assert watched.pump.counters.drops[DropReason.LOCKOUT] == 1
    watched.device.waits[NEAR] = 0
    assert len(watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening, 1_000)) == 1


# --- what takes nothing from the budget ---------------------------------------------------------------------


def test_a_copy_of_an_opening_costs_nothing_more(keys_made: list[int]) -> None:
    watched = Watched()
    watched.raw.hello()
    session = watched.raw.session()
    drawn = watched.drawn
    for _ in range(20):
        assert len(watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening)) == 1
    watched.raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    for _ in range(20):
        assert watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening) == []
    assert (watched.device.admitted, len(keys_made), watched.drawn) == ({NEAR: 1}, 1, drawn)


def test_a_busy_pump_spends_nothing_on_a_handshake(keys_made: list[int]) -> None:
    watched = Watched()
    watched.device.add_bond(3)
    watched.raw.hello()
    session = watched.raw.session(3)
    watched.raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    spent = (watched.device.admitted.total(), len(keys_made), watched.drawn)
    for suite in (Suite.KK, Suite.NNPSK0):
        watched.raw.begin(suite=suite)
        watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening)
    assert (watched.device.admitted.total(), len(keys_made), watched.drawn) == spent


def test_a_malformed_opening_takes_no_budget_and_is_no_guess() -> None:
    watched = Watched()
    watched.raw.hello()
    watched.raw.send(FrameKind.HANDSHAKE, bytes(52))
    assert (watched.device.failures, watched.device.admitted, watched.device.guesses) == ([0], {}, {NEAR: 0})


def test_a_record_before_any_hello_asks_the_device_nothing() -> None:
    watched = Watched()
    watched.raw.send(FrameKind.HANDSHAKE, bytes(52))
    assert watched.device.asked == []
    assert watched.device.admitted.total() == 0


# --- what counts as a guess ---------------------------------------------------------------------------------


@pytest.mark.parametrize("link_class", LinkClass)
@pytest.mark.parametrize(
    ("slot", "static", "fault"),
    [(4, "init static", HandshakeFault.UNKNOWN_SLOT), (0, "somebody else", HandshakeFault.WRONG_KEYS)],
)
def test_wrong_keys_and_unknown_slots_count_against_their_class_of_link(
    link_class: LinkClass, slot: int, static: str, fault: HandshakeFault
) -> None:
    watched = Watched(link_class)
    watched.raw.hello()
    for number in range(3):
        watched.raw.begin(slot, static=secret(static), ephemeral=f"try {number}")
        (frame,) = watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening, number * 1_000)
        assert frame.payload == bytes([0x66, 0x5A, fault, 0])
    assert watched.device.guesses == {link_class: 3}
    assert watched.device.admitted == {link_class: 3}
    events = [event for event in watched.host.events if isinstance(event, HandshakeFailed)]
    assert {(event.slot, event.link_class, event.guess) for event in events} == {(slot, link_class, True)}


# --- one session in one pump --------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [Suite.KK, Suite.NNPSK0])
def test_a_pump_in_a_session_over_another_link_is_busy(suite: Suite, keys_made: list[int]) -> None:
    watched = Watched()
    watched.device.elsewhere = True
    watched.raw.hello()
    watched.raw.begin(suite=suite)
    assert watched.raw.refused(watched.raw.opening) == LinkError(BUSY, 0)
    assert (keys_made, watched.device.admitted.total(), watched.device.failures) == ([], 0, [])
    assert watched.device.asked == ["elsewhere None"]
    watched.device.elsewhere = False
    assert watched.raw.session(suite=suite, now_ms=10).grant.session_id


def test_the_session_over_this_link_is_not_one_elsewhere() -> None:
    watched = Watched()
    watched.raw.hello()
    session = watched.raw.session()
    watched.raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    watched.device.asked.clear()
    watched.raw.begin(ephemeral="second")
    watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening)
    assert watched.device.asked[0] == f"elsewhere {session.grant.session_id}"


def test_a_flood_of_half_open_sessions_leaves_one_and_disturbs_nobody() -> None:
    pair = ConnectionPair().open()
    session = pair.pump.session
    raw = RawProgrammer(pair.host)
    raw.hello()
    for number in range(200):
        raw.begin(ephemeral=f"flood {number}")
        assert len(raw.send(FrameKind.HANDSHAKE, raw.opening)) == 1
        assert pair.pump.session is session
    assert pair.pump.next_deadline() == 5_000
    assert isinstance(pair.ask(KeepaliveRequest()), AnswerReceived)
    pair.run_for(5_000)
    assert pair.pump.session is session
    assert pair.pump.next_deadline() == 120_000


def test_of_many_openings_only_the_last_one_can_be_finished() -> None:
    watched = Watched()
    watched.raw.hello()
    sessions = [watched.raw.session(ephemeral=f"number {number}") for number in range(5)]
    confirm = build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1)
    assert [len(watched.raw.record(session, confirm)) for session in sessions] == [0, 0, 0, 0, 1]
    assert [caller.session_id for caller in watched.device.opened] == [sessions[-1].grant.session_id]


def test_a_handshake_that_is_put_off_leaves_the_half_open_session_to_be_finished() -> None:
    watched = Watched()
    watched.raw.hello()
    session = watched.raw.session()
    watched.device.lockouts[NEAR] = 9
    watched.raw.begin(ephemeral="second")
    watched.raw.send(FrameKind.HANDSHAKE, watched.raw.opening)
    assert len(watched.raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))) == 1


def test_a_locked_out_pump_still_answers_who_it_is() -> None:
    watched = Watched()
    watched.device.lockouts[NEAR] = 9
    watched.raw.hello()
    assert len(watched.raw.control(Ping(b"there?"))) == 1


# --- the blocking client ------------------------------------------------------------------------------------


def test_a_client_that_is_told_of_a_lockout_does_not_try() -> None:
    pair = ConnectionPair()
    pair.device.lockouts[NEAR] = 16
    with pytest.raises(LockedOutError, match="The pump ignores handshakes for 16 s"):
        pair.client().connect(KEY)
    assert len(pair.line.to_pump.frames) == 1


def test_a_client_is_told_how_long_its_handshake_is_put_off() -> None:
    pair = ConnectionPair()
    pair.device.waits[NEAR] = 33
    with pytest.raises(LockedOutError, match="for 33 s"):
        pair.client().connect(KEY)


def test_a_client_is_told_that_the_pump_is_busy_elsewhere() -> None:
    pair = ConnectionPair()
    pair.device.elsewhere = True
    with pytest.raises(BusyError, match="in a session with another programmer"):
        pair.client().connect(KEY)
