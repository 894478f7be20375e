"""Groups 3 and 4: reading a program and the programming transaction."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import block, flags32, octets, records, u8, u16, u32, word8, word16
from protocol.vocabulary import DrugCode, OverrideReason, ReceiptState, SoftLimit, Which

MAX_STAGE_BLOCK = 192
MAX_READ_BLOCK = 192
MAX_DRUGS = 4


@dataclass(frozen=True, slots=True)
class GetProgramInfoRequest:
    """Asks about one program."""

    which: Annotated[Which, word8(Which, "which program")]


@dataclass(frozen=True, slots=True)
class GetProgramInfoResponse:
    """Version, size and digest of a program."""

    which: Annotated[Which, word8(Which, "which program")]
    version: Annotated[int, u32("", "program version, 0 where there is none")]
    image_len: Annotated[int, u16("octets", "size of the image, 0 where there is none")]
    digest: Annotated[bytes, octets(16, "first 16 octets of the image's SHA-256")]
    committed_utc_s: Annotated[int, u32("s", "UTC of the commit")]
    actor_slot: Annotated[int, u8("", "bond slot that committed it, 255 the factory")]


@dataclass(frozen=True, slots=True)
class ReadProgramRequest:
    """Asks for one block of an image."""

    version: Annotated[int, u32("", "program version the block must belong to")]
    offset: Annotated[int, u16("octets", "where the block starts")]
    length: Annotated[int, u8("octets", "how much, 1..192", 1, MAX_READ_BLOCK)]


@dataclass(frozen=True, slots=True)
class ReadProgramResponse:
    """One block of an image; shorter than asked at its end."""

    version: Annotated[int, u32("", "program version")]
    offset: Annotated[int, u16("octets", "where the block starts")]
    data: Annotated[bytes, block(MAX_READ_BLOCK, "octets of the image")]


@dataclass(frozen=True, slots=True)
class ProgBeginRequest:
    """Opens a programming transaction."""

    base_version: Annotated[int, u32("", "version of the program this one replaces")]
    image_len: Annotated[int, u16("octets", "size of the new image", 1, 1536)]
    intent_id: Annotated[bytes, octets(16, "random id of the intent, stored before it is sent", nonzero=True)]


@dataclass(frozen=True, slots=True)
class ProgBeginResponse:
    """The transaction is open."""

    handle: Annotated[int, u32("", "names the transaction")]
    expires_s: Annotated[int, u16("s", "how long it lives")]
    max_block: Annotated[int, u8("octets", "largest block")]


@dataclass(frozen=True, slots=True)
class ProgStageRequest:
    """Stages one block."""

    handle: Annotated[int, u32("", "the transaction")]
    offset: Annotated[int, u16("octets", "where the block starts")]
    data: Annotated[bytes, block(MAX_STAGE_BLOCK, "octets of the image")]


@dataclass(frozen=True, slots=True)
class ProgStageResponse:
    """What is staged by now."""

    handle: Annotated[int, u32("", "the transaction")]
    received: Annotated[int, u16("octets", "octets staged")]
    next_gap: Annotated[int, u16("octets", "first octet still missing, the image's size where none is")]


@dataclass(frozen=True, slots=True)
class ProgVerifyRequest:
    """Asks the pump to check the staged image."""

    handle: Annotated[int, u32("", "the transaction")]
    sha256: Annotated[bytes, octets(32, "SHA-256 of the image")]


@dataclass(frozen=True, slots=True)
class DoseSummary:
    """One drug's dose as the pump computes it."""

    drug_code: Annotated[DrugCode, word16(DrugCode, "drug")]
    dose_ng_per_day: Annotated[int, u32("ng/day", "dose of the worst day")]


@dataclass(frozen=True, slots=True)
class ProgVerifyResponse:
    """The pump's own clinical summary; a person compares it before the commit."""

    handle: Annotated[int, u32("", "the transaction")]
    token: Annotated[bytes, octets(8, "binds this summary to the commit")]
    rate_min_nl_h: Annotated[int, u32("nL/h", "lowest step")]
    rate_max_nl_h: Annotated[int, u32("nL/h", "highest step")]
    day_volume_nl: Annotated[int, u32("nL", "volume of the largest day")]
    max_hour_nl: Annotated[int, u32("nL", "largest volume of any sliding hour")]
    reservoir_days_x10: Annotated[int, u16("0.1 d", "days to an empty reservoir, 65535 or more is capped")]
    refill_by_utc_s: Annotated[int, u32("s", "UTC of the low-reservoir alarm, 0 where the clock is not set")]
    soft_flags: Annotated[SoftLimit, flags32(SoftLimit, "soft limits passed")]
    doses: Annotated[tuple[DoseSummary, ...], records(DoseSummary, MAX_DRUGS, "dose of each drug")]


@dataclass(frozen=True, slots=True)
class ProgCommitRequest:
    """Makes the verified image the active program."""

    handle: Annotated[int, u32("", "the transaction")]
    token: Annotated[bytes, octets(8, "token of the verification")]
    soft_ack: Annotated[SoftLimit, flags32(SoftLimit, "soft limits a person acknowledged")]
    override_reason: Annotated[OverrideReason, word8(OverrideReason, "why, NONE where no limit is passed")]
    effective_utc_s: Annotated[int, u32("s", "0 at once, else UTC at which it takes effect")]


@dataclass(frozen=True, slots=True)
class ReceiptResponse:
    """What became of a therapy intent; answers PROG_COMMIT and GET_RECEIPT."""

    state: Annotated[ReceiptState, word8(ReceiptState, "outcome")]
    version: Annotated[int, u32("", "program version it made, 0 where none")]
    uptime_s: Annotated[int, u32("s", "uptime of the outcome")]
    utc_s: Annotated[int, u32("s", "UTC of the outcome, 0 where the clock was not set")]
    log_seq: Annotated[int, u32("", "log record that tells of it, 0 where none")]
    digest: Annotated[bytes, octets(16, "digest of the program, zeros where none")]
    intent_id: Annotated[bytes, octets(16, "the intent")]


@dataclass(frozen=True, slots=True)
class ProgAbortRequest:
    """Drops the transaction."""

    handle: Annotated[int, u32("", "the transaction")]


@dataclass(frozen=True, slots=True)
class ProgAbortResponse:
    """The transaction is gone."""

    handle: Annotated[int, u32("", "the transaction")]


@dataclass(frozen=True, slots=True)
class GetReceiptRequest:
    """Asks what became of an intent."""

    intent_id: Annotated[bytes, octets(16, "the intent", nonzero=True)]
