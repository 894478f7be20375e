"""What became of a therapy command whose answer was lost.

A program, a bolus and a refill have a receipt in the pump. Ending a bolus and stopping, slowing or resuming
delivery have none: of them the pump's log tells, or for a role that may not read it, its status.
"""

from collections.abc import Callable
from itertools import dropwhile
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
from protocol.vocabulary import BolusState, DeliveryState, EventType

_LOOK_BACK: Final = 128
"""Log records before a command that are looked at for what was ordered before."""

_SLACK_S: Final = 2
"""Seconds by which two times that the pump rounded may differ."""

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
    records: tuple[LogRecord, ...] = ()
    if may_read_log:
        records = download_log(pump, from_seq=max(1, uncertain.log_seq + 1 - _LOOK_BACK)).records
    told = tuple(record for record in records if record.seq > uncertain.log_seq)
    if uncertain.kind is IntentKind.CANCEL:
        return _by_bolus(uncertain, status, told)
    earlier = tuple(record for record in records if record.seq <= uncertain.log_seq)
    if may_read_log and _still_holds(earlier, status):
        text = f"The pump did NOT do it: {uncertain.what}; what was ordered before still holds."
        return Resolution(uncertain.intent_id, False, None, text, uncertain.kind)
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
    resumed = _resumed(told)
    if resumed is not None and resumed.after is target:
        text = f"The pump lost power meanwhile and came back as ordered: {uncertain.what}; {now}."
        return Resolution(uncertain.intent_id, True, None, text, uncertain.kind)
    applied = not may_read_log and status.delivery_state is target
    words = "DID it, by its status" if applied else "did NOT do it"
    text = f"The pump {words}: {uncertain.what}; {now}."
    return Resolution(uncertain.intent_id, applied, None, text, uncertain.kind)


def _resumed(told: tuple[LogRecord, ...]) -> DeliveryStateEvent | None:
    """Return what the pump told of its delivery after its first start since, None where it did not start.

    Power may fail when an order is stored and before the log tells of it. After each start the pump tells by
    itself what is in force, so the order has no record with the slot of who gave it, but it is done.
    """
    since = dropwhile(lambda record: record.type is not EventType.BOOT, told)
    events = (read_payload(record) for record in since)
    return next((event for event in events if isinstance(event, DeliveryStateEvent)), None)


def _still_holds(earlier: tuple[LogRecord, ...], status: GetStatusResponse) -> bool:
    """Tell whether the pump still holds to an order from before: same state, and the end that it gave.

    Two orders of the same state differ in their end only, and after a loss of power only the end is left.
    """
    for record in reversed(earlier):
        event = read_payload(record)
        if isinstance(event, DeliveryStateEvent) and event.reason is not DeliveryReason.NONE:
            ends_s = record.utc_s + event.minutes * 60
            left_s = ends_s - status.utc_s - status.next_change_s
            return bool(event.minutes) and event.after is status.delivery_state and abs(left_s) <= _SLACK_S
    return False


def _is_order_of(record: LogRecord, slot: int) -> bool:
    event = read_payload(record) if record.actor_slot == slot else None
    return isinstance(event, DeliveryStateEvent) and event.reason is not DeliveryReason.NONE
