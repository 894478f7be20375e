"""Turns signals into a clean stop, or into something done to the pump."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")
HEAD_SIGNAL: Final = "SIGUSR1"
"""Moves the programming head: off the pump, and back on at the next one. Windows has no such signal."""


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT, SIGTERM and, where there is one, SIGHUP, for as long as the block lasts."""
    with on_signals(dict.fromkeys(_ENDING, stop)):
        yield


@contextmanager
def on_signals(actions: Mapping[str, Callable[[], None]]) -> Iterator[None]:
    """Call an action on the signal of each name that this system has, for as long as the block lasts.

    Outside the main thread, where no handler can be set, signals are left as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = {getattr(signal, name): act for name, act in actions.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, _handler(act)) for number, act in numbers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handler(act: Callable[[], None]) -> Callable[[int, object], None]:
    return lambda *_: act()
