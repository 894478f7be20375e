"""The daemon thread that owns a session service, so that no screen ever waits for the link.

Commands run one after the other; while there are none it keeps the session alive and, after an answer was
lost, reconnects with back-off until the pump's receipt has resolved the outcome.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from programmer_tui.problems import ServiceError
from programmer_tui.session import SessionService
from programmer_tui.views import LinkHealth, SessionView
from protocol.states import SyncState

IDLE_CHECK_S: Final = 0.25
KEEPALIVE_MS: Final = 40_000
"""A third of the pump's idle time-out of 120 s (OITP/1 section 9)."""
RESOLVE_AGAIN_MS: Final = (1_000, 2_000, 5_000, 10_000)


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    args: tuple[Any, ...]
    future: Future[Any]


class ServiceThread:
    """Runs a `SessionService` in the background.

    Args:
        service: the service; from now on only this thread calls it.
        clock_ms: steady clock for keep-alive and back-off, in ms.
    """

    def __init__(self, service: SessionService, clock_ms: Callable[[], int]) -> None:
        self._service = service
        self._clock_ms = clock_ms
        self._commands: queue.Queue[_Command | None] = queue.Queue()
        self._last_done_ms = clock_ms()
        self._attempt = 0
        self._again_ms = 0
        self._thread = threading.Thread(target=self._run, name="session-service", daemon=True)
        self._thread.start()

    @property
    def view(self) -> SessionView:
        """The newest snapshot, safe to read from any thread."""
        return self._service.view

    def submit(self, name: str, *args: object) -> Future[Any]:
        """Queue the service method ``name``; its result or `ServiceError` comes in the future.

        Raises:
            AttributeError: the service has no such method.
        """
        if name.startswith("_") or not callable(getattr(self._service, name, None)):
            raise AttributeError(f"the session service has no method {name!r}")
        future: Future[Any] = Future()
        self._commands.put(_Command(name, args, future))
        return future

    def stop(self, timeout_s: float = 2.0) -> None:
        """Close the session and end the thread; gives up waiting after ``timeout_s``."""
        self._commands.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                command = self._commands.get(timeout=IDLE_CHECK_S)
            except queue.Empty:
                self._when_idle()
                continue
            if command is None:
                self._service.close()
                return
            self._execute(command)

    def _execute(self, command: _Command) -> None:
        if not command.future.set_running_or_notify_cancel():
            return
        try:
            result = getattr(self._service, command.name)(*command.args)
        except Exception as error:  # noqa: BLE001 - whoever waits for the future must learn of it
            command.future.set_exception(error)
        else:
            command.future.set_result(result)
        self._last_done_ms = self._clock_ms()

    def _when_idle(self) -> None:
        view = self._service.view
        now = self._clock_ms()
        try:
            if view.sync is SyncState.UNCERTAIN:
                self._try_to_resolve(now)
            elif view.link is LinkHealth.OK and now - self._last_done_ms >= KEEPALIVE_MS:
                self._last_done_ms = now
                self._service.keep_alive()
        except ServiceError:
            # The view says it already; the next attempt comes with its back-off.
            self._last_done_ms = now

    def _try_to_resolve(self, now: int) -> None:
        if now < self._again_ms:
            return
        pause = RESOLVE_AGAIN_MS[min(self._attempt, len(RESOLVE_AGAIN_MS) - 1)]
        self._attempt, self._again_ms = self._attempt + 1, now + pause
        self._service.resolve()
        self._attempt = self._again_ms = 0
