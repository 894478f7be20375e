"""Stopping, slowing and resuming delivery on request: who may order what, and for how long.

A stop has no receipt of its own: it is stored before it is answered, the log tells of it, and the status
shows it. The published emergency key may only slow: it never shortens or lifts what a clinician ordered.
"""

from dataclasses import dataclass
from typing import Final

from firmware_model.controller.parts import Parts
from firmware_model.controller.therapy import Therapy
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_MINUTE
from protocol.request_words import DeliveryReason
from protocol.requests import Caller, Refusal
from protocol.vocabulary import DeliveryState, EmergencyPolicy, ErrorCode, Role

_TARGETS: Final = (DeliveryState.STOPPED, DeliveryState.MIN_RATE, DeliveryState.RUNNING)
_TARGET_FIELD, _MINUTES_FIELD, _REASON_FIELD, _VERSION_FIELD = range(4)


@dataclass(frozen=True, slots=True)
class DeliveryOrder:
    """What somebody wants delivered; ``minutes`` is 0 for RUNNING."""

    target: DeliveryState
    minutes: int
    reason: DeliveryReason
    program_version: int


class DeliveryOrders:
    """The rules of SET_DELIVERY.

    Args:
        profile: bounds the time of a hold.
        parts: memory, clock and log.
        therapy: delivers.
    """

    def __init__(self, profile: Profile, parts: Parts, therapy: Therapy) -> None:
        self._profile = profile
        self._clock = parts.clock
        self._therapy = therapy

    def set_delivery(self, order: DeliveryOrder, caller: Caller) -> int | Refusal:
        """Stop, slow or resume; return the number of the log record that tells of it.

        Raises:
            PowerCut: power failed; after the reset the order stands, or it was never given.
        """
        is_emergency = caller.role is Role.EMERGENCY
        refusal = (
            self._judge_form(order)
            or (self._judge_emergency(order) if is_emergency else None)
            or self._judge_state(order, is_emergency=is_emergency)
        )
        if refusal is not None:
            return refusal
        if order.target is DeliveryState.RUNNING:
            return self._therapy.release_hold(caller.slot, order.reason)
        return self._therapy.order_hold(order.target, order.minutes, caller.slot, order.reason)

    def _judge_form(self, order: DeliveryOrder) -> Refusal | None:
        if order.target not in _TARGETS:
            return Refusal(ErrorCode.BAD_ENUM, _TARGET_FIELD)
        is_hold = order.target is not DeliveryState.RUNNING
        least, most = (1, self._profile.stop_max_min) if is_hold else (0, 0)
        if not least <= order.minutes <= most:
            return Refusal(ErrorCode.OUT_OF_RANGE, _MINUTES_FIELD, most)
        return Refusal(ErrorCode.BAD_ENUM, _REASON_FIELD) if order.reason is DeliveryReason.NONE else None

    def _judge_emergency(self, order: DeliveryOrder) -> Refusal | None:
        allowed = self._therapy.program.emergency
        if allowed.policy is not EmergencyPolicy.READ_SUSPEND:
            return Refusal(ErrorCode.POLICY_FORBIDS)
        if order.target is not DeliveryState.MIN_RATE:
            return Refusal(ErrorCode.POLICY_FORBIDS, _TARGET_FIELD)
        if order.minutes > allowed.max_suspend_min:
            return Refusal(ErrorCode.POLICY_FORBIDS, _MINUTES_FIELD, allowed.max_suspend_min)
        if order.reason is not DeliveryReason.EMERGENCY:
            return Refusal(ErrorCode.POLICY_FORBIDS, _REASON_FIELD)
        return None

    def _judge_state(self, order: DeliveryOrder, *, is_emergency: bool) -> Refusal | None:
        therapy = self._therapy
        if not therapy.has_program:
            return Refusal(ErrorCode.NOT_APPLICABLE)
        if order.program_version != therapy.program.version:
            return Refusal(ErrorCode.VERSION_CONFLICT, _VERSION_FIELD, therapy.program.version)
        if is_emergency and therapy.hold is not None:
            left_ms = therapy.hold.until_ms - self._clock.now_ms
            return Refusal(ErrorCode.NOT_APPLICABLE, detail=-(-left_ms // MS_PER_MINUTE))
        return None

    @property
    def resumes_utc_s(self) -> int:
        """UTC at which the program resumes by itself, 0 where nothing is ordered or the clock is not set."""
        hold = self._therapy.hold
        return 0 if hold is None else self._clock.utc_at(hold.until_ms)
