"""The physical pump: motor, reservoir, cell and tone generator in their environment.

Nothing here knows what the controller believes; nothing there sees more of this than `Plant` offers it as
hardware: a motor to turn, a tone to sound, values to read.
"""

from dataclasses import dataclass, field, replace

from firmware_model.plant.buzzer import Buzzer
from firmware_model.plant.cell import Cell
from firmware_model.plant.environment import Environment
from firmware_model.plant.motor import Motor
from firmware_model.plant.reservoir import Reservoir
from firmware_model.profiles import Profile
from protocol.quantities import nl_to_units, units_to_nl


@dataclass(frozen=True, slots=True)
class PlantState:
    """Everything physical about a pump, as plain data."""

    motor: Motor
    reservoir: Reservoir
    cell: Cell
    environment: Environment = field(default_factory=Environment)
    buzzer: Buzzer = field(default_factory=Buzzer)

    def copy(self) -> "PlantState":
        """Return the same state in objects of its own."""
        return PlantState(
            replace(self.motor),
            replace(self.reservoir),
            replace(self.cell),
            replace(self.environment),
            replace(self.buzzer),
        )


class Plant:
    """The physical pump.

    Attributes:
        state: what it is like; its parts may be changed to tell a story (a gain, a temperature).
    """

    def __init__(self, profile: Profile, state: PlantState) -> None:
        self._profile = profile
        self.state = state

    @classmethod
    def new(cls, profile: Profile, now_ms: int) -> "Plant":
        """Return a pump as the factory makes it: empty, with a full cell."""
        reservoir = Reservoir(nl_to_units(profile.reservoir_capacity_nl))
        return cls(profile, PlantState(Motor(), reservoir, Cell(now_ms)))

    def advance_to(self, now_ms: int) -> None:
        """Let time pass; what the motor does is told by `run_motor` before."""
        self.state.cell.advance_to(self._profile, now_ms)

    def refill(self, filled_nl: int, withdrawn_nl: int | None = None) -> int:
        """Empty and fill the reservoir with a syringe; return the withdrawn volume as the syringe shows it.

        Args:
            filled_nl: filled in, nL.
            withdrawn_nl: drawn out before, nL; None draws out all there is.

        Raises:
            ValueError: more is withdrawn than there is, or more filled in than fits; nothing changes then.
        """
        reservoir = self.state.reservoir
        units = reservoir.content_units if withdrawn_nl is None else nl_to_units(withdrawn_nl)
        room = reservoir.capacity_units - reservoir.content_units + units
        if filled_nl < 0 or nl_to_units(filled_nl) > room:
            raise ValueError(
                f"filled_nl = {filled_nl} does not fit: there is room for {units_to_nl(room)} nL"
            )
        reservoir.withdraw(units)
        reservoir.fill(nl_to_units(filled_nl))
        return units_to_nl(units)

    # --- hardware, as the controller sees it --------------------------------------------------------------

    def run_motor(self, units: int) -> None:
        """Turn the motor as far as ``units`` (nL*ms/h) of drug should take."""
        self.state.cell.drive(self._profile, units)
        self.state.reservoir.draw(self.state.motor.turn(units))

    def spend_handshake(self) -> None:
        """Take the charge of one answered handshake from the cell."""
        self.state.cell.answer_handshake(self._profile)

    def motor_follows(self) -> bool:
        """Tell whether the motor's encoder follows a test pulse; no drug moves."""
        return self.state.motor.gain_ppm > 0

    def sound_tone(self) -> bool:
        """Sound the test tone; tell whether the tone generator drew its current."""
        return self.state.buzzer.sound()

    def battery_mv(self) -> int:
        """Return the voltage of the cell, mV."""
        return self.state.cell.voltage_mv(self._profile)

    def temperature_cdeg(self) -> int:
        """Return the temperature of the electronics, 0.01 degC."""
        return self.state.environment.temperature_cdeg
