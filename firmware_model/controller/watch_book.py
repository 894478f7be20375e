"""What the retained registers keep of tasks that hang."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hang:
    """Tasks that give no sign of life.

    Attributes:
        tasks: mask of `firmware_model.controller.watchdog.Task`, 0 for none.
        since_ms: counter of the last sign of life.
        stays: they hang on after a reset.
        was_reset: their watchdog has reset the firmware.
    """

    tasks: int = 0
    since_ms: int = 0
    stays: bool = False
    was_reset: bool = False
