"""Group 10: link statistics and self-tests."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import flags32, u16, u32
from protocol.request_words import SelfTest


@dataclass(frozen=True, slots=True)
class LinkStatsRequest:
    """Asks what this link has seen."""


@dataclass(frozen=True, slots=True)
class LinkStatsResponse:
    """Counters of the link it is asked over, since that link began; each wraps at 2^32."""

    rx_frames: Annotated[int, u32("", "well-formed frames received")]
    rx_crc_err: Annotated[int, u32("", "frames with a wrong CRC-32C")]
    rx_cobs_err: Annotated[int, u32("", "pieces that are no COBS block")]
    rx_len_err: Annotated[int, u32("", "frames of a wrong size, or whose length octet is wrong")]
    rx_overrun: Annotated[int, u32("", "runs of octets too long for a frame")]
    tx_frames: Annotated[int, u32("", "frames sent")]
    retrans_served: Annotated[int, u32("", "requests answered again from the cache")]
    rx_bytes: Annotated[int, u32("octets", "octets received")]


@dataclass(frozen=True, slots=True)
class SelfTestRequest:
    """Asks for self-tests; delivery goes on."""

    tests: Annotated[SelfTest, flags32(SelfTest, "tests wanted")]


@dataclass(frozen=True, slots=True)
class SelfTestResponse:
    """Which tests were run and which of them failed."""

    results: Annotated[SelfTest, flags32(SelfTest, "tests that were run")]
    failed: Annotated[SelfTest, flags32(SelfTest, "tests among them that failed")]
    duration_ms: Annotated[int, u16("ms", "pump time they took")]
