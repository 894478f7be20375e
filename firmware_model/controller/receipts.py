"""Receipts: what became of the last 16 therapy intents, kept over resets.

A receipt is stored before the programmer is answered, so an answer that is lost can always be asked for
again with GET_RECEIPT. Source: OITP/1 sections 11 and 18.
"""

from dataclasses import replace
from typing import Final

from firmware_model.controller.records import RecordName, RecordStore
from protocol.messages.codec import codec_of
from protocol.messages.program import ReceiptResponse
from protocol.program import DIGEST_SIZE
from protocol.vocabulary import ReceiptState

CAPACITY: Final = 16
NO_INTENT: Final = bytes(16)
"""Intent of what the factory does: nobody asks for its receipt."""

_CODEC: Final = codec_of(ReceiptResponse)


def no_receipt(intent_id: bytes, state: ReceiptState = ReceiptState.UNKNOWN) -> ReceiptResponse:
    """Return the receipt of an intent that changed nothing."""
    return ReceiptResponse(state, 0, 0, 0, 0, bytes(DIGEST_SIZE), intent_id)


class Receipts:
    """The last receipts, oldest first."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        payload = records.get(RecordName.RECEIPTS)
        size = _CODEC.fixed_size
        decoded = (_CODEC.decode(payload[at : at + size]) for at in range(0, len(payload), size))
        self._receipts: dict[bytes, ReceiptResponse] = {receipt.intent_id: receipt for receipt in decoded}

    def find(self, intent_id: bytes) -> ReceiptResponse | None:
        """Return the receipt of an intent, or None."""
        return self._receipts.get(intent_id)

    def all(self) -> tuple[ReceiptResponse, ...]:
        """Return every receipt, oldest first."""
        return tuple(self._receipts.values())

    def in_state(self, state: ReceiptState) -> tuple[ReceiptResponse, ...]:
        """Return every receipt in a state, oldest first."""
        return tuple(receipt for receipt in self._receipts.values() if receipt.state is state)

    def put(self, receipt: ReceiptResponse) -> None:
        """Store a receipt in place of an earlier one of the same intent; the oldest makes room.

        Storing what is stored already costs no write, so that recovery may repeat itself.
        """
        if receipt.intent_id == NO_INTENT or self._receipts.get(receipt.intent_id) == receipt:
            return
        self._receipts[receipt.intent_id] = receipt
        while len(self._receipts) > CAPACITY:
            del self._receipts[next(iter(self._receipts))]
        payload = b"".join(map(_CODEC.encode, self._receipts.values()))
        self._records.put(RecordName.RECEIPTS, payload)

    def close(self, intent_id: bytes, state: ReceiptState) -> None:
        """Mark a stored receipt with another outcome."""
        self.put(replace(self._receipts[intent_id], state=state))
