"""A scenario as it happens: both real endpoints on one clock, and everything that could be heard or done."""

from dataclasses import dataclass, field, replace
from typing import Any

from support.faulty_line import GOOD, Channel, Fault, Mishap
from support.protocol_pair import ConnectionPair, SeededEntropy
from support.scripted_device import ScriptedDevice
from support.sessions import PROGRAMMER_STATIC, PUMP_PUBLIC

from protocol.application import build_message
from protocol.events import AnswerReceived, LinkRefused, PumpFound, SessionReady
from protocol.frame import Direction, Frame, FrameKind, to_wire
from protocol.handshake import Credentials, Suite
from protocol.link_control import LinkClass
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import MessageSpec, by_name
from protocol.messages.session import SessionConfirmRequest
from protocol.noise import public_key
from protocol.requests import Observation, Refusal
from protocol.vocabulary import BondState, ClientKind, ErrorCode, Role

THINKING_MS = 250
"""Between two requests; it keeps the frames apart in time."""

GIVES_UP = "programmer gives up"
"""The one act that is the programmer's: it heeds a LINK_ERROR, which no endpoint must."""

CONFIRM = SessionConfirmRequest(ClientKind.TESTER, 0x0100, "golden")


@dataclass(frozen=True)
class Heard:
    """One frame on the line; ``raw`` where no endpoint made it, ``lost`` where it never arrived."""

    at_ms: int
    way: Direction
    wire: bytes
    lost: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Act:
    """Something that happened to the pump without a frame."""

    at_ms: int
    what: str
    value: Any


class RecordingEntropy:
    """Seeded entropy that remembers what it gave: the file has it, so that anybody can play it again."""

    def __init__(self, seed: str) -> None:
        self._source = SeededEntropy(seed)
        self.drawn: list[bytes] = []

    def __call__(self, count: int) -> bytes:
        self.drawn.append(self._source(count))
        return self.drawn[-1]


class _TappedChannel(Channel):
    def __init__(self, way: Direction, run: "GoldenRun", plan: list[Mishap]) -> None:
        super().__init__(plan)
        self._way, self._run = way, run

    def _carry(self, frame: bytes, mishap: Mishap, now_ms: int) -> None:
        lost = mishap.fault is Fault.DROP
        self._run.timeline.append(Heard(now_ms, self._way, frame, lost, self._run.saying_raw))
        super()._carry(frame, mishap, now_ms)


@dataclass
class Setting:
    """What a scenario begins with."""

    link_class: LinkClass = LinkClass.NEAR
    role: Role = Role.CLINICIAN
    state: BondState = BondState.CONFIRMED
    slot: int = 0
    static: bytes = PROGRAMMER_STATIC
    lab_role: Role | None = None
    bonded: bool = True
    tokens: dict[int, bytes] = field(default_factory=dict)
    lost_answer: int | None = None


class GoldenRun:
    """Both ends, the line between them, and the record of it."""

    def __init__(self, name: str, setting: Setting) -> None:
        self.setting = setting
        self.timeline: list[Heard | Act] = []
        self.saying_raw = False
        self.device = ScriptedDevice()
        self.device.far_link = setting.link_class is LinkClass.FAR
        self.device.tokens.update(setting.tokens)
        if setting.bonded:
            public = public_key(setting.static)
            self.device.add_bond(setting.slot, setting.role, setting.state, public)
        self.bonds = dict(self.device.bonds)
        self.entropies = (
            RecordingEntropy(f"golden pump {name}"),
            RecordingEntropy(f"golden programmer {name}"),
        )
        self.pair = ConnectionPair(
            device=self.device,
            link_class=setting.link_class,
            lab_role=setting.lab_role,
            entropies=self.entropies,
        )
        lost = setting.lost_answer
        plan = [] if lost is None else [GOOD] * lost + [Mishap(Fault.DROP)]
        self.pair.line.to_pump = _TappedChannel(Direction.TO_PUMP, self, [])
        self.pair.line.to_programmer = _TappedChannel(Direction.TO_PROGRAMMER, self, plan)

    # --- what the programmer does -------------------------------------------------------------------------

    def discover(self) -> None:
        assert isinstance(self.pair.discover(), PumpFound)

    def shake_hands(
        self, suite: Suite = Suite.KK, token: bytes | None = None, slot: int | None = None
    ) -> object:
        slot = self.setting.slot if slot is None else slot
        return self.pair.shake_hands(0 if suite is Suite.NNPSK0 else slot, self.setting.static, suite, token)

    def open(self, suite: Suite = Suite.KK, token: bytes | None = None, *, confirm: bool = True) -> None:
        """Discover, shake hands and confirm."""
        self.discover()
        assert isinstance(self.shake_hands(suite, token), SessionReady)
        if confirm:
            self.ask(CONFIRM)

    def open_lab(self) -> None:
        self.discover()
        self.pair.programmer.open_lab_session()
        self.ask(CONFIRM)

    def ask(self, *bodies: object) -> None:
        """Ask one thing after the other; each finds its answer."""
        for body in bodies:
            self.wait(THINKING_MS)
            answer = self.pair.ask(body)
            assert isinstance(answer, AnswerReceived)
            assert not isinstance(answer.body, ErrorBody), answer.body

    def refused(self, code: ErrorCode, body: object) -> None:
        """Ask what the endpoint refuses with ``code``."""
        self.wait(THINKING_MS)
        self._expect(code, self.pair.ask(body))

    def device_refuses(self, code: ErrorCode, field: int, detail: int, body: object) -> None:
        """Ask what the device refuses."""
        self.device.refusals.append(Refusal(code, field, detail))
        self.refused(code, body)

    @staticmethod
    def _expect(code: ErrorCode, answer: object) -> None:
        assert isinstance(answer, AnswerReceived)
        assert isinstance(answer.body, ErrorBody)
        assert answer.body.code is code, answer.body

    def say(
        self,
        code: ErrorCode,
        spec: MessageSpec,
        octets: bytes,
        *,
        opcode: int | None = None,
        ahead: int = 0,
        edit: tuple[int, int] | None = None,
    ) -> None:
        """Send a request that no programmer would make, sealed as it should be; the pump refuses it.

        ``octets`` is the body, ``ahead`` how far its transaction is out of sequence, ``edit`` an octet of the
        header with its value.
        """
        self.wait(THINKING_MS)
        programmer = self.pair.programmer
        session = programmer._session
        assert session is not None
        txn = session.exchange.next_txn()
        plaintext = bytearray(build_message(opcode or spec.request_opcode, txn + ahead, octets))
        if edit is not None:
            plaintext[edit[0]] = edit[1]
        self._speak(session.sender.seal(programmer._next_seq(), bytes(plaintext)))
        if not ahead:
            session.exchange.begin(spec, bytes(plaintext), self.pair.now_ms)
            event = self.pair.wait(AnswerReceived)
            self._expect(code, event)
        else:
            self.pair.step(1)

    def frame(self, kind: FrameKind, payload: bytes, link_id: int | None = None) -> None:
        """Send a frame that the endpoint would not send by itself, and hear what comes of it."""
        self.wait(THINKING_MS)
        programmer = self.pair.programmer
        link_id = programmer._link_id if link_id is None else link_id
        self._speak(Frame(kind, Direction.TO_PUMP, programmer._next_seq(), link_id, payload))
        self.pair.step(1)

    def _speak(self, frame: Frame) -> None:
        self.saying_raw = True
        self.pair.line.write(to_wire(frame))
        self.saying_raw = False

    def refused_in_plaintext(
        self, suite: Suite = Suite.KK, slot: int = 0, token: bytes | None = None
    ) -> None:
        """Try a handshake that is told off, a second after the last: LINK_ERROR comes once in that time."""
        self.wait(1_000)
        assert isinstance(self.shake_hands(suite, token, slot), LinkRefused)
        self._act(GIVES_UP, True)
        self.pair.programmer.abandon()

    def leave(self) -> None:
        self.wait(THINKING_MS)
        self.pair.programmer.leave()
        self.pair.step(1)

    # --- what happens to the pump ---------------------------------------------------------------------------

    def wait(self, ms: int) -> None:
        """Let time pass with both ends alive."""
        self.pair.run_for(ms)

    def head(self, on: bool) -> None:
        self._act("head", on)
        self.pair.set_head(on)
        self.pair.line.serve()

    def observe(self, **changes: Any) -> None:  # noqa: ANN401 - fields of an observation
        """Let the pump see something else from now on."""
        self.device.observation = replace(self.device.observation, **changes)
        self._act("observation", self.device.observation)
        self.pair.line.serve()

    def bond(self, slot: int, state: BondState) -> None:
        """Change a bond behind the session's back."""
        self.device.bonds[slot] = replace(self.device.bonds[slot], state=state)
        self._act("bond", self.device.bonds[slot])

    def lockout(self, seconds: int) -> None:
        self.device.lockouts[self.setting.link_class] = seconds
        self._act("lockout_s", seconds)

    def elsewhere(self, in_session: bool) -> None:
        self.device.elsewhere = in_session
        self._act("session_elsewhere", in_session)

    def _act(self, what: str, value: Observation | object) -> None:
        self.timeline.append(Act(self.pair.now_ms, what, value))


def credentials(static: bytes, suite: Suite, token: bytes | None, psk: bytes) -> Credentials:
    """The programmer's keys for one handshake."""
    if suite is Suite.NNPSK0:
        return Credentials(psk=psk)
    return Credentials(static=static, remote_static=PUMP_PUBLIC, psk=token)


def named(name: str) -> MessageSpec:
    """A message by its name."""
    return by_name(name)
