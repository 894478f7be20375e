"""The cell: charge drawn by time, motor and telemetry, in exact integers, and the voltage that is left."""

from dataclasses import dataclass
from typing import Final

from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_HOUR, NL_PER_ML, UNITS_PER_NL

_NA_PER_UA: Final = 1_000


@dataclass(slots=True)
class Cell:
    """A lithium cell; charge is counted in nA*ms.

    Attributes:
        settled_ms: time up to which the idle current is booked.
        idle_charge: drawn by the electronics.
        motor_carry: motor charge that did not make a whole nA*ms yet.
        motor_charge: drawn by the motor.
        telemetry_charge: drawn by handshakes.
    """

    settled_ms: int
    idle_charge: int = 0
    motor_carry: int = 0
    motor_charge: int = 0
    telemetry_charge: int = 0

    def advance_to(self, profile: Profile, now_ms: int) -> None:
        """Book the idle current up to ``now_ms``."""
        self.idle_charge += profile.idle_current_na * (now_ms - self.settled_ms)
        self.settled_ms = now_ms

    def drive(self, profile: Profile, units: int) -> None:
        """Book what the motor takes for ``units`` of volume."""
        charge_per_ml = profile.motor_charge_uah_per_ml * _NA_PER_UA * MS_PER_HOUR
        charge, self.motor_carry = divmod(units * charge_per_ml + self.motor_carry, UNITS_PER_NL * NL_PER_ML)
        self.motor_charge += charge

    def answer_handshake(self, profile: Profile) -> None:
        """Book what the answer to one handshake takes."""
        self.telemetry_charge += profile.handshake_charge_nah * MS_PER_HOUR

    def voltage_mv(self, profile: Profile) -> int:
        """Return the voltage, mV: it falls evenly with the charge drawn."""
        capacity = profile.battery_capacity_uah * _NA_PER_UA * MS_PER_HOUR
        left = max(0, capacity - self.idle_charge - self.motor_charge - self.telemetry_charge)
        span = profile.battery_full_mv - profile.battery_empty_mv
        return profile.battery_empty_mv + left * span // capacity
