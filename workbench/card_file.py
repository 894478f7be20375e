"""The implant card as a file: what a pump's paper card says, for `--card`.

The file holds the card secret, so it is written readable by its owner only and is refused when others can
read it.
"""

import os
import stat
from pathlib import Path
from typing import Annotated

import msgspec

from programmer_tui.connection import CardDetails
from protocol.card_secret import CardSecretError, format_card_secret, parse_card_secret


class CardFileError(Exception):
    """The card file cannot be used; the text says where, what is wrong and what would be right."""


class _Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
    pump_public_key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    card_secret: str


def write_card(path: Path, serial: str, static_public: bytes, secret: bytes) -> None:
    """Write an implant card to ``path``, mode 0600.

    Raises:
        CardFileError: the file cannot be written.
    """
    card = _Card(serial, static_public.hex(), format_card_secret(secret))
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    except OSError as error:
        raise CardFileError(f"Cannot write the implant card to {path}: {error.strerror}.") from error


def read_card(path: Path) -> CardDetails:
    """Return the implant card in ``path``.

    Raises:
        CardFileError: it is missing, readable by others, or no implant card.
    """
    try:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            raise CardFileError(f"The implant card {path} can be read by others; run: chmod 600 {path}")
        card = msgspec.json.decode(path.read_bytes(), type=_Card)
        return CardDetails(
            card.serial, bytes.fromhex(card.pump_public_key), parse_card_secret(card.card_secret)
        )
    except OSError as error:
        raise CardFileError(f"Cannot read the implant card {path}: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise CardFileError(
            f"{path} is no implant card: {error}. "
            "An implant card is JSON with serial, pump_public_key (64 hex digits) and card_secret."
        ) from error
    except CardSecretError as error:
        raise CardFileError(f"{path}: {error}") from error
