"""The ERROR message."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import u8, u16, u32, word8
from protocol.vocabulary import ErrorCode


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """Why a request was refused (OITP/1 section 15)."""

    request_opcode: Annotated[int, u16("", "opcode of the refused request")]
    code: Annotated[ErrorCode, word8(ErrorCode, "what is wrong")]
    field: Annotated[int, u8("", "index of the offending field, 255 where none")]
    detail: Annotated[
        int, u32("", "what the code says: expected value, current version, gap, mask, seconds left")
    ]
