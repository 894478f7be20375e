"""The kinds of step that a scenario is made of, as they stand in its file."""

from typing import ClassVar, Literal

import msgspec

from protocol.quantities import MINUTES_PER_DAY, MS_PER_MINUTE

ALL_RUNS: tuple[str, ...] = ("healthy", "built", "recalled")
FAILING_RUNS: tuple[str, ...] = ("built", "recalled")


class BaseStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", kw_only=True):
    """What every step may say.

    Attributes:
        note: what happens, in words.
        mark: name of the moment after it, for expectations.
        runs: courses it is part of; empty for the usual ones of its kind.
    """

    usual_runs: ClassVar[tuple[str, ...]] = ALL_RUNS

    note: str = ""
    mark: str = ""
    runs: tuple[Literal["healthy", "built", "recalled"], ...] = ()

    @property
    def in_runs(self) -> tuple[str, ...]:
        """Courses it is part of."""
        return self.runs or self.usual_runs


class Advance(BaseStep, frozen=True, tag="advance"):
    """Time passes; with ``refill_every_days`` the patient comes to be refilled in between."""

    days: int = 0
    hours: int = 0
    minutes: int = 0
    refill_every_days: int = 0
    filled_nl: int = 0

    @property
    def span_ms(self) -> int:
        """How long, ms."""
        return (self.days * MINUTES_PER_DAY + self.hours * 60 + self.minutes) * MS_PER_MINUTE


class FaultStep(BaseStep, frozen=True, tag="fault"):
    """A physical fault happens."""

    usual_runs: ClassVar = FAILING_RUNS

    name: str
    values: dict[str, int] = {}


class ClearStep(BaseStep, frozen=True, tag="clear"):
    """A physical fault ends."""

    usual_runs: ClassVar = FAILING_RUNS

    name: str


class StorageStep(BaseStep, frozen=True, tag="storage"):
    """Non-volatile memory fails: a bit flips, or a cell can no longer be written or read."""

    usual_runs: ClassVar = FAILING_RUNS

    action: Literal["flip_bit", "fail_writes", "fail_reads"]
    cell: str
    bit: int = 0


class ResetStep(BaseStep, frozen=True, tag="reset"):
    """The firmware starts again."""


class RefillStep(BaseStep, frozen=True, tag="refill"):
    """A syringe empties and fills the reservoir, and the clinician records it in the pump."""

    filled_nl: int
    withdrawn_nl: int | None = None
    conc_ng_ml: int = 0
    recorded: bool = True


class InjectStep(BaseStep, frozen=True, tag="inject_port"):
    """A syringe injects into the catheter access port."""

    usual_runs: ClassVar = FAILING_RUNS

    volume_nl: int
    conc_ng_ml: int


class AspirateStep(BaseStep, frozen=True, tag="aspirate_port"):
    """A syringe draws out of the catheter access port, as a bedside test."""

    volume_nl: int


class OpenValveStep(BaseStep, frozen=True, tag="reset_flow_valve"):
    """The clinician opens the flow-activated valve again."""

    usual_runs: ClassVar = FAILING_RUNS


class InterrogateStep(BaseStep, frozen=True, tag="interrogate"):
    """A programmer opens a session, reads status, alarms, program and log, and closes it."""


class PatientBolusRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the patient may ask for; the fields are those of the program."""

    volume_nl: int
    duration_s: int
    lockout_min: int
    max_per_24h: int
    max_24h_nl: int


class ProgramStep(BaseStep, frozen=True, tag="program"):
    """The clinician changes the program.

    ``until`` is how far the transaction gets. With ``hang_up`` the link is lost then, else the session ends.
    """

    scale_permille: int = 1_000
    steps: tuple[tuple[int, int], ...] = ()
    limits: dict[str, int] = {}
    patient_bolus: PatientBolusRule | None = None
    accept_soft: bool = True
    until: Literal["begin", "stage", "verify", "commit"] = "commit"
    hang_up: bool = False


class BolusStep(BaseStep, frozen=True, tag="bolus"):
    """The clinician gives a bolus; volume 0 is what fills tubing and catheter as the program tells them."""

    kind: Literal["CLINICIAN", "PRIME", "BRIDGE"] = "CLINICIAN"
    volume_nl: int = 0
    duration_s: int = 1_800


class CancelBolusStep(BaseStep, frozen=True, tag="cancel_bolus"):
    """The clinician ends the bolus that is being delivered."""


class PatientBolusStep(BaseStep, frozen=True, tag="patient_bolus"):
    """The patient asks for a bolus."""


class DeliveryStep(BaseStep, frozen=True, tag="set_delivery"):
    """The clinician stops, slows or resumes delivery."""

    target: Literal["STOPPED", "MIN_RATE", "RUNNING"]
    minutes: int = 0
    reason: Literal["CLINICAL", "PROCEDURE", "ADVERSE_EFFECT", "DEVICE_CHECK"] = "CLINICAL"


class SelfTestStep(BaseStep, frozen=True, tag="self_test"):
    """A technician runs self-tests."""

    tests: tuple[str, ...]


class AcknowledgeStep(BaseStep, frozen=True, tag="acknowledge"):
    """The clinician acknowledges an alarm."""

    code: str


Step = (
    Advance
    | FaultStep
    | ClearStep
    | StorageStep
    | ResetStep
    | RefillStep
    | InjectStep
    | AspirateStep
    | OpenValveStep
    | InterrogateStep
    | ProgramStep
    | BolusStep
    | CancelBolusStep
    | PatientBolusStep
    | DeliveryStep
    | SelfTestStep
    | AcknowledgeStep
)
"""Any step."""


def kind_of(step: Step) -> str:
    """Return the kind of a step as its file names it."""
    tag = type(step).__struct_config__.tag
    return str(tag)
