"""Simulated non-volatile memory: named cells, written whole, with power that can fail at any write.

Cells outlive a reset; everything else in the controller does not. For tests and fault scenarios, power can
be cut at the n-th write from now (before it, or in the middle: a torn write leaves part of the new octets
over the old), a stored bit can be flipped, and a cell can refuse to be read or to take what is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class PowerCut(Exception):
    """The pump lost power during a storage write; nothing runs until it is reset."""


@dataclass(slots=True)
class _Fuse:
    """Blows at the ``left``-th write from now, after ``torn`` octets of it."""

    left: int
    torn: int


class Storage:
    """Named cells of octets.

    Attributes:
        writes: writes completed or torn since this object was made.
        dark: power is cut; every write raises `PowerCut` until `power_up`.
        disturbed: something has happened to a cell that nobody has looked for yet.
    """

    def __init__(self, cells: Mapping[str, bytes] | None = None, *, disturbed: bool = False) -> None:
        self._cells = dict(cells or {})
        self._fuse: _Fuse | None = None
        self._unreadable: set[str] = set()
        self._stuck: set[str] = set()
        self.writes = 0
        self.dark = False
        self.disturbed = disturbed

    def read(self, cell: str) -> bytes | None:
        """Return the octets of ``cell``, or None where it was never written or cannot be read."""
        return None if cell in self._unreadable else self._cells.get(cell)

    def is_blank(self, cell: str) -> bool:
        """Tell whether ``cell`` was never written."""
        return cell not in self._cells

    def write(self, cell: str, octets: bytes) -> None:
        """Replace the octets of ``cell``.

        Raises:
            PowerCut: power fails at this write, or failed before.
        """
        if self.dark:
            raise PowerCut("the pump has no power; it must be reset")
        self.writes += 1
        if self._fuse is not None:
            self._fuse.left -= 1
            if self._fuse.left <= 0:
                self._blow(cell, octets, self._fuse.torn)
        if cell not in self._stuck:
            self._cells[cell] = octets

    def _blow(self, cell: str, octets: bytes, torn: int) -> None:
        self._fuse = None
        self.dark = True
        if torn:
            self._cells[cell] = octets[:torn] + self._cells.get(cell, b"")[torn:]
        raise PowerCut(f"power failed while {cell} was written")

    def power_up(self) -> None:
        """Give power again after a cut."""
        self.dark = False

    def image(self) -> dict[str, bytes]:
        """Return a copy of all cells, sorted by name."""
        return dict(sorted(self._cells.items()))

    # --- faults -------------------------------------------------------------------------------------------

    def cut_power_at(self, nth: int, *, torn: int = 0) -> None:
        """Let power fail at the ``nth`` write from now (1 is the next).

        Args:
            nth: 1 or more; 0 takes back an earlier order.
            torn: how many of the new octets still reach the cell; 0 is a clean cut before the write.

        Raises:
            ValueError: a number is negative.
        """
        if nth < 0 or torn < 0:
            raise ValueError(f"cannot cut power at write {nth} after {torn} octets")
        self._fuse = _Fuse(nth, torn) if nth else None

    def flip_bit(self, cell: str, bit: int) -> None:
        """Flip one stored bit; ``bit`` counts from the lowest bit of the first octet.

        Raises:
            KeyError: the cell was never written.
            IndexError: it has no such bit.
        """
        octets = bytearray(self._cells[cell])
        octets[bit // 8] ^= 1 << bit % 8
        self._cells[cell] = bytes(octets)
        self.disturbed = True

    def fail_reads(self, cell: str, *, fail: bool = True) -> None:
        """Let ``cell`` refuse to be read (or, with ``fail`` false, be read again)."""
        (self._unreadable.add if fail else self._unreadable.discard)(cell)
        self.disturbed = True

    def fail_writes(self, cell: str, *, fail: bool = True) -> None:
        """Let ``cell`` keep its octets whatever is written (or, with ``fail`` false, take them again)."""
        (self._stuck.add if fail else self._stuck.discard)(cell)
        self.disturbed = True
