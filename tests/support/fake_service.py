"""A session service without a link: it answers at once, or when told to, from a scripted belief."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from support.beliefs import NOW_UTC_S, Change, a_belief

from programmer_tui.clinic.dose import table_day_volume_nl, table_dose_ng_per_day, table_max_hour_nl
from programmer_tui.readback import check_readback
from programmer_tui.views import (
    Belief,
    CommitResult,
    LinkHealth,
    Problem,
    Proposal,
    Resolution,
    SessionView,
    Trouble,
    Uncertain,
)
from protocol.messages.log import LogRecord
from protocol.messages.program import DoseSummary, ProgVerifyResponse, ReceiptResponse
from protocol.program import DIGEST_SIZE, Program, encode_program, program_digest
from protocol.states import SyncState
from protocol.vocabulary import OverrideReason, ReceiptState, SoftLimit

INTENT = bytes(range(16))


class FakeServiceError(Exception):
    """What the real service raises: an error that carries a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class _Held:
    name: str
    args: tuple[Any, ...]
    future: Future[Any]


class FakeService:
    """Implements `ServicePort`. Time moves only with `advance_s`.

    Names in `held` are not answered before `release(name)`; `fail(name, ...)` makes the next one fail.
    """

    def __init__(self, belief: Belief | None = None, log: tuple[LogRecord, ...] = ()) -> None:
        self.pump = a_belief() if belief is None else belief
        self.pump_log = log
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.held: set[str] = set()
        self.soft_flags = SoftLimit(0)
        self.altered_readback = False
        self.stopped = False
        self._waiting: list[_Held] = []
        self._failures: dict[str, tuple[Problem, dict[str, Any]]] = {}
        self.view = SessionView(1_000_000, NOW_UTC_S, link_name="pty:/tmp/pump", operator="RN Lee")

    # --- the port -----------------------------------------------------------------------------------------

    def submit(self, name: str, *args: object) -> Future[Any]:
        self.calls.append((name, args))
        held = _Held(name, args, Future())
        self._waiting.append(held)
        if name == "commit":
            self.change(sync=SyncState.PENDING, busy="programming")
        if name not in self.held:
            self.release(name)
        return held.future

    def stop(self, timeout_s: float = 2.0) -> None:
        self.stopped = True

    # --- the script ---------------------------------------------------------------------------------------

    def change(self, **changes: Change) -> None:
        """Change the view."""
        self.view = replace(self.view, **changes)

    def advance_s(self, seconds: int) -> None:
        """Let time go on."""
        self.change(now_ms=self.view.now_ms + 1_000 * seconds, now_utc_s=self.view.now_utc_s + seconds)

    def alarm(self, **belief_changes: Change) -> None:
        """Change what the pump says and what was read of it, as a refresh would."""
        self.pump = replace(self.pump, **belief_changes)
        if self.view.belief is not None:
            self.change(belief=replace(self.view.belief, **belief_changes))

    def fail(self, name: str, trouble: Trouble, text: str, advice: str = "", **view: Change) -> None:
        """Make the next request ``name`` end in a problem, and the view change with it."""
        self._failures[name] = (Problem(trouble, text, advice), view)

    def release(self, name: str) -> None:
        """Answer the oldest waiting request ``name``."""
        held = next(held for held in self._waiting if held.name == name)
        self._waiting.remove(held)
        answer: Callable[..., Any] = self._fail if name in self._failures else getattr(self, f"_do_{name}")
        try:
            held.future.set_result(answer(*((name,) if answer == self._fail else held.args)))
        except FakeServiceError as error:
            held.future.set_exception(error)

    def _fail(self, name: str) -> None:
        problem, view = self._failures.pop(name)
        self.change(problem=problem, busy="", **view)
        if self.view.sync is SyncState.PENDING:
            self.change(sync=SyncState.IN_SYNC)
        raise FakeServiceError(problem)

    def names(self) -> list[str]:
        """What was asked for, in order, without the polling."""
        return [name for name, _ in self.calls if name not in ("refresh", "read_log")]

    def lose_link(self) -> None:
        """The link is cut while nothing is under way."""
        self.change(
            link=LinkHealth.LOST, problem=Problem(Trouble.LINK, "The link was lost.", "Connect again.")
        )

    def lose_commit(self) -> None:
        """The answer to the commit under way is lost: nobody knows what the pump did."""
        what = Uncertain(
            INTENT, self.pump.program_info.version, bytes(32), "daily dose 5.4 mg per day", self.view.now_ms
        )
        self.fail(
            "commit",
            Trouble.UNCERTAIN,
            "UNKNOWN OUTCOME. No answer came.",
            "Its receipt will tell after reconnecting.",
            link=LinkHealth.LOST,
            sync=SyncState.UNCERTAIN,
            uncertain=what,
        )

    def resolve_now(self, *, applied: bool) -> None:
        """The service's thread has reconnected and asked for the receipt."""
        if applied:
            self._apply(self._proposal)
        receipt = self._receipt(ReceiptState.COMMITTED if applied else ReceiptState.UNKNOWN)
        words = "The pump took the NEW program." if applied else "The pump did NOT take the new program."
        self.change(
            link=LinkHealth.OK,
            sync=SyncState.IN_SYNC,
            uncertain=None,
            problem=None,
            belief=self._read(),
            resolution=Resolution(INTENT, applied, receipt, words),
        )

    # --- the methods of the service -----------------------------------------------------------------------

    def _do_connect(self) -> None:
        self.change(link=LinkHealth.OK, problem=None)

    def _do_interrogate(self) -> Belief:
        belief = self._read()
        self.change(belief=belief, problem=None)
        return belief

    def _do_refresh(self) -> None:
        if self.view.belief is not None:
            self.change(belief=self._read())

    def _do_read_log(self, newest: int) -> tuple[LogRecord, ...]:
        self.change(log=self.pump_log[-newest:])
        return self.view.log

    def _do_propose(self, program: Program) -> Proposal:
        image = encode_program(program)
        version = self.pump.program_info.version
        self._proposal = Proposal(program, image, INTENT, version, 77, self._summary(program))
        self.change(proposal=self._proposal)
        return self._proposal

    def _do_discard(self) -> None:
        self.change(proposal=None)

    def _do_commit(self, soft_ack: SoftLimit, reason: OverrideReason) -> CommitResult:
        proposal = self._proposal
        self._apply(proposal)
        belief = self._read()
        receipt = self._receipt(ReceiptState.COMMITTED)
        checks = check_readback(proposal.program, proposal.image, receipt, belief)
        if self.altered_readback:
            checks = (replace(checks[0], reported="baclofen", same=False), *checks[1:])
        now = self.view.now_utc_s
        result = CommitResult(receipt, checks, soft_ack, reason, now - 21, now - 2, now)
        self.change(sync=SyncState.IN_SYNC, busy="", proposal=None, belief=belief, result=result)
        if not result.verified:
            problem = Problem(Trouble.NOT_VERIFIED, "NOT VERIFIED - 1 value differs.", "Different: Drug.")
            self.change(problem=problem)
            raise FakeServiceError(problem)
        return result

    def _do_resolve(self) -> Resolution:
        self.resolve_now(applied=True)
        assert self.view.resolution is not None
        return self.view.resolution

    # --- small parts --------------------------------------------------------------------------------------

    def _read(self) -> Belief:
        status = replace(self.pump.status, alarm_count=len(self.pump.alarms))
        clock = replace(self.pump.clock, utc_s=self.view.now_utc_s)
        return replace(
            self.pump,
            read_at_ms=self.view.now_ms,
            read_at_utc_s=self.view.now_utc_s,
            status=status,
            clock=clock,
        )

    def _apply(self, proposal: Proposal) -> None:
        version = self.pump.program_info.version + 1
        digest = program_digest(proposal.image)[:DIGEST_SIZE]
        info = replace(
            self.pump.program_info,
            version=version,
            digest=digest,
            image_len=len(proposal.image),
            committed_utc_s=self.view.now_utc_s,
        )
        status = replace(self.pump.status, program_version=version)
        self.pump = replace(
            self.pump, program=proposal.program, image=proposal.image, program_info=info, status=status
        )

    def _receipt(self, state: ReceiptState) -> ReceiptResponse:
        info = self.pump.program_info
        applied = state is ReceiptState.COMMITTED
        return ReceiptResponse(
            state,
            info.version if applied else 0,
            1_000_100 if applied else 0,
            self.view.now_utc_s if applied else 0,
            119 if applied else 0,
            info.digest if applied else bytes(DIGEST_SIZE),
            INTENT,
        )

    def _summary(self, program: Program) -> ProgVerifyResponse:
        table = tuple((step.start_min, step.rate_nl_h) for step in program.schedule.steps)
        rates = [rate for _, rate in table]
        volume = table_day_volume_nl(table)
        drug = program.primary_drug
        left = self.pump.status.reservoir_nl - program.alarms.low_reservoir_nl
        return ProgVerifyResponse(
            handle=77,
            token=bytes(8),
            rate_min_nl_h=min(rates),
            rate_max_nl_h=max(rates),
            day_volume_nl=volume,
            max_hour_nl=table_max_hour_nl(table),
            reservoir_days_x10=10 * left // volume,
            refill_by_utc_s=self.view.now_utc_s + 86_400 * (left // volume),
            soft_flags=self.soft_flags,
            doses=(DoseSummary(drug.drug_code, table_dose_ng_per_day(table, drug.conc_ng_ml)),),
        )
