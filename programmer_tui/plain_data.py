"""What scripts get: beliefs, logs, alarms and results as plain data, every key with its unit.

Words (enumerations) are lower-case names; times are UTC seconds; octets are hexadecimal. The keys are part of
the command line's contract, see docs/reference/command-line.md.
"""

from dataclasses import fields
from enum import IntEnum, IntFlag
from typing import Any

from programmer_tui.clinic.alarm_words import alarm_title
from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.log_words import record_title, record_words
from programmer_tui.clinic.prescription import Prescription, prescription_of_program
from programmer_tui.clinic.readback import ReadBackRow
from programmer_tui.log_download import LogDownload, LogVerdict
from programmer_tui.views import (
    ArmedBolus,
    Belief,
    CommitResult,
    Glance,
    Proposal,
    Resolution,
    TherapyResult,
)
from protocol.events import NotificationReceived
from protocol.messages.alarms import Alarm
from protocol.messages.bonds import BondEntry
from protocol.messages.log import LogRecord
from protocol.messages.program import ReceiptResponse
from protocol.program import Program


def word(member: IntEnum) -> str:
    """Return the name of an enumeration's member as scripts see it."""
    return member.name.lower()


def flags(mask: IntFlag) -> list[str]:
    """Return the names of the bits that are set; a bit without a name as its number."""
    known = [bit.name.lower() for bit in type(mask) if bit in mask and bit.name]
    unknown = int(mask) & ~sum(type(mask))
    return known + [f"bit_{place}" for place in range(unknown.bit_length()) if unknown >> place & 1]


def body_data(body: Any) -> dict[str, Any]:  # noqa: ANN401 - any message body
    """Return a message body as plain data, by its own field names."""
    return {field.name: _plain(getattr(body, field.name)) for field in fields(body)}


def _plain(value: object) -> object:
    if isinstance(value, IntFlag):
        return flags(value)
    if isinstance(value, IntEnum):
        return word(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [body_data(item) for item in value]
    return int(value) if isinstance(value, int) else value


def status_data(belief: Belief | Glance) -> dict[str, Any]:
    """Return device, status and clock of an interrogation; no clock for a role that may not read it."""
    return {
        "read_at_utc_s": belief.read_at_utc_s,
        "device": body_data(belief.device),
        "status": body_data(belief.status),
        "clock": None if belief.clock is None else body_data(belief.clock),
        "alarms": [alarm_data(alarm) for alarm in belief.alarms],
    }


def alarm_data(alarm: Alarm) -> dict[str, Any]:
    """Return one alarm, with its name in words."""
    return body_data(alarm) | {"code": word(alarm.code), "title": alarm_title(alarm.code)}


def bond_data(bond: BondEntry) -> dict[str, Any]:
    """Return one bond."""
    return body_data(bond)


def prescription_data(prescription: Prescription) -> dict[str, Any]:
    """Return a prescription: doses as the pump's rates give them."""
    return {
        "drug": word(prescription.drug),
        "display_unit": prescription.unit.value,
        "conc_ng_ml": prescription.conc_ng_ml,
        "mode": word(prescription.mode),
        "dose_ng_per_day": prescription.delivered_ng_per_day,
        "day_volume_nl": prescription.day_volume_nl,
        "steps": [{"start_min": start, "rate_nl_h": rate} for start, rate in prescription.rate_table],
    }


def program_data(belief: Belief) -> dict[str, Any]:
    """Return the active program: its version, its prescription and every section."""
    info = {"info": body_data(belief.program_info)}
    if belief.program is None:
        return info | {"prescription": None, "sections": None}
    prescription = prescription_data(prescription_of_program(belief.program))
    return info | {"prescription": prescription, "sections": _sections(belief.program)}


def _sections(program: Program) -> dict[str, Any]:
    names = ("patient_bolus", "limits", "alarms", "emergency", "implant", "clock")
    sections = {name: body_data(getattr(program, name)) for name in names}
    for section in sections.values():
        section.pop("zero", None)
    return sections


def log_data(records: tuple[LogRecord, ...], unit: MassUnit) -> list[dict[str, Any]]:
    """Return log records, oldest first, with their payload in words."""
    return [
        {
            "seq": record.seq,
            "uptime_s": record.uptime_s,
            "utc_s": record.utc_s,
            "type": word(record.type),
            "title": record_title(record),
            "words": record_words(record, unit),
            "actor_slot": record.actor_slot,
            "payload": record.payload.hex(),
        }
        for record in records
    ]


def receipt_data(receipt: ReceiptResponse) -> dict[str, Any]:
    """Return a receipt."""
    return body_data(receipt)


def proposal_data(proposal: Proposal) -> dict[str, Any]:
    """Return what the pump verified: its own summary."""
    summary = body_data(proposal.summary)
    summary.pop("token")
    return {
        "base_version": proposal.base_version,
        "intent_id": proposal.intent_id.hex(),
        "prescription": prescription_data(prescription_of_program(proposal.program)),
        "pump_summary": summary,
    }


def result_data(result: CommitResult) -> dict[str, Any]:
    """Return the end of a dose change: receipt and read-back."""
    return {
        "receipt": receipt_data(result.receipt),
        "verified": result.verified,
        "checks": [_check(check) for check in result.checks],
        "soft_ack": flags(result.soft_ack),
        "reason": word(result.reason),
        "sent_utc_s": result.sent_utc_s,
        "accepted_utc_s": result.accepted_utc_s,
        "read_back_utc_s": result.read_back_utc_s,
    }


def resolution_data(resolution: Resolution) -> dict[str, Any]:
    """Return how an unknown outcome was resolved."""
    return {
        "applied": resolution.applied,
        "text": resolution.text,
        "receipt": None if resolution.receipt is None else receipt_data(resolution.receipt),
        "kind": resolution.kind.value,
        "intent_id": resolution.intent_id.hex(),
    }


def armed_data(armed: ArmedBolus) -> dict[str, Any]:
    """Return a bolus that the pump has checked: our arithmetic and the pump's."""
    pumps = body_data(armed.answer)
    pumps.pop("token")
    return {
        "kind": word(armed.kind),
        "intent_id": armed.intent.intent_id.hex(),
        "volume_nl": armed.volume_nl,
        "duration_s": armed.duration_s,
        "rate_nl_h": armed.rate_nl_h,
        "dose_ng": armed.dose_ng,
        "pump_summary": pumps,
    }


def therapy_data(result: TherapyResult) -> dict[str, Any]:
    """Return the end of a therapy command: the pump's answer, its receipt and the read-back."""
    return {
        "kind": result.kind.value,
        "what": result.what,
        "intent_id": result.intent_id.hex(),
        "answer": body_data(result.answer),
        "receipt": None if result.receipt is None else receipt_data(result.receipt),
        "verified": result.verified,
        "checks": [_check(check) for check in result.checks],
        "status": body_data(result.status),
    }


def download_data(download: LogDownload, unit: MassUnit) -> dict[str, Any]:
    """Return a whole log: what was read, and what could not be."""
    return {
        "log_epoch": download.log_epoch,
        "records": log_data(download.records, unit),
        "gaps": [{"from_seq": gap.from_seq, "to_seq": gap.to_seq} for gap in download.gaps],
        "corrupt_seqs": list(download.corrupt),
        "restarts": download.restarts,
    }


def verdict_data(verdict: LogVerdict) -> dict[str, Any]:
    """Return how a downloaded log compares with the pump's own hashes."""
    return {
        "same": verdict.same,
        "runs": [
            {
                "from_seq": run.from_seq,
                "to_seq": run.to_seq,
                "own_chain": run.own.hex(),
                "pump_chain": run.pumps.hex(),
            }
            for run in verdict.runs
        ],
        "bad_crc_seqs": list(verdict.bad_crc),
        "bad_checkpoint_seqs": list(verdict.bad_checkpoints),
    }


def notification_data(event: NotificationReceived) -> dict[str, Any]:
    """Return what the pump told, with the name of the message; an alarm with its title."""
    body = body_data(event.body)
    title = {"title": alarm_title(event.body.code)} if hasattr(event.body, "code") else {}
    return {"message": event.spec.name.lower(), "repeated": event.repeated} | body | title


def _check(row: ReadBackRow) -> dict[str, Any]:
    return {"label": row.label, "sent": row.sent, "reported": row.reported, "same": row.same}
