"""How many handshakes the pump answers: a budget per class of link, and a lockout after wrong guesses.

Budget and lockout run in link time, the time of the people at the link: neither a set clock nor pump time
that runs faster frees them. Both belong to a class of link, never to a bond, so that an attacker on the far
link cannot shut the clinic out on the near one. A lockout is stored; after a reset, or where the link clock
began anew, it counts from its beginning once more.

Failures wear storage out, so they are stored sparingly. A guess outside a lockout always is: after the fifth
each of them begins a lockout, which bounds them. Guesses that were admitted before the lockout was known,
and failures that are no guesses, are counted in RAM and stored with the next failure that is; of the latter
at most ten at once and ten an hour are.
Source: OITP/1, "Access, enrolment and abuse policy".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from firmware_model.controller.alarms import Alarms
from firmware_model.controller.event_log import EventLog
from firmware_model.controller.link_budget import Bucket, Limit
from firmware_model.controller.records import RecordName, RecordStore
from protocol.link_control import LinkClass
from protocol.log_record import HandshakeFailEvent
from protocol.messages.codec import codec_of
from protocol.messages.fields import u16, u32
from protocol.vocabulary import AlarmCode

LIMITS: Final[Mapping[LinkClass, tuple[Limit, ...]]] = {
    LinkClass.NEAR: (Limit(30, 2_000),),
    LinkClass.FAR: (Limit(10, 6_000), Limit(60, 60_000)),
}
"""Handshakes a class of link may have: 30 a minute near; 10 a minute and 60 an hour far."""

LOCKOUT_AFTER: Final = 5
MAX_LOCKOUT_S: Final = 3_600
TOLD: Final = Limit(10, 360_000)
"""Failures that are no guesses and are stored all the same."""

ABUSE_AFTER: Final = 3
"""Times the budget of a class may run dry within `ABUSE_MS` before that is an alarm."""

ABUSE_MS: Final = 3_600_000
_U16: Final = 0xFFFF
_U32: Final = 0xFFFF_FFFF


def lockout_after(streak: int) -> int:
    """Return the lockout in s that follows the ``streak``-th wrong guess in a row: 1, 2, 4 .. 3600."""
    if streak < LOCKOUT_AFTER:
        return 0
    return min(MAX_LOCKOUT_S, 1 << min(streak - LOCKOUT_AFTER, MAX_LOCKOUT_S.bit_length()))


@dataclass(slots=True)
class GateRam:
    """What a reset loses about one class of link.

    Attributes:
        buckets: one per limit of the class.
        told: bucket of failures that are no guesses.
        locked_since_ms: link time since which the lockout counts, None where it was not looked at yet.
        unstored: wrong guesses that the stored streak lacks.
        dry: the last handshake found no token.
        dry_ms: link times at which the budget last ran dry.
    """

    buckets: list[Bucket]
    told: Bucket = field(default_factory=Bucket)
    locked_since_ms: int | None = None
    unstored: int = 0
    dry: bool = False
    dry_ms: list[int] = field(default_factory=list)


def _new_gate(link_class: LinkClass) -> GateRam:
    return GateRam([Bucket() for _ in LIMITS[link_class]])


@dataclass(slots=True)
class GuardRam:
    """What a reset loses.

    Attributes:
        near: about the near link.
        far: about the far link.
        unstored: failures that the stored total lacks.
        abused_ms: link time at which a budget was last found dry, None where it was not looked at yet.
    """

    near: GateRam = field(default_factory=lambda: _new_gate(LinkClass.NEAR))
    far: GateRam = field(default_factory=lambda: _new_gate(LinkClass.FAR))
    unstored: int = 0
    abused_ms: int | None = None

    def gate(self, link_class: LinkClass) -> GateRam:
        """Return what concerns one class of link."""
        return self.near if link_class is LinkClass.NEAR else self.far


@dataclass(frozen=True, slots=True)
class _Stored:
    total: Annotated[int, u32("", "failed handshakes since manufacture")]
    near_streak: Annotated[int, u16("", "wrong guesses in a row on the near link")]
    near_lockout_s: Annotated[int, u16("s", "lockout that stands on the near link, 0 none")]
    far_streak: Annotated[int, u16("", "wrong guesses in a row on the far link")]
    far_lockout_s: Annotated[int, u16("s", "lockout that stands on the far link, 0 none")]

    def streak(self, link_class: LinkClass) -> int:
        return self.near_streak if link_class is LinkClass.NEAR else self.far_streak

    def lockout_s(self, link_class: LinkClass) -> int:
        return self.near_lockout_s if link_class is LinkClass.NEAR else self.far_lockout_s

    def with_gate(self, link_class: LinkClass, streak: int, lockout_s: int) -> "_Stored":
        streak = min(streak, _U16)
        if link_class is LinkClass.NEAR:
            return replace(self, near_streak=streak, near_lockout_s=lockout_s)
        return replace(self, far_streak=streak, far_lockout_s=lockout_s)


class HandshakeGuard:
    """Budget, counters and lockouts.

    Args:
        records: where counters and lockouts are stored.
        log: where failures are told.
        alarms: where lockouts and abuse are told.
        ram: what a snapshot brings and a reset forgets.
    """

    def __init__(self, records: RecordStore, log: EventLog, alarms: Alarms, ram: GuardRam) -> None:
        self._records = records
        self._log = log
        self._alarms = alarms
        self.ram = ram
        payload = records.get(RecordName.SECURITY)
        self._stored: _Stored = codec_of(_Stored).decode(payload) if payload else _Stored(0, 0, 0, 0, 0)

    # --- what stands --------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Failed handshakes since manufacture; those after the last stored one are lost with a reset."""
        return min(self._stored.total + self.ram.unstored, _U32)

    def streak(self, link_class: LinkClass) -> int:
        """Return the wrong guesses in a row on a class of link."""
        return min(self._stored.streak(link_class) + self.ram.gate(link_class).unstored, _U16)

    def lockout_s(self, link_class: LinkClass, link_ms: int) -> int:
        """Return the seconds for which handshakes on a class of link are ignored, 0 none."""
        length_s = self._stored.lockout_s(link_class)
        if not length_s:
            return 0
        gate = self.ram.gate(link_class)
        if gate.locked_since_ms is None:
            gate.locked_since_ms = link_ms
        return max(0, -((link_ms - gate.locked_since_ms - length_s * 1_000) // 1_000))

    # --- handshakes ---------------------------------------------------------------------------------------

    def admit(self, link_class: LinkClass, link_ms: int) -> int:
        """Take one handshake out of the budget; return 0, or the seconds until there will be one.

        A lockout is not looked at here: whoever asks has looked, and lets the emergency key pass it.
        """
        gate, limits = self.ram.gate(link_class), LIMITS[link_class]
        pairs = list(zip(gate.buckets, limits, strict=True))
        wait_ms = max(bucket.wait_ms(limit, link_ms) for bucket, limit in pairs)
        if wait_ms:
            self._ran_dry(link_class, link_ms)
            return -(-wait_ms // 1_000)
        for bucket, limit in pairs:
            bucket.take(limit)
        gate.dry = False
        return 0

    def _ran_dry(self, link_class: LinkClass, link_ms: int) -> None:
        gate = self.ram.gate(link_class)
        self.ram.abused_ms = link_ms
        if gate.dry:
            return
        gate.dry = True
        recent = [at for at in gate.dry_ms if link_ms - at < ABUSE_MS]
        gate.dry_ms = [*recent, link_ms][-ABUSE_AFTER:]
        if len(gate.dry_ms) == ABUSE_AFTER:
            self._alarms.raise_alarm(AlarmCode.TELEMETRY_ABUSE, link_class)

    def failed(self, slot: int, link_class: LinkClass, guess: bool, link_ms: int) -> None:
        """Count a failed handshake that named ``slot``; a guess may begin a lockout.

        Raises:
            PowerCut: power failed while it was stored.
        """
        gate = self.ram.gate(link_class)
        self.ram.unstored += 1
        gate.unstored += guess
        if guess and not self.lockout_s(link_class, link_ms):
            length_s = lockout_after(self.streak(link_class))
            gate.locked_since_ms = link_ms
            self._store_failure(slot, link_class, length_s)
            if length_s:
                self._alarms.raise_anew(AlarmCode.SECURITY_LOCKOUT, length_s)
        elif not guess and not gate.told.wait_ms(TOLD, link_ms):
            gate.told.take(TOLD)
            self._store_failure(slot, link_class, self._stored.lockout_s(link_class))

    def _store_failure(self, slot: int, link_class: LinkClass, lockout_s: int) -> None:
        counted = replace(self._stored, total=self.total)
        self._store(counted.with_gate(link_class, self.streak(link_class), lockout_s))
        self.ram.unstored = self.ram.gate(link_class).unstored = 0
        self._log.write(HandshakeFailEvent(slot, self.total))

    def succeeded(self, link_class: LinkClass) -> None:
        """End the streak of a class of link: somebody had the keys.

        Raises:
            PowerCut: power failed while it was stored.
        """
        self.ram.gate(link_class).unstored = 0
        if self._stored.streak(link_class):
            self._store(self._stored.with_gate(link_class, 0, self._stored.lockout_s(link_class)))

    def _store(self, stored: _Stored) -> None:
        self._records.put(RecordName.SECURITY, codec_of(_Stored).encode(stored))
        self._stored = stored

    # --- time ---------------------------------------------------------------------------------------------

    def is_due(self, link_ms: int) -> bool:
        """Tell whether `tick` would change something."""
        return bool(self._served(link_ms)) or self._abuse_is_over(link_ms)

    def tick(self, link_ms: int) -> None:
        """End what is over at ``link_ms``.

        Raises:
            PowerCut: power failed while it was stored.
        """
        served = self._served(link_ms)
        for link_class in served:
            self._store(self._stored.with_gate(link_class, self._stored.streak(link_class), 0))
        if served:
            self._follow()
        if self._abuse_is_over(link_ms):
            self._alarms.clear(AlarmCode.TELEMETRY_ABUSE)

    def recover(self) -> None:
        """Let the alarm stand as the stored lockouts do, whatever a cut of power left."""
        self._follow()

    def link_began_anew(self, link_ms: int) -> None:
        """Count what stands from its beginning: the link clock tells nothing of the time before."""
        self.ram.abused_ms = None
        for gate in (self.ram.near, self.ram.far):
            gate.locked_since_ms = None
            gate.dry_ms = []
            for bucket in (gate.told, *gate.buckets):
                bucket.at_ms = link_ms

    def _served(self, link_ms: int) -> list[LinkClass]:
        if not (self._stored.near_lockout_s or self._stored.far_lockout_s):
            return []
        return [
            each for each in LinkClass if self._stored.lockout_s(each) and not self.lockout_s(each, link_ms)
        ]

    def _abuse_is_over(self, link_ms: int) -> bool:
        if not self._alarms.stands(AlarmCode.TELEMETRY_ABUSE):
            return False
        if self.ram.abused_ms is None:
            self.ram.abused_ms = link_ms
        return link_ms - self.ram.abused_ms >= ABUSE_MS

    def _follow(self) -> None:
        longest_s = max(self._stored.near_lockout_s, self._stored.far_lockout_s)
        self._alarms.follow(AlarmCode.SECURITY_LOCKOUT, longest_s > 0, longest_s)
