"""What the headless verbs say of the device, its days, clock, log, bonds, self-tests and notifications."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final

from programmer_tui.clinic.alarm_words import PRIORITY_WORDS, STATE_WORDS, alarm_title
from programmer_tui.clinic.clinical_format import format_rate_ml_day, format_volume_ml
from programmer_tui.clinic.clinical_time import (
    CLOCK_NOT_SET,
    format_date,
    format_date_time,
    format_duration_words,
)
from programmer_tui.log_download import LogDownload, LogVerdict
from programmer_tui.plain_text import DELIVERY_WORDS, line
from programmer_tui.views import Glance
from protocol.events import NotificationReceived
from protocol.messages.alarms import AlarmEvent
from protocol.messages.bonds import BondEntry
from protocol.messages.clock import GetClockResponse
from protocol.messages.delivery import BolusProgress
from protocol.messages.fields import fields_of
from protocol.messages.log import LogAppended
from protocol.messages.service import SelfTestResponse
from protocol.messages.session import SessionEnding
from protocol.messages.status import GetDayTotalsResponse, StatusPush
from protocol.request_words import SelfTest
from protocol.vocabulary import Feature

FEATURE_WORDS: Final = {
    Feature.WEEKLY_SCHEDULE: "weekly schedules",
    Feature.FAR_LINK: "far link",
    Feature.LEVEL_SENSOR: "level sensor in the reservoir",
    Feature.FLOW_ACTIVATED_VALVE: "flow-activated valve",
    Feature.BOLUS: "boluses",
    Feature.NOTIFICATIONS: "notifications",
}


def info_lines(told: Glance) -> Iterator[str]:
    """Yield what a pump is and what it can do."""
    device = told.device
    version = device.fw_version
    offset = told.clock.utc_offset_min if told.clock else 0
    yield line("Pump", device.serial)
    yield line("Model", f"{device.model}, hardware revision {device.hw_rev}")
    yield line("Firmware", f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}")
    yield line("Reservoir", format_volume_ml(device.reservoir_capacity_nl))
    lowest, highest = format_rate_ml_day(device.rate_min_nl_h), format_rate_ml_day(device.rate_max_nl_h)
    yield line("Rates", f"{lowest} to {highest}")
    yield line("Largest bolus", format_volume_ml(device.bolus_max_nl))
    yield line("Program", f"up to {device.max_steps} steps and {device.max_drugs} drugs")
    yield line("Log", f"{device.log_capacity:,} records")
    yield line("Made", format_date(device.made_utc_s, offset))
    implanted = format_date(device.implanted_utc_s, offset) if device.implanted_utc_s else "not implanted"
    yield line("Implanted", implanted)
    yield line("Service life", f"{device.service_life_days:,} days")
    words = [text for feature, text in FEATURE_WORDS.items() if feature in device.features]
    yield line("Features", ", ".join(words) or "none beyond the base")


def day_total_lines(totals: tuple[GetDayTotalsResponse, ...], offset_min: int) -> Iterator[str]:
    """Yield one line for each day, today first."""
    heads = ("BASAL", "PATIENT", "CLINICIAN", "PRIME")
    yield f"{'DAY':<22}{''.join(f'{head:>14}' for head in heads)}  STOPPED      PATIENT BOLUSES"
    for back, total in enumerate(totals):
        day = format_date(total.day_utc_s, offset_min, weekday=True) if total.day_utc_s else CLOCK_NOT_SET
        volumes = (total.basal_nl, total.patient_bolus_nl, total.clinician_bolus_nl, total.prime_nl)
        cells = "".join(f"{format_volume_ml(volume).text:>14}" for volume in volumes)
        stopped = format_duration_words(total.suspended_s)
        given = f"{total.patient_bolus_given} given, {total.patient_bolus_denied} refused"
        so_far = " so far" if not back else ""
        yield f"{day + so_far:<22}{cells}  {stopped:<11}  {given}"


def counter_lines(body: Any) -> Iterator[str]:  # noqa: ANN401 - any message body of counters
    """Yield a message body field by field, with what each field means."""
    marks = fields_of(type(body))
    for item in fields(body):
        mark = marks[item.name]
        value = f"{getattr(body, item.name):,} {mark.unit}".rstrip()
        yield f"{item.name:<20}{value:<16}{mark.text}"


def clock_lines(clock: GetClockResponse) -> Iterator[str]:
    """Yield the pump's clocks."""
    offset = clock.utc_offset_min
    sign = "-" if offset < 0 else "+"
    yield line("Pump clock", format_date_time(clock.utc_s, offset, weekday=True))
    yield line("Local time", f"UTC{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}")
    yield line("Running for", f"{format_duration_words(clock.uptime_ms // 1_000)}, start {clock.boot_count}")
    yield line("Set", f"{clock.time_base} times" if clock.time_base != 1 else "once")


# --- the log ------------------------------------------------------------------------------------------------


def download_lines(download: LogDownload) -> Iterator[str]:
    """Yield what was read of the log, and what could not be."""
    records = download.records
    span = f", {records[0].seq} to {records[-1].seq}" if records else ""
    yield line("Records", f"{len(records):,}{span} (epoch {download.log_epoch})")
    for gap in download.gaps:
        yield line("Overwritten", f"{gap.from_seq} to {gap.to_seq}, before they were read")
    if download.corrupt:
        yield line("Corrupt", ", ".join(str(seq) for seq in download.corrupt))
    if download.restarts:
        yield line("Wiped meanwhile", f"{download.restarts} times; this is the newest epoch")


def verdict_lines(verdict: LogVerdict) -> Iterator[str]:
    """Yield how the log compares with the pump's own hashes."""
    for run in verdict.runs:
        words = "= same" if run.own == run.pumps else f"DIFFERS from the pump's {run.pumps.hex()}"
        yield f"records {run.from_seq} to {run.to_seq}: {run.own.hex()} {words}"
    for seqs, words in ((verdict.bad_crc, "wrong CRC-32C"), (verdict.bad_checkpoints, "broken chain")):
        if seqs:
            yield line(words, ", ".join(str(seq) for seq in seqs))
    yield "VERIFIED: what was read is what the pump holds." if verdict.same else "NOT VERIFIED."


# --- bonds and self-tests -----------------------------------------------------------------------------------


def bond_lines(bonds: Iterable[BondEntry]) -> Iterator[str]:
    """Yield one line for each bond."""
    yield f"{'SLOT':<6}{'ROLE':<12}{'STATE':<13}{'NAME':<18}LAST SESSION"
    for bond in bonds:
        last = f"{format_date_time(bond.last_utc_s, 0)} UTC" if bond.last_utc_s else "none, or not known when"
        role, state = bond.role.name.lower(), bond.state.name.lower()
        yield f"{bond.slot:<6}{role:<12}{state:<13}{bond.label:<18}{last}"


def self_test_lines(answer: SelfTestResponse) -> Iterator[str]:
    """Yield what each self-test said."""
    for test in SelfTest:
        if test in answer.results and test.name:
            name = test.name.lower().replace("_", " ")
            yield line(name, "FAILED" if test in answer.failed else "passed")
    yield line("Took", f"{answer.duration_ms} ms of pump time")


# --- notifications ------------------------------------------------------------------------------------------


def notification_line(event: NotificationReceived) -> str:
    """Return what the pump told in one line."""
    body = event.body
    match body:
        case StatusPush():
            state = DELIVERY_WORDS[body.delivery_state]
            content = f"{format_volume_ml(body.reservoir_nl)} (calculated)"
            return f"status   {state}, {format_rate_ml_day(body.rate_nl_h)}, reservoir {content}"
        case BolusProgress():
            given = format_volume_ml(body.delivered_nl)
            state = body.state.name.lower()
            return f"bolus    number {body.bolus_id}: {state}, {given} of {format_volume_ml(body.total_nl)}"
        case LogAppended():
            return f"log      newest record is {body.log_last_seq}"
        case AlarmEvent():
            title, state = alarm_title(body.code), STATE_WORDS[body.state]
            return f"alarm    {PRIORITY_WORDS[body.prio]} {title}, {state} (number {body.instance})"
        case SessionEnding():
            return f"session  ends in {body.seconds} s: {body.reason.name.lower().replace('_', ' ')}"
        case _:
            return event.spec.name.lower()
