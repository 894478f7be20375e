"""Receipts: what became of the last 16 therapy intents, kept over resets.

A receipt is stored before the programmer is answered, so an answer that is lost can always be asked for
again with GET_RECEIPT. With each stands the bond slot whose intent it was, so that a patient is told of
their own. Source: OITP/1 sections 11 and 18.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from firmware_model.controller.records import RecordName, RecordStore
from protocol.messages.codec import codec_of
from protocol.messages.fields import u8
from protocol.messages.program import ReceiptResponse
from protocol.program import DIGEST_SIZE
from protocol.vocabulary import ReceiptState

CAPACITY: Final = 16
NO_INTENT: Final = bytes(16)
"""Intent of what the factory does: nobody asks for its receipt."""

_CODEC: Final = codec_of(ReceiptResponse)


@dataclass(frozen=True, slots=True)
class _Owner:
    slot: Annotated[int, u8("", "bond slot whose intent it was, 255 the factory")]


_OWNER: Final = codec_of(_Owner)


def no_receipt(intent_id: bytes, state: ReceiptState = ReceiptState.UNKNOWN) -> ReceiptResponse:
    """Return the receipt of an intent that changed nothing."""
    return ReceiptResponse(state, 0, 0, 0, 0, bytes(DIGEST_SIZE), intent_id)


class Receipts:
    """The last receipts, oldest first."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        payload = records.get(RecordName.RECEIPTS)
        size = _CODEC.fixed_size + _OWNER.fixed_size
        self._receipts: dict[bytes, ReceiptResponse] = {}
        self._slots: dict[bytes, int] = {}
        for at in range(0, len(payload), size):
            slot_at = at + _CODEC.fixed_size
            receipt: ReceiptResponse = _CODEC.decode(payload[at:slot_at])
            self._receipts[receipt.intent_id] = receipt
            self._slots[receipt.intent_id] = _OWNER.decode(payload[slot_at : at + size]).slot

    def find(self, intent_id: bytes) -> ReceiptResponse | None:
        """Return the receipt of an intent, or None."""
        return self._receipts.get(intent_id)

    def slot_of(self, intent_id: bytes) -> int | None:
        """Return the bond slot whose intent a receipt answers, None where there is no receipt."""
        return self._slots.get(intent_id)

    def all(self) -> tuple[ReceiptResponse, ...]:
        """Return every receipt, oldest first."""
        return tuple(self._receipts.values())

    def in_state(self, state: ReceiptState) -> tuple[ReceiptResponse, ...]:
        """Return every receipt in a state, oldest first."""
        return tuple(receipt for receipt in self._receipts.values() if receipt.state is state)

    def put(self, receipt: ReceiptResponse, slot: int) -> None:
        """Store a receipt in place of an earlier one of the same intent; the oldest makes room.

        Storing what is stored already costs no write, so that recovery may repeat itself.

        Args:
            receipt: what became of the intent.
            slot: bond slot whose intent it was.

        Raises:
            PowerCut: power failed; the receipts are those from before, or these.
        """
        if receipt.intent_id == NO_INTENT or self._receipts.get(receipt.intent_id) == receipt:
            return
        self._receipts[receipt.intent_id] = receipt
        self._slots[receipt.intent_id] = slot
        while len(self._receipts) > CAPACITY:
            oldest = next(iter(self._receipts))
            del self._receipts[oldest], self._slots[oldest]
        self._records.put(RecordName.RECEIPTS, b"".join(map(self._stored, self._receipts)))

    def _stored(self, intent_id: bytes) -> bytes:
        return _CODEC.encode(self._receipts[intent_id]) + _OWNER.encode(_Owner(self._slots[intent_id]))

    def close(self, intent_id: bytes, state: ReceiptState) -> None:
        """Mark a stored receipt with another outcome."""
        self.put(replace(self._receipts[intent_id], state=state), self._slots[intent_id])
