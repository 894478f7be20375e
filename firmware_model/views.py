"""Belief and truth side by side: what the controller takes to be so, and what really is."""

from dataclasses import dataclass

from protocol.vocabulary import DeliveryState


@dataclass(frozen=True, slots=True)
class Belief:
    """What the controller believes; volumes in exact units of nL*ms/h."""

    delivery_state: DeliveryState
    rate_nl_h: int
    content_units: int
    delivered_units: int
    filled_units: int
    wasted_units: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really so; volumes in exact units of nL*ms/h."""

    content_units: int
    delivered_units: int
    filled_units: int
    wasted_units: int
    battery_mv: int
    temperature_cdeg: int
