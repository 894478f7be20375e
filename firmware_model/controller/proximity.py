"""Tokens that carry the nearness of the programming head over to one session on the far link.

A token is 32 octets of entropy, one per bond, in RAM only. It is good for two minutes of link time and for
one session: it is gone when a session of its bond is confirmed on the far link, when a new one is fetched,
when the bond is revoked, when the firmware restarts or the link clock begins anew.
Source: OITP/1, "Access, enrolment and abuse policy".
"""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.messages.bonds import TOKEN_LIFE_S, TOKEN_SIZE


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        secret: 32 octets.
        since_ms: link time at which it was fetched.
    """

    secret: bytes
    since_ms: int


class ProximityTokens:
    """The tokens that are out.

    Args:
        entropy: what they are made of.
        tokens: by bond slot; a snapshot brings them, a reset forgets them.
    """

    def __init__(self, entropy: Callable[[int], bytes], tokens: dict[int, Token]) -> None:
        self._entropy = entropy
        self.tokens = tokens

    def issue(self, slot: int, link_ms: int) -> bytes:
        """Return a new token for the bond in ``slot``; the one before is void."""
        secret = self._entropy(TOKEN_SIZE)
        self.tokens[slot] = Token(secret, link_ms)
        return secret

    def find(self, slot: int, link_ms: int) -> bytes | None:
        """Return the token of the bond in ``slot`` while it is good, else None."""
        token = self.tokens.get(slot)
        if token is None or link_ms - token.since_ms >= TOKEN_LIFE_S * 1_000:
            return None
        return token.secret

    def void(self, slot: int) -> None:
        """Take the token of the bond in ``slot`` back, if there is one."""
        self.tokens.pop(slot, None)

    def link_began_anew(self) -> None:
        """Take all of them back: their age is not known any more."""
        self.tokens.clear()
