"""The programmer under soak: its endpoint in each state, fed with what a pump never said."""

from random import Random
from typing import Final

from support.device import CountingDevice
from support.faulty_line import split_frames
from support.protocol_pair import CONFIRM, PumpHost, SeededEntropy, whole
from support.sessions import PROGRAMMER_STATIC, PUMP_PUBLIC
from support.soak.mutations import Mutator
from support.soak.pump_target import SoakError

from protocol.endpoint_programmer import ProgrammerEndpoint, Stage
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import AnswerReceived, NotificationReceived, ProgrammerEvent, SessionReady
from protocol.frame import Direction, Frame, decode_piece, encode_frame
from protocol.handshake import Credentials, Suite
from protocol.messages.status import GetStatusRequest

STATES: Final = ("idle", "discovering", "shaking hands", "waiting")
BELIEVED: Final = (AnswerReceived, NotificationReceived, SessionReady)
"""What only the holder of the pump's keys can make a programmer believe."""

REPEATS: Final = 8
"""Frames a programmer may send by itself between two refreshes: HELLO, handshake or request, repeated."""


class ProgrammerTarget:
    """A programmer's endpoint in one of `STATES`.

    Args:
        state: which.
        random: choices.
        corpus: link frames for mutations.
        seed: entropy of both endpoints.
    """

    def __init__(self, state: str, random: Random, corpus: tuple[bytes, ...], seed: str) -> None:
        self.state = state
        self.mutator = Mutator(random, corpus, int(Direction.TO_PROGRAMMER))
        self.now_ms = 1_000
        device = CountingDevice()
        device.add_bond()
        self._pump = PumpHost(PumpEndpoint(device, SeededEntropy(f"{seed} pump")), device, whole)
        self.endpoint = ProgrammerEndpoint(SeededEntropy(f"{seed} programmer"))
        self._sent = 0
        self.keepalives = 0
        self.octets_in = self.octets_out = 0
        self.refresh()

    def next(self) -> bytes:
        """Return the next octets a stranger sends."""
        return self.mutator.next()

    def feed(self, data: bytes, passes_ms: int) -> None:
        """Let octets of a stranger come in.

        Raises:
            SoakError: the programmer believed them, or said more than its repetitions.
        """
        self.now_ms += passes_ms
        self.octets_in += len(data)
        events = self.endpoint.receive(data, self.now_ms)
        deadline = self.endpoint.next_deadline()
        if deadline is not None and deadline <= self.now_ms:
            events += self.endpoint.handle_timeout(self.now_ms)
        if any(isinstance(event, BELIEVED) for event in events):
            raise SoakError(f"the programmer believed a stranger in state {self.state}: {events}")
        self._sent += self._heard_of(self.endpoint.data_to_send())
        if self._sent > REPEATS:
            raise SoakError(f"the programmer sent {self._sent} frames by itself in state {self.state}")

    def _heard_of(self, out: bytes) -> int:
        self.octets_out += len(out)
        return len(split_frames(out))

    # --- upkeep: the genuine pump -------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the programmer into its state with the genuine pump, and leave it there."""
        self._sent = 0
        self.endpoint.abandon()
        if self.state == "idle":
            return
        self.endpoint.discover(self.now_ms)
        answer = self._carry()
        if self.state == "discovering":
            return
        self.endpoint.receive(answer, self.now_ms)
        assert self.endpoint.stage is Stage.FOUND
        self.mutator.link_id = self._pump.pump._link.link_id
        keys = Credentials(static=PROGRAMMER_STATIC, remote_static=PUMP_PUBLIC)
        self.endpoint.open_session(Suite.KK, 0, keys, self.now_ms)
        # A stranger who hands on what the genuine pump has just said is only a line.
        answer = self._carry(overheard=self.state != "shaking hands")
        if self.state == "shaking hands":
            return
        self.endpoint.receive(answer, self.now_ms)
        self._ask(CONFIRM)
        self._ask(GetStatusRequest())
        self.endpoint.request(GetStatusRequest(), self.now_ms)
        self._sent += self._heard_of(self.endpoint.data_to_send())

    def _ask(self, body: object) -> None:
        self.endpoint.request(body, self.now_ms)
        events: list[ProgrammerEvent] = self.endpoint.receive(self._carry(), self.now_ms)
        if not any(isinstance(event, AnswerReceived) for event in events):
            raise SoakError(f"{type(body).__name__} found no answer")
        self.keepalives += 1

    def _carry(self, *, overheard: bool = True) -> bytes:
        answer = self._pump.serve(self.endpoint.data_to_send(), self.now_ms)
        self._pump.events.clear()
        for wire in split_frames(answer) if overheard else ():
            frame = decode_piece(wire[1:-1], Direction.TO_PROGRAMMER)
            assert isinstance(frame, Frame)
            self.mutator.note(encode_frame(frame)[:-4])
        return answer

    def check(self) -> None:
        """Nothing stays behind a programmer but what `feed` has looked at."""
