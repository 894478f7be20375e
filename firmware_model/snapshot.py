"""The whole pump as one versioned value: what the state file, incidents and tests carry.

It holds belief and truth, the RAM, the storage image, the retained registers and how far the streams were
read, as plain data that JSON takes and gives back without loss. A storage fault that a test has ordered but
that did not happen yet is no part of it.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from firmware_model.controller.access import AccessRam
from firmware_model.controller.bolus_orders import ArmedBolus
from firmware_model.controller.controller import ControllerRam
from firmware_model.controller.event_log import LogAnchor, LogHead
from firmware_model.controller.programming import Transaction, Verified
from firmware_model.controller.records import Loaded, RecordName
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.identity import Identity
from firmware_model.plant.plant import PlantState
from protocol.vocabulary import SoftLimit

SNAPSHOT_VERSION: Final = 3


class SnapshotError(ValueError):
    """A snapshot that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class StagedSnapshot:
    """The open programming transaction; ``token`` is empty where it is not verified."""

    handle: int
    session_id: int
    slot: int
    base_version: int
    intent_id: bytes
    opened_ms: int
    touched_ms: int
    image: bytes
    missing: bytes
    token: bytes
    soft_flags: int
    day_volume_nl: int
    dose_ng_per_day: int


@dataclass(frozen=True, slots=True)
class RecordSnapshot:
    """One stored record as it is in RAM."""

    generation: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class RamSnapshot:
    """What a reset would lose."""

    boot_ms: int
    boot_count: int
    records: dict[str, RecordSnapshot]
    log_epoch: int
    log_anchor_seq: int
    log_anchor_chain: bytes
    log_last_seq: int
    log_chain: bytes
    log_fresh: bool
    active_image: bytes
    staged: StagedSnapshot | None
    armed: ArmedBolus | None
    access: AccessRam
    session_slots: dict[int, int]


@dataclass(frozen=True, slots=True)
class PumpSnapshot:
    """One pump at one instant.

    Attributes:
        version: of this layout.
        profile: name of the pump profile.
        identity: what makes this pump this pump; holds its secrets.
        zero_ms: counter at pump time 0.
        now_ms: pump time.
        link_ms: link time, None where it follows pump time.
        far_link: whether it has the far-link feature.
        entropy_seed: seed of the stream of handles and tokens.
        entropy_position: how far that stream was read.
        registers: belief about volumes.
        ram: what a reset would lose.
        cells: the storage image.
        disturbed: something has happened to a cell that nobody has looked for yet.
        plant: truth.
    """

    version: int
    profile: str
    identity: Identity
    zero_ms: int
    now_ms: int
    link_ms: int | None
    far_link: bool
    entropy_seed: int
    entropy_position: int
    registers: RetainedRegisters
    ram: RamSnapshot
    cells: dict[str, bytes]
    disturbed: bool
    plant: PlantState


def encode_snapshot(snapshot: PumpSnapshot) -> bytes:
    """Return a snapshot as JSON."""
    return msgspec.json.encode(snapshot)


def decode_snapshot(octets: bytes) -> PumpSnapshot:
    """Read a snapshot from JSON.

    Raises:
        SnapshotError: not a snapshot, or of another version.
    """
    try:
        snapshot = msgspec.json.decode(octets, type=PumpSnapshot)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SnapshotError(f"not a pump snapshot: {error}") from None
    check_version(snapshot)
    return snapshot


def check_version(snapshot: PumpSnapshot) -> None:
    """Refuse a snapshot of another layout.

    Raises:
        SnapshotError: its version is not that of this program.
    """
    if snapshot.version != SNAPSHOT_VERSION:
        raise SnapshotError(f"snapshot version {snapshot.version}, this program reads {SNAPSHOT_VERSION}")


def freeze_ram(ram: ControllerRam, session_slots: dict[int, int]) -> RamSnapshot:
    """Return the RAM as plain data."""
    return RamSnapshot(
        boot_ms=ram.boot_ms,
        boot_count=ram.boot_count,
        records={
            name.value: RecordSnapshot(loaded.generation, loaded.payload)
            for name, loaded in sorted(ram.records.items(), key=lambda item: item[0].value)
        },
        log_epoch=ram.log.anchor.epoch,
        log_anchor_seq=ram.log.anchor.seq,
        log_anchor_chain=ram.log.anchor.chain,
        log_last_seq=ram.log.last_seq,
        log_chain=ram.log.chain,
        log_fresh=ram.log.fresh,
        active_image=ram.active_image,
        staged=None if ram.transaction is None else _freeze_transaction(ram.transaction),
        armed=ram.armed,
        access=ram.access,
        session_slots=dict(session_slots),
    )


def thaw_ram(ram: RamSnapshot) -> ControllerRam:
    """Return the RAM that plain data describe.

    Raises:
        SnapshotError: it names a record this program does not know.
    """
    try:
        records = {
            RecordName(name): Loaded(record.generation, record.payload)
            for name, record in ram.records.items()
        }
    except ValueError as error:
        raise SnapshotError(f"not a pump snapshot: {error}") from None
    anchor = LogAnchor(ram.log_epoch, ram.log_anchor_seq, ram.log_anchor_chain)
    return ControllerRam(
        boot_ms=ram.boot_ms,
        boot_count=ram.boot_count,
        records=records,
        log=LogHead(anchor, ram.log_last_seq, ram.log_chain, ram.log_fresh),
        active_image=ram.active_image,
        transaction=None if ram.staged is None else _thaw_transaction(ram.staged),
        armed=ram.armed,
        access=ram.access,
    )


def _freeze_transaction(transaction: Transaction) -> StagedSnapshot:
    verified = transaction.verified or Verified(b"", SoftLimit(0), 0, 0)
    return StagedSnapshot(
        handle=transaction.handle,
        session_id=transaction.session_id,
        slot=transaction.slot,
        base_version=transaction.base_version,
        intent_id=transaction.intent_id,
        opened_ms=transaction.opened_ms,
        touched_ms=transaction.touched_ms,
        image=bytes(transaction.image),
        missing=bytes(transaction.missing),
        token=verified.token,
        soft_flags=int(verified.soft_flags),
        day_volume_nl=verified.day_volume_nl,
        dose_ng_per_day=verified.dose_ng_per_day,
    )


def _thaw_transaction(staged: StagedSnapshot) -> Transaction:
    verified = Verified(
        staged.token, SoftLimit(staged.soft_flags), staged.day_volume_nl, staged.dose_ng_per_day
    )
    return Transaction(
        handle=staged.handle,
        session_id=staged.session_id,
        slot=staged.slot,
        base_version=staged.base_version,
        intent_id=staged.intent_id,
        opened_ms=staged.opened_ms,
        touched_ms=staged.touched_ms,
        image=bytearray(staged.image),
        missing=bytearray(staged.missing),
        verified=verified if staged.token else None,
    )
