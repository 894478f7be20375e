"""Turns the octets of a link into packets of a capture, each with what is to be said of it.

The octets of both directions go in as they come, cut anyhow; out comes one packet for each frame, or for each
piece that is none, split by the rules of `protocol.framing`. What the endpoint drops is marked with its own
reason. Times are link time since the capture began, never civil time; pump time is noted where it differs.
Direction is seen from the pump: inbound is towards it, outbound comes from it, wherever the capture is made.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    Interface,
    Packet,
    PcapngWriter,
    export_pdu,
)
from protocol.capture.witness import Witness
from protocol.drops import Drop, DropReason
from protocol.events import PlaintextTap
from protocol.frame import CRC_SIZE, HEADER_SIZE, Direction, FrameKind, encode_frame
from protocol.framing import GAP_MS, Deframer
from protocol.records import COUNTER_SIZE, OVERHEAD

LINK: Final = Interface(
    LINKTYPE_USER0,
    "link",
    "OITP/1 link frames after COBS; inbound goes to the pump; link time since the start of the capture",
)
BODIES: Final = Interface(
    LINKTYPE_WIRESHARK_UPPER_PDU,
    "bodies",
    "OITP/1 application header and body of the record before, DECRYPTED",
)
DISSECTOR: Final = "oitp.app"
"""Wireshark's name of the dissector for decrypted bodies."""
NOTICE: Final = "SIMULATION - NOT FOR CLINICAL USE"

DROPPED: Final = "dropped: "
"""Begins the comment of a frame that the endpoint beside the capture refused."""
DOOMED: Final = "would be dropped: "
"""Begins the comment of a frame that any receiver must refuse, said by a bystander."""
FAULT: Final = "fault injected: "
"""Begins the comment of a fault that was put on the link on purpose."""
PUMP_TIME: Final = "pump time "
"""Begins the comment that tells pump time where it differs from link time."""
RAW: Final = frozenset((DropReason.COBS, DropReason.OVERRUN, DropReason.GAP))
"""Reasons of pieces that are in the capture as they came, since there is no frame in them."""

_NS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class _Caught:
    """A packet that may still get comments."""

    direction: Direction
    octets: bytes
    at_ms: int
    interface: int = 0
    comments: list[str] = field(default_factory=list)
    marked: bool = False


class Recorder:
    """Records one link.

    Args:
        bodies: let decrypted bodies into the capture. They are patient data.
        endpoint: the direction whose frames an endpoint beside the recorder judges and tells by `dropped`;
            None where there is no endpoint, and every frame is judged as a bystander can.
        gap_ms: longest silence inside a frame, as the endpoint has it.
        application: name of the program that captures.
    """

    def __init__(
        self,
        *,
        bodies: bool = False,
        endpoint: Direction | None = None,
        gap_ms: int = GAP_MS,
        application: str = "cisterna",
    ) -> None:
        self._endpoint = endpoint
        self._bodies = bodies
        note = "with decrypted bodies: patient data" if bodies else "without decrypted bodies"
        self._writer = PcapngWriter((LINK, BODIES) if bodies else (LINK,), application, (NOTICE, note))
        self._deframers = {way: Deframer(way, gap_ms) for way in Direction}
        self._witness = Witness()
        self._start: tuple[int, int | None] | None = None
        self._link_ms = 0
        self._lead_ms = 0
        self._caught: list[_Caught] = []
        self._notes: list[str] = []
        # Bodies that were sealed before their frame went out, and those of frames that came in.
        self._sealed: dict[Direction, deque[bytes]] = {way: deque() for way in Direction}
        self.packets = 0
        """Packets given out so far."""

    def header(self) -> bytes:
        """Return the octets that begin the capture."""
        return self._writer.header()

    @property
    def plaintext_tap(self) -> PlaintextTap | None:
        """What to hand to an endpoint as its tap: None unless decrypted bodies are allowed."""
        return self._plaintext if self._bodies else None

    # --- what happens -------------------------------------------------------------------------------------

    def at(self, link_ms: int, pump_ms: int | None = None) -> None:
        """Tell the time in ms of what follows, on the link and, where known, of the pump; first is zero."""
        if self._start is None:
            self._start = (link_ms, pump_ms)
        self._link_ms = link_ms
        start_ms, pump_start_ms = self._start
        if pump_ms is not None and pump_start_ms is not None:
            self._lead_ms = (pump_ms - pump_start_ms) - (link_ms - start_ms)
        for way, deframer in self._deframers.items():
            drop = deframer.expire(link_ms)
            if drop is not None:
                self._catch(way, drop.octets, drop)

    def octets(self, direction: Direction, data: bytes) -> None:
        """Take octets that went in ``direction``."""
        for item in self._deframers[direction].receive(data, self._link_ms):
            if isinstance(item, Drop):
                self._catch(direction, item.octets, item)
            else:
                self._catch(direction, encode_frame(item), None)

    def dropped(self, drop: Drop) -> None:
        """Mark what the endpoint has just refused, with its own words."""
        text = DROPPED + drop_text(drop)
        for caught in self._caught:
            if caught.direction is self._endpoint and caught.octets == drop.octets and not caught.marked:
                caught.marked = True
                caught.comments = [c for c in caught.comments if not c.startswith((DROPPED, DOOMED))]
                caught.comments.append(text)
                return

    def note(self, text: str) -> None:
        """Say ``text`` with the next packet."""
        self._notes.append(text)

    def note_fault(self, text: str) -> None:
        """Say with the next packet that a fault was put on the link on purpose."""
        self.note(FAULT + text)

    def restarted(self) -> None:
        """The line broke or the pump started again: what was half sent will never be whole."""
        self._witness.restart()
        for sealed in self._sealed.values():
            sealed.clear()

    # --- what comes out -----------------------------------------------------------------------------------

    def take(self) -> bytes:
        """Return the packets that are complete by now; call it when the endpoint has judged what came in."""
        caught, self._caught = self._caught, []
        self.packets += len(caught)
        return b"".join(self._writer.packet(self._packet(one)) for one in caught)

    def finish(self) -> bytes:
        """Return what is left at the end: packets, broken pieces and notes that found no packet."""
        for way, deframer in self._deframers.items():
            due_ms = deframer.next_deadline()
            drop = None if due_ms is None else deframer.expire(due_ms)
            if drop is not None:
                self._catch(way, drop.octets, drop)
        if self._notes:
            self._keep(_Caught(Direction.TO_PUMP, b"", self._link_ms))
        return self.take()

    # --- inside -------------------------------------------------------------------------------------------

    def _catch(self, direction: Direction, octets: bytes, drop: Drop | None) -> None:
        caught = _Caught(direction, octets, self._link_ms)
        if drop is None or drop.reason not in RAW:
            drop = self._witness.judge(octets, direction).drop
        if drop is not None and direction is not self._endpoint:
            caught.comments.append(DOOMED + drop_text(drop))
        elif drop is not None and drop.reason in RAW:
            # Even if the endpoint says nothing of it, a reader must know that this is no frame.
            caught.comments.append(DROPPED + drop_text(drop))
        self._keep(caught)
        self._pair_sealed(caught)

    def _keep(self, caught: _Caught) -> None:
        caught.comments += self._notes
        self._notes = []
        if self._lead_ms:
            start_ms = self._start[0] if self._start else 0
            caught.comments.append(f"{PUMP_TIME}{caught.at_ms - start_ms + self._lead_ms} ms")
        self._caught.append(caught)

    def _packet(self, caught: _Caught) -> Packet:
        start_ms = self._start[0] if self._start else 0
        timestamp_ns = max(0, caught.at_ms - start_ms) * _NS_PER_MS
        outbound = caught.direction is Direction.TO_PROGRAMMER
        return Packet(caught.interface, timestamp_ns, caught.octets, outbound, tuple(caught.comments))

    def _plaintext(self, direction: Direction, plaintext: bytes) -> None:
        if direction is not self._endpoint:
            self._sealed[direction].append(plaintext)  # its frame has not gone out yet
        else:
            self._keep(self._body(direction, plaintext))

    def _pair_sealed(self, caught: _Caught) -> None:
        """Put a body that was sealed beforehand behind the frame that carries it."""
        sealed, size = self._sealed[caught.direction], record_size(caught.octets)
        if size not in [len(plaintext) for plaintext in sealed]:
            return
        # Frames go out in the order in which they were sealed: one that was passed over was never sent.
        while len(plaintext := sealed.popleft()) != size:
            pass
        self._keep(self._body(caught.direction, plaintext))

    def _body(self, direction: Direction, plaintext: bytes) -> _Caught:
        return _Caught(direction, export_pdu(DISSECTOR, plaintext), self._link_ms, interface=1)


def drop_text(drop: Drop) -> str:
    """Return a drop as one comment: reason, what was expected and what was received."""
    return f"{drop.reason.value}: expected {drop.expected}, received {drop.received}"


def drop_reason(comments: Iterable[str]) -> tuple[DropReason, str] | None:
    """Return the reason and the text of the first drop that ``comments`` tell, None where they tell none."""
    for comment in comments:
        for mark in (DROPPED, DOOMED):
            name, colon, _ = comment.removeprefix(mark).partition(":")
            if comment.startswith(mark) and colon and name in _REASONS:
                return _REASONS[name], comment
    return None


_REASONS: Final = {reason.value: reason for reason in DropReason}


def record_size(frame: bytes) -> int | None:
    """Return how many octets of plaintext the record in ``frame`` carries, None where it carries none."""
    overheads = {FrameKind.SECURE.value: OVERHEAD, FrameKind.CLEAR.value: COUNTER_SIZE}
    overhead = overheads.get(frame[1]) if len(frame) > HEADER_SIZE else None
    if overhead is None:
        return None
    size = len(frame) - HEADER_SIZE - CRC_SIZE - overhead
    return size if size >= 0 else None
