"""What a strong field does to a pump with magnetic valves, and the flow-activated valve that guards it."""

from dataclasses import dataclass


@dataclass(slots=True)
class FlowValve:
    """The guard behind the metering valves.

    Attributes:
        latched: it has closed, and nothing flows until it is reset.
        guard_broken: it does not close; a dump empties the reservoir.
        dumped_units: what ran through open valves since manufacture, nL*ms/h.
    """

    latched: bool = False
    guard_broken: bool = False
    dumped_units: int = 0

    def open_wide(self, content_units: int, limit_units: int) -> int:
        """Let the reservoir run out until the guard closes; return the volume.

        Args:
            content_units: what there is.
            limit_units: what gets through before the guard closes; 0 for a pump without a guard.
        """
        if self.latched:
            return 0
        guarded = bool(limit_units) and not self.guard_broken
        self.latched = guarded
        return min(limit_units, content_units) if guarded else content_units
