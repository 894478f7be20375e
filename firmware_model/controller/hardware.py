"""What the controller reaches of the physical pump: a motor to turn, a tone to sound, values to read."""

from typing import Protocol


class Hardware(Protocol):
    """The wires between the electronics and the rest of the pump."""

    def run_motor(self, units: int) -> None:
        """Turn the motor as far as ``units`` (nL*ms/h) of drug should take."""

    def stop(self, complete_stroke: bool) -> None:
        """Stop the motor: an operator's stop completes the stroke under way, a fault stop does not."""

    def stalled(self) -> bool:
        """Tell whether the encoder stands still though the motor is driven."""

    def spend_handshake(self) -> None:
        """Take the charge of one answered handshake from the cell."""

    def motor_follows(self) -> bool:
        """Tell whether the motor's encoder follows a test pulse; no drug moves."""

    def sound_tone(self) -> bool:
        """Sound the test tone; tell whether the tone generator drew its current."""

    def sound_tones(self, tones: int) -> bool:
        """Sound a number of alarm tones; tell whether the tone generator drew its current."""

    def battery_mv(self) -> int:
        """Return the voltage of the cell at rest, mV."""

    def battery_pulse_mv(self) -> int:
        """Return the voltage of the cell under a motor pulse, mV."""

    def brown_outs(self) -> int:
        """Return how often a pulse pulled the voltage below what the electronics need, since manufacture."""

    def temperature_cdeg(self) -> int:
        """Return the temperature of the electronics, 0.01 degC."""
