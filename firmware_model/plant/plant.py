"""The physical pump: motor, reservoir, lines, cell and tone generator in their environment.

Nothing here knows what the controller believes; nothing there sees more of this than `Plant` offers it as
hardware: a motor to turn, tones to sound, values to read.
"""

from collections.abc import Mapping
from typing import ClassVar

from firmware_model.plant.body import Body
from firmware_model.plant.fault import Fault, FaultError
from firmware_model.plant.faults import FAULTS, find_fault
from firmware_model.plant.fluid import Conc
from firmware_model.plant.motor import PPM
from firmware_model.plant.state import MassBalance, PlantState
from firmware_model.plant.timers import Appointment
from firmware_model.profiles import Profile
from protocol.quantities import nl_to_units, units_to_nl

_JAM = "motor_stall"


class Plant(Body):
    """The physical pump.

    It is settled up to an instant: `run_motor` tells what was commanded since, `advance_to` lets the time
    pass. Faults and syringes act at the instant up to which it is settled: settle first.

    Attributes:
        faults: every fault there is, by name.
    """

    faults: ClassVar[Mapping[str, Fault]] = FAULTS

    @classmethod
    def new(cls, profile: Profile, now_ms: int, seed: int = 0) -> "Plant":
        """Return a pump as the factory makes it: empty, with a full cell; ``seed`` gives all chance in it."""
        return cls(profile, PlantState.new(profile, now_ms, seed))

    # --- time ---------------------------------------------------------------------------------------------

    def next_event_ms(self) -> int | None:
        """Return when the plant changes by itself next, later than now; None where it never does.

        The motor's turns up to that instant have to be told by `run_motor`, and the plant be advanced to it,
        before any later time: what is commanded before a stall moves drug, what is commanded in it none.
        """
        agenda, own_ms = self.state.timers.agenda, self.own_event_ms()
        if not agenda:
            return own_ms
        return agenda[0].at_ms if own_ms is None else min(own_ms, agenda[0].at_ms)

    def advance_to(self, now_ms: int) -> None:
        """Let time pass; what the motor does is told by `run_motor` before."""
        self.state.cell.advance_to(self.profile, now_ms)
        while (at := self.next_event_ms()) is not None and at <= now_ms:
            self.run_own_events()
            if self.state.motor.jammed_until_ms is None:
                self._forget(_JAM)
            self._keep_appointments(now_ms)

    def _keep_appointments(self, now_ms: int) -> None:
        timers = self.state.timers
        due = [each for each in timers.agenda if each.at_ms <= now_ms]
        timers.agenda = timers.agenda[len(due) :]
        for each in due:
            if each.clears:
                self.clear_fault(each.fault)
            else:
                self.apply_fault(each.fault, **each.values)

    def record_every(self, every_ms: int) -> None:
        """Keep a point of the course of the dose now and at every multiple of ``every_ms``; none for 0.

        Each point is an event, so an hourly course of a year costs 8760 of them; what is kept already stays.

        Raises:
            ValueError: ``every_ms`` is negative.
        """
        self.state.trace.record_every(every_ms, self.trace_point())

    # --- faults -------------------------------------------------------------------------------------------

    @property
    def active_faults(self) -> Mapping[str, Mapping[str, int]]:
        """Faults that stand, with their parameters."""
        return self.state.timers.active

    def apply_fault(self, name: str, **values: int) -> None:
        """Let a fault happen now; parameters that are not given have their defaults.

        Raises:
            FaultError: there is no such fault or parameter, a value is out of range, or this kind of pump
                cannot have the fault; nothing happens then.
        """
        fault, chosen = self._checked(name, values)
        fault.apply(self, chosen)
        if fault.clear is not None:
            self.state.timers.active = {**self.state.timers.active, name: chosen}

    def clear_fault(self, name: str) -> None:
        """End a fault now; one that does not stand stays gone.

        Raises:
            FaultError: there is no such fault, or it is over at once.
        """
        fault = self._clearable(name)
        if fault.clear is not None and name in self.state.timers.active:
            fault.clear(self)
            self._forget(name)

    def schedule_fault(self, at_ms: int, name: str, **values: int) -> None:
        """Let a fault happen at an instant.

        Raises:
            FaultError: as `apply_fault`, or the instant has passed.
        """
        _, chosen = self._checked(name, values)
        self._appoint(Appointment(at_ms, name, False, chosen))

    def schedule_clear(self, at_ms: int, name: str) -> None:
        """Let a fault end at an instant.

        Raises:
            FaultError: as `clear_fault`, or the instant has passed.
        """
        self._clearable(name)
        self._appoint(Appointment(at_ms, name, True, {}))

    def _checked(self, name: str, values: Mapping[str, int]) -> tuple[Fault, dict[str, int]]:
        fault = find_fault(name)
        fault.check_possible(self)
        return fault, fault.values(values)

    @staticmethod
    def _clearable(name: str) -> Fault:
        fault = find_fault(name)
        if fault.clear is None:
            raise FaultError(f"fault {name} is over at once: there is nothing to clear")
        return fault

    def _appoint(self, appointment: Appointment) -> None:
        if appointment.at_ms <= self.now_ms:
            raise FaultError(f"{appointment.at_ms} ms is not after now, {self.now_ms} ms")
        agenda = (*self.state.timers.agenda, appointment)
        self.state.timers.agenda = tuple(sorted(agenda, key=lambda each: each.at_ms))

    def _forget(self, name: str) -> None:
        active = self.state.timers.active
        if name in active:
            self.state.timers.active = {each: values for each, values in active.items() if each != name}

    # --- syringes -----------------------------------------------------------------------------------------

    def refill(self, filled_nl: int, withdrawn_nl: int | None = None, conc: Conc | None = None) -> int:
        """Empty and fill the reservoir with a syringe; return the withdrawn volume as the syringe shows it.

        Args:
            filled_nl: filled in, as it is written down, nL.
            withdrawn_nl: drawn out before; None draws out all there is.
            conc: concentrations on the label of the syringe, ng/mL; None as at the last refill.

        Raises:
            ValueError: more is withdrawn than there is, or more filled in than fits; nothing changes then.
        """
        reservoir, syringe = self.state.reservoir, self.state.syringe
        units = reservoir.content_units if withdrawn_nl is None else nl_to_units(withdrawn_nl)
        room = reservoir.capacity_units - reservoir.content_units + units
        injected = nl_to_units(filled_nl) * syringe.volume_ppm // PPM
        pocket, port = (injected * share_ppm // PPM for share_ppm in (syringe.pocket_ppm, syringe.port_ppm))
        port = min(port, injected - pocket)
        if filled_nl < 0 or injected - pocket - port > room:
            raise ValueError(
                f"filled_nl = {filled_nl} does not fit: there is room for {units_to_nl(room)} nL"
            )
        reservoir.withdraw(units)
        syringe.conc = syringe.conc if conc is None else conc
        drug = self._in_syringe(syringe.conc)
        reservoir.fill(injected - pocket - port, drug)
        self.inject_pocket(pocket, drug)
        self.pathway.inject(port, drug)
        return units_to_nl(units)

    def _in_syringe(self, label: Conc) -> Conc:
        ppm = self.state.syringe.conc_ppm
        return (label[0] * ppm // PPM, label[1] * ppm // PPM, label[2] * ppm // PPM, label[3] * ppm // PPM)

    def inject_pocket(self, units: int, conc: Conc) -> None:
        """Inject ``units`` beside the pump."""
        self.state.injected.take(units, conc)
        self.state.pocket.take(units, conc)

    def inject_port(self, volume_nl: int, conc: Conc) -> int:
        """Inject into the catheter access port, straight towards the tip; return how much went in, nL."""
        return units_to_nl(self.pathway.inject(nl_to_units(volume_nl), conc))

    def aspirate_port(self, volume_nl: int) -> int:
        """Draw out of the catheter access port; return how much came, nL: nothing if occluded or off."""
        return units_to_nl(self.pathway.aspirate(nl_to_units(volume_nl)))

    def balance(self) -> MassBalance:
        """Return where every drug is that ever went in."""
        return self.state.balance()

    # --- hardware, as the controller sees it --------------------------------------------------------------

    def run_motor(self, units: int) -> None:
        """Turn the motor as far as ``units`` (nL*ms/h) of drug should take, in whole strokes."""
        self.pathway.run(units)

    def stop(self, complete_stroke: bool) -> None:
        """Stop the motor: an operator's stop completes the stroke under way, a fault stop does not."""
        if complete_stroke:
            self.pathway.complete_stroke()

    def motor_follows(self) -> bool:
        """Tell whether the motor's encoder follows a test pulse; no drug moves."""
        motor = self.state.motor
        return motor.encoder_lies or (motor.gain_ppm > 0 and not motor.is_stalled)

    def stalled(self) -> bool:
        """Tell whether the motor's encoder stands still though the motor is driven."""
        motor = self.state.motor
        return motor.is_stalled and not motor.encoder_lies

    def encoder_strokes(self) -> int:
        """Return the strokes that the encoder saw since manufacture."""
        return self.state.motor.encoder_strokes

    def flow_valve_closed(self) -> bool:
        """Tell whether the flow-activated valve has closed; never on a pump that has none."""
        return self.state.valve.latched

    def level_nl(self) -> int | None:
        """Return what the level sensor reads, nL; None on a pump that has none."""
        profile, state = self.profile, self.state
        if not profile.has_level_sensor:
            return None
        return state.sensor.reading_nl(
            units_to_nl(state.reservoir.content_units),
            profile.reservoir_capacity_nl,
            profile.level_noise_nl,
            state.chance.seed,
            self.now_ms,
        )

    def spend_handshake(self) -> None:
        """Take the charge of one answered handshake from the cell."""
        self.state.cell.answer_handshake(self.profile)

    def sound_tone(self) -> bool:
        """Sound the test tone; tell whether the tone generator drew its current."""
        return self.sound_tones(1)

    def sound_tones(self, tones: int) -> bool:
        """Sound a number of alarm tones; tell whether the tone generator drew its current."""
        sounded = self.state.buzzer.sound(tones)
        if sounded:
            self.state.cell.sound(self.profile, tones)
        return sounded

    def battery_mv(self) -> int:
        """Return the voltage of the cell at rest, as the electronics measure it, mV."""
        cell = self.state.cell
        return max(0, cell.rest_mv(self.profile, self.temperature_cdeg()) + cell.adc_offset_mv)

    def battery_pulse_mv(self) -> int:
        """Return the voltage of the cell under a motor pulse, as the electronics measure it, mV."""
        cell = self.state.cell
        return max(0, cell.pulse_mv(self.profile, self.temperature_cdeg()) + cell.adc_offset_mv)

    def brown_outs(self) -> int:
        """Return how often a pulse pulled the voltage below what the electronics need, since manufacture."""
        return self.state.cell.brown_outs

    def temperature_cdeg(self) -> int:
        """Return the temperature of the electronics, 0.01 degC."""
        return self.state.environment.temperature_cdeg

    def emi_pulses(self) -> int:
        """Return how many pulses woke the radio since manufacture."""
        return self.state.environment.emi_pulses


__all__ = ["MassBalance", "Plant", "PlantState"]
