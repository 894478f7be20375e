"""Frozen values the session service hands to screens, scripts and reports.

A screen never reaches into the service: it gets a `SessionView`, paints it, and sends intents back.
"""

from dataclasses import dataclass, field
from enum import Enum, auto, unique

from programmer_tui.clinic.readback import ReadBackRow
from programmer_tui.intents import Intent, IntentKind
from protocol.messages.alarms import Alarm
from protocol.messages.clock import GetClockResponse
from protocol.messages.delivery import BolusArmResponse
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.log import LogInfoResponse, LogRecord
from protocol.messages.program import GetProgramInfoResponse, ProgVerifyResponse, ReceiptResponse
from protocol.messages.status import GetStatusResponse
from protocol.program import Program
from protocol.request_words import BolusKind
from protocol.states import SyncState
from protocol.vocabulary import OverrideReason, Role, SoftLimit


@unique
class LinkHealth(Enum):
    """What the programmer can say of its link to the pump."""

    DOWN = auto()
    CONNECTING = auto()
    OK = auto()
    LOST = auto()


@unique
class Trouble(Enum):
    """Kinds of trouble a person can do something about; each has its own exit code and help."""

    LINK = auto()
    NO_PUMP = auto()
    WRONG_PUMP = auto()
    NOT_BONDED = auto()
    VERSION = auto()
    BUSY = auto()
    REFUSED = auto()
    UNCERTAIN = auto()
    CHANGED = auto()
    NOT_VERIFIED = auto()
    RECORDS = auto()
    INPUT = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """One trouble in words: what was wrong, where, and what would be right."""

    trouble: Trouble
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".strip()


@dataclass(frozen=True, slots=True)
class Belief:
    """Everything read from the pump in one interrogation, with the time it was read.

    Attributes:
        read_at_ms: link time of the reading.
        read_at_utc_s: programmer's civil time of the reading.
        program: the active program, None where the pump has none.
    """

    read_at_ms: int
    read_at_utc_s: int
    device: GetDeviceInfoResponse
    status: GetStatusResponse
    clock: GetClockResponse
    alarms: tuple[Alarm, ...]
    program_info: GetProgramInfoResponse
    program: Program | None
    image: bytes
    log_info: LogInfoResponse


@dataclass(frozen=True, slots=True)
class Glance:
    """The little that every role may read; ``clock`` is None for a role that may not ask for it."""

    read_at_utc_s: int
    device: GetDeviceInfoResponse
    status: GetStatusResponse
    clock: GetClockResponse | None
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that the pump has verified and a person has not yet committed.

    ``summary`` is the pump's own arithmetic; ``handle`` and the token inside it bind the commit to it.
    """

    program: Program
    image: bytes
    intent_id: bytes
    base_version: int
    handle: int
    summary: ProgVerifyResponse


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The end of a dose change: the receipt and the read-back."""

    receipt: ReceiptResponse
    checks: tuple[ReadBackRow, ...]
    soft_ack: SoftLimit
    reason: OverrideReason
    sent_utc_s: int
    accepted_utc_s: int
    read_back_utc_s: int

    @property
    def verified(self) -> bool:
        """Whether every value the pump reports equals what was sent."""
        return bool(self.checks) and all(check.same for check in self.checks)


@dataclass(frozen=True, slots=True)
class ArmedBolus:
    """A bolus that the pump has checked and a person has not yet started.

    Attributes:
        kind: what it is for.
        volume_nl: volume, nL.
        duration_s: time it takes, s.
        rate_nl_h: its rate over the basal rate by this programmer's arithmetic, nL/h.
        dose_ng: dose of the primary drug by this programmer's arithmetic, ng.
        intent: as it was stored before the pump was told.
        answer: the pump's own arithmetic, and the token that starts it.
        until_ms: link time at which the token is void.
    """

    kind: BolusKind
    volume_nl: int
    duration_s: int
    rate_nl_h: int
    dose_ng: int
    intent: Intent
    answer: BolusArmResponse
    until_ms: int


@dataclass(frozen=True, slots=True)
class TherapyResult:
    """The end of a therapy command: the pump's answer, its receipt where it has one, and the read-back.

    Attributes:
        kind: what was done.
        what: the same in words.
        intent_id: the intent, as it is stored here.
        answer: the response body.
        receipt: the pump's receipt, None for what has none.
        checks: what was asked for beside what the pump says when it is read again.
        status: the status read afterwards.
    """

    kind: IntentKind
    what: str
    intent_id: bytes
    answer: object
    receipt: ReceiptResponse | None
    checks: tuple[ReadBackRow, ...]
    status: GetStatusResponse

    @property
    def verified(self) -> bool:
        """Whether every value the pump reports equals what was asked for."""
        return all(check.same for check in self.checks)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A therapy request whose answer was lost: the pump may have executed it or not.

    What the attributes say is said at `programmer_tui.intents.Intent`.
    """

    intent_id: bytes
    base_version: int
    digest: bytes
    what: str
    since_ms: int
    kind: IntentKind = IntentKind.PROGRAM
    subject: int = 0
    log_seq: int = 0
    actor_slot: int = 0


@dataclass(frozen=True, slots=True)
class Resolution:
    """How an uncertain outcome was resolved: by the pump's receipt, or by its log where there is none."""

    intent_id: bytes
    applied: bool
    receipt: ReceiptResponse | None
    text: str
    kind: IntentKind = IntentKind.PROGRAM


@dataclass(frozen=True, slots=True)
class SessionView:
    """What the programmer knows at ``now_ms``; immutable, safe to hand to any thread."""

    now_ms: int
    now_utc_s: int
    link: LinkHealth = LinkHealth.DOWN
    link_name: str = ""
    operator: str = ""
    busy: str = ""
    problem: Problem | None = None
    sync: SyncState = SyncState.IN_SYNC
    belief: Belief | None = None
    proposal: Proposal | None = None
    result: CommitResult | None = None
    armed: ArmedBolus | None = None
    therapy: TherapyResult | None = None
    uncertain: Uncertain | None = None
    resolution: Resolution | None = None
    log: tuple[LogRecord, ...] = field(default=())
    role: Role | None = None
    in_lab: bool = False
    """The pump that was found last answers lab plaintext to anybody."""

    @property
    def age_ms(self) -> int | None:
        """How old the belief is, None where nothing was read."""
        return None if self.belief is None else max(0, self.now_ms - self.belief.read_at_ms)
