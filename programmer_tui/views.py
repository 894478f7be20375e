"""Frozen values the session service hands to screens, scripts and reports.

A screen never reaches into the service: it gets a `SessionView`, paints it, and sends intents back.
"""

from dataclasses import dataclass, field
from enum import Enum, auto, unique

from programmer_tui.clinic.readback import ReadBackRow
from protocol.messages.alarms import Alarm
from protocol.messages.clock import GetClockResponse
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.log import LogInfoResponse, LogRecord
from protocol.messages.program import GetProgramInfoResponse, ProgVerifyResponse, ReceiptResponse
from protocol.messages.status import GetStatusResponse
from protocol.program import Program
from protocol.states import SyncState
from protocol.vocabulary import OverrideReason, SoftLimit


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
class Uncertain:
    """A therapy request whose answer was lost: the pump may hold the old program or the new one."""

    intent_id: bytes
    base_version: int
    digest: bytes
    what: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """How an uncertain outcome was resolved, by the pump's own receipt."""

    intent_id: bytes
    applied: bool
    receipt: ReceiptResponse
    text: str


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
    uncertain: Uncertain | None = None
    resolution: Resolution | None = None
    log: tuple[LogRecord, ...] = field(default=())

    @property
    def age_ms(self) -> int | None:
        """How old the belief is, None where nothing was read."""
        return None if self.belief is None else max(0, self.now_ms - self.belief.read_at_ms)
