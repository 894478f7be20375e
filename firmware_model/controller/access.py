"""Who may talk to the pump: the bond table and the handshake failures.

A bond begins provisional, which the endpoint reads as read-only. It is confirmed by its first session; a
clinician's only where no other clinician is confirmed, since whoever has the card would else be one at
once. A second clinician is confirmed by a session of ten minutes on the near link, or by another clinician.
Source: OITP/1, "Access, enrolment and abuse policy".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from firmware_model.controller.clock import PumpClock
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.records import RecordName, RecordStore
from protocol.log_record import BondAddedEvent, HandshakeFailEvent
from protocol.messages.codec import codec_of
from protocol.messages.fields import label, octets, u8, u32, u64, word8
from protocol.requests import Bond, Refusal
from protocol.vocabulary import BondState, ErrorCode, Role

MAX_BONDS: Final = 8
CONFIRM_WITHIN_S: Final = 600
"""A provisional bond without a session for longer than this may lose its place to a new one."""

DWELL_MS: Final = 600_000
ENROLLABLE: Final = frozenset((Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER))
"""Roles a bond can have; the emergency role has a published key of its own."""

_ROLE_FIELD: Final = 1
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class _StoredBond:
    slot: Annotated[int, u8("", "number of the bond", 0, MAX_BONDS - 1)]
    static_public: Annotated[bytes, octets(32, "public key of the programmer")]
    role: Annotated[Role, word8(Role, "role")]
    state: Annotated[BondState, word8(BondState, "state")]
    label: Annotated[str, label(16, "name of the programmer")]
    enrolled_ms: Annotated[int, u64("ms", "counter at the enrolment")]

    def bond(self) -> Bond:
        return Bond(self.slot, self.static_public, self.role, self.state, self.label)


@dataclass(frozen=True, slots=True)
class _StoredCounters:
    handshake_failures: Annotated[int, u32("", "failed handshakes since manufacture")]


class Access:
    """The bond table and what happens to it.

    Args:
        records: where bonds and counters are stored.
        log: where changes are told.
        clock: dates enrolments.
        dwelling_since: link time since which each waiting bond has been near; a snapshot brings it, a
            reset forgets it.
    """

    def __init__(
        self, records: RecordStore, log: EventLog, clock: PumpClock, dwelling_since: Mapping[int, int]
    ) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        self._dwelling_since = dict(dwelling_since)
        self._bonds = {stored.slot: stored for stored in _decode_bonds(records.get(RecordName.BONDS))}
        payload = records.get(RecordName.SECURITY)
        counters: _StoredCounters = (
            codec_of(_StoredCounters).decode(payload) if payload else _StoredCounters(0)
        )
        self.handshake_failures = counters.handshake_failures

    @property
    def bonds(self) -> tuple[Bond, ...]:
        """Every bond, by slot."""
        return tuple(self._bonds[slot].bond() for slot in sorted(self._bonds))

    def bond(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None."""
        stored = self._bonds.get(slot)
        return None if stored is None else stored.bond()

    @property
    def dwelling_since(self) -> dict[int, int]:
        """Link time since which each bond that waits for its dwell has been near."""
        return dict(self._dwelling_since)

    # --- enrolment ----------------------------------------------------------------------------------------

    def enrol(self, static_public: bytes, role: Role, name: str) -> Bond | Refusal:
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
        bond = _StoredBond(slot, static_public, role, BondState.PROVISIONAL, name, self._clock.now_ms)
        self._store(bond)
        return bond.bond()

    def _free_slot(self) -> int | None:
        free = (slot for slot in range(MAX_BONDS) if self._is_free(self._bonds.get(slot)))
        return next(free, None)

    def _is_free(self, bond: _StoredBond | None) -> bool:
        if bond is None or bond.state is BondState.REVOKED:
            return True
        waited_ms = self._clock.now_ms - bond.enrolled_ms
        return bond.state is BondState.PROVISIONAL and waited_ms > CONFIRM_WITHIN_S * 1_000

    # --- how a bond rises ---------------------------------------------------------------------------------

    def session_opened(self, slot: int, link_ms: int) -> None:
        """Count a session of ``slot``: it confirms a bond that needs no more than that."""
        bond = self._bonds.get(slot)
        if bond is None or bond.state is not BondState.PROVISIONAL:
            return
        if bond.role is Role.CLINICIAN and self._has_confirmed_clinician():
            self._dwelling_since[slot] = link_ms
        else:
            self._confirm(bond)

    def seen(self, slot: int, near: bool, link_ms: int) -> None:
        """Count a request of ``slot``: ten minutes of near-link session in one go confirm a clinician."""
        since_ms = self._dwelling_since.get(slot)
        if since_ms is None:
            return
        if not near or link_ms < since_ms:
            self._dwelling_since[slot] = link_ms
        elif link_ms - since_ms >= DWELL_MS:
            self.confirm(slot)

    def session_closed(self, slot: int) -> None:
        """Forget the dwell of a session."""
        self._dwelling_since.pop(slot, None)

    def confirm(self, slot: int) -> None:
        """Confirm a provisional bond: by its dwell, or on the word of a confirmed clinician.

        Raises:
            KeyError: there is no bond in ``slot``.
        """
        self._dwelling_since.pop(slot, None)
        bond = self._bonds[slot]
        if bond.state is BondState.PROVISIONAL:
            self._confirm(bond)

    def _has_confirmed_clinician(self) -> bool:
        return any(
            bond.role is Role.CLINICIAN and bond.state is BondState.CONFIRMED for bond in self._bonds.values()
        )

    def _confirm(self, bond: _StoredBond) -> None:
        self._store(replace(bond, state=BondState.CONFIRMED))

    def _store(self, bond: _StoredBond) -> None:
        bonds = {**self._bonds, bond.slot: bond}
        encode = codec_of(_StoredBond).encode
        self._records.put(RecordName.BONDS, b"".join(encode(bonds[slot]) for slot in sorted(bonds)))
        self._bonds = bonds
        self._log.write(BondAddedEvent(bond.slot, bond.role, bond.state), actor=bond.slot)

    # --- failures -----------------------------------------------------------------------------------------

    def handshake_failed(self, slot: int) -> None:
        """Count a failed handshake that named ``slot`` and tell the log."""
        self.handshake_failures = min(self.handshake_failures + 1, _U32)
        counters = _StoredCounters(self.handshake_failures)
        self._records.put(RecordName.SECURITY, codec_of(_StoredCounters).encode(counters))
        self._log.write(HandshakeFailEvent(slot, self.handshake_failures))


def _decode_bonds(payload: bytes) -> list[_StoredBond]:
    codec = codec_of(_StoredBond)
    size = codec.fixed_size
    return [codec.decode(payload[at : at + size]) for at in range(0, len(payload), size)]
