"""A pump of counters: every therapy request that is executed adds one to what it has done, durably.

It refuses almost nothing, so that a channel can do its worst to every request without the rules of therapy in
the way. Power can fail before and after each change, and a change counts from the moment it is stored.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from support.device import CountingDevice
from support.strategies import example_of

from firmware_model.controller.storage import PowerCut, Storage
from protocol.log_record import BolusEndEvent, DeliveryStateEvent, payload_octets
from protocol.messages.log import LogInfoResponse, LogReadResponse, LogRecord
from protocol.messages.program import ReceiptResponse
from protocol.messages.registry import Access
from protocol.messages.status import GetStatusResponse
from protocol.requests import Request
from protocol.vocabulary import BolusState, DeliveryState, EventType, LogPageFlag, ReceiptState

EPOCH = 1


@dataclass
class CountedPump(CountingDevice):
    """A `CountingDevice` with power, time and a log.

    ``effects`` is what each therapy request has changed; ``receipts`` and ``log`` outlive a reset.
    """

    storage: Storage = field(default_factory=Storage)
    effects: Counter[str] = field(default_factory=Counter)
    log: list[LogRecord] = field(default_factory=list)
    armed: bytes = b""

    def next_event_ms(self) -> int | None:
        return None

    def advance_to(self, t_ms: int) -> None:
        if self.storage.dark:
            raise PowerCut("no power")

    def set_link_time(self, link_ms: int) -> None:
        """Link time is nothing to it."""

    def reset(self) -> None:
        self.storage.power_up()
        self.boot_count += 1
        self.armed = b""

    def handle(self, request: Request) -> Any:  # noqa: ANN401 - any response body
        if self.storage.dark:
            raise PowerCut("no power")
        name = request.spec.name
        special = getattr(self, f"_{name.lower()}", None)
        if special is not None:
            return special(request)
        if request.spec.access is not Access.THERAPY:
            return super().handle(request)
        self.storage.write("change", name.encode())
        self.effects[name] += 1
        answer = super().handle(request)
        self._remember(request)
        self.storage.write("after", name.encode())
        return answer

    def _remember(self, request: Request) -> None:
        """What a therapy request leaves behind: a receipt, or a log record where it has no intent."""
        name, body, slot = request.spec.name, request.body, request.caller.slot
        if name == "SET_DELIVERY":
            after = body.target_state
            event = DeliveryStateEvent(DeliveryState.RUNNING, after, 0, body.max_minutes, body.reason)
            self._write(EventType.DELIVERY_STATE, slot, payload_octets(event))
        elif name == "BOLUS_CANCEL":
            ended = BolusEndEvent(body.bolus_id, BolusState.CANCELLED, 0)
            self._write(EventType.BOLUS_END, slot, payload_octets(ended))
        elif name != "PROG_COMMIT":
            intent = self.armed if name == "BOLUS_START" else body.intent_id
            if intent:
                plain = example_of(ReceiptResponse)
                self.receipts[intent] = replace(plain, state=ReceiptState.COMMITTED, intent_id=intent)

    def _write(self, kind: EventType, slot: int, payload: bytes) -> None:
        plain = example_of(LogRecord)
        seq = len(self.log) + 1
        self.log.append(replace(plain, seq=seq, type=kind, actor_slot=slot, payload=payload))

    # --- requests of its own ------------------------------------------------------------------------------

    def _bolus_arm(self, request: Request) -> object:
        self.armed = request.body.intent_id
        return super().handle(request)

    def _get_status(self, request: Request) -> object:
        status = super().handle(request)
        assert isinstance(status, GetStatusResponse)
        return replace(status, log_last_seq=len(self.log))

    def _log_info(self, request: Request) -> object:
        super().handle(request)
        return LogInfoResponse(EPOCH, 1, len(self.log), 32, 4_096)

    def _log_read(self, request: Request) -> object:
        super().handle(request)
        body = request.body
        start = max(0, body.from_seq - 1)
        page = self.log[start : start + body.max_records]
        more = LogPageFlag.MORE if start + body.max_records < len(self.log) else LogPageFlag(0)
        return LogReadResponse(EPOCH, 1, more, tuple(page))
