"""The secret on the implant card: 130 bits, shown as 26 Crockford base32 characters (OITP/1, "Access").

In octets it is a big-endian number in 17 octets, so the first six bits are zero. As text it is shown in
groups, 5-5-5-5-6; on entry, case, hyphens and spaces do not matter, and the look-alikes O, I and L are read
as 0, 1 and 1. Whoever holds the card and touches the patient can enrol a programmer, so the text is a secret.
"""

from collections.abc import Callable
from typing import Final

SECRET_SIZE: Final = 17
SECRET_BITS: Final = 130
CHARACTERS: Final = 26

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES: Final = {"O": 0, "I": 1, "L": 1}
_VALUES: Final = {
    typed: value
    for upper, value in (*zip(_ALPHABET, range(32), strict=True), *_LOOK_ALIKES.items())
    for typed in (upper, upper.lower())
}
_GROUP_ENDS: Final = (5, 10, 15, 20, 26)
_SEPARATORS: Final = frozenset("-–‐ \t\r\n")


class CardSecretError(ValueError):
    """The text or the octets are not a card secret. The message never repeats the secret."""


def parse_card_secret(text: str) -> bytes:
    """Return the 17 octets of a card secret typed by a person.

    Raises:
        CardSecretError: a character is not used on cards, or there are not 26 of them.
    """
    typed = [character for character in text if character not in _SEPARATORS]
    for position, character in enumerate(typed, 1):
        if character not in _VALUES:
            raise CardSecretError(
                f"Character {position} of the card secret, {character!r}, is not used on implant cards: "
                "they have digits and the letters A to Z without I, L, O and U."
            )
    if len(typed) != CHARACTERS:
        difference = abs(CHARACTERS - len(typed))
        tendency = "missing" if len(typed) < CHARACTERS else "too many"
        raise CardSecretError(
            f"The card secret has {CHARACTERS} characters, not counting hyphens and spaces; "
            f"{len(typed)} were given, {difference} {tendency}."
        )
    number = 0
    for character in typed:
        number = number << 5 | _VALUES[character]
    return number.to_bytes(SECRET_SIZE, "big")


def format_card_secret(secret: bytes) -> str:
    """Return the text on the card: 26 characters in five groups.

    Raises:
        CardSecretError: ``secret`` is not 130 bits in 17 octets.
    """
    check_card_secret(secret)
    number = int.from_bytes(secret, "big")
    characters = "".join(_ALPHABET[number >> shift & 31] for shift in range(SECRET_BITS - 5, -1, -5))
    starts = (0, *_GROUP_ENDS)
    return "-".join(characters[start:end] for start, end in zip(starts, _GROUP_ENDS, strict=False))


def new_card_secret(entropy: Callable[[int], bytes]) -> bytes:
    """Draw a card secret (17 octets) from ``entropy``, which returns as many random octets as asked for."""
    number = int.from_bytes(entropy(SECRET_SIZE), "big") & ((1 << SECRET_BITS) - 1)
    return number.to_bytes(SECRET_SIZE, "big")


def check_card_secret(secret: bytes) -> None:
    """Refuse octets that are no card secret.

    Raises:
        CardSecretError: ``secret`` has not 17 octets, or its number has more than 130 bits.
    """
    if len(secret) != SECRET_SIZE:
        raise CardSecretError(f"A card secret has {SECRET_SIZE} octets; {len(secret)} were given.")
    if secret[0] >> (SECRET_BITS % 8):
        raise CardSecretError(f"A card secret has {SECRET_BITS} bits; the first six bits must be zero.")
