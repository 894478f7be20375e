"""What a receiver makes of one frame: every acceptance step in order, with what it expects and what came.

The steps are those of OITP/1 section 3, then those of the layer above. They are judged by the functions that
the endpoints themselves use. A bystander knows neither keys nor all of the state: what he cannot know is said
to be so, and what he is told (`Knowledge`) is used.
"""

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Final

from protocol.application import HEADER_SIZE as APPLICATION_HEADER
from protocol.drops import Drop, DropReason
from protocol.frame import (
    CRC_SIZE,
    HEADER_SIZE,
    MAX_FRAME,
    MAX_PIECE,
    MIN_FRAME,
    NO_LINK_ID,
    PROTO,
    Direction,
    Frame,
    FrameKind,
    check_link_id,
    crc32c,
    decode_frame,
    decode_piece,
    encode_frame,
    unfit,
)
from protocol.handshake import FIRST_SIZE, SECOND_SIZE, HandshakeError, HandshakeHeader, HandshakeStep
from protocol.link_control import (
    Close,
    Hello,
    HelloResponse,
    LinkControlError,
    LinkError,
    Ping,
    decode_link,
)
from protocol.pump_link import VERSION
from protocol.records import COUNTER_SIZE, MAX_PLAINTEXT, MAX_RECORDS, OVERHEAD


@unique
class Outcome(Enum):
    """How one step ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "needs state"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a bystander knows of the link; what is None or empty is not known.

    Attributes:
        direction: the way the frame went.
        link_ids: the ids that its receiver would accept in a session, newest last.
        last_counter: the highest record counter that its receiver has accepted, -1 for none yet.
    """

    direction: Direction | None = None
    link_ids: tuple[int, ...] = ()
    last_counter: int | None = None


NOTHING: Final = Knowledge()


@dataclass(frozen=True, slots=True)
class Step:
    """One acceptance step: the reason it would be counted under, and how it ended."""

    reason: DropReason
    outcome: Outcome
    expected: str = ""
    received: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All steps for one piece or frame.

    Attributes:
        octets: the link frame, or the raw piece where it is not COBS.
        frame: the frame, where it is well formed.
        drop: why every receiver would drop it, None where none must.
        steps: in the order in which a receiver takes them.
    """

    octets: bytes
    frame: Frame | None
    drop: Drop | None
    steps: tuple[Step, ...]


FRAME_STEPS: Final = (
    DropReason.SIZE,
    DropReason.CRC,
    DropReason.PROTO,
    DropReason.KIND,
    DropReason.FLAGS,
    DropReason.LENGTH,
)
"""Steps of a link frame that need no state. Before them comes COBS, and before that OVERRUN."""


def judge_piece(piece: bytes, known: Knowledge = NOTHING) -> Verdict:
    """Judge the octets between two delimiters."""
    way = known.direction
    result = decode_piece(piece, way if way is not None else Direction.TO_PUMP)
    if isinstance(result, Drop) and result.reason is DropReason.OVERRUN:
        too_long = Step(DropReason.OVERRUN, Outcome.FAILED, result.expected, result.received)
        rest = (Step(reason, Outcome.NOT_REACHED) for reason in (DropReason.COBS, *FRAME_STEPS))
        return Verdict(piece[:MAX_PIECE], None, result, (too_long, *rest))
    if isinstance(result, Drop) and result.reason is DropReason.COBS:
        failed = Step(DropReason.COBS, Outcome.FAILED, result.expected, result.received)
        rest = (Step(reason, Outcome.NOT_REACHED) for reason in FRAME_STEPS)
        return Verdict(piece, None, result, (failed, *rest))
    verdict = judge_frame(result.octets if isinstance(result, Drop) else encode_frame(result), known)
    return replace(verdict, steps=(cobs_step(piece), *verdict.steps))


def judge_frame(octets: bytes, known: Knowledge = NOTHING) -> Verdict:
    """Judge a link frame, after COBS."""
    way = known.direction
    if way is None and len(octets) >= MIN_FRAME:
        way = Direction(octets[2] & 1)
    result = decode_frame(octets, way if way is not None else Direction.TO_PUMP)
    if isinstance(result, Drop):
        return Verdict(octets, None, result, _link_steps(octets, result, known.direction))
    steps = _link_steps(octets, None, known.direction)
    above = _Above(result, known)
    above.judge()
    return Verdict(octets, result, above.drop, (*steps, *above.steps))


def cobs_step(piece: bytes) -> Step:
    """Return the first step of a piece that was good COBS."""
    return Step(DropReason.COBS, Outcome.PASSED, "a complete COBS block", f"one of {len(piece)} octets")


# --- the link layer -------------------------------------------------------------------------------------


def _link_steps(octets: bytes, drop: Drop | None, way: Direction | None) -> tuple[Step, ...]:
    steps: list[Step] = []
    failed = False
    for reason in FRAME_STEPS:
        if failed:
            steps.append(Step(reason, Outcome.NOT_REACHED))
        elif drop is not None and drop.reason is reason:
            failed = True
            steps.append(Step(reason, Outcome.FAILED, drop.expected, drop.received))
        else:
            steps.append(Step(reason, Outcome.PASSED, *_passed_values(reason, octets, way)))
    return tuple(steps)


def _passed_values(reason: DropReason, octets: bytes, way: Direction | None) -> tuple[str, str]:
    """Return what a step that passed expected and received."""
    match reason:
        case DropReason.SIZE:
            return f"{MIN_FRAME} to {MAX_FRAME} octets", f"{len(octets)} octets"
        case DropReason.CRC:
            stated = int.from_bytes(octets[-CRC_SIZE:], "little")
            return f"CRC-32C 0x{crc32c(octets[:-CRC_SIZE]):08X}", f"0x{stated:08X}"
        case DropReason.PROTO:
            return f"protocol octet 0x{PROTO:02X}", f"0x{octets[0]:02X}"
        case DropReason.KIND:
            return "a known kind", f"0x{octets[1]:02X} {FrameKind(octets[1]).name}"
        case DropReason.FLAGS:
            direction = Direction(octets[2] & 1)
            wanted = (
                f"flags 0x{int(way):02X}" if way is not None else "0x00 or 0x01, as no direction is given"
            )
            return wanted, f"0x{octets[2]:02X} ({direction.name.lower()})"
        case _:
            return f"a length octet of {len(octets) - MIN_FRAME}", str(octets[HEADER_SIZE - 1])


# --- above the link layer -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Above:
    """The steps above the link layer, for one well-formed frame."""

    frame: Frame
    known: Knowledge
    drop: Drop | None = None
    steps: tuple[Step, ...] = ()

    def judge(self) -> None:
        if self.frame.kind is FrameKind.LINK:
            self._link_control()
        elif self.frame.kind is FrameKind.HANDSHAKE:
            self._handshake()
        else:
            self._record()

    def _add(self, reason: DropReason, expected: str, received: str, *, state: bool = False) -> None:
        """Book a step that passed, or one that needs ``state`` which is not known."""
        outcome = Outcome.NOT_REACHED if self.drop else Outcome.UNKNOWN if state else Outcome.PASSED
        texts = ("", "") if self.drop else (expected, received)
        self.steps += (Step(reason, outcome, *texts),)

    def _check(self, drop: Drop | None, reason: DropReason, expected: str, received: str) -> None:
        """Book a step that is ``drop`` where it failed."""
        if drop is None or self.drop is not None:
            self._add(reason, expected, received)
            return
        self.drop = drop
        self.steps += (Step(reason, Outcome.FAILED, drop.expected, drop.received),)

    # --- link control ---

    def _link_control(self) -> None:
        frame = self.frame
        try:
            message = decode_link(frame.payload)
        except LinkControlError as error:
            self._link_id(NO_LINK_ID)
            bad = unfit(frame, DropReason.LINK_MESSAGE, "a link control message", str(error))
            self._check(bad, DropReason.LINK_MESSAGE, "", "")
            self._add(DropReason.STATE, "", "")
            return
        if isinstance(message, Hello) and frame.direction is Direction.TO_PUMP:
            alone = check_link_id(frame, NO_LINK_ID)
            self._check(alone, DropReason.LINK_ID, f"link 0x{NO_LINK_ID:04X}", _id_text(frame))
        elif isinstance(message, Close) and frame.direction is Direction.TO_PUMP:
            self._link_id()
        else:
            self._link_id(NO_LINK_ID)
        name = type(message).__name__
        self._add(DropReason.LINK_MESSAGE, "a link control message", name)
        to_pump = frame.direction is Direction.TO_PUMP
        fitting = (Hello, Ping, Close) if to_pump else (HelloResponse, LinkError)
        wanted = "HELLO, PING or CLOSE" if to_pump else "HELLO_RSP or LINK_ERROR"
        if not isinstance(message, fitting):
            self._check(unfit(frame, DropReason.STATE, wanted, name), DropReason.STATE, "", "")
        elif isinstance(message, Hello):
            versions = f"versions {message.ver_min} to {message.ver_max}"
            wanted = f"a range with version {VERSION}"
            fits = message.ver_min <= VERSION <= message.ver_max
            bad_range = None if fits else unfit(frame, DropReason.STATE, wanted, versions)
            self._check(bad_range, DropReason.STATE, wanted, versions)
        elif isinstance(message, HelloResponse):
            wrong = message.ver != VERSION
            version, wanted = f"version {message.ver}", f"version {VERSION}"
            bad_version = unfit(frame, DropReason.STATE, wanted, version) if wrong else None
            if bad_version is not None:
                self._check(bad_version, DropReason.STATE, "", "")
            else:
                self._add(DropReason.STATE, "the nonce of a HELLO that waits", message.echo.hex(), state=True)
        elif isinstance(message, Ping):
            self._add(DropReason.STATE, "not too many PING in the last second", name, state=True)
        else:
            self._add(DropReason.STATE, wanted, name)

    # --- handshake ---

    def _handshake(self) -> None:
        frame = self.frame
        self._link_id()
        what = f"a {frame.kind.name} frame"
        if frame.direction is Direction.TO_PUMP:
            self._add(DropReason.STATE, "HELLO first, and no other programmer's session", what, state=True)
            self._add(DropReason.LOCKOUT, "no handshake too many", what, state=True)
        else:
            self._add(DropReason.STATE, "a handshake that waits for its answer", what, state=True)
        first = frame.direction is Direction.TO_PUMP
        step = HandshakeStep.FIRST if first else HandshakeStep.SECOND
        size = FIRST_SIZE if first else SECOND_SIZE
        wanted = f"the {step.name.lower()} message, {size} octets"
        received, fits = "", False
        try:
            header = HandshakeHeader.decode(frame.payload)
        except HandshakeError as error:
            received = str(error)
        else:
            suite = f"{header.suite.name} for slot {header.slot}"
            received = f"the {header.step.name.lower()} message of {suite}, {len(frame.payload)} octets"
            fits = header.step is step and len(frame.payload) == size
        bad = None if fits else unfit(frame, DropReason.HANDSHAKE, wanted, received)
        self._check(bad, DropReason.HANDSHAKE, wanted, received)
        self._add(DropReason.HANDSHAKE, "a message made with the bond's keys", "encrypted", state=True)

    # --- records ---

    def _record(self) -> None:
        frame, known = self.frame, self.known
        sealed = frame.kind is FrameKind.SECURE
        self._link_id()
        opened = "an open session" if sealed else "a pump in laboratory mode"
        self._add(DropReason.STATE, opened, f"a {frame.kind.name} record", state=True)
        least = OVERHEAD if sealed else COUNTER_SIZE
        size, wanted = len(frame.payload), f"at least {least} octets of counter{' and tag' if sealed else ''}"
        short = unfit(frame, DropReason.RECORD_SHORT, wanted, f"{size} octets") if size < least else None
        self._check(short, DropReason.RECORD_SHORT, wanted, f"{size} octets")
        number = int.from_bytes(frame.payload[:COUNTER_SIZE], "little")
        wanted = f"a counter below {MAX_RECORDS}"
        over = number >= MAX_RECORDS
        exhausted = unfit(frame, DropReason.EXHAUSTED, wanted, f"{number}") if over else None
        self._check(exhausted, DropReason.EXHAUSTED, wanted, str(number))
        last = known.last_counter
        wanted = f"a counter above {'the last one' if last is None else last}"
        if last is None:
            self._add(DropReason.REPLAY, wanted, str(number), state=True)
        else:
            old = unfit(frame, DropReason.REPLAY, wanted, f"{number}") if number <= last else None
            self._check(old, DropReason.REPLAY, wanted, str(number))
        if sealed:
            self._add(DropReason.AUTH, "a record sealed for this session and frame", "encrypted", state=True)
            self._add(DropReason.HEADER, "an application header", "encrypted", state=True)
        else:
            self._clear(size - COUNTER_SIZE)

    def _clear(self, size: int) -> None:
        """Book what a record that is not encrypted shows: how long its plaintext is."""
        received, wanted = f"{size} octets", f"at most {MAX_PLAINTEXT} octets of plaintext"
        long = unfit(self.frame, DropReason.LENGTH, wanted, received) if size > MAX_PLAINTEXT else None
        self._check(long, DropReason.LENGTH, wanted, received)
        wanted = f"an application header of {APPLICATION_HEADER} octets"
        short = unfit(self.frame, DropReason.HEADER, wanted, received) if size < APPLICATION_HEADER else None
        self._check(short, DropReason.HEADER, wanted, received)

    # --- shared ---

    def _link_id(self, *also: int) -> None:
        """Book the link id: one of those known, or one of those that are ``also`` good at any time."""
        frame, known = self.frame, self.known.link_ids
        ids = (*also, *known)
        wanted = " or ".join(f"0x{link_id:04X}" for link_id in ids)
        if known or frame.link_id in also:
            bad = check_link_id(frame, *ids)
            self._check(bad, DropReason.LINK_ID, f"link {wanted}", _id_text(frame))
        elif frame.link_id == NO_LINK_ID:
            # Before HELLO_RSP this would pass, and then be refused as out of place.
            bad = unfit(frame, DropReason.LINK_ID, "the link id from HELLO_RSP", _id_text(frame))
            self._check(bad, DropReason.LINK_ID, "", "")
        else:
            text = f"link {wanted}, or the id from HELLO_RSP" if also else "the link id from HELLO_RSP"
            self._add(DropReason.LINK_ID, text, _id_text(frame), state=True)


def _id_text(frame: Frame) -> str:
    return f"link 0x{frame.link_id:04X}"
