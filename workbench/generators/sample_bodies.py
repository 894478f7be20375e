"""What the samples of single messages hold beyond the values that messages share by field name.

One story: a clinician arms, starts and cuts short a bolus, the patient takes one, delivery is slowed for a
procedure, the pump is refilled, and somebody looks at bonds, links and self-tests.
"""

from typing import Any, Final

from protocol.messages import alarms, bonds, clock, delivery, log, refill, service, session, status
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask, SelfTest
from protocol.vocabulary import (
    AlarmState,
    BolusState,
    BondState,
    ClockState,
    CloseReason,
    DeliveryState,
    Priority,
)

UTC_S: Final = 1_760_000_000
UPTIME_S: Final = 1_209_600
DAY_UTC_S: Final = 1_759_878_000
"""The local midnight, at UTC+1, with which the day before `UTC_S` began."""

_WANTED: Final = EventMask.STATUS | EventMask.ALARM | EventMask.SESSION
_TESTS: Final = SelfTest.MEMORY | SelfTest.CLOCK | SelfTest.BATTERY
_BOLUS_ID: Final = 12
_BOLUS_NL: Final = 50_000
_INSTANCE: Final = 4

BY_BODY: Final[dict[type, dict[str, Any]]] = {
    session.SubscribeRequest: {"event_mask": _WANTED, "status_period_s": 60},
    session.SubscribeResponse: {"event_mask": _WANTED, "status_period_s": 60},
    session.NotifyAckRequest: {"notify_seq": 4},
    session.SessionEnding: {"notify_seq": 5, "reason": CloseReason.EXPIRED, "seconds": 60},
    status.GetDayTotalsRequest: {"day_back": 1},
    status.GetDayTotalsResponse: {
        "day_utc_s": DAY_UTC_S,
        "basal_nl": 258_000,
        "patient_bolus_nl": 10_000,
        "clinician_bolus_nl": 20_000,
        "patient_bolus_given": 1,
    },
    status.StatusPush: {"notify_seq": 1},
    delivery.BolusArmRequest: {
        "kind": BolusKind.CLINICIAN,
        "volume_nl": _BOLUS_NL,
        "duration_s": 600,
        "declared_dose_ng": 1_000_000,
    },
    delivery.BolusArmResponse: {
        "bolus_id": _BOLUS_ID,
        "expires_s": 60,
        "rate_nl_h": 300_000,
        "dose_ng": 1_000_000,
    },
    delivery.BolusStartRequest: {"bolus_id": _BOLUS_ID},
    delivery.BolusStartResponse: {"bolus_id": _BOLUS_ID, "start_uptime_s": UPTIME_S, "log_seq": 79},
    delivery.BolusCancelRequest: {"bolus_id": _BOLUS_ID},
    delivery.BolusCancelResponse: {
        "bolus_id": _BOLUS_ID,
        "delivered_nl": 20_000,
        "cancelled_nl": _BOLUS_NL - 20_000,
        "log_seq": 80,
    },
    delivery.PatientBolusResponse: {
        "bolus_id": _BOLUS_ID + 1,
        "volume_nl": 10_000,
        "duration_s": 120,
        "left_today": 3,
        "lockout_s": 14_400,
    },
    delivery.SetDeliveryRequest: {
        "target_state": DeliveryState.MIN_RATE,
        "max_minutes": 120,
        "reason": DeliveryReason.PROCEDURE,
    },
    delivery.SetDeliveryResponse: {
        "delivery_state": DeliveryState.MIN_RATE,
        "rate_nl_h": 250,
        "auto_resume_utc_s": UTC_S + 7_200,
        "log_seq": 81,
    },
    delivery.BolusProgress: {
        "notify_seq": 2,
        "bolus_id": _BOLUS_ID,
        "state": BolusState.DELIVERING,
        "delivered_nl": 20_000,
        "total_nl": _BOLUS_NL,
    },
    clock.GetClockResponse: {"state": ClockState.SET},
    clock.SetClockRequest: {"source": ClockSource.NETWORK},
    clock.SetClockResponse: {"step_s": -2, "time_base": 2, "log_seq": 82},
    log.LogDigestRequest: {"from_seq": 1, "to_seq": 77},
    log.LogDigestResponse: {"from_seq": 1, "to_seq": 77},
    log.LogAppended: {"notify_seq": 3, "log_last_seq": 80},
    alarms.AlarmAckRequest: {"instance": _INSTANCE},
    alarms.AlarmAckResponse: {"instance": _INSTANCE, "state": AlarmState.ACKED},
    alarms.AlarmSilenceRequest: {"instance": _INSTANCE, "seconds": 300},
    alarms.AlarmSilenceResponse: {
        "instance": _INSTANCE,
        "state": AlarmState.SILENCED,
        "until_uptime_s": UPTIME_S + 300,
    },
    alarms.AlarmEvent: {
        "notify_seq": 4,
        "instance": _INSTANCE,
        "prio": Priority.LOW,
        "state": AlarmState.ACTIVE,
        "onset_uptime_s": UPTIME_S,
        "onset_utc_s": UTC_S,
        "detail": 2_000_000,
    },
    bonds.BondEntry: {"state": BondState.CONFIRMED, "last_utc_s": UTC_S},
    bonds.BondRevokeRequest: {"slot": 2},
    bonds.BondRevokeResponse: {"slot": 2, "log_seq": 83},
    bonds.BondConfirmRequest: {"slot": 1},
    bonds.BondConfirmResponse: {"slot": 1, "log_seq": 84},
    bonds.SecurityStatusResponse: {"hs_fail_total": 2, "bonding_window_s": 540},
    bonds.ProximityTokenResponse: {"expires_s": bonds.TOKEN_LIFE_S},
    service.LinkStatsResponse: {
        "rx_frames": 120,
        "rx_crc_err": 2,
        "rx_cobs_err": 1,
        "tx_frames": 118,
        "retrans_served": 1,
        "rx_bytes": 6_480,
    },
    service.SelfTestRequest: {"tests": _TESTS},
    service.SelfTestResponse: {"results": _TESTS, "duration_ms": 340},
    refill.RefillRecordRequest: {"withdrawn_nl": 2_100_000, "filled_nl": 20_000_000, "lot": "LOT 4711"},
    refill.RefillRecordResponse: {
        "reservoir_nl": 20_000_000,
        "expected_residual_nl": 2_050_000,
        "log_seq": 85,
    },
}
"""By body class: the values of fields that the shared ones do not fit."""
