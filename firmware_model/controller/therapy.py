"""What flows, computed in closed form, and what follows from it.

`settle` computes the volumes up to an instant; between two events of `next_event_ms` nothing else happens,
so an instant may be visited or skipped without a difference. At an event `run_due` does what is due, in
this order: a pending program takes effect, an ordered hold ends, then alarms and delivery state follow.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.controller.alarms import UNTIL_REPROGRAMMED
from firmware_model.controller.commit import Approved
from firmware_model.controller.delivery import (
    Circumstances,
    Decision,
    Flow,
    Hold,
    decide,
    decode_hold,
    encode_hold,
)
from firmware_model.controller.event_log import PUMP_ITSELF
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.image_check import PumpSituation
from firmware_model.controller.parts import Parts
from firmware_model.controller.records import RecordName
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.schedule import RateTable, local_midnight_before
from firmware_model.profiles import Profile
from protocol.log_record import DataCorruptEvent, DeliveryStateEvent, RefillEvent
from protocol.messages.program import ReceiptResponse
from protocol.program import Program, decode_program
from protocol.quantities import MS_PER_MINUTE, nl_to_units
from protocol.request_words import DeliveryReason
from protocol.vocabulary import AlarmCode, DeliveryState

_CELL_NAME_SIZE: Final = 12
_AT_REST: Final = Decision(DeliveryState.UNDETERMINED, Flow.NONE)
_NO_FLOW: Final = RateTable.constant(0)


@dataclass(frozen=True, slots=True)
class ActiveProgram:
    """The active program as it is in RAM: checked when it was loaded, and used from here."""

    image: bytes
    program: Program
    table: RateTable

    @classmethod
    def from_image(cls, image: bytes) -> "ActiveProgram":
        """Decode an image that was verified before."""
        program = decode_program(image)
        return cls(image, program, RateTable.from_schedule(program.schedule))


class Therapy:
    """Delivery, reservoir and the events of both.

    Attributes:
        next_event_ms: counter of the next event, None where nothing is to come.
        decision: what is delivered, and where the rate comes from.
    """

    def __init__(
        self,
        profile: Profile,
        hardware: Hardware,
        parts: Parts,
        registers: RetainedRegisters,
        active_image: bytes = b"",
    ) -> None:
        self._profile = profile
        self._hardware = hardware
        self._parts = parts
        self.registers = registers
        self._active = ActiveProgram.from_image(active_image) if active_image else None
        self._hold = decode_hold(parts.records.get(RecordName.HOLD))
        self._minimum = RateTable.constant(profile.minimum_rate_nl_h)
        self._flow = _NO_FLOW
        self._shift_ms = 0
        self.decision = _AT_REST
        self.next_event_ms: int | None = None

    # --- what is believed ---------------------------------------------------------------------------------

    @property
    def active(self) -> ActiveProgram | None:
        """The active program, None where there is none or no copy of it is good."""
        return self._active

    @property
    def has_program(self) -> bool:
        """Whether a program was committed, readable or not."""
        return bool(self._parts.programs.table.active)

    @property
    def utc_offset_min(self) -> int:
        """Offset of the local time that the schedule follows, min."""
        return 0 if self._active is None else self._active.program.clock.utc_offset_min

    @property
    def low_reservoir_nl(self) -> int:
        """Content at which RESERVOIR_LOW is raised, nL."""
        if self._active is None:
            return self._profile.low_reservoir_nl
        return self._active.program.alarms.low_reservoir_nl

    @property
    def hold(self) -> Hold | None:
        """The stop or minimum rate that is ordered, or None."""
        return self._hold

    @property
    def rate_nl_h(self) -> int:
        """Commanded rate now, nL/h."""
        return self._flow.rate_at(self._local_ms())

    @property
    def active_step(self) -> int:
        """Number of the active step of the program, 255 where the rate belongs to none."""
        return self._flow.step_at(self._local_ms())

    @property
    def next_change_ms(self) -> int | None:
        """Ms until the commanded rate changes as far as is known, None where it does not."""
        local_ms = self._local_ms()
        now_ms = self._parts.clock.now_ms
        at = self._flow.next_change(local_ms)
        known = [] if at is None else [at - local_ms]
        if self._hold is not None:
            known.append(self._hold.until_ms - now_ms)
        pending_ms = self._pending_at()
        if pending_ms is not None:
            known.append(pending_ms - now_ms)
        return min(known, default=None)

    def situation(self) -> PumpSituation:
        """Return what a check of a new program must know."""
        clock = self._parts.clock
        return PumpSituation(
            profile=self._profile,
            active=None if self._active is None else self._active.program,
            content_units=self.registers.content_units,
            counter_ms=clock.now_ms,
            utc_at_zero_ms=clock.setting.utc_at_zero_ms,
            clock_set=clock.is_set,
        )

    def _local_ms(self) -> int:
        return self._parts.clock.now_ms + self._shift_ms

    # --- time ---------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Compute the volumes up to ``now_ms`` and turn the motor as far; no event may lie between."""
        registers = self.registers
        since_ms = registers.settled_ms
        if now_ms == since_ms:
            return
        start, end = since_ms + self._shift_ms, now_ms + self._shift_ms
        # The ms in which the reservoir runs empty would take more than there is.
        units = min(self._flow.volume_units(start, end), registers.content_units)
        midnight = local_midnight_before(end)
        new_day = midnight > start
        before_midnight = min(self._flow.volume_units(start, midnight), units) if new_day else 0
        registers.deliver(units, of_them_today=units - before_midnight, new_day=new_day)
        registers.settled_ms = now_ms
        self._parts.clock.now_ms = now_ms
        if units:
            self._hardware.run_motor(units)

    def run_due(self) -> None:
        """Do what is due now.

        Raises:
            PowerCut: power failed while something was stored.
        """
        now_ms = self._parts.clock.now_ms
        pending_ms = self._pending_at()
        if pending_ms is not None and pending_ms <= now_ms:
            self._activate_pending()
        if self._hold is not None and self._hold.until_ms <= now_ms:
            self._set_hold(None)
        self.review()

    def review(self, actor: int = PUMP_ITSELF) -> None:
        """Let alarms and delivery state follow the circumstances, and plan the next event."""
        content, alarms = self.registers.content_units, self._parts.alarms
        has_program, readable = self.has_program, self._active is not None
        stopped_ms = self._stopped_since()
        now_ms = self._parts.clock.now_ms
        is_low = has_program and content <= nl_to_units(self.low_reservoir_nl)
        is_long = stopped_ms is not None and now_ms >= stopped_ms + self._long_stop_ms
        version = self._parts.programs.table.active.version
        alarms.follow(AlarmCode.PROGRAM_CORRUPT, has_program and not readable, version)
        alarms.follow(AlarmCode.RESERVOIR_LOW, is_low, self.registers.content_nl)
        alarms.follow(AlarmCode.RESERVOIR_EMPTY, has_program and content <= 0)
        alarms.follow(AlarmCode.LONG_STOP, is_long, self._profile.long_stop_min)
        hold = None if self._hold is None else self._hold.state
        self._deliver(decide(Circumstances(has_program, readable, content > 0, hold)), actor)
        self.next_event_ms = self._plan()

    def resume(self) -> None:
        """Take up the flow that a snapshot was taken in; nothing is raised, told or stored."""
        hold = None if self._hold is None else self._hold.state
        has_drug = self.registers.content_units > 0
        self.decision = decide(Circumstances(self.has_program, self._active is not None, has_drug, hold))
        self._set_flow()
        self.next_event_ms = self._plan()

    def _deliver(self, decision: Decision, actor: int) -> None:
        before, self.decision = self.decision, decision
        self._set_flow()
        if decision.state is not before.state:
            event = DeliveryStateEvent(before.state, decision.state, self.rate_nl_h, 0, DeliveryReason.NONE)
            self._parts.log.write(event, actor=actor)

    def _set_flow(self) -> None:
        self._shift_ms = self._parts.clock.local_shift_ms(self.utc_offset_min)
        if self.decision.flow is Flow.NONE:
            self._flow = _NO_FLOW
        elif self.decision.flow is Flow.MINIMUM or self._active is None:
            self._flow = self._minimum
        else:
            self._flow = self._active.table

    def _plan(self) -> int | None:
        instants = (self._pending_at(), self._low_at(), self._passed_at(0), self._long_stop_at())
        known = [instant for instant in instants if instant is not None]
        if self._hold is not None:
            known.append(self._hold.until_ms)
        return min(known, default=None)

    def _low_at(self) -> int | None:
        stands = self._parts.alarms.stands(AlarmCode.RESERVOIR_LOW)
        return None if stands else self._passed_at(nl_to_units(self.low_reservoir_nl))

    def _passed_at(self, left_units: int) -> int | None:
        """Return the counter at which the content will have fallen to ``left_units``; None if never."""
        to_go = self.registers.content_units - left_units
        at = self._flow.passed_at(self._local_ms(), to_go) if to_go > 0 else None
        return None if at is None else at - self._shift_ms

    def _pending_at(self) -> int | None:
        pending = self._parts.programs.table.pending
        return self._parts.clock.counter_at(pending.effective_utc_s) if pending else None

    @property
    def _long_stop_ms(self) -> int:
        return self._profile.long_stop_min * MS_PER_MINUTE

    def _stopped_since(self) -> int | None:
        is_stop = self._hold is not None and self._hold.state is DeliveryState.STOPPED
        return self._hold.since_ms if self._hold is not None and is_stop else None

    def _long_stop_at(self) -> int | None:
        since_ms = self._stopped_since()
        if since_ms is None or self._parts.alarms.stands(AlarmCode.LONG_STOP):
            return None
        return since_ms + self._long_stop_ms

    # --- programs -----------------------------------------------------------------------------------------

    def load_active(self) -> None:
        """Read the active program from its bank, mending a damaged copy; what is in RAM is kept if good.

        Raises:
            PowerCut: power failed while a copy was mended.
        """
        entry = self._parts.programs.table.active
        image = self._parts.programs.read(entry)
        if image is None and self._active is not None and entry:
            image = self._active.image
        if image is None:
            self._active = None
            return
        for cell in self._parts.programs.repair(entry, image):
            self.tell_corrupt(cell)
        if self._active is None or self._active.image != image:
            self._active = ActiveProgram.from_image(image)

    def store_program(self, approved: Approved) -> ReceiptResponse | None:
        """Commit a program that was checked and confirmed; None where the bank does not hold it.

        Raises:
            PowerCut: power failed; the reset ends in the old or the new program.
        """
        receipt = self._parts.journal.store(approved)
        if receipt is None:
            self.review()
            return None
        if not approved.effective_utc_s:
            self._active = ActiveProgram.from_image(approved.image)
            for code in UNTIL_REPROGRAMMED:
                self._parts.alarms.clear(code)
        self.review(approved.actor_slot)
        return receipt

    def _activate_pending(self) -> None:
        programs = self._parts.programs
        entry = programs.table.pending
        image = programs.read(entry)
        if image is None:
            self._parts.journal.drop_pending()
            self._parts.alarms.raise_alarm(AlarmCode.MEMORY_FAULT, 1)
            return
        active = ActiveProgram.from_image(image)
        self._parts.journal.activate(entry, active.program)
        self._active = active

    def tell_corrupt(self, cell: str) -> None:
        """Tell the log that a storage cell failed its check."""
        name = cell.encode()[:_CELL_NAME_SIZE].ljust(_CELL_NAME_SIZE, b"\0")
        self._parts.log.write(DataCorruptEvent(name))

    # --- orders -------------------------------------------------------------------------------------------

    def order_hold(self, state: DeliveryState, minutes: int, actor: int = PUMP_ITSELF) -> Hold:
        """Stop, or deliver the minimum rate, for a time; then the program resumes by itself.

        Args:
            state: STOPPED or MIN_RATE.
            minutes: 1 .. ``stop_max_min`` of the profile.
            actor: bond slot that orders it.

        Raises:
            ValueError: another state, or a time outside the range.
            PowerCut: power failed while it was stored.
        """
        if not 1 <= minutes <= self._profile.stop_max_min:
            raise ValueError(f"a hold of {minutes} min is outside 1..{self._profile.stop_max_min} min")
        now_ms = self._parts.clock.now_ms
        hold = Hold(state, now_ms, now_ms + minutes * MS_PER_MINUTE, actor)
        self._set_hold(hold)
        self.review(actor)
        return hold

    def release_hold(self, actor: int = PUMP_ITSELF) -> None:
        """Let the program resume before its time.

        Raises:
            PowerCut: power failed while it was stored.
        """
        self._set_hold(None)
        self.review(actor)

    def _set_hold(self, hold: Hold | None) -> None:
        if hold != self._hold:
            self._parts.records.put(RecordName.HOLD, encode_hold(hold))
            self._hold = hold

    def record_refill(self, withdrawn_nl: int, filled_nl: int, actor: int = PUMP_ITSELF) -> int:
        """Book a refill; return the residual the pump had computed, nL.

        Args:
            withdrawn_nl: drawn out, as the syringe shows.
            filled_nl: filled in, as the syringe shows; the computed content from now on.
            actor: bond slot that says so.

        Raises:
            ValueError: a volume is negative, or more than the reservoir holds.
            PowerCut: power failed while it was stored.
        """
        capacity_nl = self._profile.reservoir_capacity_nl
        for name, value in (("withdrawn_nl", withdrawn_nl), ("filled_nl", filled_nl)):
            if not 0 <= value <= capacity_nl:
                raise ValueError(f"{name} = {value} is outside 0..{capacity_nl} nL")
        expected_nl = self.registers.refill(filled_nl)
        self._parts.log.write(RefillEvent(withdrawn_nl, filled_nl, expected_nl), actor=actor)
        self.review(actor)
        return expected_nl
