"""What became of a therapy command whose answer was lost.

A program, a bolus and a refill have a receipt in the pump. Ending a bolus and stopping, slowing or resuming
delivery have none: of them the pump's log tells, or for a role that may not read it, its status.
"""

from collections.abc import Callable
from typing import Final

from programmer_tui.intents import IntentKind
from programmer_tui.log_download import download_log
from programmer_tui.transaction import APPLIED, judge_receipt
from programmer_tui.views import Belief, Resolution, Uncertain
from protocol.client_calls import PumpCalls
from protocol.log_record import BolusEndEvent, DeliveryStateEvent, read_payload
from protocol.messages.log import LogRecord
from protocol.messages.status import GetStatusResponse
from protocol.request_words import DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState

_OVER: Final = (BolusState.DONE, BolusState.CANCELLED, BolusState.FAULTED)


def resolve_outcome(
    pump: PumpCalls, uncertain: Uncertain, interrogate: Callable[[], Belief], *, may_read_log: bool
) -> Resolution:
    """Ask the pump what became of an intent.

    Args:
        pump: the pump, in a session of the same bond.
        uncertain: the intent.
        interrogate: reads the whole pump; only used for a program.
        may_read_log: whether the role of the session may read the log.

    Raises:
        ServiceError: receipt and program contradict each other, so it is still unknown.
        ClientError, LinkError: the pump or the link failed.
    """
    if uncertain.kind is IntentKind.PROGRAM:
        return judge_receipt(uncertain, pump.get_receipt(uncertain.intent_id), interrogate())
    if uncertain.kind not in (IntentKind.CANCEL, IntentKind.DELIVERY):
        return _by_receipt(pump, uncertain)
    status = pump.get_status()
    told: tuple[LogRecord, ...] = ()
    if may_read_log:
        told = download_log(pump, from_seq=uncertain.log_seq + 1).records
    if uncertain.kind is IntentKind.CANCEL:
        return _by_bolus(uncertain, status, told)
    return _by_delivery(uncertain, status, told, may_read_log=may_read_log)


def _by_receipt(pump: PumpCalls, uncertain: Uncertain) -> Resolution:
    receipt = pump.get_receipt(uncertain.intent_id)
    applied = receipt.state in APPLIED
    done = f"DID it (receipt {receipt.state.name}, log record {receipt.log_seq})"
    words = done if applied else f"did NOT do it (receipt {receipt.state.name})"
    text = f"The pump {words}: {uncertain.what}."
    return Resolution(uncertain.intent_id, applied, receipt, text, uncertain.kind)


def _by_bolus(uncertain: Uncertain, status: GetStatusResponse, told: tuple[LogRecord, ...]) -> Resolution:
    state = status.bolus_state if status.bolus_id == uncertain.subject else None
    for record in told:
        event = read_payload(record)
        if isinstance(event, BolusEndEvent) and event.bolus_id == uncertain.subject:
            state = event.state
    applied = state is BolusState.CANCELLED
    if state is None:
        text = f"Bolus {uncertain.subject} is over; how it ended is not known any more."
    elif state in _OVER:
        text = f"Bolus {uncertain.subject} is over: {state.name}."
    else:
        text = f"The pump did NOT end bolus {uncertain.subject}; it is {state.name}."
    return Resolution(uncertain.intent_id, applied, None, text, uncertain.kind)


def _by_delivery(
    uncertain: Uncertain, status: GetStatusResponse, told: tuple[LogRecord, ...], *, may_read_log: bool
) -> Resolution:
    target = DeliveryState(uncertain.subject)
    now = f"it is {status.delivery_state.name} now"
    ordered = next((record for record in told if _is_order_of(record, uncertain.actor_slot)), None)
    if ordered is not None:
        text = f"The pump DID it (log record {ordered.seq}): {uncertain.what}; {now}."
        return Resolution(uncertain.intent_id, True, None, text, uncertain.kind)
    applied = not may_read_log and status.delivery_state is target
    words = "DID it, by its status" if applied else "did NOT do it"
    text = f"The pump {words}: {uncertain.what}; {now}."
    return Resolution(uncertain.intent_id, applied, None, text, uncertain.kind)


def _is_order_of(record: LogRecord, slot: int) -> bool:
    event = read_payload(record) if record.actor_slot == slot else None
    return isinstance(event, DeliveryStateEvent) and event.reason is not DeliveryReason.NONE
