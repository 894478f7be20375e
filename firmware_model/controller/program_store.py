"""Two program banks and the table that says which one counts.

A bank holds one image in two copies. The table names the active, the previous and the pending program by
bank and SHA-256, so that whatever a bank holds is used only if it is that very program. Turning the table
is one write of a record: the instant at which the old program ends and the new one begins.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.records import COPIES, RecordName, RecordStore
from firmware_model.controller.storage import Storage
from protocol.messages.codec import codec_of
from protocol.messages.fields import octets, u8, u16, u32
from protocol.program import program_digest

BANKS: Final = 2
_SHA256_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class ProgramEntry:
    """One program of the table; version 0 stands for none."""

    version: Annotated[int, u32("", "program version")]
    bank: Annotated[int, u8("", "bank that holds the image", 0, BANKS - 1)]
    image_len: Annotated[int, u16("octets", "size of the image")]
    sha256: Annotated[bytes, octets(_SHA256_SIZE, "digest of the image")]
    committed_utc_s: Annotated[int, u32("s", "UTC of the commit")]
    actor_slot: Annotated[int, u8("", "bond slot that committed it, 255 the factory")]
    effective_utc_s: Annotated[int, u32("s", "UTC at which it takes effect, 0 at once")]
    intent_id: Annotated[bytes, octets(16, "intent of the commit")]

    def __bool__(self) -> bool:
        return self.version > 0


NO_PROGRAM: Final = ProgramEntry(0, 0, 0, bytes(_SHA256_SIZE), 0, 0xFF, 0, bytes(16))


@dataclass(frozen=True, slots=True)
class ProgramTable:
    """Which programs there are."""

    active: ProgramEntry = NO_PROGRAM
    previous: ProgramEntry = NO_PROGRAM
    pending: ProgramEntry = NO_PROGRAM

    @property
    def newest_version(self) -> int:
        """Version a new program is based on: of the pending program, or else of the active one."""
        return self.pending.version or self.active.version

    @property
    def spare_bank(self) -> int:
        """The bank that does not hold the active program."""
        return (self.active.bank + 1) % BANKS if self.active else 0

    def turned_to(self, entry: ProgramEntry) -> "ProgramTable":
        """Return the table with ``entry`` active and what was active as the previous program."""
        return ProgramTable(entry, self.active, NO_PROGRAM)


_ENTRY: Final = codec_of(ProgramEntry)


def encode_table(table: ProgramTable) -> bytes:
    """Return the octets of the stored table."""
    return b"".join(map(_ENTRY.encode, (table.active, table.previous, table.pending)))


def decode_table(payload: bytes) -> ProgramTable:
    """Read a stored table; an empty one is that of a pump without programs."""
    size = _ENTRY.fixed_size
    return ProgramTable(*(_ENTRY.decode(payload[at : at + size]) for at in range(0, len(payload), size)))


def bank_cell(bank: int, copy: str) -> str:
    """Return the storage cell of one copy of a bank."""
    return f"bank.{bank}.{copy}"


class ProgramStore:
    """The banks and their table.

    Attributes:
        table: which programs there are.
    """

    def __init__(self, storage: Storage, records: RecordStore) -> None:
        self._storage = storage
        self._records = records
        self.table = decode_table(records.get(RecordName.PROGRAMS))

    def set_table(self, table: ProgramTable) -> None:
        """Turn the table in one write; writing what is stored already costs none."""
        if table != self.table:
            self._records.put(RecordName.PROGRAMS, encode_table(table))
            self.table = table

    def free_spare_bank(self) -> int:
        """Give up what the spare bank holds and return its number.

        The table is turned before the bank is written, so that it never names octets that are going.
        """
        self.set_table(ProgramTable(self.table.active))
        return self.table.spare_bank

    def write_bank(self, bank: int, image: bytes) -> bool:
        """Write both copies of a bank and read them back; tell whether both hold ``image``."""
        for copy in COPIES:
            self._storage.write(bank_cell(bank, copy), image)
        return not self.damaged_copies(bank, program_digest(image))

    def damaged_copies(self, bank: int, sha256: bytes) -> tuple[str, ...]:
        """Return the cells of a bank that do not hold the image with this digest."""
        cells = (bank_cell(bank, copy) for copy in COPIES)
        return tuple(cell for cell in cells if _digest_in(self._storage, cell) != sha256)

    def repair(self, entry: ProgramEntry, image: bytes) -> tuple[str, ...]:
        """Write ``image`` over the damaged copies of its bank and return their cells."""
        damaged = self.damaged_copies(entry.bank, entry.sha256)
        for cell in damaged:
            self._storage.write(cell, image)
        return damaged

    def read(self, entry: ProgramEntry) -> bytes | None:
        """Return the image of a program from the first copy that is good, or None."""
        for copy in COPIES if entry else ():
            image = self._storage.read(bank_cell(entry.bank, copy))
            if image is not None and program_digest(image) == entry.sha256:
                return image
        return None


def _digest_in(storage: Storage, cell: str) -> bytes:
    image = storage.read(cell)
    return b"" if image is None else program_digest(image)
