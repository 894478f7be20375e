"""Carries what one endpoint tells to the device, and its answers back; survives what fails in between.

A request on which the model fails is answered INTERNAL. What a cut of power costs is in `emulator.life`.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Protocol

from emulator.drop_log import DropLog
from emulator.life import HostedPump, Life
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
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, LAB_SLOT, Observation

_log = logging.getLogger(__name__)

_NO_BOND: Final = {
    ENROL_SLOT: "an enrolment",
    EMERGENCY_SLOT: "the emergency key",
    LAB_SLOT: "lab plaintext",
}


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
    """The device as one endpoint sees it; all times are integer ms."""

    def __init__(self, life: Life, endpoint: HostedEndpoint) -> None:
        self._life = life
        self._pump = life.pump
        self._endpoint = endpoint
        self._drops = DropLog()
        self.recorder: Recorder | None = None
        """Told what was not accepted, where a capture is made."""
        self.requests = 0
        """Requests executed."""
        self.internal_errors = 0
        """Requests and session events on which the device failed."""
        life.at_restart(self._lost_power)

    def tick(self) -> None:
        """Let the log of refused frames know what time it is."""
        self._drops.tick(self._life.link_ms)

    def receive(self, data: bytes) -> None:
        """Take octets in and do what they ask."""
        self._life.powered(partial(self._receive, data))

    def handle_timeout(self) -> None:
        """Do what is overdue on the link."""
        self._life.powered(lambda: self._handle(self._endpoint.handle_timeout(self._life.link_ms)))

    def disconnected(self) -> None:
        """End what the client that left had begun."""
        self._life.powered(lambda: self._handle(self._endpoint.disconnected(self._life.link_ms)))

    def tell_subscriber(self) -> None:
        """Let a subscriber know what has changed."""
        if self._endpoint.subscribed:
            self._life.powered(partial(self._tell, "what a subscriber is told", self._tell_subscriber))

    def _tell_subscriber(self) -> None:
        self._handle(self._endpoint.observe(self._pump.observe(), self._life.link_ms))

    def set_head(self, on: bool) -> None:
        """Put the programming head on the pump or take it off."""
        self._life.powered(lambda: self._handle(self._endpoint.set_head(on, self._life.link_ms)))

    # --- events -------------------------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        try:
            events = self._endpoint.receive(data, self._life.link_ms)
        except PowerCut:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever comes in, the pump lives on
            self._report("octets from the link", failure)
            events = self._endpoint.disconnected(self._life.link_ms)
        self._handle(events)

    def _handle(self, events: Iterable[PumpEvent]) -> None:
        for event in events:
            match event:
                case RequestReceived():
                    self._handle(self._execute(event))
                case SessionOpened(caller):
                    _log.info("session opened by %s as %s", who(caller.slot), caller.role.name)
                    self._tell("the opening of a session", partial(self._pump.session_opened, caller))
                case SessionClosed(session_id, reason):
                    _log.info("session closed: %s", reason.name)
                    self._tell("the end of a session", partial(self._pump.session_closed, session_id, reason))
                case HandshakeFailed(slot, drop, link_class, guess):
                    _log.warning("handshake failed for %s: %s", who(slot), drop)
                    failed = partial(self._pump.handshake_failed, slot, link_class, guess)
                    self._tell("a failed handshake", failed)
                case FrameDropped(drop):
                    self._drops.note(drop, self._life.link_ms)
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

    def _lost_power(self) -> None:
        self._endpoint.disconnected(self._life.link_ms)
        if self.recorder is not None:
            self.recorder.restarted()
            self.recorder.note("the pump lost power and started again")


def who(slot: int) -> str:
    """Return a bond slot in words."""
    return _NO_BOND.get(slot, f"bond {slot}")


def _name(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"


__all__ = ["Dispatcher", "HostedEndpoint", "HostedPump"]
