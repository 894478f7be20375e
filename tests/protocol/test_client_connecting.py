"""What a programmer is told when a connection cannot be made, and by which exception a program knows."""

from collections.abc import Callable

import pytest
from support.faulty_line import GOOD, Channel, Fault, Mishap
from support.protocol_pair import KEY, ConnectionPair, SeededEntropy
from support.sessions import CARD_SECRET, PROGRAMMER_STATIC, PUMP_PUBLIC, secret

from protocol.client import BondKey, PumpClient
from protocol.client_errors import (
    BusyError,
    ClientError,
    LockedOutError,
    NoPumpError,
    NotBondedError,
    PumpRefusedError,
    SessionLostError,
    VersionError,
    WrongPumpError,
)
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.link_control import (
    Hello,
    HelloResponse,
    LinkClass,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    decode_link,
    encode_link,
    key_hint,
)
from protocol.link_error import LinkError as PipeError
from protocol.memory_link import MemoryPeer, memory_link_pair
from protocol.noise import public_key
from protocol.pump_link import SUITES, HandshakeFault
from protocol.vocabulary import BondState, CloseReason, ErrorCode, Role

LOST = Mishap(Fault.DROP)


def refusal(client: PumpClient, key: BondKey = KEY) -> ClientError:
    with pytest.raises(ClientError) as caught:
        client.connect(key)
    assert not client.connected
    return caught.value


class ScriptedPump:
    """Answers every frame by a script; for pumps that ours is not."""

    def __init__(self, script: Callable[[Frame], LinkMessage | None]) -> None:
        link, self._peer = memory_link_pair()
        self._peer.attach(self._serve)
        self._script = script
        self.client = PumpClient(link, entropy=SeededEntropy())

    def _serve(self, _now_ms: int) -> None:
        for wire in self._peer.read().split(b"\0\0"):
            frame = decode_piece(wire.strip(b"\0"), Direction.TO_PUMP) if wire else None
            answer = self._script(frame) if isinstance(frame, Frame) else None
            if isinstance(frame, Frame) and answer is not None:
                self._peer.write(self._wire(answer, frame.link_id))

    @staticmethod
    def _wire(answer: LinkMessage, link_id: int) -> bytes:
        return to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, link_id, encode_link(answer)))


def answer_hello(frame: Frame, pump_public: bytes = PUMP_PUBLIC, lockout_s: int = 0) -> LinkMessage | None:
    hello = decode_link(frame.payload) if frame.kind is FrameKind.LINK else None
    if not isinstance(hello, Hello):
        return None
    hint = key_hint(pump_public, hello.nonce)
    return HelloResponse(1, 5, LinkClass.NEAR, SUITES, hello.nonce, bytes(8), hint, lockout_s, 253)


# --- discovery ----------------------------------------------------------------------------------------------


def test_nobody_at_the_other_end() -> None:
    link, _ = memory_link_pair()
    error = refusal(PumpClient(link, entropy=SeededEntropy()))
    assert type(error) is NoPumpError
    assert str(error) == (
        "No pump answered on memory after 3 tries. "
        "Check that it is switched on and that the link is the right one."
    )
    assert link.now_ms() == 3_000


def test_a_line_full_of_noise_is_nobody_too() -> None:
    link, peer = memory_link_pair()
    peer.attach(Babble(peer).serve)
    client = PumpClient(link, entropy=SeededEntropy())
    assert type(refusal(client)) is NoPumpError
    assert client.counters.dropped > 10


class Babble:
    """Noise every 50 ms; once at each instant, or virtual time would never come to pass."""

    def __init__(self, peer: MemoryPeer) -> None:
        self._peer = peer
        self._next_ms = 0

    def serve(self, now_ms: int) -> int:
        self._peer.read()
        if now_ms >= self._next_ms:
            self._peer.write(b"\0noise \x01\xff" * 20)
            self._next_ms = now_ms + 50
        return self._next_ms


def test_a_pump_of_another_version() -> None:
    pump = ScriptedPump(lambda _: LinkError(LinkErrorCode.VERSION, 2 << 8 | 3))
    error = refusal(pump.client)
    assert type(error) is VersionError
    assert str(error) == "The pump speaks OITP versions 2 to 3; this programmer speaks version 1."


def test_another_pump_than_the_keys() -> None:
    pair = ConnectionPair()
    error = refusal(pair.client(), BondKey(public_key(secret("another pump")), 0, PROGRAMMER_STATIC))
    assert type(error) is WrongPumpError
    assert "Another pump is at the other end" in str(error)
    assert "implant card" in str(error)
    assert len(pair.line.to_pump.frames) == 1, "no handshake is made with a stranger"


def test_a_pump_that_is_locked_is_left_alone_until_it_is_not() -> None:
    heard: list[Frame] = []

    def script(frame: Frame) -> LinkMessage | None:
        heard.append(frame)
        return answer_hello(frame, lockout_s=90)

    error = refusal(ScriptedPump(script).client)
    assert type(error) is LockedOutError
    assert str(error).startswith("The pump ignores handshakes for 90 s: there were too many")
    assert [frame.kind for frame in heard] == [FrameKind.LINK]


def test_a_pump_that_locks_during_the_handshake() -> None:
    pump = ScriptedPump(lambda frame: answer_hello(frame) or LinkError(LinkErrorCode.LOCKED_OUT, 4))
    assert type(refusal(pump.client)) is LockedOutError


# --- handshake ----------------------------------------------------------------------------------------------


def test_a_slot_the_pump_does_not_know() -> None:
    error = refusal(ConnectionPair().client(), BondKey(PUMP_PUBLIC, 4, PROGRAMMER_STATIC))
    assert type(error) is NotBondedError
    assert str(error) == (
        "The pump does not accept this programmer: "
        "it has no such bond; enrol this programmer with the implant card."
    )


def test_a_revoked_bond() -> None:
    error = refusal(ConnectionPair(state=BondState.REVOKED).client())
    assert type(error) is NotBondedError
    assert "the bond was revoked; enrol again with the implant card" in str(error)


def test_a_key_that_is_not_the_bonds() -> None:
    error = refusal(ConnectionPair().client(), BondKey(PUMP_PUBLIC, 0, secret("not the bond's")))
    assert type(error) is NotBondedError
    assert "key or card secret do not match; check the card, or enrol again" in str(error)


def test_a_second_programmer_beside_an_open_session() -> None:
    pair = ConnectionPair().open()
    other = secret("other programmer")
    pair.device.add_bond(1, public=public_key(other))
    error = refusal(pair.client(), BondKey(PUMP_PUBLIC, 1, other))
    assert type(error) is BusyError
    assert str(error) == (
        "The pump is in a session with another programmer. Close that one, or wait 2 minutes."
    )
    pair.line.let_pass(120_000)
    assert pair.client().connect(BondKey(PUMP_PUBLIC, 1, other)).role is Role.CLINICIAN


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (HandshakeFault.SUITE, "it does not offer this kind of handshake"),
        (HandshakeFault.MALFORMED, "it calls the handshake malformed"),
        (4711, "it calls the handshake malformed"),
    ],
)
def test_other_refusals_of_the_handshake(detail: int, words: str) -> None:
    refused = LinkError(LinkErrorCode.HANDSHAKE_MALFORMED, detail)
    error = refusal(ScriptedPump(lambda frame: answer_hello(frame) or refused).client)
    assert type(error) is NotBondedError
    assert str(error) == f"The pump does not accept this programmer: {words}."


def test_a_pump_that_falls_silent_in_the_handshake() -> None:
    error = refusal(ScriptedPump(answer_hello).client)
    assert type(error) is NoPumpError
    assert str(error) == "The pump on memory did not complete the handshake (no answer). Try again."


def test_a_pump_that_falls_silent_at_the_confirmation() -> None:
    pair = ConnectionPair(to_programmer=[GOOD, GOOD] + [LOST] * 5)
    error = refusal(pair.client())
    assert isinstance(error, SessionLostError)
    assert not error.uncertain
    assert str(error) == "SESSION_CONFIRM found no answer in time; the session is lost."
    assert pair.client().connect(KEY).role is Role.CLINICIAN


def test_a_session_is_not_opened_with_a_pump_that_was_not_looked_for() -> None:
    with pytest.raises(NoPumpError, match="discover one first"):
        ConnectionPair().client().open_session(KEY)


def test_a_pump_that_was_not_found_again_is_forgotten() -> None:
    pair = ConnectionPair()
    client = pair.client()
    client.discover()
    pair.line.to_pump = Channel([LOST] * 3)
    with pytest.raises(NoPumpError, match="No pump answered"):
        client.discover()
    assert client.found is None
    with pytest.raises(NoPumpError, match="discover one first"):
        client.open_session(KEY)


def test_a_connection_tells_session_role_and_grant() -> None:
    pair = ConnectionPair(Role.READER)
    client = pair.client()
    session = client.connect(KEY)
    assert client.connected
    assert client.session is session
    assert client.grant is not None
    assert session.session_id == client.grant.session_id == pair.device.opened[0].session_id
    assert session.role is client.grant.role is Role.READER
    assert client.grant.boot_count == 3


def test_a_programmer_that_connects_again_gets_a_new_session() -> None:
    client = ConnectionPair().client()
    first, second = client.connect(KEY), client.connect(KEY)
    assert first.session_id != second.session_id
    assert client.get_status().last_txn_id == 1


# --- enrolment ----------------------------------------------------------------------------------------------


def enrol(client: PumpClient, card_secret: bytes = CARD_SECRET, pump_public: bytes = PUMP_PUBLIC) -> BondKey:
    return client.enrol(card_secret, pump_public, PROGRAMMER_STATIC, Role.CLINICIAN, "office")


def test_enrolment_gives_a_key_that_connects() -> None:
    pair = ConnectionPair()
    pair.device.bonds.clear()
    key = enrol(pair.client())
    assert key == BondKey(PUMP_PUBLIC, 0, PROGRAMMER_STATIC)
    assert pair.device.bonds[0].label == "office"
    assert [reason for _, reason in pair.device.closed] == [CloseReason.DONE]
    assert pair.client().connect(key).role is Role.CLINICIAN


def test_enrolment_with_another_card() -> None:
    pair = ConnectionPair()
    with pytest.raises(NotBondedError, match="check the card"):
        enrol(pair.client(), b"\x01" + CARD_SECRET[1:])
    with pytest.raises(WrongPumpError):
        enrol(pair.client(), pump_public=public_key(secret("another pump")))


@pytest.mark.parametrize("way", ["out", "back"])
def test_a_bond_is_not_lost_with_the_farewell(way: str) -> None:
    """The pump stored it; if closing the session then fails, the programmer must still know its slot."""
    plan = [GOOD] * 4 + [LOST] * 5
    pair = ConnectionPair(to_pump=plan if way == "out" else [], to_programmer=plan if way == "back" else [])
    pair.device.bonds.clear()
    assert enrol(pair.client()).slot == 0


def test_a_pump_that_hands_out_another_key_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ConnectionPair()
    monkeypatch.setattr("support.device.PUMP_PUBLIC", secret("another key"))
    with pytest.raises(WrongPumpError, match="do not use this pump"):
        enrol(pair.client())


def test_enrolment_that_the_pump_refuses() -> None:
    pair = ConnectionPair(link_class=LinkClass.FAR)
    with pytest.raises(PumpRefusedError) as caught:
        enrol(pair.client())
    assert caught.value.code is ErrorCode.PROXIMITY_REQUIRED


# --- a pipe that breaks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1])
def test_a_pipe_that_breaks_before_the_session_is_a_link_error(frames: int) -> None:
    pair = ConnectionPair()
    client = pair.client()
    if frames:
        client.discover()
    pair.line.broken = True
    with pytest.raises(PipeError, match="the test line was cut"):
        client.connect(KEY)


def test_plaintext_before_discovery_goes_on_no_link() -> None:
    heard: list[int] = []

    def script(frame: Frame) -> None:
        heard.append(frame.link_id)

    refusal(ScriptedPump(script).client)
    assert heard == [NO_LINK_ID] * 3
