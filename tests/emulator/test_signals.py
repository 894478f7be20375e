"""A signal that would end the program stops the pump instead, and only while the pump runs."""

import signal
import threading

import pytest

from emulator.signals import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ending_signal_stops_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stops: list[int] = []
    with stop_on_signals(lambda: stops.append(1)):
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert stops == [1, 1]
    assert signal.getsignal(number) == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    during: list[object] = []

    def run() -> None:
        with stop_on_signals(lambda: None):
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert during == [before]
