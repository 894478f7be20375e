"""Carries what the endpoint tells to the device, and its answers back; survives what fails in between.

Three things can fail here, and each ends differently. A request on which the model fails is answered
INTERNAL. A cut of power is answered by nothing: the device starts again and the session is gone. A model
whose time cannot go on ends the emulator, since it would lie about what it delivers.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Protocol

from emulator.drop_log import DropLog
from emulator.errors import EmulatorError, EmulatorFailure
from firmware_model.controller.storage import PowerCut
from protocol.capture.recorder import Recorder
from protocol.events import (
    AnswerRepeated,
    FrameDropped,
    HandshakeFailed,
    PumpEvent,
    RequestReceived,
    SessionClosed,
    SessionOpened,
)
from protocol.requests import Device, Observation

_log = logging.getLogger(__name__)

_STARTS: Final = 16
"""How often power may fail again while the pump starts before that counts as a defect."""


class HostedPump(Device, Protocol):
    """A device that lives on pump time; `firmware_model.pump.Pump` in life."""

    def next_event_ms(self) -> int | None:
        """Return the pump time of the next thing that will happen by itself, None when nothing will."""

    def advance_to(self, t_ms: int, /) -> None:
        """Let pump time pass to `t_ms`."""

    def set_link_time(self, link_ms: int) -> None:
        """Tell link time, on which what people do grows old."""

    def reset(self) -> None:
        """Start the firmware again."""


class HostedEndpoint(Protocol):
    """The pump's end of the protocol; `protocol.endpoint_pump.PumpEndpoint` in life."""

    def receive(self, data: bytes, now_ms: int) -> list[PumpEvent]:
        """Take octets in."""

    def handle_timeout(self, now_ms: int) -> list[PumpEvent]:
        """Let link time pass."""

    def disconnected(self, now_ms: int) -> list[PumpEvent]:
        """Learn that the client is gone."""

    def respond(self, event: RequestReceived, reply: object) -> list[PumpEvent]:
        """Answer a request."""

    def respond_internal_error(self, event: RequestReceived) -> list[PumpEvent]:
        """Answer a request on which the device failed."""

    @property
    def subscribed(self) -> bool:
        """Whether somebody wants to be told what changes."""

    def observe(self, observation: Observation, now_ms: int) -> list[PumpEvent]:
        """Tell a subscriber what changed."""

    def set_head(self, on: bool, now_ms: int) -> list[PumpEvent]:
        """Put the programming head on the pump or take it off."""

    def next_deadline(self) -> int | None:
        """Return the link time at which `handle_timeout` is due."""

    def data_to_send(self) -> bytes:
        """Take octets out."""


class Dispatcher:
    """One device and its endpoint; all times are integer ms."""

    def __init__(self, pump: HostedPump, endpoint: HostedEndpoint) -> None:
        self._pump = pump
        self._endpoint = endpoint
        self._link_ms = 0
        self._pump_ms = 0
        self._drops = DropLog()
        self.recorder: Recorder | None = None
        """Told what was not accepted, where a capture is made."""
        self.requests = 0
        """Requests executed."""
        self.internal_errors = 0
        """Requests and session events on which the device failed."""
        self.power_cycles = 0
        """Times the device lost power and was started again."""

    def live(self, pump_ms: int, link_ms: int) -> None:
        """Bring the device to the present.

        Raises:
            EmulatorError: PUMP_FAILED.
        """
        self._pump_ms, self._link_ms = pump_ms, link_ms
        self._drops.tick(link_ms)
        self._powered(self._live)

    def receive(self, data: bytes) -> None:
        """Take octets in and do what they ask."""
        self._powered(partial(self._receive, data))

    def handle_timeout(self) -> None:
        """Do what is overdue on the link."""
        self._powered(lambda: self._handle(self._endpoint.handle_timeout(self._link_ms)))

    def disconnected(self) -> None:
        """End what the client that left had begun."""
        self._powered(lambda: self._handle(self._endpoint.disconnected(self._link_ms)))

    def tell_subscriber(self) -> None:
        """Let a subscriber know what has changed."""
        if self._endpoint.subscribed:
            self._powered(self._tell_subscriber)

    def _tell_subscriber(self) -> None:
        self._handle(self._endpoint.observe(self._pump.observe(), self._link_ms))

    def set_head(self, on: bool) -> None:
        """Put the programming head on the pump or take it off."""
        self._powered(lambda: self._handle(self._endpoint.set_head(on, self._link_ms)))

    # --- events -------------------------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        try:
            events = self._endpoint.receive(data, self._link_ms)
        except Exception as failure:  # noqa: BLE001 - whatever comes in, the pump lives on
            self._report("octets from the link", failure)
            events = self._endpoint.disconnected(self._link_ms)
        self._handle(events)

    def _handle(self, events: Iterable[PumpEvent]) -> None:
        for event in events:
            match event:
                case RequestReceived():
                    self._handle(self._execute(event))
                case SessionOpened(caller):
                    _log.info("session opened by bond %d as %s", caller.slot, caller.role.name)
                    self._tell("the opening of a session", partial(self._pump.session_opened, caller))
                case SessionClosed(session_id, reason):
                    _log.info("session closed: %s", reason.name)
                    self._tell("the end of a session", partial(self._pump.session_closed, session_id, reason))
                case HandshakeFailed(slot, drop, link_class, guess):
                    _log.warning("handshake failed for bond %d: %s", slot, drop)
                    failed = partial(self._pump.handshake_failed, slot, link_class, guess)
                    self._tell("a failed handshake", failed)
                case FrameDropped(drop):
                    self._drops.note(drop, self._link_ms)
                    if self.recorder is not None:
                        self.recorder.dropped(drop)
                case AnswerRepeated(txn):
                    _log.debug("request %d came again and got the same answer", txn)

    def _execute(self, event: RequestReceived) -> list[PumpEvent]:
        name = event.request.spec.name
        try:
            reply = self._pump.handle(event.request)
            self.requests += 1
            _log.debug("request %d %s: %s", event.txn, name, type(reply).__name__)
            return self._endpoint.respond(event, reply)
        except PowerCut:
            raise
        except Exception as failure:  # noqa: BLE001 - one bad request must not end the pump
            self._report(f"request {name}", failure)
            return self._endpoint.respond_internal_error(event)

    def _tell(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except PowerCut:
            raise
        except Exception as failure:  # noqa: BLE001 - as for requests
            self._report(what, failure)

    def _report(self, what: str, failure: Exception) -> None:
        self.internal_errors += 1
        _log.error("%s could not be handled (%s)", what, _name(failure))
        _log.debug("the failure in full", exc_info=failure)

    # --- time and power -----------------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            self._pump.set_link_time(self._link_ms)
            self._pump.advance_to(self._pump_ms)
        except PowerCut:
            raise
        except Exception as failure:
            raise self._defect(failure) from failure

    def _powered(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PowerCut as cut:
            _log.warning("the pump lost power (%s) and starts again", cut)
            self._start_again()

    def _start_again(self) -> None:
        """Start the firmware; its session keys were in RAM, so the client has to come anew."""
        self._endpoint.disconnected(self._link_ms)
        if self.recorder is not None:
            self.recorder.restarted()
            self.recorder.note("the pump lost power and started again")
        for _ in range(_STARTS):
            self.power_cycles += 1
            try:
                self._pump.reset()
                self._live()
            except PowerCut:
                continue
            return
        raise EmulatorError(
            EmulatorFailure.PUMP_FAILED, f"power failed at {_STARTS} starts of the pump in a row; allow one"
        )

    def _defect(self, failure: Exception) -> EmulatorError:
        _log.debug("the pump model failed", exc_info=failure)
        return EmulatorError(
            EmulatorFailure.PUMP_FAILED,
            f"the pump model failed at pump time {self._pump_ms} ms ({_name(failure)}); this is a defect of "
            "the simulator: please report it with the profile and the seed",
        )


def _name(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"
