"""How the parts of the pump work together: a stall, a field, a ramp, a sick cell, and the passing of time.

Every method acts at one instant, that up to which the plant is settled. Whatever changes by itself (a stall
that ends, a ramp) does so at `next_event_ms`; whoever owns the time stops there.
"""

from collections.abc import Callable, Mapping
from typing import Final

from firmware_model.plant.dose_trace import TracePoint
from firmware_model.plant.pathway import Pathway
from firmware_model.plant.state import PlantState
from firmware_model.plant.timers import Bursts, Ramp
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_DAY, MS_PER_MINUTE


def _set_gain(state: PlantState, value: int) -> None:
    state.motor.gain_ppm = value


def _set_leak(state: PlantState, value: int) -> None:
    state.junction.leak_ppm = value


def _set_leak_current(state: PlantState, value: int) -> None:
    state.cell.leak_na = value


RAMPED: Final[Mapping[str, Callable[[PlantState, int], None]]] = {
    "motor.gain_ppm": _set_gain,
    "junction.leak_ppm": _set_leak,
    "cell.leak_na": _set_leak_current,
}
"""Values a ramp may change, and how."""


_NEVER: Final[list[int | None]] = [None] * 4


class Body:
    """The physical pump without its faults' names and without what the controller sees of it.

    Attributes:
        profile: the kind of pump.
        state: what it is like; its parts may be changed to tell a story (a gain, a temperature).
    """

    def __init__(self, profile: Profile, state: PlantState) -> None:
        self.profile = profile
        self.state = state
        self.pathway = Pathway(profile, state)

    @property
    def now_ms(self) -> int:
        """The instant up to which it is settled."""
        return self.state.cell.settled_ms

    # --- time ---------------------------------------------------------------------------------------------

    def own_event_ms(self) -> int | None:
        """Return when the next thing happens that no appointment makes, None where nothing will."""
        motor, timers = self.state.motor, self.state.timers
        instants = [motor.jammed_until_ms, motor.recovers_ms, timers.watch_ms, self.state.trace.next_ms]
        if instants == _NEVER and timers.bursts is None and not timers.ramps:
            return None
        if timers.bursts is not None:
            instants.append(timers.bursts.next_ms)
        instants += [ramp.next_ms for ramp in timers.ramps]
        return min((at for at in instants if at is not None), default=None)

    def run_own_events(self) -> None:
        """Do what is due at the instant up to which the plant is settled."""
        now_ms, state = self.now_ms, self.state
        motor, timers = state.motor, state.timers
        if motor.jammed_until_ms is not None and motor.jammed_until_ms <= now_ms:
            motor.jammed_until_ms = None
        if motor.recovers_ms is not None and motor.recovers_ms <= now_ms:
            motor.recovers_ms = None
        if timers.ramps:
            self._climb(now_ms)
        if timers.bursts is not None and timers.bursts.next_ms <= now_ms:
            self._burst(timers.bursts)
        if timers.watch_ms is not None and timers.watch_ms <= now_ms:
            self.watch_cell()
        if state.trace.next_ms is not None and state.trace.next_ms <= now_ms:
            state.trace.take(self.trace_point())

    def trace_point(self) -> TracePoint:
        """Return what has come out at the tip up to now."""
        state = self.state
        return TracePoint(
            self.now_ms, state.motor.commanded_units, state.motor.moved_units, state.tip.units, state.tip.mass
        )

    def _climb(self, now_ms: int) -> None:
        left: list[Ramp] = []
        for ramp in self.state.timers.ramps:
            if ramp.next_ms > now_ms:
                left.append(ramp)
                continue
            RAMPED[ramp.target](self.state, ramp.value_at(now_ms))
            rest = ramp.after(now_ms)
            left += [] if rest is None else [rest]
        self.state.timers.ramps = tuple(left)

    def ramp(self, target: str, start: int, end: int, days: int) -> None:
        """Let a value change evenly from now on, in daily steps; another ramp of it ends."""
        now_ms = self.now_ms
        self.end_ramp(target)
        RAMPED[target](self.state, start)
        begun = Ramp(target, now_ms, now_ms + days * MS_PER_DAY, start, end, now_ms + MS_PER_DAY)
        self.state.timers.ramps = (*self.state.timers.ramps, begun)

    def end_ramp(self, target: str) -> None:
        """Let a value stay as it is."""
        timers = self.state.timers
        timers.ramps = tuple(ramp for ramp in timers.ramps if ramp.target != target)

    # --- motor --------------------------------------------------------------------------------------------

    def jam(self, minutes: int) -> None:
        """Let the motor be stuck for a time; a longer time that runs already stands."""
        until_ms, motor = self.now_ms + minutes * MS_PER_MINUTE, self.state.motor
        motor.jammed_until_ms = max(until_ms, motor.jammed_until_ms or until_ms)

    def begin_bursts(self, gap_min: int, stall_min: int) -> None:
        """Let the motor be stuck again and again, at times that chance gives."""
        gap = self.state.chance.between("bursts", 1, 2 * gap_min)
        self.state.timers.bursts = Bursts(gap_min, stall_min, self.now_ms + gap * MS_PER_MINUTE)

    def _burst(self, bursts: Bursts) -> None:
        self.jam(self.state.chance.between("bursts", 1, bursts.stall_min))
        self.begin_bursts(bursts.gap_min, bursts.stall_min)

    def reverse(self, strokes: int) -> None:
        """Let a field turn the rotor back: that much has to be moved again before any drug moves."""
        state = self.state
        state.motor.reversed_strokes += strokes
        state.junction.reflux_units += strokes * self.pathway.stroke_units

    def set_field(self, field_mt: int) -> None:
        """Put the pump into a static magnetic field, mT; 0 takes it out."""
        profile, state = self.profile, self.state
        state.environment.field_mt = field_mt
        hold_mt, motor = profile.rotor_hold_field_mt, state.motor
        if hold_mt and field_mt > hold_mt:
            motor.held, motor.recovers_ms = True, None
        elif motor.held:
            motor.held = False
            delay_ms = state.chance.between("mri", 0, profile.field_recovery_max_min * MS_PER_MINUTE)
            motor.recovers_ms = self.now_ms + delay_ms if delay_ms else None
        self._open_valves()

    def _open_valves(self) -> None:
        open_mt = self.profile.valve_open_field_mt
        if open_mt and self.state.environment.field_mt > open_mt:
            self.pathway.dump()

    def reset_flow_valve(self) -> None:
        """Open the flow-activated valve again; in a strong field it closes at once, after another dump."""
        self.state.valve.latched = False
        self._open_valves()

    # --- cell ---------------------------------------------------------------------------------------------

    def watch_cell(self) -> None:
        """Look at the voltage under a motor pulse, and do so daily while something is wrong with the cell."""
        cell, timers, motor = self.state.cell, self.state.timers, self.state.motor
        pulse_mv = cell.pulse_mv(self.profile, self.state.environment.temperature_cdeg)
        was_low, cell.low = cell.low, pulse_mv < self.profile.battery_empty_mv
        cell.brown_outs += cell.low and not was_low
        motor.starved = pulse_mv < self.profile.motor_stall_mv
        is_sick = cell.film_from_ms is not None or cell.leak_na > 0
        ramping = any(ramp.target == "cell.leak_na" for ramp in timers.ramps)
        watched = is_sick or ramping or cell.low or motor.starved
        timers.watch_ms = self.now_ms + MS_PER_DAY if watched else None

    # --- syringes -----------------------------------------------------------------------------------------

    def fit_lines(self, tubing_nl: int, catheter_nl: int) -> None:
        """Give the lines their volumes, nL; what a shorter one cannot hold comes out of it at its end.

        Raises:
            ValueError: a volume is not positive.
        """
        if tubing_nl <= 0 or catheter_nl <= 0:
            raise ValueError(f"tubing {tubing_nl} nL, catheter {catheter_nl} nL: both must be above 0")
        self.pathway.resize(tubing_nl, catheter_nl)

    def set_dispersion(self, *, mixes: bool) -> None:
        """Let fluid mix on its way to the tip, or flow as a plug; nothing is lost by the change."""
        self.pathway.set_tanks(self.profile.dispersion_tanks if mixes else 0)
