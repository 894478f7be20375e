"""The bolus book: which bolus is being delivered, which were, and what must be done to begin or end one.

The book is one stored record; its first copy is the instant at which a start or an end counts. What follows
(the log, the receipt) is written once: the retained registers keep how far it got, and a reset does what is
left. A bolus is never taken up again after a reset: it ends there, with what the registers know of it.

Of the past the book keeps what lockout and dose windows ask for: every bolus of the last 24 h, the last
one, and the last one a patient began. Times are ms of the counter, which neither a reset nor a new time of
day moves.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from firmware_model.controller.bolus import BolusView, PastBolus, RunningBolus, StartNote, view_of_past
from firmware_model.controller.clock import PumpClock
from firmware_model.controller.dose_window import DAY_MS, BolusRun
from firmware_model.controller.event_log import PUMP_ITSELF, EventLog
from firmware_model.controller.receipts import Receipts
from firmware_model.controller.records import RecordName, RecordStore
from firmware_model.controller.retained import RetainedRegisters
from protocol.log_record import BolusEndEvent, BolusStartEvent
from protocol.messages.codec import codec_of
from protocol.messages.fields import u8, u32, u64
from protocol.messages.program import ReceiptResponse
from protocol.quantities import units_to_nl
from protocol.request_words import BolusKind
from protocol.vocabulary import BolusState, ReceiptState

CAPACITY: Final = 255
"""Boluses kept of the past: the most a program may allow a patient in 24 h."""


@dataclass(frozen=True, slots=True)
class _Head:
    last_id: Annotated[int, u32("", "number of the newest bolus, armed or given")]
    blind_until_ms: Annotated[int, u64("ms", "counter until which the past is not known")]
    running: Annotated[int, u8("", "1 where a bolus is being delivered", 0, 1)]


_HEAD: Final = codec_of(_Head)
_RUNNING: Final = codec_of(RunningBolus)
_NOTE: Final = codec_of(StartNote)
_PAST: Final = codec_of(PastBolus)


@dataclass(frozen=True, slots=True)
class _Page:
    """What the stored record holds."""

    last_id: int = 0
    blind_until_ms: int = 0
    running: tuple[RunningBolus, StartNote] | None = None
    past: tuple[PastBolus, ...] = ()

    def stored(self) -> bytes:
        head = _HEAD.encode(_Head(self.last_id, self.blind_until_ms, int(self.running is not None)))
        if self.running is not None:
            head += _RUNNING.encode(self.running[0]) + _NOTE.encode(self.running[1])
        return head + b"".join(map(_PAST.encode, self.past))

    @classmethod
    def from_stored(cls, payload: bytes) -> "_Page":
        if not payload:
            return cls()
        head: _Head = _HEAD.decode(payload[: _HEAD.fixed_size])
        rest, running = payload[_HEAD.fixed_size :], None
        if head.running:
            note_at, past_at = _RUNNING.fixed_size, _RUNNING.fixed_size + _NOTE.fixed_size
            running = (_RUNNING.decode(rest[:note_at]), _NOTE.decode(rest[note_at:past_at]))
            rest = rest[past_at:]
        size = _PAST.fixed_size
        past = tuple(_PAST.decode(rest[at : at + size]) for at in range(0, len(rest), size))
        return cls(head.last_id, head.blind_until_ms, running, past)


class BolusBook:
    """The book and the steps behind it.

    Args:
        records: where it is stored.
        log: where it is told.
        receipts: where the intents are answered for.
        clock: stamps.
        registers: know what was delivered, and which steps are done.
    """

    def __init__(
        self,
        records: RecordStore,
        log: EventLog,
        receipts: Receipts,
        clock: PumpClock,
        registers: RetainedRegisters,
    ) -> None:
        self._records = records
        self._log = log
        self._receipts = receipts
        self._clock = clock
        self._registers = registers
        self._page = _Page.from_stored(records.get(RecordName.BOLUS))

    # --- what it says -------------------------------------------------------------------------------------

    @property
    def running(self) -> RunningBolus | None:
        """The bolus that is being delivered, or None."""
        return None if self._page.running is None else self._page.running[0]

    @property
    def past(self) -> tuple[PastBolus, ...]:
        """Boluses that ended, oldest first."""
        return self._page.past

    @property
    def blind_until_ms(self) -> int:
        """Counter until which boluses may lie in the last 24 h that the book has lost."""
        return self._page.blind_until_ms

    @property
    def room_from_ms(self) -> int | None:
        """Counter from which the book can take another bolus, None where it can now."""
        now_ms = self._clock.now_ms
        if self.blind_until_ms > now_ms:
            return self.blind_until_ms
        recent = [past.ended_ms for past in self._page.past if past.ended_ms > now_ms - DAY_MS]
        return None if len(recent) < CAPACITY else recent[0] + DAY_MS

    def runs(self) -> tuple[BolusRun, ...]:
        """Return every bolus of the last 24 h, the one that is delivered with its planned end."""
        since_ms = self._clock.now_ms - DAY_MS
        runs = [past.run() for past in self._page.past if past.ended_ms > since_ms]
        running = self.running
        return tuple(runs if running is None else [*runs, running.run()])

    def find(self, bolus_id: int) -> PastBolus | None:
        """Return a bolus of the past by its number, or None."""
        return next((past for past in self._page.past if past.bolus_id == bolus_id), None)

    @property
    def delivered_units(self) -> int:
        """What is delivered of the running bolus, in exact units."""
        running = self.running
        is_counted = running is not None and running.bolus_id == self._registers.bolus_id
        return self._registers.bolus_units if is_counted else 0

    def view(self) -> BolusView:
        """Return where the current or last bolus stands."""
        running = self.running
        if running is not None:
            delivered_nl = units_to_nl(self.delivered_units)
            return BolusView(running.bolus_id, BolusState.DELIVERING, delivered_nl, running.volume_nl)
        return view_of_past(self._page.past[-1]) if self._page.past else BolusView()

    # --- begin --------------------------------------------------------------------------------------------

    def take_id(self) -> int:
        """Return a number that no bolus had; stored, so that none will have it.

        Raises:
            PowerCut: power failed.
        """
        number = self.next_id()
        self._registers.last_bolus_id = number
        self._put(_Page(number, self.blind_until_ms, self._page.running, self._page.past))
        return number

    def begin(self, bolus: RunningBolus, note: StartNote) -> ReceiptResponse:
        """Begin a bolus: from the first copy of the book on it is begun; return its receipt.

        Raises:
            PowerCut: power failed; the reset ends the bolus, or finds that it was never begun.
        """
        last_id = max(bolus.bolus_id, self._page.last_id)
        self._put(_Page(last_id, self.blind_until_ms, (bolus, note), self._kept(self._page.past)))
        self._registers.last_bolus_id = max(last_id, self._registers.last_bolus_id)
        self._registers.begin_bolus(bolus.bolus_id)
        return self._tell_start(bolus, note)

    def next_id(self) -> int:
        """Return the number that `begin` may take for a bolus that was not armed before."""
        return max(self._page.last_id, self._registers.last_bolus_id) + 1

    def _tell_start(self, bolus: RunningBolus, note: StartNote) -> ReceiptResponse:
        event = BolusStartEvent(bolus.bolus_id, bolus.kind, note.soft_ack, note.reason, bolus.volume_nl)
        seq = self._log.write_once(note.log_from, event, actor=bolus.slot)
        receipt = ReceiptResponse(
            ReceiptState.COMMITTED, note.version, note.uptime_s, note.utc_s, seq, note.digest, bolus.intent
        )
        self._receipts.put(receipt, bolus.slot)
        self._registers.bolus_start_told = bolus.bolus_id
        return receipt

    # --- end ----------------------------------------------------------------------------------------------

    def end(self, state: BolusState, actor: int = PUMP_ITSELF) -> tuple[PastBolus, int]:
        """End the running bolus; return it and the number of the log record that tells of it.

        Raises:
            PowerCut: power failed; the reset ends what was begun.
        """
        bolus = self.running
        assert bolus is not None  # noqa: S101 - callers look first
        delivered = self.delivered_units
        if delivered == bolus.total_units:
            state = BolusState.DONE
        past = PastBolus(
            bolus.bolus_id,
            bolus.kind,
            state,
            bolus.volume_nl,
            bolus.duration_s,
            bolus.started_ms,
            self._clock.now_ms,
            delivered,
            bolus.slot,
            self._log.last_seq + 1,
        )
        kept = self._kept((*self._page.past, past))
        self._put(_Page(self._page.last_id, self.blind_until_ms, None, kept))
        return past, self._tell_end(past, actor)

    def _tell_end(self, past: PastBolus, actor: int) -> int:
        event = BolusEndEvent(past.bolus_id, past.state, past.delivered_nl)
        seq = self._log.write_once(past.log_from, event, actor=actor)
        self._registers.bolus_end_told = past.bolus_id
        return seq

    # --- resets -------------------------------------------------------------------------------------------

    def recover(self, *, lost: bool) -> None:
        """Do what a reset interrupted, and end the bolus it interrupted.

        Args:
            lost: no copy of the book was good: what was given in the last 24 h is not known any more.

        Raises:
            PowerCut: power failed again; the next reset does what is left.
        """
        if lost:
            self._put(_Page(self.next_id() - 1, self._clock.now_ms + DAY_MS, None, ()))
        if self._page.running is not None:
            bolus, note = self._page.running
            if self._registers.bolus_start_told != bolus.bolus_id:
                self._tell_start(bolus, note)
            self.end(BolusState.FAULTED)
        if self._page.past:
            newest = self._page.past[-1]
            if self._registers.bolus_end_told != newest.bolus_id:
                self._tell_end(newest, PUMP_ITSELF)

    # --- storage ------------------------------------------------------------------------------------------

    def _kept(self, past: tuple[PastBolus, ...]) -> tuple[PastBolus, ...]:
        since_ms = self._clock.now_ms - DAY_MS
        patients = [one for one in past if one.kind is BolusKind.PATIENT]
        always = {one.bolus_id for one in (*past[-1:], *patients[-1:])}
        return tuple(one for one in past if one.ended_ms > since_ms or one.bolus_id in always)

    def _put(self, page: _Page) -> None:
        self._records.put(RecordName.BOLUS, page.stored())
        self._page = page
