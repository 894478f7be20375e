"""Boluses, refills and their results as short lines, by the screens' number rules."""

from collections.abc import Iterator
from typing import Final

from programmer_tui.clinic.clinical_format import (
    MassUnit,
    drug_name,
    format_mass,
    format_rate_ml_day,
    format_rate_ml_h,
    format_strength,
    format_volume_ml,
)
from programmer_tui.clinic.clinical_time import format_duration_words
from programmer_tui.intents import IntentKind
from programmer_tui.plain_text import DELIVERY_WORDS, line
from programmer_tui.views import ArmedBolus, Belief, TherapyResult
from protocol.messages.delivery import BolusCancelResponse, PatientBolusResponse, SetDeliveryResponse
from protocol.messages.refill import RefillRecordResponse
from protocol.messages.status import GetStatusResponse
from protocol.program import Drug
from protocol.vocabulary import SoftLimit

_NOTICE_NL: Final = 2_000_000
"""A residual that differs by more than 2 mL from the computed one needs an explanation."""


def armed_lines(armed: ArmedBolus, drug: Drug, status: GetStatusResponse) -> Iterator[str]:
    """Yield a bolus before it is started: this programmer's arithmetic beside the pump's own."""
    unit = MassUnit.of_display(drug.display)
    answer = armed.answer
    yield line("Bolus", f"{armed.kind.name.lower()}, number {answer.bolus_id}")
    yield line("Drug", f"{drug_name(drug.drug_code)} {format_strength(drug.conc_ng_ml, unit)}")
    yield line("Volume", format_volume_ml(armed.volume_nl).qualified)
    yield line("Time", format_duration_words(armed.duration_s))
    yield line("Basal rate now", format_rate_ml_h(status.rate_nl_h))
    yield f"  {'':<20}{'WILL BE SENT':>20}{'PUMP COMPUTES':>20}"
    rows = (
        ("Dose", format_mass(armed.dose_ng, unit), format_mass(answer.dose_ng, unit)),
        ("Rate over the basal", format_rate_ml_h(armed.rate_nl_h), format_rate_ml_h(answer.rate_nl_h)),
    )
    for label, ours, pumps in rows:
        yield f"  {label:<20}{ours.text:>20}{pumps.text:>20}"
    for bit in SoftLimit:
        if bit in answer.soft_flags and bit.name:
            yield f"NEEDS A REASON: the soft limit for {bit.name.lower().replace('_', ' ')} is passed."


def refill_lines(belief: Belief, withdrawn_nl: int, filled_nl: int) -> Iterator[str]:
    """Yield what was withdrawn beside what the pump had computed, and what it will book."""
    expected_nl = belief.status.reservoir_nl
    yield line("Computed residual", f"{format_volume_ml(expected_nl)} (calculated, not measured)")
    yield line("Withdrawn", format_volume_ml(withdrawn_nl))
    more = withdrawn_nl >= expected_nl
    difference = format_volume_ml(abs(withdrawn_nl - expected_nl))
    yield line("Difference", f"{difference} {'more' if more else 'less'} than computed")
    if abs(withdrawn_nl - expected_nl) > _NOTICE_NL:
        yield "LOOK: that is more than 2 mL. Explain it before you refill: pump, catheter or record is wrong."
    capacity = format_volume_ml(belief.device.reservoir_capacity_nl)
    yield line("Filled in", f"{format_volume_ml(filled_nl)} of {capacity}")


def therapy_lines(result: TherapyResult) -> Iterator[str]:
    """Yield the end of a therapy command: what the pump answered, its receipt, the read-back."""
    yield line("Done", result.what)
    yield from _answer_lines(result.answer)
    receipt = result.receipt
    if receipt is not None:
        yield line("Receipt", f"{receipt.state.name.lower()}, log record {receipt.log_seq}")
    if result.kind in _WITH_RECEIPT:
        yield line("Intent", result.intent_id.hex())
    for check in result.checks:
        verdict = "= same" if check.same else "DIFFERS"
        yield f"  {check.label:<18}{check.sent:<20}{check.reported:<20}{verdict}"
    yield "VERIFIED: the pump was read again." if result.verified else "NOT VERIFIED. Interrogate the pump."


_WITH_RECEIPT: Final = (IntentKind.BOLUS, IntentKind.PATIENT_BOLUS, IntentKind.REFILL)


def _answer_lines(answer: object) -> Iterator[str]:
    match answer:
        case PatientBolusResponse():
            yield line("Volume", format_volume_ml(answer.volume_nl))
            yield line("Time", format_duration_words(answer.duration_s))
            yield line("Left today", answer.left_today)
            yield line("Next one in", format_duration_words(answer.lockout_s))
        case BolusCancelResponse():
            yield line("Delivered", format_volume_ml(answer.delivered_nl))
            yield line("Not delivered", format_volume_ml(answer.cancelled_nl))
        case SetDeliveryResponse():
            yield line("State", DELIVERY_WORDS[answer.delivery_state])
            rates = format_rate_ml_day(answer.rate_nl_h), format_rate_ml_h(answer.rate_nl_h)
            yield line("Rate", f"{rates[0]} = {rates[1]}")
        case RefillRecordResponse():
            yield line("Reservoir", format_volume_ml(answer.reservoir_nl))
            yield line("Had computed", format_volume_ml(answer.expected_residual_nl))
