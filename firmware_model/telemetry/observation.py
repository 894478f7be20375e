"""What a subscriber may be told of; the endpoint makes notifications of it."""

from firmware_model.controller.controller import Controller
from protocol.requests import Observation
from protocol.vocabulary import BolusState


def observe(controller: Controller) -> Observation:
    """Return what the controller believes now; nothing changes by it."""
    return Observation(
        uptime_s=controller.clock.uptime_s,
        delivery_state=controller.therapy.decision.state,
        rate_nl_h=controller.therapy.rate_nl_h,
        reservoir_nl=controller.therapy.registers.content_nl,
        alarm_max_prio=controller.alarms.highest,
        log_last_seq=controller.log.last_seq,
        bolus_id=0,
        bolus_state=BolusState.NONE,
        bolus_delivered_nl=0,
        bolus_total_nl=0,
        alarms=controller.alarms.standing,
    )
