"""Attacks by whoever has some of the keys: key compromise, and floods of half-open sessions."""

from dataclasses import replace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from support.protocol_pair import SeededEntropy
from support.raw_programmer import RawProgrammer
from support.sessions import secret
from support.ward.clinic import Clinic, frame_of
from support.ward.implant import implant

from protocol.drops import DropReason
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.handshake import Credentials, Discovery, HandshakeHeader, HandshakeStep, Suite, prologue
from protocol.link_control import Hello, decode_link, encode_link
from protocol.noise import HandshakeState, Pattern, public_key
from protocol.pump_link import SUITES
from protocol.requests import Keyring


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


class Impersonator(HandshakeState):
    """An initiator of KK without the initiator's private key, but with the responder's.

    ``ss`` can be computed from either side, so the first message comes out right; ``se`` cannot.
    """

    def __init__(self, discovery: Discovery, slot: int, victim_public: bytes, pump_private: bytes) -> None:
        header = HandshakeHeader(Suite.KK, HandshakeStep.FIRST, slot)
        ephemeral = secret("impersonator")
        octets = prologue(discovery.hello, discovery.hello_rsp, header.encode())
        pump_public = public_key(pump_private)
        super().__init__(Pattern.KK, True, octets, pump_private, pump_public, None, ephemeral)
        self._symmetric.hash = type(self._symmetric)(Pattern.KK.protocol_name).hash
        self._symmetric.mix_hash(octets)
        self._symmetric.mix_hash(victim_public)
        self._symmetric.mix_hash(pump_public)
        self._victim, self._pump = victim_public, pump_public
        self.opening = header.encode() + self._first(ephemeral)

    def _first(self, ephemeral: bytes) -> bytes:
        """``e, es, ss``: the last with the pump's own private key and the victim's public one."""
        symmetric, public = self._symmetric, public_key(ephemeral)
        mine = X25519PrivateKey.from_private_bytes(ephemeral)
        stolen = self._private["s"]
        symmetric.mix_hash(public)
        symmetric.mix_key(mine.exchange(X25519PublicKey.from_public_bytes(self._pump)))
        symmetric.mix_key(stolen.exchange(X25519PublicKey.from_public_bytes(self._victim)))
        return public + symmetric.encrypt_and_hash(b"")


def discover(clinic: Clinic) -> Discovery:
    """Say HELLO as anybody may; what both payloads were."""
    hello = encode_link(Hello(1, 1, SUITES, b"stranger"))
    clinic.attack(to_wire(Frame(FrameKind.LINK, Direction.TO_PUMP, 0, NO_LINK_ID, hello)))
    answer = frame_of(clinic.recording()[1][-1], Direction.TO_PROGRAMMER)
    return Discovery(hello, answer.payload)


def half_open(clinic: Clinic) -> bool:
    return clinic.world.endpoint._handshake.half_open is not None


def in_session(clinic: Clinic) -> bool:
    return clinic.world.endpoint.session is not None


def test_kci_the_pumps_own_key_lets_nobody_treat_as_a_programmer(clinic: Clinic) -> None:
    """Key compromise impersonation.

    Noise KK does not protect the sender of the first message against it: whoever stole the pump's private key
    can make one that looks like any programmer's. The keys of the session need the programmer's own private
    key all the same, and a session is open only with its first valid record.
    """
    bond = clinic.pump.bond(0)
    assert bond is not None
    discovery = discover(clinic)
    thief = Impersonator(discovery, 0, bond.static_public, clinic.pump.static_private)
    link_id = clinic.world.endpoint._link.link_id
    clinic.attack(to_wire(Frame(FrameKind.HANDSHAKE, Direction.TO_PUMP, 1, link_id, thief.opening)))
    assert half_open(clinic), "the first message was good"
    before = clinic.therapy()
    for number in range(50):
        payload = number.to_bytes(4, "little") + SeededEntropy(number)(43)
        clinic.attack(to_wire(Frame(FrameKind.SECURE, Direction.TO_PUMP, number, link_id, payload)))
    assert clinic.drops(DropReason.AUTH) == 50
    clinic.world.let_pass(5_000)
    assert not half_open(clinic)
    assert not in_session(clinic)
    assert clinic.therapy() == before
    assert clinic.doctor.connect()


def test_kci_a_programmers_own_key_lets_nobody_play_the_pump(clinic: Clinic) -> None:
    """The other way round: with the programmer's private key alone nobody answers as its pump."""
    key = implant().keys[0]
    victim = ProgrammerEndpoint(SeededEntropy("victim"))
    false_pump = PumpEndpoint(cast(Keyring, _FalsePump(clinic, key.private)), SeededEntropy("false pump"))
    victim.discover(0)
    victim.receive(_answer(false_pump, victim.data_to_send()), 0)
    victim.open_session(Suite.KK, 0, Credentials(static=key.private, remote_static=key.pump_public), 0)
    victim.receive(_answer(false_pump, victim.data_to_send()), 0)
    assert victim.stage.name == "SHAKING_HANDS"
    assert false_pump.session is None


class _FalsePump:
    """The real pump's bonds, with another static key."""

    def __init__(self, clinic: Clinic, private: bytes) -> None:
        self._pump = clinic.pump
        self.static_private = private

    def __getattr__(self, name: str) -> object:
        return getattr(self._pump, name)


def _answer(pump: PumpEndpoint, data: bytes) -> bytes:
    pump.receive(data, 0)
    return pump.data_to_send()


# --- half-open sessions -------------------------------------------------------------------------------------


def test_a_flood_of_half_open_sessions_leaves_one_and_displaces_nobody(clinic: Clinic) -> None:
    """First messages of a genuine key, one after the other, beside the session that is at work."""
    assert clinic.doctor.connect()
    session = clinic.world.endpoint.session
    raw = RawProgrammer(clinic.world)  # type: ignore[arg-type]
    key = implant().keys[0]
    for number in range(10):
        discovery = discover(clinic)
        hello_rsp = decode_link(discovery.hello_rsp)
        raw.discovery, raw.link_id = discovery, hello_rsp.link_id  # type: ignore[union-attr]
        raw.begin(0, static=key.private, pump_public=key.pump_public, ephemeral=f"flood {number}")
        clinic.attack(
            to_wire(Frame(FrameKind.HANDSHAKE, Direction.TO_PUMP, number, raw.link_id, raw.opening))
        )
        assert clinic.world.endpoint.session is session
    assert half_open(clinic)
    assert clinic.status(clinic.doctor).program_version == clinic.version
    clinic.world.let_pass(5_000)
    assert not half_open(clinic)
    assert clinic.status(clinic.doctor).program_version == clinic.version


def test_an_old_first_message_opens_nothing_after_a_new_discovery(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    clinic.doctor.close()
    opening = frame_of(clinic.recording()[0][1])
    assert opening.kind is FrameKind.HANDSHAKE
    discover(clinic)
    link_id = clinic.world.endpoint._link.link_id
    clinic.attack(to_wire(replace(opening, link_id=link_id)))
    assert not half_open(clinic)
    assert clinic.drops(DropReason.HANDSHAKE) + clinic.drops(DropReason.STATE) == 1
