"""The bond table: who is bonded with the pump, how a bond rises and how it ends.

A bond begins provisional, which the endpoint reads as read-only. It is confirmed by its first session; a
clinician's only where no other clinician is confirmed, since whoever has the card would else be one at
once. A second clinician is confirmed by a session of ten minutes on the near link, or by another clinician.

A bond that has no session within `CONFIRM_WITHIN_S` is revoked by the pump itself. That time is link time,
the time of the people who wait for it; a restart of the firmware or of the link clock begins it anew, since
nobody knows then how much of it has passed.

Nobody revokes the own bond, nor the last confirmed clinician: the pump would be left without anyone who
could vouch for the next. Source: OITP/1, "Access, enrolment and abuse policy".
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum, unique
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.event_log import PUMP_ITSELF, EventLog
from firmware_model.controller.log_debt import NO_DEBT, split_debt, with_debt
from firmware_model.controller.records import RecordName, RecordStore
from protocol.log_record import BondAddedEvent, BondRevokedEvent
from protocol.messages.bonds import MAX_BONDS, BondEntry
from protocol.messages.codec import codec_of
from protocol.messages.fields import label, octets, u8, u32, word8
from protocol.requests import Bond, Refusal
from protocol.vocabulary import BondState, ErrorCode, Role, Switch

CONFIRM_WITHIN_S: Final = 600
"""How long a new bond waits for its first session, link time."""

DWELL_MS: Final = 600_000
ENROLLABLE: Final = frozenset((Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER))
"""Roles a bond can have; the emergency role has a published key of its own."""

_SLOT_FIELD: Final = 0
_ROLE_FIELD: Final = 1


@unique
class RevokeBar(IntEnum):
    """``detail`` of POLICY_FORBIDS to BOND_REVOKE: why this bond stays."""

    OWN_BOND = 1
    LAST_CLINICIAN = 2


@dataclass(frozen=True, slots=True)
class _StoredBond:
    slot: Annotated[int, u8("", "number of the bond", 0, MAX_BONDS - 1)]
    static_public: Annotated[bytes, octets(32, "public key of the programmer")]
    role: Annotated[Role, word8(Role, "role")]
    state: Annotated[BondState, word8(BondState, "state")]
    label: Annotated[str, label(16, "name of the programmer")]
    met: Annotated[Switch, word8(Switch, "whether it had a session")] = Switch.OFF
    last_utc_s: Annotated[int, u32("s", "UTC of its last session, 0 none or no clock")] = 0

    def bond(self) -> Bond:
        return Bond(self.slot, self.static_public, self.role, self.state, self.label)

    def entry(self) -> BondEntry:
        return BondEntry(self.slot, self.role, self.state, self.last_utc_s, self.label)

    @property
    def waits(self) -> bool:
        """Whether it still waits for its first session."""
        return self.state is BondState.PROVISIONAL and self.met is Switch.OFF

    @property
    def is_trusted_clinician(self) -> bool:
        return self.role is Role.CLINICIAN and self.state is BondState.CONFIRMED


_CODEC: Final = codec_of(_StoredBond)


@dataclass(slots=True)
class BondRam:
    """What a reset loses.

    Attributes:
        waiting_since: link time since which each new bond waits for its first session.
        dwelling_since: link time since which each clinician who waits for trust has been near.
    """

    waiting_since: dict[int, int] = field(default_factory=dict)
    dwelling_since: dict[int, int] = field(default_factory=dict)


class BondTable:
    """The bonds and what happens to them; every change is durable and told when a method returns.

    Args:
        records: where bonds are stored.
        log: where changes are told.
        clock: dates sessions.
        ram: what a snapshot brings and a reset forgets.

    Every method that changes the table raises `PowerCut` where power fails meanwhile.
    """

    def __init__(self, records: RecordStore, log: EventLog, clock: PumpClock, ram: BondRam) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        self.ram = ram
        payload, self._debt = split_debt(records.get(RecordName.BONDS))
        self._keep({stored.slot: stored for stored in _decode(payload)})

    @property
    def entries(self) -> tuple[BondEntry, ...]:
        """Every bond as BOND_LIST tells it, by slot."""
        return tuple(self._bonds[slot].entry() for slot in sorted(self._bonds))

    def find(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None."""
        return self._told.get(slot)

    def recover(self) -> None:
        """Tell what a cut of power left untold."""
        self._log.settle(self._debt)

    # --- enrolment ----------------------------------------------------------------------------------------

    def enrol(self, static_public: bytes, role: Role, name: str, link_ms: int) -> Bond | Refusal:
        """Store a programmer's key as a provisional bond.

        A key that is bonded in the same role keeps its bond as it is; in another role it starts again.
        """
        if role not in ENROLLABLE:
            return Refusal(ErrorCode.POLICY_FORBIDS, _ROLE_FIELD)
        known = next((bond for bond in self._bonds.values() if bond.static_public == static_public), None)
        if known is not None and known.role is role and known.state is not BondState.REVOKED:
            return known.bond()
        slot = self._free_slot() if known is None else known.slot
        if slot is None:
            return Refusal(ErrorCode.BOND_TABLE_FULL, detail=MAX_BONDS)
        bond = _StoredBond(slot, static_public, role, BondState.PROVISIONAL, name)
        self._store(bond, BondAddedEvent(slot, role, bond.state), slot)
        self._forget(slot)
        self.ram.waiting_since[slot] = link_ms
        return bond.bond()

    def _free_slot(self) -> int | None:
        return next((slot for slot in range(MAX_BONDS) if self._is_free(slot)), None)

    def _is_free(self, slot: int) -> bool:
        bond = self._bonds.get(slot)
        return bond is None or bond.state is BondState.REVOKED

    # --- how a bond rises ---------------------------------------------------------------------------------

    def session_opened(self, slot: int, link_ms: int) -> None:
        """Date a session of ``slot``, and confirm a bond that needs no more than that."""
        bond = self._bonds.get(slot)
        if bond is None or bond.state is BondState.REVOKED:
            return
        self.ram.waiting_since.pop(slot, None)
        met = replace(bond, met=Switch.ON, last_utc_s=self._clock.utc_s)
        if bond.state is BondState.CONFIRMED:
            self._store(met)
        elif bond.role is Role.CLINICIAN and self._trusts_another(slot):
            self.ram.dwelling_since[slot] = link_ms
            self._store(met)
        else:
            self._confirm(met, slot)

    def seen(self, slot: int, near: bool, link_ms: int) -> None:
        """Count a request of ``slot``: ten minutes of near-link session in one go confirm a clinician."""
        since_ms = self.ram.dwelling_since.get(slot)
        if since_ms is None:
            return
        if not near:
            self.ram.dwelling_since[slot] = link_ms
        elif link_ms - since_ms >= DWELL_MS:
            self.confirm(slot, slot)

    def session_closed(self, slot: int) -> None:
        """Forget the dwell of a session."""
        self.ram.dwelling_since.pop(slot, None)

    def confirm(self, slot: int, actor: int) -> int | Refusal:
        """Confirm a provisional bond: by its dwell, or on the word of a confirmed clinician.

        Args:
            slot: which bond.
            actor: bond slot of whoever vouches.

        Returns:
            The sequence number of the log record that tells of it, or why it cannot be.
        """
        bond = self._bonds.get(slot)
        if bond is None:
            return Refusal(ErrorCode.OUT_OF_RANGE, _SLOT_FIELD)
        if bond.state is not BondState.PROVISIONAL:
            return Refusal(ErrorCode.NOT_APPLICABLE, _SLOT_FIELD, bond.state)
        return self._confirm(bond, actor)

    def _confirm(self, bond: _StoredBond, actor: int) -> int:
        confirmed = replace(bond, state=BondState.CONFIRMED)
        seq = self._store(confirmed, BondAddedEvent(bond.slot, bond.role, confirmed.state), actor)
        self._forget(bond.slot)
        return seq

    def _trusts_another(self, slot: int) -> bool:
        return any(bond.is_trusted_clinician for bond in self._bonds.values() if bond.slot != slot)

    # --- how a bond ends ----------------------------------------------------------------------------------

    def revoke(self, slot: int, actor: int) -> int | Refusal:
        """End a bond for good.

        Args:
            slot: which bond.
            actor: bond slot of the clinician who ends it.

        Returns:
            The sequence number of the log record that tells of it, or why it cannot be.
        """
        bond = self._bonds.get(slot)
        if bond is None:
            return Refusal(ErrorCode.OUT_OF_RANGE, _SLOT_FIELD)
        if bond.state is BondState.REVOKED:
            return Refusal(ErrorCode.NOT_APPLICABLE, _SLOT_FIELD, bond.state)
        if slot == actor:
            return Refusal(ErrorCode.POLICY_FORBIDS, _SLOT_FIELD, RevokeBar.OWN_BOND)
        if bond.is_trusted_clinician and not self._trusts_another(slot):
            return Refusal(ErrorCode.POLICY_FORBIDS, _SLOT_FIELD, RevokeBar.LAST_CLINICIAN)
        return self._revoke(bond, actor)

    def _revoke(self, bond: _StoredBond, actor: int) -> int:
        revoked = replace(bond, state=BondState.REVOKED)
        seq = self._store(revoked, BondRevokedEvent(bond.slot, bond.role), actor)
        self._forget(bond.slot)
        return seq

    def _forget(self, slot: int) -> None:
        self.ram.waiting_since.pop(slot, None)
        self.ram.dwelling_since.pop(slot, None)

    # --- time ---------------------------------------------------------------------------------------------

    def window_s(self, link_ms: int) -> int:
        """Return the seconds left to the newest bond that waits for its first session, 0 where none does."""
        left = [CONFIRM_WITHIN_S - self._waited_ms(bond, link_ms) // 1_000 for bond in self._waiting()]
        return max(0, max(left, default=0))

    def is_due(self, link_ms: int) -> bool:
        """Tell whether `tick` would change something."""
        return self._any_waits and any(self._is_late(bond, link_ms) for bond in self._waiting())

    def tick(self, link_ms: int) -> None:
        """Revoke the bonds that waited too long for their first session."""
        for bond in self._waiting():
            if self._is_late(bond, link_ms):
                self._revoke(bond, PUMP_ITSELF)

    def link_began_anew(self, link_ms: int) -> None:
        """Let every wait begin again: the link clock tells nothing about the time before."""
        self.ram.waiting_since.clear()
        for slot in self.ram.dwelling_since:
            self.ram.dwelling_since[slot] = link_ms

    def _waiting(self) -> list[_StoredBond]:
        return [bond for bond in self._bonds.values() if bond.waits]

    def _waited_ms(self, bond: _StoredBond, link_ms: int) -> int:
        return link_ms - self.ram.waiting_since.setdefault(bond.slot, link_ms)

    def _is_late(self, bond: _StoredBond, link_ms: int) -> bool:
        return self._waited_ms(bond, link_ms) > CONFIRM_WITHIN_S * 1_000

    # --- memory -------------------------------------------------------------------------------------------

    def _keep(self, bonds: dict[int, _StoredBond]) -> None:
        # Asked for with every request and at every step, so both are worked out once.
        self._bonds = bonds
        self._told = {slot: stored.bond() for slot, stored in bonds.items()}
        self._any_waits = any(bond.waits for bond in bonds.values())

    def _store(self, bond: _StoredBond, event: object | None = None, actor: int = PUMP_ITSELF) -> int:
        """Store a bond, tell ``event`` and return the number of its log record, 0 without an event."""
        bonds = {**self._bonds, bond.slot: bond}
        debt = NO_DEBT if event is None else self._log.owe(event, actor)
        payload = b"".join(_CODEC.encode(bonds[slot]) for slot in sorted(bonds))
        self._records.put(RecordName.BONDS, with_debt(payload, debt))
        self._debt = debt
        self._keep(bonds)
        return self._log.settle(debt)


def _decode(payload: bytes) -> list[_StoredBond]:
    size = _CODEC.fixed_size
    return [_CODEC.decode(payload[at : at + size]) for at in range(0, len(payload), size)]
