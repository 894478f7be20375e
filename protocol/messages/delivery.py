"""Group 5: boluses, and stopping and resuming delivery."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import flags32, octets, u8, u16, u32, word8
from protocol.request_words import BolusKind, DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState, OverrideReason, SoftLimit

MIN_BOLUS_S = 60
MAX_BOLUS_S = 86_400
ARM_TOKEN_S = 60
"""How long an armed bolus waits for its start."""


@dataclass(frozen=True, slots=True)
class BolusArmRequest:
    """Prepares a bolus; nothing is delivered yet."""

    kind: Annotated[BolusKind, word8(BolusKind, "what it is for; not PATIENT")]
    volume_nl: Annotated[int, u32("nL", "volume", 1)]
    duration_s: Annotated[int, u32("s", "time it takes", MIN_BOLUS_S, MAX_BOLUS_S)]
    declared_dose_ng: Annotated[int, u32("ng", "dose of the primary drug by the programmer's own arithmetic")]
    intent_id: Annotated[bytes, octets(16, "intent of the person, random", nonzero=True)]


@dataclass(frozen=True, slots=True)
class BolusArmResponse:
    """What the pump would deliver, by its own arithmetic, and the token that starts it."""

    bolus_id: Annotated[int, u32("", "number of the bolus, never used twice")]
    token: Annotated[bytes, octets(8, "binds this summary to the start")]
    expires_s: Annotated[int, u16("s", "how long the token is good")]
    rate_nl_h: Annotated[int, u32("nL/h", "rate of the bolus over the basal rate, rounded half up")]
    dose_ng: Annotated[int, u32("ng", "dose of the primary drug")]
    soft_flags: Annotated[SoftLimit, flags32(SoftLimit, "soft limits it passes")]


@dataclass(frozen=True, slots=True)
class BolusStartRequest:
    """Starts the armed bolus."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    token: Annotated[bytes, octets(8, "token of the arming")]
    soft_ack: Annotated[SoftLimit, flags32(SoftLimit, "soft limits a person acknowledges")]
    override_reason: Annotated[OverrideReason, word8(OverrideReason, "why they may be passed")]


@dataclass(frozen=True, slots=True)
class BolusStartResponse:
    """The bolus is being delivered; its receipt is stored."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    start_uptime_s: Annotated[int, u32("s", "uptime of the start")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]


@dataclass(frozen=True, slots=True)
class BolusCancelRequest:
    """Ends a bolus early, or takes an armed one back."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]


@dataclass(frozen=True, slots=True)
class BolusCancelResponse:
    """What was delivered and what was not."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    delivered_nl: Annotated[int, u32("nL", "delivered of it")]
    cancelled_nl: Annotated[int, u32("nL", "not delivered")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]


@dataclass(frozen=True, slots=True)
class PatientBolusRequest:
    """The patient asks for a bolus of the prescription."""

    intent_id: Annotated[bytes, octets(16, "intent of the person, random", nonzero=True)]


@dataclass(frozen=True, slots=True)
class PatientBolusResponse:
    """The bolus is being delivered; its receipt is stored."""

    bolus_id: Annotated[int, u32("", "number of the bolus")]
    volume_nl: Annotated[int, u32("nL", "volume")]
    duration_s: Annotated[int, u32("s", "time it takes")]
    left_today: Annotated[int, u8("", "boluses left in the present 24 h")]
    lockout_s: Annotated[int, u32("s", "time until the next one may be asked for")]


@dataclass(frozen=True, slots=True)
class SetDeliveryRequest:
    """Stops delivery or slows it to the minimum rate for a time, or resumes the program."""

    target_state: Annotated[DeliveryState, word8(DeliveryState, "STOPPED, MIN_RATE or RUNNING")]
    max_minutes: Annotated[int, u16("min", "after this time the program resumes by itself; 0 for RUNNING")]
    reason: Annotated[DeliveryReason, word8(DeliveryReason, "why; not NONE")]
    program_version: Annotated[int, u32("", "program the person has seen (compare and set)")]


@dataclass(frozen=True, slots=True)
class SetDeliveryResponse:
    """What is delivered now."""

    delivery_state: Annotated[DeliveryState, word8(DeliveryState, "what the pump is doing")]
    rate_nl_h: Annotated[int, u32("nL/h", "commanded rate now")]
    auto_resume_utc_s: Annotated[int, u32("s", "UTC at which the program resumes, 0 for none")]
    log_seq: Annotated[int, u32("", "log record that tells of it")]


@dataclass(frozen=True, slots=True)
class BolusProgress:
    """Where the current bolus stands."""

    notify_seq: Annotated[int, u32("", "number of the notification in this session")]
    bolus_id: Annotated[int, u32("", "number of the bolus")]
    state: Annotated[BolusState, word8(BolusState, "where it stands")]
    delivered_nl: Annotated[int, u32("nL", "delivered of it")]
    total_nl: Annotated[int, u32("nL", "its whole volume")]
