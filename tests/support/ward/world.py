"""One pump at the far end of one bad line: link time, pump time, power, and what both ends really said."""

from typing import Any

from support.faulty_line import Channel, Mishap, Wild
from support.protocol_pair import SeededEntropy
from support.ward.ledger import Ledger, Witness

from emulator.host import Host
from emulator.links import Disconnected, LinkEvent, Received
from protocol.application import read_header
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import Direction, Frame, FrameKind, decode_piece
from protocol.link_error import LinkError, LinkFailure
from protocol.memory_link import VirtualClock

MAX_LIBRARY = 200
"""Frames of earlier sessions kept for replays."""


class World:
    """The pump behind its real endpoint and host, and the line to it.

    Args:
        device: a pump, `firmware_model.pump.Pump` or `support.ward.counted.CountedPump`.
        library: frames of sessions before this world, to be played again.
    """

    def __init__(self, device: Any, library: tuple[bytes, ...] = ()) -> None:  # noqa: ANN401
        self.clock = VirtualClock()
        self.pump_ahead_ms: int = getattr(device, "now_ms", 0)
        self.device = device
        self.ledger = Ledger()
        self.witness: Any = Witness(device, self.ledger)
        self.endpoint = PumpEndpoint(self.witness, SeededEntropy("pump"), plaintext_tap=self._tap)
        self.to_pump, self.to_programmer = Channel(), Channel()
        self._socket = _Socket()
        self.host = Host(self.witness, self.endpoint, self._socket, self)
        self.to_pump.mirror, self.to_programmer.mirror = self.to_programmer.put, self.to_pump.put
        for channel in (self.to_pump, self.to_programmer):
            channel.library = list(library)
        self.handles: list[Handle] = []
        self.head_on = True

    def now_ms(self) -> int:
        return self.clock.now_ms()

    @property
    def pump_ms(self) -> int:
        return self.now_ms() + self.pump_ahead_ms

    def _tap(self, direction: Direction, plaintext: bytes) -> None:
        session = self.endpoint.session
        if direction is Direction.TO_PUMP and session is not None and read_header(plaintext) is not None:
            self.ledger.open(session.session_id, plaintext)

    # --- the pump's life ----------------------------------------------------------------------------------

    def pump_now(self, wall_ms: int, _next_event_ms: int | None, /) -> int:
        """As `emulator.clock.TimeDriver`: pump time goes with link time, ahead of it after a jump."""
        return wall_ms + self.pump_ahead_ms

    def wall_deadline(self, wall_ms: int, next_event_ms: int | None, /) -> int | None:
        """As `emulator.clock.TimeDriver`; whoever waits here is called often enough."""
        return None

    def serve(self) -> None:
        """Let the pump live at the present time: what arrives, what is due, what goes out."""
        now = self.now_ms()
        while (arrival := self.to_pump.take_one(now)) is not None:
            self._arrive(*arrival)
        self._step()

    def _arrive(self, data: bytes, mishap: Mishap) -> None:
        match mishap.fault:
            case Wild.RESET_BEFORE:
                self.lose_power()
            case Wild.POWER_CUT:
                self.device.storage.cut_power_at(1 + mishap.how % 12)
            case Wild.TORN_CUT:
                self.device.storage.cut_power_at(1 + mishap.how % 12, torn=1 + mishap.how % 40)
            case _:
                pass
        self._socket.waiting.append(Received(data))
        self._step(deaf=mishap.fault is Wild.RESET_AFTER)
        if mishap.fault is Wild.RESET_AFTER:
            self.lose_power()

    def _step(self, *, deaf: bool = False) -> None:
        self.host.step(self.now_ms())
        said, self._socket.said = self._socket.said, b""
        if not deaf:
            self.to_programmer.send(said, self.now_ms())

    def lose_power(self) -> None:
        """The pump starts anew, as its host makes it."""
        self.device.storage.dark = True
        self._step()

    def set_head(self, on: bool) -> None:
        self.head_on = on
        self.serve()
        self.host.set_head(on)

    def jump_pump(self, ms: int) -> None:
        """Pump time runs ahead of link time."""
        self.pump_ahead_ms += ms
        self.serve()

    def let_pass(self, ms: int) -> None:
        """Link time (and pump time with it) passes with nobody at the programmer."""
        end = self.now_ms() + ms
        while self.now_ms() < end:
            self.serve()
            self.clock.advance_to(self.next_ms(end))
        self.serve()

    def next_ms(self, end: int) -> int:
        """When something happens next, ``end`` at the latest; what lies unread is no event."""
        now, unread = self.now_ms(), self.to_programmer.next_due()
        due = [self.to_pump.next_due(), self.endpoint.next_deadline()]
        if unread is not None and unread > now:
            due.append(unread)
        return min([end, *(max(at, now + 1) for at in due if at is not None)])

    def heal(self) -> None:
        """The line is good from now on, the head is on, and power stays."""
        self.device.storage.cut_power_at(0)
        self.to_pump.heal()
        self.to_programmer.heal()
        self.set_head(True)

    def unplug(self) -> None:
        """The line is pulled out: the pump notices, and so does whoever uses it next."""
        self.serve()
        self._socket.waiting.append(Disconnected("bad line"))
        self._step()
        for handle in self.handles:
            handle.broken = True
        self.handles.clear()

    def open_handle(self) -> "Handle":
        """Plug a programmer in."""
        handle = Handle(self)
        self.handles = [*[other for other in self.handles if not other.broken][-3:], handle]
        return handle

    def remember(self) -> None:
        """Keep what was said so far for replays in later sessions."""
        for channel in (self.to_pump, self.to_programmer):
            channel.library = (channel.library + channel.frames)[-MAX_LIBRARY:]


class _Socket:
    """The pump's end: a `emulator.links.PumpLink` that is filled and emptied by the world."""

    address = "bad line"
    poll_interval_ms: int | None = None
    discarded_bytes = 0

    def __init__(self) -> None:
        self.waiting: list[LinkEvent] = []
        self.said = b""

    def wait_on(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (), ()

    def start(self) -> None:
        """Nothing to start."""

    def poll(self) -> list[LinkEvent]:
        events, self.waiting = self.waiting, []
        return events

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        """Nothing to close."""


class Handle:
    """A `protocol.link.Link` of one programmer to the world."""

    description = "bad line"

    def __init__(self, world: World) -> None:
        self._world = world
        self.broken = False
        self.key: tuple[int, int] | None = None
        """Session and transaction of what is being asked, for the count of transmissions."""

    def now_ms(self) -> int:
        return self._world.now_ms()

    def write(self, data: bytes) -> None:
        self._check()
        for piece in data.split(b"\x00"):
            frame = decode_piece(piece, Direction.TO_PUMP) if piece else None
            if isinstance(frame, Frame) and frame.kind is FrameKind.SECURE and self.key is not None:
                self._world.ledger.sent[self.key] += 1
        self._world.to_pump.send(data, self.now_ms())

    def read(self, timeout_ms: int) -> bytes:
        world = self._world
        deadline = self.now_ms() + timeout_ms
        while True:
            world.serve()
            data = world.to_programmer.take(self.now_ms())
            if data:
                return data
            self._check()
            if self.now_ms() >= deadline:
                return b""
            world.clock.advance_to(world.next_ms(deadline))

    def close(self) -> None:
        self.broken = True

    def _check(self) -> None:
        if self.broken:
            raise LinkError(LinkFailure.VANISHED, "the bad line was pulled out; connect again")
