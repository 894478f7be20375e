"""Group 1: what the pump is."""

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import flags32, label, u8, u16, u32
from protocol.vocabulary import Feature


@dataclass(frozen=True, slots=True)
class GetDeviceInfoRequest:
    """Asks what the pump is."""


@dataclass(frozen=True, slots=True)
class GetDeviceInfoResponse:
    """What the pump is and what it can do."""

    serial: Annotated[str, label(16, "serial number")]
    model: Annotated[int, u16("", "model number of the profile")]
    hw_rev: Annotated[int, u16("", "hardware revision")]
    fw_version: Annotated[int, u32("", "firmware version, major * 65536 + minor * 256 + patch")]
    features: Annotated[Feature, flags32(Feature, "what it can do beyond the base")]
    reservoir_capacity_nl: Annotated[int, u32("nL", "capacity of the reservoir")]
    rate_min_nl_h: Annotated[int, u32("nL/h", "lowest therapy rate; MIN_RATE lies below")]
    rate_max_nl_h: Annotated[int, u32("nL/h", "highest rate")]
    bolus_max_nl: Annotated[int, u32("nL", "largest bolus")]
    max_steps: Annotated[int, u8("", "steps a schedule may have")]
    max_drugs: Annotated[int, u8("", "drugs a program may name")]
    log_capacity: Annotated[int, u32("", "records the log ring holds")]
    made_utc_s: Annotated[int, u32("s", "UTC of manufacture")]
    implanted_utc_s: Annotated[int, u32("s", "UTC of implantation, 0 where not implanted")]
    service_life_days: Annotated[int, u16("d", "hard service life from implantation")]
