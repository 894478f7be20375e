"""Noise test vectors: reading a file of them, and making the repository's own.

The form is the common one of public vector files: hexadecimal, with ``init_`` and ``resp_`` fields per side.
``PYTHONPATH=tests python -m support.noise_vectors`` writes ``tests/vectors/v1/noise.json`` anew; the file is
frozen, so a difference is a change of protocol and needs a version bump.
"""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from protocol.noise import CipherState, HandshakeState, Pattern, public_key

REPOSITORY = Path(__file__).resolve().parents[2]
FROZEN = REPOSITORY / "tests" / "vectors" / "v1" / "noise.json"
PUBLIC_NAME = "noise_cacophony.json"

Vector = dict[str, Any]


def public_file() -> Path:
    """Where the public vectors are looked for: CISTERNA_VECTORS (file or folder), or beside the checkout."""
    chosen = os.environ.get("CISTERNA_VECTORS")
    path = Path(chosen) if chosen else REPOSITORY.parent / "shared" / "vectors"
    return path if path.is_file() else path / PUBLIC_NAME


def load(path: Path) -> dict[str, Vector]:
    """Read a file of vectors; by protocol name."""
    return {vector["protocol_name"]: vector for vector in json.loads(path.read_text())["vectors"]}


def side(vector: Vector, name: str) -> HandshakeState:
    """The engine set up as one side, ``init`` or ``resp``, of a vector."""
    pattern = next(known for known in Pattern if known.protocol_name.decode() == vector["protocol_name"])
    psks = vector.get(f"{name}_psks")
    return HandshakeState(
        pattern,
        name == "init",
        bytes.fromhex(vector[f"{name}_prologue"]),
        _octets(vector, f"{name}_static"),
        _octets(vector, f"{name}_remote_static"),
        bytes.fromhex(psks[0]) if psks else None,
        bytes.fromhex(vector[f"{name}_ephemeral"]),
    )


def build_document() -> dict[str, Any]:
    """Make the frozen vectors: fixed keys, payloads as OITP/1 has them, four transport messages."""
    return {
        "comment": "Made by tests/support/noise_vectors.py from protocol/noise.py; frozen with OITP/1.",
        "version": 1,
        "vectors": [_build_vector(pattern) for pattern in Pattern],
    }


def render(document: dict[str, Any]) -> str:
    """The text of a vector file."""
    return json.dumps(document, indent=2) + "\n"


def _octets(vector: Vector, name: str) -> bytes | None:
    return bytes.fromhex(vector[name]) if name in vector else None


def _secret(label: str) -> bytes:
    return sha256(b"cisterna test key: " + label.encode()).digest()


def _build_vector(pattern: Pattern) -> Vector:
    vector: Vector = {"protocol_name": pattern.protocol_name.decode()}
    statics = {name: _secret(f"{name} static") for name in ("init", "resp")}
    for name, peer in (("init", "resp"), ("resp", "init")):
        vector[f"{name}_prologue"] = b"OITP/1 test prologue".hex()
        vector[f"{name}_ephemeral"] = _secret(f"{name} ephemeral {pattern.value}").hex()
        if pattern is not Pattern.NNPSK0:
            vector[f"{name}_static"] = statics[name].hex()
            vector[f"{name}_remote_static"] = public_key(statics[peer]).hex()
        if pattern is not Pattern.KK:
            vector[f"{name}_psks"] = [_secret("psk").hex()]
    vector["messages"] = _run(vector)
    return vector


def _run(vector: Vector) -> list[dict[str, str]]:
    initiator, responder = side(vector, "init"), side(vector, "resp")
    first = initiator.write_message(b"")
    responder.read_message(first)
    grant = bytes(range(16))
    second = responder.write_message(grant)
    initiator.read_message(second)
    vector["handshake_hash"] = initiator.handshake_hash.hex()
    ciphers: tuple[CipherState, CipherState] = (initiator.split()[0], responder.split()[0])
    transport = [
        (number % 2, number // 2, b"record " + bytes([number]) * (7 * number)) for number in range(4)
    ]
    return [
        {"payload": "", "ciphertext": first.hex()},
        {"payload": grant.hex(), "ciphertext": second.hex()},
        *(
            {"payload": text.hex(), "ciphertext": ciphers[who].seal(number, b"", text).hex()}
            for who, number, text in transport
        ),
    ]


if __name__ == "__main__":
    FROZEN.write_text(render(build_document()))
