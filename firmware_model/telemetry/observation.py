"""What a subscriber may be told of; the endpoint makes notifications of it."""

from firmware_model.controller.controller import Controller
from protocol.requests import Observation


def observe(controller: Controller) -> Observation:
    """Return what the controller believes now; nothing changes by it."""
    bolus = controller.therapy.bolus_view
    return Observation(
        uptime_s=controller.clock.uptime_s,
        delivery_state=controller.therapy.decision.state,
        rate_nl_h=controller.therapy.rate_nl_h,
        reservoir_nl=controller.therapy.registers.content_nl,
        alarm_max_prio=controller.alarms.highest,
        log_last_seq=controller.log.last_seq,
        bolus_id=bolus.bolus_id,
        bolus_state=bolus.state,
        bolus_delivered_nl=bolus.delivered_nl,
        bolus_total_nl=bolus.total_nl,
        alarms=controller.alarms.standing,
    )
