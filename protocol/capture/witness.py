"""A bystander who watches both directions of a link and knows what anyone can know from it.

He sees which link ids the pump gave out and how high the record counters have come; he holds no key, so what
he says of a frame is what every receiver must make of it, and never more.
"""

from dataclasses import dataclass, field

from protocol.capture.verdict import NOTHING, Knowledge, Verdict, judge_frame
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind
from protocol.link_control import HelloResponse, LinkControlError, decode_link
from protocol.records import COUNTER_SIZE, OVERHEAD

_REMEMBERED = 4
"""Link ids kept: a session may outlive a later discovery, but not many."""


@dataclass(slots=True)
class Witness:
    """Judges one frame after the other, and learns from each that is not dropped."""

    _link_ids: list[int] = field(default_factory=list)
    _announced: bool = False
    _counters: dict[tuple[Direction, int], int] = field(default_factory=dict)

    def knowledge(self, direction: Direction | None, link_id: int) -> Knowledge:
        """Return what is known for a frame of ``link_id`` that goes in ``direction``."""
        if direction is None or not self._announced:
            return Knowledge(direction)
        last = self._counters.get((direction, link_id))
        return Knowledge(direction, tuple(self._link_ids), last)

    def judge(self, octets: bytes, direction: Direction | None, told: Knowledge = NOTHING) -> Verdict:
        """Judge a link frame (after COBS) and learn from it; what is ``told`` comes before what was seen."""
        link_id = int.from_bytes(octets[4:6], "little") if len(octets) >= 6 else NO_LINK_ID
        seen = self.knowledge(direction, link_id)
        last = seen.last_counter if told.last_counter is None else told.last_counter
        verdict = judge_frame(octets, Knowledge(direction, told.link_ids or seen.link_ids, last))
        if verdict.frame is not None and verdict.drop is None:
            self._learn(verdict.frame)
        return verdict

    def restart(self) -> None:
        """The line was broken, or the pump started anew: counters begin again with the next session."""
        self._counters.clear()

    def _learn(self, frame: Frame) -> None:
        way = (frame.direction, frame.link_id)
        if frame.kind is FrameKind.SECURE and len(frame.payload) >= OVERHEAD:
            number = int.from_bytes(frame.payload[:COUNTER_SIZE], "little")
            self._counters[way] = max(number, self._counters.get(way, -1))
            self._remember(frame.link_id)
        elif frame.kind is FrameKind.HANDSHAKE and frame.direction is Direction.TO_PROGRAMMER:
            # The pump's answer opens a session: both directions count from 0.
            for direction in Direction:
                self._counters.pop((direction, frame.link_id), None)
        elif frame.kind is FrameKind.LINK and frame.direction is Direction.TO_PROGRAMMER:
            self._learn_link(frame)

    def _learn_link(self, frame: Frame) -> None:
        try:
            message = decode_link(frame.payload)
        except LinkControlError:
            return
        if isinstance(message, HelloResponse):
            self._announced = True
            self._remember(message.link_id)

    def _remember(self, link_id: int) -> None:
        if link_id in self._link_ids:
            self._link_ids.remove(link_id)
        self._link_ids = [*self._link_ids[1 - _REMEMBERED :], link_id]
