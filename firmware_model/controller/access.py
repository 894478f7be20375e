"""Who may talk to the pump: bonds, the published emergency key, handshakes and proximity tokens together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from firmware_model.controller.bonds import BondRam, BondTable
from firmware_model.controller.handshake_guard import GuardRam, HandshakeGuard
from firmware_model.controller.parts import Parts
from firmware_model.controller.proximity import ProximityTokens, Token
from protocol.emergency_key import EMERGENCY_PUBLIC
from protocol.link_control import LinkClass
from protocol.requests import EMERGENCY_SLOT, LAB_SLOT, Bond, Caller, Refusal
from protocol.vocabulary import BondState, EmergencyPolicy, Role

_EMERGENCY_BOND: Final = Bond(
    EMERGENCY_SLOT, EMERGENCY_PUBLIC, Role.EMERGENCY, BondState.CONFIRMED, "emergency"
)
_WITHOUT_SECRET: Final = (EMERGENCY_SLOT, LAB_SLOT)
"""Sessions that prove no secret: they say nothing about the guesses before them."""


@dataclass(slots=True)
class AccessRam:
    """What a reset loses, as plain data."""

    guard: GuardRam = field(default_factory=GuardRam)
    bonds: BondRam = field(default_factory=BondRam)
    tokens: dict[int, Token] = field(default_factory=dict)


def link_class_of(caller: Caller) -> LinkClass:
    """Return the class of link a caller comes over."""
    if caller.link is not None:
        return caller.link.link_class
    return LinkClass.NEAR if caller.near else LinkClass.FAR


class Access:
    """Bonds, handshakes and tokens.

    Args:
        parts: memory, clock, log and alarms.
        entropy: what tokens are made of.
        emergency_policy: tells what the published emergency key may do now.
        ram: what a snapshot brings and a reset forgets.

    Attributes:
        bonds: the bond table.
        guard: handshake budget, counters and lockouts.
        tokens: proximity tokens that are out.
    """

    def __init__(
        self,
        parts: Parts,
        entropy: Callable[[int], bytes],
        emergency_policy: Callable[[], EmergencyPolicy],
        ram: AccessRam,
    ) -> None:
        self._emergency_policy = emergency_policy
        self.bonds = BondTable(parts.records, parts.log, parts.clock, ram.bonds)
        self.guard = HandshakeGuard(parts.records, parts.log, parts.alarms, ram.guard)
        self.tokens = ProximityTokens(entropy, ram.tokens)

    def ram(self) -> AccessRam:
        """Return what a reset would lose."""
        return AccessRam(self.guard.ram, self.bonds.ram, self.tokens.tokens)

    def bond(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None; the emergency slot has one unless the policy is NONE."""
        if slot == EMERGENCY_SLOT:
            return None if self._emergency_policy() is EmergencyPolicy.NONE else _EMERGENCY_BOND
        return self.bonds.find(slot)

    def revoke(self, slot: int, actor: int) -> int | Refusal:
        """End a bond and its token; as `BondTable.revoke`."""
        seq = self.bonds.revoke(slot, actor)
        if not isinstance(seq, Refusal):
            self.tokens.void(slot)
        return seq

    # --- sessions -----------------------------------------------------------------------------------------

    def session_opened(self, caller: Caller, link_ms: int) -> None:
        """Count a confirmed session.

        Raises:
            PowerCut: power failed while it was stored.
        """
        link_class = link_class_of(caller)
        if caller.slot not in _WITHOUT_SECRET:
            self.guard.succeeded(link_class)
        if caller.with_token:
            self.tokens.void(caller.slot)
        self.bonds.session_opened(caller.slot, link_ms)

    # --- time ---------------------------------------------------------------------------------------------

    def is_due(self, link_ms: int) -> bool:
        """Tell whether `tick` would change something."""
        return self.guard.is_due(link_ms) or self.bonds.is_due(link_ms)

    def tick(self, link_ms: int) -> None:
        """End what is over at ``link_ms``.

        Raises:
            PowerCut: power failed while it was stored.
        """
        self.guard.tick(link_ms)
        self.bonds.tick(link_ms)

    def link_began_anew(self, link_ms: int) -> None:
        """Take the link clock for a new one, whose ``link_ms`` says nothing about the time before."""
        self.guard.link_began_anew(link_ms)
        self.bonds.link_began_anew(link_ms)
        self.tokens.link_began_anew()

    def recover(self) -> None:
        """End what a cut of power interrupted.

        Raises:
            PowerCut: power failed again.
        """
        self.bonds.recover()
        self.guard.recover()
