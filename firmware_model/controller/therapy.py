"""What flows, computed in closed form, and what follows from it.

`settle` computes the volumes up to an instant; between two events of `next_event_ms` nothing else happens,
so an instant may be visited or skipped without a difference. At an event `run_due` does what is due, in
this order: a bolus ends, a pending program takes effect, an ordered hold ends, then alarms and delivery state
follow.
"""

from typing import Final

from firmware_model.controller.active_program import ActiveProgram, ProgramInForce
from firmware_model.controller.bolus import BolusView, PastBolus, RunningBolus, StartNote
from firmware_model.controller.bolus_book import BolusBook
from firmware_model.controller.bolus_check import BolusSituation, ahead_ms, still_fits
from firmware_model.controller.commit import Approved
from firmware_model.controller.delivery import Circumstances, Decision, Flow, Hold, decide
from firmware_model.controller.event_log import PUMP_ITSELF
from firmware_model.controller.flow import NO_TABLE, DrugFlow
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.holds import Holds, owed_by_order
from firmware_model.controller.image_check import PumpSituation
from firmware_model.controller.life import Life
from firmware_model.controller.parts import Parts
from firmware_model.controller.receipts import NO_INTENT
from firmware_model.controller.refill import RefillBook, RefillOrder
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.schedule import RateTable, local_midnight_before
from firmware_model.controller.span_book import SpanBook
from firmware_model.controller.supervision import Supervision
from firmware_model.controller.watchdog import Task
from firmware_model.profiles import Profile
from protocol.log_record import DeliveryStateEvent
from protocol.messages.program import ReceiptResponse
from protocol.quantities import nl_to_units
from protocol.request_words import BolusKind, DeliveryReason
from protocol.vocabulary import AlarmCode, BolusState, DeliveryState

_AT_REST: Final = Decision(DeliveryState.UNDETERMINED, Flow.NONE)


class Therapy:
    """Delivery, reservoir and the events of both.

    Attributes:
        next_event_ms: counter of the next event, None where nothing is to come.
        decision: what is delivered, and where the rate comes from.
        registers: what is counted.
        boluses: the bolus that is delivered, and those that were.
        refills: the last refill.
        program: the program in force.
        spans: what the registers keep of the past, flow by flow.
        flow: what flows.
        supervision: what raises and clears the alarms.
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
        kept = (parts.records, parts.log, parts.receipts, parts.clock, registers)
        self.boluses = BolusBook(*kept)
        self.refills = RefillBook(*kept)
        self.spans = SpanBook(registers)
        self.program = ProgramInForce(parts, active_image)
        self._holds = Holds(profile, parts.records, parts.clock)
        life = Life(profile, hardware, parts, registers)
        self.supervision = Supervision(
            profile, hardware, parts, registers, self.program, self._holds, self.refills, life
        )
        self._minimum = RateTable.constant(profile.minimum_rate_nl_h)
        self.flow = DrugFlow()
        self._has_begun = False
        self.decision = _AT_REST
        self.next_event_ms: int | None = None

    # --- what is believed ---------------------------------------------------------------------------------

    @property
    def active(self) -> ActiveProgram | None:
        """The active program, None where there is none or no copy of it is good."""
        return self.program.active

    @property
    def has_program(self) -> bool:
        """Whether a program was committed, readable or not."""
        return self.program.is_committed

    @property
    def utc_offset_min(self) -> int:
        """Offset of the local time that the schedule follows, min."""
        return self.program.utc_offset_min

    @property
    def hold(self) -> Hold | None:
        """The stop or minimum rate that is ordered, or None."""
        return self._holds.current

    @property
    def bolus_view(self) -> BolusView:
        """Where the bolus that is delivered, or else the last one, stands."""
        return self.boluses.view()

    @property
    def rate_nl_h(self) -> int:
        """Commanded rate now, nL/h: basal and bolus."""
        return self.flow.rate_at(self._parts.clock.now_ms)

    @property
    def is_driven(self) -> bool:
        """Whether the motor is driven, at whatever rate."""
        return self.flow.table is not NO_TABLE

    @property
    def active_step(self) -> int:
        """Number of the active step of the program, 255 where the basal rate belongs to none."""
        return self.flow.step_at(self._parts.clock.now_ms)

    @property
    def next_change_ms(self) -> int | None:
        """Ms until the commanded rate changes as far as is known, None where it does not."""
        now_ms = self._parts.clock.now_ms
        instants = (self.flow.next_change(now_ms), self._holds.until_ms, self.program.pending_at)
        return min((at - now_ms for at in instants if at is not None), default=None)

    def situation(self) -> PumpSituation:
        """Return what a check of a new program must know."""
        clock, active = self._parts.clock, self.program.active
        return PumpSituation(
            profile=self._profile,
            active=None if active is None else active.program,
            content_units=self.registers.content_units,
            counter_ms=clock.now_ms,
            utc_at_zero_ms=clock.setting.utc_at_zero_ms,
            clock_set=clock.is_set,
        )

    def bolus_situation(self, duration_s: int) -> BolusSituation | None:
        """Return what a check of a bolus must know, None without a program that can be read."""
        active, now_ms = self.program.active, self._parts.clock.now_ms
        if active is None:
            return None
        ahead, limits = self.program.ahead(active, now_ms + ahead_ms(duration_s))
        return BolusSituation(
            profile=self._profile,
            limits=limits,
            conc_ng_ml=active.program.primary_drug.conc_ng_ml,
            content_units=self.registers.content_units,
            now_ms=now_ms,
            basal=(*self.spans.rates(self.flow), *ahead),
            runs=self.boluses.runs(),
        )

    # --- time ---------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Compute the volumes up to ``now_ms`` and turn the motor as far; no event may lie between."""
        registers, flow = self.registers, self.flow
        since_ms = registers.settled_ms
        if now_ms == since_ms:
            return
        start, end = since_ms + flow.shift_ms, now_ms + flow.shift_ms
        midnight = local_midnight_before(end)
        new_day = midnight > start
        # The ms in which the reservoir runs empty would take more than there is.
        units = min(flow.table.volume_units(start, end), registers.content_units)
        before_midnight = min(flow.table.volume_units(start, midnight), units) if new_day else 0
        if flow.bolus is not None:
            over = min(flow.bolus_units(since_ms, now_ms), registers.content_units - units)
            early = flow.bolus_units(since_ms, midnight - flow.shift_ms) if new_day else 0
            registers.bolus_units += over
            before_midnight += min(early, over)
            units += over
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
        bolus = self.boluses.running
        if bolus is not None and bolus.ends_ms <= now_ms:
            self.boluses.end(BolusState.FAULTED)
        pending_ms, hold_ms = self.program.pending_at, self._holds.until_ms
        if pending_ms is not None and pending_ms <= now_ms:
            self.program.activate_pending()
        if hold_ms is not None and hold_ms <= now_ms:
            self._holds.release()
        self.supervision.measure(driven=self.is_driven)
        self.review()

    def review(self, actor: int = PUMP_ITSELF, reason: DeliveryReason = DeliveryReason.NONE) -> int:
        """Let alarms and delivery state follow the circumstances, and plan the next event.

        Args:
            actor: bond slot behind the circumstances.
            reason: why; anything but NONE is told by the log though the delivery state does not change.

        Returns:
            Number of the log record that tells of the delivery state, 0 where none was written.
        """
        self.supervision.follow()
        decision = decide(self._circumstances())
        if self.supervision.breaks_a_loop(self.decision.state, decision.state):
            decision = decide(self._circumstances())
        if self.boluses.running is not None and decision.ends_bolus is not None:
            self.boluses.end(decision.ends_bolus, actor)
        before = self.flow
        seq = self._deliver(decision, actor, reason)
        if not self._rest_of_bolus_fits(before):
            self.boluses.end(BolusState.CANCELLED, actor)
            self._deliver(decide(self._circumstances()), actor, DeliveryReason.NONE)
        self.next_event_ms = self._plan()
        return seq

    def resume(self) -> None:
        """Take up the flow that a snapshot was taken in; nothing is raised, told or stored."""
        self.decision = decide(self._circumstances())
        self._set_flow()
        self.next_event_ms = self._plan()

    def recover(self, *, boluses_lost: bool) -> None:
        """End the bolus a reset interrupted, and do what it left undone of boluses and refills.

        Args:
            boluses_lost: what was given in the last 24 h is not known any more.

        Raises:
            PowerCut: power failed again; the next reset does what is left.
        """
        bolus = self.boluses.running
        if bolus is not None and bolus.kind is BolusKind.PATIENT:
            self.spans.count_given(bolus.bolus_id)
        self.boluses.recover(lost=boluses_lost)
        self.refills.recover()
        self._holds.recover(self._parts.log)

    def close_span(self) -> None:
        """Bring the books of the retained registers up to now, as they must be when the RAM is lost."""
        self.spans.close(self.flow)

    def _circumstances(self) -> Circumstances:
        bolus, supervision = self.boluses.running, self.supervision
        return Circumstances(
            has_program=self.has_program,
            program_readable=self.program.active is not None,
            has_drug=self.registers.content_units > 0,
            hold=self._holds.state,
            bolus=None if bolus is None else bolus.kind,
            is_over=supervision.life.is_over,
            is_held_low=supervision.is_held_low,
            is_stalled=supervision.is_stalled,
            is_hung=Task.DELIVERY in supervision.watchdog.given_up,
        )

    def _deliver(self, decision: Decision, actor: int, reason: DeliveryReason) -> int:
        before, self.decision = self.decision, decision
        self._set_flow()
        if decision.state is before.state and reason is DeliveryReason.NONE:
            return 0
        hold, minutes = self._holds.current, 0
        if hold is not None and hold.state is decision.state:
            minutes, reason = hold.minutes, hold.reason
        event = DeliveryStateEvent(before.state, decision.state, self.rate_nl_h, minutes, reason)
        return self._parts.log.write(event, actor=actor)

    def _set_flow(self) -> None:
        shift_ms = self._parts.clock.local_shift_ms(self.program.utc_offset_min)
        active, bolus, suspended = self.program.active, None, False
        if self.decision.flow is Flow.NONE or Task.DELIVERY in self.supervision.watchdog.hung:
            table, suspended = NO_TABLE, self.has_program
        elif self.decision.flow is Flow.MINIMUM or active is None:
            table = self._minimum
        else:
            table, bolus = active.table, self.boluses.running
        if self._has_begun and self.flow.is_made_of(table, shift_ms, bolus, suspended=suspended):
            return
        if self._has_begun:
            self.spans.close(self.flow)
            if table is NO_TABLE and self.is_driven:
                self._hardware.stop(self._holds.state is DeliveryState.STOPPED)
        self.flow, self._has_begun = DrugFlow(table, shift_ms, bolus, suspended), True
        self.spans.local_time_is(self.flow)

    def _rest_of_bolus_fits(self, before: DrugFlow) -> bool:
        """Tell whether a bolus that goes on over another table, or another time of day, may."""
        bolus, flow = self.boluses.running, self.flow
        if bolus is None or before.bolus is not bolus:
            return True
        if before.table is flow.table and before.shift_ms == flow.shift_ms:
            return True
        situation = self.bolus_situation(bolus.duration_s)
        return situation is not None and still_fits(bolus.run(), situation)

    # --- events -------------------------------------------------------------------------------------------

    def _plan(self) -> int | None:
        bolus, holds = self.flow.bolus, self._holds
        instants = (
            self.program.pending_at, self._low_at(), self._passed_at(0), holds.until_ms,
            None if bolus is None else bolus.ends_ms, self.supervision.next_event_ms,
        )  # fmt: skip
        return min((instant for instant in instants if instant is not None), default=None)

    def _low_at(self) -> int | None:
        stands = self._parts.alarms.stands(AlarmCode.RESERVOIR_LOW)
        return None if stands else self._passed_at(nl_to_units(self.supervision.low_reservoir_nl))

    def _passed_at(self, left_units: int) -> int | None:
        """Return the counter at which the content will have fallen to ``left_units``; None if never."""
        to_go = self.registers.content_units - left_units
        return self.flow.passed_at(self._parts.clock.now_ms, to_go) if to_go > 0 else None

    # --- programs and orders ------------------------------------------------------------------------------

    def store_program(self, approved: Approved) -> ReceiptResponse | None:
        """Commit a program that was checked and confirmed; None where the bank does not hold it.

        Raises:
            PowerCut: power failed; the reset ends in the old or the new program.
        """
        receipt = self.program.store(approved)
        self.review(PUMP_ITSELF if receipt is None else approved.actor_slot)
        return receipt

    def order_hold(
        self,
        state: DeliveryState,
        minutes: int,
        actor: int = PUMP_ITSELF,
        reason: DeliveryReason = DeliveryReason.NONE,
    ) -> int:
        """Stop, or deliver the minimum rate, for a time (`Holds.order`); a bolus that is delivered ends.

        Returns:
            Number of the log record that tells of it, 0 where nothing changed and no reason was given.
        """
        debt = owed_by_order(self._parts.log, self.decision.state, state, minutes, actor, reason)
        self._holds.order(state, minutes, actor, reason, debt)
        return self.review(actor, reason)

    def release_hold(self, actor: int = PUMP_ITSELF, reason: DeliveryReason = DeliveryReason.NONE) -> int:
        """Let the program resume before its time; see `order_hold` for what is returned."""
        before = self.decision.state
        self._holds.release(owed_by_order(self._parts.log, before, DeliveryState.RUNNING, 0, actor, reason))
        return self.review(actor, reason)

    def begin_bolus(self, bolus: RunningBolus, note: StartNote) -> ReceiptResponse:
        """Begin a bolus that passed every check; return its receipt.

        Raises:
            PowerCut: power failed; the reset ends the bolus, or finds that it was never begun.
        """
        receipt = self.boluses.begin(bolus, note)
        if bolus.kind is BolusKind.PATIENT:
            self.spans.count_given(bolus.bolus_id)
        self.review(bolus.slot)
        return receipt

    def end_bolus(self, state: BolusState, actor: int) -> tuple[PastBolus, int]:
        """End the bolus that is being delivered; return it and the log record that tells of it.

        Raises:
            PowerCut: power failed; the reset ends the bolus.
        """
        ended = self.boluses.end(state, actor)
        self.review(actor)
        return ended

    def record_refill(self, withdrawn_nl: int, filled_nl: int, actor: int = PUMP_ITSELF) -> int:
        """Book a refill that nobody asks a receipt of; return the residual the pump had computed, nL."""
        return self.book_refill(RefillOrder(withdrawn_nl, filled_nl, actor, NO_INTENT))[0]

    def book_refill(self, order: RefillOrder) -> tuple[int, int]:
        """Book a refill; return the residual the pump had computed, nL, and the number of its log record.

        Raises:
            ValueError: a volume is negative, or more than the reservoir holds.
            PowerCut: power failed; the refill is booked after the reset, or was never told.
        """
        order.check(self._profile.reservoir_capacity_nl)
        record, seq = self.refills.book(order, self.program.version)
        self.review(order.actor_slot)
        return record.expected_nl, seq
