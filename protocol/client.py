"""A blocking client: the programmer's endpoint on a real or in-memory link.

    with PumpClient(open_link("pty:/tmp/pump")) as pump:
        pump.connect(key)
        print(pump.get_status().rate_nl_h)

One request at a time, in the caller's thread. Time is the link's. A request that finds no answer raises
`SessionLostError`: what became of it is unknown until a new session asks for its receipt.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from protocol.client_calls import PumpCalls
from protocol.client_errors import (
    ClientError,
    NoPumpError,
    PumpRefusedError,
    SessionLostError,
    WrongPumpError,
)
from protocol.client_refusals import REFUSALS
from protocol.endpoint_programmer import ProgrammerEndpoint, Stage
from protocol.events import (
    AnswerReceived,
    HandshakeUnanswered,
    LinkRefused,
    NoPump,
    NotificationReceived,
    PlaintextTap,
    ProgrammerEvent,
    PumpFound,
    RequestLost,
    SessionReady,
)
from protocol.exchange import MAX_TXN, RETRIES
from protocol.framing import LinkCounters
from protocol.handshake import Credentials, SessionGrant, Suite, enrol_psk
from protocol.link import Link, system_entropy
from protocol.link_control import HelloResponse, LinkErrorCode, SuiteBit, key_hint
from protocol.link_error import LinkError
from protocol.messages.bonds import BondEnrolRequest, BondEnrolResponse
from protocol.messages.errors import ErrorBody
from protocol.messages.registry import MessageSpec, by_request
from protocol.messages.session import SessionCloseRequest, SessionConfirmRequest, SessionConfirmResponse
from protocol.noise import public_key
from protocol.pump_link import Entropy
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import ClientKind, CloseReason, Role

CLIENT_VERSION: Final = 0x0001
MAX_HELD: Final = 1_024
"""Notifications held for `PumpClient.listen`; older ones give way, as the pump can always be asked."""

_READ_MS: Final = 1_000
_HEED_ALL: Final = frozenset(LinkErrorCode)
_HEED_IN_SESSION: Final = frozenset((LinkErrorCode.NO_SESSION,))
"""Anyone on the line can say BUSY; inside a session only the loss of the session itself is believed."""

Response = TypeVar("Response")
Good = TypeVar("Good")
Bad = TypeVar("Bad")


@dataclass(frozen=True, slots=True)
class BondKey:
    """What a programmer keeps of one bond; never shown.

    Attributes:
        pump_public: the pump's X25519 public key, 32 octets.
        slot: the bond's slot at the pump, 0..7.
        private: the programmer's X25519 private key, 32 octets.
    """

    pump_public: bytes
    slot: int
    private: bytes = field(repr=False)


class PumpClient(PumpCalls):
    """A programmer's blocking view of one pump.

    Args:
        link: an open link; the client closes it.
        entropy: source of nonces and ephemeral keys.
        client_kind: what kind of program this is.
        operator: who sits here, up to 16 octets of UTF-8.
        retries: repetitions of an unanswered request, 0..4.
        observe: told all events of a step once the endpoint has judged what came in.
        plaintext_tap: sees every message in plaintext, patient data; None shows nobody.
    """

    def __init__(
        self,
        link: Link,
        *,
        entropy: Entropy = system_entropy,
        client_kind: ClientKind = ClientKind.SCRIPT,
        operator: str = "",
        retries: int = RETRIES,
        observe: Callable[[Sequence[ProgrammerEvent]], None] | None = None,
        plaintext_tap: PlaintextTap | None = None,
    ) -> None:
        self._link = link
        self._endpoint = ProgrammerEndpoint(entropy, retries=retries, plaintext_tap=plaintext_tap)
        self._told: deque[NotificationReceived] = deque(maxlen=MAX_HELD)
        self._kind = client_kind
        self._operator = operator
        self._observe = observe
        self._open = False
        self.found: HelloResponse | None = None
        self.session: SessionConfirmResponse | None = None
        self.grant: SessionGrant | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def counters(self) -> LinkCounters:
        """What was received and what was refused, by reason."""
        return self._endpoint.counters

    @property
    def connected(self) -> bool:
        """Whether a confirmed session is believed to be open."""
        return self._open and not self._endpoint.exhausted

    def now_ms(self) -> int:
        """Link time in ms."""
        return self._link.now_ms()

    # --- sessions ---------------------------------------------------------------------------------------

    def discover(self) -> HelloResponse:
        """Find the pump at the other end.

        Raises:
            NoPumpError: nobody answered.
            VersionError: it speaks another major version.
            LinkError: the byte pipe failed.
        """
        self._open, self.found = False, None
        self._endpoint.discover(self.now_ms())
        event = self._wait(PumpFound, NoPump)
        if isinstance(event, NoPump):
            raise NoPumpError(
                f"No pump answered on {self._link.description} after {event.attempts} tries. "
                "Check that it is switched on and that the link is the right one."
            )
        self.found = event.response
        return event.response

    def connect(self, key: BondKey) -> SessionConfirmResponse:
        """Open a session with the bonded pump and confirm it.

        Raises:
            WrongPumpError: another pump is at the other end.
            NotBondedError: the pump does not accept this key.
            BusyError: the pump is in a session with another programmer.
            ClientError, LinkError: as the names say.
        """
        self.discover()
        return self.open_session(key)

    def open_session(self, key: BondKey, token: bytes | None = None) -> SessionConfirmResponse:
        """Open a session with the pump that `discover` found, and confirm it; raises as `connect`.

        With the ``token`` of PROXIMITY_TOKEN, fetched on the near link, a far-link session may treat.
        """
        self.check_pump(key.pump_public, self._found())
        credentials = Credentials(static=key.private, remote_static=key.pump_public, psk=token)
        self._shake_hands(Suite.KK if token is None else Suite.KKPSK2, key.slot, credentials)
        return self._confirm()

    def open_lab_session(self) -> SessionConfirmResponse:
        """Open a lab plaintext session with the pump that `discover` found: no keys, nothing encrypted.

        Raises:
            NoPumpError: no pump was found, or it was not started for lab plaintext.
            ClientError, LinkError: as the names say.
        """
        if SuiteBit.LAB_PLAINTEXT not in self._found().suites:
            raise NoPumpError(
                f"The pump on {self._link.description} does not answer lab plaintext. "
                "Start it with `cisterna emulate --lab-plaintext ROLE`, or connect with a card."
            )
        self._endpoint.open_lab_session()
        return self._confirm()

    @property
    def in_lab(self) -> bool:
        """Whether the pump found answers lab plaintext to anybody: it must be announced for as long."""
        return self.found is not None and SuiteBit.LAB_PLAINTEXT in self.found.suites

    def _found(self) -> HelloResponse:
        if self.found is None:
            raise NoPumpError("No pump was looked for; discover one first.")
        return self.found

    def enrol(
        self, card_secret: bytes, pump_public: bytes, private: bytes, role: Role, label: str
    ) -> BondKey:
        """Store this programmer's key in the pump, with the secret from the implant card, and close again.

        Args:
            card_secret: 17 octets from the card.
            pump_public: the pump's public key, from the card.
            private: the programmer's X25519 private key.
            role: role to ask for.
            label: name of the programmer, up to 16 octets.

        Raises:
            WrongPumpError: another pump is at the other end.
            NotBondedError: the card secret is wrong.
            PumpRefusedError: no slot is free, or the role is refused.
            ClientError, LinkError: as the names say.
        """
        self.check_pump(pump_public, self.discover())
        self._shake_hands(Suite.NNPSK0, 0, Credentials(psk=enrol_psk(card_secret, pump_public)))
        self._confirm()
        answer = self.call(BondEnrolRequest(public_key(private), role, label), BondEnrolResponse)
        if answer.pump_static_pub != pump_public:
            raise WrongPumpError("The pump's key is not the one on the implant card; do not use this pump.")
        # The bond is stored by now: what goes wrong with the farewell must not lose its slot.
        with suppress(ClientError, LinkError):
            self.end_session()
        return BondKey(pump_public, answer.slot, private)

    @staticmethod
    def check_pump(pump_public: bytes, found: HelloResponse) -> None:
        """Compare the pump's key hint with the key we hold.

        Raises:
            WrongPumpError: they differ.
        """
        if key_hint(pump_public, found.echo) != found.key_hint:
            raise WrongPumpError(
                "Another pump is at the other end of the link than the one this key belongs to. "
                "Check the serial number on the implant card, or enrol with this pump's card."
            )

    def _shake_hands(self, suite: Suite, slot: int, credentials: Credentials) -> None:
        if self.found is not None and self.found.lockout_s and slot != EMERGENCY_SLOT:
            raise REFUSALS[LinkErrorCode.LOCKED_OUT](self.found.lockout_s)
        self._endpoint.open_session(suite, slot, credentials, self.now_ms())
        event = self._wait(SessionReady, HandshakeUnanswered)
        if isinstance(event, HandshakeUnanswered):
            raise NoPumpError(
                f"The pump on {self._link.description} did not complete the handshake "
                f"({event.text}). Try again."
            )
        self.grant = event.grant

    def _confirm(self) -> SessionConfirmResponse:
        # Numbers of an earlier session would acknowledge what this one has not told yet.
        self._told.clear()
        request = SessionConfirmRequest(self._kind, CLIENT_VERSION, self._operator)
        self.session = self.call(request, SessionConfirmResponse)
        self._open = True
        return self.session

    def end_session(self, reason: CloseReason = CloseReason.DONE) -> None:
        """Close the session in order; the link stays open.

        Raises:
            ClientError, LinkError: the pump did not answer; the session ends by its idle time-out.
        """
        connected, self._open = self.connected, False
        if connected:
            self.request(SessionCloseRequest(reason))

    def close(self) -> None:
        """End the session if one is open, and close the link. Never raises."""
        try:
            if self._open and not self._endpoint.waiting:
                self.end_session()
        except (ClientError, LinkError):
            self._open = False
        finally:
            self._link.close()

    # --- requests ---------------------------------------------------------------------------------------

    def call(self, body: Any, expect: type[Response]) -> Response:
        """Send a request and return its response, which is an ``expect``."""
        answer = self.request(body)
        if not isinstance(answer, expect):
            raise TypeError(
                f"{type(body).__name__} is answered by {type(answer).__name__}, not {expect.__name__}"
            )
        return answer

    def request(self, body: Any) -> Any:
        """Send a request body and return the response body.

        Raises:
            PumpRefusedError: the pump answered ERROR.
            SessionLostError: no session, or no answer; the outcome is unknown where it says ``uncertain``.
            ValueError: a value does not fit its field.
        """
        spec = by_request(body)
        self._require_session(spec)
        try:
            self._endpoint.request(body, self.now_ms())
            event = self._wait(AnswerReceived, RequestLost, heed=_HEED_IN_SESSION)
        except ClientError as error:  # a refusal in plaintext says nothing of the outcome
            self._lose_session()
            raise SessionLostError(spec, f"{spec.name} found no answer: {error}") from error
        except LinkError as error:
            self._lose_session()
            raise SessionLostError(
                spec, f"The link failed while {spec.name} had no answer: {error}"
            ) from error
        if isinstance(event, AnswerReceived):
            if isinstance(event.body, ErrorBody):
                raise PumpRefusedError(spec, event.body)
            return event.body
        self._lose_session()
        raise SessionLostError(spec, f"{spec.name} found no answer in time; the session is lost.")

    def _require_session(self, spec: MessageSpec) -> None:
        text = ""
        if self._endpoint.stage is not Stage.OPEN:
            text = f"{spec.name} was not sent: no session is open. Connect to the pump first."
        elif self._endpoint.exhausted:
            text = f"{spec.name} was not sent: the session has used up its {MAX_TXN} requests. Connect again."
        if text:
            self._lose_session()
            raise SessionLostError(spec, text, sent=False)

    def listen(self, timeout_ms: int) -> list[NotificationReceived]:
        """Return what the pump said unasked, waiting up to ``timeout_ms`` of link time for the first.

        Repetitions of what was returned before are marked ``repeated``. Acknowledge with `notify_ack`; the
        session stays open only while the pump is asked something within its idle time-out.

        Raises:
            LinkError: the byte pipe failed.
        """
        until_ms = self.now_ms() + timeout_ms
        while not self._told and (left_ms := until_ms - self.now_ms()) > 0:
            self._step(left_ms)
        told, self._told = list(self._told), deque(maxlen=MAX_HELD)
        return told

    def _lose_session(self) -> None:
        self._open = False
        self._endpoint.abandon()

    # --- the wire ---------------------------------------------------------------------------------------

    def _wait(
        self, good: type[Good], bad: type[Bad], heed: frozenset[LinkErrorCode] = _HEED_ALL
    ) -> Good | Bad:
        """Run the endpoint until what is hoped for or what is feared happens; a refusal to heed raises."""
        while True:
            data = self._endpoint.data_to_send()
            if data:
                self._link.write(data)
            for event in self._step():
                if isinstance(event, (good, bad)):
                    return event
                if isinstance(event, LinkRefused) and event.code in heed:
                    raise REFUSALS[event.code](event.detail)

    def _step(self, at_most_ms: int = _READ_MS) -> list[ProgrammerEvent]:
        deadline = self._endpoint.next_deadline()
        patience = at_most_ms if deadline is None else min(at_most_ms, max(0, deadline - self.now_ms()))
        data = self._link.read(patience)
        now = self.now_ms()
        events = self._endpoint.receive(data, now) if data else []
        events += self._endpoint.handle_timeout(now)
        self._told.extend(event for event in events if isinstance(event, NotificationReceived))
        if self._observe is not None:
            self._observe(events)
        return events
