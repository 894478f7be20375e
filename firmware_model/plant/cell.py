"""The cell: charge drawn, in exact integers, and the voltage left, at rest and under a motor pulse."""

from dataclasses import dataclass
from typing import Final

from firmware_model.plant.environment import BODY_TEMPERATURE_CDEG
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, NL_PER_ML, UNITS_PER_NL

_NA_PER_UA: Final = 1_000
_PERMILLE: Final = 1_000
_PPM: Final = 1_000_000
_CDEG_PER_K: Final = 100
_UA_MOHM_PER_MV: Final = 1_000_000
_NA_MOHM_PER_MV: Final = 1_000_000_000


@dataclass(slots=True)
class Cell:
    """A lithium cell; charge is counted in nA*ms.

    Attributes:
        settled_ms: time up to which the currents that always flow are booked.
        idle_charge: drawn by the electronics.
        motor_carry: motor charge that did not make a whole nA*ms yet.
        motor_charge: drawn by the motor.
        telemetry_charge: drawn by handshakes.
        tone_charge: drawn by the tone generator.
        leak_charge: lost through a leak.
        leak_na: leakage current through the feedthrough, nA.
        film_from_ms: when a resistive film began to grow, None where none does.
        film_mohm_per_day: how fast it grows.
        adc_offset_mv: error of the voltage that the electronics measure.
        brown_outs: how often a pulse pulled the voltage below what the electronics need.
        low: whether pulses do so now.
    """

    settled_ms: int
    idle_charge: int = 0
    motor_carry: int = 0
    motor_charge: int = 0
    telemetry_charge: int = 0
    tone_charge: int = 0
    leak_charge: int = 0
    leak_na: int = 0
    film_from_ms: int | None = None
    film_mohm_per_day: int = 0
    adc_offset_mv: int = 0
    brown_outs: int = 0
    low: bool = False

    def advance_to(self, profile: Profile, now_ms: int) -> None:
        """Book the currents that always flow up to ``now_ms``."""
        span_ms = now_ms - self.settled_ms
        self.idle_charge += profile.idle_current_na * span_ms
        self.leak_charge += self.leak_na * span_ms
        self.settled_ms = now_ms

    def drive(self, profile: Profile, units: int) -> None:
        """Book what the motor takes for ``units`` of volume."""
        charge_per_ml = profile.motor_charge_uah_per_ml * _NA_PER_UA * MS_PER_HOUR
        charge, self.motor_carry = divmod(units * charge_per_ml + self.motor_carry, UNITS_PER_NL * NL_PER_ML)
        self.motor_charge += charge

    def answer_handshake(self, profile: Profile) -> None:
        """Book what the answer to one handshake takes."""
        self.telemetry_charge += profile.handshake_charge_nah * MS_PER_HOUR

    def sound(self, profile: Profile, tones: int) -> None:
        """Book what a number of tones take."""
        self.tone_charge += tones * profile.tone_charge_nah * MS_PER_HOUR

    def drawn_charge(self) -> int:
        """Return all that was drawn since manufacture, nA*ms."""
        parts = (
            self.idle_charge,
            self.motor_charge,
            self.telemetry_charge,
            self.tone_charge,
            self.leak_charge,
        )
        return sum(parts)

    def is_flat(self, profile: Profile) -> bool:
        """Tell whether nothing is left."""
        return self.drawn_charge() >= profile.battery_capacity_uah * _NA_PER_UA * MS_PER_HOUR

    def voltage_mv(self, profile: Profile) -> int:
        """Return the open-circuit voltage, mV: two straight lines that meet at the profile's knee."""
        capacity = profile.battery_capacity_uah * _NA_PER_UA * MS_PER_HOUR
        left = max(0, capacity - self.drawn_charge())
        permille, knee_mv = profile.battery_knee_permille, profile.battery_knee_mv
        knee = capacity * permille // _PERMILLE
        if left < knee:
            return profile.battery_empty_mv + left * (knee_mv - profile.battery_empty_mv) // knee
        return knee_mv + (left - knee) * (profile.battery_full_mv - knee_mv) // (capacity - knee)

    def resistance_mohm(self, profile: Profile, temperature_cdeg: int) -> int:
        """Return the internal resistance, mOhm: base and film, higher in the cold."""
        film = 0
        if self.film_from_ms is not None:
            film = max(0, self.settled_ms - self.film_from_ms) * self.film_mohm_per_day // MS_PER_DAY
        colder_cdeg = BODY_TEMPERATURE_CDEG - temperature_cdeg
        ppm = max(0, _PPM + profile.battery_resistance_ppm_per_k * colder_cdeg // _CDEG_PER_K)
        return (profile.battery_resistance_mohm + film) * ppm // _PPM

    def rest_mv(self, profile: Profile, temperature_cdeg: int) -> int:
        """Return the voltage while only the electronics and a leak draw, mV, 0 or more."""
        current_na = profile.idle_current_na + self.leak_na
        sag = current_na * self.resistance_mohm(profile, temperature_cdeg) // _NA_MOHM_PER_MV
        return max(0, self.voltage_mv(profile) - sag)

    def pulse_mv(self, profile: Profile, temperature_cdeg: int) -> int:
        """Return the voltage under a motor pulse, mV, 0 or more."""
        sag = profile.motor_pulse_ua * self.resistance_mohm(profile, temperature_cdeg) // _UA_MOHM_PER_MV
        return max(0, self.rest_mv(profile, temperature_cdeg) - sag)
