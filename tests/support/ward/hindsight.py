"""Whether an order without an intent took place, from the status before it and the log after it.

SET_DELIVERY and BOLUS_CANCEL are absolute: they say what is to be, not what is to change, and doing one twice
is doing it once. So they need no receipt; the log has their trace. An order that was answered, or could have
been, is told by a record with the slot of who gave it. Where power failed in between, the order may have been
stored and not yet told: then the pump tells after its start, by itself, what is in force, with the reason and
the minutes of the order. That leaves two cases open, in which the status has to say what is in force and a
person may order once more: the very same was in force before, or the pump does something else by itself, in
its safe state or with an empty reservoir.
"""

from collections.abc import Sequence
from itertools import dropwhile

from protocol.log_record import BolusEndEvent, DeliveryStateEvent, read_payload
from protocol.messages.delivery import BolusCancelRequest, SetDeliveryRequest
from protocol.messages.log import LogRecord
from protocol.messages.status import GetStatusResponse
from protocol.request_words import DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState, EventType

PUMP_ITSELF = 0xFF
_HELD = (DeliveryState.STOPPED, DeliveryState.MIN_RATE)


def took_place(body: object, slot: int, before: GetStatusResponse, told: Sequence[LogRecord]) -> bool | None:
    """Judge an order of ``slot`` whose session is over; None where the status has to be asked.

    Args:
        body: the order.
        slot: who gave it.
        before: the status just before it was sent.
        told: every log record since that status.
    """
    if isinstance(body, SetDeliveryRequest):
        return _delivery_was_set(body, slot, before, told)
    assert isinstance(body, BolusCancelRequest)
    return _bolus_was_cancelled(body, slot, told)


def _delivery_was_set(
    body: SetDeliveryRequest, slot: int, before: GetStatusResponse, told: Sequence[LogRecord]
) -> bool | None:
    for record in told:
        event = read_payload(record)
        if (
            record.actor_slot == slot
            and isinstance(event, DeliveryStateEvent)
            and event.reason == body.reason
        ):
            return True
    started = list(dropwhile(lambda record: record.type is not EventType.BOOT, told))
    states = [event for event in map(read_payload, started) if isinstance(event, DeliveryStateEvent)]
    if not states:
        return False
    first = states[0]
    by_itself = first.after is not DeliveryState.RUNNING and first.reason is DeliveryReason.NONE
    if by_itself:
        return None
    if body.target_state is DeliveryState.RUNNING:
        return before.delivery_state in _HELD and first.after is DeliveryState.RUNNING
    if (first.after, first.reason, first.minutes) != (body.target_state, body.reason, body.max_minutes):
        return False
    return None if before.delivery_state is body.target_state else True


def _bolus_was_cancelled(body: BolusCancelRequest, slot: int, told: Sequence[LogRecord]) -> bool:
    for record in told:
        event = read_payload(record)
        if isinstance(event, BolusEndEvent) and event.bolus_id == body.bolus_id:
            by_order = record.actor_slot in (slot, PUMP_ITSELF) and event.state is BolusState.CANCELLED
            at_its_end = record.actor_slot == slot and event.state is BolusState.DONE
            return by_order or at_its_end
    return False
