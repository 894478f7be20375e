"""The key pair of the emergency role. It is published: it proves nothing about whoever uses it.

Whoever finds a patient in danger must be able to read the pump, and by its policy to slow it to the minimum
rate, without a bond. Being known to everybody, the key protects nothing; what protects the patient is that
it works on the near link only, after 30 s of the head on the pump, that it can never raise a dose, and that
each use is logged and alarmed. Source: OITP/1, "Access, enrolment and abuse policy".
"""

from hashlib import sha256
from typing import Final

from protocol.noise import public_key

EMERGENCY_PRIVATE: Final = sha256(b"OITP/1 emergency").digest()
"""X25519 private key, 32 octets, public knowledge; X25519 itself clamps it."""

EMERGENCY_PUBLIC: Final = public_key(EMERGENCY_PRIVATE)
"""X25519 public key, 32 octets."""
