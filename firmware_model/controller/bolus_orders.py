"""Boluses on request: armed and started by a clinician, asked for by a patient, cancelled.

An armed bolus is like a staged program: it lives in RAM, dies with its session, a reset or its age, and its
intent answers VERIFIED. Its age is counted in link time, in which the person lives who read the summary; a
bolus that grew too old is found out when it is touched next. What is started is durable before it is
answered.
Source: OITP/1 sections 9, 10, 14 and 15.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_model.controller.bolus import BolusView, PastBolus, RunningBolus, StartNote
from firmware_model.controller.bolus_check import BolusPlan, BolusSummary, examine_bolus
from firmware_model.controller.delivery import STARTS_FROM
from firmware_model.controller.parts import Parts
from firmware_model.controller.patient_rules import Allowance, judge_request
from firmware_model.controller.receipts import no_receipt
from firmware_model.controller.therapy import Therapy
from protocol.log_record import BolusArmedEvent, BolusEndEvent, PatientBolusDeniedEvent
from protocol.messages.delivery import ARM_TOKEN_S, MAX_BOLUS_S
from protocol.messages.program import ReceiptResponse
from protocol.program import PatientBolus
from protocol.request_words import BolusKind
from protocol.requests import Caller, Refusal
from protocol.vocabulary import (
    AlarmCode,
    BolusState,
    EmergencyPolicy,
    ErrorCode,
    OverrideReason,
    Priority,
    ReceiptState,
    Role,
    SoftLimit,
    Switch,
)

TOKEN_SIZE: Final = 8
_INTENT_FIELD: Final = 4
_MS_PER_S: Final = 1_000
_NOT_OVERRIDDEN: Final = SoftLimit(0)


@dataclass(frozen=True, slots=True)
class ArmedBolus:
    """A bolus that waits for its start; ``armed_ms`` is link time, ``digest`` that of the arming request."""

    bolus_id: int
    session_id: int
    slot: int
    kind: BolusKind
    volume_nl: int
    duration_s: int
    intent_id: bytes
    digest: bytes
    token: bytes
    armed_ms: int

    def has_expired(self, link_ms: int) -> bool:
        """Tell whether it is too old; one from before the link clock began anew is."""
        return not self.armed_ms <= link_ms < self.armed_ms + ARM_TOKEN_S * _MS_PER_S


@dataclass(frozen=True, slots=True)
class ArmOrder:
    """What a clinician wants armed; ``digest`` is that of the request."""

    kind: BolusKind
    plan: BolusPlan
    intent_id: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class StartOrder:
    """What a clinician orders with a start."""

    bolus_id: int
    token: bytes
    soft_ack: SoftLimit
    reason: OverrideReason


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancelled bolus had delivered, and the log record that tells of it."""

    delivered_nl: int
    left_nl: int
    log_seq: int


class BolusOrders:
    """The rules of boluses.

    Args:
        parts: memory, clock and log.
        therapy: delivers.
        entropy: gives tokens.
        armed: the armed bolus; a snapshot brings it.
    """

    def __init__(
        self,
        parts: Parts,
        therapy: Therapy,
        entropy: Callable[[int], bytes],
        armed: ArmedBolus | None = None,
    ) -> None:
        self._parts = parts
        self._therapy = therapy
        self._entropy = entropy
        self.armed = armed

    def view(self, link_ms: int) -> BolusView:
        """Return where the bolus stands that is delivered or armed, or else the last one."""
        armed = self.armed
        if self._therapy.boluses.running is None and armed is not None and not armed.has_expired(link_ms):
            return BolusView(armed.bolus_id, BolusState.ARMED, 0, armed.volume_nl)
        return self._therapy.bolus_view

    # --- arm and start ------------------------------------------------------------------------------------

    def arm(self, order: ArmOrder, caller: Caller, link_ms: int) -> tuple[ArmedBolus, BolusSummary] | Refusal:
        """Arm a bolus in place of one that was armed before; nothing is delivered yet.

        Raises:
            PowerCut: power failed; nothing is armed after the reset.
        """
        self._drop_expired(link_ms)
        if order.kind is BolusKind.PATIENT:
            return Refusal(ErrorCode.BAD_ENUM, 0)
        in_use = self.armed is not None and self.armed.intent_id == order.intent_id
        if in_use or self._parts.receipts.find(order.intent_id) is not None:
            return Refusal(ErrorCode.INTENT_REUSED, _INTENT_FIELD)
        summary = self._judge_now() or self._judge_plan(order.plan)
        if isinstance(summary, Refusal):
            return summary
        if self.armed is not None:
            self._drop(self.armed, ReceiptState.ABORTED)
        self.armed = ArmedBolus(
            self._therapy.boluses.take_id(),
            caller.session_id,
            caller.slot,
            order.kind,
            order.plan.volume_nl,
            order.plan.duration_s,
            order.intent_id,
            order.digest,
            self._entropy(TOKEN_SIZE),
            link_ms,
        )
        told = BolusArmedEvent(self.armed.bolus_id, order.kind, order.plan.volume_nl)
        self._parts.log.write(told, actor=caller.slot)
        return self.armed, summary

    def start(self, order: StartOrder, caller: Caller, link_ms: int) -> ReceiptResponse | Refusal:
        """Start the armed bolus, judged once more at this instant; return its receipt.

        Raises:
            PowerCut: power failed; the bolus was never begun, or has ended with the reset.
        """
        armed = self.armed
        if armed is None or armed.bolus_id != order.bolus_id or armed.session_id != caller.session_id:
            return Refusal(ErrorCode.HANDLE_UNKNOWN, 0)
        if armed.has_expired(link_ms):
            self._drop(armed, ReceiptState.EXPIRED)
            return Refusal(ErrorCode.HANDLE_EXPIRED, 0)
        if order.token != armed.token:
            return Refusal(ErrorCode.TOKEN_MISMATCH, 1)
        if self._parts.receipts.find(armed.intent_id) is not None:
            return Refusal(ErrorCode.INTENT_REUSED)
        plan = BolusPlan(armed.volume_nl, armed.duration_s)
        summary = self._judge_now() or self._judge_start() or self._judge_plan(plan)
        if isinstance(summary, Refusal):
            return summary
        unacknowledged = summary.soft_flags & ~order.soft_ack
        if unacknowledged:
            return Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 2, unacknowledged)
        if summary.soft_flags and order.reason is OverrideReason.NONE:
            return Refusal(ErrorCode.SOFT_LIMIT_UNACKED, 3, summary.soft_flags)
        bolus = self._bolus(armed.bolus_id, armed.kind, plan, armed.slot, armed.intent_id)
        reason = order.reason if summary.soft_flags else OverrideReason.NONE
        note = self._note(armed.digest, summary.soft_flags, reason)
        receipt = self._therapy.begin_bolus(bolus, note)
        self.armed = None
        return receipt

    def _judge_now(self) -> Refusal | None:
        """Refuse where no bolus may begin now, whatever it is."""
        therapy, now_ms = self._therapy, self._parts.clock.now_ms
        running = therapy.boluses.running
        if running is not None:
            return Refusal(ErrorCode.BOLUS_ACTIVE, detail=running.bolus_id)
        if therapy.decision.state is not STARTS_FROM:
            return Refusal(ErrorCode.DELIVERY_STOPPED, detail=therapy.decision.state)
        if therapy.supervision.is_stalled:
            return Refusal(ErrorCode.MOTOR)
        room_ms = therapy.boluses.room_from_ms
        if room_ms is not None:
            return Refusal(ErrorCode.LOCKOUT, detail=-(-(room_ms - now_ms) // _MS_PER_S))
        return None

    def _judge_start(self) -> Refusal | None:
        """Refuse what else might begin while the tests of a start run."""
        left_ms = self._therapy.supervision.power_on_test_ms
        return Refusal(ErrorCode.BUSY, detail=-(-left_ms // _MS_PER_S)) if left_ms > 0 else None

    def _judge_plan(self, plan: BolusPlan) -> BolusSummary | Refusal:
        situation = self._therapy.bolus_situation(min(plan.duration_s, MAX_BOLUS_S))
        if situation is None:
            return Refusal(ErrorCode.DELIVERY_STOPPED, detail=self._therapy.decision.state)
        return examine_bolus(plan, situation)

    def _bolus(
        self, bolus_id: int, kind: BolusKind, plan: BolusPlan, slot: int, intent_id: bytes
    ) -> RunningBolus:
        now_ms = self._parts.clock.now_ms
        return RunningBolus(bolus_id, kind, plan.volume_nl, plan.duration_s, now_ms, slot, intent_id)

    def _note(self, digest: bytes, soft_ack: SoftLimit, reason: OverrideReason) -> StartNote:
        clock, log = self._parts.clock, self._parts.log
        version = self._therapy.program.version
        return StartNote(log.last_seq + 1, clock.uptime_s, clock.utc_s, version, digest, soft_ack, reason)

    # --- the patient --------------------------------------------------------------------------------------

    def ask(
        self, intent_id: bytes, digest: bytes, caller: Caller
    ) -> tuple[RunningBolus, Allowance] | Refusal:
        """Give the patient the bolus of the prescription, or say why not.

        A denial is logged and counted, and stands as an alarm of the lowest priority until somebody has seen
        it (GIP 1.4.12): the patient needed more than the prescription gives.

        Raises:
            PowerCut: power failed; the bolus was never begun, or has ended with the reset.
        """
        active = self._therapy.active
        rules = None if active is None else active.program.patient_bolus
        if self._parts.receipts.find(intent_id) is not None:
            return Refusal(ErrorCode.INTENT_REUSED, 0)
        granted = self._judge_patient(rules)
        if isinstance(granted, Refusal):
            self._parts.log.write(PatientBolusDeniedEvent(granted.code, granted.detail), actor=caller.slot)
            self._therapy.spans.count_denied()
            self._parts.alarms.raise_alarm(AlarmCode.PATIENT_BOLUS_DENIED, granted.code)
            return granted
        plan, allowance = granted
        bolus_id = self._therapy.boluses.next_id()
        bolus = self._bolus(bolus_id, BolusKind.PATIENT, plan, caller.slot, intent_id)
        self._therapy.begin_bolus(bolus, self._note(digest, _NOT_OVERRIDDEN, OverrideReason.NONE))
        return bolus, allowance

    def _judge_patient(self, rules: PatientBolus | None) -> tuple[BolusPlan, Allowance] | Refusal:
        """Policy, then the state of the pump, then the rules of therapy (OITP/1 section 15)."""
        if rules is None:
            return Refusal(ErrorCode.DELIVERY_STOPPED, detail=self._therapy.decision.state)
        if rules.enable is not Switch.ON:
            return Refusal(ErrorCode.POLICY_FORBIDS)
        if self._parts.alarms.highest is Priority.HIGH:
            return Refusal(ErrorCode.NOT_APPLICABLE, detail=self._parts.alarms.standing[0].code)
        past, now_ms = self._therapy.boluses.past, self._parts.clock.now_ms
        allowance = self._judge_now() or judge_request(rules, past, now_ms)
        if isinstance(allowance, Refusal):
            return allowance
        plan = BolusPlan(rules.volume_nl, rules.duration_s)
        summary = self._judge_plan(plan)
        refusal = summary if isinstance(summary, Refusal) else self._judge_start()
        return refusal or (plan, allowance)

    # --- cancel -------------------------------------------------------------------------------------------

    def cancel(self, bolus_id: int, caller: Caller, link_ms: int) -> Cancelled | Refusal:
        """End a bolus early, or take an armed one back.

        A patient may cancel what a patient began: a bolus of another kind is not theirs, and that is a rule
        about this bolus, not about the role (which may send the message), so it is POLICY_FORBIDS. So it is
        for the emergency key where the program lets it only read.

        Raises:
            PowerCut: power failed; the bolus has ended with the reset.
        """
        self._drop_expired(link_ms)
        running, armed = self._therapy.boluses.running, self.armed
        refusal = self._judge_cancel(bolus_id, caller)
        if refusal is not None:
            return refusal
        if running is not None and running.bolus_id == bolus_id:
            past, seq = self._therapy.end_bolus(BolusState.CANCELLED, caller.slot)
            return _cancelled(past, seq)
        if armed is not None and armed.bolus_id == bolus_id:
            seq = self._drop(armed, ReceiptState.ABORTED, caller.slot)
            return Cancelled(0, armed.volume_nl, seq)
        past_one = self._therapy.boluses.find(bolus_id)
        return Refusal(ErrorCode.NOT_APPLICABLE, 0, 0 if past_one is None else past_one.delivered_nl)

    def _judge_cancel(self, bolus_id: int, caller: Caller) -> Refusal | None:
        if caller.role is Role.EMERGENCY:
            allowed = self._therapy.program.emergency.policy is EmergencyPolicy.READ_SUSPEND
            return None if allowed else Refusal(ErrorCode.POLICY_FORBIDS)
        if caller.role is not Role.PATIENT:
            return None
        kinds = [
            one.kind
            for one in (self._therapy.boluses.running, self.armed, *self._therapy.boluses.past)
            if one is not None and one.bolus_id == bolus_id
        ]
        return (
            Refusal(ErrorCode.POLICY_FORBIDS, 0)
            if any(kind is not BolusKind.PATIENT for kind in kinds)
            else None
        )

    # --- the end of an armed bolus --------------------------------------------------------------------------

    def session_closed(self, session_id: int) -> None:
        """Take back what a session armed that ended."""
        if self.armed is not None and self.armed.session_id == session_id:
            self._drop(self.armed, ReceiptState.ABORTED)

    def receipt(self, intent_id: bytes, link_ms: int) -> ReceiptResponse | None:
        """Return VERIFIED for the intent of the armed bolus, None for any other."""
        self._drop_expired(link_ms)
        if self.armed is None or self.armed.intent_id != intent_id:
            return None
        return no_receipt(intent_id, ReceiptState.VERIFIED)

    def _drop_expired(self, link_ms: int) -> None:
        if self.armed is not None and self.armed.has_expired(link_ms):
            self._drop(self.armed, ReceiptState.EXPIRED)

    def _drop(self, armed: ArmedBolus, state: ReceiptState, actor: int | None = None) -> int:
        self.armed = None
        self._parts.receipts.put(no_receipt(armed.intent_id, state), armed.slot)
        ended = BolusEndEvent(armed.bolus_id, BolusState.CANCELLED, 0)
        return self._parts.log.write(ended, actor=armed.slot if actor is None else actor)


def _cancelled(past: PastBolus, seq: int) -> Cancelled:
    return Cancelled(past.delivered_nl, past.volume_nl - past.delivered_nl, seq)
