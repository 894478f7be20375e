"""Group 11: the refill record."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import label, octets, u32


@dataclass(frozen=True, slots=True)
class RefillRecordRequest:
    """Tells the pump that its reservoir was emptied and filled."""

    withdrawn_nl: Annotated[int, u32("nL", "drawn out, as the syringe shows")]
    filled_nl: Annotated[int, u32("nL", "filled in, as the syringe shows")]
    program_version: Annotated[int, u32("", "program the person has seen (compare and set)")]
    lot: Annotated[str, label(12, "lot number of the drug")]
    intent_id: Annotated[bytes, octets(16, "intent of the person, random", nonzero=True)]


@dataclass(frozen=True, slots=True)
class RefillRecordResponse:
    """The refill is booked; its receipt is stored."""

    reservoir_nl: Annotated[int, u32("nL", "computed content from now on")]
    expected_residual_nl: Annotated[int, u32("nL", "content the pump had computed before")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]
