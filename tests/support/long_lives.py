"""Lives of years in a few calls: refills in time, resets where power fails, and what stood when."""

from support.pump_bench import DAY_MS

from firmware_model.controller.storage import PowerCut
from firmware_model.pump import Pump
from protocol.messages.alarms import Alarm
from protocol.vocabulary import AlarmCode, Priority

FILL_NL = 18_000_000


def standing_alarm(pump: Pump, code: AlarmCode) -> Alarm | None:
    """Return the standing alarm of ``code``, or None."""
    return next((alarm for alarm in pump.controller.alarms.standing if alarm.code is code), None)


def told(pump: Pump, code: AlarmCode) -> tuple[Priority, int] | None:
    """Return priority and detail of a standing alarm, or None."""
    alarm = standing_alarm(pump, code)
    return None if alarm is None else (alarm.prio, alarm.detail)


def live(pump: Pump, days: int) -> dict[AlarmCode, int]:
    """Let ``days`` pass, refilled when low, reset when power fails; return when each alarm first stood."""
    end_ms, first = pump.now_ms + days * DAY_MS, dict[AlarmCode, int]()
    while True:
        at_ms = pump.next_event_ms()
        last = at_ms is None or at_ms > end_ms
        try:
            pump.advance_to(end_ms if last or at_ms is None else at_ms)
        except PowerCut:
            pump.reset()
        for alarm in pump.controller.alarms.standing:
            first.setdefault(alarm.code, pump.now_ms)
        if last:
            return first
        if AlarmCode.RESERVOIR_LOW in {alarm.code for alarm in pump.controller.alarms.standing}:
            pump.refill(FILL_NL)


def drain(pump: Pump, permille: int) -> None:
    """Take so much charge out of the cell that ``permille`` of its capacity is left, as a check will find."""
    cell, profile = pump.plant.state.cell, pump.profile
    pump.belief()
    capacity = profile.battery_capacity_uah * 1_000 * 3_600_000
    cell.leak_charge += capacity * (1_000 - permille) // 1_000 - cell.drawn_charge()
    pump.apply_fault("battery_adc_offset", offset_mv=0)
    pump.belief()
