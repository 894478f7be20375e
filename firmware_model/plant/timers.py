"""What is going to happen in the plant by itself: ramps, bursts of stalls, and faults by appointment."""

from dataclasses import dataclass, field

from protocol.quantities import MS_PER_DAY


@dataclass(frozen=True, slots=True)
class Ramp:
    """A value that changes evenly, in one step a day.

    Attributes:
        target: name of the value, one of `firmware_model.plant.body.RAMPED`.
        begins_ms: when it begins.
        ends_ms: when it has arrived, later than ``begins_ms``.
        start: value at the beginning.
        end: value at the end.
        next_ms: when it changes next.
    """

    target: str
    begins_ms: int
    ends_ms: int
    start: int
    end: int
    next_ms: int

    def value_at(self, now_ms: int) -> int:
        """Return the value at an instant from the beginning on."""
        gone = min(now_ms, self.ends_ms) - self.begins_ms
        return self.start + (self.end - self.start) * gone // (self.ends_ms - self.begins_ms)

    def after(self, now_ms: int) -> "Ramp | None":
        """Return what is left of the ramp after a change at ``now_ms``."""
        if now_ms >= self.ends_ms:
            return None
        next_ms = min(self.ends_ms, now_ms + MS_PER_DAY)
        return Ramp(self.target, self.begins_ms, self.ends_ms, self.start, self.end, next_ms)


@dataclass(frozen=True, slots=True)
class Bursts:
    """Short stalls that come again and again.

    Attributes:
        gap_min: mean time from one to the next, min.
        stall_min: the longest lasts that long, min.
        next_ms: when the next one begins.
    """

    gap_min: int
    stall_min: int
    next_ms: int


@dataclass(frozen=True, slots=True)
class Appointment:
    """A fault that comes, or goes, at a set time.

    Attributes:
        at_ms: when.
        fault: name of the fault.
        clears: whether it goes.
        values: its parameters.
    """

    at_ms: int
    fault: str
    clears: bool
    values: dict[str, int]


@dataclass(slots=True)
class Timers:
    """Everything that is going to happen.

    Attributes:
        ramps: values that change.
        bursts: stalls to come, or None.
        watch_ms: when the voltage under a pulse is looked at next, None while the cell is sound.
        agenda: appointments, in order of time and then of the order they were made in.
        active: faults that stand, with their parameters.
    """

    ramps: tuple[Ramp, ...] = ()
    bursts: Bursts | None = None
    watch_ms: int | None = None
    agenda: tuple[Appointment, ...] = ()
    active: dict[str, dict[str, int]] = field(default_factory=dict)
