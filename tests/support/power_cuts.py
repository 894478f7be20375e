"""Power that fails at the first write of an act, at the second, and so on until it comes through whole."""

from collections.abc import Callable, Iterator
from itertools import count

from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot

TORN = (0, 1, 17, 100_000)
"""Octets of the interrupted write that reach storage: none, one, some, all of them."""


def cut_at_each_write(
    ready: PumpSnapshot, torn: int, act: Callable[[Pump], object]
) -> Iterator[tuple[int, Pump]]:
    """Run ``act`` on a fresh copy with power failing at write 1, 2, ...; yield each pump in the dark."""
    for nth in count(1):
        pump = Pump.restore(ready)
        pump.storage.cut_power_at(nth, torn=torn)
        try:
            act(pump)
        except PowerCut:
            assert pump.storage.dark
            yield nth, pump
        else:
            assert nth > 1, "nothing was written at all"
            return


def resets_cut_at_each_write(dark: Pump, torn: int) -> Iterator[Pump]:
    """Reset copies of a pump in the dark with power failing again at each write of the restart.

    Yields:
        Each copy after the second reset, which power does not fail, and last one that only needed one.
    """
    snapshot = dark.snapshot()
    for nth in count(1):
        pump = Pump.restore(snapshot)
        pump.storage.cut_power_at(nth, torn=torn)
        try:
            pump.reset()
        except PowerCut:
            pump.reset()
            yield pump
        else:
            pump.storage.cut_power_at(0)
            yield pump
            return
