"""One genuine frame of each kind, just before it arrives, and the endpoint in the state that waits for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from support.device import CountingDevice
from support.protocol_pair import ConnectionPair
from support.sessions import CARD_SECRET, PROGRAMMER_STATIC, PUMP_PUBLIC, secret

from protocol.application import build_request
from protocol.events import FrameDropped, RequestReceived
from protocol.frame import Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.framing import LinkCounters
from protocol.handshake import Credentials, Suite, enrol_psk
from protocol.link_control import (
    Close,
    LinkClass,
    LinkError,
    LinkErrorCode,
    LinkMessage,
    Ping,
    Pong,
    encode_link,
)
from protocol.messages.registry import by_name
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import CloseReason, Role

TOKEN = secret("token of the frame cases")
GAP_MS = 100


class Receiver(Protocol):
    """Either endpoint, as the line sees it."""

    @property
    def counters(self) -> LinkCounters: ...

    def receive(self, data: bytes, now_ms: int) -> list[Any]: ...

    def handle_timeout(self, now_ms: int) -> list[Any]: ...

    def data_to_send(self) -> bytes: ...


@dataclass
class FrameCase:
    """A frame on its way.

    Attributes:
        receiver: the endpoint it goes to.
        direction: which way that is.
        wire: the frame as on the wire.
        pair: both endpoints.
        taken: whether the receiver takes it in this state; PONG is answered to nobody.
    """

    receiver: Receiver
    direction: Direction
    wire: bytes
    pair: ConnectionPair
    taken: bool = True
    now_ms: int = 0

    @property
    def frame(self) -> Frame:
        """The frame itself."""
        frame = decode_piece(self.wire[1:-1], self.direction)
        assert isinstance(frame, Frame)
        return frame

    def hear(self, data: bytes) -> tuple[dict[str, int], bytes, list[Any]]:
        """Let octets arrive; the counters that moved, what was answered, and the events beside drops.

        Where the octets end inside a frame, silence follows until it is given up, and then a delimiter.
        """
        now_ms = self.now_ms
        before = dict(self.receiver.counters.drops)
        events = self.receiver.receive(data, now_ms)
        if not data.endswith(b"\0"):
            # A flip took the last delimiter away: only silence ends the frame.
            now_ms = self.now_ms = now_ms + GAP_MS
            events += self.receiver.handle_timeout(now_ms)
            events += self.receiver.receive(b"\0", now_ms)
        after = self.receiver.counters.drops
        moved = {why.value: after[why] - before[why] for why in after if after[why] != before[why]}
        kept = [event for event in events if not isinstance(event, FrameDropped)]
        assert len(events) - len(kept) == sum(moved.values())
        return moved, self.receiver.data_to_send(), kept


def _to_pump(pair: ConnectionPair) -> FrameCase:
    return FrameCase(pair.pump, Direction.TO_PUMP, pair.programmer.data_to_send(), pair)


def _to_programmer(pair: ConnectionPair) -> FrameCase:
    return FrameCase(pair.programmer, Direction.TO_PROGRAMMER, pair.pump.data_to_send(), pair)


def _found(**arguments: Any) -> ConnectionPair:  # noqa: ANN401 - of the pair
    pair = ConnectionPair(**arguments)
    pair.discover()
    return pair


def hello() -> FrameCase:
    """HELLO to a pump that listens."""
    pair = ConnectionPair()
    pair.programmer.discover(0)
    return _to_pump(pair)


def hello_rsp() -> FrameCase:
    """HELLO_RSP to the programmer that asked."""
    case = hello()
    case.pair.pump.receive(case.wire, 0)
    return _to_programmer(case.pair)


def _link(message: LinkMessage, direction: Direction, taken: bool = True) -> FrameCase:
    pair = _found()
    wire = to_wire(Frame(FrameKind.LINK, direction, 9, pair.programmer._link_id, encode_link(message)))
    receiver = pair.pump if direction is Direction.TO_PUMP else pair.programmer
    return FrameCase(receiver, direction, wire, pair, taken)


def ping() -> FrameCase:
    """PING on a link that was discovered."""
    return _link(Ping(b"hear me"), Direction.TO_PUMP)


def pong() -> FrameCase:
    """PONG to a programmer that asked for none."""
    return _link(Pong(b"hear me"), Direction.TO_PROGRAMMER, taken=False)


def close() -> FrameCase:
    """CLOSE of a link that was discovered."""
    return _link(Close(CloseReason.DONE), Direction.TO_PUMP)


def link_error() -> FrameCase:
    """LINK_ERROR to a programmer that has found the pump."""
    return _link(LinkError(LinkErrorCode.BUSY, 0), Direction.TO_PROGRAMMER)


def _shake(suite: Suite) -> ConnectionPair:
    device = CountingDevice(far_link=suite is Suite.KKPSK2)
    device.add_bond(0)
    device.tokens[0] = TOKEN
    pair = _found(device=device, link_class=LinkClass.FAR if suite is Suite.KKPSK2 else LinkClass.NEAR)
    token = TOKEN if suite is Suite.KKPSK2 else None
    keys = Credentials(static=PROGRAMMER_STATIC, remote_static=PUMP_PUBLIC, psk=token)
    if suite is Suite.NNPSK0:
        keys = Credentials(psk=enrol_psk(CARD_SECRET, PUMP_PUBLIC))
    pair.programmer.open_session(suite, 0, keys, 0)
    return pair


def _first(suite: Suite) -> FrameCase:
    return _to_pump(_shake(suite))


def _second(suite: Suite) -> FrameCase:
    case = _first(suite)
    case.pair.pump.receive(case.wire, 0)
    return _to_programmer(case.pair)


def _asked(pair: ConnectionPair) -> FrameCase:
    pair.programmer.request(GetStatusRequest(), 0)
    return _to_pump(pair)


def _answered(pair: ConnectionPair) -> FrameCase:
    case = _asked(pair)
    (event,) = pair.pump.receive(case.wire, 0)
    assert isinstance(event, RequestReceived)
    pair.pump.respond(event, pair.device.handle(event.request))
    return _to_programmer(pair)


def secure_request() -> FrameCase:
    """GET_STATUS in an open session, which has confirmed and therefore expects counter 1."""
    return _asked(ConnectionPair().open())


def secure_response() -> FrameCase:
    """The answer to it."""
    return _answered(ConnectionPair().open())


def clear_request() -> FrameCase:
    """GET_STATUS in lab plaintext."""
    return _asked(ConnectionPair(lab_role=Role.CLINICIAN).open_lab())


def clear_response() -> FrameCase:
    """The answer to it."""
    return _answered(ConnectionPair(lab_role=Role.CLINICIAN).open_lab())


CASES: dict[str, Callable[[], FrameCase]] = {
    "HELLO": hello,
    "HELLO_RSP": hello_rsp,
    "PING": ping,
    "PONG": pong,
    "CLOSE": close,
    "LINK_ERROR": link_error,
    **{f"{suite.name} FIRST": partial(_first, suite) for suite in Suite},
    **{f"{suite.name} SECOND": partial(_second, suite) for suite in Suite},
    "SECURE request": secure_request,
    "SECURE response": secure_response,
    "CLEAR request": clear_request,
    "CLEAR response": clear_response,
}
"""Every kind of frame, each step and direction of it. Each call makes the same frame."""

STATUS = by_name("GET_STATUS")


def status_request(txn: int) -> bytes:
    """The plaintext of the request in the cases above, which is transaction 2."""
    return build_request(STATUS, GetStatusRequest(), txn)
