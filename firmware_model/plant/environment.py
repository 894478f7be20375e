"""What surrounds the pump, as plain values that a scenario sets."""

from dataclasses import dataclass
from typing import Final

BODY_TEMPERATURE_CDEG: Final = 3_700
SEA_LEVEL_HPA: Final = 1_013


@dataclass(slots=True)
class Environment:
    """The place the pump is in.

    Attributes:
        temperature_cdeg: temperature, 0.01 degC.
        field_mt: static magnetic field, mT.
        pressure_hpa: ambient pressure, hPa.
        emi_pulses: electromagnetic pulses strong enough to wake the radio, since manufacture.
    """

    temperature_cdeg: int = BODY_TEMPERATURE_CDEG
    field_mt: int = 0
    pressure_hpa: int = SEA_LEVEL_HPA
    emi_pulses: int = 0
