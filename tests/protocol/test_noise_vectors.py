"""The Noise engine against vectors: the public ones, the repository's frozen ones, and a second engine."""

import json
import warnings
from types import ModuleType
from typing import Protocol

import pytest
from support.noise_vectors import FROZEN, Vector, build_document, load, public_file, render, side

from protocol.noise import Pattern

NAMES = [pattern.protocol_name.decode() for pattern in Pattern]


def second_engine() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import noise.connection
    except Exception as error:  # noqa: BLE001 - an unmaintained package may fail in any way beside new libraries
        pytest.skip(f"the second Noise engine (noiseprotocol) does not import here: {error!r}")
    module: ModuleType = noise.connection
    return module


def vectors_of(origin: str) -> dict[str, Vector]:
    if origin == "frozen":
        return load(FROZEN)
    path = public_file()
    if not path.is_file():
        pytest.skip(f"no public Noise vectors at {path}; set CISTERNA_VECTORS to the file or its folder")
    return load(path)


@pytest.mark.parametrize("origin", ["frozen", "public"])
@pytest.mark.parametrize("name", NAMES)
def test_engine_reproduces_every_message_and_the_hash(name: str, origin: str) -> None:
    """Handshake messages both ways, the handshake hash, then transport messages in turn."""
    vector = vectors_of(origin)[name]
    initiator, responder = side(vector, "init"), side(vector, "resp")
    first, second, *transport = vector["messages"]
    for writer, reader, message in ((initiator, responder, first), (responder, initiator, second)):
        ciphertext = writer.write_message(bytes.fromhex(message["payload"]))
        assert ciphertext.hex() == message["ciphertext"]
        assert reader.read_message(ciphertext).hex() == message["payload"]
    assert initiator.is_finished
    assert responder.is_finished
    assert initiator.handshake_hash.hex() == responder.handshake_hash.hex() == vector["handshake_hash"]
    (initiator_sends, initiator_receives), (responder_sends, responder_receives) = (
        initiator.split(),
        responder.split(),
    )
    assert transport
    for number, message in enumerate(transport):
        sends = (initiator_sends, responder_sends)[number % 2]
        receives = (responder_receives, initiator_receives)[number % 2]
        ciphertext = sends.seal(number // 2, b"", bytes.fromhex(message["payload"]))
        assert ciphertext.hex() == message["ciphertext"]
        assert receives.open(number // 2, b"", ciphertext).hex() == message["payload"]


def test_frozen_vectors_are_what_the_generator_makes() -> None:
    assert FROZEN.read_text() == render(build_document())
    assert [vector["protocol_name"] for vector in json.loads(FROZEN.read_text())["vectors"]] == NAMES


class SecondSide(Protocol):
    """What the tests use of a connection of the package noiseprotocol."""

    def write_message(self, payload: bytes) -> bytearray: ...
    def read_message(self, data: bytes) -> bytearray: ...
    def encrypt(self, data: bytes) -> bytes: ...
    def get_handshake_hash(self) -> bytes: ...


def second_side(engine: ModuleType, vector: Vector, name: str) -> SecondSide:
    connection = engine.NoiseConnection.from_name(vector["protocol_name"].encode())
    connection.set_as_initiator() if name == "init" else connection.set_as_responder()
    connection.set_prologue(bytes.fromhex(vector[f"{name}_prologue"]))
    own, public = connection.set_keypair_from_private_bytes, connection.set_keypair_from_public_bytes
    own(engine.Keypair.EPHEMERAL, bytes.fromhex(vector[f"{name}_ephemeral"]))
    if f"{name}_static" in vector:
        own(engine.Keypair.STATIC, bytes.fromhex(vector[f"{name}_static"]))
        public(engine.Keypair.REMOTE_STATIC, bytes.fromhex(vector[f"{name}_remote_static"]))
    if f"{name}_psks" in vector:
        connection.set_psks(bytes.fromhex(vector[f"{name}_psks"][0]))
    connection.start_handshake()
    side: SecondSide = connection
    return side


@pytest.mark.filterwarnings("ignore:One of ephemeral keypairs is already set")
@pytest.mark.parametrize("name", NAMES)
def test_a_second_engine_agrees_with_the_frozen_vectors(name: str) -> None:
    """The package noiseprotocol shares no code with ours, and makes the same octets from the same keys."""
    engine = second_engine()
    vector = load(FROZEN)[name]
    initiator, responder = second_side(engine, vector, "init"), second_side(engine, vector, "resp")
    first, second, *transport = vector["messages"]
    for writer, reader, message in ((initiator, responder, first), (responder, initiator, second)):
        ciphertext = bytes(writer.write_message(bytes.fromhex(message["payload"])))
        assert ciphertext.hex() == message["ciphertext"]
        assert reader.read_message(ciphertext).hex() == message["payload"]
    for number, message in enumerate(transport):
        sender = (initiator, responder)[number % 2]
        assert sender.encrypt(bytes.fromhex(message["payload"])).hex() == message["ciphertext"]
    assert initiator.get_handshake_hash().hex() == vector["handshake_hash"]
