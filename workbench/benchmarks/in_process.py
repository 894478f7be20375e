"""GET_STATUS in one process: both endpoints and the pump, everything on but the link."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

import google_crc32c
from cobs import cobs
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from firmware_model.factory import make_pump
from firmware_model.pump import Pump
from firmware_model.streams import Stream
from protocol.client import BondKey, PumpClient
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import AnswerReceived, ProgrammerEvent, PumpEvent, RequestReceived
from protocol.frame import HEADER_SIZE
from protocol.handshake import Credentials, Suite
from protocol.memory_link import memory_link_pair
from protocol.messages.session import SessionConfirmRequest
from protocol.messages.status import GetStatusRequest, GetStatusResponse
from protocol.noise import KEY_SIZE
from protocol.records import COUNTER_SIZE, OVERHEAD
from protocol.vocabulary import ClientKind, Role
from workbench.benchmarks.measure import Effort, in_turns, wall_us_of_each
from workbench.benchmarks.report import Row, Target, Unit

LEAST: Final = Target(12_000.0, least=True)
_UTC_S: Final = 1_760_000_000
_SEED: Final = 1
_CALLS: Final = 4_000
_RESTED_CALLS: Final = 800
_REST_S: Final = 0.0001
_US_PER_S: Final = 1_000_000
_REQUEST_PLAINTEXT: Final = 8
_RESPONSE_PLAINTEXT: Final = 76


class NoAnswerError(Exception):
    """A request in one process found no answer: a defect."""


class Conversation:
    """A programmer and a pump in one process, in a confirmed session; octets go from hand to hand."""

    def __init__(self) -> None:
        self._pump = make_pump(seed=_SEED, utc_s=_UTC_S)
        self._pump_end = PumpEndpoint(self._pump, Stream(_SEED, "benchmark.pump"))
        self._programmer = ProgrammerEndpoint(Stream(_SEED, "benchmark.programmer"))
        self._now_ms = 0
        key = _enrolled(self._pump, self._pump_end)
        self._open_session(key)

    def _open_session(self, key: BondKey) -> None:
        self._programmer.discover(self._now_ms)
        self._carry()
        credentials = Credentials(static=key.private, remote_static=key.pump_public)
        self._programmer.open_session(Suite.KK, key.slot, credentials, self._now_ms)
        self._carry()
        self._programmer.request(SessionConfirmRequest(ClientKind.SCRIPT, 1, "benchmark"), self._now_ms)
        self._carry()

    def get_status(self) -> GetStatusResponse:
        """Ask for the status, 1 ms after what came before.

        Raises:
            NoAnswerError: there was no answer, or another one.
        """
        self._now_ms += 1
        self._pump.advance_to(self._now_ms)
        self._programmer.request(GetStatusRequest(), self._now_ms)
        match self._carry():
            case [AnswerReceived(body=GetStatusResponse() as body)]:
                return body
            case events:
                raise NoAnswerError(f"GET_STATUS was followed by {events}")

    def _carry(self) -> list[ProgrammerEvent]:
        serve(self._pump, self._pump_end, self._programmer.data_to_send(), self._now_ms)
        return self._programmer.receive(self._pump_end.data_to_send(), self._now_ms)


def serve(pump: Pump, endpoint: PumpEndpoint, octets: bytes, now_ms: int) -> None:
    """Let the pump's end take octets and answer the requests in them."""
    events: list[PumpEvent] = endpoint.receive(octets, now_ms)
    for event in events:
        if isinstance(event, RequestReceived):
            endpoint.respond(event, pump.handle(event.request))


def _enrolled(pump: Pump, endpoint: PumpEndpoint) -> BondKey:
    link, peer = memory_link_pair()

    def service(now_ms: int) -> int | None:
        serve(pump, endpoint, peer.read(), now_ms)
        peer.write(endpoint.data_to_send())
        return endpoint.next_deadline()

    peer.attach(service)
    client = PumpClient(link, entropy=Stream(_SEED, "benchmark.enrolment"))
    private = Stream(_SEED, "benchmark.key").take(KEY_SIZE)
    key = client.enrol(pump.card.secret, pump.card.static_public, private, Role.CLINICIAN, "benchmark")
    client.close()
    return key


def libraries_alone() -> Callable[[], None]:
    """Return what the C libraries must do for one round trip: seal, open, COBS and CRC-32C, both ways."""
    aead = ChaCha20Poly1305(bytes(KEY_SIZE))
    nonce, associated = bytes(12), bytes(HEADER_SIZE + COUNTER_SIZE)
    plaintexts = (bytes(_REQUEST_PLAINTEXT), bytes(_RESPONSE_PLAINTEXT))
    frames = tuple(bytes(HEADER_SIZE + OVERHEAD + len(plaintext)) for plaintext in plaintexts)

    def round_trip() -> None:
        for plaintext, frame in zip(plaintexts, frames, strict=True):
            sealed = aead.encrypt(nonce, plaintext, associated)
            google_crc32c.value(frame)
            coded = cobs.encode(frame)
            google_crc32c.value(cobs.decode(coded))
            aead.decrypt(nonce, sealed, associated)

    return round_trip


def in_process_rows(effort: Effort) -> Iterator[Row]:
    """Measure GET_STATUS, request to response."""
    calls = effort.calls(_CALLS)
    ask = Conversation().get_status
    pair = in_turns(ask, libraries_alone(), calls, calls, effort.repeats)
    yield Row(
        "get_status_in_process",
        "GET_STATUS, both endpoints and the pump in one process",
        Unit.PER_SECOND,
        _US_PER_S / pair.subject_us,
        _US_PER_S / pair.baseline_us,
        "AEAD, COBS and CRC alone",
        pair.ratio,
        LEAST,
    )
    yield _after_a_rest(ask, effort)


def _after_a_rest(ask: Callable[[], object], effort: Effort) -> Row:
    """Measure what the same work takes in a process that slept before, as one that waits for a peer does."""
    calls = effort.calls(_RESTED_CALLS)
    turns = [
        (median(wall_us_of_each(ask, calls, rest_s=_REST_S)), median(wall_us_of_each(ask, calls)))
        for _ in range(effort.repeats)
    ]
    return Row(
        "get_status_after_rest",
        "the same, after 0.1 ms of sleep each",
        Unit.MICROSECONDS,
        median(rested for rested, _ in turns),
        median(busy for _, busy in turns),
        "the same without a rest",
        median(rested / busy for rested, busy in turns),
    )
