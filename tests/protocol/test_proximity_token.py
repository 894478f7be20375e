"""Therapy over the far link: only in a session opened with the token that was fetched on the near link."""

import pytest
from support.device import HANDLE, TOKEN, CountingDevice
from support.protocol_pair import CONFIRM, KEY, ConnectionPair
from support.raw_programmer import RawProgrammer
from support.sessions import secret

from protocol.application import build_request
from protocol.client_errors import NoPumpError, NotBondedError
from protocol.events import AnswerReceived, HandshakeUnanswered, LinkRefused
from protocol.frame import FrameKind
from protocol.handshake import Suite
from protocol.link_control import LinkClass, LinkErrorCode, SuiteBit
from protocol.messages.bonds import ProximityTokenRequest
from protocol.messages.program import ProgCommitRequest
from protocol.messages.registry import by_name
from protocol.messages.status import GetStatusRequest
from protocol.pump_link import HandshakeFault
from protocol.vocabulary import BondState, ErrorCode, OverrideReason, SoftLimit

SECRET = secret("proximity token")
COMMIT = ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
MALFORMED = LinkErrorCode.HANDSHAKE_MALFORMED


def far(*, feature: bool = True, slots: tuple[int, ...] = (0,)) -> ConnectionPair:
    device = CountingDevice(far_link=feature)
    device.add_bond(0)
    device.tokens.update(dict.fromkeys(slots, SECRET))
    return ConnectionPair(device=device, link_class=LinkClass.FAR)


def answer_to(pair: ConnectionPair, body: object) -> AnswerReceived:
    answer = pair.ask(body)
    assert isinstance(answer, AnswerReceived)
    return answer


def test_a_session_with_the_token_may_treat() -> None:
    pair = far().open(suite=Suite.KKPSK2, token=SECRET)
    assert answer_to(pair, COMMIT).body.version == 1
    (caller,) = pair.device.opened
    assert not caller.near


def test_a_session_without_it_only_reads() -> None:
    pair = far().open()
    assert answer_to(pair, COMMIT).body.code is ErrorCode.PROXIMITY_REQUIRED
    assert answer_to(pair, GetStatusRequest()).body.uptime_s
    assert pair.device.commits == 0


def test_the_token_fetches_no_other_token() -> None:
    pair = far().open(suite=Suite.KKPSK2, token=SECRET)
    assert answer_to(pair, ProximityTokenRequest()).body.code is ErrorCode.PROXIMITY_REQUIRED


def test_a_token_is_good_for_one_session() -> None:
    pair = far().open(suite=Suite.KKPSK2, token=SECRET)
    assert pair.device.tokens == {}
    refused = pair.shake_hands(suite=Suite.KKPSK2, token=SECRET)
    assert refused == LinkRefused(MALFORMED, HandshakeFault.PROXIMITY)
    assert answer_to(far().open(suite=Suite.KKPSK2, token=SECRET), COMMIT).body.version == 1


def test_the_rights_of_the_token_end_with_its_session() -> None:
    pair = far().open(suite=Suite.KKPSK2, token=SECRET)
    pair.open()
    assert answer_to(pair, COMMIT).body.code is ErrorCode.PROXIMITY_REQUIRED


def test_a_wrong_token_opens_nothing_and_leaves_the_right_one_good() -> None:
    """It is mixed in last, so the pump cannot tell; the programmer cannot read the answer it gets."""
    pair = far()
    pair.discover()
    wrong = pair.shake_hands(suite=Suite.KKPSK2, token=secret("another"))
    assert isinstance(wrong, HandshakeUnanswered)
    assert (pair.pump.session, pair.device.opened) == (None, [])
    assert pair.device.tokens == {0: SECRET}
    pair.run_for(5_000)
    assert pair.pump.next_deadline() is None
    assert answer_to(pair.open(suite=Suite.KKPSK2, token=SECRET), COMMIT).body.version == 1


def test_a_wrong_token_does_not_end_the_session_before_it() -> None:
    pair = far().open(suite=Suite.KKPSK2, token=SECRET)
    session = pair.pump.session
    pair.device.tokens[0] = secret("the next")
    assert isinstance(pair.shake_hands(suite=Suite.KKPSK2, token=SECRET), HandshakeUnanswered)
    assert pair.pump.session is session


@pytest.mark.parametrize("slots", [(), (1,), (5, 7)])
def test_without_a_token_of_its_own_a_bond_opens_no_such_session(slots: tuple[int, ...]) -> None:
    pair = far(slots=slots)
    pair.discover()
    refused = pair.shake_hands(suite=Suite.KKPSK2, token=SECRET)
    assert refused == LinkRefused(MALFORMED, HandshakeFault.PROXIMITY)
    assert (pair.device.failures, pair.device.guesses.total()) == ([0], 0)


@pytest.mark.parametrize("near", [True, False])
def test_the_token_is_for_the_far_link_of_a_pump_that_has_one(near: bool) -> None:
    """On the near link the head says the same, and better."""
    pair = far(feature=near)
    if near:
        pair = ConnectionPair(device=pair.device)
    pair.discover()
    refused = pair.shake_hands(suite=Suite.KKPSK2, token=SECRET)
    assert refused == LinkRefused(MALFORMED, HandshakeFault.SUITE)
    assert pair.device.tokens == {0: SECRET}
    assert pair.device.guesses.total() == 0


@pytest.mark.parametrize(
    ("link_class", "feature", "offered"),
    [
        (LinkClass.NEAR, False, False),
        (LinkClass.NEAR, True, False),
        (LinkClass.FAR, False, False),
        (LinkClass.FAR, True, True),
    ],
)
def test_the_suite_is_offered_where_it_is_taken(link_class: LinkClass, feature: bool, offered: bool) -> None:
    pair = ConnectionPair(device=CountingDevice(far_link=feature), link_class=link_class)
    suites = RawProgrammer(pair.host).hello().suites
    assert suites == SuiteBit.KK | SuiteBit.NNPSK0 | (SuiteBit.KKPSK2 if offered else 0)


@pytest.mark.parametrize(
    ("state", "fault"),
    [(BondState.REVOKED, HandshakeFault.REVOKED), (None, HandshakeFault.UNKNOWN_SLOT)],
)
def test_the_bond_is_judged_before_the_token(state: BondState | None, fault: HandshakeFault) -> None:
    pair = far()
    pair.device.bonds.clear()
    if state is not None:
        pair.device.add_bond(0, state=state)
    pair.discover()
    assert pair.shake_hands(suite=Suite.KKPSK2, token=SECRET) == LinkRefused(MALFORMED, fault)
    assert pair.device.guesses[LinkClass.FAR] == 1


def test_a_token_with_another_static_key_is_a_guess() -> None:
    pair = far()
    pair.discover()
    refused = pair.shake_hands(suite=Suite.KKPSK2, token=SECRET, static=secret("somebody else"))
    assert refused == LinkRefused(MALFORMED, HandshakeFault.WRONG_KEYS)
    assert pair.device.tokens == {0: SECRET}
    assert pair.device.guesses[LinkClass.FAR] == 1


def test_a_recorded_session_with_a_token_cannot_be_played_again() -> None:
    pair = far()
    raw = RawProgrammer(pair.host)
    raw.hello()
    handshake = raw.begin(suite=Suite.KKPSK2, token=SECRET)
    (answer,) = raw.send(FrameKind.HANDSHAKE, raw.opening)
    session = raw.finish(handshake, answer)
    raw.record(session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    raw.record(session, build_request(by_name("PROG_COMMIT"), COMMIT, 2))
    assert pair.device.commits == 1
    pair.pump.disconnected(10)
    for wire in raw.sent:
        raw.put(wire, 10_000)
    assert pair.device.commits == 1
    assert len(pair.device.opened) == 1


# --- the blocking client ------------------------------------------------------------------------------------


def test_a_client_fetches_the_token_near_and_treats_far() -> None:
    pair = far(slots=())
    near = ConnectionPair(device=pair.device)
    programmer = near.client()
    programmer.connect(KEY)
    token = programmer.proximity_token().token
    assert len(token) == 32
    programmer.end_session()
    pair.device.tokens[0] = token
    client = pair.client()
    client.discover()
    client.open_session(KEY, token)
    assert client.prog_commit(HANDLE, TOKEN).version == 1


def test_a_client_says_in_words_why_a_token_was_not_taken() -> None:
    client = far(slots=()).client()
    client.discover()
    with pytest.raises(NotBondedError, match="needs the programming head, or a proximity token"):
        client.open_session(KEY, SECRET)
    client = far().client()
    client.discover()
    with pytest.raises(NoPumpError, match="did not complete the handshake"):
        client.open_session(KEY, secret("another"))
    client = far(feature=False).client()
    client.discover()
    with pytest.raises(NotBondedError, match="does not offer this kind of handshake"):
        client.open_session(KEY, SECRET)
