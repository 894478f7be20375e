"""Critical data in two copies each: the newest valid one wins, and a torn write falls back to the other.

A copy is ``generation u32 | payload | CRC-32C``, the CRC over the record's name as well, so that a copy
written to the wrong place is not taken for another record. A change writes the first copy, which is the
instant at which it counts, and then the second, so that a bit that flips later never brings back what was
before. The factory writes every record, so in the field one without a valid copy is damage, never youth.

The payload in RAM is what the firmware works with; storage is read again at a reset only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

import google_crc32c

from firmware_model.controller.storage import Storage

_GENERATION_SIZE: Final = 4
_CRC_SIZE: Final = 4
COPIES: Final = ("a", "b")


@unique
class RecordName(Enum):
    """Every record of the controller; the value names its cells."""

    BOOT = "boot"
    CLOCK = "clock"
    PROGRAMS = "programs"
    JOURNAL = "journal"
    RECEIPTS = "receipts"
    ALARMS = "alarms"
    HOLD = "hold"
    BOLUS = "bolus"
    REFILL = "refill"
    LOG = "log"
    BONDS = "bonds"
    SECURITY = "security"
    LIFE = "life"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A record as it is in RAM."""

    generation: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What reading the records at a reset found.

    Attributes:
        damaged: records with one good copy, and the cell of the copy that failed its check.
        stale: records whose second copy was not written any more.
        lost: records without any valid copy.
    """

    damaged: tuple[tuple[RecordName, str], ...]
    stale: tuple[RecordName, ...]
    lost: tuple[RecordName, ...]


def cell_of(name: RecordName, copy: str) -> str:
    """Return the storage cell of one copy."""
    return f"{name.value}.{copy}"


def seal_copy(name: RecordName, loaded: Loaded) -> bytes:
    """Return the octets of one copy."""
    head = loaded.generation.to_bytes(_GENERATION_SIZE, "little") + loaded.payload
    return head + _crc(name, head)


def open_copy(name: RecordName, octets: bytes | None) -> Loaded | None:
    """Return what a copy holds, or None where it fails its check."""
    if octets is None or len(octets) < _GENERATION_SIZE + _CRC_SIZE:
        return None
    head, crc = octets[:-_CRC_SIZE], octets[-_CRC_SIZE:]
    if crc != _crc(name, head):
        return None
    return Loaded(int.from_bytes(head[:_GENERATION_SIZE], "little"), head[_GENERATION_SIZE:])


def _crc(name: RecordName, head: bytes) -> bytes:
    crc: int = google_crc32c.value(name.value.encode() + b"\0" + head)
    return crc.to_bytes(_CRC_SIZE, "little")


class RecordStore:
    """The records of the controller, in RAM and in two cells each.

    Args:
        storage: where the cells are.
        loaded: the records in RAM; a snapshot brings them, a reset reads them with `load`.
    """

    def __init__(self, storage: Storage, loaded: Mapping[RecordName, Loaded]) -> None:
        self._storage = storage
        self._loaded = dict(loaded)

    @classmethod
    def format(cls, storage: Storage) -> "RecordStore":
        """Write every record, empty: what the factory does."""
        store = cls(storage, {})
        for name in RecordName:
            store.put(name, b"")
        return store

    @classmethod
    def load(cls, storage: Storage) -> tuple["RecordStore", LoadReport]:
        """Read every record from storage, as a reset does."""
        loaded: dict[RecordName, Loaded] = {}
        damaged: list[tuple[RecordName, str]] = []
        stale: list[RecordName] = []
        lost: list[RecordName] = []
        for name in RecordName:
            copies = {copy: open_copy(name, storage.read(cell_of(name, copy))) for copy in COPIES}
            good = [copy for copy in copies.values() if copy is not None]
            if not good:
                lost.append(name)
                continue
            damaged += [(name, cell_of(name, copy)) for copy, content in copies.items() if content is None]
            loaded[name] = max(good, key=lambda copy: copy.generation)
            if any(copy != loaded[name] for copy in good):
                stale.append(name)
        return cls(storage, loaded), LoadReport(tuple(damaged), tuple(stale), tuple(lost))

    def get(self, name: RecordName) -> bytes:
        """Return the payload of a record, empty where it was lost."""
        loaded = self._loaded.get(name)
        return b"" if loaded is None else loaded.payload

    def put(self, name: RecordName, payload: bytes) -> None:
        """Store ``payload``.

        Raises:
            PowerCut: power failed; the record holds either what it held before or ``payload``.
        """
        before = self._loaded.get(name)
        loaded = Loaded(1 if before is None else before.generation + 1, payload)
        for copy in COPIES:
            self._storage.write(cell_of(name, copy), seal_copy(name, loaded))
        self._loaded[name] = loaded

    def repair(self, name: RecordName) -> None:
        """Write a record over those of its copies that do not hold it; a good copy is not touched.

        Raises:
            PowerCut: power failed; the copies that were good still are.
        """
        loaded = self._loaded.setdefault(name, Loaded(1, b""))
        for copy in COPIES:
            cell = cell_of(name, copy)
            if open_copy(name, self._storage.read(cell)) != loaded:
                self._storage.write(cell, seal_copy(name, loaded))

    def bad_cells(self) -> tuple[str, ...]:
        """Return the cells of copies that do not hold what the firmware works with."""
        return tuple(
            cell_of(name, copy)
            for name, loaded in self._loaded.items()
            for copy in COPIES
            if open_copy(name, self._storage.read(cell_of(name, copy))) != loaded
        )

    def in_ram(self) -> dict[RecordName, Loaded]:
        """Return the records as they are in RAM."""
        return dict(self._loaded)
