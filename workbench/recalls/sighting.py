"""What can be seen of a pump at one moment, by observer: quantities with names and units.

``truth`` is the plant, ``belief`` the controller, ``log`` counts the records in the pump, ``alarm`` is what
stands and sounds, ``status`` what a programmer read last through the protocol, ``residual`` the last refill,
and ``answer`` what became of the last request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from firmware_model.plant.fluid import to_ng
from firmware_model.pump import Pump
from protocol.log_record import AlarmClearedEvent, AlarmRaisedEvent, DeliveryStateEvent, read_payload
from protocol.messages.log import LogRecord
from protocol.messages.status import GetStatusResponse
from protocol.quantities import units_to_nl
from protocol.vocabulary import AlarmCode, DeliveryState, EventType

Value = int | str

UNITS: Final[Mapping[str, str]] = {
    "_nl_h": "nL/h",
    "_nl": "nL",
    "_ng": "ng",
    "_mv": "mV",
    "_days": "d",
    "_permille": "0/00",
    "_cdeg": "0.01 degC",
    "_utc_s": "s",
    "_s": "s",
}
"""Units by the end of a name, the longest ends first."""

TRUTH: Final = (
    "reservoir_nl", "tip_nl", "tip_ng", "pocket_nl", "pocket_ng", "commanded_nl", "moved_nl", "injected_ng",
    "battery_mv", "pulse_mv", "brown_outs", "motor_stalled", "flow_valve_closed", "level_nl",
)  # fmt: skip
BELIEF: Final = ("delivery_state", "op_state", "rate_nl_h", "reservoir_nl", "delivered_nl", "gap_nl")
RESIDUAL: Final = ("expected_nl", "withdrawn_nl", "missing_nl", "filled_nl")
ANSWER: Final = ("outcome", "detail", "volume_nl", "dose_ng", "day_volume_nl", "soft_flags")
TONES: Final = ("critical_tones", "non_critical_tones")
STATUS: Final = tuple(each.name for each in fields(GetStatusResponse))


def unit_of(seen: str) -> str:
    """Return the unit of a quantity, empty for a number or a word."""
    return next((unit for end, unit in UNITS.items() if seen.endswith(end)), "")


def is_known(seen: str) -> bool:
    """Tell whether there is a quantity of that name."""
    observer, _, name = seen.partition(".")
    if observer == "log":
        return _is_event(name)
    if observer == "alarm":
        return name in TONES or name in AlarmCode.__members__
    if observer == "status":
        return name in STATUS or name in ("program", "prime_nl") or name in AlarmCode.__members__
    known = {"truth": TRUTH, "belief": BELIEF, "residual": RESIDUAL, "answer": ANSWER}
    return name in known.get(observer, ())


def _is_event(name: str) -> bool:
    kind, _, what = name.partition(".")
    if kind not in EventType.__members__:
        return False
    words = {"ALARM_RAISED": AlarmCode, "ALARM_CLEARED": AlarmCode, "DELIVERY_STATE": DeliveryState}
    return not what or (kind in words and what in words[kind].__members__)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a programmer read in one session; empty where it could read nothing."""

    at_ms: int
    status: GetStatusResponse | None = None
    alarms: tuple[AlarmCode, ...] = ()
    program: str = ""
    prime_nl: int = 0

    def values(self) -> dict[str, Value]:
        """Return what was read by name."""
        told: dict[str, Value] = {"status.program": self.program, "status.prime_nl": self.prime_nl}
        for name in STATUS if self.status is not None else ():
            value = getattr(self.status, name)
            told[f"status.{name}"] = value.name if hasattr(value, "name") else value
        return {**told, **{f"status.{code.name}": int(code in self.alarms) for code in AlarmCode}}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Everything that can be seen at one moment.

    Attributes:
        at_ms: pump time.
        values: by observer and name; what is not there was never seen.
    """

    at_ms: int
    values: Mapping[str, Value] = field(default_factory=dict)

    def value(self, seen: str) -> Value:
        """Return a quantity; what is counted and never was is 0, what was never told is ``nothing``."""
        if seen in self.values:
            return self.values[seen]
        return 0 if seen.startswith(("log.", "alarm.")) or unit_of(seen) else "nothing"


def see(pump: Pump, records: Iterable[LogRecord], told: Mapping[str, Value]) -> Sighting:
    """Look at a pump now.

    Args:
        pump: the pump.
        records: its log since the hand-over.
        told: what programmers and syringes have told.
    """
    belief, controller = pump.belief(), pump.controller
    values: dict[str, Value] = {f"truth.{name}": value for name, value in _truth(pump).items()}
    reservoir_nl = units_to_nl(belief.content_units)
    values |= {
        "belief.delivery_state": belief.delivery_state.name,
        "belief.op_state": controller.op_state.name,
        "belief.rate_nl_h": belief.rate_nl_h,
        "belief.reservoir_nl": reservoir_nl,
        "belief.delivered_nl": units_to_nl(belief.delivered_units),
        "belief.gap_nl": reservoir_nl - units_to_nl(pump.truth().content_units),
        "alarm.critical_tones": controller.tones.book.critical,
        "alarm.non_critical_tones": controller.tones.book.non_critical,
    }
    values |= {f"alarm.{code.name}": int(controller.alarms.stands(code)) for code in AlarmCode}
    for record in records:
        for name in _names(record):
            values[f"log.{name}"] = int(values.get(f"log.{name}", 0)) + 1
    return Sighting(pump.now_ms, {**values, **told})


def _truth(pump: Pump) -> dict[str, int]:
    plant, state = pump.plant, pump.plant.state
    level = plant.level_nl()
    return {
        "reservoir_nl": units_to_nl(state.reservoir.content_units),
        "tip_nl": units_to_nl(state.tip.units),
        "tip_ng": to_ng(state.tip.mass)[0],
        "pocket_nl": units_to_nl(state.pocket.units),
        "pocket_ng": to_ng(state.pocket.mass)[0],
        "commanded_nl": units_to_nl(state.motor.commanded_units),
        "moved_nl": units_to_nl(state.motor.moved_units),
        "injected_ng": to_ng(state.injected.mass)[0],
        "battery_mv": plant.battery_mv(),
        "pulse_mv": plant.battery_pulse_mv(),
        "brown_outs": plant.brown_outs(),
        "motor_stalled": int(state.motor.is_stalled),
        "flow_valve_closed": int(plant.flow_valve_closed()),
        "level_nl": 0 if level is None else level,
    }


def _names(record: LogRecord) -> tuple[str, ...]:
    """Return the names under which a record counts."""
    event, kind = read_payload(record), record.type.name
    if isinstance(event, AlarmRaisedEvent | AlarmClearedEvent):
        return kind, f"{kind}.{event.code.name}"
    if isinstance(event, DeliveryStateEvent):
        return kind, f"{kind}.{event.after.name}"
    return (kind,)
