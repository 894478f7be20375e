"""What makes one pump this pump: serial number, key pair and implant card, given once in the factory.

A pump keeps them in one-time programmable memory, apart from the storage that can fail.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from firmware_model.profiles import Profile
from firmware_model.streams import Stream
from protocol.card_secret import format_card_secret, new_card_secret
from protocol.handshake import enrol_psk

_SERIALS: Final = 1_000_000
"""A serial number has six digits."""

_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class ImplantCard:
    """The card the patient carries: whoever holds it may enrol a programmer.

    Attributes:
        serial: serial number of the pump.
        secret: 17 octets, 130 bits.
        static_public: X25519 public key of the pump, 32 octets.
    """

    serial: str
    secret: bytes = field(repr=False)
    static_public: bytes = field(repr=False)

    @property
    def secret_text(self) -> str:
        """The secret as it is printed on the card."""
        return format_card_secret(self.secret)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the factory burns in.

    Attributes:
        serial: serial number, 1..16 ASCII characters.
        made_utc_s: UTC of manufacture, 0 unknown.
        static_private: X25519 private key, 32 octets.
        card_secret: 17 octets, 130 bits.
    """

    serial: str
    made_utc_s: int
    static_private: bytes = field(repr=False)
    card_secret: bytes = field(repr=False)

    @classmethod
    def draw(cls, profile: Profile, seed: int, made_utc_s: int) -> "Identity":
        """Make the identity of a pump from the streams of a seed."""
        number = Stream(seed, "identity.serial").below(_SERIALS)
        return cls(
            serial=f"{profile.serial_prefix}-{number:06d}",
            made_utc_s=made_utc_s,
            static_private=Stream(seed, "identity.static").take(_KEY_SIZE),
            card_secret=new_card_secret(Stream(seed, "identity.card")),
        )

    @property
    def static_public(self) -> bytes:
        """X25519 public key, 32 octets."""
        return X25519PrivateKey.from_private_bytes(self.static_private).public_key().public_bytes_raw()

    @property
    def enrol_psk(self) -> bytes:
        """Pre-shared key of an enrolment, 32 octets."""
        return enrol_psk(self.card_secret, self.static_public)

    @property
    def card(self) -> ImplantCard:
        """The implant card."""
        return ImplantCard(self.serial, self.card_secret, self.static_public)
