"""How time passes in the whole pump: controller and plant settled together, event by event.

All times are counter values in ms. A controller is settled first, since what it commanded up to an instant
has to reach the motor before the plant goes there.
"""

from firmware_model.controller.controller import Controller
from firmware_model.controller.storage import PowerCut, Storage
from firmware_model.plant.plant import Plant


def next_event(controller: Controller, plant: Plant, now_ms: int) -> int | None:
    """Return when the next event of belief or of truth is, as seen from ``now_ms``; None for never."""
    believed_ms, real_ms = controller.next_event_ms(now_ms), plant.next_event_ms()
    if believed_ms is None or real_ms is None:
        return real_ms if believed_ms is None else believed_ms
    return min(believed_ms, real_ms)


def settle(controller: Controller, plant: Plant, now_ms: int) -> None:
    """Compute both up to ``now_ms``, no event between, measuring the cell at the full hours on the way."""
    if now_ms == controller.clock.now_ms and now_ms == plant.now_ms:
        return
    for at_ms in controller.life.sample_instants(now_ms):
        controller.settle(at_ms)
        plant.advance_to(at_ms)
        controller.life.sample()
    controller.settle(now_ms)
    plant.advance_to(now_ms)


def run_event(controller: Controller, plant: Plant, storage: Storage, before_ms: int, now_ms: int) -> None:
    """Settle at an event and let happen what is due; where the plant looked at its cell, the controller will.

    Args:
        controller: belief.
        plant: truth.
        storage: loses power with the cell.
        before_ms: the instant from which the event was seen.
        now_ms: its instant.

    Raises:
        PowerCut: power failed.
    """
    believed_ms, watch_ms = controller.next_event_ms(before_ms), plant.state.timers.watch_ms
    settle(controller, plant, now_ms)
    if plant.state.timers.watch_ms != watch_ms:
        controller.life.disturbed()
    check_power(controller, plant, storage)
    if controller.watchdog.bites():
        storage.dark = True
        raise PowerCut("a task gave no sign of life and its watchdog resets the pump")
    if believed_ms is not None and believed_ms <= now_ms:
        controller.therapy.run_due()


def check_power(controller: Controller, plant: Plant, storage: Storage) -> None:
    """Let the power fail where a pulse has pulled the cell's voltage below what the electronics need.

    Raises:
        PowerCut: it has; nothing runs until the pump is reset.
    """
    if plant.brown_outs() > controller.therapy.registers.brown_outs:
        storage.dark = True
        raise PowerCut("the cell's voltage fell too far under a motor pulse; the pump must be reset")
