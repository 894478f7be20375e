"""What surrounds the pump."""

from dataclasses import dataclass
from typing import Final

BODY_TEMPERATURE_CDEG: Final = 3_700


@dataclass(slots=True)
class Environment:
    """The place the pump is in.

    Attributes:
        temperature_cdeg: temperature, 0.01 degC.
    """

    temperature_cdeg: int = BODY_TEMPERATURE_CDEG
