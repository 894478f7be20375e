"""The programming transaction: stage, verify, commit, with a human between the last two.

One transaction at a time, in RAM: a reset, the end of its session or its age drops it and leaves the active
program untouched. Its age is counted in link time (see `firmware_model.pump`), in which the people at both
ends live, not in pump time, which may run a year in a second. A transaction that grew too old is found out
when it is touched next. Source: OITP/1 sections 9 to 11.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_model.controller.commit import Approved
from firmware_model.controller.image_check import Summary, examine
from firmware_model.controller.parts import Parts
from firmware_model.controller.receipts import no_receipt
from firmware_model.controller.therapy import Therapy
from protocol.log_record import ProgAbortEvent
from protocol.messages.program import ReceiptResponse
from protocol.program import program_digest
from protocol.requests import Refusal
from protocol.vocabulary import ErrorCode, OverrideReason, ReceiptState, SoftLimit

LIFE_MS: Final = 900_000
IDLE_MS: Final = 300_000
HIGHEST_DELAY_S: Final = 30 * 86_400
"""A program may be set to take effect at most 30 days ahead (our own bound)."""

TOKEN_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class Verified:
    """What a successful verification left: the token, and what the commit needs of the summary."""

    token: bytes
    soft_flags: SoftLimit
    day_volume_nl: int
    dose_ng_per_day: int


@dataclass(slots=True)
class Transaction:
    """One open transaction; times in ms of link time.

    ``missing`` holds one octet per octet of the image, 1 where it was not staged yet.
    """

    handle: int
    session_id: int
    slot: int
    base_version: int
    intent_id: bytes
    opened_ms: int
    touched_ms: int
    image: bytearray
    missing: bytearray
    verified: Verified | None = None

    @property
    def received(self) -> int:
        """Octets staged."""
        return len(self.image) - sum(self.missing)

    @property
    def next_gap(self) -> int:
        """First octet still missing, the image's size where none is."""
        gap = self.missing.find(1)
        return len(self.image) if gap < 0 else gap

    def has_expired(self, link_ms: int) -> bool:
        """Tell whether the transaction is too old; one from before the link clock began anew is."""
        ends_ms = min(self.opened_ms + LIFE_MS, self.touched_ms + IDLE_MS)
        return not self.touched_ms <= link_ms < ends_ms


@dataclass(frozen=True, slots=True)
class CommitOrder:
    """What a clinician orders with a commit."""

    token: bytes
    soft_ack: SoftLimit
    reason: OverrideReason
    effective_utc_s: int


class Programming:
    """The transaction and its rules.

    Args:
        parts: memory, clock and log.
        therapy: what carries a commit out, and what a check must know.
        entropy: gives handles and tokens.
        transaction: the open one; a snapshot brings it.
    """

    def __init__(
        self,
        parts: Parts,
        therapy: Therapy,
        entropy: Callable[[int], bytes],
        transaction: Transaction | None = None,
    ) -> None:
        self._programs = parts.programs
        self._receipts = parts.receipts
        self._log = parts.log
        self._clock = parts.clock
        self._therapy = therapy
        self._entropy = entropy
        self.open = transaction

    # --- begin, stage, verify -----------------------------------------------------------------------------

    def begin(
        self, session_id: int, slot: int, base_version: int, image_len: int, intent_id: bytes, link_ms: int
    ) -> Transaction | Refusal:
        """Open a transaction on a known program version (compare and set)."""
        self._drop_expired(link_ms)
        if self.open is not None:
            return Refusal(ErrorCode.BUSY, detail=self.open.handle)
        if self._receipts.find(intent_id) is not None:
            return Refusal(ErrorCode.INTENT_REUSED, 2)
        current = self._programs.table.newest_version
        if base_version != current:
            return Refusal(ErrorCode.VERSION_CONFLICT, 0, current)
        handle = int.from_bytes(self._entropy(4), "little") or 1
        image, missing = bytearray(image_len), bytearray(b"\1" * image_len)
        self.open = Transaction(
            handle, session_id, slot, base_version, intent_id, link_ms, link_ms, image, missing
        )
        return self.open

    def stage(
        self, session_id: int, handle: int, offset: int, data: bytes, link_ms: int
    ) -> Transaction | Refusal:
        """Take one block; any order, repeatable. A verification made before is void."""
        found = self._find(session_id, handle, link_ms)
        if isinstance(found, Refusal):
            return found
        if offset + len(data) > len(found.image):
            return Refusal(ErrorCode.OUT_OF_RANGE, 1, len(found.image))
        if not data:
            return Refusal(ErrorCode.OUT_OF_RANGE, 2)
        found.verified = None
        found.image[offset : offset + len(data)] = data
        found.missing[offset : offset + len(data)] = bytes(len(data))
        return found

    def verify(
        self, session_id: int, handle: int, sha256: bytes, link_ms: int
    ) -> tuple[bytes, Summary] | Refusal:
        """Check the staged image; return the token that binds the summary to the commit, and the summary.

        Failing voids an older token.
        """
        found = self._find(session_id, handle, link_ms)
        if isinstance(found, Refusal):
            return found
        found.verified = None
        if found.next_gap < len(found.image):
            return Refusal(ErrorCode.IMAGE_INCOMPLETE, detail=found.next_gap)
        image = bytes(found.image)
        if program_digest(image) != sha256:
            return Refusal(ErrorCode.DIGEST_MISMATCH, 1)
        summary = examine(image, self._therapy.situation())
        if isinstance(summary, Refusal):
            return summary
        token = self._entropy(TOKEN_SIZE)
        found.verified = Verified(
            token, summary.soft_flags, summary.day_volume_nl, summary.primary_dose_ng_per_day
        )
        return token, summary

    # --- commit -------------------------------------------------------------------------------------------

    def commit(
        self, session_id: int, handle: int, order: CommitOrder, link_ms: int
    ) -> ReceiptResponse | Refusal:
        """Make the verified image the active or, with an effective time, the pending program.

        Raises:
            PowerCut: power failed; the reset ends in the old or the new program, and the receipt says which.
        """
        found = self._find(session_id, handle, link_ms)
        if isinstance(found, Refusal):
            return found
        if found.verified is None:
            return Refusal(ErrorCode.NOT_VERIFIED)
        refusal = self._judge(order, found.verified, found.base_version)
        if refusal is not None:
            return refusal
        approved = Approved(
            image=bytes(found.image),
            day_volume_nl=found.verified.day_volume_nl,
            dose_ng_per_day=found.verified.dose_ng_per_day,
            actor_slot=found.slot,
            intent_id=found.intent_id,
            overridden=found.verified.soft_flags,
            reason=order.reason,
            effective_utc_s=order.effective_utc_s,
        )
        receipt = self._therapy.store_program(approved)
        if receipt is None:
            return Refusal(ErrorCode.STORAGE)
        self.open = None
        return receipt

    def _judge(self, order: CommitOrder, verified: Verified, base_version: int) -> Refusal | None:
        if order.token != verified.token:
            return Refusal(ErrorCode.TOKEN_MISMATCH, 1)
        if base_version != self._programs.table.newest_version:
            return Refusal(ErrorCode.VERSION_CONFLICT, detail=self._programs.table.newest_version)
        unacknowledged = verified.soft_flags & ~order.soft_ack
        if unacknowledged:
            return Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 2, unacknowledged)
        if verified.soft_flags and order.reason is OverrideReason.NONE:
            return Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 3, verified.soft_flags)
        if not order.effective_utc_s:
            return None
        now_s = self._clock.utc_s
        if not self._clock.is_set:
            return Refusal(ErrorCode.CLOCK_REQUIRED, 4)
        if not now_s < order.effective_utc_s <= now_s + HIGHEST_DELAY_S:
            return Refusal(ErrorCode.OUT_OF_RANGE, 4, now_s)
        return None

    # --- the end of a transaction -------------------------------------------------------------------------

    def abort(self, session_id: int, handle: int, link_ms: int) -> Refusal | None:
        """Drop the transaction; the active program is untouched."""
        found = self._find(session_id, handle, link_ms)
        if isinstance(found, Refusal):
            return found
        self._drop(found, ReceiptState.ABORTED)
        return None

    def session_closed(self, session_id: int) -> None:
        """Drop the transaction of a session that ended."""
        if self.open is not None and self.open.session_id == session_id:
            self._drop(self.open, ReceiptState.ABORTED)

    def receipt(self, intent_id: bytes, link_ms: int) -> ReceiptResponse:
        """Return what became of an intent: of the open transaction, or of one of the last 16."""
        self._drop_expired(link_ms)
        stored = self._receipts.find(intent_id)
        if stored is not None:
            return stored
        if self.open is None or self.open.intent_id != intent_id:
            return no_receipt(intent_id)
        state = ReceiptState.STAGED if self.open.verified is None else ReceiptState.VERIFIED
        return no_receipt(intent_id, state)

    def _find(self, session_id: int, handle: int, link_ms: int) -> Transaction | Refusal:
        found = self.open
        if found is None or found.handle != handle or found.session_id != session_id:
            return Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
        if found.has_expired(link_ms):
            self._drop(found, ReceiptState.EXPIRED)
            return Refusal(ErrorCode.HANDLE_EXPIRED, 0)
        found.touched_ms = link_ms
        return found

    def _drop_expired(self, link_ms: int) -> None:
        if self.open is not None and self.open.has_expired(link_ms):
            self._drop(self.open, ReceiptState.EXPIRED)

    def _drop(self, found: Transaction, state: ReceiptState) -> None:
        self.open = None
        self._receipts.put(no_receipt(found.intent_id, state), found.slot)
        self._log.write(ProgAbortEvent(found.handle, found.base_version), actor=found.slot)
