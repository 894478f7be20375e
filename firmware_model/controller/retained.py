"""The retained registers: what the controller counts, exact over a reset.

A delivered volume changes with every turn of the motor. Storing it in non-volatile memory at each turn
would wear the memory out within months, and storing it now and then would make the volume wrong after
every reset. Real pumps keep such counters in a register block that the cell feeds even while the processor
restarts; so does this one. The block is lost only with the cell, which is the end of the pump.
"""

from dataclasses import dataclass

from protocol.quantities import nl_to_units, units_to_nl


@dataclass(slots=True)
class RetainedRegisters:
    """Belief about volumes, in exact units of nL*ms/h.

    ``filled == delivered + content + wasted`` holds at every instant, to the last unit.

    Attributes:
        settled_ms: counter up to which the volumes are computed.
        content_units: computed content of the reservoir.
        delivered_units: commanded since manufacture.
        filled_units: filled in at refills, as the syringe said.
        wasted_units: given up at refills: what was believed to be left.
        since_midnight_units: commanded since the local midnight before ``settled_ms``.
    """

    settled_ms: int
    content_units: int = 0
    delivered_units: int = 0
    filled_units: int = 0
    wasted_units: int = 0
    since_midnight_units: int = 0

    @property
    def content_nl(self) -> int:
        """Computed content in whole nL."""
        return units_to_nl(self.content_units)

    def deliver(self, units: int, *, of_them_today: int, new_day: bool) -> None:
        """Book a commanded volume.

        Args:
            units: the volume, at most the content.
            of_them_today: what of it fell after the last local midnight.
            new_day: a midnight has passed, so what was counted before it no longer counts.
        """
        self.content_units -= units
        self.delivered_units += units
        self.since_midnight_units = of_them_today + (0 if new_day else self.since_midnight_units)

    def refill(self, filled_nl: int) -> int:
        """Book a refill: the residual is given up; return it in whole nL."""
        expected_nl = self.content_nl
        self.wasted_units += self.content_units
        self.content_units = nl_to_units(filled_nl)
        self.filled_units += self.content_units
        return expected_nl
