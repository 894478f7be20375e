"""The chart: what has happened to the therapy of one pump, by its state, its log and its storage.

It is kept without asking the protocol. Its counts are compared with what was executed, its volumes with the
limits of the prescription, and its receipts with what a reset would find in storage.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

from firmware_model.controller.delivery import Hold
from firmware_model.controller.receipts import CAPACITY, NO_INTENT, Receipts
from firmware_model.controller.records import RecordStore
from firmware_model.pump import Pump
from protocol.log_record import BolusEndEvent, BolusStartEvent, read_payload
from protocol.messages.delivery import BolusCancelRequest, SetDeliveryRequest
from protocol.messages.log import LogRecord
from protocol.program import Limits, PatientBolus
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, UNITS_PER_NL, nl_to_units
from protocol.request_words import BolusKind
from protocol.vocabulary import BolusState, DeliveryState, EventType, ReceiptState

COUNTED: Final = ("PROG_COMMIT", "BOLUS_START", "PATIENT_BOLUS", "REFILL_RECORD")
"""Orders that change by one more each time; SET_DELIVERY and BOLUS_CANCEL say what is to be."""

LASTING: Final = frozenset((ReceiptState.COMMITTED, ReceiptState.ABORTED, ReceiptState.EXPIRED))
SLOTS: Final = range(8)


class Chart:
    """What has happened to one pump.

    Args:
        pump: the pump.
        limits: hard limits of every program it will get.
        patient: what the patient may give.
    """

    def __init__(self, pump: Pump, limits: Limits, patient: PatientBolus) -> None:
        self._pump = pump
        self._limits = limits
        self._patient = patient
        self._version = pump.controller.programs.table.newest_version
        self._filled = pump.belief().filled_units
        self._log_seq = pump.controller.log.last_seq
        self._volumes: deque[tuple[int, int]] = deque()
        self._patient_starts: list[tuple[int, int]] = []
        self._looked_ms = pump.now_ms
        self._receipts: dict[bytes, ReceiptState] = dict(self.receipts())
        self._ended: dict[int, BolusState] = {}
        self._hold: Hold | None = pump.controller.therapy.hold
        self._hold_before = self._hold
        self.counts: Counter[str] = Counter()
        self.filled_nl = 0
        """What was filled in, by the records of refills in the log."""

    def receipts(self) -> Mapping[bytes, ReceiptState]:
        """The receipts that a reset would find now, oldest first."""
        records, _ = RecordStore.load(self._pump.storage)
        return {receipt.intent_id: receipt.state for receipt in Receipts(records).all()}

    # --- after each step ----------------------------------------------------------------------------------

    def read(self) -> None:
        """Take up what has happened since the last look."""
        told = self._new_records()
        for number, record in enumerate(told):
            event = read_payload(record)
            if isinstance(event, BolusStartEvent):
                started_again = any(later.type is EventType.BOOT for later in told[number:])
                self._begin(event, None if started_again else record.uptime_s)
            elif isinstance(event, BolusEndEvent):
                assert event.bolus_id not in self._ended, f"bolus {event.bolus_id} ended twice"
                self._ended[event.bolus_id] = event.state
            elif record.type is EventType.PROG_COMMIT and record.actor_slot in SLOTS:
                self.counts["PROG_COMMIT"] += 1
            elif record.type is EventType.REFILL:
                self.counts["REFILL_RECORD"] += 1
                self.filled_nl += event.filled_nl if event is not None else 0
        self._hold_before, self._hold = self._hold, self._pump.controller.therapy.hold
        self._looked_ms = self._pump.now_ms

    def _new_records(self) -> list[LogRecord]:
        log = self._pump.controller.log
        told = list[LogRecord]()
        while self._log_seq < log.last_seq:
            page = log.page(self._log_seq + 1, 6)
            told += page.records
            self._log_seq = page.records[-1].seq
        return told

    def _begin(self, event: BolusStartEvent, uptime_s: int | None) -> None:
        is_patients = event.kind is BolusKind.PATIENT
        self.counts["PATIENT_BOLUS" if is_patients else "BOLUS_START"] += 1
        assert event.volume_nl <= self._limits.hard_bolus_nl
        if is_patients:
            now_ms = self._pump.now_ms
            earliest, latest = self._looked_ms, now_ms
            if uptime_s is not None:
                latest = now_ms - (self._pump.uptime_s - uptime_s) * 1_000
                earliest = latest - 1_000
            self._check_patient(earliest, latest + 1_000)

    def _check_patient(self, earliest_ms: int, latest_ms: int) -> None:
        """Lockout and count of any 24 h in pump time, as far as it is known when each bolus began."""
        rules = self._patient
        for before, _ in self._patient_starts:
            assert latest_ms - before >= rules.lockout_min * MS_PER_MINUTE, "the lockout was passed"
        self._patient_starts.append((earliest_ms, latest_ms))
        today = [before for before, _ in self._patient_starts if latest_ms - before < MS_PER_DAY]
        assert len(today) <= rules.max_per_24h, "more boluses than a day may have"

    def was_set(self, body: SetDeliveryRequest) -> bool | None:
        """Whether the hold has changed to what was ordered.

        None where it makes no difference now: the program ran and was to run, or the pump is in a safe state
        that no hold is seen through.
        """
        if self._pump.belief().delivery_state is DeliveryState.SAFE_STATE:
            return None
        if self._hold is None and self._hold_before is None and body.target_state is DeliveryState.RUNNING:
            return None
        if self._hold == self._hold_before:
            return False
        return (None if self._hold is None else self._hold.reason) in (None, body.reason)

    def was_cancelled(self, body: BolusCancelRequest) -> bool:
        """Whether the bolus has ended as cancelled, and not by the reset."""
        return self._ended.get(body.bolus_id) is BolusState.CANCELLED

    # --- what must hold -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Check volumes, versions and receipts."""
        belief, truth = self._pump.belief(), self._pump.truth()
        for balance in (belief, truth):
            _check_balance(balance)
        table = self._pump.controller.programs.table
        assert table.active.version <= table.newest_version <= self._version + self.counts["PROG_COMMIT"]
        if table.pending:
            assert table.newest_version == table.pending.version
        assert belief.filled_units == self._filled + nl_to_units(self.filled_nl)
        self._check_volumes(self._pump.now_ms, belief.delivered_units)
        self._check_receipts()

    def _check_volumes(self, now_ms: int, delivered: int) -> None:
        self._volumes.append((now_ms, delivered))
        while now_ms - self._volumes[0][0] > MS_PER_DAY:
            self._volumes.popleft()
        for at_ms, before in self._volumes:
            units = delivered - before
            assert units <= self._limits.hard_day_nl * UNITS_PER_NL, "the limit of a day was passed"
            if now_ms - at_ms <= MS_PER_HOUR:
                assert units <= self._limits.hard_hour_nl * UNITS_PER_NL, "the limit of an hour was passed"

    def _check_receipts(self) -> None:
        now = self.receipts()
        for intent, state in now.items():
            before = self._receipts.get(intent)
            assert before not in LASTING or before is state, f"a receipt went from {before} to {state}"
            self._receipts[intent] = state
        last = [intent for intent in self._receipts if intent != NO_INTENT][-CAPACITY:]
        assert list(now) == last, "a receipt that was among the last 16 is gone"


def _check_balance(volumes: Any) -> None:  # noqa: ANN401 - belief or truth
    parts = volumes.delivered_units + volumes.content_units + volumes.wasted_units
    assert volumes.filled_units == parts, f"volumes are lost: {volumes}"
