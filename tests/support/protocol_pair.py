"""Both ends of OITP/1 on one line and one virtual clock: each test drives programmer and pump at once.

Nothing waits, and nothing is random that is not in the plan of the line or in the seed.
"""

from collections.abc import Callable, Iterable
from hashlib import shake_256
from typing import TypeVar

from support.device import CountingDevice
from support.faulty_line import Channel, Mishap
from support.sessions import CARD_SECRET, PROGRAMMER_STATIC, PUMP_PUBLIC

from protocol.client import BondKey, PumpClient
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import (
    AnswerReceived,
    HandshakeFailed,
    HandshakeUnanswered,
    LinkRefused,
    NoPump,
    ProgrammerEvent,
    PumpEvent,
    PumpFound,
    RequestLost,
    RequestReceived,
    SessionClosed,
    SessionOpened,
    SessionReady,
)
from protocol.handshake import Credentials, Suite, enrol_psk
from protocol.link_control import LinkClass
from protocol.link_error import LinkError, LinkFailure
from protocol.memory_link import VirtualClock
from protocol.messages.session import SessionConfirmRequest
from protocol.pump_link import Entropy
from protocol.pump_session import IDLE_TIMEOUT_S, PumpSession
from protocol.records import RecordSender
from protocol.vocabulary import BondState, ClientKind, Role

Wanted = TypeVar("Wanted")
Cut = Callable[[bytes], Iterable[bytes]]

CONFIRM = SessionConfirmRequest(ClientKind.TESTER, 0x0001, "test")
KEY = BondKey(PUMP_PUBLIC, 0, PROGRAMMER_STATIC)


class SeededEntropy:
    """Octets that look random and are the same in every run."""

    def __init__(self, seed: int | str = 0) -> None:
        self._seed, self._drawn = seed, 0

    def __call__(self, count: int) -> bytes:
        self._drawn += 1
        return shake_256(f"{self._seed}/{self._drawn}".encode()).digest(count)


def spend_records(session: PumpSession, count: int) -> None:
    """Let a session have sent ``count`` records already."""
    assert isinstance(session.sender, RecordSender)
    session.sender._counter = count


# --- the pump's end -----------------------------------------------------------------------------------------


class PumpHost:
    """The pump's endpoint with a device behind it, as the loop of a real pump drives them."""

    def __init__(self, pump: PumpEndpoint, device: CountingDevice, cut: Cut) -> None:
        self.pump, self.device = pump, device
        self.events: list[PumpEvent] = []
        self._cut = cut

    def serve(self, data: bytes, now_ms: int) -> bytes:
        """Take octets in, let time pass, execute what is asked; return the octets that go out."""
        for chunk in self._cut(data):
            self._handle(self.pump.receive(chunk, now_ms))
        self._handle(self.pump.handle_timeout(now_ms))
        if self.pump.subscribed:
            self._handle(self.pump.observe(self.device.observe(), now_ms))
        return self.pump.data_to_send()

    def set_head(self, on: bool, now_ms: int) -> None:
        """Put the programming head on the pump, or take it off."""
        self._handle(self.pump.set_head(on, now_ms))

    def _handle(self, events: list[PumpEvent]) -> None:
        for event in events:
            self.events.append(event)
            match event:
                case RequestReceived(request):
                    self._handle(self.pump.respond(event, self.device.handle(request)))
                case SessionOpened(caller):
                    self.device.session_opened(caller)
                case SessionClosed(session_id, reason):
                    self.device.session_closed(session_id, reason)
                case HandshakeFailed(slot, _, link_class, guess):
                    self.device.handshake_failed(slot, link_class, guess)
                case _:
                    pass


class Line:
    """A `protocol.link.Link` to a `PumpHost` over two channels, on a virtual clock."""

    description = "test line"

    def __init__(self, host: PumpHost, to_pump: Channel, to_programmer: Channel) -> None:
        self.host, self.to_pump, self.to_programmer = host, to_pump, to_programmer
        self.clock = VirtualClock()
        self.broken = False

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def write(self, data: bytes) -> None:
        self._check()
        self.to_pump.send(data, self.now_ms())

    def read(self, timeout_ms: int) -> bytes:
        deadline = self.now_ms() + timeout_ms
        while True:
            self.serve()
            data = self.to_programmer.take(self.now_ms())
            if data:
                return data
            self._check()
            if self.now_ms() >= deadline:
                return b""
            self.clock.advance_to(min([deadline, *self._coming()]))

    def serve(self) -> None:
        """Let the pump live at the present time."""
        now = self.now_ms()
        self.to_programmer.send(self.host.serve(self.to_pump.take(now), now), now)

    def let_pass(self, ms: int) -> None:
        """Let time pass with nobody at the programmer's end."""
        end = self.now_ms() + ms
        while self.now_ms() < end:
            self.serve()
            self.clock.advance_to(min([end, *self._coming()]))
        self.serve()

    def close(self) -> None:
        self.broken = True

    def _coming(self) -> list[int]:
        now = self.now_ms()
        due = (self.to_pump.next_due(), self.to_programmer.next_due(), self.host.pump.next_deadline())
        return [at for at in due if at is not None and at > now]

    def _check(self) -> None:
        if self.broken:
            raise LinkError(LinkFailure.VANISHED, "the test line was cut")


def whole(data: bytes) -> Iterable[bytes]:
    """Do not cut."""
    return [data] if data else []


class ConnectionPair:
    """A programmer and a pump, in h11's spirit: what one sends the other gets, and both are looked at.

    Args:
        role, state: of the bond in slot 0, which is the programmer's.
        device: the pump's inside; a new one with that bond where none is given.
        to_pump, to_programmer: what happens to the frames of each direction.
        link_class: near or far.
        cut: how the line cuts what arrives, at either end.
        seed: of both entropies.
        lab_role: what the pump answers lab plaintext as.
        entropies: of pump and programmer, where the seed is not enough.
    """

    def __init__(
        self,
        role: Role = Role.CLINICIAN,
        state: BondState = BondState.CONFIRMED,
        *,
        device: CountingDevice | None = None,
        to_pump: Iterable[Mishap] = (),
        to_programmer: Iterable[Mishap] = (),
        link_class: LinkClass = LinkClass.NEAR,
        idle_timeout_s: int = IDLE_TIMEOUT_S,
        cut: Cut = whole,
        seed: int = 0,
        lab_role: Role | None = None,
        entropies: tuple[Entropy, Entropy] | None = None,
    ) -> None:
        self.device = device or CountingDevice()
        if device is None:
            self.device.add_bond(0, role, state)
        seeded = (SeededEntropy(f"pump {seed}"), SeededEntropy(f"programmer {seed}"))
        pump_entropy, self._programmer_entropy = entropies or seeded
        self.pump = PumpEndpoint(
            self.device,
            pump_entropy,
            link_class=link_class,
            idle_timeout_s=idle_timeout_s,
            lab_role=lab_role,
        )
        self.host = PumpHost(self.pump, self.device, cut)
        self.line = Line(self.host, Channel(to_pump), Channel(to_programmer))
        self.programmer = ProgrammerEndpoint(self._programmer_entropy)
        self.events: list[ProgrammerEvent] = []
        self._cut = cut

    @property
    def now_ms(self) -> int:
        return self.line.now_ms()

    def client(self, retries: int = 4) -> PumpClient:
        """A blocking client on the same line."""
        return PumpClient(
            self.line, entropy=self._programmer_entropy, client_kind=ClientKind.TESTER, retries=retries
        )

    def wait(self, wanted: type[Wanted]) -> Wanted:
        """Run both ends until the programmer is told ``wanted``."""
        event = self._wait(wanted)
        assert isinstance(event, wanted)
        return event

    def _wait(self, *wanted: type) -> ProgrammerEvent:
        limit = self.now_ms + 120_000
        while self.now_ms < limit:
            for event in self.step():
                if isinstance(event, wanted):
                    return event
        raise AssertionError(f"the programmer was never told {wanted}")

    def step(self, patience_ms: int = 60_000) -> list[ProgrammerEvent]:
        """Let the programmer send, hear once, and look at its deadlines."""
        self.line.write(self.programmer.data_to_send())
        deadline = self.programmer.next_deadline()
        if deadline is not None:
            patience_ms = min(patience_ms, max(0, deadline - self.now_ms))
        events: list[ProgrammerEvent] = []
        for chunk in self._cut(self.line.read(patience_ms)):
            events += self.programmer.receive(chunk, self.now_ms)
        events += self.programmer.handle_timeout(self.now_ms)
        self.events += events
        return events

    def run_for(self, ms: int) -> list[ProgrammerEvent]:
        """Run both ends for a while; what the programmer was told."""
        end, told = self.now_ms + ms, list[ProgrammerEvent]()
        while self.now_ms < end:
            told += self.step(end - self.now_ms)
        return told

    def discover(self) -> PumpFound | NoPump:
        self.programmer.discover(self.now_ms)
        event = self._wait(PumpFound, NoPump)
        assert isinstance(event, PumpFound | NoPump)
        return event

    def shake_hands(
        self,
        slot: int = 0,
        static: bytes = PROGRAMMER_STATIC,
        suite: Suite = Suite.KK,
        token: bytes | None = None,
    ) -> SessionReady | HandshakeUnanswered | LinkRefused:
        credentials = Credentials(static=static, remote_static=PUMP_PUBLIC, psk=token)
        if suite is Suite.NNPSK0:
            credentials = Credentials(psk=enrol_psk(CARD_SECRET, PUMP_PUBLIC))
        self.programmer.open_session(suite, slot, credentials, self.now_ms)
        event = self._wait(SessionReady, HandshakeUnanswered, LinkRefused)
        assert isinstance(event, SessionReady | HandshakeUnanswered | LinkRefused)
        return event

    def open(
        self,
        slot: int = 0,
        static: bytes = PROGRAMMER_STATIC,
        suite: Suite = Suite.KK,
        *,
        token: bytes | None = None,
        confirm: bool = True,
    ) -> "ConnectionPair":
        """Discover, shake hands and confirm; nothing may go wrong."""
        assert isinstance(self.discover(), PumpFound)
        assert isinstance(self.shake_hands(slot, static, suite, token), SessionReady)
        if confirm:
            assert isinstance(self.ask(CONFIRM), AnswerReceived)
        return self

    def open_lab(self) -> "ConnectionPair":
        """Discover and begin a lab plaintext session, confirmed; nothing may go wrong."""
        assert isinstance(self.discover(), PumpFound)
        self.programmer.open_lab_session()
        assert isinstance(self.ask(CONFIRM), AnswerReceived)
        return self

    def set_head(self, on: bool) -> None:
        """Put the programming head on the pump, or take it off, now."""
        self.host.set_head(on, self.now_ms)

    def ask(self, body: object) -> AnswerReceived | RequestLost:
        """Send a request and wait for what becomes of it."""
        self.programmer.request(body, self.now_ms)
        event = self._wait(AnswerReceived, RequestLost)
        assert isinstance(event, AnswerReceived | RequestLost)
        return event
