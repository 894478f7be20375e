"""What a person gets from the headless verbs: short lines, one value each, by the screens' number rules."""

from collections.abc import Iterator

from programmer_tui.clinic.alarm_words import alarm_title
from programmer_tui.clinic.clinical_format import (
    MassUnit,
    drug_name,
    format_daily_dose,
    format_dose_rate,
    format_rate_ml_day,
    format_rate_ml_h,
    format_strength,
    format_volume_ml,
)
from programmer_tui.clinic.clinical_time import format_date_time, format_interval
from programmer_tui.clinic.dose import dose_rate_ng_h, step_minutes
from programmer_tui.clinic.log_words import record_actor, record_title, record_words
from programmer_tui.clinic.prescription import Prescription, prescription_of_program
from programmer_tui.clinic.readback import verdict_sentence
from programmer_tui.clinic.review import MODE_WORDS, Review
from programmer_tui.views import Belief, CommitResult, Glance
from protocol.messages.alarms import Alarm
from protocol.messages.log import LogRecord
from protocol.vocabulary import DeliveryState

_WIDTH = 18
DELIVERY_WORDS = {
    DeliveryState.UNDETERMINED: "[?] UNKNOWN",
    DeliveryState.STOPPED: "[!] STOPPED",
    DeliveryState.MIN_RATE: "[-] MINIMUM RATE",
    DeliveryState.RUNNING: "[>] INFUSING",
    DeliveryState.BOLUS: "[>] BOLUS",
    DeliveryState.PRIMING: "[>] PRIMING",
    DeliveryState.SAFE_STATE: "[!] SAFE STATE",
}
"""Pump state as mark and word, so that colour is never needed."""


def line(label: str, value: object) -> str:
    """Return one value with its label, aligned with the lines around it."""
    return f"{label:<{_WIDTH}}{value}"


def status_lines(belief: Belief | Glance) -> Iterator[str]:
    """Yield what the pump believes."""
    status, offset = belief.status, belief.clock.utc_offset_min if belief.clock else 0
    yield line("Pump", belief.device.serial)
    yield line("State", DELIVERY_WORDS[status.delivery_state])
    yield line("Rate", f"{format_rate_ml_day(status.rate_nl_h)} = {format_rate_ml_h(status.rate_nl_h)}")
    capacity = format_volume_ml(belief.device.reservoir_capacity_nl)
    yield line(
        "Reservoir", f"{format_volume_ml(status.reservoir_nl)} of {capacity} (calculated, not measured)"
    )
    yield line("Battery", f"{status.battery_permille / 10:.0f} %, {status.battery_mv} mV")
    yield line("Alarms", ", ".join(alarm_title(alarm.code) for alarm in belief.alarms) or "none")
    yield line("Program version", status.program_version)
    pump_time = format_date_time(status.utc_s, offset, weekday=True) if status.utc_s else "not set"
    yield line("Pump clock", pump_time)


def program_lines(belief: Belief) -> Iterator[str]:
    """Yield the active program."""
    if belief.program is None:
        yield "The pump has no program."
        return
    yield line("Program version", belief.program_info.version)
    yield line("Patient", belief.program.implant.patient_ref or "not recorded")
    yield from prescription_lines(prescription_of_program(belief.program))
    yield line("Low alarm", format_volume_ml(belief.program.alarms.low_reservoir_nl))


def prescription_lines(prescription: Prescription) -> Iterator[str]:
    """Yield a prescription as the pump will deliver it."""
    unit = prescription.unit
    yield line("Drug", drug_name(prescription.drug))
    yield line("Strength", format_strength(prescription.conc_ng_ml, unit))
    yield line("Mode", MODE_WORDS[prescription.mode])
    yield line("Daily dose", format_daily_dose(prescription.delivered_ng_per_day, unit))
    table = prescription.rate_table
    for (start, rate), length in zip(table, step_minutes(tuple(start for start, _ in table)), strict=True):
        dose = format_dose_rate(dose_rate_ng_h(rate, prescription.conc_ng_ml), unit)
        yield line(f"  {format_interval(start, start + length)}", f"{dose} = {format_rate_ml_h(rate)}")


def alarm_lines(alarms: tuple[Alarm, ...], offset_min: int) -> Iterator[str]:
    """Yield the standing alarms."""
    if not alarms:
        yield "No alarms."
    for alarm in alarms:
        since = format_date_time(alarm.onset_utc_s, offset_min) if alarm.onset_utc_s else "time not known"
        title, state = alarm_title(alarm.code), alarm.state.name.lower()
        yield f"{alarm.prio.name:<7}{title:<28}{state:<10}since {since}, number {alarm.instance}"


def log_lines(records: tuple[LogRecord, ...], unit: MassUnit, offset_min: int) -> Iterator[str]:
    """Yield log records, oldest first."""
    for record in records:
        when = format_date_time(record.utc_s, offset_min) if record.utc_s else f"uptime {record.uptime_s} s"
        who = record_actor(record)
        words = record_words(record, unit)
        yield f"{record.seq:>6}  {when}  {who:<7} {record_title(record):<22} {words}".rstrip()


def review_lines(review: Review) -> Iterator[str]:
    """Yield the review: what is in the pump, what will be sent, what the pump computes."""
    yield f"  {'':<20}{'IN PUMP NOW':>16}{'WILL BE SENT':>16}{'PUMP COMPUTES':>16}  CHANGE"
    for row in review.rows:
        mark = "*" if row.changed else " "
        values = "".join(f"{_with_unit(v, row.unit):>16}" for v in (row.current, row.new, row.computed))
        yield f"{mark} {row.label:<20}{values}  {row.change_text}".rstrip()
    if review.rounding:
        yield review.rounding
    yield from (f"HARD LIMIT: {finding.text}" for finding in review.hard)
    yield from (f"NEEDS A REASON: {text}" for text in review.reasons_needed)


def _with_unit(value: str, unit: str) -> str:
    return f"{value} {unit}" if value and unit else value


def result_lines(result: CommitResult) -> Iterator[str]:
    """Yield the result: receipt and read-back."""
    receipt = result.receipt
    yield line(
        "Receipt", f"{receipt.state.name.lower()}, version {receipt.version}, log record {receipt.log_seq}"
    )
    for check in result.checks:
        verdict = "= same" if check.same else "DIFFERS"
        yield f"  {check.label:<24}{check.sent:<24}{check.reported:<24}{verdict}"
    yield verdict_sentence(result.checks)
