"""Seeded streams of octets: one seed fans out to named streams, so that a new stream shifts no other.

Block number n of a stream is SHA-256(seed | name | n). A stream is its seed, its name and how far it was
read, which is all a snapshot has to keep.
"""

import hashlib


class Stream:
    """An endless, repeatable sequence of octets.

    Args:
        seed: any integer.
        name: which of the seed's streams, e.g. ``"identity.serial"``.
        position: octets taken before.

    Raises:
        ValueError: ``position`` is negative.
    """

    def __init__(self, seed: int, name: str, position: int = 0) -> None:
        if position < 0:
            raise ValueError(f"position {position} of stream {name!r} is negative")
        self.seed = seed
        self.name = name
        self.position = position
        self._key = f"cisterna/{seed}/{name}/".encode()

    def __call__(self, size: int) -> bytes:
        """Take the next ``size`` octets."""
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Take the next ``size`` octets.

        Raises:
            ValueError: ``size`` is negative.
        """
        if size < 0:
            raise ValueError(f"cannot take {size} octets from stream {self.name!r}")
        first, skip = divmod(self.position, hashlib.sha256().digest_size)
        octets = b""
        block = first
        while len(octets) < skip + size:
            octets += hashlib.sha256(self._key + block.to_bytes(8, "big")).digest()
            block += 1
        self.position += size
        return octets[skip : skip + size]

    def below(self, limit: int) -> int:
        """Take a number in 0 .. ``limit`` - 1, evenly spread (eight octets per draw, bias under 2^-32).

        Raises:
            ValueError: ``limit`` is outside 1 .. 2^32.
        """
        if not 1 <= limit <= 1 << 32:
            raise ValueError(f"limit {limit} is outside 1..{1 << 32}")
        return int.from_bytes(self.take(8), "big") % limit
