"""Distance-4 codewords for opcodes and safety-relevant enumerations.

Word number ``n`` is the XOR of the generator rows selected by the bits of ``n``; any two words of the
same length differ in at least four bits, so one, two or three flipped bits never turn one valid word
into another. Zero is never a valid word, and a non-codeword is refused, never corrected.
Source: OITP/1, "Decisions in one screen" (the family the Bluetooth Insulin Delivery Service uses).
"""

from functools import reduce
from operator import xor
from typing import Final

GENERATOR_ROWS: Final = (
    0x000F, 0x0033, 0x0055, 0x0096, 0x0303, 0x0505, 0x0906, 0x1111, 0x2112, 0x4114, 0x8117,
)  # fmt: skip
BYTE_ROWS: Final = 4

MAX_INDEX_16: Final = (1 << len(GENERATOR_ROWS)) - 1
MAX_INDEX_8: Final = (1 << BYTE_ROWS) - 1


def _word(index: int) -> int:
    return reduce(xor, (row for bit, row in enumerate(GENERATOR_ROWS) if index >> bit & 1), 0)


_WORDS: Final = tuple(_word(index) for index in range(MAX_INDEX_16 + 1))
_INDEX_OF: Final = {word: index for index, word in enumerate(_WORDS) if index}


def codeword16(index: int) -> int:
    """Return the 16-bit word number ``index`` (1..2047).

    Raises:
        ValueError: ``index`` is outside 1..2047.
    """
    if not 1 <= index <= MAX_INDEX_16:
        raise ValueError(f"codeword index {index} is outside 1..{MAX_INDEX_16}")
    return _WORDS[index]


def codeword8(index: int) -> int:
    """Return the 8-bit word number ``index`` (1..15).

    Raises:
        ValueError: ``index`` is outside 1..15.
    """
    if not 1 <= index <= MAX_INDEX_8:
        raise ValueError(f"codeword index {index} is outside 1..{MAX_INDEX_8}")
    return _WORDS[index]


def index_of16(word: int) -> int | None:
    """Return the number of the 16-bit ``word``, or None where it is not a codeword."""
    return _INDEX_OF.get(word)


def is_codeword16(word: int) -> bool:
    """Tell whether ``word`` is one of the 2047 valid 16-bit words."""
    return word in _INDEX_OF


def is_codeword8(word: int) -> bool:
    """Tell whether ``word`` is one of the 15 valid 8-bit words."""
    index = _INDEX_OF.get(word)
    return index is not None and index <= MAX_INDEX_8
