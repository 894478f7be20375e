"""What a person hands over to be explained: hex however it is spelt, or a file of octets, hex or packets."""

import re
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

from protocol.drops import Drop
from protocol.frame import CRC_SIZE, DELIMITER, MIN_FRAME, PROTO, Direction, crc32c, decode_piece

PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
MOST_OCTETS: Final = 64 << 20
"""Largest file that is read."""

_PREFIX = re.compile(r"(?i)(?<![0-9a-f])0x")
_BETWEEN = frozenset(" \t\r\n:,;-_")
_HEX = frozenset("0123456789abcdefABCDEF")


class InputError(ValueError):
    """What was given cannot be read; the message says where and what would be right."""


@unique
class Form(Enum):
    """How octets are to be understood."""

    AUTO = "auto"
    WIRE = "wire"
    FRAME = "frame"
    PLAINTEXT = "plaintext"


@dataclass(frozen=True, slots=True)
class Part:
    """Some octets to explain: a piece of the wire, a link frame, or an application plaintext."""

    form: Form
    octets: bytes


def read_hex(text: str) -> bytes:
    """Return the octets that ``text`` spells; blanks, line ends, ``:,;-_`` and ``0x`` may stand between them.

    Raises:
        InputError: with the position of what is wrong, counted from 1.
    """
    cleaned = _PREFIX.sub("  ", text)
    digits: list[str] = []
    last = 0
    for at, character in enumerate(cleaned, 1):
        if character in _HEX:
            digits.append(character)
            last = at
        elif character not in _BETWEEN:
            raise InputError(f"{_place(text, at)}: {text[at - 1]!r} is no hexadecimal digit (0-9, a-f)")
    if not digits:
        raise InputError("there are no hexadecimal digits; give octets such as a10f0000ffff0b")
    if len(digits) % 2:
        raise InputError(
            f"{_place(text, last)}: {len(digits)} hexadecimal digits make no whole octets; two make one"
        )
    return bytes.fromhex("".join(digits))


def _place(text: str, at: int) -> str:
    """Return a position in words; lines count only where there are several."""
    before = text[: at - 1]
    if "\n" not in text.strip("\n"):
        return f"position {at}"
    return f"line {before.count(chr(10)) + 1}, position {at - (before.rfind(chr(10)) + 1)}"


def read_argument(words: tuple[str, ...], stdin: bytes | None = None) -> bytes:
    """Return the octets of a command's HEX or FILE; ``stdin`` is what ``-`` stands for.

    Raises:
        InputError: it is neither, or the file cannot be read.
    """
    if len(words) == 1 and words[0] == "-":
        return from_file(stdin or b"", "standard input")
    if len(words) == 1 and _names_a_file(words[0]):
        return from_file(read_file(Path(words[0])), words[0])
    text = " ".join(words)
    try:
        return read_hex(text)
    except InputError as error:
        if len(words) == 1 and ("/" in text or "." in text):
            raise InputError(f"there is no file {text}") from None
        raise InputError(f"{error}; nor is there a file of that name") from None


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).exists() and not Path(text).is_dir()
    except (OSError, ValueError):  # too long, or with a zero: hex, then
        return False


def read_file(path: Path) -> bytes:
    """Return the octets of a file.

    Raises:
        InputError: it cannot be read, or is larger than 64 MiB.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read {path}: {text}") from error
    if len(octets) > MOST_OCTETS:
        raise InputError(f"{path} is larger than {MOST_OCTETS >> 20} MiB; cut it, for instance with editcap")
    return octets


def from_file(octets: bytes, name: str) -> bytes:
    """Return the octets that a file holds: those that it spells where it is a text of hex, else its own.

    Raises:
        InputError: it is empty, or a text that is no hex.
    """
    if not octets:
        raise InputError(f"{name} is empty")
    if octets.startswith(PCAPNG_MAGIC) or not _is_text(octets):
        return octets
    try:
        return read_hex(octets.decode("ascii"))
    except InputError as error:
        raise InputError(f"{name}, {error}") from None


def _is_text(octets: bytes) -> bool:
    return all(octet in b"\t\n\r" or 0x20 <= octet < 0x7F for octet in octets)


def parts_of(octets: bytes, form: Form) -> list[Part]:
    """Return what is to be explained, one after the other; ``AUTO`` finds out what the octets are.

    Raises:
        InputError: there are only delimiters.
    """
    if form is Form.AUTO:
        form = recognise(octets)
    if form is not Form.WIRE:
        return [Part(form, octets)]
    pieces = [Part(Form.WIRE, piece) for piece in octets.split(DELIMITER) if piece]
    if not pieces:
        raise InputError("there is nothing between the 0x00 delimiters")
    return pieces


def recognise(octets: bytes) -> Form:
    """Return whether ``octets`` are a link frame or come from the wire.

    A frame with its right CRC is a frame. Otherwise a zero at the start or end is a delimiter, and a zero in
    between can be in no COBS block; what begins as frames do, and is no good COBS, is a damaged frame.
    """
    if len(octets) >= MIN_FRAME:
        stated = int.from_bytes(octets[-CRC_SIZE:], "little")
        if crc32c(octets[:-CRC_SIZE]) == stated:
            return Form.FRAME
    if octets.startswith(DELIMITER) or octets[:1] != bytes((PROTO,)):
        return Form.WIRE
    if DELIMITER in octets[:-1]:
        return Form.FRAME
    found = decode_piece(octets.rstrip(DELIMITER), Direction.TO_PUMP)
    return Form.FRAME if isinstance(found, Drop) and found.reason.value == "cobs" else Form.WIRE
