"""What the controller reaches of the physical pump: a motor to turn, a voltage and a temperature to read."""

from typing import Protocol


class Hardware(Protocol):
    """The wires between the electronics and the rest of the pump."""

    def run_motor(self, units: int) -> None:
        """Turn the motor as far as ``units`` (nL*ms/h) of drug should take."""

    def battery_mv(self) -> int:
        """Return the voltage of the cell, mV."""

    def temperature_cdeg(self) -> int:
        """Return the temperature of the electronics, 0.01 degC."""
