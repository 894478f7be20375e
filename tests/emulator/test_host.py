"""The loop between link, endpoint, clock and pump: what comes first, what is due, what a failure costs."""

import logging
import threading

import pytest
from support.device import QUIET

from emulator.clock import FastClock, PumpClock
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.host import Host
from emulator.links import Connected, Disconnected, LinkEvent, MemoryPumpLink, Received
from emulator.links.tcp import TcpLink
from firmware_model.controller.storage import PowerCut
from protocol.drops import Drop, DropReason
from protocol.events import (
    AnswerRepeated,
    FrameDropped,
    HandshakeFailed,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
)
from protocol.link import monotonic_ms, open_link
from protocol.link_control import LinkClass
from protocol.memory_link import VirtualClock, memory_link_pair
from protocol.messages.registry import by_name
from protocol.requests import Bond, Caller, Observation, Request
from protocol.vocabulary import CloseReason, Role

CALLER = Caller(session_id=7, slot=0, role=Role.CLINICIAN, near=True)
STATUS = RequestReceived(Request(by_name("GET_STATUS"), None, CALLER), txn=1)
DROP = Drop(DropReason.CRC, "a frame", "noise", b"")


class FakePump:
    """A pump that writes down what is asked of it, and ticks every `period_ms` of pump time."""

    static_private = bytes(32)
    enrol_psk = bytes(32)
    boot_count = 1
    uptime_s = 0

    def __init__(self, journal: list[str], period_ms: int = 1_000) -> None:
        self.journal = journal
        self.period_ms = period_ms
        self.now_ms = 0
        self.link_ms = 0
        self.fails_at: str | None = None
        self.power_fails_at: list[str] = []

    def bond(self, slot: int) -> Bond | None:
        return None

    def next_event_ms(self) -> int | None:
        return (self.now_ms // self.period_ms + 1) * self.period_ms

    def advance_to(self, pump_ms: int) -> None:
        if pump_ms != self.now_ms:
            self._note(f"advance {pump_ms}")
        self.now_ms = pump_ms

    def set_link_time(self, link_ms: int) -> None:
        self.link_ms = link_ms

    def reset(self) -> None:
        self._note("reset")

    def handle(self, request: Request) -> object:
        self._note(f"handle at {self.now_ms}")
        return "reply"

    def session_opened(self, caller: Caller) -> None:
        self._note(f"opened {caller.slot}")

    def session_closed(self, session_id: int, reason: CloseReason) -> None:
        self._note(f"closed {session_id} {reason.name}")

    def handshake_failed(self, slot: int, link_class: LinkClass, guess: bool) -> None:
        self._note(f"handshake failed {slot}")

    far_link = False

    def lockout_s(self, link_class: LinkClass) -> int:
        return 0

    def admit_handshake(self, link_class: LinkClass) -> int:
        return 0

    def proximity_psk(self, slot: int) -> bytes | None:
        return None

    def session_elsewhere(self, session_id: int | None) -> bool:
        return False

    def observe(self) -> Observation:
        self._note(f"observed at {self.now_ms}")
        return QUIET

    def _note(self, line: str) -> None:
        self.journal.append(line)
        if self.fails_at is not None and line.startswith(self.fails_at):
            raise RuntimeError("the model broke")
        if self.power_fails_at and line.startswith(self.power_fails_at[0]):
            del self.power_fails_at[0]
            raise PowerCut("power failed")


class FakeEndpoint:
    """An endpoint that turns each octet string into the events it was taught, and answers what it is told."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.meaning: dict[bytes, list[PumpEvent]] = {b"status": [STATUS]}
        self.after: list[PumpEvent] = []
        self.deadline: int | None = None
        self.wanted = False
        self.out = b""

    def receive(self, data: bytes, now_ms: int) -> list[PumpEvent]:
        self.journal.append(f"receive {data.decode()} at {now_ms}")
        return self.meaning[data]

    def handle_timeout(self, now_ms: int) -> list[PumpEvent]:
        self.journal.append(f"time-out at {now_ms}")
        self.deadline = None
        return [SessionClosed(7, CloseReason.IDLE)]

    def disconnected(self, now_ms: int) -> list[PumpEvent]:
        self.journal.append(f"disconnected at {now_ms}")
        return [SessionClosed(7, CloseReason.LINK_LOST)]

    def respond(self, event: RequestReceived, reply: object) -> list[PumpEvent]:
        self.journal.append(f"respond {reply}")
        self.out += b"answer"
        return self.after

    def respond_internal_error(self, event: RequestReceived) -> list[PumpEvent]:
        self.journal.append("respond INTERNAL")
        self.out += b"internal"
        return []

    @property
    def subscribed(self) -> bool:
        return self.wanted

    def observe(self, observation: Observation, now_ms: int) -> list[PumpEvent]:
        self.journal.append(f"told at {now_ms}")
        return []

    def set_head(self, on: bool, now_ms: int) -> list[PumpEvent]:
        self.journal.append(f"head {'on' if on else 'off'} at {now_ms}")
        return self.after

    def next_deadline(self) -> int | None:
        return self.deadline

    def data_to_send(self) -> bytes:
        data, self.out = self.out, b""
        return data


class Bench:
    """A host with everything around it virtual."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.wall = VirtualClock()
        self.programmer, peer = memory_link_pair(self.wall)
        self.pump = FakePump(self.journal)
        self.endpoint = FakeEndpoint(self.journal)
        self.clock = PumpClock(self.wall.now_ms, speed=60)
        self.host = Host(self.pump, self.endpoint, MemoryPumpLink(peer), self.clock)
        peer.attach(self.host.step)

    def said(self) -> list[str]:
        lines, self.journal[:] = self.journal[:], []
        return lines


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_pump_is_brought_to_the_present_before_it_is_asked(bench: Bench) -> None:
    bench.wall.advance_to(500)
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"answer"
    assert bench.said() == ["advance 30000", "receive status at 500", "handle at 30000", "respond reply"]
    assert bench.host.requests == 1
    assert bench.pump.link_ms == 500, "people and their tokens grow old on link time"


def test_what_a_response_brings_about_is_handled_too(bench: Bench) -> None:
    """SESSION_CLOSE is answered first; then the session is over."""
    bench.endpoint.after = [SessionClosed(7, CloseReason.DONE)]
    bench.programmer.write(b"status")
    bench.programmer.read(0)
    assert bench.said()[-2:] == ["respond reply", "closed 7 DONE"]


def test_every_event_reaches_the_pump_in_order(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.endpoint.meaning[b"all"] = [
        SessionOpened(CALLER),
        STATUS,
        FrameDropped(DROP),
        AnswerRepeated(3),
        HandshakeFailed(2, DROP, LinkClass.NEAR, guess=True),
        SessionClosed(7, CloseReason.REPLACED),
    ]
    with caplog.at_level(logging.DEBUG, logger="emulator"):
        bench.programmer.write(b"all")
        bench.programmer.read(0)
    assert bench.said()[1:] == [
        "opened 0",
        "handle at 0",
        "respond reply",
        "handshake failed 2",
        "closed 7 REPLACED",
    ]
    text = caplog.text
    for word in ("CLINICIAN", "GET_STATUS", str(DROP), "came again", "handshake failed", "REPLACED"):
        assert word in text


def test_a_departure_ends_the_session_after_the_last_request(bench: Bench) -> None:
    bench.programmer.read(0)
    bench.programmer.write(b"status")
    bench.programmer.close()
    assert bench.said() == [
        "receive status at 0",
        "handle at 0",
        "respond reply",
        "disconnected at 0",
        "closed 7 LINK_LOST",
    ]


def test_an_overdue_deadline_is_handled_once_and_on_time(bench: Bench) -> None:
    bench.endpoint.deadline = 12
    bench.pump.period_ms = 10**9
    assert bench.programmer.read(11) == b""
    assert [line for line in bench.said() if "time-out" in line] == []
    assert bench.programmer.read(100) == b""
    assert [line for line in bench.said() if not line.startswith("advance")] == [
        "time-out at 12",
        "closed 7 IDLE",
    ]


def test_the_pump_lives_its_own_events_without_being_asked(bench: Bench) -> None:
    """At 60 times real time, an event every second of pump time is one every 17 ms of link time."""
    bench.programmer.read(50)
    assert bench.said() == ["advance 1020", "advance 2040", "advance 3000"]


def test_a_paused_pump_still_answers_and_its_session_still_runs_out(bench: Bench) -> None:
    bench.clock.pause()
    bench.endpoint.deadline = 40
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"answer"
    bench.programmer.read(100)
    assert bench.said()[-2:] == ["time-out at 40", "closed 7 IDLE"]
    assert bench.pump.now_ms == 0


def test_as_fast_as_possible_needs_no_time_at_all() -> None:
    journal: list[str] = []
    _, peer = memory_link_pair()
    pump = FakePump(journal)
    clock = FastClock(until_ms=10_000)
    host = Host(pump, FakeEndpoint(journal), MemoryPumpLink(peer), clock)
    steps = 0
    while host.step(0) is not None:
        steps += 1
    assert (pump.now_ms, steps) == (10_000, 9)


@pytest.mark.parametrize("place", ["handle", "opened", "closed", "handshake failed"])
def test_a_failure_of_the_device_is_answered_logged_and_survived(
    bench: Bench, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    bench.endpoint.meaning[b"all"] = [
        SessionOpened(CALLER),
        HandshakeFailed(2, DROP, LinkClass.NEAR, guess=True),
        SessionClosed(7, CloseReason.DONE),
        STATUS,
    ]
    bench.pump.fails_at = place
    bench.programmer.write(b"all")
    assert bench.programmer.read(0) == (b"internal" if place == "handle" else b"answer")
    assert bench.host.internal_errors == 1
    assert "the model broke" in caplog.text
    assert "Traceback" not in caplog.text
    bench.pump.fails_at = None
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"answer"


def test_a_reply_that_cannot_be_sent_is_answered_as_internal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(event: RequestReceived, reply: object) -> list[PumpEvent]:
        raise ValueError("not the body of GET_STATUS")

    monkeypatch.setattr(bench.endpoint, "respond", refuse)
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"internal"


def test_octets_on_which_the_endpoint_fails_end_the_session_not_the_pump(bench: Bench) -> None:
    bench.programmer.write(b"never heard of")
    assert bench.programmer.read(0) == b""
    assert bench.said()[-2:] == ["disconnected at 0", "closed 7 LINK_LOST"]
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"answer"


def test_a_pump_whose_time_cannot_go_on_ends_with_a_reason(bench: Bench) -> None:
    bench.pump.fails_at = "advance"
    with pytest.raises(EmulatorError, match=r"pump time 30000 ms .*the model broke.*report") as caught:
        bench.host.step(500)
    assert caught.value.reason is EmulatorFailure.PUMP_FAILED


@pytest.mark.parametrize("starts", [1, 3])
def test_a_cut_of_power_is_answered_by_nothing_and_the_pump_starts_again(bench: Bench, starts: int) -> None:
    """The session keys were in RAM: the rest of what came in is nobody's, and the programmer comes anew."""
    bench.endpoint.meaning[b"all"] = [SessionOpened(CALLER), STATUS, STATUS]
    bench.pump.power_fails_at = ["handle", *["reset"] * (starts - 1)]
    bench.programmer.write(b"all")
    assert bench.programmer.read(0) == b""
    assert bench.said()[1:] == ["opened 0", "handle at 0", "disconnected at 0", *["reset"] * starts]
    assert bench.host.power_cycles == starts
    bench.programmer.write(b"status")
    assert bench.programmer.read(0) == b"answer"


@pytest.mark.parametrize("place", ["advance", "opened", "closed", "handshake failed"])
def test_power_may_fail_anywhere(bench: Bench, place: str) -> None:
    bench.endpoint.meaning[b"all"] = [
        SessionOpened(CALLER),
        HandshakeFailed(2, DROP, LinkClass.NEAR, guess=True),
        SessionClosed(7, CloseReason.DONE),
        SessionOpened(CALLER),
    ]
    bench.pump.power_fails_at = [place]
    bench.programmer.write(b"all")
    bench.programmer.read(2_000)
    assert bench.host.power_cycles == 1
    assert bench.host.internal_errors == 0
    assert bench.pump.now_ms == 120_000, "after the start the pump is brought to the present again"


def test_power_that_never_comes_back_ends_the_emulator(bench: Bench) -> None:
    bench.pump.power_fails_at = ["handle", *["reset"] * 100]
    bench.programmer.write(b"status")
    with pytest.raises(EmulatorError, match="starts of the pump in a row") as caught:
        bench.programmer.read(0)
    assert caught.value.reason is EmulatorFailure.PUMP_FAILED


class ScriptedLink(MemoryPumpLink):
    """A link that tells a prepared story."""

    def __init__(self, story: list[LinkEvent]) -> None:
        super().__init__(memory_link_pair()[1])
        self._story = story

    def poll(self) -> list[LinkEvent]:
        story, self._story = self._story, []
        return story


def test_one_client_after_another_is_kept_apart() -> None:
    journal: list[str] = []
    link = ScriptedLink(
        [Connected("a"), Received(b"status"), Disconnected("a"), Connected("b"), Received(b"status")]
    )
    Host(FakePump(journal), FakeEndpoint(journal), link, PumpClock(lambda: 0)).step(0)
    assert [line.split(" at ")[0] for line in journal] == [
        "receive status",
        "handle",
        "respond reply",
        "disconnected",
        "closed 7 LINK_LOST",
        "receive status",
        "handle",
        "respond reply",
    ]


class RunningHost:
    """A host on a TCP link in a thread of its own."""

    def __init__(self) -> None:
        journal: list[str] = []
        self.link = TcpLink("127.0.0.1", 0)
        self.link.start()
        self.pump = FakePump(journal, period_ms=20)
        self.host = Host(self.pump, FakeEndpoint(journal), self.link, PumpClock(monotonic_ms))
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.host.run(monotonic_ms)
        except EmulatorError as failure:
            self.failure = failure

    def end(self) -> None:
        self.host.stop()
        self.thread.join(10)
        self.link.close()


def test_a_running_host_answers_and_stops_when_told_from_another_thread() -> None:
    running = RunningHost()
    try:
        client = open_link(running.link.address)
        for _ in range(3):
            client.write(b"status")
            assert client.read(10_000) == b"answer"
        client.close()
        client = open_link(running.link.address)
        client.write(b"status")
        assert client.read(10_000) == b"answer"
        client.close()
    finally:
        running.end()
    assert not running.thread.is_alive()
    assert running.failure is None


def test_a_host_that_is_stopped_before_it_runs_does_not_run(bench: Bench) -> None:
    bench.host.stop()
    bench.host.run(bench.wall.now_ms)
    assert bench.said() == []


def test_a_running_host_ends_loudly_when_the_model_fails() -> None:
    running = RunningHost()
    running.pump.fails_at = "advance"
    running.thread.join(10)
    assert not running.thread.is_alive()
    assert isinstance(running.failure, EmulatorError)
    running.end()


def test_a_link_without_descriptors_is_polled_at_its_interval(bench: Bench) -> None:
    steps = 0
    link = ScriptedLink([])
    link.poll_interval_ms = 1
    bench.pump.period_ms = 10**9

    def now() -> int:
        nonlocal steps
        steps += 1
        if steps > 6:
            host.stop()
        return 0

    host = Host(bench.pump, bench.endpoint, link, bench.clock)
    host.run(now)
    assert steps > 6


@pytest.mark.parametrize("wakes", [1, 100_000])
def test_waking_a_loop_never_blocks(wakes: int) -> None:
    from emulator.waiting import Waker, wait_for

    with Waker() as waker:
        for _ in range(wakes):
            waker.wake()
        assert wait_for((waker.fileno(),), (), None) == [waker.fileno()]
        waker.clear()
        assert wait_for((waker.fileno(),), (), 0) == []
        assert wait_for((waker.fileno(),), (waker.fileno(),), 0) == [waker.fileno()]
    waker.wake()


def test_a_memory_link_that_the_pump_closes_is_gone_for_the_programmer(bench: Bench) -> None:
    _, peer = memory_link_pair()
    link = MemoryPumpLink(peer)
    link.start()
    assert link.poll() == [Connected("memory")]
    link.close()
    link.write(b"lost")
    assert link.discarded_bytes == 4
    assert link.poll() == [Disconnected("memory")]
    assert (link.address, link.wait_on()) == ("memory", ((), ()))
