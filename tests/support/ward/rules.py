"""The state machine: everything that programmers, the line, time and power can do, one step at a time.

After each step the books are looked at: no request executed twice, none executed that nobody asked for, no
effect without an execution, no belief that is not the truth, no therapy without its durable receipt. At the
end the line is healed, and within a bounded time every programmer must have its session and its answers.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.faulty_line import split_frames
from support.protocol_pair import SeededEntropy
from support.ward import weather
from support.ward.ledger import Key
from support.ward.programmer import Programmer
from support.ward.weather import Weather
from support.ward.world import World

from protocol.client import BondKey
from protocol.frame import Direction, Frame, FrameKind, decode_piece, to_wire
from protocol.messages.status import GetStatusRequest
from protocol.vocabulary import ReceiptState

WHO = st.integers(0, 2)
HEALING_TRIES = 12
HEALING_MS = 45 * 60_000
"""Within so much link time after the line is good again every programmer must have been served.

A handshake budget and the idle session of another programmer explain minutes; a lockout after five wrong
guesses would explain more, but nobody guesses here.
"""


class WardRules(RuleBasedStateMachine):
    """Rules that hold whatever stands behind the endpoint."""

    world: World
    people: list[Programmer]
    reads_programs = True
    """Whether the pump holds real programs."""

    # --- what stands behind the endpoint ------------------------------------------------------------------

    def admit(self) -> tuple[Any, list[BondKey], tuple[bytes, ...]]:
        """Return a pump, the keys of its programmers, and frames of sessions they had before."""
        raise NotImplementedError

    def effects(self) -> Counter[str]:
        """How often each therapy request has taken effect, as the pump's state tells it."""
        raise NotImplementedError

    def counted(self, orders: Counter[str]) -> Counter[str]:
        """Of the orders executed, those that `effects` counts."""
        return orders

    def is_absolute(self, key: Key) -> bool:
        """Whether an order says what is to be, so that `effects` does not count it."""
        return False

    def took_effect(self, key: Key) -> bool | None:
        """Whether an absolute order took effect when power failed; None where it made no difference."""
        raise NotImplementedError

    def note(self, request: Any, reply: Any) -> None:  # noqa: ANN401 - any request
        """Remember what a request has begun."""

    def receipts(self) -> Mapping[bytes, ReceiptState]:
        """The receipts that a reset would find now."""
        raise NotImplementedError

    def look_closer(self) -> None:
        """Check whatever else must hold."""

    # --- the beginning and the end ------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        device, keys, library = self.admit()
        self.world = World(device, library)
        self.people = [self._person(key) for key in keys]
        self.world.witness.after = self._check_receipt

    def _person(self, key: BondKey) -> Programmer:
        entropy = SeededEntropy(f"programmer {key.slot}")
        return Programmer(self.world, key, entropy, reads_programs=self.reads_programs)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.heal()
            for who in self.people:
                self._must_be_served(who)
            self.look()

    def _must_be_served(self, who: Programmer) -> None:
        started = self.world.now_ms()
        for _ in range(HEALING_TRIES):
            if who.resolve() and (who.connected or who.connect()):
                status = who.ask(GetStatusRequest())
                if hasattr(status, "uptime_s"):
                    who.close()
                    break
            self.look()
            self.world.let_pass(125_000)
        else:
            raise AssertionError(f"programmer {who.slot} has no session {HEALING_TRIES} tries after healing")
        assert who.uncertain is None
        assert self.world.now_ms() - started <= HEALING_MS

    # --- the line, time and power -------------------------------------------------------------------------

    def bring(self, what: Weather) -> None:
        """Let the next frames meet their fate."""
        self.world.to_pump.plan.extend(what.to_pump)
        self.world.to_programmer.plan.extend(what.to_programmer)

    def clear_up(self) -> None:
        self.world.to_pump.plan.clear()
        self.world.to_programmer.plan.clear()

    @rule(nth=st.integers(0, 14), torn=st.sampled_from((0, 0, 1, 9, 30)))
    def power_fails(self, nth: int, torn: int) -> None:
        """Now, or at one of the next storage writes, in the middle of it or before."""
        if nth:
            self.world.device.storage.cut_power_at(nth, torn=torn)
        else:
            self.world.lose_power()

    @rule(what=st.sampled_from(("line", "head off", "head on", "head on")))
    def somebody_moves(self, what: str) -> None:
        """The line is pulled out, or the head is taken off the pump or put back."""
        if what == "line":
            self.world.unplug()
        else:
            self.world.set_head(what == "head on")

    @rule(link_ms=weather.SHORT_MS, pump_ms=weather.LONG_MS)
    def time_passes(self, link_ms: int, pump_ms: int) -> None:
        """Nobody does anything; pump time runs ahead of link time."""
        self.world.let_pass(link_ms)
        self.world.jump_pump(pump_ms)

    @rule(first=st.integers(0, 400), count=st.integers(1, 20), on_present_link=st.booleans())
    def old_frames_come_again(self, first: int, count: int, on_present_link: bool) -> None:
        """Somebody plays what was said in this session or in any before, as it was or on the present link."""
        played = (self.world.to_pump.library + self.world.to_pump.frames)[first : first + count]
        session = self.world.endpoint.session
        for wire in played:
            forged = on_present_link and session is not None
            octets = _on_link(wire, session.link_id) if forged and session is not None else wire
            self.world.to_pump.put(octets, self.world.now_ms())
            self.world.serve()

    # --- programmers --------------------------------------------------------------------------------------

    @rule(who=WHO, what=st.sampled_from(("connects", "leaves", "listens")), sky=weather.ANY)
    def a_programmer_comes_or_goes(self, who: int, what: str, sky: Weather) -> None:
        person = self.people[who]
        self.bring(sky)
        if what == "listens":
            person.listen(1_500)
        elif what == "leaves":
            person.close()
        else:
            person.connect()
        self.clear_up()

    @precondition(lambda self: any(who.uncertain for who in self.people))
    @rule(sky=weather.ANY)
    def a_programmer_finds_out(self, sky: Weather) -> None:
        self.bring(sky)
        for who in self.people:
            who.resolve()
        self.clear_up()

    def free(self, number: int) -> Programmer | None:
        """The programmer, connected, unless an outcome is unknown to it: then it gives no orders.

        Whoever else had a session ends it, as people do who share one pump.
        """
        who = self.people[number]
        if who.uncertain is not None:
            return None
        for other in self.people:
            if other is not who:
                other.close()
        return who if who.connected or who.connect() else None

    # --- the books ----------------------------------------------------------------------------------------

    @invariant()
    def look(self) -> None:
        if not hasattr(self, "world"):
            return
        ledger = self.world.ledger
        self._settle()
        assert not ledger.violations, ledger.violations
        assert self.world.host.internal_errors == 0
        self.look_closer()

    def _settle(self) -> None:
        """Compare what was executed with what has happened to the pump."""
        ledger, effects = self.world.ledger, self.effects()
        surplus = effects - self.counted(ledger.applied_orders())
        for key in list(ledger.in_doubt):
            name = ledger.asked[key].name
            if self.is_absolute(key):
                ledger.settle(key, self.took_effect(key))
            else:
                ledger.settle(key, surplus[name] > 0)
                surplus[name] -= surplus[name] > 0
        assert not +surplus, f"took effect without having been executed: {+surplus}"
        lack = self.counted(ledger.applied_orders()) - effects
        assert not lack, f"executed and without effect: {lack}"

    def _check_receipt(self, request: Any, reply: Any) -> None:  # noqa: ANN401 - any request
        """Right after an execution, before the answer: the receipt must be there, and durable."""
        self.note(request, reply)
        intent = self.intent_of(request)
        if intent and reply_is_good(reply):
            state = self.receipts().get(intent)
            if state not in (ReceiptState.COMMITTED, ReceiptState.SCHEDULED):
                self.world.ledger.violations.append(
                    f"{request.spec.name} is answered, and its stored receipt says {state}"
                )

    def intent_of(self, request: Any) -> bytes:  # noqa: ANN401
        """The intent of a therapy request, empty where it has none."""
        raise NotImplementedError


def reply_is_good(reply: object) -> bool:
    return type(reply).__name__ != "Refusal"


def _on_link(wire: bytes, link_id: int) -> bytes:
    frames = split_frames(wire)
    if len(frames) != 1:
        return wire
    frame = decode_piece(wire[1:-1], Direction.TO_PUMP)
    if not isinstance(frame, Frame) or frame.kind is FrameKind.LINK:
        return wire
    return to_wire(Frame(frame.kind, frame.direction, frame.seq, link_id, frame.payload))
