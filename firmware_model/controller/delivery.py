"""What the pump delivers and why: one table of rules, the first that applies decides.

A commanded stop or minimum rate is a `Hold`: it always carries the time at which the program resumes, so
that no state without delivery is without an end. The table also says what becomes of a bolus that is being
delivered: it goes on or it ends. Nothing pauses a bolus, and none pre-empts another: there is one at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Annotated, Final

from protocol.messages.codec import codec_of
from protocol.messages.fields import u8, u64, word8
from protocol.quantities import MS_PER_MINUTE
from protocol.request_words import BolusKind, DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState


@dataclass(frozen=True, slots=True)
class Hold:
    """A stop or a minimum rate ordered for a time; stored durably.

    Raises:
        ValueError: the state is neither STOPPED nor MIN_RATE, or it would end before it begins.
    """

    state: Annotated[DeliveryState, word8(DeliveryState, "STOPPED or MIN_RATE")]
    since_ms: Annotated[int, u64("ms", "counter when it was ordered")]
    until_ms: Annotated[int, u64("ms", "counter when the program resumes")]
    actor_slot: Annotated[int, u8("", "bond slot that ordered it")]
    reason: Annotated[DeliveryReason, word8(DeliveryReason, "why")] = DeliveryReason.NONE

    def __post_init__(self) -> None:
        if self.state not in (DeliveryState.STOPPED, DeliveryState.MIN_RATE):
            raise ValueError(f"{self.state.name} cannot be ordered; STOPPED and MIN_RATE can")
        if self.until_ms <= self.since_ms:
            raise ValueError(f"an ordered {self.state.name} must end after it begins")

    @property
    def minutes(self) -> int:
        """For how long it was ordered, min."""
        return (self.until_ms - self.since_ms) // MS_PER_MINUTE


def encode_hold(hold: Hold | None) -> bytes:
    """Return the octets of a stored hold, empty where there is none."""
    return b"" if hold is None else codec_of(Hold).encode(hold)


def decode_hold(payload: bytes) -> Hold | None:
    """Read a stored hold."""
    hold: Hold | None = codec_of(Hold).decode(payload) if payload else None
    return hold


@unique
class Flow(Enum):
    """Where the rate comes from."""

    NONE = auto()
    MINIMUM = auto()
    SCHEDULE = auto()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything the decision rests on.

    Attributes:
        has_program: a program was committed, whether or not its image can be read.
        program_readable: the image of that program is good.
        has_drug: the computed content of the reservoir is above 0.
        hold: state ordered for a time, or None.
        bolus: kind of the bolus that is being delivered, or None.
        is_over: the end of service has been reached.
        is_held_low: a low-battery reset, a restart loop or a task given up holds the minimum rate.
        is_stalled: a stall of the motor was found and its end was not.
        is_hung: the task of delivery hangs, and a restart did not mend it.
    """

    has_program: bool
    program_readable: bool
    has_drug: bool
    hold: DeliveryState | None
    bolus: BolusKind | None = None
    is_over: bool = False
    is_held_low: bool = False
    is_stalled: bool = False
    is_hung: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is delivered: the state the protocol tells, where the basal rate comes from, what a bolus does.

    Attributes:
        state: the state.
        flow: where the basal rate comes from.
        ends_bolus: how a bolus that is being delivered ends by it, None where it goes on over the basal rate.
    """

    state: DeliveryState
    flow: Flow
    ends_bolus: BolusState | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: what is delivered where ``applies`` is true."""

    when: str
    applies: Callable[[Circumstances], bool]
    decision: Decision


PRIORITIES: Final = (
    Rule(
        "no program was ever committed",
        lambda given: not given.has_program,
        Decision(DeliveryState.STOPPED, Flow.NONE, BolusState.FAULTED),
    ),
    Rule(
        "the end of service has been reached",
        lambda given: given.is_over,
        Decision(DeliveryState.STOPPED, Flow.NONE, BolusState.FAULTED),
    ),
    Rule(
        "the task of delivery hangs for good, and no program committed since",
        lambda given: given.is_hung,
        Decision(DeliveryState.STOPPED, Flow.NONE, BolusState.FAULTED),
    ),
    Rule(
        "the reservoir is computed to be empty",
        lambda given: not given.has_drug,
        Decision(DeliveryState.STOPPED, Flow.NONE, BolusState.FAULTED),
    ),
    Rule(
        "a stop is ordered and its time is not over",
        lambda given: given.hold is DeliveryState.STOPPED,
        Decision(DeliveryState.STOPPED, Flow.NONE, BolusState.CANCELLED),
    ),
    Rule(
        "no copy of the committed program is good",
        lambda given: not given.program_readable,
        Decision(DeliveryState.SAFE_STATE, Flow.MINIMUM, BolusState.FAULTED),
    ),
    Rule(
        "a low-battery reset, a restart loop or a task given up, and no program committed since",
        lambda given: given.is_held_low,
        Decision(DeliveryState.SAFE_STATE, Flow.MINIMUM, BolusState.FAULTED),
    ),
    Rule(
        "the minimum rate is ordered and its time is not over",
        lambda given: given.hold is DeliveryState.MIN_RATE,
        Decision(DeliveryState.MIN_RATE, Flow.MINIMUM, BolusState.CANCELLED),
    ),
    Rule(
        "the motor is stalled: it is driven on at the basal rate",
        lambda given: given.is_stalled,
        Decision(DeliveryState.RUNNING, Flow.SCHEDULE, BolusState.FAULTED),
    ),
    Rule(
        "a prime bolus is being delivered",
        lambda given: given.bolus is BolusKind.PRIME,
        Decision(DeliveryState.PRIMING, Flow.SCHEDULE),
    ),
    Rule(
        "a bolus of another kind is being delivered",
        lambda given: given.bolus is not None,
        Decision(DeliveryState.BOLUS, Flow.SCHEDULE),
    ),
    Rule(
        "a program is active",
        lambda given: True,  # noqa: ARG005 - the last row always applies
        Decision(DeliveryState.RUNNING, Flow.SCHEDULE),
    ),
)
"""The rules, strongest first."""

STARTS_FROM: Final = DeliveryState.RUNNING
"""The one state in which a bolus may begin: every rule above it either ends a bolus or is one."""


def decide(given: Circumstances) -> Decision:
    """Return what is delivered in the given circumstances."""
    return next(rule.decision for rule in PRIORITIES if rule.applies(given))
